"""The steps that are not linear: rectifiers, and windows of which one input counts.

`proof.bounds` has a bound for each, and `proof.rounding` what it does to rounding.
"""

from dataclasses import dataclass

import numpy as np

from maskdet.incremental import kernels, windows
from maskdet.incremental.layers import Change, Step, Window


class Selection(Window):
    """A window whose output is one of its inputs, which takes the whole gradient: the first of equal ones."""

    def pull(self, gradient: np.ndarray, clean: np.ndarray, clean_out: np.ndarray) -> tuple[np.ndarray, ...]:
        pulled, waiting = np.zeros_like(clean), np.ones(gradient.shape, bool)
        for _, outputs, inputs in self._pairs:
            selected = waiting[outputs] & (clean[inputs] == clean_out[outputs])
            np.add.at(pulled, inputs, np.where(selected, gradient[outputs], 0))
            waiting[outputs] &= ~selected
        return (pulled,)


class Maximum(Selection):
    """Maximum pooling."""

    def change(self, x: Change, clean: np.ndarray, clean_out: np.ndarray) -> Change:
        return Change(*windows.maximum(*x, self.reach, self.covers, clean, clean_out))


class Median(Selection):
    """The median of the 3x3 places around each, mirrored at the border, so that all nine taps are there."""

    def change(self, x: Change, clean: np.ndarray, clean_out: np.ndarray) -> Change:
        return Change(*windows.median(*x, self.reach, self.covers, clean, clean_out, self.shape[2]))


class Relu(Step):
    """max(0, x)."""

    def change(self, x: Change, clean: np.ndarray, clean_out: np.ndarray) -> Change:
        return x._replace(values=kernels.relu(x.place, x.values, clean))

    def pull(self, gradient: np.ndarray, clean: np.ndarray, clean_out: np.ndarray) -> tuple[np.ndarray, ...]:
        return (np.where(clean > 0, gradient, np.float32(0)),)


@dataclass(frozen=True, kw_only=True)
class Bend(Step):
    """min(x, top) where x is at least 0, below it x times a slope from 0 to 1: a leaky or a capped rectifier. `slope`
    is (1, C), or (places, C)."""

    slope: np.ndarray
    top: np.float32

    def slopes(self, place: np.ndarray) -> np.ndarray:
        """The slopes below 0 at each `place` (S,), (S or 1, C)."""
        return self.slope[place] if len(self.slope) > 1 else self.slope

    def of(self, x: np.ndarray, place: np.ndarray) -> np.ndarray:
        """The output for values x (S, C) at each `place` (S,)."""
        return np.minimum(np.where(x < 0, x * self.slopes(place)[:, :x.shape[1]], x), self.top)

    def change(self, x: Change, clean: np.ndarray, clean_out: np.ndarray) -> Change:
        return x._replace(values=kernels.bend(x.place, x.values, clean, self.slope, self.top))

    def pull(self, gradient: np.ndarray, clean: np.ndarray, clean_out: np.ndarray) -> tuple[np.ndarray, ...]:
        below = gradient * self.slope
        return (np.where(clean > 0, np.where(clean < self.top, gradient, np.float32(0)), below),)
