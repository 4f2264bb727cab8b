"""Print the book as one PDF: `python book/_ext/print_book.py SINGLEHTML BOOK.pdf`.

SINGLEHTML is the folder that `jupyter-book build --builder singlehtml` wrote. Chromium prints its one page, with
the book's own style, outline and tags; CHROMIUM names it where it is not on the PATH.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from maskdet import files

NAMES = "chromium", "chromium-browser", "google-chrome"
SECONDS = 300  # a book takes ten


def browser() -> str:
    """The command of Chromium. Raises FileNotFoundError, with the remedy, where there is none."""
    given = os.environ.get("CHROMIUM")
    found = [path for path in map(shutil.which, [given] if given else NAMES) if path]
    if not found:
        raise FileNotFoundError(f"expected Chromium to print the book with, got none at {given or ', '.join(NAMES)}: "
                                "apt install chromium, or say where it is with CHROMIUM=/path/to/chromium")
    return found[0]


def page(folder: Path) -> Path:
    """The page to print. Its links to styles and images hold at the root of the folder, where Sphinx did not put it."""
    text = (folder / "book/index.html").read_text(encoding="utf8")
    path = folder / "print.html"
    # On paper nothing can be opened; and what a page names relative to itself lies here one folder up.
    text = text.replace("<details", "<details open").replace('="../_static/', '="_static/')
    path.write_text(text, encoding="utf8")
    return path


def print_to(path: Path, folder: Path) -> None:
    """Print the book in `folder`, whole or not at all. Raises RuntimeError where Chromium writes no PDF."""
    command = browser()
    with tempfile.TemporaryDirectory() as profile, files.whole(path) as part:
        done = subprocess.run(
            [command, "--headless=new", "--disable-gpu", "--disable-dev-shm-usage", f"--user-data-dir={profile}",
             "--no-sandbox",  # which containers refuse; what is opened is the book's own page
             "--virtual-time-budget=30000",  # until the equations are set
             "--no-pdf-header-footer", "--generate-pdf-document-outline", f"--print-to-pdf={part.resolve()}",
             page(folder).resolve().as_uri()], capture_output=True, text=True, timeout=SECONDS, check=False)
        if done.returncode or not part.exists() or not part.read_bytes().startswith(b"%PDF"):
            raise RuntimeError(f"expected a PDF from {command}, got none (exit status {done.returncode}):\n"
                               f"{done.stderr[-2000:]}")


def main(arguments: list[str]) -> int:
    """Print what is asked for; returns the exit status."""
    try:
        if arguments == ["--check"]:  # before the minutes that a book takes
            browser()
        else:
            folder, path = map(Path, arguments)
            print_to(path, folder)
    except (OSError, ValueError, RuntimeError, subprocess.TimeoutExpired) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
