"""Complete searches: the corners of the cube of colours at every place, in two orders.

With C channels they need at most 2^C H W queries for a pixel, 20,000 for a face of 50x50 in RGB: fewer than
differential evolution that fails. Both end with the same result. It holds for all corners and says nothing of other
colours. Of several pixels they are greedy: the best pixel of a search that failed is set, and the next one is searched
on the changed image; another pair may do what these do not.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from maskdet.attack.goals import Goal
from maskdet.attack.oracle import Face, Found, check_settings, flip_limit, suffix
from maskdet.attack.pixels import corners, every_pixel, every_place, set_pixels

GUIDED, CORNERS = "guided", "corners"
BATCH = 512  # candidates queried together, at most


@dataclass(frozen=True)
class Corners:
    """Black-box: all corners of each place, row by row; with `region`, of the rows and columns below it. Up to `size`
    pixels, one after the other, and at most `queries` in all."""

    region: int | None = None
    size: int = 1
    queries: int | None = None

    def __post_init__(self):
        check_settings(self.size, region=self.region, queries=self.queries)

    @property
    def name(self) -> str:
        return CORNERS + suffix(region=self.region, size=self.size, queries=self.queries)

    def check(self, face: Face) -> None:
        """Raise ValueError for a face of too many channels."""
        corners(face.image.shape[2])

    def within(self, queries: int) -> "Corners":
        """The same with at most so many queries."""
        return replace(self, queries=min(queries, self.queries or queries))

    def __call__(self, face: Face, goal: Goal, *, rng: np.random.Generator) -> Found:
        return _greedily(face, goal, self.size, self.queries, lambda face: _candidates(face, self.region))


@dataclass(frozen=True)
class Guided:
    """White-box: corners in the order of their first-order score, the most promising first.

    The score of a colour at a place is what the margin would be if the logits were linear in the pixel, with
    gradient · (colour - pixel) added. It searches every place, or the rows and columns below `region`; all corners, or
    the `most` first. Up to `size` pixels, one after the other, and at most `queries` in all. Raises TypeError for a
    network whose gradient is not known.
    """

    region: int | None = None
    most: int | None = None
    size: int = 1
    queries: int | None = None

    def __post_init__(self):
        check_settings(self.size, region=self.region, most=self.most, queries=self.queries)

    @property
    def name(self) -> str:
        return (GUIDED + suffix(region=self.region) + ("" if self.most is None else f"_first_{self.most}")
                + suffix(size=self.size, queries=self.queries))

    def check(self, face: Face) -> None:
        """Raise TypeError for a face without a gradient, and ValueError for one of too many channels."""
        if not hasattr(face, "gradient"):
            raise TypeError("expected a network with known weights to be guided by, got one that only predicts: give "
                            "a Keras model or Incremental.of(model), or search by Corners() (\"corners\") or "
                            "DifferentialEvolution() (\"differential_evolution\")")
        corners(face.image.shape[2])

    def within(self, queries: int) -> "Guided":
        """The same with at most so many queries."""
        return replace(self, queries=min(queries, self.queries or queries))

    def __call__(self, face: Face, goal: Goal, *, rng: np.random.Generator) -> Found:
        self.check(face)

        def candidates(face: Face) -> np.ndarray:
            score = _scores(face, goal)[:self.region, :self.region]
            return _candidates(face, self.region)[np.argsort(score, axis=None, kind="stable")[:self.most]]

        return _greedily(face, goal, self.size, self.queries, candidates)


def _candidates(face: Face, region: int | None) -> np.ndarray:
    """All corners (N, 1, 2 + C) of each place, row by row."""
    return every_pixel(every_place(face.image, region), corners(face.image.shape[2]))


def _scores(face: Face, goal: Goal) -> np.ndarray:
    """What a first-order estimate says of the margin with each corner (H, W, 2^C) at each place, less the margin."""
    colours, weights = corners(face.image.shape[2]).T.astype(float), goal.weights(face.logits)
    differences, scores = weights @ face.logits, []
    for row, difference in zip(weights, differences - differences[0]):
        gradient = face.gradient(row)  # (H, W, C)
        change = gradient @ colours - (gradient * face.image).sum(axis=2, keepdims=True)
        scores.append(change + difference)
    return np.min(scores, axis=0) if goal.target is None else np.max(scores, axis=0)


def _greedily(face: Face, goal: Goal, size: int, queries: int | None,
              candidates: Callable[[Face], np.ndarray]) -> Found:
    """The first of `candidates(face)` that flips; where none does, the best one is set, and so on, up to `size`."""
    found: list[np.ndarray] = []
    spent, flips = 0, False
    while len(found) < size and not flips and (queries is None or spent < queries):
        if found:
            face = face.network.face(set_pixels(face.image, found[-1])[0])
        pixel, used, flips = _first_flip(face, goal, candidates(face)[:queries and queries - spent])
        found.append(pixel)
        spent += used
    return Found(np.array(found), spent)


def _first_flip(face: Face, goal: Goal, candidates: np.ndarray) -> tuple[np.ndarray, int, bool]:
    """Query candidates (N, 1, 2 + C) in their order until one flips the decision: that pixel (2 + C,) or, where none
    does, that of the least margin; how many were queried; and whether it flips."""
    lowest, best, limit = np.inf, candidates[0, 0], -flip_limit(face)
    start, size = 0, 8  # small batches first: in a good order a flip comes early
    while start < len(candidates):
        batch = candidates[start:start + size]
        margins = goal.margin(face.query(batch))
        flips = np.flatnonzero(margins < limit)
        if len(flips):
            return batch[flips[0], 0], start + int(flips[0]) + 1, True
        if margins.min() < lowest:
            lowest, best = margins.min(), batch[margins.argmin(), 0]
        start, size = start + len(batch), min(8 * size, BATCH)
    return best, len(candidates), False
