"""What a search is, and what it may query: a face that gives the logits of changed images, whatever computes them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np

from maskdet.attack.pixels import set_pixels

Predict = Callable[[np.ndarray], np.ndarray]  # (N, H, W, 3) uint8 -> probabilities (N, 2)

ROUNDING = 1e-4  # a margin nearer to 0 than this may be rounding: it is no flip yet
SUM = 1e-3  # float16 probabilities may miss the sum of 1 by this much
LARGE = 10  # above this size of the logits, rounding grows with them


class Face(Protocol):
    """One image (H, W, 3) uint8 under attack, with its `logits` (2,)."""

    image: np.ndarray
    logits: np.ndarray

    def query(self, pixels: np.ndarray) -> np.ndarray:
        """The logits (N, 2) of the image with `pixels` (N, K, 5: row, column, red, green, blue) set."""


class Network(Protocol):
    """Anything that makes a `Face` of an image: `maskdet.incremental.Incremental`, or `Predicted`."""

    def face(self, image: np.ndarray) -> Face: ...


class Found(NamedTuple):
    """The best pixels (K, 5) that a search found, and how many changed images it queried."""

    pixels: np.ndarray
    queries: int


class Search(Protocol):
    """Looks for pixels of a face that bring its margin for the class `label` below `-flip_limit(face)`, and stops
    there. A search is a frozen dataclass of its settings. `name`, in tables and files: another for other settings."""

    @property
    def name(self) -> str: ...

    def __call__(self, face: Face, label: int, *, rng: np.random.Generator) -> Found: ...


def region_suffix(region: int | None) -> str:
    """What a search of the rows and columns below `region` adds to its name."""
    return "" if region is None else f"_below_{region}"


@dataclass(frozen=True)
class PredictedFace:
    """A face of which every query is a whole pass, `forward(images (N, H, W, 3)) -> logits (N, 2)`."""

    forward: Predict
    image: np.ndarray
    logits: np.ndarray

    def query(self, pixels: np.ndarray) -> np.ndarray:
        return self.forward(set_pixels(self.image, pixels))


@dataclass(frozen=True)
class Predicted:
    """Any `predict(images (N, H, W, 3) uint8) -> probabilities (N, 2)` as a network to attack."""

    predict: Predict

    def face(self, image: np.ndarray) -> PredictedFace:
        return PredictedFace(self.logits, image, self.logits(image[None])[0])

    def logits(self, images: np.ndarray) -> np.ndarray:
        """The logarithms of the probabilities: logits up to a constant, which does not change margins.
        Raises ValueError unless `predict` returns finite probabilities (N, 2) that add up to 1."""
        returned = np.asarray(self.predict(images))
        expected = f"expected finite probabilities ({len(images)}, 2) of predict"
        if returned.shape != (len(images), 2):
            single = returned.shape in ((len(images),), (len(images), 1))
            raise ValueError(f"{expected}, got {returned.shape}"
                             + single * ": of a single probability p, give np.column_stack([1 - p, p])")
        if bad := np.count_nonzero(~(np.isfinite(returned) & (returned >= 0))):
            raise ValueError(f"{expected}, got {bad} that are negative or not finite: of logits, give the softmax")
        total = returned.sum(axis=1)
        if len(wrong := total[abs(total - 1) > SUM]):
            raise ValueError(f"{expected}, which add up to 1, got {len(wrong)} rows that do not, one of sum "
                             f"{wrong[0]:g}: of logits, give the softmax")
        return np.log(np.maximum(returned, np.finfo(np.float32).tiny))


def margin(logits: np.ndarray, label: int) -> np.ndarray:
    """The logit of the true class less that of the other, (N, 2) -> (N,): below 0 the decision is flipped. With two
    classes this is the objective of every attack, targeted or not."""
    return logits[..., label] - logits[..., 1 - label]


def confidence(logits: np.ndarray, label: int) -> np.ndarray:
    """The float32 probability of the true class, (N, 2) -> (N,). It is exactly 1 for every margin above 17."""
    with np.errstate(over="ignore"):  # of a margin far below 0: the probability is 0
        return 1 / (1 + np.exp(-margin(np.asarray(logits, np.float32), label)))


def flip_limit(face: Face) -> float:
    """How far below 0 a margin must be so that rounding cannot have caused it."""
    return ROUNDING * max(1.0, float(np.abs(face.logits).max()) / LARGE)


def probabilities(logits: np.ndarray) -> tuple[float, ...]:
    """The softmax of logits (2,)."""
    powers = np.exp(logits.astype(float) - logits.max())
    return tuple((powers / powers.sum()).tolist())
