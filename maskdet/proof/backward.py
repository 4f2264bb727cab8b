"""The least margin for any colour of a region, by linear relaxations followed backwards (Zhang et al. 2018, Singh et
al. 2019).

Affine forms bound the values of each neuron. Within these bounds a step that is not linear lies between two lines, its
relaxation. The slope of the margin by the step's output says which of the two counts; unlike in a form, they need not
be parallel. All is computed in float64. What the clean tensors lost when they were stored as float32, and what is
rounded here, is taken off the margin.
"""

from collections.abc import Sequence

import numpy as np

from maskdet.incremental import Face, windows
from maskdet.incremental.layers import Change, Convolution, Dense, Depthwise, Join, Mean, Scale, Step, Sum
from maskdet.proof import kernels, rounding
from maskdet.proof.forms import Form, Relaxation


def least_margin(face: Face, forms: Sequence[Form], steep: Sequence[np.ndarray],
                 pair: tuple[int, int], *, start: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """A lower bound (N,) of the margin of the first class of `pair` over the second in each of N regions, and its
    slopes (N, C) by the channels of tensor `start`, by default the colours, which varies at one place alone. `forms`
    are those of the regions, `steep` is of `rounding.steepest`. Raises as `_pulled`."""
    double = rounding.double(face.network.steps)
    slots = [form.centre for form in forms]
    slopes = [np.zeros(centre.values.shape) for centre in slots]
    slopes[-1][:, list(pair)] = 1, -1
    ours, theirs = (float(face.logits[number]) for number in pair)
    low = np.full(len(slopes[-1]), ours - theirs - float(rounding.UNIT) * (abs(ours) + abs(theirs)))
    for number, step in reversed(list(enumerate(face.network.steps, start=1))[start:]):
        if (relaxation := forms[number].relaxation) is None:
            pulled = _pulled(step, slopes[number], slots[number], [slots[i] for i in step.inputs])
        else:
            slope, gain = _bent(face, number, relaxation, forms[number], slopes[number], steep[number], double)
            low += np.bincount(slots[number].candidate, gain, len(low))
            pulled = [slope if relaxation.tap is None else kernels.tapped(
                slots[number].first, relaxation.tap, slope, *slots[step.inputs[0]][:2],
                len(face.tensors[step.inputs[0]]))]
        for i, slope in zip(step.inputs, pulled):
            slopes[i] += slope
    first, channels = slots[start], face.network.steps[start - 1].shape[2] if start else face.image.shape[2]
    slope, middle = slopes[start][:, :channels], first.values[:, :channels].astype(float)
    half = (forms[start].spread.astype(float) + forms[start].radius)[:, :channels]
    sizes = ((np.abs(middle) + half) * (np.abs(slope) + steep[start][first.place, :channels])).sum(axis=1)
    return low + (slope * middle - np.abs(slope) * half).sum(axis=1) - double * sizes, slope


def _bent(face: Face, number: int, relaxation: Relaxation, form: Form, slope: np.ndarray, steep: np.ndarray,
          double: float) -> tuple[np.ndarray, np.ndarray]:
    """The slopes (S, C) by the input of step `number`, which is not linear; and for each slot what the relaxation adds
    to the margin, less what rounding may have changed of that."""
    at, up = form.centre.place, slope < 0
    source = face.tensors[face.network.steps[number - 1].inputs[0]]
    clean = source[at] if relaxation.tap is None else np.take_along_axis(source, relaxation.tap, axis=0)
    before = face.tensors[number][at].astype(float)
    share, offset = (np.where(up, upper, lower) for lower, upper in (relaxation.share, relaxation.offset))
    through = share * clean
    added = slope * (through + offset - before)
    sizes = np.abs(through) + np.abs(offset) + np.abs(before)
    stored = np.abs(slope) * (float(rounding.UNIT) * (np.abs(through) + np.abs(before)) + double * sizes)
    # The slope is rounded too, by no more than the steepest slope is, and multiplies all that the output moves by.
    moved = double * steep[at] * (np.abs(form.centre.values) + form.spread + form.radius)
    return slope * share, added.sum(axis=1) - (stored + moved).sum(axis=1)


def _pulled(step: Step, slope: np.ndarray, out: Change, inputs: Sequence[Change]) -> list[np.ndarray]:
    """The slopes by the inputs of a linear step, in the slots of each input, from the slopes by its output. Raises
    ValueError for a kind of step that slopes cannot be followed through."""
    if isinstance(step, Scale):
        return [slope * step.factors(out.place)]
    if isinstance(step, (Sum, Join)):
        parts = [slope] * 2
        if isinstance(step, Join):
            parts = [np.zeros((len(slope), change.values.shape[1])) for change in inputs]
            for part, columns in zip(parts, step.columns()):
                part[:, :columns.stop - columns.start] = slope[:, columns]
        taps = [np.broadcast_to(out.place[:, None], part.shape) for part in parts]
        return [kernels.tapped(out.first, tap, part, *change[:2], step.places)
                for tap, part, change in zip(taps, parts, inputs)]
    [x] = inputs
    if isinstance(step, (Convolution, Depthwise)):
        _, place, target = windows.reached(x.first, x.place, *step.reach, len(step.kernel), step.places)
        if not np.array_equal(place, out.place):
            raise AssertionError("expected slots numbered as on the way forward: delete Numba's cache (__pycache__)")
        if isinstance(step, Convolution):
            return [kernels.pulled(target, slope, step.kernel, x.values.shape[1])]
        return [sum(np.where(at[:, None] >= 0, slope[at], 0) * weights for at, weights in zip(target.T, step.kernel))]
    if isinstance(step, Mean):
        return [slope[x.candidate] / step.window]
    if isinstance(step, Dense):
        pulled = np.zeros(x.values.shape)
        pulled[:, :step.kernel.shape[1]] = (step.kernel[x.place] * slope[x.candidate][:, None]).sum(axis=2)
        return [pulled]
    raise ValueError(f"expected a linear step whose slopes are known, got {type(step).__name__}")
