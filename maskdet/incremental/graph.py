"""A Keras model read as the steps of `layers`, or an error that names the layer that cannot be read.

A new kind of layer needs a class in `layers` and a reader here.
"""

from collections import Counter
from dataclasses import replace

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from maskdet.incremental import own
from maskdet.incremental.layers import Convolution, Dense, Maximum, Mean, Median, Relu, Scale, Step, Sum, rows

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


def _follow(model, read: Tensor, steps: list[Step], *, final: bool) -> Tensor:
    """Append the steps of a model that reads one tensor; returns its output. `final`: nothing comes after it."""
    tensors = {id(model.inputs[0]): read}
    # Each call of a layer, in an order in which they can be made: not `model.layers` and their inputs, since a layer
    # may be called again, here or in another model. A Sequential contains a functional model.
    depths = (getattr(model, "_functional", None) or model)._nodes_by_depth
    for node in (node for depth in sorted(depths, reverse=True) for node in depths[depth] if not node.is_input):
        layer, [out, *_] = node.operation, node.output_tensors
        inputs, last = [tensors[id(tensor)] for tensor in node.input_tensors], final and out is model.outputs[0]
        _same(layer, "calls with training", node.arguments.kwargs.get("training") or None, None)
        if own.is_model(layer):
            _same(layer, "inputs, outputs", (len(layer.inputs), len(layer.outputs)), (1, 1))
            tensors[id(out)] = _follow(layer, inputs[0], steps, final=last)
        else:
            tensors[id(out)] = _append(node, inputs, steps, final=last)
    return tensors[id(model.outputs[0])]


def _append(node, tensors: list[Tensor], steps: list[Step], *, final: bool) -> Tensor:
    """Append the steps of a call of a layer that reads `tensors`; returns its output."""
    layer, kind, out = node.operation, own.kind(node.operation), node.output_tensors[0]
    if kind not in READERS:
        raise ValueError(f"expected layers of the kinds {', '.join(READERS)}, got {layer.name!r}, a {kind}{ELSE}")
    _same(layer, "dtypes", own.dtypes(layer, out), ["float32"])
    axis = getattr(layer, "axis", -1)
    _same(layer, "axis", -1 if axis == len(out.shape) - 1 else axis, -1)
    _same(layer, "data_format", getattr(layer, "data_format", "channels_last"), "channels_last")
    inputs, (shape, *_) = (tuple(values) for values in zip(*tensors))
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
    total = weights.sum(axis=tuple(range(weights.ndim - 1)), dtype=float) + step.size
    single = [np.abs(weight).max(initial=0) for weight in map(np.asarray, getattr(layer, "weights", ()))]
    if not ((total <= WEIGHTS).all() and (np.array(single) <= WEIGHTS**2).all()):  # nan, too
        raise ValueError(f"expected absolute weights of {layer.name!r} that add up, with the offset, to at most "
                         f"{WEIGHTS:.0f} in each channel, and none above {WEIGHTS**2:g}, got {total.max():g} and "
                         f"{max(single, default=0):g}: scale them{ELSE}")


def _folded(steps: list[Step]) -> tuple[Step, ...]:
    """The steps with each scale that is the only reader of a convolution made part of its kernel and bias."""
    readers = Counter(number for step in steps for number in step.inputs)
    kept: list[Step] = []
    numbers = [0]  # the new number of each tensor
    for step in steps:
        before = steps[step.inputs[0] - 1] if step.inputs[0] else None
        if isinstance(step, Scale) and isinstance(before, Convolution) and readers[step.inputs[0]] == 1:
            numbers.append(numbers[step.inputs[0]])
            kept[numbers[-1] - 1] = replace(before, inputs=kept[numbers[-1] - 1].inputs,
                                            kernel=before.kernel * step.factor,
                                            offset=before.offset * step.factor + step.offset,
                                            folded=before.size * np.abs(step.factor) + step.size)
        else:
            kept.append(replace(step, inputs=tuple(numbers[number] for number in step.inputs)))
            numbers.append(len(kept))
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
    padding = []  # before and after the rows, and the columns
    for inside, stride, taps in zip(shape, layer.strides, extent):
        missing = max((-(-inside // stride) - 1) * stride + taps - inside, 0) if layer.padding == "same" else 0
        padding.append((missing // 2, missing - missing // 2))
    places = np.pad(np.arange(shape[0] * shape[1], dtype=np.int32).reshape(shape[:2]), padding, constant_values=-1)
    covers = sliding_window_view(places, extent)[::layer.strides[0], ::layer.strides[1]]
    return {"shape": (*covers.shape[:2], channels), "under": shape[0] * shape[1],
            "covers": covers.reshape(-1, extent[0] * extent[1])}


def _convolution(layer, shape):
    _same(layer, "dilation_rate", tuple(layer.dilation_rate), (1, 1))
    _same(layer, "groups", layer.groups, 1)
    kernel = np.asarray(layer.kernel)  # (rows, columns, channels, filters)
    return [Convolution(**_window(layer, kernel.shape[:2], shape, kernel.shape[3]),
                        kernel=rows(kernel.reshape(-1, *kernel.shape[2:])), offset=_bias(layer, kernel.shape[3]))]


def _median(layer, shape):
    """Of maskdet.networks: 3x3, mirrored."""
    places = np.pad(np.arange(shape[0] * shape[1], dtype=np.int32).reshape(shape[:2]), 1, mode="reflect")
    covers = sliding_window_view(places, (3, 3)).reshape(-1, 9)
    return [Median(shape=shape, under=len(covers), covers=covers)]


def _dense(layer, shape):
    kernel = np.asarray(layer.kernel)  # (places * channels, units)
    if kernel.shape[0] != np.prod(shape):
        raise ValueError(f"expected {layer.name!r} to read {np.prod(shape)} values, got {kernel.shape[0]}{ELSE}")
    return [Dense(shape=(1, 1, kernel.shape[1]), kernel=rows(kernel.reshape(-1, shape[2], kernel.shape[1])),
                  offset=_bias(layer, kernel.shape[1]))]


def _normalisation(layer, shape):
    _same(layer, "channels", layer.moving_mean.shape[0], shape[2])
    variance = np.asarray(layer.moving_variance) + layer.epsilon
    deviation = np.sqrt(np.where(np.abs(variance) < np.finfo(np.float32).tiny, 0, variance))  # as Keras may have it
    factor = (np.asarray(layer.gamma) if layer.scale else 1) / deviation
    parts = [np.asarray(layer.beta) if layer.center else np.float32(0), -np.asarray(layer.moving_mean) * factor]
    return [Scale(factor=rows(factor), offset=rows(sum(parts)), folded=rows(sum(map(np.abs, parts))))]


def _rescaling(layer, shape):
    for value in (layer.scale, layer.offset):
        _same(layer, "scales and offsets of shape", np.shape(value) if np.size(value) > 1 else shape[2:], shape[2:])
    factor, offset = (rows(np.broadcast_to(np.ravel(value).astype(np.float32), shape[2:]))
                      for value in (layer.scale, layer.offset))
    return [Scale(factor=factor, offset=offset)]


def _relu(layer, shape):
    for setting, expected in (("max_value", None), ("negative_slope", 0), ("threshold", 0)):
        _same(layer, setting, getattr(layer, setting), expected)
    return [Relu()]


def _nothing(layer, shape):
    """Also of Flatten: Dense reads the places of a tensor (H, W, C) in the same order."""
    return []


# The steps of a layer that reads a tensor of `shape`, but for its activation.
READERS = {"Conv2D": _convolution, "Dense": _dense, "Median": _median, "BatchNormalization": _normalisation,
           "MaxPooling2D": lambda layer, shape: [Maximum(**_window(layer, layer.pool_size, shape, shape[2]))],
           "GlobalAveragePooling2D": lambda layer, shape: [Mean(shape=(1, 1, shape[2]), window=shape[0] * shape[1])],
           "Rescaling": _rescaling, "ReLU": _relu, "Add": lambda layer, shape: [Sum()], "Activation": _nothing,
           "Flatten": _nothing, "Dropout": _nothing, "Identity": _nothing, "Softmax": _nothing}
