"""The three stages of MTCNN: proposals on a pyramid, refined, and refined again."""

from dataclasses import dataclass, field

import numpy as np

from maskdet.faces.cascade import networks, pyramid
from maskdet.faces.cascade.convolution import SLACK
from maskdet.faces.cascade.suppression import suppressed
from maskdet.faces.matching import checked_photograph

STRIDE = 2  # of P-net's cells, pixels
THRESHOLDS = (0.6, 0.7, 0.8)  # the probability of a face that P-net, R-net and O-net must exceed
WITHIN_LEVEL, OVERLAP = 0.5, 0.7  # shares of the union, within a level and afterwards


@dataclass(frozen=True)
class Cascade:
    """MTCNN at the defaults of the `mtcnn` package."""

    proposal: networks.Proposal = field(default_factory=networks.Proposal)
    refinement: networks.Judge = field(default_factory=networks.refinement)
    output: networks.Judge = field(default_factory=networks.output)

    def __call__(self, photograph: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """`photograph` (H, W, 3) uint8 -> boxes (M, 4): left, top, right, bottom in pixels, inside it, and their
        scores (M,), 0 to 1, float32, the best first. Raises ValueError for an array of another shape or type."""
        photograph = np.ascontiguousarray(checked_photograph(photograph))
        boxes = _square(self.proposed(photograph))
        boxes = _judged(self.refinement, photograph, boxes, threshold=THRESHOLDS[1])
        boxes = _square(suppressed(boxes, threshold=OVERLAP))
        boxes = _judged(self.output, photograph, boxes, threshold=THRESHOLDS[2])
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
        """P-net's boxes on one level of the pyramid, in pixels of the photograph: (M, 5) as `proposed`."""
        height, width = (int(side * scale) for side in photograph.shape[:2])
        level = pyramid.level(photograph, height, width, SLACK)
        found = self.proposal(level, height=height, width=width, threshold=THRESHOLDS[0]).astype(float)
        corner = found[:, 1::-1] * STRIDE
        side = pyramid.CELL - 1  # a cell's box is from pixel 1 to pixel 12 of it: 11 long
        edges = np.concatenate([corner + 1, corner + pyramid.CELL], axis=1) + found[:, 2:6] * side
        return np.column_stack([edges / scale, found[:, 6]])


def _judged(judge: networks.Judge, photograph: np.ndarray, boxes: np.ndarray, *, threshold: float) -> np.ndarray:
    """Those of `boxes` (M, 5) whose patches `judge` gives more than `threshold`, moved and scored as it says."""
    height, width = photograph.shape[:2]
    shares = boxes[:, [1, 0, 3, 2]] / [height, width, height, width]
    offsets, scores = judge(pyramid.patches(photograph, shares.astype(np.float32), judge.side))
    sides = np.tile(boxes[:, 2:4] - boxes[:, :2] + 1, 2).astype(np.float32)
    moved = np.column_stack([boxes[:, :4] + offsets * sides, scores])
    return moved[moved[:, 4] > threshold]


def _square(boxes: np.ndarray) -> np.ndarray:
    """`boxes` (M, 5) made square around their middle, as long as their longer side."""
    sides = boxes[:, 2:4] - boxes[:, :2]
    longest = sides.max(axis=1, keepdims=True, initial=0)
    corner = boxes[:, :2] + sides * 0.5 - longest * 0.5
    return np.column_stack([corner, corner + longest, boxes[:, 4]])
