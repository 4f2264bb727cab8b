"""The steps of each kind of Keras layer: of what it does, or an error that names the layer and the setting.

A reader takes a layer and the shape (H, W, C) of the tensor that it reads. A vector may be held as the tensor that it
was flattened from: the order of its values is the same.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from maskdet.incremental import own
from maskdet.incremental.bends import Bend, Maximum, Median, Relu
from maskdet.incremental.layers import Convolution, Dense, Depthwise, Join, Mean, Scale, Step, Sum, rows

Shape = tuple[int, ...]
# A network that cannot be read can still be attacked.
ELSE = ("; any other network is attacked through a predict(images (N, H, W, C) uint8) -> probabilities (N, K), by "
        "search=\"corners\" or \"differential_evolution\"")


def same(layer, setting: str, value, expected) -> None:
    """Raise ValueError, naming the layer, where a setting has another value than the only one that is read."""
    if value != expected:
        raise ValueError(f"expected {setting} {expected} of {layer.name!r}, got {value}{ELSE}")


def activation(layer, shape: Shape, *, final: str) -> list[Step]:
    """The steps of a layer's activation, if any. `final`: the activation that is left out, as the network's last."""
    kind = own.kind(function := getattr(layer, "activation", None))
    if kind in ("ReLU", "LeakyReLU"):  # a layer as an activation
        same(function, "dtypes", own.dtypes(function, layer), ["float32"])
        return RECTIFIERS[kind](function, shape)
    name = own.activation(layer)
    if name not in ACTIVATIONS and name != final:
        raise ValueError(f"expected an activation {', '.join(ACTIVATIONS)}, or softmax (of one output: sigmoid) at the "
                         f"end, of {layer.name!r}, got {name}{ELSE}")
    return [] if name == final else ACTIVATIONS[name](shape)


def _bend(layer, slope, top, shape: Shape) -> list[Step]:
    """A rectifier with a `slope` below 0, which is broadcast to (H, W, C), and a largest value `top`."""
    slope, top = np.asarray(slope, np.float32), np.float32(np.inf if top is None else top)
    if not ((slope >= 0) & (slope <= 1)).all() or not top >= 0:  # nan, too
        raise ValueError(f"expected slopes below 0 from 0 to 1 and a largest value of at least 0 of {layer.name!r}, "
                         f"got {slope.min():g} to {slope.max():g} and {top:g}{ELSE}")
    if not slope.any() and np.isinf(top):
        return [Relu()]
    by_place = slope.ndim > 1 and slope.shape[:-1] != (1,) * (slope.ndim - 1)
    whole = np.broadcast_to(slope, shape if by_place else (1, 1, shape[2]))
    return [Bend(slope=rows(whole.reshape(-1, shape[2])), top=top)]


def _relu(layer, shape):
    same(layer, "threshold", float(layer.threshold or 0), 0.0)
    return _bend(layer, layer.negative_slope or 0, layer.max_value, shape)


def _prelu(layer, shape):
    alpha = np.asarray(layer.alpha)
    if alpha.ndim == 1:  # of a vector
        alpha = alpha.reshape(shape)
    return _bend(layer, alpha, None, shape)


def _bias(layer, columns: int) -> np.ndarray:
    return rows(np.asarray(layer.bias) if layer.use_bias else np.zeros(columns))


def _window(layer, extent, shape, channels: int, *, dilation=(1, 1)) -> dict:
    """The sliding window of a layer over a tensor of `shape`, as `layers.Window` holds it."""
    padding, spans = [], []  # before and after the rows, and the columns; how far the taps reach
    for inside, stride, taps, apart in zip(shape, layer.strides, extent, dilation):
        span = (taps - 1) * apart + 1
        missing = max((-(-inside // stride) - 1) * stride + span - inside, 0) if layer.padding == "same" else 0
        padding.append((missing // 2, missing - missing // 2))
        spans.append(span)
    places = np.pad(np.arange(shape[0] * shape[1], dtype=np.int32).reshape(shape[:2]), padding, constant_values=-1)
    covers = sliding_window_view(places, spans)[::layer.strides[0], ::layer.strides[1], ::dilation[0], ::dilation[1]]
    return {"shape": (*covers.shape[:2], channels), "under": shape[0] * shape[1],
            "covers": np.ascontiguousarray(covers.reshape(-1, extent[0] * extent[1]))}


def _convolution(layer, shape, *, groups: int = 1, kernel=None, offset=None):
    kernel = np.asarray(layer.kernel if kernel is None else kernel)  # (rows, columns, channels / groups, filters)
    taps, filters = kernel.shape[:2], kernel.shape[3]
    groups = getattr(layer, "groups", groups)
    whole = np.zeros((*taps, shape[2], filters), np.float32)
    for group in range(groups):  # each reads its channels alone
        read, made = (slice(group * n // groups, (group + 1) * n // groups) for n in (shape[2], filters))
        whole[:, :, read, made] = kernel[..., made]
    return [Convolution(**_window(layer, taps, shape, filters, dilation=layer.dilation_rate),
                        kernel=rows(whole.reshape(-1, shape[2], filters)),
                        offset=_bias(layer, filters) if offset is None else offset)]


def _depthwise(layer, shape, *, kernel=None, offset=None):
    kernel = np.asarray(layer.kernel if kernel is None else kernel)  # (rows, columns, channels, multiplier)
    channels, several = kernel.shape[2:]
    offset = _bias(layer, channels * several) if offset is None else offset
    if several > 1:
        flat = kernel.reshape(*kernel.shape[:2], 1, channels * several)
        return _convolution(layer, shape, groups=channels, kernel=flat, offset=offset)
    return [Depthwise(**_window(layer, kernel.shape[:2], shape, channels, dilation=layer.dilation_rate),
                      kernel=rows(kernel.reshape(-1, channels)), offset=offset)]


def _separable(layer, shape):
    kernel = np.asarray(layer.depthwise_kernel)
    [first] = _depthwise(layer, shape, kernel=kernel, offset=rows(np.zeros(kernel.shape[2] * kernel.shape[3])))
    point = np.asarray(layer.pointwise_kernel)[0, 0]
    places = np.arange(first.places, dtype=np.int32)[:, None]
    return [first, Convolution(shape=(*first.shape[:2], point.shape[1]), under=len(places), covers=places,
                               kernel=rows(point[None]), offset=_bias(layer, point.shape[1]))]


def _maximum(layer, shape):
    return [Maximum(**_window(layer, layer.pool_size, shape, shape[2]))]


def _average(layer, shape):
    window = _window(layer, layer.pool_size, shape, shape[2])
    inside, taps = (window["covers"] >= 0).sum(axis=1), window["covers"].shape[1]
    none = rows(np.zeros(shape[2]))
    if (inside == taps).all():
        return [Depthwise(**window, kernel=rows(np.full((taps, shape[2]), 1 / taps)), offset=none)]
    share = np.repeat(1 / inside[:, None], shape[2], axis=1)  # of the taps within the border
    return [Depthwise(**window, kernel=rows(np.ones((taps, shape[2]))), offset=none),
            Scale(factor=rows(share), offset=none)]


def _border(layer, shape):
    (above, below), (left, right) = layer.padding
    if min(above, below, left, right) < 0:
        raise ValueError(f"expected a border of at least 0 of {layer.name!r}, got {layer.padding}{ELSE}")
    places = np.pad(np.arange(shape[0] * shape[1], dtype=np.int32).reshape(shape[:2]), ((above, below), (left, right)),
                    constant_values=-1)
    return [_moved(places, shape)]


def _cropping(layer, shape):
    (above, below), (left, right) = layer.cropping
    places = np.arange(shape[0] * shape[1], dtype=np.int32).reshape(shape[:2])
    return [_moved(places[above:shape[0] - below, left:shape[1] - right], shape)]


def _moved(places: np.ndarray, shape: Shape) -> Step:
    """Each of `places` (H, W) of a tensor of `shape`, with 0 where it is -1."""
    return Depthwise(shape=(*places.shape, shape[2]), under=shape[0] * shape[1], covers=places.reshape(-1, 1),
                     kernel=rows(np.ones((1, shape[2]))), offset=rows(np.zeros(shape[2])))


def _mean(layer, shape):
    return [Mean(shape=(1, 1, shape[2]), window=shape[0] * shape[1])]


def _largest(layer, shape):
    places = np.arange(shape[0] * shape[1], dtype=np.int32)
    return [Maximum(shape=(1, 1, shape[2]), under=len(places), covers=places[None])]


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


def _scale(layer, shape, factor, *parts) -> list[Step]:
    """x * factor + the sum of `parts`, each a number, of each channel, or of each value of a vector."""
    whole = (shape[0] * shape[1], shape[2]) if np.size(factor) > shape[2] else shape[2:]
    values = []
    for value in map(np.asarray, (factor, *parts)):
        flat = value.reshape(value.shape[-1:]) if value.size == np.prod(value.shape[-1:]) else value
        if flat.size != 1 and (flat.ndim != 1 or flat.size != np.prod(whole)):
            same(layer, "scales and offsets of shape", value.shape, shape[2:])
        values.append(np.broadcast_to(flat.astype(np.float32).reshape(whole if flat.size > 1 else ()), whole))
    factor, offset, folded = values[0], np.sum(values[1:], axis=0), np.abs(values[1:]).sum(axis=0)
    return [Scale(factor=rows(factor), offset=rows(offset), folded=rows(folded))]


def _batch(layer, shape):
    variance = np.asarray(layer.moving_variance) + layer.epsilon
    deviation = np.sqrt(np.where(np.abs(variance) < np.finfo(np.float32).tiny, 0, variance))  # as Keras may have it
    factor = (np.asarray(layer.gamma) if layer.scale else 1) / deviation
    return _scale(layer, shape, factor, np.asarray(layer.beta) if layer.center else 0,
                  -np.asarray(layer.moving_mean) * factor)


def _normalisation(layer, shape):
    same(layer, "invert", layer.invert, False)
    factor = 1 / np.maximum(np.sqrt(np.asarray(layer.variance)), 1e-7)  # Keras' epsilon
    return _scale(layer, shape, factor, -np.asarray(layer.mean) * factor)


def _reshape(layer, shape):
    """A vector may be held as it is; a tensor keeps its channels."""
    known = math.prod(size for size in layer.target_shape if size != -1)
    target = tuple(math.prod(shape) // known if size == -1 else size for size in layer.target_shape)
    if len(target) == 1:
        return []
    if len(target) != 3 or target[2] != shape[2]:
        raise ValueError(f"expected {layer.name!r} to make a vector, or a tensor of as many channels, {shape[2]}, got "
                         f"{target}{ELSE}")
    return [_moved(np.arange(shape[0] * shape[1], dtype=np.int32).reshape(target[:2]), shape)]


def _nothing(layer, shape):
    """Also of Flatten: Dense reads the places of a tensor (H, W, C) in the same order."""
    return []


Activation = Callable[[Shape], list[Step]]
Reader = Callable[[Any, Shape], list[Step]]
# The activations that are read, by Keras' names.
ACTIVATIONS: dict[str, Activation] = {"linear": lambda shape: [], "relu": lambda shape: [Relu()],
               "relu6": lambda shape: [Bend(slope=rows(np.zeros((1, shape[2]))), top=np.float32(6))],
               "leaky_relu": lambda shape: [Bend(slope=rows(np.full((1, shape[2]), 0.2)), top=np.float32(np.inf))]}
RECTIFIERS: dict[str, Reader] = {"ReLU": _relu, "PReLU": _prelu,
                                 "LeakyReLU": lambda layer, shape: _bend(layer, layer.negative_slope, None, shape)}
INERT = ("ActivityRegularization", "AlphaDropout", "Dropout", "Flatten", "GaussianDropout", "GaussianNoise", "Identity",
         "RandomBrightness", "RandomContrast", "RandomFlip", "RandomRotation", "RandomTranslation", "RandomZoom",
         "SpatialDropout2D", "Activation", "Softmax")  # of the last two, what `activation` reads
# The steps of a layer that reads a tensor of `shape`, but for its activation.
READERS: dict[str, Reader] = {
    "Conv2D": _convolution, "DepthwiseConv2D": _depthwise, "SeparableConv2D": _separable, "Dense": _dense,
    "BatchNormalization": _batch, "Normalization": _normalisation,
    "Rescaling": lambda layer, shape: _scale(layer, shape, layer.scale, layer.offset),
    "MaxPooling2D": _maximum, "AveragePooling2D": _average, "GlobalAveragePooling2D": _mean,
    "GlobalMaxPooling2D": _largest, "ZeroPadding2D": _border, "Cropping2D": _cropping, "Reshape": _reshape,
    "Median": _median, **RECTIFIERS, **dict.fromkeys(INERT, _nothing)}
# The step of a layer that reads two tensors of these shapes; of more, one after the other.
MERGES = {"Add": lambda a, b: Sum(shape=a), "Concatenate": lambda a, b: Join(shape=(*a[:2], a[2] + b[2]), first=a[2])}
LAYERS = tuple(sorted({**READERS, **MERGES}))  # the kinds that are read, by Keras' names; `Median` is ours
