"""Pixels of an image: what an attack changes, and what came of it."""

from dataclasses import dataclass

import numpy as np

from maskdet.attack.goals import Goal

Pixel = tuple[int, ...]  # row, column, and a colour value for each channel

MOST = 8  # channels whose corners are searched, at most: each doubles their number
FLIPPED, STANDS, WRONG = "flipped", "stands", "wrong"


def corners(channels: int) -> np.ndarray:
    """The corners of the cube of colours of so many channels C, (2^C, C) uint8. Raises ValueError for more than
    MOST."""
    if not 1 <= channels <= MOST:
        raise ValueError(f"expected images of 1 to {MOST} channels, whose 2^C extreme colours can be tried one by one, "
                         f"got {channels}: search by DifferentialEvolution(), \"differential_evolution\"")
    return np.array(np.meshgrid(*[[0, 255]] * channels, indexing="ij"), np.uint8).reshape(channels, -1).T


def set_pixels(image: np.ndarray, pixels: np.ndarray) -> np.ndarray:
    """Copies (N, H, W, C) of `image` (H, W, C) uint8 with `pixels` set: P for each copy (N, P, 2 + C: row, column, and
    C colour values), one for each (N, 2 + C), or a single pixel (2 + C,). Where two of the P pixels are at the same
    place, the last counts. Raises ValueError for another image, a pixel outside it or a colour outside 0 to 255."""
    image, pixels = np.asarray(image), np.asarray(pixels)
    if image.dtype != np.uint8 or image.ndim != 3:
        raise ValueError(f"expected a uint8 image (H, W, C), 0 to 255, got {image.dtype} {image.shape}")
    limit = np.array([*image.shape[:2], *[256] * image.shape[2]])
    if pixels.dtype.kind not in "iu" or pixels.shape[-1:] != limit.shape:
        raise ValueError(f"expected pixels (N, P, {len(limit)}) of whole numbers: row, column, and {image.shape[2]} "
                         f"colour values, got {pixels.dtype} {pixels.shape}")
    if pixels.ndim < 3:
        pixels = pixels.reshape(-1, 1, len(limit))
    outside = ((pixels < 0) | (pixels >= limit)).any(axis=-1)
    if outside.any():
        raise ValueError(f"expected row, column and colour values of 0 to below {limit.tolist()}, "
                         f"got {pixels[outside][0].tolist()}")
    images = np.repeat(image[None], len(pixels), axis=0)
    for pixel in pixels.swapaxes(0, 1):
        images[np.arange(len(pixels)), pixel[:, 0], pixel[:, 1]] = pixel[:, 2:]
    return images


def every_place(image: np.ndarray, region: int | None = None) -> np.ndarray:
    """All places (N, 2: row, column) of an image, row by row, or those whose row and column are below `region`."""
    return np.argwhere(np.ones(image.shape[:2], bool)[:region, :region])


def every_pixel(places: np.ndarray, colours: np.ndarray = corners(3)) -> np.ndarray:
    """Each of `colours` (M, C) at each of `places` (N, 2: row, column), as pixels (N * M, 1, 2 + C)."""
    return np.column_stack([np.repeat(places, len(colours), axis=0), np.tile(colours, (len(places), 1))])[:, None]


@dataclass(frozen=True)
class Attempt:
    """What a search found for one image: its best pixels, and what they do.

    `pixels`: at most P of (row, column, C colour values); none for an image that the network gets wrong unchanged,
    which is not attacked. `before`, `after`: the probabilities of the K classes for the image as it was and with the
    pixels set. `queries`: how many changed images the search queried. `target`: the class that it was to reach, if
    not any other than the `label`.
    """

    label: int
    pixels: tuple[Pixel, ...]
    before: tuple[float, ...]
    after: tuple[float, ...]
    queries: int
    target: int | None = None

    @property
    def goal(self) -> Goal:
        """What counts as a flip."""
        return Goal(self.label, self.target)

    @property
    def flipped(self) -> bool:
        """Whether the decision with the pixels set is no longer the label or, with a target, is that."""
        return len(self.pixels) > 0 and self.goal.flipped(np.array(self.after))

    @property
    def status(self) -> str:
        """ "flipped", "stands" (attacked in vain) or "wrong" (not attacked, as another class was decided unchanged)."""
        return FLIPPED if self.flipped else STANDS if self.pixels else WRONG
