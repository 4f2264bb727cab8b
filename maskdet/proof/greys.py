"""Networks that turn each colour into one grey first: their regions of colours are intervals of that grey.

Of three colours they see one sum. An interval of it is halved in one direction where a box of colours has three, so
that far fewer regions are bounded.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from maskdet.incremental.layers import Convolution, Scale, Step

LEVELS = 255.0  # a grey is counted from 0, the darkest that a pixel can have, to this, the brightest


@dataclass(frozen=True)
class Greys:
    """The steps up to tensor `number` make of each pixel's C colours the one value  weights · colours + offset."""

    number: int
    weights: np.ndarray
    offset: float

    @classmethod
    def of(cls, steps: tuple[Step, ...], channels: int) -> "Greys | None":
        """Of a network whose first steps are scales of the channels, if any, and their sum by a convolution of 1x1 to
        one channel; None for any other."""
        factor, offset = np.ones(channels), np.zeros(channels)
        for number, step in enumerate(steps, start=1):
            if step.inputs != (number - 1,) or sum(number - 1 in other.inputs for other in steps) != 1:
                return None
            if isinstance(step, Scale) and step.factor.ndim == 1:
                scale = step.factor[:channels].astype(float)
                factor, offset = factor * scale, offset * scale + step.offset[:channels]
            elif isinstance(step, Convolution) and len(step.kernel) == 1 and step.shape[2] == 1:
                weights = step.kernel[0, :, 0].astype(float)
                whole = np.array_equal(step.covers[:, 0], np.arange(step.under))
                return cls(number, weights * factor, float(weights @ offset + step.offset[0])) if whole else None
            else:
                return None
        return None

    @cached_property
    def darkest(self) -> float:
        """The least value that a colour has."""
        return float(LEVELS * np.minimum(self.weights, 0).sum() + self.offset)

    @cached_property
    def step(self) -> float:
        """How much the value grows by from one level to the next."""
        return float(np.abs(self.weights).sum())

    def colours(self, levels: np.ndarray) -> np.ndarray:
        """For each of `levels` (N, 1) a colour (N, C) of about that level: no higher, and lower by less than a step of
        the channel of the least weight."""
        steps = np.floor(np.repeat(levels, len(self.weights), axis=1))  # of each channel, from its darkest end
        sizes = np.abs(self.weights)
        rest = (levels[:, 0] * self.step - steps @ sizes) * (1 - 1e-12)
        for channel in np.argsort(-sizes):
            if sizes[channel] > 0:
                more = np.minimum(np.floor(rest / sizes[channel]), LEVELS - steps[:, channel])
                steps[:, channel] += more
                rest -= more * sizes[channel]
        return np.where(self.weights < 0, LEVELS - steps, steps).astype(int)
