"""The linear steps through which a change of an image can be followed, each over its kernel; `bends` has the others.

A tensor (H, W, C) is held flat, (H * W, C padded to LANES); a vector is a tensor of one place.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, NamedTuple

import numpy as np

from maskdet.incremental import kernels, windows
from maskdet.incremental.windows import LANES


class Change(NamedTuple):
    """How N changed images, the candidates, differ in one tensor from the unchanged image, at S places in all. Those of
    candidate n are the slots first[n] to first[n + 1] - 1; `first` is (N + 1,). A slot has its `place` (S,), row * W +
    column, and `values` (S, C or more) float32, which are added there."""

    first: np.ndarray
    place: np.ndarray
    values: np.ndarray

    @property
    def candidate(self) -> np.ndarray:
        """The candidate of each slot, (S,)."""
        return np.repeat(np.arange(len(self.first) - 1), np.diff(self.first))


def rows(weights: np.ndarray) -> np.ndarray:
    """Weights (..., C) as contiguous float32, their last axis padded with zeros to a multiple of LANES."""
    padding = [(0, 0)] * (weights.ndim - 1) + [(0, -weights.shape[-1] % LANES)]
    return np.ascontiguousarray(np.pad(weights, padding), np.float32)


@dataclass(frozen=True, kw_only=True)
class Step:
    """A step of a network.

    `inputs`: the numbers of the tensors that it reads (0: the image). `shape`: that of its output, (H, W, C). `offset`:
    what it adds to each channel. `folded`: where the offset is itself a sum, the sum of its terms' absolute values.
    `change` follows a change through the step; `clean` and `clean_out` are its first input and its output for the
    unchanged image. `pull` turns the gradient by its output, (places, C), into the gradients by its inputs.
    """

    inputs: tuple[int, ...] = ()
    shape: tuple[int, ...] = ()
    offset: np.ndarray | np.float32 = np.float32(0)
    folded: np.ndarray | None = None
    # Each kind of step has its own; `change` takes as many changes as the step has inputs.
    change: ClassVar[Callable[..., Change]]
    pull: ClassVar[Callable[..., tuple[np.ndarray, ...]]]

    @property
    def places(self) -> int:
        """H * W."""
        return self.shape[0] * self.shape[1]

    @property
    def size(self) -> np.ndarray:
        """The sum of the absolute values that the offset was computed from: rounding grows with it."""
        return np.abs(self.offset) if self.folded is None else self.folded

    def forward(self, *tensors: np.ndarray) -> np.ndarray:
        """The output (places, C) of whole tensors, without the offset."""
        # A whole tensor is a change of every place of a tensor of zeros.
        whole = [Change(np.array([0, len(x)]), np.arange(len(x), dtype=np.int32), x) for x in tensors]
        columns = self.shape[2] + -self.shape[2] % LANES
        out, clean = (np.zeros((places, columns), np.float32) for places in (self.places, len(tensors[0])))
        change = self.change(*whole, clean, out)
        out[change.place] = change.values
        return out


@dataclass(frozen=True, kw_only=True)
class Scale(Step):
    """x * factor + offset: rescaling, batch normalisation (Ioffe & Szegedy 2015). Both are (C,), or (places, C)."""

    factor: np.ndarray
    offset: np.ndarray

    def factors(self, place: np.ndarray) -> np.ndarray:
        """The factors at each `place` (S,), (S or 1, C)."""
        return self.factor[place] if self.factor.ndim > 1 else self.factor[None]

    def change(self, x: Change, clean: np.ndarray, clean_out: np.ndarray) -> Change:
        return x._replace(values=x.values * self.factors(x.place))

    def pull(self, gradient: np.ndarray, clean: np.ndarray, clean_out: np.ndarray) -> tuple[np.ndarray, ...]:
        return (gradient * self.factor,)


@dataclass(frozen=True, kw_only=True)
class Window(Step):
    """What layers with a sliding window have in common. `covers` (H * W, taps): the place of the input under each tap
    of the window, for each place of the output; -1 beyond the border."""

    covers: np.ndarray
    under: int  # places of the input

    @cached_property
    def reach(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """`covers` by input: place p of the input is under tap[i] of the window at place out[i] of the output, for
        start[p] <= i < start[p + 1]."""
        out, tap = np.nonzero(self.covers >= 0)
        place = self.covers[out, tap]
        order = np.argsort(place, kind="stable")
        start = np.searchsorted(place[order], np.arange(self.under + 1))
        return start, tap[order].astype(np.int32), out[order].astype(np.int32)

    @cached_property
    def _pairs(self) -> tuple[tuple[int, np.ndarray, np.ndarray], ...]:
        """For each tap, the places of the output and of the input that it connects."""
        return tuple((tap, np.flatnonzero(places >= 0), places[places >= 0])
                     for tap, places in enumerate(self.covers.T))


@dataclass(frozen=True, kw_only=True)
class Convolution(Window):
    """A convolution: `kernel` (taps, channels, columns), `offset` its bias."""

    kernel: np.ndarray
    offset: np.ndarray

    def change(self, x: Change, clean: np.ndarray, clean_out: np.ndarray) -> Change:
        return Change(*windows.convolution(*x, self.reach, len(self.kernel), self.places, self.kernel.reshape(-1),
                                           *self.kernel.shape[1:]))

    @cached_property
    def _pulling(self) -> tuple[np.ndarray, int, int]:
        """The transposed kernel, flat (columns, taps * channels, padded), and its two sides."""
        turned = rows(self.kernel.transpose(2, 0, 1).reshape(self.kernel.shape[2], -1))
        return turned.reshape(-1), *turned.shape

    def pull(self, gradient: np.ndarray, clean: np.ndarray, clean_out: np.ndarray) -> tuple[np.ndarray, ...]:
        # Not a library's matrix product: it would start threads in each of our processes.
        count, channels = len(gradient), self.kernel.shape[1]
        _, _, products = windows.dense(np.arange(count + 1), np.zeros(count, np.int32), gradient, *self._pulling)
        pulled = np.zeros_like(clean)
        for tap, outputs, inputs in self._pairs:
            pulled[inputs, :channels] += products[outputs, tap * channels:(tap + 1) * channels]
        return (pulled,)


@dataclass(frozen=True, kw_only=True)
class Depthwise(Window):
    """A convolution of each channel alone: `kernel` (taps, columns), `offset` its bias. So is a mean over a window, and
    a border of zeros, with a single tap."""

    kernel: np.ndarray
    offset: np.ndarray

    def change(self, x: Change, clean: np.ndarray, clean_out: np.ndarray) -> Change:
        return Change(*kernels.depthwise(*x, self.reach, self.places, self.kernel))

    def pull(self, gradient: np.ndarray, clean: np.ndarray, clean_out: np.ndarray) -> tuple[np.ndarray, ...]:
        pulled = np.zeros_like(clean)
        for tap, outputs, inputs in self._pairs:
            pulled[inputs] += gradient[outputs] * self.kernel[tap]
        return (pulled,)


@dataclass(frozen=True, kw_only=True)
class Mean(Step):
    """The mean over all places (global average pooling); `window`: how many places."""

    window: int

    def change(self, x: Change, clean: np.ndarray, clean_out: np.ndarray) -> Change:
        return Change(*kernels.mean(x.first, x.values, self.window))

    def pull(self, gradient: np.ndarray, clean: np.ndarray, clean_out: np.ndarray) -> tuple[np.ndarray, ...]:
        return (np.broadcast_to(gradient / np.float32(self.window), clean.shape),)


class Sum(Step):
    """The sum of two tensors, as at the end of a residual block (He et al. 2016)."""

    def change(self, a: Change, b: Change, clean: np.ndarray, clean_out: np.ndarray) -> Change:
        return Change(*kernels.add(*a, *b, self.places))

    def pull(self, gradient: np.ndarray, clean: np.ndarray, clean_out: np.ndarray) -> tuple[np.ndarray, ...]:
        return gradient, gradient


@dataclass(frozen=True, kw_only=True)
class Join(Step):
    """The channels of a tensor, `first` of them, and after them those of another (concatenation)."""

    first: int

    def change(self, a: Change, b: Change, clean: np.ndarray, clean_out: np.ndarray) -> Change:
        joined = [np.zeros((len(x.place), clean_out.shape[1]), np.float32) for x in (a, b)]
        for columns, x, whole in zip(self.columns(), (a, b), joined):
            whole[:, columns] = x.values[:, :columns.stop - columns.start]
        return Change(*kernels.add(*a._replace(values=joined[0]), *b._replace(values=joined[1]), self.places))

    def columns(self) -> tuple[slice, slice]:
        """The columns of the output that are those of each input."""
        return slice(0, self.first), slice(self.first, self.shape[2])

    def pull(self, gradient: np.ndarray, clean: np.ndarray, clean_out: np.ndarray) -> tuple[np.ndarray, ...]:
        first, second = (rows(gradient[:, columns]) for columns in self.columns())
        return first, second


@dataclass(frozen=True, kw_only=True)
class Dense(Step):
    """A dense layer over all places and channels: `kernel` (places, channels, columns)."""

    kernel: np.ndarray

    def change(self, x: Change, clean: np.ndarray, clean_out: np.ndarray) -> Change:
        return Change(*windows.dense(*x, self.kernel.reshape(-1), *self.kernel.shape[1:]))

    def pull(self, gradient: np.ndarray, clean: np.ndarray, clean_out: np.ndarray) -> tuple[np.ndarray, ...]:
        pulled = np.zeros_like(clean)
        pulled[:, :self.kernel.shape[1]] = (self.kernel * gradient[0]).sum(axis=2)
        return (pulled,)
