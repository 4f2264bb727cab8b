"""Glasses and headgear, painted over the head; each function returns labels as those of `coverings` do."""

from functools import partial

import numpy as np

from .canvas import WHITE, curve, ellipse, mix, ribbon, ring, shade, symmetric
from .coverings import CLOTH


def paint_glasses(canvas, rng, *, dark=False):
    """Eyeglasses or, with `dark`, sunglasses."""
    frame = ((24, 22, 24), (70, 44, 30), (150, 150, 154), (110, 26, 34))[rng.integers(4)]
    rx, ry, thickness = rng.uniform(0.29, 0.34), rng.uniform(0.2, 0.28), rng.uniform(0.03, 0.07)
    lenses = [ellipse(side * 0.43, -0.16, rx, ry) for side in (-1, 1)]
    for side, lens in zip((-1, 1), lenses):
        if dark:
            canvas.paint(lens, (26, 24, 28), alpha=0.93, soft=0.01, depth=0.05)
        inner = ellipse(side * 0.43, -0.16, rx - thickness, ry - thickness)
        canvas.paint(ring(lens, inner), frame, soft=0.008, depth=0.05)
        canvas.paint(ribbon([(0.38, -0.3), (0.5, -0.24)], 0.05, taper=0.5, side=side), WHITE,
                     alpha=0.35, soft=0.02, depth=0.05)
        canvas.paint(ribbon([(0.41 + rx, -0.2), (1.0, -0.16)], thickness + 0.01, side=side), frame)
    canvas.paint(ribbon([(-0.15, -0.18), (0, -0.23), (0.15, -0.18)], thickness), frame, depth=0.08)
    return [("sunglasses" if dark else "eyeglasses", canvas.extent(*lenses))]


def paint_goggles(canvas, rng):
    """Protective goggles with a wide strap."""
    edge = symmetric([(0.2, -0.52), (0.75, -0.48), (0.86, -0.15), (0.7, 0.1), (0.25, 0.1), (0.1, 0.0)])
    colour = CLOTH[rng.integers(len(CLOTH))]
    for strap in ([(-1.02, -0.3), (-0.8, -0.26)], [(0.8, -0.26), (1.02, -0.3)]):
        canvas.paint(ribbon(strap, 0.2), colour)
    canvas.paint(edge, (190, 214, 224), alpha=0.3)
    canvas.paint(ring(edge, edge * (0.9, 0.82) + (0, -0.035)), colour, alpha=0.9, soft=0.01)
    canvas.paint(ribbon([(-0.6, -0.38), (-0.3, -0.42)], 0.06), WHITE, soft=0.03, alpha=0.6)
    return [("goggles", canvas.extent(edge))]


def paint_face_shield(canvas, rng):
    """A clear visor from the forehead to below the chin."""
    edge = symmetric([(0.5, -1.0), (1.02, -0.95), (1.12, 0.2), (1.0, 1.4), (0.5, 1.62)], steps=4)
    canvas.paint(edge, (206, 226, 236), alpha=0.12, soft=0.01)
    canvas.paint(ring(edge, edge * 0.975), (225, 238, 244), alpha=0.6, soft=0.01)
    for x in (-0.85, 0.75):
        reflection = ribbon([(x, -0.8), (x * 1.06, 0.2), (x * 0.95, 1.2)], 0.09, taper=0.7)
        canvas.paint(reflection, WHITE, alpha=0.45, soft=0.03)
    band = ribbon([(-1.03, -0.88), (0, -1.0), (1.03, -0.88)], 0.24)
    canvas.paint(band, ((232, 236, 240), (60, 90, 150), (40, 40, 44))[rng.integers(3)], soft=0.02)
    return [("face_shield", canvas.extent(edge, band))]


def paint_hat(canvas, rng):
    """A cap, a knitted cap or a hat with a brim."""
    colour, kind = CLOTH[rng.integers(len(CLOTH))], rng.choice(["cap", "knitted", "brim"])
    dome = symmetric([(0.3, -1.95), (0.8, -1.75), (1.08, -1.25), (1.08, -0.88), (0.5, -1.0)])
    canvas.paint(ellipse(0, -0.88, 0.95, 0.14), (20, 14, 12), soft=0.08, alpha=0.5)
    canvas.paint(dome, colour, soft=0.02)
    for x in (-0.55, 0.0, 0.55):
        canvas.paint(ribbon([(x * 0.4, -1.9), (x, -1.5), (x * 1.3, -1.0)], 0.04), shade(colour, 0.65),
                     soft=0.02, alpha=0.6, within=dome)
    if kind == "knitted":
        rim = ribbon([(-1.08, -0.95), (0, -1.06), (1.08, -0.95)], 0.3)
    else:
        x = 0.98 if kind == "cap" else 1.6
        rim = curve([(-x, -0.92), (0, -1.14), (x, -0.92), (0.5, -0.8), (-0.5, -0.8)])
    canvas.paint(rim, shade(colour, 1.15 if kind == "knitted" else 0.8), soft=0.02)
    canvas.paint(ellipse(-0.3, -1.6, 0.3, 0.14), mix(colour, WHITE, 0.5), soft=0.1, alpha=0.4, within=dome)
    return [("hat", canvas.extent(dome, rim))]


def paint_hair_net(canvas, rng):
    """A thin, light cap as worn in kitchens and clinics."""
    colour = ((170, 206, 226), (232, 238, 240), (176, 214, 190))[rng.integers(3)]
    angle = np.linspace(np.pi, 2 * np.pi, 30)
    bumps = 1 + 0.02 * np.sin(angle * 21)
    edge = np.vstack([np.stack([1.2 * np.cos(angle) * bumps, 1.05 * np.sin(angle) * bumps - 0.98], 1),
                      curve([(1.1, -0.86), (0, -1.04), (-1.1, -0.86)], closed=False)])
    canvas.paint(edge, colour, alpha=0.93, soft=0.02)
    for x in np.linspace(-1, 1, 9):
        canvas.paint(ribbon([(x * 0.6, -1.9), (x * 1.05, -1.4), (x, -0.95)], 0.04, taper=0.6), shade(colour, 0.7),
                     alpha=0.5, soft=0.02, within=edge)
    canvas.paint(ribbon([(-1.1, -0.86), (0, -1.04), (1.1, -0.86)], 0.09), shade(colour, 0.85))
    return [("hair_net", canvas.extent(edge))]


def paint_helmet(canvas, rng):
    """A hard hat with a visor and a strap."""
    colour = ((240, 200, 40), (240, 240, 240), (220, 60, 40), (40, 90, 180))[rng.integers(4)]
    dome = symmetric([(0.3, -2.1), (0.85, -1.85), (1.2, -1.3), (1.22, -0.92), (0.5, -1.0)])
    visor = symmetric([(0.6, -1.08), (1.32, -0.95), (0.7, -0.82)])
    for side in (-1, 1):
        canvas.paint(ribbon([(1.02, -0.9), (0.94, 0.4), (0.4, 1.4)], 0.05, side=side), (50, 50, 54))
    canvas.paint(visor + (0, 0.08), (20, 14, 12), soft=0.08, alpha=0.5)
    canvas.paint(dome, colour, soft=0.02)
    canvas.paint(ribbon([(0, -2.1), (0.02, -1.6), (0, -1.0)], 0.26), shade(colour, 0.85), soft=0.03, within=dome)
    canvas.paint(ellipse(-0.45, -1.7, 0.22, 0.14, turn=-0.5), WHITE, soft=0.07, alpha=0.7)
    canvas.paint(visor, shade(colour, 0.8), soft=0.02)
    return [("helmet", canvas.extent(dome, visor))]


def paint_turban(canvas, rng):
    """Cloth wound around the head."""
    colour = CLOTH[rng.integers(len(CLOTH))]
    edge = symmetric([(0.3, -2.15), (0.9, -1.95), (1.3, -1.4), (1.2, -0.75), (0.98, -0.5), (0.6, -0.88), (0.12, -1.08)])
    canvas.paint(edge + (0, 0.05), (20, 14, 12), soft=0.06, alpha=0.4)
    canvas.paint(edge, colour, soft=0.02)
    for y in -2.0 + 0.2 * np.arange(6):
        for side in (-1, 1):
            fold = ribbon([(1.3, y + 0.9), (0.6, y + 0.2), (-0.2, y)], 0.06, taper=0.5, side=side)
            canvas.paint(fold, shade(colour, 0.62), soft=0.025, alpha=0.6, within=edge)
    canvas.paint(ellipse(-0.4, -1.7, 0.35, 0.18), mix(colour, WHITE, 0.4), soft=0.1, alpha=0.5)
    return [("turban", canvas.extent(edge))]


def paint_surround(canvas, rng, *, name, rim, fall):
    """Cloth with an opening for the face: an outer and an inner rim, joined at the bottom."""
    colour, low = CLOTH[rng.integers(len(CLOTH))], fall[-1][1]
    outer = [(0, -1.62 - rim / 3), (0.4, -1.55 - rim / 3), (0.95, -1.55), (rim, -0.8), (rim + 0.05, 0.2), *fall,
             (0.5, low + 0.3), (0, low + 0.35)]
    inner = [(0.3, -1.1), (0.72, -0.92), (0.93, -0.4), (0.93, 0.3), (0.78, 0.9), (0.42, 1.33)]
    right = np.vstack([curve(outer, closed=False), curve([(0, 1.42), *inner[::-1], (0, -1.14)], closed=False)])
    for side in (-1, 1):
        half = right * (side, 1)
        canvas.paint(half, colour, soft=0.008)
        for x in (1.02, 1.14):
            fold = ribbon([(x * 0.7, -1.5), (x, -0.4), (x, 0.7), (x * 0.7, 1.9)], 0.06, taper=0.7, side=side)
            canvas.paint(fold, shade(colour, 0.6), soft=0.03, alpha=0.6, within=half)
        canvas.paint(ribbon(curve(inner, closed=False, side=side), 0.05), shade(colour, 0.5), soft=0.03, alpha=0.7)
    return [(name, canvas.extent(right, right * (-1, 1)))]


HEADGEAR = {"hat": paint_hat, "hair_net": paint_hair_net, "helmet": paint_helmet, "turban": paint_turban,
            "hijab_niqab": partial(paint_surround, name="hijab_niqab", rim=1.2, fall=[(1.25, 1.3), (1.5, 2.3)]),
            "hood": partial(paint_surround, name="hood", rim=1.36, fall=[(1.3, 1.2), (1.2, 1.9)])}
