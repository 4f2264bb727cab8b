"""A Keras model read as the steps of `layers` and `bends`, or an error that names the layer that cannot be read.

A new kind of layer needs a reader in `readers`, and a step where none of the steps does what it does.
"""

import math
from collections import Counter
from dataclasses import replace

import numpy as np

from maskdet.incremental import own, readers
from maskdet.incremental.layers import Convolution, Dense, Depthwise, Scale, Step, rows
from maskdet.incremental.readers import ELSE, LAYERS, MERGES, READERS, Shape, same

Tensor = tuple[int, Shape]  # its number, and its shape (H, W, C)
# The most that the absolute weights and the offset of a channel may add up to, before a scale is folded into them. With
# tensors up to `proof.rounding.LARGE` no sum then overflows, and what underflows is below `proof.rounding.TINY`.
WEIGHTS = 2.0**24


def read(model, scale=None) -> tuple[Step, ...]:
    """The steps of a Keras model from one image (H, W, C) to its K logits, in order. `scale`: what an image is
    multiplied by before the model sees it, a number or one for each channel.

    A softmax at the end is left out; a single output z, with its sigmoid or without, is read as the two logits (0, z).
    A model within the model is read layer by layer. Raises TypeError for anything but a built Keras model, and
    ValueError, naming the layer, for a kind or setting of a layer that `readers` do not know, another type than
    float32, weights that are too large, and an input or output of another shape.
    """
    if not getattr(model, "inputs", None) or type(model).__module__.startswith("tf_keras"):
        raise TypeError(f"expected a model of Keras 3 that is built, got a {type(model).__module__}."
                        f"{type(model).__name__}: begin it with keras.Input((H, W, C)), or take "
                        "maskdet.networks.shipped(name)")
    if not own.is_model(model):
        raise ValueError(f"expected a model of Keras' own classes, got one of {type(model).__name__}, which may do "
                         f"more than its layers{ELSE}")
    shapes = [tuple(tensor.shape[1:]) for tensor in (*model.inputs, *model.outputs)]
    if len(shapes) != 2 or None in (*shapes[0], *shapes[1]) or (len(shapes[0]), len(shapes[1])) != (3, 1):
        raise ValueError(f"expected one input (H, W, C) and one output (K,), all of known size, got {shapes}{ELSE}")
    steps: list[Step] = []
    tensor = (0, shapes[0])
    if scale is not None:
        tensor = _add(steps, _rescaled(scale, shapes[0]), tensor)
    tensor = _follow(model, tensor, steps, final="sigmoid" if shapes[1] == (1,) else "softmax")
    if np.prod(tensor[1][:2]) > 1:
        tensor = _add(steps, _flattened(tensor[1]), tensor)
    if shapes[1] == (1,):
        _add(steps, _pair(1), tensor)
    return _folded(steps)


def _add(steps: list[Step], step: Step, *tensors: Tensor) -> Tensor:
    """Append a step that reads `tensors`; returns its output."""
    step = replace(step, inputs=tuple(number for number, _ in tensors), shape=step.shape or tensors[0][1])
    steps.append(step)
    return len(steps), step.shape


def _follow(model, read: Tensor, steps: list[Step], *, final: str) -> Tensor:
    """Append the steps of a model that reads one tensor; returns its output. `final`: the activation that its last
    layer may have, "" where other layers come after it."""
    tensors = {id(model.inputs[0]): read}
    # Each call of a layer, in an order in which they can be made: not `model.layers` and their inputs, since a layer
    # may be called again, here or in another model. A Sequential contains a functional model.
    depths = (getattr(model, "_functional", None) or model)._nodes_by_depth
    for node in (node for depth in sorted(depths, reverse=True) for node in depths[depth] if not node.is_input):
        layer, [out, *_] = node.operation, node.output_tensors
        inputs, last = [tensors[id(tensor)] for tensor in node.input_tensors], final * (out is model.outputs[0])
        if not own.kind(layer).startswith("Random"):  # whose calls say so by themselves; predict overrules it
            same(layer, "calls with training", node.arguments.kwargs.get("training") or None, None)
        if own.is_model(layer):
            same(layer, "inputs, outputs", (len(layer.inputs), len(layer.outputs)), (1, 1))
            tensors[id(out)] = _follow(layer, inputs[0], steps, final=last)
        else:
            tensors[id(out)] = _append(node, inputs, steps, final=last)
    return tensors[id(model.outputs[0])]


def _append(node, tensors: list[Tensor], steps: list[Step], *, final: str) -> Tensor:
    """Append the steps of a call of a layer that reads `tensors`; returns its output."""
    layer, kind, out = node.operation, own.kind(node.operation), node.output_tensors[0]
    if kind not in LAYERS:
        raise ValueError(f"expected layers of the kinds {', '.join(LAYERS)}, got {layer.name!r}, a {kind}{ELSE}")
    same(layer, "dtypes", own.dtypes(layer, out), ["float32"])
    axis = -1 if kind == "Normalization" else getattr(layer, "axis", -1)  # of that, the shapes tell
    same(layer, "axis", -1 if axis == len(out.shape) - 1 else axis, -1)
    same(layer, "data_format", getattr(layer, "data_format", None) or "channels_last", "channels_last")
    tensor, *others = tensors
    if kind in MERGES:
        seen = [shape[:2] if kind == "Concatenate" else shape for _, shape in tensors]
        # Of vectors that are held as tensors, the places of one would lie between those of the other.
        one = [(1, 1)] if kind == "Concatenate" and len(out.shape) == 2 else seen[:1]
        same(layer, "inputs of one shape,", seen, one * max(len(seen), 2))  # a constant is none
        for other in others:
            tensor = _add(steps, MERGES[kind](tensor[1], other[1]), tensor, other)
    else:
        same(layer, "inputs", len(tensors), 1)
        for step in READERS[kind](layer, tensor[1]):
            _moderate(layer, step)
            tensor = _add(steps, step, tensor)
    for step in readers.activation(layer, tensor[1], final=final):
        tensor = _add(steps, step, tensor)
    whole = tuple(out.shape[1:])
    same(layer, "an output", whole, tensor[1] if len(whole) > 1 else (int(np.prod(tensor[1])),))
    return tensor


def _moderate(layer, step: Step) -> None:
    """Raise ValueError where the weights of a step may make float32 overflow."""
    kernel, factor = (np.abs(getattr(step, name, np.zeros((1, 1)))) for name in ("kernel", "factor"))
    total = kernel.sum(axis=tuple(range(kernel.ndim - 1)), dtype=float) + factor + step.size
    single = [np.abs(weight).max(initial=0) for weight in map(np.asarray, getattr(layer, "weights", ()))]
    if not ((total <= WEIGHTS).all() and (np.array(single) <= WEIGHTS**2).all()):  # nan, too
        raise ValueError(f"expected absolute weights of {layer.name!r} that add up, with the offset, to at most "
                         f"{WEIGHTS:.0f} in each channel, and none above {WEIGHTS**2:g}, got {total.max():g} and "
                         f"{max(single, default=0):g}: scale them{ELSE}")


def _folded(steps: list[Step]) -> tuple[Step, ...]:
    """The steps with each scale of channels that is the only reader of a convolution made part of its kernel and
    bias."""
    read = Counter(number for step in steps for number in step.inputs)
    kept: list[Step] = []
    numbers = [0]  # the new number of each tensor
    for step in steps:
        before = steps[step.inputs[0] - 1] if step.inputs[0] else None
        if (isinstance(step, Scale) and step.factor.ndim == 1 and isinstance(before, (Convolution, Depthwise))
                and read[step.inputs[0]] == 1):
            numbers.append(numbers[step.inputs[0]])
            kept[numbers[-1] - 1] = replace(before, inputs=kept[numbers[-1] - 1].inputs,
                                            kernel=before.kernel * step.factor,
                                            offset=before.offset * step.factor + step.offset,
                                            folded=before.size * np.abs(step.factor) + step.size)
        else:
            kept.append(replace(step, inputs=tuple(numbers[number] for number in step.inputs)))
            numbers.append(len(kept))
    return tuple(kept)


def _rescaled(scale, shape: Shape) -> Step:
    """Each channel times its scale, or all times one."""
    factor = np.broadcast_to(np.asarray(scale, np.float32), shape[2:])
    return Scale(factor=rows(factor), offset=rows(np.zeros(shape[2])))


def _pair(channels: int) -> Step:
    """The two logits (0, z) of a network with the single output z."""
    kernel = np.zeros((1, channels, 2))
    kernel[0, 0, 1] = 1
    return Dense(shape=(1, 1, 2), kernel=rows(kernel), offset=rows(np.zeros(2)))


def _flattened(shape: Shape) -> Step:
    """A tensor as a vector of one place."""
    count = math.prod(shape)
    return Dense(shape=(1, 1, count), kernel=rows(np.eye(count).reshape(-1, shape[2], count)),
                 offset=rows(np.zeros(count)))
