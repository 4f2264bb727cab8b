"""The book as one PDF: what is printed, by which browser, and what is said where that fails."""

import subprocess
import sys

import pytest

from maskdet.config import ROOT

# A browser that prints what it is shown, as it is.
BROWSER = """#!{python}
import pathlib, sys, urllib.parse
asked = dict(argument[2:].split("=", 1) for argument in sys.argv if argument.startswith("--") and "=" in argument)
page = pathlib.Path(urllib.parse.urlparse(sys.argv[-1]).path)
sys.stderr.write("no fonts")
pathlib.Path(asked["print-to-pdf"]).write_bytes({start!r} + page.read_bytes())
sys.exit({status})
"""


@pytest.fixture
def printed(tmp_path, monkeypatch):
    """Print a page with a browser whose output starts with `start`: what was said, and the path of the PDF."""
    folder = tmp_path / "singlehtml"
    (folder / "book").mkdir(parents=True)
    (folder / "book/index.html").write_text('<img src="_images/a.svg"><details class="hide"><p>code</p></details>')

    def run(start=b"%PDF-1.7 ", status=0, browser=tmp_path / "browser"):
        (tmp_path / "browser").write_text(BROWSER.format(python=sys.executable, start=start, status=status))
        (tmp_path / "browser").chmod(0o755)
        monkeypatch.setenv("CHROMIUM", str(browser))
        path = tmp_path / "book.pdf"
        return subprocess.run([sys.executable, str(ROOT / "book/_ext/print_book.py"), str(folder), str(path)],
                              capture_output=True, text=True, check=False), path
    return run


def test_the_page_is_printed_from_the_root_of_its_folder_with_everything_open(printed):
    done, path = printed()
    assert done.returncode == 0, done.stderr
    assert path.read_bytes() == b'%PDF-1.7 <img src="_images/a.svg"><details open class="hide"><p>code</p></details>'
    assert (path.parent / "singlehtml/print.html").exists()


@pytest.mark.parametrize("fault", [{"status": 1}, {"start": b"<html>"}])
def test_a_browser_that_prints_no_pdf_is_an_error_that_leaves_no_file(printed, fault):
    done, path = printed(**fault)
    assert done.returncode == 1 and "expected a PDF from" in done.stderr and "no fonts" in done.stderr
    assert not path.exists() and not list(path.parent.glob(".book*"))


def test_a_missing_browser_is_an_error_that_says_how_to_get_one(printed):
    done, path = printed(browser="/nowhere/chromium")
    assert done.returncode == 1 and not path.exists()
    assert "expected Chromium" in done.stderr and "got none at /nowhere/chromium: apt install chromium" in done.stderr
