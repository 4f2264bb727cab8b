"""Scenes: people placed before a background, photographed, with the boxes of what they wear."""

from dataclasses import dataclass

import numpy as np

from .accessories import HEADGEAR, paint_face_shield, paint_glasses, paint_goggles
from .canvas import Canvas, Pose
from .coverings import (paint_balaclava, paint_gas_mask, paint_hand, paint_mask, paint_object,
                        paint_scarf)
from .hair import paint_age, paint_beard, paint_hair, paint_strands_over
from .people import (Person, paint_back_hair, paint_body, paint_eyes, paint_head, paint_mouth,
                     paint_nose)
from .surroundings import background, photograph

MOST = 6  # people in a scene
SIZES = ((480, 360), (512, 384), (560, 400), (600, 400), (640, 480))
COVERED = {"face_with_mask": 0.58, "face_no_mask": 0.32, "face_with_mask_incorrect": 0.05,
           "face_other_covering": 0.05}
BEFORE = ("nothing", "hand", "thing", "mask")  # what can be before every mouth of a scene


@dataclass(frozen=True)
class Box:
    """A labelled box in pixels, `right` and `bottom` exclusive; `name` is its class."""

    left: int
    top: int
    right: int
    bottom: int
    name: str


@dataclass(frozen=True)
class Scene:
    """A drawn photograph, (H, W, 3) uint8 RGB, and its labelled boxes."""

    photograph: np.ndarray
    boxes: tuple[Box, ...]


def scene(*, rng, people=None, before=None):
    """One drawn photograph as a `Scene`, everything in it sampled from `rng`.

    `people` is how many are in it, 1 to 6; by default one to five at random. `before` is what all of them have
    before their mouths, one of `BEFORE`; by default each wears a mask or not, or something else, at random.
    Raises ValueError for another number or thing.
    """
    if before not in (None, *BEFORE):
        raise ValueError(f"expected before the mouth one of {', '.join(BEFORE)}, got {before!r}")
    if people is not None and not 1 <= people <= MOST:
        raise ValueError(f"expected 1 to {MOST} people, got {people}")
    size = SIZES[rng.integers(len(SIZES))]
    count = people or int(rng.choice([1, 2, 3, 4, 5], p=[0.25, 0.3, 0.22, 0.14, 0.09]))
    image = background(size, rng)
    angle = rng.uniform(-1, 1)  # the light comes from the left or the right, mostly from above
    direction = np.array([0.75 * angle, -rng.uniform(0.1, 0.5), 0.75])
    direction = direction / np.linalg.norm(direction)
    strength, boxes = float(rng.uniform(0.2, 0.5)), []
    for pose in places(size, count, rng):
        canvas = Canvas(image, pose)
        for name, extent in paint_person(canvas, rng, light=angle, before=before):
            box = whole_pixels(name, extent, size)
            if box.right - box.left > 2 and box.bottom - box.top > 2:
                boxes.append(box)
        canvas.finish(direction, strength, rng=rng,
                      blur=rng.uniform(0.3, 1.1) if rng.uniform() < 0.2 else 0)
    return Scene(photograph(image, rng), tuple(boxes))


def whole_pixels(name, extent, size):
    """A `Box` of whole pixels inside a photograph of `size` (width, height)."""
    left, top, right, bottom = np.round(extent).astype(int).tolist()
    width, height = size
    return Box(max(left, 0), max(top, 0), min(right, width), min(bottom, height), name)


def places(size, count, rng):
    """Poses of `count` people, the farthest first, whose faces do not hide each other."""
    width, height = size
    near = {1: 76, 2: 66, 3: 56, 4: 48, 5: 42, 6: 38}[count]
    level = rng.uniform(0.3, 0.5) * height  # of the camera: eyes are near it, far or close
    poses, tries = [], 0
    while len(poses) < count:
        half = max(np.clip(near * np.exp(rng.normal(0, 0.4)), 16, 150) * 0.985**tries / 2, 8.0)
        y = level + half * rng.normal(0, 1.0 + 0.05 * tries)
        pose = Pose(float(rng.uniform(1.3 * half, width - 1.3 * half)),
                    float(np.clip(y, min(2.3 * half, level), height - 2 * half)), float(half),
                    roll=rng.normal(0, 0.1), yaw=rng.normal(0, 0.14), pitch=rng.normal(0, 0.06))
        if all(apart(pose, other) for other in poses):
            poses.append(pose)
        tries += 1
    return sorted(poses, key=lambda pose: pose.half)


def apart(first, second):
    """Whether neither head hides the other and the nearer body does not hide the farther head."""
    far, near = sorted((first, second), key=lambda pose: pose.half)
    aside = abs(far.x - near.x)
    if aside > 1.3 * far.half + 2.4 * near.half:
        return True
    above = far.y + 2.0 * far.half < near.y - 2.1 * near.half
    higher = far.y + 1.6 * far.half < near.y + 1.6 * near.half
    beside = higher and aside > 1.3 * (far.half + near.half)
    return above or beside


def paint_person(canvas, rng, *, light, before):
    """Paint a person of a random kind; the rows (class name, extent) of what is to be labelled."""
    person, name = Person.sample(rng), str(rng.choice(list(COVERED), p=list(COVERED.values())))
    if before:
        name = "face_with_mask" if before == "mask" else "face_no_mask"
    gear = str(rng.choice(list(HEADGEAR))) if rng.uniform() < 0.2 else None
    covering = str(rng.choice(["scarf", "scarf", "balaclava", "gas mask"]))
    covering = covering if name == "face_other_covering" else None
    if covering in ("balaclava", "gas mask"):
        gear = None
    paint_body(canvas, person, rng)
    if gear in (None, "hat"):
        paint_back_hair(canvas, person)
    paint_head(canvas, person, light=light)
    paint_eyes(canvas, person, gaze=rng.normal(0, 0.4))
    paint_nose(canvas, person, light=light)
    paint_mouth(canvas, person)
    paint_age(canvas, person)
    if person.beard:
        paint_beard(canvas, person)
    if gear not in ("hair_net", "turban", "hijab_niqab", "hood"):
        paint_hair(canvas, person, rng)
    if gear is None:
        paint_strands_over(canvas, person, rng)
    rows = [(name, canvas.extent(person.face))]
    rows += paint_lower(canvas, person, rng, name=name, covering=covering, before=before)
    if covering != "gas mask":
        rows += paint_eyewear(canvas, person, rng, often=name == "face_no_mask")
    if gear:
        rows += HEADGEAR[gear](canvas, person, rng)
    if covering is None and rng.uniform() < 0.025:
        rows += paint_face_shield(canvas, person, rng)
    return rows


def paint_lower(canvas, person, rng, *, name, covering, before):
    """What is before the lower half of the face, by the class of the face."""
    if name == "face_with_mask":
        return paint_mask(canvas, person, rng)
    if name == "face_with_mask_incorrect":
        return paint_mask(canvas, person, rng,
                          worn="under the nose" if rng.uniform() < 0.6 else "on the chin")
    if covering == "balaclava":
        return paint_balaclava(canvas, person, rng)
    if covering == "gas mask":
        return paint_gas_mask(canvas, person, rng)
    if covering == "scarf":
        return paint_scarf(canvas, person, rng)
    draw, paint = rng.uniform(), {"hand": paint_hand, "thing": paint_object}.get(before)
    if before:
        return paint(canvas, person, rng) if paint else []
    if draw < 0.06:
        return paint_hand(canvas, person, rng)
    if draw < 0.12:
        return paint_object(canvas, person, rng)
    if draw < 0.19:
        return paint_scarf(canvas, person, rng, top=person.chin - rng.uniform(0.05, 0.15))
    return []


def paint_eyewear(canvas, person, rng, *, often):
    """Glasses or goggles, for some."""
    draw = rng.uniform()
    if draw < 0.02:
        return paint_goggles(canvas, person, rng)
    if draw < (0.26 if often else 0.13):
        return paint_glasses(canvas, person, rng, dark=draw < (0.08 if often else 0.035))
    return []
