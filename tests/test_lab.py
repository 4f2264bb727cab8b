"""The notebooks as JupyterLab opens them: their prose reads as in the book, and what is saved is what was there."""

import asyncio
import contextlib
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time

import pytest

from maskdet.config import ROOT
from maskdet.record import results

sys.path.insert(0, str(ROOT / "book" / "_ext"))
from filled_notebooks import NONE, Contents, Filler

ROLES = re.compile(r"\{[a-z:]+\}`|^`{3,}\{", re.MULTILINE)


@pytest.fixture
def lab(tmp_path, monkeypatch):
    """The notebooks in a folder of their own, one of them executed: a number is glued in it."""
    shutil.copytree(ROOT / "book", tmp_path / "book", ignore=shutil.ignore_patterns("_*"))
    glued = {"metadata": {"scrapbook": {"name": "recall.masked"}}, "output_type": "display_data",
             "data": {"application/papermill.record/text/plain": "'98.7\\xa0% (75/76)'"}}
    copies = tmp_path / "build/demo/notebooks"
    copies.mkdir(parents=True)
    (copies / "02_faces.ipynb").write_text(json.dumps({"cells": [{"outputs": [glued]}]}))
    monkeypatch.setenv("MASKDET_BUILD", str(tmp_path / "build"))
    return tmp_path / "book"


def test_each_role_is_filled_in_as_in_the_book(lab):
    fill = Filler(lab, lab.parent / "build/demo/notebooks").fill
    preprint = results.typed(results.read("preprint")["accuracy"])
    assert fill("of {number}`preprint.accuracy` faces") == f"of {results.as_text(preprint)} faces"
    assert fill("{glue:text}`02_faces.ipynb::recall.masked:s`") == "98.7\N{NO-BREAK SPACE}% (75/76)"
    assert fill("{glue:text}`02_faces.ipynb::nothing:s` {glue:text}`01_data.ipynb::data.faces:s`") == f"{NONE} {NONE}"
    assert fill("{doc}`02_faces`, {doc}`glossary`") == "[The faces](02_faces.ipynb), [Glossary](glossary.md)"
    assert fill("{cite}`zhang2016`, {cite}`sandler2018,he2016`") == (
        "[Zhang et al., 2016], [Sandler et al., 2018; He et al., 2016]")
    assert fill("{numref}`fig-missed`, {numref}`fig-index`") == "Fig. 2.3, the figure"
    assert fill("the {term}`margin <m>`") == "the margin" and fill("`{code}` stays") == "`{code}` stays"
    assert fill("```{list-table} Two numbers.\n:header-rows: 1\n\n* - a\n  - b\n* - 1\n  - 2\n  3\n```\n") == (
        "*Two numbers.*\n\n| a | b |\n|---|---|\n| 1 | 2 3 |\n")
    assert fill("````{dropdown} How\nSo: {number}`preprint.accuracy`.\n````") == (
        f"**How**\n\nSo: {results.as_text(preprint)}.\n\n")


def test_a_role_that_cannot_be_filled_in_is_shown_with_its_fault(lab):
    fill = Filler(lab, lab.parent).fill
    for role in ("{number}`nothing.x`", "{number}`preprint.nothing`", "{doc}`missing`", "{cite}`nobody1900`",
                 "{numref}`fig-nope`"):
        assert fill(f"See {role}.").startswith(f"See {role} *(") and fill(role).endswith(")*")
    assert fill("{doc}`the faces <02_faces>` {numref}`tab-headline`") == "[The faces](02_faces.ipynb) the table"


def test_a_notebook_reads_whole_and_is_saved_with_its_roles_also_where_it_was_edited(lab):
    contents, before = Contents(root_dir=str(lab)), (lab / "08_verification.ipynb").read_text()

    async def opened_and_saved(edit):
        model = await contents.get("08_verification.ipynb")
        prose = [cell for cell in model["content"]["cells"] if cell["cell_type"] == "markdown"]
        text = "\n".join(cell["source"] for cell in prose)
        edit(prose)
        await contents.save({"type": "notebook", "content": model["content"]}, "08_verification.ipynb")
        return text
    text = asyncio.run(opened_and_saved(lambda cells: None))
    assert not ROLES.search(text) and "[Luck of the split" in text
    cells = [json.loads(source)["cells"] for source in (before, (lab / "08_verification.ipynb").read_text())]
    assert cells[0] == cells[1]
    title = "# What one pixel can do, and what it cannot"

    def edit(cells):
        for cell in cells:
            cell["source"] = cell["source"].replace(title, "# Mine").replace("We verify", "We have verified")
    asyncio.run(opened_and_saved(edit))
    saved = json.loads((lab / "08_verification.ipynb").read_text())["cells"]
    for was, now in zip(cells[0], saved):
        expected = "".join(was["source"])
        if was["cell_type"] == "markdown":
            expected = expected.replace(title, "# Mine").replace("We verify", "We have verified")
        assert "".join(now["source"]) == expected and now["metadata"] == was["metadata"]


@pytest.mark.parametrize("name", ["02_faces", "05_results", "08_verification"])
def test_a_chapter_is_filled_in_in_a_real_browser(lab, name, jupyterlab):
    address, page = jupyterlab
    page.goto(f"{address}/lab/tree/{name}.ipynb")
    page.wait_for_function("document.querySelector('.jp-NotebookPanel:not(.lm-mod-hidden)')?.innerText.length > 2000")
    assert not ROLES.search(page.inner_text(".jp-NotebookPanel:not(.lm-mod-hidden)"))


@pytest.fixture
def jupyterlab(chromium, lab):
    """JupyterLab as `make lab` starts it, its address, and a page of a browser."""
    from playwright.sync_api import sync_playwright

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = ["--no-browser", "--allow-root", f"--port={port}", "--IdentityProvider.token=", str(lab)]
    filled = "--ServerApp.contents_manager_class=filled_notebooks.Contents"
    path = os.pathsep.join([str(ROOT / "book/_ext"), os.environ.get("PYTHONPATH", "")])
    own = {f"JUPYTER{name}_DIR": str(lab.parent / name)
           for name in ("_CONFIG", "_DATA", "LAB_WORKSPACES", "LAB_SETTINGS")}
    server = subprocess.Popen([sys.executable, "-m", "jupyterlab", filled, *options], stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL, env=os.environ | own | {"PYTHONPATH": path})
    try:
        for _ in range(600):
            with socket.socket() as asked:
                if asked.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium,
                                                 args=["--no-sandbox", "--disable-dev-shm-usage"])
            page = browser.new_page()
            page.set_default_timeout(60_000)
            yield f"http://127.0.0.1:{port}", page
            browser.close()
    finally:
        server.terminate()  # which ends its kernels; it itself may wait for a thread of its own that never ends
        with contextlib.suppress(subprocess.TimeoutExpired):
            server.wait(20)
        server.kill()
        server.wait()
