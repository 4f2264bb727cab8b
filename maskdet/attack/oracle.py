"""What a search is, and what it may query: a face that gives the logits of changed images, whatever computes them."""

import numbers
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np

from maskdet.attack.goals import Goal
from maskdet.attack.pixels import set_pixels

Predict = Callable[[np.ndarray], np.ndarray]  # (N, H, W, C) uint8 -> probabilities (N, K)

ROUNDING = 1e-4  # a margin nearer to 0 than this may be rounding: it is no flip yet
SUM = 1e-3  # float16 probabilities may miss the sum of 1 by this much
LARGE = 10  # above this size of the logits, rounding grows with them


class Face(Protocol):
    """One image (H, W, C) uint8 under attack, with its `logits` (K,), and the `network` that makes such faces."""

    network: "Network"
    image: np.ndarray
    logits: np.ndarray

    def query(self, pixels: np.ndarray) -> np.ndarray:
        """The logits (N, K) of the image with `pixels` (N, P, 2 + C: row, column, colour values) set."""


class Network(Protocol):
    """Anything that makes a `Face` of an image: `maskdet.incremental.Incremental`, or `Predicted`."""

    def face(self, image: np.ndarray) -> Face: ...


class Found(NamedTuple):
    """The best pixels (P, 2 + C) that a search found, and how many changed images it queried."""

    pixels: np.ndarray
    queries: int


class Search(Protocol):
    """Looks for pixels of a face that bring the margin of its goal below `-flip_limit(face)`, and stops there. A search
    is a frozen dataclass of its settings. `name`, in tables and files: another for other settings. If it has a
    `check(face)`, that raises where it cannot search such faces; if it has `within(queries)`, that is the same search
    with at most so many queries."""

    @property
    def name(self) -> str: ...

    def __call__(self, face: Face, goal: Goal, *, rng: np.random.Generator) -> Found: ...


def suffix(*, region: int | None = None, size: int = 1, queries: int | None = None) -> str:
    """What a search adds to its name: of the rows and columns below `region`, of `size` pixels, within `queries`."""
    return (("" if region is None else f"_below_{region}") + ("" if size == 1 else f"_{size}_pixels")
            + ("" if queries is None else f"_within_{queries}"))


def check_settings(size: int, **limits: int | None) -> None:
    """Raise ValueError unless `size`, and each of the limits that is set, is a whole number of at least 1."""
    if not is_whole(size) or size < 1:
        raise ValueError(f"expected a size of at least one pixel, a whole number, got {size!r}")
    for name, limit in limits.items():
        if limit is not None and (not is_whole(limit) or limit < 1):
            raise ValueError(f"expected {name} of at least 1, a whole number, or None for no limit, got {limit!r}")


def is_whole(number: Any) -> bool:
    """Whether it is a whole number, and no truth value."""
    return isinstance(number, numbers.Integral) and not isinstance(number, bool)


@dataclass(frozen=True)
class PredictedFace:
    """A face of which every query is a whole pass of its network."""

    network: "Predicted"
    image: np.ndarray
    logits: np.ndarray

    def query(self, pixels: np.ndarray) -> np.ndarray:
        return self.network.logits(set_pixels(self.image, pixels))


@dataclass(frozen=True)
class Predicted:
    """Any `predict(images (N, H, W, C) uint8) -> probabilities (N, K)` as a network to attack. Of a single probability
    for each image, (N,) or (N, 1), it is that of class 1 of two."""

    predict: Predict

    def face(self, image: np.ndarray) -> PredictedFace:
        """An image (H, W, C) uint8, a copy of it: the caller's array may be used for another."""
        return PredictedFace(self, np.array(image), self.logits(np.array(image)[None])[0])

    def logits(self, images: np.ndarray) -> np.ndarray:
        """The logarithms of the probabilities: logits up to a constant, which does not change margins.
        Raises ValueError unless `predict` returns finite probabilities (N, K) that add up to 1."""
        returned = np.asarray(self.predict(images))
        expected = f"expected finite probabilities ({len(images)}, K) of predict, or ({len(images)},) of class 1 of two"
        remedy = "of logits, give the softmax or sigmoid"
        if returned.shape in ((len(images),), (len(images), 1)):
            returned = np.column_stack([1 - returned, returned])
        if returned.ndim != 2 or len(returned) != len(images) or not returned.shape[1]:
            raise ValueError(f"{expected}, got {returned.shape}")
        if bad := np.count_nonzero(~(np.isfinite(returned) & (returned >= 0))):
            raise ValueError(f"{expected}, got {bad} that are negative or not finite: {remedy}")
        total = returned.sum(axis=1)
        if len(wrong := total[abs(total - 1) > SUM]):
            raise ValueError(f"{expected}, which add up to 1, got {len(wrong)} rows that do not, one of sum "
                             f"{wrong[0]:g}: {remedy}")
        return np.log(np.maximum(returned, np.finfo(np.float32).tiny))


def margin(logits: np.ndarray, label: int) -> np.ndarray:
    """The margin (...) of logits (..., K) for any decision other than `label`: see `Goal.margin`."""
    return Goal(label).margin(logits)


def flip_limit(face: Face) -> float:
    """How far below 0 a margin must be so that rounding cannot have caused it."""
    return ROUNDING * max(1.0, float(np.abs(face.logits).max()) / LARGE)


def probabilities(logits: np.ndarray) -> tuple[float, ...]:
    """The softmax of logits (K,)."""
    powers = np.exp(logits.astype(float) - logits.max())
    return tuple((powers / powers.sum()).tolist())
