"""Where one pixel hurts."""

from collections.abc import Sequence

import numpy as np

from maskdet.figures.style import COLOURS, INK, axes, figure, show_image


@figure
def vulnerability(images: np.ndarray, moved: np.ndarray, flips: np.ndarray, titles: Sequence[str], *, veiled: bool):
    """Faces (N, H, W, 3), below each by how much one pixel moves the margin at each place, `moved` (N, H, W), on a
    scale of its own; places whose pixel turns the decision, `flips`, are marked."""
    figure, places = axes(2, len(images), height=3.4, squeeze=False)
    for column, (image, map_, turned, title) in enumerate(zip(images, moved, flips, titles)):
        show_image(places[0, column], image, veiled=veiled)
        places[0, column].set_title(title, fontsize=7)
        drawn_map = places[1, column].imshow(map_, cmap="cividis", interpolation="nearest", vmin=0)
        row, at = np.nonzero(turned)
        places[1, column].scatter(at, row, s=14, marker="s", facecolor="none", edgecolor=COLOURS["missed"], lw=0.9)
        places[1, column].set(xticks=[], yticks=[])
        bar = figure.colorbar(drawn_map, ax=places[1, column], orientation="horizontal", shrink=0.9)
        bar.ax.tick_params(labelsize=6)
    return figure


@figure
def weak_spots(found: dict[str, tuple[np.ndarray, dict[str, int]]]):
    """For each network the mean map (H, W) of what one pixel moves, and the colours of the pixels that move most."""
    figure, places = axes(2, len(found), height=4.6, squeeze=False, height_ratios=(1.5, 1))
    for column, (name, (moved, colours)) in enumerate(found.items()):
        drawn_map = places[0, column].imshow(moved, cmap="cividis", interpolation="nearest", vmin=0)
        places[0, column].set(xticks=[], yticks=[])
        places[0, column].set_title(name, fontsize=9)
        figure.colorbar(drawn_map, ax=places[0, column], label="moves the margin by", shrink=0.9)
        faces = sum(colours.values())
        places[1, column].bar(list(colours), [count / faces for count in colours.values()],
                              color=[*(name for name in colours if name != "another"), COLOURS["left out"]],
                              edgecolor=INK, lw=0.8)
        places[1, column].tick_params(axis="x", rotation=60)
        places[1, column].set_ylabel("share of the faces")
    return figure
