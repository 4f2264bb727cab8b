"""One pixel: differential evolution at work, the faces that it flips, and where it changes the margin most."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.patches import Rectangle

from maskdet.config import CLASSES
from maskdet.figures.style import COLOURS, INK, figure, grid, panels, show_image, subplots


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
    figure, pairs = panels({name: (before[name], after[name], flips[name]) for name in before}, height=3.0,
                           ylabel="after the best pixel", sharey=True)
    for ax, (x, y, flipped) in pairs:
        for colour, chosen, label in (("masked", ~flipped, "not flipped"), ("missed", flipped, "flipped")):
            ax.scatter(x[chosen], y[chosen], s=9, color=COLOURS[colour], label=label, lw=0)
        ax.axhline(0.5, color=INK, lw=1, ls="--")
        ax.set(xlabel="confidence before", ylim=(-0.03, 1.03), xlim=(0.45, 1.03))
    pairs[-1][0].legend(loc="lower right")
    return figure


def _map(figure, ax, changes: np.ndarray, **options):
    """Show by how much a pixel at each place changes the margin (H, W), and return the scale's bar."""
    image = ax.imshow(changes, cmap="cividis", interpolation="nearest", vmin=0)
    ax.set(xticks=[], yticks=[])
    return figure.colorbar(image, ax=ax, shrink=0.9, **options)


@figure
def vulnerability(images: np.ndarray, changes: np.ndarray, flips: np.ndarray, titles: Sequence[str], *, veiled: bool):
    """Faces (N, H, W, 3), and below each by how much one pixel changes the margin at each place, `changes` (N, H, W),
    on a scale of its own. Places where a pixel flips the predicted class, `flips`, are framed."""
    figure, axes = subplots(2, len(images), height=3.4, squeeze=False)
    for top, bottom, image, change, flip, title in zip(*axes, images, changes, flips, titles):
        show_image(top, image, veiled=veiled)
        top.set_title(title, fontsize=7)
        bar = _map(figure, bottom, change, orientation="horizontal")
        bar.ax.tick_params(labelsize=6)
        row, column = np.nonzero(flip)
        bottom.scatter(column, row, s=14, marker="s", facecolor="none", edgecolor=COLOURS["missed"], lw=0.9)
    return figure


@figure
def weak_spots(spots: Mapping[str, tuple[np.ndarray, Mapping[str, int]]]):
    """For each network, the mean map (H, W) of how much one pixel changes the margin, and how often each colour is
    that of the pixel that changes it most."""
    figure, axes = subplots(2, len(spots), height=4.6, squeeze=False, height_ratios=(1.5, 1))
    for top, bottom, (name, (changes, colours)) in zip(*axes, spots.items()):
        top.set_title(name, fontsize=9)
        _map(figure, top, changes, label="change of the margin")
        bottom.bar(list(colours), np.array(list(colours.values())) / sum(colours.values()), edgecolor=INK, lw=0.8,
                   color=[COLOURS["left out"] if colour == "another" else colour for colour in colours])
        bottom.tick_params(axis="x", rotation=60)
        bottom.set_ylabel("share of the faces")
    return figure
