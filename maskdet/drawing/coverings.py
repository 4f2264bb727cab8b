"""What people wear or hold before the lower half of the face.

Each function paints on a `Canvas` and returns labels: (class name, (left, top, right, bottom)), in pixels of the
photograph that are not yet rounded.
"""

from functools import partial

import numpy as np

from .canvas import WHITE, ellipse, mix, rgb, ribbon, shade, symmetric

SURGICAL = ((150, 196, 222), (120, 178, 214), (236, 240, 242), (172, 214, 196), (40, 42, 46), (222, 170, 190))
CLOTH = ((30, 30, 34), (44, 60, 104), (150, 34, 44), (60, 110, 70), (220, 190, 70), (190, 120, 60),
         (120, 70, 140), (190, 190, 186), (226, 120, 150), (70, 140, 150))


def paint_mask(canvas, person, rng, *, worn="properly"):
    """A mask worn "properly", "under the nose" or "on the chin"."""
    kind = str(rng.choice(["surgical", "cloth", "patterned", "cup", "skin"], p=[.5, .2, .14, .1, .06]))
    colour = {"surgical": SURGICAL[rng.choice(6, p=[.3, .25, .2, .1, .1, .05])], "cup": (232, 230, 224),
              "skin": mix(person.skin, (206, 170, 150), 0.25)}.get(kind, CLOTH[rng.integers(len(CLOTH))])
    colour = rgb(np.clip(np.array(colour) + rng.normal(0, 6, 3), 5, 250))
    edge, top, bottom = mask_outline(person, rng, worn=worn)
    for side in (-1, 1):  # the loops around the ears
        for start, end in ((top + 0.24, -0.16), (bottom - 0.4, 0.24)):
            loop = ribbon([(0.78, start), (0.9, (start + end) / 2 + 0.02), (1.0, end)], 0.035, side=side)
            canvas.paint(loop, mix(colour, (240, 240, 240), 0.6), soft=0.008, alpha=0.9)
    canvas.paint(edge + (0, 0.04), shade(person.skin, 0.45), soft=0.06, alpha=0.45)
    canvas.paint(edge, colour, soft=0.015)
    if kind in ("surgical", "skin"):
        pleats(canvas, colour, edge, top=top, bottom=bottom)
    elif kind == "patterned":
        pattern(canvas, rng, edge, top=top, bottom=bottom)
    if kind in ("cloth", "cup"):
        seam = ribbon([(0, top), (0.02, (top + bottom) / 2), (0, bottom)], 0.04)
        canvas.paint(seam, shade(colour, 0.7), soft=0.015, alpha=0.6, within=edge)
    relief(canvas, colour, edge, top=top, bottom=bottom)
    if kind == "cup":
        for y in (top + 0.1, bottom - 0.3):
            for side in (-1, 1):
                canvas.paint(ribbon([(0.7, y), (0.98, y - 0.25)], 0.05, side=side), (200, 180, 90), soft=0.01)
    return [("mask_surgical" if kind in ("surgical", "cup") else "mask_colorful", canvas.extent(edge))]


def mask_outline(person, rng, *, worn):
    """The outline of a mask, and the y of its top and its bottom."""
    top = {"properly": rng.uniform(0.06, 0.26), "under the nose": rng.uniform(0.46, 0.56),
           "on the chin": rng.uniform(0.92, 1.02)}[worn]
    bottom = person.chin + rng.uniform(0.03, 0.12) + (0.12 if worn == "on the chin" else 0)
    width = rng.uniform(0.8, 0.92) * (1 if worn == "properly" else 0.93)
    corner = top + rng.uniform(0.14, 0.28) * (1 if worn != "on the chin" else 0.4)
    edge = symmetric([(0.1, top), (0.3, top + 0.05), (0.62, corner - 0.04), (width, corner),
                      (min(width, 0.9 * person.jaw), (corner + bottom) / 2 + 0.02),
                      (0.68 * person.jaw, bottom - 0.28), (0.4, bottom - 0.04)])
    return edge, top, bottom


def pleats(canvas, colour, edge, *, top, bottom):
    """The folds across a surgical mask and the wire over its nose."""
    paint = partial(canvas.paint, within=edge)
    for share in (0.38, 0.56, 0.74):
        y = top + share * (bottom - top)
        fold = np.array([(-0.85, y - 0.02), (-0.3, y + 0.04), (0.3, y + 0.04), (0.85, y - 0.02)])
        paint(ribbon(fold, 0.045), shade(colour, 0.66), soft=0.015, alpha=0.75)
        paint(ribbon(fold + (0, 0.055), 0.04), mix(colour, WHITE, 0.5), soft=0.015, alpha=0.6)
    wire = ribbon([(-0.5, top + 0.17), (0, top + 0.07), (0.5, top + 0.17)], 0.05)
    paint(wire, mix(colour, WHITE, 0.45), soft=0.01, alpha=0.8)


def pattern(canvas, rng, edge, *, top, bottom):
    """Dots, stripes or checks on cloth."""
    colour, kind = CLOTH[rng.integers(len(CLOTH))], rng.choice(["dots", "stripes", "checks"])
    paint = partial(canvas.paint, colour=colour, within=edge)
    if kind == "dots":
        for row, y in enumerate(np.arange(top + 0.1, bottom, 0.24)):
            for x in np.arange(-0.8 + 0.12 * (row % 2), 0.9, 0.24):
                paint(ellipse(x, y, 0.06, 0.06, count=10))
        return
    for y in np.arange(top + 0.1, bottom, 0.22):
        paint(ribbon([(-0.95, y - 0.05), (0, y + 0.03), (0.95, y - 0.05)], 0.09), alpha=0.8)
    if kind == "checks":
        for x in np.arange(-0.8, 0.9, 0.22):
            paint(ribbon([(x, top), (x * 0.9, bottom)], 0.09), alpha=0.6)


def relief(canvas, colour, edge, *, top, bottom):
    """Light on the bulge over the nose, shadows at the sides and below."""
    shadow = partial(canvas.paint, colour=shade(colour, 0.5), within=edge)
    light = partial(canvas.paint, colour=mix(colour, WHITE, 0.55), within=edge)
    for side in (-1, 1):
        shadow(ellipse(side * 0.84, (top + bottom) / 2 + 0.1, 0.2, 0.6), soft=0.14, alpha=0.5)
        shadow(ribbon([(0.15, top + 0.08), (0.26, top + 0.4)], 0.1, side=side), soft=0.05, alpha=0.42)
    shadow(ellipse(0, bottom - 0.02, 0.55, 0.14), soft=0.1, alpha=0.55)
    shadow(ellipse(0, top + 0.45 * (bottom - top), 0.2, 0.06), soft=0.06, alpha=0.4)
    light(ellipse(0.02, top + 0.28 * (bottom - top), 0.12, 0.16), soft=0.08, alpha=0.6)
    light(ellipse(0, top + 0.62 * (bottom - top), 0.3, 0.06), soft=0.07, alpha=0.35)


def paint_scarf(canvas, rng, *, top=None):
    """A scarf or bandana over the nose or, with `top` near the chin, only around the neck."""
    colour = CLOTH[rng.integers(len(CLOTH))]
    if top is None:
        top = rng.uniform(0.08, 0.3)
        half = [(0.55, top + 0.1), (0.98, top - 0.1), (1.04, 0.7), (0.86, 1.3), (0.95, 1.9), (0.4, 2.4)]
    else:
        half = [(0.5, top - 0.03), (0.85, top - 0.1), (1.05, top + 0.2), (1.08, top + 0.5), (0.9, 2.0), (0.4, 2.2)]
    edge = symmetric([(0.12, top), *half])
    canvas.paint(edge + (0, 0.05), (20, 16, 16), soft=0.08, alpha=0.35)
    canvas.paint(edge, colour, soft=0.02)
    if rng.uniform() < 0.4:
        pattern(canvas, rng, edge, top=top, bottom=2.0)
    for share in (0.15, 0.4, 0.65, 0.9):
        y = top + share * 1.4
        fold = ribbon([(-1, y - 0.2), (rng.uniform(-.3, .3), y + 0.12), (1, y - 0.2)], 0.08, taper=0.6)
        canvas.paint(fold, shade(colour, 0.6), soft=0.04, alpha=0.6, within=edge)
    relief(canvas, colour, edge, top=top, bottom=1.9)
    return [("scarf_bandana", canvas.extent(edge))]


def paint_balaclava(canvas, rng):
    """A knitted hood with an opening for the eyes, painted as two shells around it."""
    colour = shade(CLOTH[rng.choice([0, 0, 1, 2, 3])], 0.9)
    upper = symmetric([(0.3, -1.78), (0.75, -1.5), (1.04, -0.95), (1.08, -0.1), (0.92, -0.1), (0.8, -0.56),
                       (0.3, -0.64)])
    lower = symmetric([(0.2, 0.16), (0.75, 0.12), (1.06, -0.1), (1.02, 0.6), (0.84, 1.1), (0.72, 1.7), (0.4, 1.95)])
    for edge in (upper, lower):
        canvas.paint(edge, colour, soft=0.02)
        for y in np.arange(-1.6, 1.9, 0.16):
            canvas.paint(ribbon([(-1.1, y - 0.08), (0, y), (1.1, y - 0.08)], 0.05), shade(colour, 0.65),
                         soft=0.02, alpha=0.4, within=edge)
    relief(canvas, colour, lower, top=0.16, bottom=1.8)
    return [("balaclava_ski_mask", canvas.extent(upper, lower))]


def paint_gas_mask(canvas, rng):
    """A rubber mask with two glasses and a filter."""
    rubber = shade((58, 62, 58), rng.uniform(0.6, 1.3))
    edge = symmetric([(0.4, -0.75), (0.85, -0.55), (0.95, 0), (0.75, 0.7), (0.5, 1.3), (0.2, 1.45)])
    canvas.paint(edge, rubber, soft=0.02)
    for side in (-1, 1):
        canvas.paint(ribbon([(0.8, -0.4), (1.05, -0.6)], 0.14, side=side), shade(rubber, 0.7))
        canvas.paint(ellipse(side * 0.43, -0.2, 0.34, 0.3), shade(rubber, 0.5))
        canvas.paint(ellipse(side * 0.43, -0.2, 0.28, 0.24), (96, 110, 116), soft=0.02)
        canvas.paint(ellipse(side * 0.43 - 0.1, -0.3, 0.08, 0.06), (230, 236, 240), soft=0.02)
    canvas.paint(ellipse(0, 0.85, 0.36, 0.36), shade(rubber, 0.6), depth=0.2)
    canvas.paint(ellipse(0, 0.85, 0.26, 0.26), shade(rubber, 1.6), depth=0.2, soft=0.03)
    relief(canvas, rubber, edge, top=-0.2, bottom=1.4)
    return [("gas_mask", canvas.extent(edge))]


def paint_hand(canvas, person, rng):
    """A hand before the mouth, or a fist under it."""
    skin, side = shade(person.skin, 0.93), rng.choice([-1, 1])
    palm = ellipse(side * 0.25, 1.15, 0.55, 0.42, turn=-0.4 * side)
    canvas.paint(palm + (0.03, 0.06), shade(skin, 0.4), soft=0.07, alpha=0.5)
    canvas.paint(ribbon([(0.5, 1.3), (0.9, 2.2), (1.3, 3.6)], 0.7, side=side), person.cloth, turned=False)
    canvas.paint(palm, skin, soft=0.02)
    for k in range(4):
        y = 0.62 + 0.17 * k
        edge = [(0.5, y + 0.2), (0, y + 0.02), (-(0.5 - 0.06 * k), y)]
        finger = [(0.5, y + 0.19), (0, y), (-(0.48 - 0.06 * k), y - 0.02)]
        canvas.paint(ribbon(edge, 0.17, taper=0.2, side=side), shade(skin, 0.55), soft=0.02)
        canvas.paint(ribbon(finger, 0.135, taper=0.2, side=side), skin, soft=0.02)
    return []


def paint_object(canvas, person, rng):
    """A cup, a telephone or a microphone before the mouth."""
    kind, side = rng.choice(["cup", "telephone", "microphone"]), rng.choice([-1, 1])
    colour = CLOTH[rng.integers(len(CLOTH))]
    if kind == "cup":
        edge = np.array([(-0.34, 0.72), (0.34, 0.72), (0.27, 1.6), (-0.27, 1.6)])
        canvas.paint(ellipse(0, 0.72, 0.34, 0.07), (240, 240, 236))
    elif kind == "telephone":
        edge = np.array([(-0.32, 0.6), (0.32, 0.6), (0.32, 1.75), (-0.32, 1.75)]) * (side, 1)
        colour = (30, 30, 34)
    else:
        edge, colour = ribbon([(0.1, 1.0), (0.4, 2.0)], 0.2, side=side), (34, 34, 38)
        canvas.paint(ellipse(side * 0.08, 0.98, 0.2, 0.2), (70, 72, 76), soft=0.02)
    canvas.paint(edge, colour, soft=0.015)
    canvas.paint(ribbon(edge[[0, -1]] + (0.08 * side, 0), 0.06), mix(colour, WHITE, 0.5),
                 soft=0.03, alpha=0.6, within=edge)
    for y in 1.12 + 0.15 * np.arange(4):  # the fingers that hold it
        canvas.paint(ribbon([(0.42, y + 0.1), (0.1, y)], 0.14, side=side), shade(person.skin, 0.85), soft=0.02)
    return [("other", canvas.extent(edge))]


COVERINGS = {"scarf": paint_scarf, "balaclava": paint_balaclava, "gas mask": paint_gas_mask}  # other than masks
