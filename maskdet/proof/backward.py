"""The least margin for any colour of a box, by lines followed backwards (Zhang et al. 2018, Singh et al. 2019).

Affine forms say between which values each neuron stays. There a step that bends lies between two lines, and the slope
of the margin by its output says which of the two is needed, so that the lower one of a rectifier need not be parallel
to the upper one, as in a form it must. All is computed in float64; what the clean tensors lost when they were stored
as float32, and what is rounded here, lowers the margin.
"""

from collections.abc import Sequence

import numpy as np

from maskdet.incremental import Face, windows
from maskdet.incremental.layers import Change, Convolution, Dense, Mean, Scale, Step, Sum
from maskdet.proof import kernels, rounding
from maskdet.proof.forms import Form, Relaxation


def least_margin(face: Face, forms: Sequence[Form], steep: Sequence[np.ndarray],
          label: int) -> tuple[np.ndarray, np.ndarray]:
    """A lower bound (N,) of the margin of class `label` in each of N boxes, and the slopes (N, 3) of that bound by the
    colours. `forms` are those of the boxes, `steep` as `rounding.steepest` has it.

    Raises ValueError for a linear step of a kind that slopes are not known to go through.
    """
    double = rounding.double(face.network.steps)
    slots = [form.centre for form in forms]
    slopes = [np.zeros(one.values.shape) for one in slots]
    slopes[-1][:, [label, 1 - label]] = 1, -1
    own = float(face.logits[label]) - float(face.logits[1 - label])
    low = np.full(len(slopes[-1]), own - float(rounding.UNIT) * float(np.abs(face.logits).sum(dtype=float)))
    for number, step in reversed(list(enumerate(face.network.steps, start=1))):
        if (lines := forms[number].lines) is None:
            pulled = _pulled(step, slopes[number], slots[number], [slots[i] for i in step.inputs])
        else:
            slope, added, lost = _bent(face, number, lines, forms[number], slopes[number], steep[number], double)
            box = np.repeat(np.arange(len(low)), np.diff(slots[number].first))
            low += np.bincount(box, added - lost, len(low))
            given = slots[step.inputs[0]]
            pulled = [slope if lines.tap is None else kernels.tapped(
                slots[number].first, lines.tap, slope, given.first, given.place, len(face.tensors[step.inputs[0]]))]
        for i, one in zip(step.inputs, pulled):
            slopes[i] += one
    by_colour, middle = slopes[0][:, :3], slots[0].values[:, :3].astype(float)
    half = forms[0].spread[:, :3].astype(float)
    sizes = ((np.abs(middle) + half) * (np.abs(by_colour) + steep[0][slots[0].place, :3])).sum(axis=1)
    return low + (by_colour * middle - np.abs(by_colour) * half).sum(axis=1) - double * sizes, by_colour


def _bent(face: Face, number: int, lines: Relaxation, form: Form, slope: np.ndarray, steep: np.ndarray,
          double: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The slopes (S, C) by the input of step `number`, and for each slot what the lines add to the margin, and how much
    of it may be wrong."""
    at, up = form.centre.place, slope < 0
    source = face.tensors[face.network.steps[number - 1].inputs[0]]
    clean = source[at] if lines.tap is None else np.take_along_axis(source, lines.tap, axis=0)
    before = face.tensors[number][at].astype(float)
    share, offset = (np.where(up, upper, lower) for lower, upper in (lines.share, lines.offset))
    known = share * clean
    added = slope * (known + offset - before)
    sizes = np.abs(known) + np.abs(offset) + np.abs(before)
    stored = np.abs(slope) * (float(rounding.UNIT) * (np.abs(known) + np.abs(before)) + double * sizes)
    # The slope itself is rounded, as much as the steepest may be, and meets all that the output moves.
    moved = double * steep[at] * (np.abs(form.centre.values) + form.spread + form.radius)
    return slope * share, added.sum(axis=1), (stored + moved).sum(axis=1)


def _pulled(step: Step, slope: np.ndarray, made: Change, given: Sequence[Change]) -> list[np.ndarray]:
    """The slopes by the inputs of a step that is linear, in the slots of each of them, from those by its output."""
    if isinstance(step, Scale):
        return [slope * step.factor]
    if isinstance(step, Convolution):
        [one] = given
        _, place, target = windows.reached(one.first, one.place, *step.reach, len(step.kernel), step.places)
        if not np.array_equal(place, made.place):
            raise AssertionError("expected slots numbered as on the way forward: remove what Numba kept, __pycache__")
        return [kernels.pulled(target, slope, step.kernel, one.values.shape[1])]
    if isinstance(step, Sum):
        return [kernels.same(one.first, one.place, made.first, made.place, step.places, slope) for one in given]
    [one] = given
    box = np.repeat(np.arange(len(slope)), np.diff(one.first))
    if isinstance(step, Mean):
        return [slope[box] / step.window]
    if isinstance(step, Dense):
        pulled = np.zeros(one.values.shape)
        pulled[:, :step.kernel.shape[1]] = (step.kernel[one.place] * slope[box][:, None]).sum(axis=2)
        return [pulled]
    raise ValueError(f"expected a step that slopes can be followed through, got {type(step).__name__}")
