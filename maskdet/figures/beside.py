"""Views of one thing beside each other, such as a recorded run and this build: one is shown, the others a click away.

Tabs of plain HTML and CSS: radio buttons, so that they work by keyboard and without scripts, in JupyterLab as in the
book. On paper all views are printed, one below the other, each under its title.
"""

import dataclasses
import html
import re
from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from maskdet import files

STYLE = """<style>
.beside { border: 0; margin: 0; padding: 0; min-width: 0; }
.beside > input { position: absolute; opacity: 0; }
.beside > label { display: inline-block; padding: .2em .7em; cursor: pointer; border-bottom: 3px solid transparent;
  font: .9rem/1.5 system-ui, sans-serif; }
.beside > input:checked + label { border-bottom-color: currentColor; font-weight: 600; }
.beside > input:focus-visible + label { outline: 2px solid currentColor; }
.beside > div { overflow-x: auto; }
.beside > div > h4 { display: none; }
@media screen { SHOWN { display: block; } .beside > div { display: none; } }
@media print { .beside > label { display: none; } .beside > div > h4 { display: block; } }
</style>"""
MOST = 6  # views


@dataclass(frozen=True)
class Table:
    """A table under its caption. Columns of words have a class of their place (`text-2`), by which the book's style
    begins them at the left; numbers end at the right."""

    frame: pd.DataFrame
    caption: str

    def _repr_html_(self) -> str:
        body = self.frame.to_html(border=0, classes=[f"text-{place}" for place in self._words()])
        shown = body.replace(">", f"><caption>{html.escape(self.caption)}</caption>", 1)
        return shown.replace(" %", "\N{NO-BREAK SPACE}%")  # stays on the line of its number

    def _words(self) -> list[int]:
        """The places, from 1, of the columns that hold nothing but words; those of the index come first."""
        first = self.frame.index.nlevels + 1
        return [place for place, (_, column) in enumerate(self.frame.items(), start=first)
                if all(isinstance(value, str) and value[:1].isalpha() for value in column) and len(column)]

    def __repr__(self) -> str:
        return f"{self.caption}\n{self.frame}"


@dataclass(frozen=True)
class Beside:
    """`views`: by title, figures or tables; the first is shown. `about`: what they are of; the caption of tables.
    `note`: a line below all of them. Raises ValueError for none, or for more than MOST."""

    views: Mapping[str, object]
    about: str
    note: str = ""

    def __post_init__(self):
        if not 1 <= len(self.views) <= MOST:
            raise ValueError(f"expected 1 to {MOST} views, got {len(self.views)}")

    def same(self, first: str, second: str) -> bool:
        """Whether two of the views show the same."""
        one, other = (_shown(self.views[title], "") for title in (first, second))
        return one == other

    def noted(self, note: str) -> "Beside":
        """The same views with a line below them."""
        return dataclasses.replace(self, note=note)

    def _repr_html_(self) -> str:
        shown = [_shown(view, f"{self.about} ({title})") for title, view in self.views.items()]
        name = f"beside-{files.digest(self.about, *self.views, *shown)}"  # the same each time, another for other views
        tabs, sections = [], []
        for number, (title, view) in enumerate(zip(map(html.escape, self.views), shown)):
            # Two views may be of the same figure, whose names must not be there twice.
            view = re.sub(r'( id="|url\(#|href="#)(f[0-9a-f]{7}-)', rf"\g<1>v{number}\g<2>", view)
            tabs.append(f'<input type="radio" name="{name}" id="{name}-{number}"{" checked" * (number == 0)}>'
                        f'<label for="{name}-{number}">{title}</label>')
            # A table may have to be scrolled, which a keyboard can do to what takes the focus.
            sections.append(f'<div tabindex="0" role="group" aria-label="{title}"><h4>{title}</h4>{view}</div>')
        note = f"<p>{html.escape(self.note)}</p>" if self.note else ""
        return (f'{STYLE.replace("SHOWN", _SELECTED)}<fieldset class="beside" aria-label="{html.escape(self.about)}">'
                f'{"".join(tabs)}{"".join(sections)}{note}</fieldset>')

    def __repr__(self) -> str:
        return "\n\n".join(f"{title}:\n{view!r}" for title, view in self.views.items()) + f"\n{self.note}"


# The view of the button that is checked, each by its place.
_SELECTED = ", ".join(f".beside > input:nth-of-type({number}):checked ~ div:nth-of-type({number})"
                      for number in range(1, MOST + 1))


def _shown(view: object, caption: str) -> str:
    """A view as HTML; a table under a caption. Raises TypeError for what has none."""
    if isinstance(view, pd.DataFrame):
        view = Table(view, caption)
    if not hasattr(view, "_repr_html_"):
        raise TypeError(f"expected a figure or a table, got {type(view).__name__}")
    return view._repr_html_()
