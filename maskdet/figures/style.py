"""The style of all figures, their axes, and the form in which a notebook shows them: wide, and narrow for a phone."""

import contextvars
import functools
import html
import io
import math
import re
import warnings
from collections.abc import Mapping

import matplotlib
import numpy as np
import seaborn as sns
from matplotlib.figure import Figure

from maskdet import files

INK = "#1b1c1d"  # replaced in the SVG by the colour of the text around it
WIDE, NARROW = 7.0, 3.5  # inches: the width of a page's text, and that of a phone
COLOURS = {**dict(zip(("masked", "bare", "detected"), sns.color_palette("colorblind"))),
           "missed": "#b3366b", "left out": "#8c8c8c"}
RC = {**sns.axes_style("ticks"), **sns.plotting_context("notebook", font_scale=0.8),
      **dict.fromkeys(("figure.facecolor", "axes.facecolor", "savefig.facecolor"), "none"),
      **dict.fromkeys(("text.color", "axes.edgecolor", "axes.labelcolor", "axes.titlecolor", "xtick.color",
                       "ytick.color"), INK),
      **dict.fromkeys(("legend.frameon", "axes.spines.top", "axes.spines.right"), False),
      "font.family": "DejaVu Sans", "svg.hashsalt": "maskdet", "svg.fonttype": "none"}
# Which of the two is seen; the page that holds them may be of the book or of JupyterLab.
SHOWN = ("<style>.drawn svg{width:100%;height:auto;stroke-linejoin:round}.drawn>svg+svg{display:none}"
         "@media(max-width:600px){.drawn>svg{display:none}.drawn>svg+svg{display:inline}}</style>")
_narrow = contextvars.ContextVar("narrow", default=False)


class SvgFigure:
    """A finished figure, for wide pages and for narrow ones: SVG whose ink is that of the text around it, the same
    bytes each time. `alt` says what it shows to readers who do not see it."""

    def __init__(self, wide: Figure, narrow: Figure, *, alt: str):
        self.svg, self.narrow, self.alt = _svg(wide), _svg(narrow), alt

    def _repr_html_(self) -> str:
        label = html.escape(self.alt)
        return f'{SHOWN}<div class="drawn" role="img" aria-label="{label}">{self.svg}{self.narrow}</div>'

    def __repr__(self) -> str:
        return f"SvgFigure: {self.alt}"


def _svg(figure: Figure) -> str:
    """A figure as an element of a page: without what is for files of their own, and with names that no other has."""
    with matplotlib.rc_context(RC), io.StringIO() as file:
        figure.savefig(file, format="svg", metadata={"Date": None}, bbox_inches="tight", pad_inches=0.05)
        text = file.getvalue()
    text = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>|<!--.*?-->", "", text[text.index("<svg"):], flags=re.S)
    text = re.sub(r'width="([\d.]+pt)" height="[\d.]+pt"', r'style="max-width:\1" aria-hidden="true"', text, count=1)
    text = text.replace(INK, "currentColor")
    text = re.sub(r'(?<=[ \n])(d|x|y|points)="[^"]+"', lambda found: re.sub(r"(\.\d\d)\d+", r"\1", found[0]), text)
    text = text.replace("'DejaVu Sans'", "var(--book-sans, sans-serif)")  # no wider than that of the layout
    used = set(re.findall(r'(?:url\(|href=")#([^")]+)', text))
    text = re.sub(r' id="([^"]+)"', lambda name: name[0] if name[1] in used else "", text)
    own = f"f{files.digest(text)[:7]}"
    return re.sub(r'( id="|url\(#| xlink:href="#)', rf"\g<1>{own}-", text)


def figure(draw):
    """Turn a function that returns a matplotlib figure into one that returns an `SvgFigure`. It is called twice: where
    the page is narrow, `subplots` and what is made of it put panels below each other."""
    alt = " ".join(draw.__doc__.split()).split(". ")[0].split(": ")[0].rstrip(".")

    @functools.wraps(draw)
    def styled(*arguments, **options) -> SvgFigure:
        with matplotlib.rc_context(RC), warnings.catch_warnings():
            warnings.simplefilter("error", UserWarning)  # a missing glyph, an empty legend
            wide = draw(*arguments, **options)
            token = _narrow.set(True)
            try:
                return SvgFigure(wide, draw(*arguments, **options), alt=alt)
            finally:
                _narrow.reset(token)
    return styled


def narrow() -> bool:
    """Whether the figure that is drawn is for a narrow page."""
    return _narrow.get()


def subplots(rows: int = 1, columns: int = 1, *, height: float, beside: int = 1, **options):
    """A figure as wide as the page, `height` inches high, and its axes; on a narrow page `beside` of the columns are
    beside each other, the others below."""
    if narrow() and columns > beside:
        more = math.ceil(rows * columns / beside)
        rows, columns, height = more, beside, 0.9 * height * more / rows
    figure = Figure(figsize=(NARROW if narrow() else WIDE, height), layout="constrained")
    return figure, figure.subplots(rows, columns, **options)


def panels(values: Mapping, *, height: float, fontsize: int = 9, ylabel: str = "", beside: int = 1, **options):
    """A figure with a panel for each value, titled by its name; and the pairs of axes and value."""
    figure, axes = subplots(1, len(values), height=height, beside=beside, squeeze=False, **options)
    for ax, name in zip(axes.flat, values):
        ax.set_title(name, fontsize=fontsize)
    for ax in axes[:, 0]:
        ax.set_ylabel(ylabel)
    for ax in axes.flat[len(values):]:
        ax.axis("off")
    return figure, list(zip(axes.flat, values.values()))


def grid(count: int, columns: int, *, height: float, empty: str = ""):
    """A figure with axes for `count` images, `columns` in a row that is `height` inches high, half as many on a narrow
    page; for none, a text."""
    columns = max(1, columns // 2) if narrow() else columns
    rows = max(1, math.ceil(count / columns))
    figure, axes = subplots(rows, columns, height=height * rows, beside=columns, squeeze=False)
    for ax in axes.flat:
        ax.axis("off")
    if not count:
        figure.text(0.5, 0.5, empty, ha="center")
    return figure, axes.flat


def legend(figure, handles=None, *, columns: int) -> None:
    """The legend of a figure: at its right, or on a narrow page below it, with `columns`."""
    place = {"loc": "outside lower center", "ncols": columns} if narrow() else {"loc": "outside right center"}
    figure.legend(**place, **({} if handles is None else {"handles": handles}))


def show_image(ax, image: np.ndarray, *, veiled: bool, pixels: int = 360) -> None:
    """Show an image (H, W, 3) without ticks; `veiled`, only a grey area of its size, since the book never shows
    photographs of people. Larger images are thinned to about `pixels` a side, in their own coordinates."""
    height, width = image.shape[:2]
    step = max(1, max(height, width) // (pixels // 2 if narrow() else pixels))
    ax.imshow(np.full((1, 1, 3), 128, np.uint8) if veiled else image[::step, ::step],
              extent=(-0.5, width - 0.5, height - 0.5, -0.5), interpolation="nearest")
    ax.axis("off")
