"""A network's layers, its training, and how well it classifies the test faces."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from maskdet.config import CLASSES
from maskdet.figures.style import COLOURS, INK, figure, panels, subplots

# What each kind of layer is called in the figure, and its colour; other kinds change neither shape nor weights.
KINDS = {"InputLayer": ("the face", "#8c8c8c"), "Conv2D": ("convolution", "#0173b2"), "Dense": ("dense", "#b35900"),
         "MaxPooling2D": ("maximum", "#02754f"), "GlobalAveragePooling2D": ("mean", "#02754f"),
         "Flatten": ("in a row", "#8c8c8c"), "Add": ("sum", "#8a3f7a"), "Softmax": ("softmax", "#8a3f7a")}


@figure
def layers(networks: Mapping[str, Sequence[Mapping]]):
    """The networks from top to bottom, a box for each layer with weights or a change of shape, and the shape behind it.
    `networks`: name -> layers in order with `layer` (its name), `kind` and `output` ("24×24×100"). A shortcut is a line
    that passes by the layers between its two ends."""
    shown = {name: [row for row in rows if row["kind"] in KINDS and not row["layer"].startswith("shortcut")]
             for name, rows in networks.items()}
    longest = max(map(len, shown.values()))
    figure, axes = subplots(1, len(shown), height=0.36 * longest + 0.3, squeeze=False)
    for ax, (name, rows) in zip(axes.flat, shown.items()):
        start = 1  # where the next shortcut begins: behind the first layer
        for y, row in enumerate(rows):
            words, colour = KINDS[row["kind"]]
            ax.add_patch(FancyBboxPatch((0, y - 0.33), 2.1, 0.66, boxstyle="round,pad=0,rounding_size=.1", fc=colour,
                                        lw=0))
            ax.text(1.05, y, "grey" if row["layer"] == "grey" else words, color="white", ha="center", va="center")
            ax.text(2.3, y, row["output"], va="center")
            if row["kind"] == "Add":
                ax.plot([0, -0.5, -0.5], [start, start, y - 0.1], color=INK, lw=1.3)
                ax.add_patch(FancyArrowPatch((-0.5, y), (0, y), arrowstyle="-|>", color=INK, mutation_scale=9,
                                             shrinkA=0, shrinkB=0))
                ax.plot([-0.5, -0.5], [y - 0.1, y], color=INK, lw=1.3)
                start = y
        ax.set(xlim=(-0.8, 4.2), ylim=(longest - 0.4, -0.6))
        ax.set_title(name, loc="left", fontsize=10)
        ax.axis("off")
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
