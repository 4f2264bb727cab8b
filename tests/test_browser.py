"""The book in a real browser: every page in both themes, on a wide and on a narrow screen; and in print."""

import gzip
import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from bs4 import BeautifulSoup

from maskdet.config import ROOT
from smoke_book import make

PAGES = sorted(f"book/{path.stem}.html" for kind in ("ipynb", "md") for path in (ROOT / "book").glob(f"*.{kind}"))
THEMES, WIDTHS = ("light", "dark"), (1280, 360)


def _violations(page) -> list[str]:
    """What axe finds against WCAG 2.2, A and AA, and best practice."""
    import axe_playwright_python

    page.evaluate(Path(axe_playwright_python.__file__).with_name("axe.min.js").read_text(encoding="utf8"))
    # The size of targets, new in 2.2, is off by itself. With `preload`, axe would ask for style sheets, some at
    # addresses that are wrong.
    found = page.evaluate("axe.run(document, {resultTypes: ['violations'], preload: false, "
                          "rules: {'target-size': {enabled: true}}})")["violations"]
    return [f"{one['id']}: {node['html'][:200]}" for one in found for node in one["nodes"]]


def _overflow(page) -> int:
    """By how many pixels the page is wider than the screen."""
    return page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_whole_in_both_themes_and_widths(page, site, name):
    page.goto(f"{site[0]}/{name}", wait_until="networkidle")
    for width in WIDTHS:
        if width != page.viewport_size["width"]:
            page.set_viewport_size({"width": width, "height": 900})
            page.wait_for_timeout(600)  # the theme measures what scrolls some time after a change
        for theme in THEMES:
            page.emulate_media(color_scheme=theme)
            page.wait_for_function("theme => document.documentElement.dataset.theme === theme", arg=theme)
            # Colours change over a moment; what is only half there would be measured.
            page.wait_for_function("document.getAnimations().every(one => one.playState !== 'running')")
            assert not _overflow(page) and not _violations(page), f"{theme}, {width} px"
    assert not page.faults
    sent = sum(len(gzip.compress(answer.body())) for answer in page.answers)  # compressed, as servers send it
    assert sent < (5_000_000 if name == "book/try.html" else 1_500_000)


def test_every_link_within_the_book_leads_somewhere(site):
    _, folder = site
    soups = {path: BeautifulSoup(path.read_text(encoding="utf8"), "html.parser") for path in folder.rglob("*.html")
             if "_static" not in path.parts}
    names = {path: {element[key] for key in ("id", "name") for element in soup.find_all(attrs={key: True})}
             for path, soup in soups.items()}
    broken = []
    for path, soup in soups.items():
        for link in soup.find_all("a", href=True):
            parts = urlsplit(link["href"])
            if parts.scheme or parts.netloc or link["href"] in ("", "#"):
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            there = target in names and (not parts.fragment or unquote(parts.fragment) in names[target])
            if not there and (target in names or not target.exists()):
                broken.append(f"{path.name}: {link['href']}")
    assert len(soups) > len(PAGES) and not broken


def test_the_book_prints_as_one_pdf_with_every_chapter(chromium, build):
    done = make("pdf", build=build)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    pdf = (build / "smoke/book.pdf").read_bytes()
    assert pdf.startswith(b"%PDF") and len(pdf) > 200_000
    titles = [BeautifulSoup((build / f"smoke/_build/html/{name}").read_text(encoding="utf8"), "html.parser").h1
              for name in PAGES]
    printed = _outline(pdf)
    for title in titles:
        words = title.get_text().rstrip("#").strip()
        assert any(words in entry for entry in printed), words


def _outline(pdf: bytes) -> list[str]:
    """The titles of a PDF's outline, as Chromium writes them: in plain brackets, or as UTF-16 in hexadecimal."""
    plain = [text.decode("latin1") for text in re.findall(rb"/Title \((.*?)\)\n", pdf)]
    coded = [bytes.fromhex(text.decode()).decode("utf-16") for text in re.findall(rb"/Title <([0-9A-Fa-f]+)>", pdf)]
    return plain + coded
