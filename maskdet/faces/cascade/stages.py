"""The three stages of MTCNN: boxes proposed on a pyramid, refined, and refined again."""

from dataclasses import dataclass, field
from functools import partial

import numpy as np

from maskdet.faces.cascade import pyramid
from maskdet.faces.cascade.convolution import SLACK, compiled
from maskdet.faces.cascade.networks import PatchNetwork, ProposalNetwork
from maskdet.faces.matching import checked_photograph

STRIDE = 2  # pixels between P-net's cells
THRESHOLDS = (0.6, 0.7, 0.8)  # the probability of a face that P-net, R-net and O-net must exceed
WITHIN_LEVEL, OVERLAP = 0.5, 0.7  # the overlap above which a box goes, within a level and afterwards


@dataclass(frozen=True)
class Cascade:
    """MTCNN at the defaults of the `mtcnn` package."""

    proposal: ProposalNetwork = field(default_factory=ProposalNetwork)
    refinement: PatchNetwork = field(default_factory=partial(PatchNetwork, "rnet"))
    output: PatchNetwork = field(default_factory=partial(PatchNetwork, "onet"))

    def __call__(self, photograph: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """`photograph` (H, W, 3) uint8 -> boxes (M, 4): left, top, right, bottom in pixels, inside it, and their
        scores (M,), 0 to 1, float32, the best first. Raises ValueError for an array of another shape or type."""
        photograph = np.ascontiguousarray(checked_photograph(photograph))
        boxes = _square(self.proposed(photograph))
        boxes = _refined(self.refinement, photograph, boxes, threshold=THRESHOLDS[1])
        boxes = _square(suppressed(boxes, threshold=OVERLAP))
        boxes = _refined(self.output, photograph, boxes, threshold=THRESHOLDS[2])
        boxes = suppressed(boxes, threshold=OVERLAP, smaller=True)
        height, width = photograph.shape[:2]
        edges = boxes[:, :4].clip(0, [width - 1, height - 1, width - 1, height - 1])
        return edges.astype(np.float32), boxes[:, 4].astype(np.float32)

    def proposed(self, photograph: np.ndarray) -> np.ndarray:
        """What P-net proposes: boxes (M, 5) float64, left, top, right, bottom, score."""
        levels = [suppressed(self.level(photograph, scale), threshold=WITHIN_LEVEL)
                  for scale in pyramid.scales(*photograph.shape[:2])]
        return suppressed(np.concatenate([np.empty((0, 5)), *levels]), threshold=OVERLAP)

    def level(self, photograph: np.ndarray, scale: float) -> np.ndarray:
        """P-net's boxes on a level of the pyramid, in pixels of the photograph: (M, 5) as `proposed`."""
        height, width = (int(side * scale) for side in photograph.shape[:2])
        level = pyramid.level(photograph, height, width, SLACK)
        cells = self.proposal(level, height=height, width=width, threshold=THRESHOLDS[0]).astype(float)
        corner = cells[:, 1::-1] * STRIDE
        side = pyramid.CELL - 1  # a cell's box goes from its pixel 1 to its pixel 12: 11 long
        edges = np.concatenate([corner + 1, corner + pyramid.CELL], axis=1) + cells[:, 2:6] * side
        return np.column_stack([edges / scale, cells[:, 6]])


def _refined(network: PatchNetwork, photograph: np.ndarray, boxes: np.ndarray, *, threshold: float) -> np.ndarray:
    """The boxes (M, 5) whose patches `network` scores above `threshold`, with its scores, moved by its offsets."""
    height, width = photograph.shape[:2]
    shares = boxes[:, [1, 0, 3, 2]] / [height, width, height, width]
    offsets, scores = network(pyramid.patches(photograph, shares.astype(np.float32), network.side))
    sides = np.tile(boxes[:, 2:4] - boxes[:, :2] + 1, 2).astype(np.float32)
    moved = np.column_stack([boxes[:, :4] + offsets * sides, scores])
    return moved[moved[:, 4] > threshold]


def _square(boxes: np.ndarray) -> np.ndarray:
    """`boxes` (M, 5) made square around their middle, as long as their longer side."""
    sides = boxes[:, 2:4] - boxes[:, :2]
    longest = sides.max(axis=1, keepdims=True, initial=0)
    corner = boxes[:, :2] + sides * 0.5 - longest * 0.5
    return np.column_stack([corner, corner + longest, boxes[:, 4]])


def suppressed(boxes: np.ndarray, *, threshold: float, smaller: bool = False) -> np.ndarray:
    """The rows of `boxes` (M, 5) (left, top, right, bottom, score) that stay, the best first, of equal scores the last.

    A row goes where a row of a higher score shares with it more than `threshold` of their union, or, with `smaller`,
    of the smaller box. This holds even where that other row goes itself: usual suppression compares only with rows
    that stay (Zhang et al. 2016 do not say which; the `mtcnn` package does this).
    """
    boxes = boxes[np.argsort(boxes[:, 4], kind="stable")[::-1]]
    return boxes[_stay(np.ascontiguousarray(boxes[:, :4]), threshold, smaller)]


@compiled
def _stay(boxes, threshold, smaller):
    stay = np.ones(len(boxes), np.bool_)
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    for k in range(len(boxes)):
        left, top, right, bottom = boxes[k]
        for i in range(k):
            wide = min(right, boxes[i, 2]) - max(left, boxes[i, 0])
            high = min(bottom, boxes[i, 3]) - max(top, boxes[i, 1])
            if wide > 0 and high > 0:
                shared = wide * high
                whole = min(areas[i], areas[k]) if smaller else areas[i] + areas[k] - shared
                if shared / whole > threshold:
                    stay[k] = False
                    break
    return stay
