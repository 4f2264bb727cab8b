"""Differential evolution at work, and the faces that it flips."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.patches import Rectangle

from maskdet.config import CLASSES
from maskdet.figures.style import COLOURS, INK, figure, grid, panels, show_image


def _populations(image: np.ndarray, populations: np.ndarray, generations: Sequence[int], *, height: float, **options):
    """The figure, and its last image: a panel per generation, with its population (P, 2: x, y) on `image`."""
    names = [f"generation {generation}" for generation in generations]
    figure, pairs = panels(dict(zip(names, populations)), height=height, fontsize=8)
    for ax, population in pairs:
        shown = ax.imshow(image, cmap="cividis", **options)
        ax.scatter(*population.T, s=6, color="white", edgecolor="black", lw=0.4)
        ax.set(xticks=[], yticks=[])
    return figure, shown


@figure
def ackley(surface: np.ndarray, extent: Sequence[float], populations: np.ndarray, generations: Sequence[int]):
    """The populations (G, P, 2) of some generations on a function's `surface` (rows y, columns x)."""
    x, y = extent[:2], extent[2:]
    figure, _ = _populations(surface, populations, generations, height=2.3, extent=extent, origin="lower")
    for ax in figure.axes:
        ax.set(xticks=x, yticks=y, xlim=x, ylim=y)
    return figure


@figure
def surface(landscape: np.ndarray, populations: np.ndarray, generations: Sequence[int]):
    """The populations (G, P, 2: row, column) of some generations on the confidence `landscape` (H, W)."""
    figure, shown = _populations(landscape, populations[..., ::-1], generations, height=2.6, interpolation="nearest")
    figure.colorbar(shown, ax=figure.axes, label="confidence", shrink=0.8)
    return figure


@figure
def flips(crops: np.ndarray, verdicts: Sequence, *, veiled: bool, columns: int = 6):
    """Faces (N, 50, 50, 3) whose predicted class a pixel flips: the changed pixel, framed, and the confidences."""
    figure, axes = grid(len(crops), columns, height=1.75, empty="no face of this test set was flipped")
    for ax, crop, verdict in zip(axes, crops, verdicts):
        show_image(ax, crop, veiled=veiled)
        for row, column, *colour in verdict.pixels:
            ax.add_patch(Rectangle((column - 0.5, row - 0.5), 1, 1, color=np.array(colour) / 255, lw=0))
            ax.add_patch(Rectangle((column - 3, row - 3), 6, 6, fill=False, ec=COLOURS["missed"], lw=1.3))
        label, predicted = verdict.label, 1 - verdict.label
        ax.set_title(f"{CLASSES[label]} {verdict.before[label]:.0%}\n"
                     f"→ {CLASSES[predicted]} {verdict.after[predicted]:.0%}", fontsize=7)
    return figure


@figure
def margins(before: Mapping[str, np.ndarray], after: Mapping[str, np.ndarray], flips: Mapping[str, np.ndarray]):
    """Confidence in the true class before and after the attack, and what flipped: a point per face of a network."""
    figure, pairs = panels({name: (before[name], after[name], flips[name]) for name in before}, height=3.0, sharey=True)
    for ax, (x, y, flipped) in pairs:
        for colour, chosen, label in (("masked", ~flipped, "not flipped"), ("missed", flipped, "flipped")):
            ax.scatter(x[chosen], y[chosen], s=9, color=COLOURS[colour], label=label, lw=0)
        ax.axhline(0.5, color=INK, lw=1, ls="--")
        ax.set(xlabel="confidence before", ylim=(-0.03, 1.03), xlim=(0.45, 1.03))
    pairs[0][0].set_ylabel("after the best pixel")
    pairs[-1][0].legend(loc="lower right")
    return figure
