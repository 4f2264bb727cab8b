"""Complete searches: the eight corners of the colour cube at every place, in two orders.

They ask at most 8 H W times, 20,000 for a face of 50x50: less than differential evolution that
fails. Both end with the same answer, which is true of all corners and says nothing of other colours.
"""

from dataclasses import dataclass

import numpy as np

from maskdet.attack.oracle import Face, Found, flip_limit, margin, region_suffix
from maskdet.attack.pixels import CORNERS, every_pixel

GUIDED = "guided"
TOGETHER = 512  # candidates asked about at once, at most


@dataclass(frozen=True)
class Corners:
    """Black-box: all corners of one place after the other, row by row.

    Of every place, or of those whose row and column are below `region`.
    """

    region: int | None = None

    @property
    def name(self) -> str:
        return f"corners{region_suffix(self.region)}"

    def __call__(self, face: Face, label: int, *, rng: np.random.Generator) -> Found:
        return _asked(face, label, _candidates(face, self.region))


@dataclass(frozen=True)
class Guided:
    """White-box: corners in the order of their first-order score, the most promising first.

    The score of a colour at a place is what the margin would change by if it were linear in the
    pixel:  gradient · (colour - pixel). Of every place, or of those whose row and column are below
    `region`; all corners, or the `most` first. Raises TypeError for a network whose gradient is not known.
    """

    region: int | None = None
    most: int | None = None

    @property
    def name(self) -> str:
        return GUIDED + region_suffix(self.region) + ("" if self.most is None else f"_first_{self.most}")

    def __call__(self, face: Face, label: int, *, rng: np.random.Generator) -> Found:
        if not hasattr(face, "gradient"):
            raise TypeError("expected a network with known weights to be guided by, got one that only predicts: give "
                            "Incremental.of(model), or search by Corners() or DifferentialEvolution(...)")
        gradient = face.gradient(label)  # (H, W, 3)
        score = gradient @ CORNERS.T.astype(float) - (gradient * face.image).sum(axis=2, keepdims=True)
        score = score[:self.region, :self.region]
        order = np.argsort(score, axis=None, kind="stable")[:self.most]
        return _asked(face, label, _candidates(face, self.region)[order])


def _candidates(face: Face, region: int | None) -> np.ndarray:
    """Every corner at every place of the region, (8 H W, 1, 5), in the order (H, W, 8)."""
    return every_pixel(np.argwhere(np.ones(face.image.shape[:2], bool)[:region, :region]))


def _asked(face: Face, label: int, candidates: np.ndarray) -> Found:
    """Ask about candidates (N, 1, 5) in their order, up to one that flips the decision."""
    least, best, limit = np.inf, candidates[0], -flip_limit(face)
    start, together = 0, 8  # few at first: a good order has its flip at the front
    while start < len(candidates):
        asked = candidates[start:start + together]
        margins = margin(face.query(asked), label)
        flips = np.flatnonzero(margins < limit)
        if len(flips):
            return Found(asked[flips[0]], start + int(flips[0]) + 1)
        if margins.min() < least:
            least, best = margins.min(), asked[margins.argmin()]
        start, together = start + len(asked), min(8 * together, TOGETHER)
    return Found(best, len(candidates))
