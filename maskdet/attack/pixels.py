"""One pixel of an image: what an attack changes, and what came of it."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

Predict = Callable[[np.ndarray], np.ndarray]  # (N, H, W, 3) uint8 -> (N, 2) float32

# The corners of the colour cube, (8, 3).
CORNERS = np.array(np.meshgrid(*[[0, 255]] * 3, indexing="ij"), np.uint8).reshape(3, 8).T


def asked(predict: Predict, images: np.ndarray) -> np.ndarray:
    """The answer of `predict`, checked: raises ValueError unless it is (N, 2) and finite."""
    answer = np.asarray(predict(images))
    if answer.shape != (len(images), 2) or not np.isfinite(answer).all():
        raise ValueError(f"expected finite probabilities ({len(images)}, 2) of predict, got {answer.shape} "
                         f"with {np.count_nonzero(~np.isfinite(answer))} not finite")
    return answer


def changed(image: np.ndarray, pixels: np.ndarray) -> np.ndarray:
    """Copies of `image` (H, W, 3) uint8, each with one pixel set: (N, H, W, 3).

    `pixels` (N, 5), whole numbers: row, column, red, green, blue. Raises ValueError for a pixel
    outside the image or a colour outside 0..255.
    """
    pixels = np.asarray(pixels).reshape(-1, 5)
    limit = np.array([*image.shape[:2], 256, 256, 256])
    if ((pixels < 0) | (pixels >= limit)).any():
        worst = pixels[((pixels < 0) | (pixels >= limit)).any(axis=1)][0].tolist()
        raise ValueError(f"expected row, column, red, green, blue below {limit.tolist()}, got {worst}")
    images = np.repeat(image[None], len(pixels), axis=0)
    images[np.arange(len(pixels)), pixels[:, 0], pixels[:, 1]] = pixels[:, 2:]
    return images


@dataclass(frozen=True)
class Verdict:
    """What a search found for one face: its best pixel, and whether that pixel flips the decision.

    `colour` is red, green, blue, 0 to 255; `before` and `after` are the probabilities (bare,
    masked) of the face as it was and with the pixel set; `queries` are the changed images tried.
    """

    label: int
    row: int
    column: int
    colour: tuple[int, int, int]
    before: tuple[float, float]
    after: tuple[float, float]
    queries: int

    @property
    def flipped(self) -> bool:
        """Whether the decision with the pixel set is no longer the true class."""
        return int(np.argmax(self.after)) != self.label

    @property
    def pixel(self) -> tuple[int, int, int, int, int]:
        """Row, column, red, green, blue, as `changed` takes them."""
        return (self.row, self.column, *self.colour)


def landscape(predict: Predict, image: np.ndarray, label: int, *,
              colours: np.ndarray = CORNERS) -> np.ndarray:
    """Lowest probability of class `label` when the pixel at each place takes one of `colours`.

    Returns (H, W) float32: the surface that a one-pixel attack descends, here seen whole.
    """
    height, width = image.shape[:2]
    surface = np.empty((height, width), np.float32)
    for row in range(height):
        columns = np.repeat(np.arange(width), len(colours))
        pixels = np.column_stack([np.full_like(columns, row), columns, np.tile(colours, (width, 1))])
        surface[row] = predict(changed(image, pixels))[:, label].reshape(width, -1).min(axis=1)
    return surface
