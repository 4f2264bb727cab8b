"""The style of all figures, their axes, and the form in which a notebook shows them."""

import functools
import io
import math
import warnings
from collections.abc import Mapping

import matplotlib
import numpy as np
import seaborn as sns
from matplotlib.figure import Figure

INK = "#1b1c1d"  # replaced in the SVG by a colour that follows the reader's theme
WIDTH = 7.0  # inches, the width of a page's text
COLOURS = {**dict(zip(("masked", "bare", "detected"), sns.color_palette("colorblind"))),
           "missed": "#b3366b", "left out": "#8c8c8c"}
THEME = "<style>:root{--ink:#1b1c1d}@media (prefers-color-scheme:dark){:root{--ink:#dcdcdc}}</style>"
RC = {**sns.axes_style("ticks"), **sns.plotting_context("notebook", font_scale=0.8),
      **dict.fromkeys(("figure.facecolor", "axes.facecolor", "savefig.facecolor"), "none"),
      **dict.fromkeys(("text.color", "axes.edgecolor", "axes.labelcolor", "axes.titlecolor", "xtick.color",
                       "ytick.color"), INK),
      **dict.fromkeys(("legend.frameon", "axes.spines.top", "axes.spines.right"), False),
      "font.family": "DejaVu Sans", "svg.hashsalt": "maskdet", "svg.fonttype": "path"}


class SvgFigure:
    """A finished figure: an SVG that can be read on light and dark pages, the same bytes each time."""

    def __init__(self, figure: Figure):
        with matplotlib.rc_context(RC), io.StringIO() as file:
            figure.savefig(file, format="svg", metadata={"Date": None}, bbox_inches="tight", pad_inches=0.05)
            text = file.getvalue()
        start = text.index(">", text.index("<svg")) + 1
        self.svg = text[:start] + THEME + text[start:].replace(INK, "var(--ink)")

    def _repr_svg_(self) -> str:
        return self.svg

    def __repr__(self) -> str:
        return "SvgFigure"


def figure(draw):
    """Turn a function that returns a matplotlib figure into one that returns an `SvgFigure`."""
    @functools.wraps(draw)
    def styled(*arguments, **options) -> SvgFigure:
        with matplotlib.rc_context(RC), warnings.catch_warnings():
            warnings.simplefilter("error", UserWarning)  # a missing glyph, an empty legend
            return SvgFigure(draw(*arguments, **options))
    return styled


def subplots(rows: int = 1, columns: int = 1, *, height: float, **options):
    """A figure as wide as the text, `height` inches high, and its axes."""
    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    return figure, figure.subplots(rows, columns, **options)


def panels(values: Mapping, *, height: float, fontsize: int = 9, ylabel: str = "", **options):
    """A figure with a panel for each value, titled by its name; and the pairs of axes and value."""
    figure, axes = subplots(1, len(values), height=height, squeeze=False, **options)
    for ax, name in zip(axes.flat, values):
        ax.set_title(name, fontsize=fontsize)
    axes[0, 0].set_ylabel(ylabel)
    return figure, list(zip(axes.flat, values.values()))


def grid(count: int, columns: int, *, height: float, empty: str = ""):
    """A figure with axes for `count` images, `columns` in a row that is `height` inches high; for none, a text."""
    rows = max(1, math.ceil(count / columns))
    figure, axes = subplots(rows, columns, height=height * rows, squeeze=False)
    for ax in axes.flat:
        ax.axis("off")
    if not count:
        figure.text(0.5, 0.5, empty, ha="center")
    return figure, axes.flat


def show_image(ax, image: np.ndarray, *, veiled: bool, pixels: int = 360) -> None:
    """Show an image (H, W, 3) without ticks; `veiled`, only a grey area of its size, since the book never shows
    photographs of people. Larger images are thinned to about `pixels` a side, in their own coordinates."""
    height, width = image.shape[:2]
    step = max(1, max(height, width) // pixels)
    ax.imshow(np.full((1, 1, 3), 128, np.uint8) if veiled else image[::step, ::step],
              extent=(-0.5, width - 0.5, height - 0.5, -0.5), interpolation="nearest")
    ax.axis("off")
