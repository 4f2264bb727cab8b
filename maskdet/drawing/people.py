"""People: who they are, sampled at random, and their bodies, heads and faces."""

from dataclasses import dataclass
from functools import partial

import numpy as np

from .canvas import WHITE, curve, ellipse, mix, rgb, ribbon, shade, symmetric
from .hair import STYLES

SKINS = ((255, 226, 202), (244, 206, 176), (232, 184, 148), (212, 156, 116), (184, 124, 88), (150, 98, 68),
         (116, 76, 54), (88, 58, 44))
HAIRS = ((24, 20, 20), (40, 28, 22), (70, 46, 30), (110, 74, 44), (168, 124, 72), (208, 176, 120), (150, 70, 36),
         (150, 148, 146), (214, 212, 208))  # the last two are grey
IRISES = ((52, 34, 24), (84, 54, 30), (96, 90, 52), (70, 104, 130), (90, 110, 92))
BEARDS = ("stubble", "moustache", "goatee", "full")


@dataclass(frozen=True)
class Person:
    """A person: colours are RGB tuples, the other numbers shares near 1 or from 0 to 1."""

    skin: tuple
    hair: tuple
    iris: tuple
    cloth: tuple
    style: str
    beard: str | None
    age: float
    jaw: float  # width of the jaw
    chin: float  # y of the chin
    eye: float  # size of the eyes
    brow: float  # thickness of the brows
    nose: float
    lips: float
    smile: float  # -1 sad to 1 smiling
    open_eyes: float

    @classmethod
    def sample(cls, rng):
        """A random person from `rng`."""
        tone = rng.uniform(0, len(SKINS) - 1)
        skin = np.array(mix(SKINS[int(tone)], SKINS[min(int(tone) + 1, 7)], tone % 1))
        skin = np.clip(skin + rng.normal(0, 4, 3), 20, 255)
        age = rng.uniform()
        hair = HAIRS[rng.integers(7, 9) if age > 0.8 and rng.uniform() < 0.7 else rng.integers(3 if tone > 3 else 7)]
        bearded = rng.uniform() < 0.28
        return cls(
            skin=rgb(skin), hair=shade(hair, rng.uniform(0.8, 1.2)), iris=IRISES[0 if tone > 4 else rng.integers(5)],
            cloth=rgb(rng.integers(20, 235, 3) * 0.6 + rng.integers(10, 90)),
            style=str(rng.choice(list(STYLES)[:4] if bearded else list(STYLES))),
            beard=str(rng.choice(BEARDS)) if bearded else None, age=age,
            jaw=rng.uniform(0.86, 1.1), chin=rng.uniform(1.26, 1.46), eye=rng.uniform(0.9, 1.15),
            brow=rng.uniform(0.7, 1.3), nose=rng.uniform(0.85, 1.2), lips=rng.uniform(0.75, 1.25),
            smile=rng.uniform(-0.4, 1.0), open_eyes=rng.uniform(0.75, 1.1))

    @property
    def outline(self):
        """The head from the top of the skull to the chin, (n, 2)."""
        j, c = self.jaw, self.chin
        return symmetric([(0.3, -1.66), (0.68, -1.42), (0.93, -0.95), (0.99, -0.4), (0.97, 0.1),
                          (0.91 * (0.5 + j / 2), 0.5), (0.74 * j, 0.92 * c / 1.35), (0.45 * j, c - 0.12), (0.16, c)])

    @property
    def face(self):
        """The part of the outline that the face's box surrounds: from the forehead to the chin."""
        outline = self.outline
        return outline[outline[:, 1] > -1.24]


def paint_body(canvas, person, rng):
    """Legs, clothes and neck, below and behind the head."""
    paint, skin, cloth = partial(canvas.paint, turned=False), person.skin, person.cloth
    width = rng.uniform(1.9, 2.3)
    for side in (-1, 1):
        paint(ellipse(side * 0.75, 14.6, 0.65, 0.3), (30, 26, 26))
        leg = np.array([(0, 6), (1.5, 6), (1.2, 14.6), (0.3, 14.6)]) * (side, 1)
        paint(leg, shade(mix(cloth, (40, 44, 60), 0.8), 0.9))
        paint(ellipse(side * width, 7.3, 0.32, 0.5), shade(skin, 0.9))
    trunk = symmetric([(0.5, 1.62), (width * 0.75, 2.0), (width, 2.5), (width * 1.12, 4.5), (width * 1.12, 7.1),
                       (width * 0.86, 7.2), (width * 0.8, 6.5), (0.4, 6.6)])
    paint(trunk, cloth)
    for side in (-1, 1):  # the inner edges of the arms
        arm = ribbon([(width * 0.72, 3.1), (width * 0.74, 5), (width * 0.7, 7)], 0.12, taper=0.8, side=side)
        paint(arm, shade(cloth, 0.6), alpha=0.6, soft=0.06)
        fold = ribbon([(width * 0.5, 2.2), (width * 0.35, 3.5), (0.4, 5)], 0.25, taper=0.9, side=side)
        paint(fold, shade(cloth, 0.7), alpha=0.4, soft=0.12)
    if rng.uniform() < 0.3:
        for y in np.arange(2.3, 7, 0.55):
            stripe = ribbon([(-width, y + 0.15), (0, y + 0.3), (width, y + 0.15)], 0.16)
            paint(stripe, mix(cloth, (250, 250, 250), 0.6), within=trunk)
    neck = symmetric([(0.6, 0.6), (0.56, 1.4), (0.75, 1.78), (0.2, 2.15)])
    paint(neck, shade(skin, 0.86))
    paint(ellipse(0, person.chin + 0.05, 0.7, 0.36), shade(skin, 0.42), alpha=0.6, soft=0.12, within=neck)
    if rng.uniform() < 0.5:
        for side in (-1, 1):
            collar = np.array([(0.62, 1.5), (0.85, 1.85), (0.35, 2.6), (0.1, 2.2)]) * (side, 1)
            paint(collar, mix(cloth, WHITE, rng.choice([0.1, 0.8])), soft=0.03)


def paint_back_hair(canvas, person):
    """The hair that falls behind the head."""
    if person.style in ("bob", "long"):
        low = 1.1 if person.style == "bob" else 2.4
        fall = symmetric([(0.5, -1.85), (1.12, -1.2), (1.24, 0), (1.2, low - 0.3), (0.8, low)])
        canvas.paint(fall, shade(person.hair, 0.75), soft=0.04)
    if person.style == "bun":
        canvas.paint(ellipse(0, -2.0, 0.45, 0.4), shade(person.hair, 0.85), soft=0.03)


def paint_head(canvas, person, *, light):
    """Ears, skull and the relief of the face; `light` is -1 (from the left) to 1."""
    paint, skin, outline = canvas.paint, person.skin, person.outline
    shadow, glow = mix(shade(skin, 0.5), (60, 20, 20), 0.15), mix(skin, (255, 250, 240), 0.5)
    for side in (-1, 1):
        paint(ellipse(side * 1.0, -0.02, 0.13, 0.32, turn=side * 0.15), shade(skin, 0.88))
        paint(ellipse(side * 1.02, -0.02, 0.06, 0.19), shade(skin, 0.6), soft=0.03, alpha=0.7)
    paint(outline, skin, soft=0.015)
    for side in (-1, 1):  # hollow cheeks and temples, round cheekbones
        paint(ellipse(side * 0.86, 0.5, 0.22, 0.75), shadow, soft=0.16, alpha=0.4 - 0.22 * side * light, within=outline)
        paint(ellipse(side * 0.9, -0.9, 0.16, 0.5), shadow, soft=0.14, alpha=0.3, within=outline)
        paint(ellipse(side * 0.52, 0.3, 0.22, 0.16), mix(skin, (220, 70, 60), 0.35), soft=0.12, alpha=0.55)
        paint(ellipse(side * 0.5 + 0.05 * light, 0.16, 0.2, 0.1), glow, soft=0.09, alpha=0.35 + 0.2 * side * light)
    paint(ellipse(0.15 * light, -0.85, 0.45, 0.24), glow, soft=0.18, alpha=0.5)
    paint(ellipse(0, person.chin - 0.02, 0.5, 0.1), shadow, soft=0.08, alpha=0.5, within=outline)
    paint(ellipse(0, person.chin - 0.2, 0.17, 0.1), glow, soft=0.07, alpha=0.35)


def paint_eyes(canvas, person, *, gaze):
    """Sockets, eyes and brows; `gaze` is -1 (left) to 1 (right)."""
    paint, skin, size, lid = canvas.paint, person.skin, person.eye, 0.105 * person.open_eyes
    shadow = mix(shade(skin, 0.5), (50, 20, 24), 0.2)
    for side in (-1, 1):
        def at(*points):
            return np.array(points) * (side * size, size) + (side * 0.43, -0.2)
        paint(ellipse(side * 0.42, -0.27, 0.3, 0.2), shadow, soft=0.09, alpha=0.62)
        paint(ellipse(side * 0.2, -0.2, 0.09, 0.2), shadow, soft=0.07, alpha=0.5)
        paint(ellipse(side * 0.43, -0.02, 0.22, 0.07), shadow, soft=0.05, alpha=0.25 + 0.35 * person.age)
        almond = curve(at((-0.22, 0.03), (-0.1, -lid * 0.8), (0.04, -lid), (0.16, -lid * 0.55), (0.23, 0.0),
                          (0.1, 0.075), (-0.08, 0.08)))
        paint(almond, (232, 226, 220))
        x, y = at((0, 0))[0] + (0.07 * gaze, -0.012)
        paint(ellipse(x, y, 0.105, 0.105), shade(person.iris, 0.8), within=almond)
        paint(ellipse(x, y, 0.05, 0.05, count=12), (12, 10, 10), within=almond)
        paint(ellipse(x - 0.035, y - 0.04, 0.026, 0.026, count=8), WHITE)
        lash = at((-0.23, 0.03), (-0.1, -lid * 0.85), (0.04, -lid * 1.05), (0.17, -lid * 0.6), (0.26, 0.0))
        paint(ribbon(lash, 0.055, taper=0.5), (24, 16, 16), soft=0.008)
        paint(ribbon(lash - (0, 0.075), 0.03, taper=0.8), shadow, soft=0.012, alpha=0.7)
        paint(ribbon(at((-0.2, 0.05), (0, 0.1), (0.22, 0.03)), 0.03), shadow, soft=0.01, alpha=0.7)
        brow = ribbon(at((-0.26, -0.22), (-0.05, -0.31), (0.14, -0.31), (0.3, -0.2)), 0.115 * person.brow, taper=0.7)
        paint(brow, mix(person.hair, (30, 20, 18), 0.6), soft=0.02, alpha=0.9)


def paint_nose(canvas, person, *, light):
    """The nose with its shadow away from the light."""
    paint, skin, n, away = canvas.paint, person.skin, person.nose, -1 if light > 0 else 1
    shadow, glow = mix(shade(skin, 0.45), (60, 16, 16), 0.2), mix(skin, (255, 250, 240), 0.6)
    for side in (-1, 1):
        flank = ribbon([(0.11, -0.2), (0.12, 0.1), (0.2 * n, 0.33)], 0.1, side=side)
        paint(flank, shadow, soft=0.05, alpha=0.5 if side == away else 0.28)
        wing = ribbon([(0.2 * n, 0.26), (0.25 * n, 0.37), (0.18 * n, 0.44)], 0.05, taper=0.6, side=side)
        paint(wing, shadow, soft=0.02, alpha=0.7, depth=0.08)
        nostril = ellipse(side * 0.11 * n, 0.43, 0.06, 0.035, turn=side * -0.3)
        paint(nostril, (48, 22, 20), soft=0.012, alpha=0.85, depth=0.1)
    paint(ribbon([(0, -0.25), (0, 0.0), (0, 0.25)], 0.1, taper=0.4), glow, soft=0.04, alpha=0.5)
    paint(ellipse(-0.02 * away, 0.3, 0.1, 0.08), glow, soft=0.04, alpha=0.6, depth=0.12)
    paint(ellipse(0.05 * away, 0.52, 0.2, 0.07), shadow, soft=0.05, alpha=0.5)


def paint_mouth(canvas, person):
    """Lips, the folds beside the mouth and the shadow above the chin."""
    paint, skin, full, teeth = canvas.paint, person.skin, person.lips, person.smile > 0.55
    lip, shadow = mix(shade(skin, 0.75), (170, 50, 60), 0.45), mix(shade(skin, 0.5), (60, 16, 16), 0.15)
    s, y = person.smile * 0.08, 0.78
    x, low = 0.36 + 0.4 * max(s, 0), y + 0.115 * full + 0.07 * teeth
    between = [(-x, y - s), (-0.15, y + 0.01), (0, y + 0.015), (0.15, y + 0.01), (x, y - s)]
    upper = [(x, y - s), (0.12, y - 0.09 * full), (0, y - 0.07 * full), (-0.12, y - 0.09 * full)]
    paint(curve([*between, (0.18, low), (-0.18, low)]), shade(lip, 1.12), soft=0.012, alpha=0.9)
    paint(curve(between[:-1] + upper), shade(lip, 0.85), soft=0.012, alpha=0.9)
    if teeth:
        row = [(-x * 0.8, y - s * 0.6), (0, y), (x * 0.8, y - s * 0.6), (0.12, y + 0.1), (-0.12, y + 0.1)]
        paint(curve(row), (236, 230, 222), soft=0.01)
    paint(ribbon(between, 0.04, taper=0.5), (70, 24, 24), soft=0.01, alpha=0.8)
    paint(ellipse(0, y + 0.13 * full, 0.1, 0.025), (255, 235, 230), soft=0.02, alpha=0.35)
    paint(ellipse(0, y + 0.23, 0.2, 0.05), shadow, soft=0.04, alpha=0.5)
    for side in (-1, 1):
        fold = ribbon([(0.27, 0.42), (0.44, 0.6), (0.48, 0.8)], 0.05, taper=0.8, side=side)
        paint(fold, shadow, soft=0.025, alpha=0.2 + 0.4 * person.age)
        paint(ellipse(side * x, y - s, 0.04, 0.04), shadow, soft=0.02, alpha=0.7)
