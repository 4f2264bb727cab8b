"""What rounding may do to a network's float32 tensors, bounded, so that a proof is of the network as it is run.

A float32 sum of n products, in whatever order and with or without fused instructions, makes at most n - 1 roundings
of partial sums, none of which is larger than the sum P of its positive or N of its negative products alone; so it
differs from the exact sum by at most  u [(n - 1) max(P, N) + P + N]  to first order, u = 2^-24 (after Higham 2002,
sections 3.1 and 4.2). It says nothing of arithmetic that is not float32 throughout, such as TF32 or Winograd's
convolution on some accelerators.
"""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from maskdet.incremental.bends import Bend, Maximum, Median, Relu
from maskdet.incremental.layers import Convolution, Dense, Depthwise, Join, Mean, Scale, Step, Sum, rows

UNIT = np.float32(2.0**-24)  # of float32, rounding to nearest
FOLDED = 12  # roundings of a batch normalisation, its factor and its offset
# With weights up to `incremental.graph.WEIGHTS`, of tensors up to LARGE, no sum of a step is above 2^80, also before a
# scale is folded into it. Float32 may take for 0 what is below 2^-126: of a weight, times a tensor and a factor, or of
# a factor, times a sum, that is less than 2^-70, and TINY is 2^20 of these.
LARGE, TINY = np.float32(2.0**32), np.float32(2.0**-50)
MORE = np.float32(1 + 2.0**-10)  # on what is computed here in float32 itself, and for terms of second order


def gamma(terms: int) -> np.float32:
    """n u / (1 - n u), rounded up: the relative error of n operations (Higham 2002, lemma 3.1)."""
    error = terms * float(UNIT)
    return np.float32(error / (1 - error) * (1 + 1e-6))


def _beside(step: Step) -> int:
    """Roundings beside a sum's: the bias, and what a batch normalisation adds that was made part of a step."""
    return 2 if step.folded is None else FOLDED


def terms(step: Step) -> int:
    """How many roundings lie between the inputs of a step and one of its outputs, at most."""
    return 0 if isinstance(step, Join) else _products(step) + _beside(step)


def _products(step: Step) -> int:
    if isinstance(step, (Convolution, Dense)):
        return step.kernel.shape[0] * step.kernel.shape[1]
    if isinstance(step, Depthwise):
        return len(step.kernel)
    return step.window if isinstance(step, Mean) else len(step.inputs)


def _pulled(step: Step) -> int:
    """How many roundings lie between the slopes at a step's outputs and one at its inputs, at most."""
    kernel = getattr(step, "kernel", None)  # (taps, channels, columns), a sum of taps and columns; or (taps, columns)
    return terms(step) if kernel is None else kernel.size // kernel.shape[1] + FOLDED


def double(steps: tuple[Step, ...]) -> float:
    """The relative error of what is computed here in float64, all sums one upon the other, with much to spare."""
    return 2.0**-53 * 4 * sum(map(_pulled, steps))


def absolute(step: Step) -> Step:
    """The step with the absolute values of its weights, through which radii are followed."""
    if isinstance(step, (Convolution, Depthwise, Dense)):
        return replace(step, kernel=np.abs(step.kernel))
    return replace(step, factor=np.abs(step.factor)) if isinstance(step, Scale) else step


def exact(steps: tuple[Step, ...], image: np.ndarray) -> tuple[np.ndarray, ...]:
    """The tensors of an `image` (H, W, C), as `Face` has them, computed in float64 and rounded once; what float64
    rounds is far below what `MORE` adds to every float32 rounding."""
    tensors = [image.reshape(-1, image.shape[2]).astype(float)]
    for step in steps:
        tensors.append(_forward(step, *(tensors[i] for i in step.inputs)))
    return tuple(map(rows, tensors))


def _forward(step: Step, x: np.ndarray, *other: np.ndarray) -> np.ndarray:
    channels = x.shape[1]
    if isinstance(step, Sum):
        return np.add(x, *other)
    if isinstance(step, Join):
        return np.concatenate([x, *other], axis=1)
    if isinstance(step, Relu):
        return np.maximum(x, 0)
    if isinstance(step, Bend):
        return step.of(x, np.arange(len(x)))
    if isinstance(step, Mean):
        return x.mean(axis=0, keepdims=True)
    if isinstance(step, Scale):
        return x * step.factor[..., :channels] + step.offset[..., :channels]
    if isinstance(step, Dense):
        seen = x.reshape(1, -1)
    elif isinstance(step, Maximum):
        return np.where(step.covers[..., None] >= 0, x[step.covers], -np.inf).max(axis=1)
    elif isinstance(step, Median):
        return np.median(x[step.covers], axis=1)
    else:
        assert isinstance(step, (Convolution, Depthwise))  # the last kinds that there are
        seen = np.vstack([x, np.zeros_like(x[:1])])[step.covers]  # -1: the zeros
        if isinstance(step, Depthwise):
            return (seen * step.kernel[:, :channels]).sum(axis=1) + step.offset[:channels]
        seen = seen.reshape(len(step.covers), -1)
    return (seen @ step.kernel.reshape(seen.shape[1], -1).astype(float) + step.offset)[:, :step.shape[2]]


def accumulated(steps: tuple[Step, ...], absolutes: tuple[Step, ...],
                tensors: tuple[np.ndarray, ...]) -> tuple[tuple[np.ndarray, ...], tuple[np.ndarray, ...]]:
    """For each of the `exact` tensors, (places, C): what a float32 run of the same image may round there, and, as
    that adds up through the steps, how far it may be from the tensor."""
    own, slack = [np.zeros_like(tensor) for tensor in tensors], [np.zeros_like(tensors[0])]
    for number, (step, positive) in enumerate(zip(steps, absolutes), start=1):
        out, before = tensors[number], [slack[i] for i in step.inputs]
        if isinstance(step, Relu):
            slack.append(np.clip(tensors[step.inputs[0]] + before[0], 0, before[0]))
        elif isinstance(step, Bend):  # a product below 0, and both tensors were rounded when they were stored
            sizes = np.abs(tensors[step.inputs[0]]) + 2 * np.abs(out) + before[0]
            own[number] = (UNIT * sizes * MORE + TINY).astype(np.float32)
            slack.append((before[0] + own[number]) * MORE)
        elif isinstance(step, Join):
            slack.append(step.forward(*before))
        elif isinstance(step, (Maximum, Median)):
            slack.append(np.where(step.covers[..., None] >= 0, before[0][step.covers], 0).max(axis=1))
        else:
            stored = [np.abs(tensors[i]) for i in step.inputs]
            sizes = positive.forward(*map(np.add, stored, before))  # P + N
            larger = (sizes + np.abs(out - step.offset)) / 2  # max(P, N), as P - N is the sum
            sums = (_products(step) - 1) * larger + _beside(step) * (sizes + step.size) + np.abs(out)
            # The tensors are stored as float32, as far from the exact tensors as one rounding is.
            own[number] = (UNIT * (sums + positive.forward(*stored)) * MORE + TINY).astype(np.float32)
            slack.append((positive.forward(*before) * MORE + own[number]).astype(np.float32))
    return tuple(own), tuple(slack)


def doubt(steps: tuple[Step, ...], absolutes: tuple[Step, ...], ranges: tuple[tuple[np.ndarray, np.ndarray], ...],
          own: tuple[np.ndarray, ...], pair: tuple[int, int]) -> float:
    """What all roundings together, at most `own` (places, C) at each tensor, may do to the margin of the first class of
    `pair` over the second. By the mean value
    theorem no more than the sum of each times the largest slope of the margin by that neuron, over the `ranges` (low,
    high) that tensors may be in: followed backwards as  slope ± more."""
    slope, more = ([np.zeros_like(rounded) for rounded in own] for _ in range(2))
    slope[-1][0, list(pair)] = 1, -1
    total = 0.0
    for number, (step, positive) in reversed(list(enumerate(zip(steps, absolutes), start=1))):
        total += float(((np.abs(slope[number]) + more[number]) * own[number]).sum(dtype=float))
        low, high = ranges[step.inputs[0]]
        pulled: Iterable[tuple[np.ndarray, np.ndarray]]
        if isinstance(step, Relu):
            passes = np.where(low > 0, 1, np.where(high < 0, 0, np.nan))  # 1 or 0; nan: unknown
            pulled = [_either(slope[number], more[number], passes)]
        elif isinstance(step, Bend):
            passes = np.where(high < 0, step.slope, np.where((low > 0) & (high < step.top), 1, np.nan))
            pulled = [_either(slope[number], more[number], np.where(low > step.top, 0, passes))]
        elif isinstance(step, (Maximum, Median)):
            pulled = [_taps(step, slope[number], more[number], low, high)]
        else:
            # What is pulled back is rounded here, too.
            out, rounded = own[number], gamma(_pulled(step))
            around = more[number] + rounded * (np.abs(slope[number]) + more[number])
            pulled = zip(step.pull(slope[number], low, out), positive.pull(around, low, out))
        for i, (middle, around) in zip(step.inputs, pulled):
            slope[i] += middle
            more[i] += around
    return total * float(MORE)


def steepest(steps: tuple[Step, ...], absolutes: tuple[Step, ...],
             tensors: tuple[np.ndarray, ...]) -> tuple[np.ndarray, ...]:
    """For each tensor (places, C) the largest slope that any margin may have by each neuron, whatever the input."""
    slopes = [np.zeros_like(tensor) for tensor in tensors]
    slopes[-1][0, :steps[-1].shape[2]] = 1
    for number, (step, positive) in reversed(list(enumerate(zip(steps, absolutes), start=1))):
        clean = tensors[step.inputs[0]]
        if isinstance(step, (Relu, Bend)):
            pulled: Iterable[np.ndarray] = [slopes[number]]
        elif isinstance(step, (Maximum, Median)):
            pulled = [back := np.zeros_like(clean)]
            for places in step.covers.T:
                np.add.at(back, places[places >= 0], slopes[number][places >= 0])
        else:
            pulled = positive.pull(slopes[number], clean, tensors[number])
        for i, slope in zip(step.inputs, pulled):
            slopes[i] += slope
    return tuple(slope * MORE for slope in slopes)


def _either(slope: np.ndarray, more: np.ndarray, passes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """slope ± more times `passes`, and where that is nan, times anything from 0 to 1."""
    low, high = np.minimum(slope - more, 0), np.maximum(slope + more, 0)
    unsure, sure = np.isnan(passes), np.nan_to_num(passes)
    rounded = np.where((sure == 0) | (sure == 1), 0, 2 * UNIT * np.abs(slope))  # of a product
    return (np.where(unsure, (low + high) / 2, sure * slope).astype(np.float32),
            np.where(unsure, (high - low) / 2, sure * more + rounded).astype(np.float32))


def _taps(step: Maximum | Median, slope: np.ndarray, more: np.ndarray, low: np.ndarray,
          high: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """slope ± more pulled back to every tap that may be the largest, of a median to all."""
    there = step.covers[..., None] >= 0
    most = np.where(there, low[step.covers], -np.inf).max(axis=1)
    may = there & (high[step.covers] >= most[:, None]) if isinstance(step, Maximum) else np.ones_like(there)
    alone = np.broadcast_to(may.sum(axis=1) == 1, slope.shape)
    middle, around = np.zeros_like(low), np.zeros_like(low)
    for tap, places in enumerate(step.covers.T):
        passes = np.where(may[:, tap], np.where(alone, 1, np.nan), 0)
        parts = _either(slope, more, np.broadcast_to(passes, slope.shape))
        for total, part in zip((middle, around), parts):
            np.add.at(total, places, np.where(there[:, tap], part, 0))
    return middle, around
