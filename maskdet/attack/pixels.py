"""Pixels of an image: what an attack changes, and what came of it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

Pixel = tuple[int, int, int, int, int]  # row, column, red, green, blue

# The corners of the colour cube, (8, 3).
CORNERS = np.array(np.meshgrid(*[[0, 255]] * 3, indexing="ij"), np.uint8).reshape(3, 8).T


def checked_pixels(pixels: np.ndarray, shape: Sequence[int]) -> np.ndarray:
    """`pixels`, whole numbers, as (N, K, 5): row, column, red, green, blue.

    Takes a single pixel (5,), a pixel for each image (N, 5), or K for each (N, K, 5). Raises ValueError for a pixel
    outside an image of `shape` or a colour outside 0 to 255.
    """
    pixels = np.asarray(pixels)
    if pixels.ndim < 3:
        pixels = pixels.reshape(-1, 1, 5)
    limit = np.array([*shape[:2], 256, 256, 256])
    outside = ((pixels < 0) | (pixels >= limit)).any(axis=-1)
    if outside.any():
        raise ValueError(f"expected row, column, red, green, blue below {limit.tolist()}, "
                         f"got {pixels[outside][0].tolist()}")
    return pixels


def set_pixels(image: np.ndarray, pixels: np.ndarray) -> np.ndarray:
    """Copies (N, H, W, 3) of `image` (H, W, 3) uint8 with `pixels`, as `checked_pixels` takes them, set.

    Where two of the K pixels of an image are at the same place, the last counts. Raises as `checked_pixels`.
    """
    pixels = checked_pixels(pixels, image.shape)
    images = np.repeat(image[None], len(pixels), axis=0)
    for pixel in pixels.swapaxes(0, 1):
        images[np.arange(len(pixels)), pixel[:, 0], pixel[:, 1]] = pixel[:, 2:]
    return images


def every_pixel(places: np.ndarray, colours: np.ndarray = CORNERS) -> np.ndarray:
    """Each of `colours` (C, 3) at each of `places` (N, 2: row, column), as pixels (N * C, 1, 5)."""
    return np.column_stack([np.repeat(places, len(colours), axis=0), np.tile(colours, (len(places), 1))])[:, None]


@dataclass(frozen=True)
class Attempt:
    """What a search found for one face: its best pixels, and whether they flip the decision.

    `pixels`: K of (row, column, red, green, blue). `before`, `after`: the probabilities (bare, masked) of the face
    as it was and with the pixels set. `queries`: how many changed images the search queried.
    """

    label: int
    pixels: tuple[Pixel, ...]
    before: tuple[float, ...]
    after: tuple[float, ...]
    queries: int

    @property
    def flipped(self) -> bool:
        """Whether the decision with the pixels set is no longer the true class."""
        return int(np.argmax(self.after)) != self.label


def landscape(face, label: int, *, colours: np.ndarray = CORNERS) -> np.ndarray:
    """Lowest confidence (H, W) float32 of a `face` in its class `label` when the pixel at each place takes one of
    `colours`: the surface that a one-pixel attack descends, seen whole."""
    height, width = face.image.shape[:2]
    logits = face.query(every_pixel(np.argwhere(np.ones((height, width), bool)), colours))
    margins = logits[:, label] - logits[:, 1 - label]
    return (1 / (1 + np.exp(-margins.reshape(height, width, -1).min(axis=2)))).astype(np.float32)
