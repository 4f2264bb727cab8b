"""Detected boxes paired with labelled boxes, and the part of a photograph inside a box."""

import numpy as np
from PIL import Image
from scipy.optimize import linear_sum_assignment

from maskdet.config import SIZE

# Two boxes are of the same face where the smaller one lies to INSIDE in the larger and has LEAST of its area. Chosen on
# the photographs outside the test parts of larxel (tight boxes) and of wobot (whole heads).
INSIDE, LEAST = 0.6, 1 / 6


def checked_photograph(photograph) -> np.ndarray:
    """`photograph` itself. Raises ValueError for anything but an array (H, W, 3) uint8 with at least one pixel."""
    kind, shape = getattr(photograph, "dtype", type(photograph).__name__), np.shape(photograph)
    if kind != np.uint8 or len(shape) != 3 or shape[2] != 3 or 0 in shape:
        raise ValueError(f"expected a photograph (H, W, 3) uint8, got {kind} {shape}: "
                         "read a file with np.asarray(Image.open(path).convert('RGB'))")
    return photograph


def overlap(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Intersection over union of boxes `a` (M, 4) with boxes `b` (N, 4): (M, N), 0 to 1."""
    shared, areas = _areas(a, b)
    return shared / np.maximum(areas[0] + areas[1] - shared, 1e-9)


def same_face(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Which of the boxes `a` (M, 4) are of the same face as which of `b` (N, 4), (M, N) bool: the smaller of the two
    lies to at least INSIDE in the larger, and is no less than LEAST of it.

    So a box of the features alone and one of the whole head match, which an intersection over union would refuse; COCO
    (Lin et al. 2014) divides by the area of the detection in the same way where labels are loose. A chin, an eye or a
    piece of a mask is too small a part to match.
    """
    shared, areas = _areas(a, b)
    smaller, larger = np.minimum(*areas), np.maximum(*areas)
    return (shared > 0) & (shared >= INSIDE * smaller) & (smaller >= LEAST * larger)


def _areas(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, tuple[np.ndarray, np.ndarray]]:
    """The area that boxes `a` (M, 4) and `b` (N, 4) share, (M, N), and their own, (M, 1) and (1, N)."""
    a, b = np.asarray(a, float)[:, None], np.asarray(b, float)[None]
    sides = np.minimum(a[..., 2:], b[..., 2:]) - np.maximum(a[..., :2], b[..., :2])
    shared, first, second = (np.prod(np.clip(lengths, 0, None), axis=-1)
                             for lengths in (sides, a[..., 2:] - a[..., :2], b[..., 2:] - b[..., :2]))
    return shared, (first, second)


def match(boxes: np.ndarray, labelled: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pair detected `boxes` (M, 4) with `labelled` boxes (N, 4) of the `same_face`, each with at most one: of all such
    pairings, that of the largest total overlap. Returns, for each labelled box, the index of its detected box (N,),
    -1 where it was missed, and their overlap (N,)."""
    index, shared = np.full(len(labelled), -1), np.zeros(len(labelled))
    if len(boxes) and len(labelled):
        table = overlap(boxes, labelled)
        table[~same_face(boxes, labelled)] = 0  # a pair that does not count must not displace a pair that does
        rows, columns = linear_sum_assignment(table, maximize=True)
        keep = table[rows, columns] > 0
        index[columns[keep]], shared[columns[keep]] = rows[keep], table[rows, columns][keep]
    return index, shared


def crop(photograph: np.ndarray, box, *, size: int = SIZE) -> np.ndarray:
    """The part of `photograph` (H, W, 3) inside `box`, clipped and resized: (size, size, 3) uint8. Raises ValueError
    for a box without an area inside the photograph, and for anything but a photograph."""
    height, width = checked_photograph(photograph).shape[:2]
    left, top, right, bottom = _inside(np.asarray(box, float), width=width, height=height)
    part = Image.fromarray(photograph[top:bottom, left:right])
    return np.asarray(part.resize((size, size), Image.Resampling.BILINEAR))


def surroundings(photograph: np.ndarray, box, *, size: int = 2 * SIZE) -> np.ndarray:
    """`box` with half its width and height more on each side, (size, size, 3) uint8. Beyond the photograph (H, W, 3)
    its border is repeated. Raises ValueError as `crop`."""
    height, width = photograph.shape[:2]
    left, top, right, bottom = _inside(np.asarray(box, float), width=width, height=height)
    wide, high = (right - left) / 2, (bottom - top) / 2
    window = np.array([left - wide, top - high, right + wide, bottom + high])
    first, last = np.floor(window[:2]).astype(int), np.ceil(window[2:]).astype(int)
    rows, columns = np.arange(first[1], last[1]), np.arange(first[0], last[0])
    part = photograph[rows.clip(0, height - 1)[:, None], columns.clip(0, width - 1)]
    inside = tuple(window - np.tile(first, 2))
    return np.asarray(Image.fromarray(part).resize((size, size), Image.Resampling.BILINEAR, box=inside))


def _inside(edges: np.ndarray, *, width: int, height: int) -> tuple[int, int, int, int]:
    """The part of a box inside a photograph of `width` x `height`, in whole pixels. Raises ValueError without any."""
    expected = f"expected a box (left, top, right, bottom) inside a photograph {width} pixels wide and {height} high"
    if edges.shape != (4,) or not np.isfinite(edges).all():
        raise ValueError(f"{expected}, four finite numbers, got {edges.tolist()}")
    left, top, right, bottom = np.round(edges).astype(int).tolist()
    if left >= right or top >= bottom:
        raise ValueError(f"{expected}, with left < right and top < bottom, got {edges.round(1).tolist()}")
    left, top, right, bottom = max(left, 0), max(top, 0), min(right, width), min(bottom, height)
    if left >= right or top >= bottom:
        raise ValueError(f"{expected}, at least in part, got {edges.round(1).tolist()}, which is outside")
    return left, top, right, bottom
