"""Pixels of an image: what an attack changes, and what came of it."""

from dataclasses import dataclass

import numpy as np

Pixel = tuple[int, int, int, int, int]  # row, column, red, green, blue

# The corners of the colour cube, (8, 3).
CORNERS = np.array(np.meshgrid(*[[0, 255]] * 3, indexing="ij"), np.uint8).reshape(3, 8).T


def set_pixels(image: np.ndarray, pixels: np.ndarray) -> np.ndarray:
    """Copies (N, H, W, 3) of `image` (H, W, 3) uint8 with `pixels` set: K for each copy (N, K, 5: row, column, red,
    green, blue), one for each (N, 5), or a single pixel (5,). Where two of the K pixels are at the same place, the last
    counts. Raises ValueError for a pixel outside the image or a colour outside 0 to 255."""
    pixels = np.asarray(pixels)
    if pixels.ndim < 3:
        pixels = pixels.reshape(-1, 1, 5)
    limit = np.array([*image.shape[:2], 256, 256, 256])
    outside = ((pixels < 0) | (pixels >= limit)).any(axis=-1)
    if outside.any():
        raise ValueError(f"expected row, column, red, green, blue below {limit.tolist()}, "
                         f"got {pixels[outside][0].tolist()}")
    images = np.repeat(image[None], len(pixels), axis=0)
    for pixel in pixels.swapaxes(0, 1):
        images[np.arange(len(pixels)), pixel[:, 0], pixel[:, 1]] = pixel[:, 2:]
    return images


def every_place(image: np.ndarray, region: int | None = None) -> np.ndarray:
    """All places (N, 2: row, column) of an image, row by row, or those whose row and column are below `region`."""
    return np.argwhere(np.ones(image.shape[:2], bool)[:region, :region])


def every_pixel(places: np.ndarray, colours: np.ndarray = CORNERS) -> np.ndarray:
    """Each of `colours` (C, 3) at each of `places` (N, 2: row, column), as pixels (N * C, 1, 5)."""
    return np.column_stack([np.repeat(places, len(colours), axis=0), np.tile(colours, (len(places), 1))])[:, None]


@dataclass(frozen=True)
class Attempt:
    """What a search found for one face: its best pixels, and whether they flip the decision. `pixels`: K of (row,
    column, red, green, blue). `before`, `after`: the probabilities (bare, masked) of the face as it was and with the
    pixels set. `queries`: how many changed images the search queried."""

    label: int
    pixels: tuple[Pixel, ...]
    before: tuple[float, ...]
    after: tuple[float, ...]
    queries: int

    @property
    def flipped(self) -> bool:
        """Whether the decision with the pixels set is no longer the true class."""
        return int(np.argmax(self.after)) != self.label
