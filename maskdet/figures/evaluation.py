"""How well a network classifies the test faces: ROC curves, and calibration of its probabilities."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from maskdet.figures.style import COLOURS, INK, figure, panels, subplots


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
    """Among faces with about the same predicted probability of a mask, the share that is masked, with its interval.

    A panel per network; tables as from `Evaluation.calibration`. A dot's area grows with the number of faces.
    """
    figure, pairs = panels(tables, height=2.8, sharey=True)
    for ax, table in pairs:
        ax.plot([0, 1], [0, 1], ":", color=INK, lw=1)
        ax.vlines(table.predicted, table.low, table.high, color=COLOURS["masked"], lw=1.5)
        ax.scatter(table.predicted, table.share, s=12 + 60 * table.faces / table.faces.max(), color=COLOURS["masked"],
                   zorder=3)
        ax.set(xlim=(-0.03, 1.03), ylim=(-0.03, 1.03), xlabel="predicted probability of a mask")
    pairs[0][0].set_ylabel("share that is masked")
    return figure
