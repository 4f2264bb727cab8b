"""Scenes: people placed before a background and photographed, with the boxes of their faces and of what they wear."""

from dataclasses import dataclass

import numpy as np

from .accessories import HEADGEAR, paint_face_shield, paint_glasses, paint_goggles
from .canvas import Canvas, Pose
from .coverings import COVERINGS, paint_hand, paint_mask, paint_object, paint_scarf
from .hair import paint_age, paint_beard, paint_hair
from .people import Person, paint_back_hair, paint_body, paint_eyes, paint_head, paint_mouth, paint_nose
from .surroundings import background, photograph

MOST = 6  # people in a scene
SIZES = ((480, 360), (512, 384), (560, 400), (600, 400), (640, 480))
SHARES = {"face_with_mask": 0.58, "face_no_mask": 0.32, "face_with_mask_incorrect": 0.05, "face_other_covering": 0.05}
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
    """Draw a photograph as a `Scene`, everything in it sampled from `rng`. `people` is their number, 1 to 6; by default
    one to five at random. `before` is what all of them have before their mouths, one of `BEFORE`; by default each wears
    a mask or not, or something else, at random. Raises ValueError for any other value."""
    if before not in (None, *BEFORE):
        raise ValueError(f"expected `before` to be one of {', '.join(BEFORE)}, got {before!r}")
    if people is not None and not 1 <= people <= MOST:
        raise ValueError(f"expected 1 to {MOST} people, got {people}")
    size = SIZES[rng.integers(len(SIZES))]
    count = people or int(rng.choice([1, 2, 3, 4, 5], p=[0.25, 0.3, 0.22, 0.14, 0.09]))
    image = background(size, rng)
    angle = rng.uniform(-1, 1)  # the light comes from the left or the right, mostly from above
    direction = np.array([0.75 * angle, -rng.uniform(0.1, 0.5), 0.75])
    direction /= np.linalg.norm(direction)
    strength, boxes = float(rng.uniform(0.2, 0.5)), []
    for pose in poses(size, count, rng):
        canvas = Canvas(image, pose)
        for name, extent in paint_person(canvas, rng, light=angle, before=before):
            left, top, right, bottom = np.clip(np.round(extent).astype(int), 0, size * 2).tolist()
            if right - left > 2 and bottom - top > 2:
                boxes.append(Box(left, top, right, bottom, name))
        canvas.finish(direction, strength, rng=rng, blur=rng.uniform(0.3, 1.1) if rng.uniform() < 0.2 else 0)
    return Scene(photograph(image, rng), tuple(boxes))


def poses(size, count, rng):
    """Poses of `count` people, the farthest first, whose faces do not hide each other."""
    width, height = size
    typical = {1: 76, 2: 66, 3: 56, 4: 48, 5: 42, 6: 38}[count]  # pixels across a face
    level = rng.uniform(0.3, 0.5) * height  # of the camera: near or far, eyes are close to it
    placed, tries = [], 0
    while len(placed) < count:
        half = max(np.clip(typical * np.exp(rng.normal(0, 0.4)), 16, 150) * 0.985**tries / 2, 8.0)
        y = level + half * rng.normal(0, 1.0 + 0.05 * tries)
        pose = Pose(float(rng.uniform(1.3 * half, width - 1.3 * half)),
                    float(np.clip(y, min(2.3 * half, level), height - 2 * half)), float(half),
                    roll=rng.normal(0, 0.1), yaw=rng.normal(0, 0.14), pitch=rng.normal(0, 0.06))
        if all(apart(pose, neighbour) for neighbour in placed):
            placed.append(pose)
        tries += 1
    return sorted(placed, key=lambda pose: pose.half)


def apart(first, second):
    """Whether neither head hides the other and the nearer body does not hide the farther head."""
    far, near = sorted((first, second), key=lambda pose: pose.half)
    aside = abs(far.x - near.x)
    above = far.y + 2.0 * far.half < near.y - 2.1 * near.half
    higher = far.y + 1.6 * far.half < near.y + 1.6 * near.half
    return aside > 1.3 * far.half + 2.4 * near.half or above or higher and aside > 1.3 * (far.half + near.half)


def paint_person(canvas, rng, *, light, before):
    """Paint a random person; returns the labels, (class name, extent), of the face and of what the person wears."""
    person, name = Person.sample(rng), str(rng.choice(list(SHARES), p=list(SHARES.values())))
    if before:
        name = "face_with_mask" if before == "mask" else "face_no_mask"
    gear = str(rng.choice(list(HEADGEAR))) if rng.uniform() < 0.2 else None
    covering = str(rng.choice(["scarf", "scarf", "balaclava", "gas mask"]))
    if name != "face_other_covering":
        covering = None
    elif covering != "scarf":
        gear = None
    paint_body(canvas, person, rng)
    if gear in (None, "hat"):
        paint_back_hair(canvas, person)
    paint_head(canvas, person, light=light)
    paint_eyes(canvas, person, gaze=rng.normal(0, 0.4))
    paint_nose(canvas, person, light=light)
    paint_mouth(canvas, person)
    paint_age(canvas, person)
    paint_beard(canvas, person)
    if gear not in ("hair_net", "turban", "hijab_niqab", "hood"):
        paint_hair(canvas, person, rng, loose=gear is None)
    labels = [(name, canvas.extent(person.face))]
    labels += COVERINGS[covering](canvas, rng) if covering else paint_lower(canvas, person, rng, name, before)
    if covering != "gas mask":
        labels += paint_eyewear(canvas, rng, often=name == "face_no_mask")
    if gear:
        labels += HEADGEAR[gear](canvas, rng)
    if covering is None and rng.uniform() < 0.025:
        labels += paint_face_shield(canvas, rng)
    return labels


def paint_lower(canvas, person, rng, name, before):
    """What is before the lower half of a face of the class `name`: a mask, or `before`, or at random."""
    if name == "face_with_mask":
        return paint_mask(canvas, person, rng)
    if name == "face_with_mask_incorrect":
        return paint_mask(canvas, person, rng, worn="under the nose" if rng.uniform() < 0.6 else "on the chin")
    draw = rng.uniform()
    if before == "hand" or not before and draw < 0.06:
        return paint_hand(canvas, person, rng)
    if before == "thing" or not before and draw < 0.12:
        return paint_object(canvas, person, rng)
    if not before and draw < 0.19:
        return paint_scarf(canvas, rng, top=person.chin - rng.uniform(0.05, 0.15))
    return []


def paint_eyewear(canvas, rng, *, often):
    """Glasses or goggles, for a share of the people: a larger share with `often`."""
    draw = rng.uniform()
    if draw < 0.02:
        return paint_goggles(canvas, rng)
    if draw < (0.26 if often else 0.13):
        return paint_glasses(canvas, rng, dark=draw < (0.08 if often else 0.035))
    return []
