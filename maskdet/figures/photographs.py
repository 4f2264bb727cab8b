"""Photographs with boxes, the sizes of faces, and crops."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from maskdet.config import CLASSES
from maskdet.figures.style import COLOURS, INK, figure, grid, narrow, panels, show_image, subplots


def _frame(ax, box, colour, ls: str) -> None:
    ax.add_patch(Rectangle((box.left, box.top), box.right - box.left, box.bottom - box.top, fill=False, ec=colour,
                           lw=1.4, ls=ls))


def _legend(figure, entries: Mapping[str, tuple[str, str]]) -> None:
    lines = [Line2D([], [], lw=2, label=name, color=COLOURS[of], ls=ls) for name, (of, ls) in entries.items()]
    figure.legend(handles=lines, loc="outside lower center", ncols=2 if narrow() else len(lines))


@figure
def labelled(photographs: Sequence[np.ndarray], boxes: Sequence[pd.DataFrame], *, veiled: bool):
    """Photographs (H, W, 3) with their labelled boxes, coloured by label."""
    figure, axes = grid(len(photographs), 2, height=2.75)
    for ax, photograph, table in zip(axes, photographs, boxes):
        show_image(ax, photograph, veiled=veiled)
        for box in table.itertuples():
            _frame(ax, box, COLOURS[box.label], "-" if box.face else ":")
    _legend(figure, {**{name: (name, "-") for name in (*CLASSES, "left out")}, "not a face": ("left out", ":")})
    return figure


@figure
def sizes(boxes: pd.DataFrame, *, smallest: int):
    """Histogram of the widths of labelled faces, masked and bare, on a logarithmic axis."""
    figure, ax = subplots(height=2.6)
    faces = boxes[boxes.face & boxes.label.isin(CLASSES)]
    sns.histplot(x=faces.right - faces.left, hue=faces.label, hue_order=CLASSES, palette=COLOURS,
                 log_scale=True, multiple="stack", bins=24, ax=ax, edgecolor="none")
    ax.axvline(smallest, color=INK, lw=1, ls="--")
    ax.get_legend().set_title(None)
    ticks = [10, 20, 50, 100, 200, 500]
    ax.set(xlabel="width of the labelled face (pixels)", ylabel="faces", xticks=ticks, xticklabels=ticks)
    return figure


@figure
def detections(photographs: Sequence[np.ndarray], faces: Sequence[pd.DataFrame],
               detected: Sequence[pd.DataFrame], *, veiled: bool):
    """Photographs with every detected box, and the labelled faces that match none."""
    figure, axes = grid(len(photographs), 2, height=2.75)
    for ax, photograph, table, boxes in zip(axes, photographs, faces, detected):
        show_image(ax, photograph, veiled=veiled)
        for box in boxes.itertuples():
            _frame(ax, box, COLOURS["detected"], "-" if box.matched else "--")
        for face in table[~table.found].itertuples():
            _frame(ax, face, COLOURS["missed"], ":")
    _legend(figure, {"detected, a labelled face": ("detected", "-"), "detected, no label": ("detected", "--"),
                     "labelled, missed": ("missed", ":")})
    return figure


def _shares(ax, tables: Mapping[str, pd.DataFrame], styles: Sequence[tuple[str, str]]) -> None:
    """Shares with 95 % intervals by width, side by side; `styles`: marker and colour of each table."""
    for number, ((name, table), (marker, colour)) in enumerate(zip(tables.items(), styles)):
        x = np.arange(len(table)) + 0.24 * (number - (len(tables) - 1) / 2)
        ax.errorbar(x, table.share, yerr=[table.share - table.low, table.high - table.share], fmt=marker, ms=4, lw=1.2,
                    color=COLOURS[colour], label=name)
    ax.set(xticks=np.arange(len(table)), xticklabels=table.index, ylim=(-0.03, 1.03))


@figure
def recall(counts: pd.DataFrame):
    """Share of labelled faces detected, by width, with 95 % intervals. `counts`: index (width, label), columns share,
    low, high (0 to 1)."""
    figure, ax = subplots(height=2.6)
    _shares(ax, {label: counts.xs(label, level="label") for label in ("bare", "masked")},
            [("o", "bare"), ("o", "masked")])
    ax.set(xlabel="width of the labelled face (pixels)", ylabel="share detected")
    ax.legend()
    return figure


@figure
def by_width(tables: Mapping[str, Mapping[str, pd.DataFrame]]):
    """Shares with 95 % intervals by width, a panel per quantity, a colour per detector. Each table: index width,
    columns share, low, high (0 to 1); NaN for a width without faces."""
    figure, pairs = panels(tables, height=2.8, ylabel="share", sharey=True)
    for ax, detectors in pairs:
        _shares(ax, detectors, [("o", "bare"), ("s", "masked"), ("^", "detected")])
        ax.set_xlabel("width (pixels)")
        ax.tick_params(axis="x", rotation=60)
    figure.legend(*pairs[0][0].get_legend_handles_labels(), loc="outside upper center", ncols=len(detectors))
    return figure


@figure
def mistakes(crops: np.ndarray, titles: Sequence[str], *, veiled: bool, columns: int = 8):
    """Crops (N, 50, 50, 3) in a grid, each under its title."""
    figure, axes = grid(len(crops), columns, height=1.15, empty="none")
    for ax, crop, title in zip(axes, crops, titles):
        show_image(ax, crop, veiled=veiled)
        ax.set_title(title, fontsize=7)
    return figure
