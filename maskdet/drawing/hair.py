"""Hair, beards and the lines of age."""

from functools import partial

import numpy as np

from .canvas import curve, ellipse, mix, ribbon, shade, symmetric

STYLES = {  # the volume, and the right half of the hairline, from the middle of the forehead to the ear
    "bald": None,
    "buzz": (0.03, [(0, -1.18), (0.5, -1.14), (0.82, -0.85), (0.93, -0.4)]),
    "short": (0.12, [(0, -1.12), (0.5, -1.1), (0.8, -0.85), (0.92, -0.15)]),
    "parted": (0.16, [(0.45, -1.3), (0.7, -1.0), (0.86, -0.6), (0.95, -0.1)]),
    "fringe": (0.14, [(0, -0.68), (0.45, -0.66), (0.8, -0.55), (0.92, 0.1)]),
    "bob": (0.16, [(0, -1.2), (0.5, -0.95), (0.83, -0.3), (0.92, 1.0)]),
    "long": (0.14, [(0, -1.28), (0.48, -1.0), (0.82, -0.4), (0.94, 1.3)]),
    "bun": (0.08, [(0, -1.22), (0.5, -1.08), (0.84, -0.75), (0.96, -0.25)]),
    "curly": (0.34, [(0, -1.1), (0.5, -1.02), (0.84, -0.75), (0.98, -0.1)]),
}


def paint_hair(canvas, person, rng, *, loose):
    """The hair on the skull; a bald head shines. With `loose`, strands of long hair fall before the face."""
    if person.style == "bald":
        canvas.paint(ellipse(0.2, -1.4, 0.3, 0.12), (255, 250, 245), soft=0.1, alpha=0.35)
        return
    volume, hairline = STYLES[person.style]
    skull = np.array([(0.3, -1.68), (0.7, -1.45), (0.97, -0.95), (1.02, -0.45)]) * (1 + volume)
    end = np.array(hairline[-1]) + (0.14 + 0.3 * volume, -0.02)
    outline = symmetric(np.vstack([(0, -1.72 - volume), skull, end, hairline[::-1]]), steps=4)
    if person.style == "parted":
        outline = outline + np.where(outline[:, 1:] < -0.8, rng.choice([-1, 1]) * 0.14, 0) * (1, 0)
    if person.style == "curly":
        away = outline / np.linalg.norm(outline, axis=1, keepdims=True)
        outline = outline + away * rng.normal(0, 0.05, (len(outline), 1))
    if person.style == "buzz":
        canvas.paint(outline, person.hair, soft=0.05, alpha=0.7)
        return
    canvas.paint(outline, person.hair, soft=0.03)
    dark, light = shade(person.hair, 0.6), mix(person.hair, (255, 240, 220), 0.3)
    for _ in range(14 if canvas.pose.half > 20 else 5):  # strands
        x = rng.uniform(-1, 1)
        strand = ribbon([(x * 0.25, -1.8), (x * 0.8, -1.45), (x * 1.15, -0.9 + 0.2 * abs(x)), (x * 1.2, 0.2)],
                        rng.uniform(0.02, 0.06), taper=0.7)
        canvas.paint(strand, dark if rng.uniform() < 0.5 else light, soft=0.015, alpha=0.45, within=outline)
    canvas.paint(ellipse(rng.uniform(-0.4, 0.4), -1.5, 0.4, 0.1), light, soft=0.08, alpha=0.5, within=outline)
    for side in (-1, 1) if loose and person.style in ("bob", "long", "curly") else ():
        x = rng.uniform(0.75, 0.98)
        canvas.paint(ribbon([(x * 0.8, -1.2), (x, -0.4), (x * 1.02, 0.6)], 0.05, taper=0.6, side=side),
                     shade(person.hair, 0.8), soft=0.015, alpha=0.8)


def paint_beard(canvas, person):
    """Stubble, moustache, goatee or a full beard, where the person has any."""
    c, j, beard = person.chin, person.jaw, person.beard
    paint = partial(canvas.paint, colour=mix(person.hair, person.skin, 0.12))
    if beard in ("stubble", "full"):
        side, middle = (c + 0.1, c + 0.16) if beard == "full" else (c - 0.05, c - 0.02)
        rim = [(0.97, 0.1), (0.92, 0.55), (0.74 * j, 1.0), (0.42 * j, side), (0, middle), (-0.42 * j, side),
               (-0.74 * j, 1.0), (-0.92, 0.55), (-0.97, 0.1)]
        inner = [(-0.82, 0.4), (-0.55, 0.72), (-0.32, 0.6), (0, 0.56), (0.32, 0.6), (0.55, 0.72), (0.82, 0.4)]
        paint(curve(rim + inner), soft=0.06, alpha=0.92 if beard == "full" else 0.35)
    if beard in ("moustache", "full", "goatee"):
        moustache = [(-0.42, 0.78), (-0.25, 0.62), (0, 0.57), (0.25, 0.62), (0.42, 0.78)]
        paint(ribbon(moustache, 0.17, taper=0.5), soft=0.03, alpha=0.92)
    if beard == "goatee":
        paint(ellipse(0, c - 0.12, 0.3, 0.24), soft=0.06, alpha=0.9)


def paint_age(canvas, person):
    """Lines on the forehead and beside the eyes, for the older half."""
    if person.age < 0.5:
        return
    paint, depth = partial(canvas.paint, colour=shade(person.skin, 0.6)), person.age - 0.3
    for y in (-0.98, -0.84, -0.7):
        paint(ribbon([(-0.5, y + 0.04), (0, y), (0.5, y + 0.04)], 0.03, taper=0.8), soft=0.015, alpha=0.5 * depth)
    for side in (-1, 1):
        for low in (-0.08, 0.06):
            paint(ribbon([(0.7, -0.16), (0.86, -0.16 + low)], 0.025, side=side), soft=0.01, alpha=0.6 * depth)
