"""Boxes of the same face: all but the best suppressed."""

import numpy as np
from numba import njit


def suppressed(boxes: np.ndarray, *, threshold: float, smaller: bool = False) -> np.ndarray:
    """The rows of `boxes` (M, 5) (left, top, right, bottom, score) that stay, the best first.

    A row goes where a row of a higher score shares with it more than `threshold` of their union, or, with `smaller`,
    of the smaller box. This holds even where that other row goes itself: usual suppression compares only with rows
    that stay (Zhang et al. 2016 do not say which; the `mtcnn` package does this).
    """
    boxes = boxes[np.argsort(boxes[:, 4])[::-1]]
    return boxes[_stay(np.ascontiguousarray(boxes[:, :4]), threshold, smaller)]


@njit(cache=True, nogil=True, error_model="numpy")
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
