"""One labelled box: read from text, checked against its photograph."""

from typing import Any, NamedTuple

from maskdet.data.classes import FOLDING

NO_NUMBERS = "box left out: its coordinates are not four finite numbers"
OUTSIDE = "box left out: it lies wholly outside the photograph"
NO_AREA = "box left out: it has no area"
CLIPPED = "box clipped: it lies partly outside the photograph"


class Box(NamedTuple):
    """Edges in whole pixels; the pixels are those from left to right - 1, top to bottom - 1."""

    left: int
    top: int
    right: int
    bottom: int
    original: str  # class name


def box(coordinates: Any, original: str) -> Box:
    """The box with these left, top, right, bottom, numbers or text.

    Raises ValueError unless they are four finite numbers.
    """
    try:
        left, top, right, bottom = (round(float(number)) for number in coordinates)
    except (TypeError, ValueError, OverflowError):  # infinity overflows, NaN has no whole value
        raise ValueError(NO_NUMBERS) from None
    return Box(left, top, right, bottom, original.strip())


def clipped(box: Box, *, width: int, height: int) -> Box:
    """The part of `box` within a photograph of `width` x `height` pixels.

    Raises ValueError, saying why, for a box of an unknown class or with no pixel inside.
    """
    if box.original not in FOLDING:
        raise ValueError(f"box left out: unknown class {box.original!r}")
    if box.left >= box.right or box.top >= box.bottom:
        raise ValueError(NO_AREA)
    if box.right <= 0 or box.bottom <= 0 or box.left >= width or box.top >= height:
        raise ValueError(OUTSIDE)
    return Box(max(box.left, 0), max(box.top, 0), min(box.right, width), min(box.bottom, height),
               box.original)
