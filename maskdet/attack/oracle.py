"""What a search asks: a face that gives the logits of changed images, whatever stands behind it."""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np

from maskdet.attack.pixels import set_pixels

Predict = Callable[[np.ndarray], np.ndarray]  # (N, H, W, 3) uint8 -> probabilities (N, 2)

ROUNDING = 1e-4  # a margin nearer to 0 than this is within rounding: no flip yet
SUM = 1e-3  # by so much probabilities of float16, too, may add up to another number than 1
LARGE = 10  # of logits larger than this, rounding grows with them


class Face(Protocol):
    """One image (H, W, 3) uint8 under attack, with the `logits` (2,) of it unchanged."""

    image: np.ndarray
    logits: np.ndarray

    def query(self, pixels: np.ndarray) -> np.ndarray:
        """The logits (N, 2) of the image with `pixels` (N, K, 5) set."""


class Network(Protocol):
    """Anything that makes a `Face` of an image: `maskdet.incremental.Incremental`, or `Predicted`."""

    def face(self, image: np.ndarray) -> Face: ...


@dataclass(frozen=True)
class Predicted:
    """Any `predict(images (N, H, W, 3) uint8) -> probabilities (N, 2)` as a network to attack."""

    predict: Predict

    def face(self, image: np.ndarray) -> "PredictedFace":
        answer = functools.partial(_logits, self.predict)
        return PredictedFace(answer, image, answer(image[None])[0])


@dataclass(frozen=True)
class PredictedFace:
    """A face whose every question is a whole forward pass, `answer(images (N, H, W, 3)) -> logits (N, 2)`."""

    answer: Predict
    image: np.ndarray
    logits: np.ndarray

    def query(self, pixels: np.ndarray) -> np.ndarray:
        """The logits (N, 2) of the image with `pixels` (N, K, 5: row, column, red, green, blue) set."""
        return self.answer(set_pixels(self.image, pixels))


def _logits(predict: Predict, images: np.ndarray) -> np.ndarray:
    """The logarithms of the probabilities: logits, but for a constant that leaves margins alone.
    Raises ValueError unless the answer is (N, 2), finite and of probabilities, which add up to 1."""
    answer, expected = np.asarray(predict(images)), f"expected finite probabilities ({len(images)}, 2) of predict"
    if answer.shape != (len(images), 2):
        one = answer.shape in ((len(images),), (len(images), 1))
        raise ValueError(f"{expected}, got {answer.shape}" + one * ": of one, p, give np.column_stack([1 - p, p])")
    if none := np.count_nonzero(~(np.isfinite(answer) & (answer >= 0))):
        raise ValueError(f"{expected}, got {none} that are negative or not finite: of logits, give the softmax")
    total = answer.sum(axis=1)
    if len(other := total[abs(total - 1) > SUM]):
        raise ValueError(f"{expected}, which add up to 1, got {len(other)} rows that do not, one of sum {other[0]:g}: "
                         "of logits, give the softmax")
    return np.log(np.maximum(answer, np.finfo(np.float32).tiny))


def network(of: Network | Predict) -> Network:
    """`of` itself, or a callable as a network."""
    return of if hasattr(of, "face") else Predicted(of)


def margin(logits: np.ndarray, label: int) -> np.ndarray:
    """The logit of the true class less the other one, (N, 2) -> (N,): below 0 the decision is flipped.

    With two classes this is every attack's objective, targeted or not.
    """
    return logits[..., label] - logits[..., 1 - label]


def confidence(logits: np.ndarray, label: int) -> np.ndarray:
    """The float32 probability of the true class, (N, 2) -> (N,): the margin squeezed by the softmax, and exactly 1
    for every margin above 17."""
    with np.errstate(over="ignore"):  # of a margin far below 0: the probability is 0
        return 1 / (1 + np.exp(-margin(np.asarray(logits, np.float32), label)))


def flip_limit(face: Face) -> float:
    """How far from 0 a margin of a face must be to be beyond rounding."""
    return ROUNDING * max(1.0, float(np.abs(face.logits).max()) / LARGE)


def probabilities(logits: np.ndarray) -> tuple[float, ...]:
    """The softmax of logits (2,)."""
    powers = np.exp(logits.astype(float) - logits.max())
    return tuple((powers / powers.sum()).tolist())


class Found(NamedTuple):
    """The best pixels (K, 5) that a search found, and how many changed images it asked about."""

    pixels: np.ndarray
    queries: int


class Search(Protocol):
    """Looks for pixels of a face that turn its margin for the class `label` below 0, and stops there.

    A search is a frozen dataclass of its settings; its name in tables is `name`.
    """

    @property
    def name(self) -> str: ...

    def __call__(self, face: Face, label: int, *, rng: np.random.Generator) -> Found: ...


def region_suffix(region: int | None) -> str:
    """What a search of the places whose row and column are below `region` adds to its name."""
    return "" if region is None else f"_below_{region}"
