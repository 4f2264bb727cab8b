"""What a network says of faces that it never saw: ROC curves, and whether its confidence can be taken at its word."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from maskdet.figures.style import COLOURS, INK, axes, figure


@figure
def roc(curves: Mapping[str, np.ndarray]):
    """Shares of bare and of masked faces called masked (M, 2), a curve a network: whole, and its corner enlarged."""
    figure, places = axes(1, 2, height=2.8)
    colours = (COLOURS["masked"], COLOURS["bare"], COLOURS["found"], COLOURS["missed"])
    for place, (wide, high) in zip(places, (((0, 1), (0, 1)), ((0, 0.15), (0.85, 1)))):
        for colour, style, (name, curve) in zip(colours, ("-", "--", "-.", ":"), curves.items()):
            place.plot(*curve.T, style, color=colour, label=name, drawstyle="steps-post")
        place.set(xlim=wide, ylim=(high[0], high[1] + 0.01 * (high[1] - high[0])),
                  xlabel="bare faces called masked", ylabel="masked faces called masked")
    places[0].legend(loc="lower right")
    return figure


@figure
def calibration(tables: Mapping[str, pd.DataFrame]):
    """The share of masked faces among those given about the same probability of a mask, with its interval,
    a panel a network; tables as `Evaluation.calibration` gives them. A dot's area grows with the number of faces."""
    figure, places = axes(1, len(tables), height=2.8, sharey=True, squeeze=False)
    for place, (name, table) in zip(places.flat, tables.items()):
        place.plot([0, 1], [0, 1], ":", color=INK, lw=1)
        place.vlines(table.said, table.low, table.high, color=COLOURS["masked"], lw=1.5)
        size = 12 + 60 * table.faces / table.faces.max()
        place.scatter(table.said, table.share, s=size, color=COLOURS["masked"], zorder=3)
        place.set(xlim=(-0.03, 1.03), ylim=(-0.03, 1.03), xlabel="probability of a mask, as given")
        place.set_title(name, fontsize=9)
    places.flat[0].set_ylabel("share that is masked")
    return figure
