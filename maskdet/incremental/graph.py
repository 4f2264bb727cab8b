"""A Keras model read as the steps of `layers`, or an error that names the layer that cannot be read.

A new kind of layer needs a class in `layers` and a reader here.
"""

from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np

from maskdet.incremental import own
from maskdet.incremental.layers import Convolution, Dense, Maximum, Mean, Median, Relu, Scale, Step, Sum, rows, size

Tensor = tuple[int, tuple[int, ...]]  # its number, and its shape (H, W, C)
# A network that cannot be read can still be attacked.
ELSE = ("; any other network is attacked through a predict(images (N, H, W, 3) uint8) -> probabilities (N, 2), by "
        "Corners or DifferentialEvolution")
# The most that the absolute weights and the offset of a channel may add up to, before a scale is folded into them. With
# tensors up to `proof.rounding.LARGE` no sum then overflows, and what underflows is below `proof.rounding.TINY`.
WEIGHTS = 2.0**24


def read(model) -> tuple[Step, ...]:
    """The steps of a Keras model from one image (H, W, 3) to its two logits, in order.

    A softmax at the end is left out; a model within the model is read layer by layer. Raises TypeError for anything but
    a built Keras model, and ValueError, naming the layer, for a kind or setting of a layer that `READERS` do not know,
    another type than float32, weights that are too large, and an input or output of another shape.
    """
    if not getattr(model, "inputs", None):
        raise TypeError(f"expected a Keras model that is built, got a {type(model).__name__}: begin it with "
                        "keras.Input((H, W, 3)), or take maskdet.networks.shipped(name)")
    if not own.is_model(model):
        raise ValueError(f"expected a model of Keras' own classes, got one of {type(model).__name__}, which may do "
                         f"more than its layers{ELSE}")
    shapes = [tuple(tensor.shape[1:]) for tensor in (*model.inputs, *model.outputs)]
    if len(shapes) != 2 or None in shapes[0] or len(shapes[0]) != 3 or shapes[0][2] != 3 or shapes[1] != (2,):
        raise ValueError(f"expected one input (H, W, 3) and one output (2,), got {shapes}{ELSE}")
    steps: list[Step] = []
    _follow(model, (0, shapes[0]), steps, final=True)
    return _folded(steps)


def _follow(model, given: Tensor, steps: list[Step], *, final: bool) -> Tensor:
    """Append the steps of a model that reads tensor `given`; returns its output. `final`: nothing comes after it."""
    tensors = {id(model.inputs[0]): given}
    for node in _nodes(model):
        layer, last = node.operation, final and node.output_tensors[0] is model.outputs[0]
        inputs = [tensors[id(one)] for one in node.input_tensors]
        _same(layer, "calls with training", node.arguments.kwargs.get("training") or None, None)
        if own.is_model(layer):
            _same(layer, "inputs, outputs", (len(layer.inputs), len(layer.outputs)), (1, 1))
            made = _follow(layer, inputs[0], steps, final=last)
        else:
            made = _append(node, inputs, steps, final=last)
        tensors[id(node.output_tensors[0])] = made
    return tensors[id(model.outputs[0])]


def _append(node, given: list[Tensor], steps: list[Step], *, final: bool) -> Tensor:
    """Append the steps of a call of a layer that reads the tensors `given`; returns its output."""
    layer, kind, out = node.operation, own.kind(node.operation), node.output_tensors[0]
    if kind not in READERS:
        raise ValueError(f"expected layers of the kinds {', '.join(READERS)}, got {layer.name!r}, a {kind}{ELSE}")
    _same(layer, "dtypes", own.dtypes(layer, out), ["float32"])
    axis = getattr(layer, "axis", -1)
    _same(layer, "axis", -1 if axis == len(out.shape) - 1 else axis, -1)
    inputs, (shape, *_) = (tuple(values) for values in zip(*given))
    seen = [tuple(tensor.shape[1:]) for tensor in node.input_tensors]
    _same(layer, "inputs of one shape,", seen, seen[:1] * (2 if kind == "Add" else 1))
    for step in [*READERS[kind](layer, shape), *_activation(layer, final=final)]:
        step = replace(step, inputs=inputs, shape=step.shape or shape)
        _moderate(layer, step)
        steps.append(step)
        inputs, shape = (len(steps),), step.shape
    whole = tuple(out.shape[1:])
    _same(layer, "an output", whole, shape if len(whole) > 1 else (int(np.prod(shape)),))
    return inputs[0], shape


def _moderate(layer, step: Step) -> None:
    """Raise ValueError where the weights of a step may make float32 overflow."""
    weights = np.abs(getattr(step, "kernel", getattr(step, "factor", np.zeros((1, 1)))))
    total = weights.sum(axis=tuple(range(weights.ndim - 1)), dtype=float) + size(step)
    single = [np.abs(weight).max(initial=0) for weight in map(np.asarray, getattr(layer, "weights", ()))]
    if not ((total <= WEIGHTS).all() and (np.array(single) <= WEIGHTS**2).all()):  # nan, too
        raise ValueError(f"expected absolute weights of {layer.name!r} that add up, with the offset, to at most "
                         f"{WEIGHTS:.0f} in each channel, and none above {WEIGHTS**2:g}, got {total.max():g} and "
                         f"{max(single, default=0):g}: scale them{ELSE}")


def _graph(model) -> Any:
    """The functional model that a model is or, if it is a Sequential, contains; None of a layer."""
    graph = getattr(model, "_functional", None) or model
    return graph if hasattr(graph, "_nodes_by_depth") else None


def _nodes(model) -> list:
    """Each call of a layer on the way from the input to the output, in an order in which they can be made.

    Not `model.layers` and their inputs: a layer may be called again, here or in another model.
    """
    by_depth = _graph(model)._nodes_by_depth
    return [node for depth in sorted(by_depth, reverse=True) for node in by_depth[depth] if not node.is_input]


def _folded(steps: list[Step]) -> tuple[Step, ...]:
    """The steps with each scale that is the only reader of a convolution made part of its kernel and bias."""
    readers = Counter(number for step in steps for number in step.inputs)
    kept: list[Step] = []
    number = {0: 0}  # the new number of each tensor
    for old, step in enumerate(steps, start=1):
        before = steps[step.inputs[0] - 1] if step.inputs[0] else None
        if isinstance(step, Scale) and isinstance(before, Convolution) and readers[step.inputs[0]] == 1:
            place = number[step.inputs[0]]
            kept[place - 1] = replace(before, inputs=kept[place - 1].inputs, kernel=before.kernel * step.factor,
                                      offset=before.offset * step.factor + step.offset,
                                      size=size(before) * np.abs(step.factor) + size(step))
            number[old] = place
        else:
            kept.append(replace(step, inputs=tuple(number[one] for one in step.inputs)))
            number[old] = len(kept)
    return tuple(kept)


def _same(layer, setting: str, value, expected) -> None:
    if value != expected:
        raise ValueError(f"expected {setting} {expected} of {layer.name!r}, got {value}{ELSE}")


def _activation(layer, *, final: bool) -> list[Step]:
    """The activation of a layer, if any; a softmax at the end is left out."""
    name = own.activation(layer)
    if name not in ("linear", "relu", "softmax") or (name == "softmax" and not final):
        raise ValueError(f"expected an activation linear or relu, or softmax at the end, by its name, of "
                         f"{layer.name!r}, got {name}{ELSE}")
    return [Relu()] if name == "relu" else []


def _bias(layer, columns: int) -> np.ndarray:
    return rows(np.asarray(layer.bias) if layer.use_bias else np.zeros(columns))


def _window(layer, extent, shape, channels: int) -> dict:
    """The sliding window of a layer over a tensor of `shape`, as `layers.Window` holds it."""
    _same(layer, "data_format", layer.data_format, "channels_last")
    lines = []  # for rows and for columns: the line of the input under each tap, for each line of the output
    for inside, stride, taps in zip(shape, layer.strides, extent):
        same = layer.padding == "same"
        out = -(-inside // stride) if same else (inside - taps) // stride + 1
        before = max((out - 1) * stride + taps - inside, 0) // 2 if same else 0  # an odd line of padding is the last
        line = np.arange(out)[:, None] * stride + np.arange(taps) - before
        lines.append(np.where((line >= 0) & (line < inside), line, -1))
    row, column = lines[0][:, None, :, None], lines[1][None, :, None, :]
    covers = np.where((row >= 0) & (column >= 0), row * shape[1] + column, -1).astype(np.int32)
    return {"shape": (len(lines[0]), len(lines[1]), channels), "under": shape[0] * shape[1],
            "covers": covers.reshape(len(lines[0]) * len(lines[1]), -1)}


def _convolution(layer, shape):
    _same(layer, "dilation_rate", tuple(layer.dilation_rate), (1, 1))
    _same(layer, "groups", layer.groups, 1)
    kernel = np.asarray(layer.kernel)  # (rows, columns, channels, filters)
    return [Convolution(**_window(layer, kernel.shape[:2], shape, kernel.shape[3]),
                        kernel=rows(kernel.reshape(-1, *kernel.shape[2:])), offset=_bias(layer, kernel.shape[3]))]


def _pooling(layer, shape):
    return [Maximum(**_window(layer, tuple(layer.pool_size), shape, shape[2]))]


def _median(layer, shape):
    """Of maskdet.networks: 3x3, mirrored."""
    row, column = (np.abs(np.arange(side)[:, None] + [-1, 0, 1]) for side in shape[:2])
    row, column = (np.where(line >= side, 2 * side - 2 - line, line) for line, side in zip((row, column), shape[:2]))
    covers = (row[:, None, :, None] * shape[1] + column[None, :, None, :]).reshape(-1, 9).astype(np.int32)
    return [Median(shape=shape, under=len(covers), covers=covers)]


def _dense(layer, shape):
    kernel = np.asarray(layer.kernel)  # (places * channels, units)
    if kernel.shape[0] != np.prod(shape):
        raise ValueError(f"expected {layer.name!r} to read a vector of {np.prod(shape)}, got one of {kernel.shape[0]}"
                         f"{ELSE}")
    return [Dense(shape=(1, 1, kernel.shape[1]), kernel=rows(kernel.reshape(-1, shape[2], kernel.shape[1])),
                  offset=_bias(layer, kernel.shape[1]))]


def _normalisation(layer, shape):
    _same(layer, "channels", layer.moving_mean.shape[0], shape[2])
    variance = np.asarray(layer.moving_variance) + layer.epsilon
    deviation = np.sqrt(np.where(np.abs(variance) < np.finfo(np.float32).tiny, 0, variance))  # as Keras may have it
    factor = (np.asarray(layer.gamma) if layer.scale else 1) / deviation
    parts = [np.asarray(layer.beta) if layer.center else np.float32(0), -np.asarray(layer.moving_mean) * factor]
    return [Scale(factor=rows(factor), offset=rows(sum(parts)), size=rows(sum(map(np.abs, parts))))]


def _rescaling(layer, shape):
    for value in (layer.scale, layer.offset):
        _same(layer, "scales and offsets of shape", np.shape(value) if np.size(value) > 1 else shape[2:], shape[2:])
    factor, offset = (np.broadcast_to(np.ravel(value).astype(np.float32), shape[2:])
                      for value in (layer.scale, layer.offset))
    return [Scale(factor=rows(factor), offset=rows(offset))]


def _relu(layer, shape):
    for setting, expected in (("max_value", None), ("negative_slope", 0), ("threshold", 0)):
        _same(layer, setting, getattr(layer, setting), expected)
    return [Relu()]


def _mean(layer, shape):
    _same(layer, "data_format", layer.data_format, "channels_last")
    return [Mean(shape=(1, 1, shape[2]), window=shape[0] * shape[1])]


def _flatten(layer, shape):
    """No step: Dense reads the places of a tensor (H, W, C) in the same order."""
    _same(layer, "data_format", layer.data_format, "channels_last")
    return []


def _nothing(layer, shape):
    return []


READERS = {"Conv2D": _convolution, "Dense": _dense, "MaxPooling2D": _pooling, "Median": _median,
           "BatchNormalization": _normalisation, "Rescaling": _rescaling, "ReLU": _relu, "Activation": _nothing,
           "Add": lambda layer, shape: [Sum()], "Flatten": _flatten, "GlobalAveragePooling2D": _mean,
           "Dropout": _nothing, "Identity": _nothing, "Softmax": _nothing}
