"""A network's layers, its training, and how well it classifies the test faces."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.patches import FancyArrowPatch, Patch, Rectangle

from maskdet.config import CLASSES
from maskdet.figures.style import COLOURS, INK, figure, panels, subplots

KINDS = {"Conv2D": "#0173b2", "Dense": "#de8f05", "MaxPooling2D": "#029e73",
         "GlobalAveragePooling2D": "#029e73", "Flatten": "#8c8c8c", "Softmax": "#cc78bc"}
LEGEND = {"convolution": "Conv2D", "pooling": "MaxPooling2D", "dense": "Dense", "softmax": "Softmax"}


@figure
def layers(networks: Mapping[str, Sequence[Mapping]]):
    """Each network as a row of blocks, one per layer with weights or a change of shape. `networks`: name -> layers in
    order with `layer` (its name), `kind` and `output` ("24×24×100"). A block's height is the square root of its
    output's side; a shortcut is an arc that ends at its `Add`."""
    figure, axes = subplots(len(networks), height=2.3 * len(networks), squeeze=False)
    for ax, (name, rows) in zip(axes.flat, networks.items()):
        x, shortcut = 0, 1.27  # where the next block is, and where the next arc starts: at first, at the first layer
        for row in rows:
            if row["kind"] not in (*KINDS, "Add", "InputLayer") or row["layer"].startswith("shortcut"):
                continue
            if row["kind"] == "Add":
                ax.add_patch(FancyArrowPatch((shortcut, 4.2), (x - 0.35, 4.2), arrowstyle="-|>", color=INK,
                                             connectionstyle="arc3,rad=-0.45", mutation_scale=7, lw=1))
                shortcut = x - 0.35
                continue
            side, *further = map(int, row["output"].split("×"))
            height = np.sqrt(side) if len(further) == 2 else 1.5 + np.log10(side)
            ax.add_patch(Rectangle((x, -height / 2), 0.55, height, color=KINDS.get(row["kind"], "#8c8c8c")))
            ax.text(x + 0.27, -height / 2 - 0.3, row["output"], rotation=90, ha="center", va="top", fontsize=6.5)
            x += 1
        ax.set(xlim=(-0.3, x), ylim=(-8.2, 7))
        ax.set_title(name, loc="left", fontsize=9)
        ax.axis("off")
    figure.legend(handles=[Patch(color=KINDS[kind], label=name) for name, kind in LEGEND.items()],
                  loc="outside lower center", ncols=4)
    return figure


@figure
def training(histories: Mapping[str, pd.DataFrame], *, held_out: str = "test faces", chosen: int | None = None):
    """Accuracy after each epoch, on the training crops and on those of `held_out`, a panel per network; a dotted line
    at the epoch that was `chosen`."""
    figure, pairs = panels(histories, height=2.5, ylabel="accuracy", sharey=True)
    for ax, history in pairs:
        epochs = np.arange(1, len(history) + 1)
        ax.plot(epochs, history.accuracy, color=COLOURS["masked"], label="training crops")
        ax.plot(epochs, history.held_out, color=COLOURS["bare"], label=held_out)
        if chosen:
            ax.axvline(chosen, color=INK, lw=1, ls=":")
        ax.set(xlabel="epoch")
    pairs[-1][0].legend(loc="lower right")
    return figure


@figure
def confusion(tables: Mapping[str, np.ndarray]):
    """Counts of faces by true class (rows) and predicted class (columns), (2, 2), a panel per network."""
    figure, pairs = panels(tables, height=2.6)
    for ax, table in pairs:
        share = table / np.maximum(table.sum(axis=1, keepdims=True), 1)
        sns.heatmap(share, annot=table, fmt="d", vmin=0, vmax=1, cmap="cividis", cbar=False, square=True,
                    xticklabels=CLASSES, yticklabels=CLASSES, ax=ax)
        ax.set(xlabel="predicted class", ylabel="true class")
    return figure


@figure
def roc(curves: Mapping[str, np.ndarray]):
    """Shares of bare and of masked faces classified as masked (M, 2), a curve per network; also its corner."""
    figure, axes = subplots(1, 2, height=2.8)
    colours = [COLOURS[name] for name in ("masked", "bare", "detected", "missed")]
    for ax, xlim, ylim in zip(axes, ((0, 1), (0, 0.15)), ((0, 1.01), (0.85, 1.0015))):
        for colour, style, (name, curve) in zip(colours, ("-", "--", "-.", ":"), curves.items()):
            ax.plot(*curve.T, style, color=colour, label=name, drawstyle="steps-post")
        ax.set(xlim=xlim, ylim=ylim, xlabel="bare classified as masked", ylabel="masked classified as masked")
    axes[0].legend(loc="lower right")
    return figure


@figure
def calibration(tables: Mapping[str, pd.DataFrame]):
    """Among faces with about the same predicted probability of a mask, the share that is masked, with its interval: a
    panel per network. Tables as from `Evaluation.calibration`; a dot's area grows with the number of faces."""
    figure, pairs = panels(tables, height=2.8, ylabel="share that is masked", sharey=True)
    for ax, table in pairs:
        ax.plot([0, 1], [0, 1], ":", color=INK, lw=1)
        ax.vlines(table.predicted, table.low, table.high, color=COLOURS["masked"], lw=1.5)
        ax.scatter(table.predicted, table.share, s=12 + 60 * table.faces / table.faces.max(), color=COLOURS["masked"],
                   zorder=3)
        ax.set(xlim=(-0.03, 1.03), ylim=(-0.03, 1.03), xlabel="predicted probability of a mask")
    return figure
