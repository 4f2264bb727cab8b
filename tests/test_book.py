"""The book: its sources, and one built from nothing on a few drawn photographs."""

import json
import os
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from maskdet.config import ROOT, build_folder

SOURCES = sorted((ROOT / "book").glob("*.ipynb"))
PAGES = sorted((ROOT / "book").glob("*.md"))


def command(*targets, build):
    return ["make", "-C", str(ROOT), "PROFILE=smoke", f"BUILD={build}", *targets]


# These are runs of their own, not part of a `make -j` that may run the tests.
ALONE = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}


def make(*targets, build):
    """Run `make` on the smoke profile in a build folder of its own."""
    return subprocess.run(command(*targets, build=build), capture_output=True, text=True, env=ALONE)


@pytest.fixture(scope="module")
def interrupted():
    """A build folder in which `make book` was interrupted, as by Ctrl-C, while it was detecting faces.

    It stays for those who want to look at the book, and for `make verify PROFILE=smoke BUILD=_build/tests`.
    """
    folder = build_folder() / "tests"
    shutil.rmtree(folder, ignore_errors=True)
    journal = folder / "smoke/detections.jsonl"
    with subprocess.Popen(command("book", build=folder), start_new_session=True, stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL, env=ALONE,
                          # a shell in the background ignores the signal, and so would all below it
                          preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)) as running:
        while running.poll() is None and not (journal.exists() and journal.read_bytes().count(b"\n") > 3):
            time.sleep(0.05)
        os.killpg(running.pid, signal.SIGINT)
    return folder


def test_an_interrupted_make_leaves_nothing_half_written(interrupted):
    assert (interrupted / "smoke/notebooks/01_data.ipynb").exists()
    assert not (interrupted / "smoke/notebooks/02_faces.ipynb").exists()
    assert not (interrupted / "smoke/crops.npz").exists() and not list(interrupted.rglob(".*.part*"))
    lines = (interrupted / "smoke/detections.jsonl").read_text().splitlines()
    assert len(lines) > 3 and all(json.loads(line) for line in lines)


@pytest.fixture(scope="module")
def build(interrupted):
    """A whole book of the smoke profile, made by the next `make`; the build folder."""
    finished = (interrupted / "smoke/detections.jsonl").read_text()
    done = make("book", build=interrupted)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert "01_data.ipynb" not in done.stdout, "what was finished is not run again"
    assert (interrupted / "smoke/detections.jsonl").read_text().startswith(finished), "nor searched again"
    return interrupted


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_notebooks_are_thin_and_carry_no_output(path):
    cells = json.loads(path.read_text(encoding="utf8"))["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert all(not cell["outputs"] and cell["execution_count"] is None for cell in code)
    assert max(len("".join(cell["source"]).splitlines()) for cell in code) <= 12
    assert [cell["metadata"]["tags"] for cell in code if "parameters" in cell["metadata"].get("tags", [])]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_every_figure_has_a_name_a_caption_and_alternative_text(path):
    for cell in json.loads(path.read_text(encoding="utf8"))["cells"]:
        if cell["cell_type"] == "code" and "figures." in "".join(cell["source"]):
            shown = cell["metadata"]["mystnb"]
            assert shown["figure"]["name"] and shown["figure"]["caption"] and shown["image"]["alt"]


def test_every_notebook_is_in_the_table_of_contents_and_in_the_makefile():
    contents, rules = ((ROOT / name).read_text() for name in ("_toc.yml", "Makefile"))
    assert len(SOURCES) > 5
    for path in SOURCES:
        assert f"book/{path.stem}\n" in contents and path.stem in rules
    for path in PAGES:
        assert f"book/{path.stem}\n" in contents


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
