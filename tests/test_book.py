"""The book: its sources, and the one that the tests build."""

import io
import json
import os
import re
import subprocess
from pathlib import Path

import pytest
from sphinx.application import Sphinx

from maskdet.config import ROOT
from maskdet.counts import Count
from maskdet.record import results
from smoke_book import ALONE, command, make

SOURCES = sorted((ROOT / "book").glob("*.ipynb"))
PAGES = sorted((ROOT / "book").glob("*.md"))


def test_an_interrupted_make_leaves_nothing_half_written(interrupted):
    assert (interrupted / "smoke/notebooks/01_data.ipynb").exists()
    assert not (interrupted / "smoke/notebooks/02_faces.ipynb").exists()
    assert not (interrupted / "smoke/crops/crops.npz").exists() and not list(interrupted.rglob(".*.part*"))
    [journal] = (interrupted / "smoke/crops").glob("mtcnn.*.jsonl")
    lines = journal.read_text().splitlines()
    assert len(lines) > 3 and all(json.loads(line) for line in lines)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_notebooks_are_thin_and_carry_no_output(path):
    cells = json.loads(path.read_text(encoding="utf8"))["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert all(not cell["outputs"] and cell["execution_count"] is None for cell in code)
    assert max(len("".join(cell["source"]).splitlines()) for cell in code) <= 20
    assert [cell["metadata"]["tags"] for cell in code if "parameters" in cell["metadata"].get("tags", [])]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_every_figure_has_a_name_a_caption_and_alternative_text(path):
    for cell in json.loads(path.read_text(encoding="utf8"))["cells"]:
        if cell["cell_type"] == "code" and re.search(r"\bfigures\.[a-z]", "".join(cell["source"])):
            shown = cell["metadata"]["mystnb"]
            assert shown["figure"]["name"] and shown["figure"]["caption"] and shown["image"]["alt"]


def test_every_page_is_in_the_table_of_contents_and_numbered_chapters_are_in_their_order():
    contents = (ROOT / "_toc.yml").read_text()
    chapters = re.findall(r"book/((\d+)_\w+)\n", contents)
    assert [int(number) for _, number in chapters] == list(range(1, len(chapters) + 1)) and len(chapters) > 10
    index = re.findall(r"^(\d+)\. \{doc\}`(\w+)`", _prose(ROOT / "book/index.ipynb"), re.MULTILINE)
    assert index == [(str(int(number)), name) for name, number in chapters]
    for path in [*SOURCES, *PAGES]:
        assert f"book/{path.stem}\n" in contents


def test_the_results_need_the_chapters_before_them_alone(tmp_path):
    target = f"{tmp_path}/smoke/notebooks/05_results.ipynb"
    plan = subprocess.run(command("-n", "-o", ".venv/ready", target, build=tmp_path), capture_output=True, text=True,
                          env=ALONE).stdout
    assert re.findall(r" book/(\w+)\.ipynb", plan) == ["01_data", "02_faces", "03_networks", "04_attack", "05_results"]


@pytest.mark.parametrize("profile, kept", [("smoke", ["demo", "larxel", "html", "mine"]), ("all", ["mine"])])
def test_clean_removes_a_profile_or_all_that_was_built_and_nothing_else(tmp_path, profile, kept):
    for name in ("demo", "larxel", "smoke", "html", "mine"):
        (tmp_path / name).mkdir()
    subprocess.run(command("clean", f"PROFILE={profile}", build=tmp_path), check=True, capture_output=True, env=ALONE)
    assert {path.name for path in tmp_path.iterdir()} == set(kept)


@pytest.fixture
def page(tmp_path, monkeypatch):
    """What a page of Sphinx makes of a text with roles: its HTML, and what is warned of."""
    monkeypatch.syspath_prepend(str(ROOT / "book/_ext"))

    def built(text):
        source = tmp_path / "source"
        source.mkdir()
        (source / "index.md").write_text(f"# Page\n\n{text}\n", encoding="utf8")
        said = io.StringIO()
        app = Sphinx(source, None, tmp_path / "html", tmp_path / "trees", "html", warning=said, status=None,
                     confoverrides={"extensions": ["myst_parser", "recorded_numbers"], "html_theme": "basic"})
        app.build()
        return (tmp_path / "html/index.html").read_text(encoding="utf8"), said.getvalue(), app.env.dependencies["index"]
    return built


def test_a_number_of_a_record_is_quoted_by_its_name_and_the_page_depends_on_the_file(page):
    name = "larxel.folds.accuracy.resnet"
    text, said, files = page(f"{{number}}`{name}`, {{number}}`{name}.share`, {{number}}`preprint.success`")
    count = Count(**results.read("larxel")["folds"]["accuracy"]["resnet"])
    assert f"{count}, {100 * count.share:.1f} %, about 1.77 %" in text.replace("\N{NO-BREAK SPACE}", " ")
    assert not said and {Path(file).name for file in files} == {"larxel.json", "preprint.json"}


@pytest.mark.parametrize("name", ["larxel.folds.accuracy.resnett", "larxel", "nowhere.accuracy"])
def test_a_name_that_no_record_has_is_a_warning(page, name):
    text, said, _ = page(f"{{number}}`{name}`")
    assert f"expected a number of results/, as in {{number}}`larxel.accuracy.resnet`, got {name}" in said


def test_jupyterlab_is_allowed_to_run_as_root_only_where_the_user_is():
    said = subprocess.run(["make", "-C", str(ROOT), "-n", "-o", ".venv/ready", "lab"], capture_output=True, text=True,
                          env=ALONE)
    assert "jupyter lab" in said.stdout and ("--allow-root" in said.stdout) == (os.geteuid() == 0)


def test_the_book_is_built_without_a_warning_and_says_that_its_faces_are_drawn(build):
    pages = sorted((build / "smoke/_build/html/book").glob("*.html"))
    assert len(pages) == len(SOURCES) + len(PAGES)
    for page in pages:
        text = page.read_text(encoding="utf8")
        assert "faces drawn by code" in text and len(text) < 1_500_000, page.name
        assert "injected-parameters" not in text and "glue:" not in text


def test_no_page_asks_another_host_for_anything(build):
    loads = re.compile(r"""<(?:script|img|iframe|source|video|audio|embed)[^>]*\ssrc=["']([^"']+)|"""
                       r"""<link[^>]*rel=["'](?:stylesheet|preload|icon|preconnect)[^>]*href=["']([^"']+)""")
    for page in (build / "smoke/_build/html").rglob("*.html"):
        for source in loads.findall(page.read_text(encoding="utf8")):
            assert not re.match(r"(https?:)?//", "".join(source)), f"{page.name} loads {source}"


def test_nothing_is_run_again_when_nothing_has_changed(build):
    done = make("book", build=build)
    assert done.returncode == 0 and "papermill" not in done.stdout + done.stderr, done.stdout
    assert "jupyter-book" not in done.stdout


def verify(build):
    return make("verify", f"COPIES={build}/smoke/notebooks/01_data.ipynb", build=build)


def test_verify_passes_on_what_was_run_and_fails_on_a_planted_number(build):
    done = verify(build)
    assert done.returncode == 0, done.stdout[-3000:]
    path = Path(build, "smoke/notebooks/01_data.ipynb")
    text, times = path.read_text(encoding="utf8"), (path.stat().st_atime_ns, path.stat().st_mtime_ns)
    [number] = re.findall(r'"application/papermill.record/text/plain": "\'(\d+)\'"\s*\},\s*"metadata": \{\s*'
                          r'"scrapbook": \{\s*"mime_prefix": "application/papermill.record/",\s*'
                          r'"name": "data.photographs"', text)
    planted = text.replace(f'"application/papermill.record/text/plain": "\'{number}\'"',
                           f'"application/papermill.record/text/plain": "\'{int(number) + 1}\'"')
    assert planted != text
    path.write_text(planted, encoding="utf8")
    try:
        done = verify(build)
        assert done.returncode != 0 and "1 failed" in done.stdout, done.stdout[-3000:]
    finally:
        path.write_text(text, encoding="utf8")
        os.utime(path, ns=times)


NAMES = re.compile(  # what holds a digit and is no finding: quotes, names, the size of a crop, the level of intervals
    r'"[^"]*"|“[^”]*”|Figure \d|50×50|95 %|ResNet-50|MobileNetV2|CIFAR-10|SHA-256|float\d+|CC0 1\.0|'
    r"Python 3\.11, 3\.12 or 3\.13|best/1/bin|:header-rows: 1|:gutter: 2")
TABLE = re.compile(r"^```\{list-table\}(.*?)^```", re.DOTALL | re.MULTILINE)
MARKUP = re.compile(r"^````.*?$|^```[^`].*?^```|\$\$.*?\$\$|\$[^$]*\$|`[^`]*`|\{[a-z:]+\}`[^`]*`|\]\([^)]*\)|"
                    r"https?://\S+|^\d+\. ", re.DOTALL | re.MULTILINE)


def _prose(path):
    """The text of a page's cells that are not code."""
    text = path.read_text(encoding="utf8")
    if path.suffix == ".md":
        return text
    return "\n\n".join("".join(cell["source"]) for cell in json.loads(text)["cells"] if cell["cell_type"] == "markdown")


@pytest.mark.parametrize("path", [*SOURCES, *PAGES], ids=lambda path: path.stem)
def test_no_number_is_typed_by_hand(path):
    assert not re.findall(r".{,30}\d.{,30}", NAMES.sub("", MARKUP.sub("", TABLE.sub(r"\1", _prose(path)))))


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_a_page_opens_with_its_question_and_a_chapter_closes_with_exercises(path):
    text = _prose(path)
    assert re.match(r"# .+\n\n\*.+\?\*(\n|$)", text)
    if path.stem[0].isdigit() and path.stem != "05_results":  # which runs nothing that an exercise could change
        _, end = text.split("## Try it in JupyterLab\n\n")
        assert 2 <= len(re.findall(r"^\d\. ", end, re.MULTILINE)) <= 3


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_no_table_is_without_a_caption(path):
    cells = json.loads(path.read_text(encoding="utf8"))["cells"]
    for cell in (cell for cell in cells if cell["cell_type"] == "code"):
        source = "".join(cell["source"])
        assert not re.search(r"^[\w.]*(?:table|counts|summary|agreement)\w*\(", source, re.MULTILINE), source
