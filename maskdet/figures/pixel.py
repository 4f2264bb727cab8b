"""One pixel: differential evolution at work, the faces that it flips, and where it changes the margin most."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.patches import Rectangle

from maskdet.config import CLASSES
from maskdet.figures.style import COLOURS, INK, figure, grid, legend, narrow, panels, show_image, subplots


@figure
def ackley(surface: np.ndarray, extent: Sequence[float], populations: np.ndarray, generations: Sequence[int]):
    """The populations (G, P, 2) of some generations on a function's `surface` (rows y, columns x)."""
    x, y, names = extent[:2], extent[2:], [f"generation {generation}" for generation in generations]
    figure, pairs = panels(dict(zip(names, populations)), height=2.3, fontsize=8, beside=2)
    for ax, population in pairs:
        ax.imshow(surface, cmap="cividis", extent=extent, origin="lower")
        ax.scatter(*population.T, s=6, color="white", edgecolor="black", lw=0.4)
        ax.set(xticks=x, yticks=y, xlim=x, ylim=y)
    return figure


@figure
def surface(image: np.ndarray, landscape: np.ndarray, populations: np.ndarray, generations: Sequence[int], *,
            veiled: bool):
    """A face (H, W, 3), and the populations (G, P, 2: row, column) of some generations on its confidence `landscape`
    (H, W)."""
    names = ["the face", *(f"generation {generation}" for generation in generations)]
    figure, [(face, _), *pairs] = panels(dict.fromkeys(names), height=2.2, fontsize=8, beside=2)
    show_image(face, image, veiled=veiled)
    for (ax, _), population in zip(pairs, populations):
        shown = ax.imshow(landscape, cmap="cividis", interpolation="nearest")
        ax.scatter(*population.T[::-1], s=2.5, color="white", edgecolor="black", lw=0.25)
        ax.set(xticks=[], yticks=[])
    figure.colorbar(shown, ax=[ax for ax, _ in pairs], label="confidence", shrink=0.8)
    return figure


@figure
def flips(crops: np.ndarray, verdicts: Sequence, *, veiled: bool, columns: int = 6):
    """Faces (N, 50, 50, 3) whose predicted class a pixel flips: the changed pixel, framed, and the confidences."""
    figure, axes = grid(len(crops), columns, height=1.75, empty="no face of this test set was flipped")
    for ax, crop, verdict in zip(axes, crops, verdicts):
        show_image(ax, crop, veiled=veiled)
        _set(ax, verdict.pixels)
        label, predicted = verdict.label, 1 - verdict.label
        ax.set_title(f"{CLASSES[label]} {verdict.before[label]:.0%}\n"
                     f"→ {CLASSES[predicted]} {verdict.after[predicted]:.0%}", fontsize=7)
    return figure


def _set(ax, pixels: Sequence[Sequence[int]]) -> None:
    """Set pixels on an image that is shown, each in a frame."""
    for row, column, *colour in pixels:
        ax.add_patch(Rectangle((column - 0.5, row - 0.5), 1, 1, color=np.array(colour) / 255, lw=0))
        ax.add_patch(Rectangle((column - 3, row - 3), 6, 6, fill=False, ec=COLOURS["missed"], lw=1.5))


@figure
def flip(image: np.ndarray, attempt):
    """A drawn face (H, W, 3) and the same face with the pixel of `attempt`, under what the network says of each."""
    figure, axes = subplots(1, 2, height=2.4, beside=2)
    for ax, probabilities, pixels in zip(axes, (attempt.before, attempt.after), ((), attempt.pixels)):
        show_image(ax, image, veiled=False)
        _set(ax, pixels)
        said = int(np.argmax(probabilities))
        ax.set_title(f"{CLASSES[said]} {probabilities[said]:.0%}", fontsize=10)
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
    """Faces (N, H, W, 3), and beside each by how much one pixel changes the margin at each place, `changes` (N, H, W),
    on a scale of its own. Places where a pixel flips the predicted class, `flips`, are framed."""
    figure, axes = grid(2 * len(images), 4, height=1.9)
    for face, ax, image, change, flip, title in zip(axes[::2], axes[1::2], images, changes, flips, titles):
        show_image(face, image, veiled=veiled)
        face.set_title(title, fontsize=7)
        ax.axis("on")
        bar = _map(figure, ax, change, orientation="horizontal")
        bar.ax.tick_params(labelsize=6)
        row, column = np.nonzero(flip)
        ax.scatter(column, row, s=10, marker="s", facecolor="none", edgecolor=COLOURS["missed"], lw=0.7)
    return figure


@figure
def relaxation(low: float, high: float):
    """A rectifier between two values, `low` < 0 < `high`, and the two parallel lines between which it lies."""
    figure, ax = subplots(height=2.6)
    ends, slope = np.array([low, high]), high / (high - low)
    ax.fill_between(ends, slope * ends, slope * (ends - low), color=COLOURS["masked"], alpha=0.2, lw=0)
    ax.plot(ends, slope * (ends - low), color=COLOURS["masked"], label="upper line")
    ax.plot(ends, slope * ends, color=COLOURS["masked"], ls="--", label="lower line")
    ax.plot([low, 0, high], [0, 0, high], color=INK, lw=2.2, label="the rectifier")
    ax.set(xlabel="before the rectifier", ylabel="after it", xticks=[low, 0, high], yticks=[0, high])
    legend(figure, columns=2)
    return figure


@figure
def weak_spots(spots: Mapping[str, tuple[np.ndarray, Mapping[str, int]]]):
    """For each network, the mean map (H, W) of how much one pixel changes the margin, and how often each colour is
    that of the pixel that changes it most."""
    ratios = (1.5, 1) * (len(spots) if narrow() else 1)
    figure, axes = subplots(2, len(spots), height=4.6, squeeze=False, height_ratios=ratios)
    tops, bottoms = (axes[::2].flat, axes[1::2].flat)
    for top, bottom, (name, (changes, colours)) in zip(tops, bottoms, spots.items()):
        top.set_title(name, fontsize=9)
        _map(figure, top, changes, label="change of the margin")
        bottom.bar(list(colours), np.array(list(colours.values())) / sum(colours.values()), edgecolor=INK, lw=0.8,
                   color=[COLOURS["left out"] if colour == "another" else colour for colour in colours])
        bottom.tick_params(axis="x", rotation=60)
        bottom.set_ylabel("share of the faces")
    return figure


@figure
def window(maps: Mapping[str, np.ndarray]):
    """The places (H, W) bool of each layer that a changed pixel reaches, a panel for each layer, by its title."""
    figure, pairs = panels(maps, height=1.9, fontsize=8, beside=2)
    for ax, places in pairs:
        ax.imshow(places, cmap="cividis", interpolation="nearest", vmin=0, vmax=1)
        height, width = places.shape
        ax.set(xticks=[], yticks=[], xlabel=f"{places.sum():,} of {height * width:,}")
    return figure
