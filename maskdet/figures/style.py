"""One style for all figures, and the form in which a notebook shows them."""

import functools
import io
import warnings

import matplotlib
import numpy as np
import seaborn as sns
from matplotlib.figure import Figure

INK = "#1b1c1d"  # replaced in the SVG by a colour that follows the reader's theme
WIDTH = 7.0  # inches, the width of a page's text
COLOURS = dict(zip(("masked", "bare", "found"), sns.color_palette("colorblind")), missed="#b3366b")
COLOURS["left out"] = "#8c8c8c"
THEME = ("<style>:root{--ink:#1b1c1d}"
         "@media (prefers-color-scheme:dark){:root{--ink:#dcdcdc}}</style>")
RC = {**sns.axes_style("ticks"), **sns.plotting_context("notebook", font_scale=0.8),
      "font.family": "DejaVu Sans", "svg.hashsalt": "maskdet", "svg.fonttype": "path",
      "figure.facecolor": "none", "axes.facecolor": "none", "savefig.facecolor": "none",
      "legend.frameon": False, "axes.spines.top": False, "axes.spines.right": False}
RC |= dict.fromkeys(("text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color",
                     "axes.titlecolor"), INK)


class SvgFigure:
    """A finished figure: an SVG that reads on light and dark pages, the same bytes each time."""

    def __init__(self, figure: Figure):
        with matplotlib.rc_context(RC), io.StringIO() as file:
            figure.savefig(file, format="svg", metadata={"Date": None}, bbox_inches="tight", pad_inches=0.05)
            text = file.getvalue()
        start = text.index(">", text.index("<svg")) + 1
        self.svg = text[:start] + THEME + text[start:].replace(INK, "var(--ink)")

    def _repr_svg_(self) -> str:
        return self.svg

    def __repr__(self) -> str:
        return "Drawing"


def figure(draw):
    """Turn a function that returns a matplotlib figure into one that returns a `Drawing`."""
    @functools.wraps(draw)
    def styled(*arguments, **options) -> SvgFigure:
        with matplotlib.rc_context(RC), warnings.catch_warnings():
            warnings.simplefilter("error", UserWarning)  # a missing glyph, an empty legend
            return SvgFigure(draw(*arguments, **options))
    return styled


def axes(rows: int = 1, columns: int = 1, *, height: float, **options):
    """A figure as wide as the text, `height` inches high, and its axes."""
    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    return figure, figure.subplots(rows, columns, **options)


def show_image(place, image: np.ndarray, *, veiled: bool, pixels: int = 360) -> None:
    """Put an image (H, W, 3) into axes, without ticks; `veiled`, only its frame.

    Photographs of people are never shown in the book: what is found in them is drawn on grey.
    Larger images are thinned to about `pixels` a side, in their own coordinates.
    """
    height, width = image.shape[:2]
    image = np.full_like(image[:1, :1], 128) if veiled else image[::(s := max(1, max(height, width) // pixels)), ::s]
    place.imshow(image, extent=(-0.5, width - 0.5, height - 0.5, -0.5), interpolation="nearest")
    place.set(xticks=[], yticks=[])
    for side in place.spines.values():
        side.set_visible(False)
