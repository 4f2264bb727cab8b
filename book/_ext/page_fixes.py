"""Mend what the theme's pages get wrong for readers with a keyboard, a screen reader or a slow line.

A pass over the written pages, each rule beside the fault it mends. The rules know the markup of the pinned
theme; where a later theme no longer has a fault, its rule finds nothing.
"""

from bs4 import BeautifulSoup

# A scrolling box takes the focus only if it overflows, which the theme measures while hidden cells are closed.
MEASURE_AGAIN = 'document.addEventListener("toggle", () => dispatchEvent(new Event("resize")), true)'
SCROLLS = "pst-scrollable-table-container"   # the theme's name for a box that scrolls sideways


def mend(soup):
    """Correct one page in place."""
    # A name that contradicts the visible words cannot be spoken to a voice control: let the words be the name.
    for element in soup.select(".search-button-field, summary"):
        del element["aria-label"]
    for icon in soup.select(".theme-switch"):
        del icon["title"]
    # pandas heads its corner with empty header cells.
    for header in soup.find_all("th"):
        if not header.get_text(strip=True):
            header.name = "td"
    # Roles of a bibliography: one is deprecated, and with it the list has no items.
    for element in soup.select(".citation-list, .citation"):
        del element["role"]
    # The sidebar's title and search belong to no landmark.
    for sidebar in soup.select("#pst-primary-sidebar"):
        sidebar["role"], sidebar["aria-label"] = "navigation", "Book"
    # Icons come from a font; the script that would draw them again is half of a page's weight.
    for script in soup.select('script[src*="fontawesome.js"], link[href*="fontawesome.js"]'):
        script.decompose()
    # Equations, and tables glued from other pages, are wider than a phone.
    for equation in soup.select("div.math"):
        if SCROLLS not in equation["class"]:
            equation["class"].append(SCROLLS)
    for table in soup.select("table.dataframe"):
        if not table.find_parent(class_=[SCROLLS, "cell_output"]):
            table.wrap(soup.new_tag("div", attrs={"class": SCROLLS}))
    # The redirect at the root names no icon, so that a browser asks for one in vain.
    for redirect in soup.select('meta[http-equiv="Refresh"]'):
        if not soup.find("link", rel="icon"):
            redirect.insert_after(soup.new_tag("link", attrs={"rel": "icon", "href": "data:,"}))


def mend_pages(app, exception):
    """Rewrite every page that this build left behind; a second pass over a mended page changes nothing."""
    if exception or app.builder.format != "html":
        return
    for page in sorted(app.outdir.rglob("*.html")):
        if "_static" not in page.parts:
            soup = BeautifulSoup(page.read_text(encoding="utf8"), "html.parser")
            mend(soup)
            page.write_text(str(soup), encoding="utf8")


def setup(app):
    """Connect to Sphinx."""
    app.add_js_file(None, body=MEASURE_AGAIN)
    app.connect("build-finished", mend_pages)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
