"""A network's layers, its training, and its decisions."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.patches import FancyArrowPatch, Rectangle

from maskdet.config import CLASSES
from maskdet.figures.style import COLOURS, INK, axes, figure

KINDS = {"Conv2D": "#0173b2", "Dense": "#de8f05", "MaxPooling2D": "#029e73",
         "GlobalAveragePooling2D": "#029e73", "Flatten": "#8c8c8c", "Softmax": "#cc78bc"}


@figure
def layers(networks: Mapping[str, Sequence[Mapping]]):
    """Each network as a row of blocks, one a layer with weights or a change of shape.

    `networks`: name -> layers in order with `layer` (its name), `kind` and `output` ("24×24×100").
    A block is as high as the square root of its output's side; an `Add` ends an arc.
    """
    figure, places = axes(len(networks), height=2.3 * len(networks), squeeze=False)
    for place, (name, rows) in zip(places.flat, networks.items()):
        rows = [row for row in rows if row["kind"] in (*KINDS, "Add", "InputLayer")
                and not row["layer"].startswith("shortcut")]
        x = 0
        join: float | None = None
        for row in rows:
            side = [int(s) for s in row["output"].split("×")]
            height = np.sqrt(side[0]) if len(side) == 3 else 1.5 + np.log10(side[0])
            if row["kind"] == "Add" and join is not None:  # the shortcut that ends here
                place.add_patch(FancyArrowPatch((join, 4.2), (x - 0.35, 4.2), arrowstyle="-|>", color=INK,
                                                connectionstyle="arc3,rad=-0.45", mutation_scale=7, lw=1))
                join = x - 0.35
                continue
            place.add_patch(Rectangle((x, -height / 2), 0.55, height, color=KINDS.get(row["kind"], "#8c8c8c")))
            place.text(x + 0.27, -height / 2 - 0.3, row["output"], rotation=90, ha="center", va="top", fontsize=6.5)
            join = x + 0.27 if join is None and x else join
            x += 1
        place.set(xlim=(-0.3, x), ylim=(-8.2, 7))
        place.set_title(name, loc="left", fontsize=9)
        place.axis("off")
    shown = {"convolution": "Conv2D", "pooling": "MaxPooling2D", "dense": "Dense", "softmax": "Softmax"}
    figure.legend(handles=[Rectangle((0, 0), 1, 1, color=KINDS[kind], label=name) for name, kind in shown.items()],
                  loc="outside lower center", ncols=4)
    return figure


@figure
def training(histories: Mapping[str, pd.DataFrame]):
    """Accuracy after each epoch, on the training crops as shown and on the faces held out, a panel a network."""
    figure, places = axes(1, len(histories), height=2.5, sharey=True, squeeze=False)
    for place, (name, history) in zip(places.flat, histories.items()):
        epochs = np.arange(1, len(history) + 1)
        place.plot(epochs, history.accuracy, color=COLOURS["masked"], label="training (augmented)")
        place.plot(epochs, history.held_out, color=COLOURS["bare"], label="test")
        place.set(xlabel="epoch", ylabel="accuracy" if place is places.flat[0] else None)
        place.set_title(name, fontsize=9)
    places.flat[-1].legend(loc="lower right")
    return figure


@figure
def confusion(tables: Mapping[str, np.ndarray]):
    """Counts of true class (rows) by decision (columns), (2, 2), a panel a network."""
    figure, places = axes(1, len(tables), height=2.6, squeeze=False)
    for place, (name, table) in zip(places.flat, tables.items()):
        share = table / np.maximum(table.sum(axis=1, keepdims=True), 1)
        sns.heatmap(share, annot=table, fmt="d", vmin=0, vmax=1, cmap="cividis", cbar=False, square=True,
                    xticklabels=CLASSES, yticklabels=CLASSES, ax=place)
        place.set(xlabel="decision", ylabel="true class")
        place.set_title(name, fontsize=9)
    return figure
