"""From the class names of the two public sets to the two classes of the experiment; one labelled box."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import pandas as pd

MASKED, BARE, LEFT_OUT = "masked", "bare", "left out"


@dataclass(frozen=True)
class Fold:
    """What becomes of one original class."""

    label: str  # "masked", "bare" or "left out"
    face: bool  # whether the box is that of a face
    why: str


# The preprint's code keeps two of the 20 classes of its set: face_with_mask and face_no_mask.
FOLDING = {
    "face_with_mask": Fold(MASKED, True, "a face with a mask worn as it should be"),
    "with_mask": Fold(MASKED, True, "a face with a mask worn as it should be"),
    "face_no_mask": Fold(BARE, True, "a face with nothing over it"),
    "without_mask": Fold(BARE, True, "a face with nothing over it"),
    "face_with_mask_incorrect": Fold(LEFT_OUT, True, "neither one nor the other: shown separately"),
    "mask_weared_incorrect": Fold(LEFT_OUT, True, "neither one nor the other: shown separately"),
    "face_other_covering": Fold(LEFT_OUT, True, "covered, but not by a mask"),
    "mask_surgical": Fold(LEFT_OUT, False, "the mask itself, a second row of a masked face"),
    "mask_colorful": Fold(LEFT_OUT, False, "the mask itself, a second row of a masked face"),
    "gas_mask": Fold(LEFT_OUT, False, "the gas mask itself"),
    "face_shield": Fold(LEFT_OUT, False, "the shield itself"),
    "scarf_bandana": Fold(LEFT_OUT, False, "the cloth itself"),
    "balaclava_ski_mask": Fold(LEFT_OUT, False, "the balaclava itself"),
    "hijab_niqab": Fold(LEFT_OUT, False, "the cloth itself"),
    "turban": Fold(LEFT_OUT, False, "headgear"),
    "helmet": Fold(LEFT_OUT, False, "headgear"),
    "hair_net": Fold(LEFT_OUT, False, "headgear"),
    "hat": Fold(LEFT_OUT, False, "headgear"),
    "hood": Fold(LEFT_OUT, False, "headgear"),
    "sunglasses": Fold(LEFT_OUT, False, "glasses"),
    "eyeglasses": Fold(LEFT_OUT, False, "glasses"),
    "goggles": Fold(LEFT_OUT, False, "glasses"),
    "other": Fold(LEFT_OUT, False, "anything else"),
}


def folding_table() -> pd.DataFrame:
    """`FOLDING` as a table: label, face, why; one row per original class, which is the index."""
    rows = [(fold.label, "yes" if fold.face else "no", fold.why) for fold in FOLDING.values()]
    return pd.DataFrame(rows, index=list(FOLDING), columns=["label", "a face", "why"])


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
