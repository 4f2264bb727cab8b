"""Where one pixel changes the margin most."""

from collections.abc import Mapping, Sequence

import numpy as np

from maskdet.figures.style import COLOURS, INK, figure, show_image, subplots


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
