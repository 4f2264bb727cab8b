"""The steps that are not linear, over a region of colours: an affine form of the output, with a new symbol for what
lies between two lines, and these two lines.

A new kind of such a step is a function here, and a rule in RULES.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from maskdet.incremental.bends import Bend, Maximum, Median, Relu
from maskdet.incremental.layers import Change, Step
from maskdet.proof import kernels, rounding
from maskdet.proof.forms import Form, Noise, Relaxation, bent, scaled, spread


@dataclass(frozen=True)
class Clean:
    """The clean face: its `tensors`, and the `slack` of each, as `rounding` has them."""

    tensors: tuple[np.ndarray, ...]
    slack: tuple[np.ndarray, ...]

    def range(self, form: Form, number: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Middle and bounds of tensor `number` in each slot of a form, (S, C) each."""
        clean = self.tensors[number][form.centre.place]
        middle = clean + form.centre.values
        reach = (form.spread + form.radius) * np.float32(1.00001)
        reach += 4 * rounding.gamma(1) * (np.abs(middle) + np.abs(clean))
        return middle, middle - reach, middle + reach


def rectified(on: Clean, number: int, step: Step, form: Form) -> Form:
    """For x from low to high the rectifier lies between  share x  and  share x + gap."""
    at = form.centre.place
    clean, clean_out = on.tensors[step.inputs[0]][at], on.tensors[number][at]
    middle, low, high = on.range(form, step.inputs[0])
    share = np.where(low >= 0, np.float32(1), np.clip(high / np.maximum(high - low, np.float32(1e-30)), 0, 1))
    crosses, upper = (low < 0) & (high > 0), share.astype(float)
    gap = np.where(crosses, np.maximum(-share * low, (1 - share) * high), 0) * np.float32(1.00001)
    centre = share * middle + gap / 2 - clean_out
    tiny = 8 * rounding.gamma(1) * (np.abs(middle) + np.abs(clean) + np.abs(clean_out) + gap + form.spread)
    radius = np.where(share > 0, share * form.radius * np.float32(1.00001) + tiny, 0).astype(np.float32)
    # A neuron that stays off passes no error on. Where it was off in the clean face, it dropped its error there.
    wrong = form.error + on.slack[step.inputs[0]][at]
    error = np.maximum(np.where(high + wrong * rounding.MORE < 0, 0, wrong) - on.slack[number][at], 0)
    noise = {born: scaled(form.centre, symbols, share) for born, symbols in form.noise.items()}
    above = np.where(crosses, np.maximum(-upper * low, (1 - upper) * high), 0)
    lower = np.where((low >= 0) | (high > -low), 1.0, 0.0)  # which leaves the smallest area between the two lines
    return bent(number, form.centre._replace(values=centre), radius, noise,
                share * form.loose * (1 + rounding.gamma(1)), share * form.spread, gap / 2, error,
                Relaxation((lower, upper), (np.zeros_like(above), above)))


def bend(on: Clean, number: int, step: Bend, form: Form) -> Form:
    """For x from low to high the output lies between  share x + least  and  share x + most: a function of straight
    pieces has its extremes where they meet, and at the ends."""
    at = form.centre.place
    clean, clean_out = on.tensors[step.inputs[0]][at], on.tensors[number][at]
    middle, low, high = (values.astype(float) for values in on.range(form, step.inputs[0]))
    points = [low, high, np.clip(0, low, high), np.clip(float(step.top), low, high)]
    values = [step.of(point, at).astype(float) for point in points]

    def between(share: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        apart = [value - share * point for value, point in zip(values, points)]
        return np.min(apart, axis=0), np.max(apart, axis=0)

    def chord(i: int, j: int) -> np.ndarray:
        width = points[j] - points[i]
        return np.where(width > 0, (values[j] - values[i]) / np.where(width > 0, width, 1), 0)

    share = chord(0, 1).astype(np.float32)
    least, most = between(share.astype(float))
    gap = ((most - least) * 1.00001).astype(np.float32)
    centre = (share * middle + (least + most) / 2 - clean_out).astype(np.float32)
    sizes = np.abs(middle) + np.abs(low) + np.abs(high) + np.abs(clean) + np.abs(clean_out) + form.spread
    radius = (share * form.radius * np.float32(1.00001) + 8 * rounding.gamma(1) * sizes).astype(np.float32)
    own = (2 * rounding.gamma(1) * np.maximum(np.abs(values[0]), np.abs(values[1])) + rounding.TINY).astype(np.float32)
    wrong = form.error + on.slack[step.inputs[0]][at] + own
    error = np.maximum(wrong * rounding.MORE - on.slack[number][at], 0)
    noise = {born: scaled(form.centre, symbols, share) for born, symbols in form.noise.items()}
    # Up to 0 the function is convex, from there on concave: of the lines that touch it, those of the least area.
    upper = np.where(high <= step.top, chord(0, 1), np.where(step.top - low > high - step.top, chord(0, 3), 0))
    lower = np.where(low >= 0, chord(0, 1), np.where(high > -low, chord(2, 1), step.slopes(at)))
    lines = Relaxation((lower, upper), (between(lower)[0], between(upper)[1]))
    return bent(number, form.centre._replace(values=centre), radius, noise,
                share * form.loose * (1 + rounding.gamma(1)), share * form.spread, gap / 2, error, lines, own)


def largest(on: Clean, number: int, step: Maximum, form: Form) -> Form:
    """The tap x of the largest lower bound, where it is certain to be the largest. Elsewhere, with x from low to high
    and all other taps at most `others`, the maximum is convex in x: at least x, and at most the line through
    (low, others) and (high, the larger of high and others)."""
    clean, old = on.tensors[step.inputs[0]], form.centre
    window, none = (*old[:2], step.reach, step.covers), np.zeros_like(clean)
    _, low, high = on.range(form, step.inputs[0])
    first, place, low, best, high, others = kernels.largest(*window, low, high, clean, clean)
    _, _, error, *_ = kernels.largest(*window, form.error, form.error, none, none)
    sure = others <= low
    low, high, others = (np.where(sure, 0, values.astype(float)) for values in (low, high, others))
    line = np.where(sure, 1, np.clip((high - others) / np.maximum(high - low, 1e-30), 0, 1))

    def picked(owner: np.ndarray, change: Change) -> Change:
        return Change(*kernels.picked(len(clean), first, place, step.covers, best, owner, *change))

    regions, share = np.arange(len(old.first) - 1), line.astype(np.float32)
    # Centre and radius are picked like a symbol of each region.
    centre, radius, loose = (picked(regions, old._replace(values=values)).values * share
                             for values in (old.values, form.radius, form.loose))
    tap = np.take_along_axis(step.covers[place], best, axis=1)
    held, before = np.take_along_axis(clean, tap, axis=0), on.tensors[number][place]
    middle = (share * held + centre + (others + low) / 2 - share * low).astype(np.float32)
    sizes = np.abs(middle) + np.abs(before) + np.abs(held) + np.abs(centre) + np.abs(others) + np.abs(low)
    tiny, gap = 8 * rounding.gamma(1) * (sizes + np.abs(high)), (others - low) / 2 * 1.00001
    change = Change(first, place, middle - before)
    noise = {born: scaled(change, Noise(owner, picked(owner, symbols)), share)
             for born, (owner, symbols) in form.noise.items()}
    relaxation = Relaxation((np.ones(gap.shape), line), (np.zeros(gap.shape), others - line * low), tap)
    return bent(number, change, (radius + tiny).astype(np.float32), noise, loose,
                spread(change, noise, step.places) + loose, gap.astype(np.float32), error, relaxation)


def median(on: Clean, number: int, step: Median, form: Form) -> Form:
    """The median of nine values of which one varies: the varying value, clamped between two of the others. Only
    an image has a single varying place."""
    if step.inputs != (0,):
        raise ValueError(f"expected a median of the image itself, got one of tensor {step.inputs[0]}")
    old, clean = form.centre, on.tensors[0]
    middle = clean[old.place] + old.values
    first, place, low, high, kept = kernels.clamped(*old[:2], step.reach, step.covers, clean, middle - form.spread,
                                                    middle + form.spread, step.shape[2])
    at = np.repeat(old.place, np.diff(first))[:, None]  # of what varies, for each slot of the output
    which = np.where(kept, (step.covers[place] == at).argmax(axis=1)[:, None], -1)
    [(owner, colours)] = form.noise.values()
    colours = Change(*kernels.picked(len(clean), first, place, step.covers, which, owner, *colours))
    change = Change(first, place, (low + high) / 2 - on.tensors[number][place])
    half, none = (high - low) / 2, np.zeros_like(low)
    relaxation = Relaxation((kept.astype(float),) * 2, (np.where(kept, 0.0, low), np.where(kept, 0.0, high)),
                            np.broadcast_to(at, kept.shape))
    return bent(number, change, none, {0: Noise(owner, colours)}, none, np.where(kept, half, 0),
                np.where(kept, 0, half), none, relaxation)


RULES: dict[type[Step], Callable[..., Form]] = {Relu: rectified, Bend: bend, Maximum: largest, Median: median}
