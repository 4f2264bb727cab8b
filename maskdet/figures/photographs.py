"""Photographs with boxes, the sizes of faces, and crops."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from maskdet.config import CLASSES
from maskdet.figures.style import COLOURS, INK, axes, figure, show_image


def _frame(place, box: Sequence[float], colour, **options) -> None:
    left, top, right, bottom = box
    place.add_patch(Rectangle((left, top), right - left, bottom - top, fill=False, ec=colour,
                              lw=1.4, **options))


def _grid(n: int):
    """Axes for `n` photographs, two a row."""
    figure, places = axes(-(-n // 2), 2, height=2.6 * -(-n // 2) + 0.3, squeeze=False)
    for place in places.flat[n:]:
        place.axis("off")
    return figure, places


def _legend(figure, entries: Mapping[str, Mapping]) -> None:
    lines = [Line2D([], [], lw=2, label=name, **look) for name, look in entries.items()]
    figure.legend(handles=lines, loc="outside lower center", ncols=len(lines))


@figure
def labelled(photographs: Sequence[np.ndarray], boxes: Sequence[pd.DataFrame], *, veiled: bool):
    """Photographs (H, W, 3) with their labelled boxes, coloured by label."""
    figure, places = _grid(len(photographs))
    for place, photograph, table in zip(places.flat, photographs, boxes):
        show_image(place, photograph, veiled=veiled)
        for row in table.itertuples():
            _frame(place, (row.left, row.top, row.right, row.bottom), COLOURS[row.label],
                   ls="-" if row.face else ":")
    _legend(figure, {name: {"color": COLOURS[name]} for name in (*CLASSES, "left out")}
            | {"not a face": {"color": COLOURS["left out"], "ls": ":"}})
    return figure


@figure
def sizes(boxes: pd.DataFrame, *, smallest: int):
    """Histogram of the widths of labelled faces, masked and bare, on a logarithmic axis."""
    figure, place = axes(height=2.6)
    faces = boxes[boxes.face & boxes.label.isin(CLASSES)]
    sns.histplot(x=faces.right - faces.left, hue=faces.label, hue_order=CLASSES, palette=COLOURS,
                 log_scale=True, multiple="stack", bins=24, ax=place, edgecolor="none")
    place.axvline(smallest, color=INK, lw=1, ls="--")
    place.get_legend().set_title(None)
    ticks = [10, 20, 50, 100, 200, 500]
    place.set(xlabel="width of the labelled face (pixels)", ylabel="faces", xticks=ticks, xticklabels=ticks)
    return figure


@figure
def detections(photographs: Sequence[np.ndarray], faces: Sequence[pd.DataFrame],
               found: Sequence[pd.DataFrame], *, veiled: bool):
    """Photographs with every detected box, and the labelled faces that no box matched."""
    figure, places = _grid(len(photographs))
    for place, photograph, table, boxes in zip(places.flat, photographs, faces, found):
        show_image(place, photograph, veiled=veiled)
        for row in boxes.itertuples():
            _frame(place, (row.left, row.top, row.right, row.bottom), COLOURS["found"],
                   ls="-" if row.matched else "--")
        for row in table[~table.found].itertuples():
            _frame(place, (row.left, row.top, row.right, row.bottom), COLOURS["missed"], ls=":")
    _legend(figure, {"detected, a labelled face": {"color": COLOURS["found"]},
                     "detected, no label": {"color": COLOURS["found"], "ls": "--"},
                     "labelled, missed": {"color": COLOURS["missed"], "ls": ":"}})
    return figure


@figure
def recall(counts: pd.DataFrame):
    """Share of labelled faces found, by width, with 95 % intervals.

    `counts`: index (width, label), columns share, low, high (0 to 1).
    """
    figure, place = axes(height=2.6)
    for shift, label in ((-0.12, "bare"), (0.12, "masked")):
        table = counts.xs(label, level="label")
        x = np.arange(len(table)) + shift
        place.errorbar(x, table.share, yerr=[table.share - table.low, table.high - table.share],
                       fmt="o", ms=4, lw=1.2, color=COLOURS[label], label=label)
    place.set(xticks=np.arange(len(table)), xticklabels=table.index, ylim=(-0.03, 1.03),
              xlabel="width of the labelled face (pixels)", ylabel="share found")
    place.legend()
    return figure


@figure
def mistakes(crops: np.ndarray, titles: Sequence[str], *, veiled: bool, columns: int = 8):
    """Crops (N, 50, 50, 3) in a grid, each under its title; an empty grid says so."""
    rows = max(1, -(-len(crops) // columns))
    figure, places = axes(rows, columns, height=1.15 * rows, squeeze=False)
    for place in places.flat:
        place.axis("off")
    for place, crop, title in zip(places.flat, crops, titles):
        show_image(place, crop, veiled=veiled)
        place.set_title(title, fontsize=7)
    if not len(crops):
        figure.text(0.5, 0.5, "none", ha="center")
    return figure


@figure
def by_width(panels: Mapping[str, Mapping[str, pd.DataFrame]]):
    """Shares with 95 % intervals by width, a panel a quantity, a colour a detector.

    Each table: index width, columns share, low, high (0 to 1); NaN where there is nothing.
    """
    figure, places = axes(1, len(panels), height=2.8, sharey=True, squeeze=False)
    for place, (title, tables) in zip(places.flat, panels.items()):
        for number, (name, table) in enumerate(tables.items()):
            x = np.arange(len(table)) + 0.24 * (number - (len(tables) - 1) / 2)
            place.errorbar(x, table.share, yerr=[table.share - table.low, table.high - table.share], fmt="os^D"[number],
                           ms=4, lw=1.2, color=(COLOURS["bare"], COLOURS["masked"], COLOURS["found"])[number],
                           label=name)
        place.set(xticks=np.arange(len(table)), ylim=(-0.03, 1.03), xlabel="width (pixels)")
        place.set_xticklabels(table.index, rotation=60)
        place.set_title(title, fontsize=9)
    places.flat[0].set_ylabel("share")
    figure.legend(*places.flat[0].get_legend_handles_labels(), loc="outside upper center", ncols=len(tables))
    return figure
