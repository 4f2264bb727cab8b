"""The original classes of the public sets, folded into the two classes of the experiment; labelled boxes."""

from dataclasses import dataclass
from typing import Any, NamedTuple

MASKED, BARE, LEFT_OUT = "masked", "bare", "left out"

WORN_WRONGLY = ("face_with_mask_incorrect", "mask_weared_incorrect")


@dataclass(frozen=True)
class Fold:
    """What becomes of an original class: its label, whether its boxes are boxes of faces, and the reason."""

    label: str  # "masked", "bare" or "left out"
    face: bool
    why: str


# The preprint's code keeps two of the 20 classes of its set: face_with_mask and face_no_mask.
FOLDING = {name: Fold(label, face, why) for label, face, why, *names in (
    (MASKED, True, "a face with a mask worn as it should be", "face_with_mask", "with_mask"),
    (BARE, True, "a face with nothing over it", "face_no_mask", "without_mask"),
    (LEFT_OUT, True, "a mask worn wrongly: shown separately", *WORN_WRONGLY),
    (LEFT_OUT, True, "a face covered, but not by a mask", "face_other_covering"),
    (LEFT_OUT, False, "the mask itself, a second row of a masked face", "mask_surgical", "mask_colorful"),
    (LEFT_OUT, False, "the covering itself", "gas_mask", "face_shield", "scarf_bandana", "balaclava_ski_mask",
     "hijab_niqab"),
    (LEFT_OUT, False, "headgear", "turban", "helmet", "hair_net", "hat", "hood"),
    (LEFT_OUT, False, "glasses", "sunglasses", "eyeglasses", "goggles"),
    (LEFT_OUT, False, "anything else", "other")) for name in names}


class Box(NamedTuple):
    """A labelled box: its edges in whole pixels, right and bottom exclusive, and its original class."""

    left: int
    top: int
    right: int
    bottom: int
    original: str


def box(coordinates: Any, original: str) -> Box:
    """A box from its left, top, right and bottom, as numbers or text. Raises ValueError unless all four are finite."""
    try:
        left, top, right, bottom = (round(float(number)) for number in coordinates)
    except (TypeError, ValueError, OverflowError):  # rounding raises for infinity and NaN, too
        raise ValueError("box left out: its coordinates are not four finite numbers") from None
    return Box(left, top, right, bottom, original.strip())


def clipped(box: Box, *, width: int, height: int) -> Box:
    """The part of `box` inside a photograph of `width` x `height` pixels. Raises ValueError, with the reason, for a box
    of an unknown class or without a pixel inside."""
    if box.original not in FOLDING:
        raise ValueError(f"box left out: unknown class {box.original!r}")
    if box.left >= box.right or box.top >= box.bottom:
        raise ValueError("box left out: it has no area")
    if box.right <= 0 or box.bottom <= 0 or box.left >= width or box.top >= height:
        raise ValueError("box left out: it lies wholly outside the photograph")
    return Box(max(box.left, 0), max(box.top, 0), min(box.right, width), min(box.bottom, height), box.original)
