"""Differential evolution at work, and the faces that it flips."""

from collections.abc import Sequence

import numpy as np
from matplotlib.patches import Rectangle

from maskdet.config import CLASSES
from maskdet.figures.style import COLOURS, INK, axes, figure, show_image


@figure
def ackley(surface: np.ndarray, extent: Sequence[float], populations: np.ndarray, generations: Sequence[int]):
    """The populations (G, P, 2) of some generations on a function's `surface` (rows y, columns x)."""
    figure, places = axes(1, len(generations), height=2.3, squeeze=False)
    for place, members, generation in zip(places.flat, populations, generations):
        place.imshow(surface, extent=extent, origin="lower", cmap="cividis")
        place.scatter(*members.T, s=6, color="white", edgecolor="black", lw=0.4)
        place.set(xticks=extent[:2], yticks=extent[2:], xlim=extent[:2], ylim=extent[2:])
        place.set_title(f"generation {generation}", fontsize=8)
    return figure


@figure
def surface(landscape: np.ndarray, populations: np.ndarray, generations: Sequence[int]):
    """Where a population (G, P, 2: row, column) stands on the confidence `landscape` (H, W)."""
    figure, places = axes(1, len(generations), height=2.6, squeeze=False)
    for place, members, generation in zip(places.flat, populations, generations):
        image = place.imshow(landscape, cmap="cividis", interpolation="nearest")
        place.scatter(members[:, 1], members[:, 0], s=6, color="white", edgecolor="black", lw=0.4)
        place.set(xticks=[], yticks=[])
        place.set_title(f"generation {generation}", fontsize=8)
    figure.colorbar(image, ax=places, label="confidence", shrink=0.8)
    return figure


@figure
def flips(crops: np.ndarray, verdicts: Sequence, *, veiled: bool, columns: int = 6):
    """Faces (N, 50, 50, 3) whose decision one pixel flips, the changed pixel set and circled."""
    rows = max(1, -(-len(crops) // columns))
    figure, places = axes(rows, columns, height=1.75 * rows, squeeze=False)
    for place in places.flat:
        place.axis("off")
    for place, crop, verdict in zip(places.flat, crops, verdicts):
        show_image(place, crop, veiled=veiled)
        for row, column, *colour in verdict.pixels:
            place.add_patch(Rectangle((column - 0.5, row - 0.5), 1, 1, color=np.array(colour) / 255, lw=0))
            place.add_patch(Rectangle((column - 3, row - 3), 6, 6, fill=False, ec=COLOURS["missed"], lw=1.3))
        decision = CLASSES[1 - verdict.label]
        place.set_title(f"{CLASSES[verdict.label]} {verdict.before[verdict.label]:.0%}\n"
                        f"→ {decision} {verdict.after[1 - verdict.label]:.0%}", fontsize=7)
    if not len(crops):
        figure.text(0.5, 0.5, "no face of this test set was flipped", ha="center")
    return figure


@figure
def margins(before: dict[str, np.ndarray], after: dict[str, np.ndarray], flips: dict[str, np.ndarray]):
    """Confidence in the true class before and after the attack, and whether that flipped the
    decision, (N,) each: a point a face, a panel a network."""
    figure, places = axes(1, len(before), height=3.0, sharey=True, squeeze=False)
    for place, name in zip(places.flat, before):
        flipped = flips[name]
        for colour, those, label in ((COLOURS["masked"], ~flipped, "stands"), (COLOURS["missed"], flipped, "flipped")):
            place.scatter(before[name][those], after[name][those], s=9, color=colour, label=label, lw=0)
        place.axhline(0.5, color=INK, lw=1, ls="--")
        place.set(xlabel="confidence before", ylim=(-0.03, 1.03), xlim=(0.45, 1.03))
        place.set_title(name, fontsize=9)
    places.flat[0].set_ylabel("after the best pixel")
    places.flat[-1].legend(loc="lower right")
    return figure
