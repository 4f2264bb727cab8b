"""A Keras network as a PyTorch module with the same weights, for the peers that need PyTorch."""

import math

import numpy as np
import torch
from torch import nn

from maskdet.networks.backend import keras

layers = keras.layers


class Ported(nn.Module):
    """The logits (N, classes) of a Keras functional model that ends in Softmax.

    Takes images (N, C, H, W) with the values that the model takes as (N, H, W, C). `PARTS` converts each layer.
    Raises ValueError naming a layer that it cannot convert.
    """

    def __init__(self, model: keras.Model):
        super().__init__()
        first, *inner, last = model.layers  # in an order in which each comes after its inputs
        if not isinstance(first, layers.InputLayer) or not isinstance(last, layers.Softmax):
            raise ValueError("expected a model from one InputLayer to a Softmax, "
                             f"got {type(first).__name__} and {type(last).__name__}")
        self.parts = nn.ModuleList(_part(layer) for layer in inner)
        # The graph's tensors, numbered in the order of their computation.
        number = {id(layer.output): index for index, layer in enumerate([first, *inner])}
        self.inputs = [[number[id(tensor)] for tensor in keras.tree.flatten(layer.input)] for layer in inner]
        self.result = number[id(last.input)]
        self.eval()

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        tensors = [images]
        for part, inputs in zip(self.parts, self.inputs):
            tensors.append(part(*(tensors[number] for number in inputs)))
        return tensors[self.result]


def difference(model: keras.Model, ported: Ported, images: np.ndarray) -> float:
    """The largest difference of a logit between a model and its port, for images (N, H, W, C) uint8."""
    logits = keras.Model(model.input, model.layers[-1].input)
    with torch.no_grad():
        got = ported(torch.from_numpy(images).permute(0, 3, 1, 2).float())
    return float(np.abs(logits(images.astype(np.float32), training=False) - got.numpy()).max())


def _part(layer: keras.Layer) -> nn.Module:
    if type(layer) not in PARTS:
        supported = ", ".join(kind.__name__ for kind in PARTS)
        raise ValueError(f"expected layers among {supported}, got {type(layer).__name__} ({layer.name})")
    return PARTS[type(layer)](layer)


def _require(layer: keras.Layer, **settings) -> None:
    """Raise ValueError if the layer has other settings than these, which alone are ported."""
    for name, value in settings.items():
        if getattr(layer, name) != value:
            raise ValueError(f"expected {name}={value} of layer {layer.name}, got {getattr(layer, name)}")


def _parameter(values: np.ndarray) -> nn.Parameter:
    return nn.Parameter(torch.from_numpy(np.array(values, order="C")), requires_grad=False)


def _activation(layer: keras.Layer) -> nn.Module:
    name = layer.activation.__name__
    if name not in ("linear", "relu"):
        raise ValueError(f"expected activation linear or relu of layer {layer.name}, got {name}")
    return nn.ReLU() if name == "relu" else nn.Identity()


def _padding(layer: keras.Layer, size: tuple[int, int], *, value: float) -> nn.Module:
    """TensorFlow's padding: "same" puts an odd row below and an odd column to the right; PyTorch's is symmetric.

    https://www.tensorflow.org/api_docs/python/tf/nn#notes_on_padding_2
    """
    _require(layer, data_format="channels_last")
    if layer.padding == "valid":
        return nn.Identity()
    _require(layer, padding="same")
    margins = []
    for side, width, stride in zip(layer.input.shape[1:3], size, layer.strides):
        missing = max((math.ceil(side / stride) - 1) * stride + width - side, 0)
        margins.append((missing // 2, missing - missing // 2))
    (top, bottom), (left, right) = margins
    return nn.ConstantPad2d((left, right, top, bottom), value)


def _convolution(layer: layers.Conv2D) -> nn.Module:
    _require(layer, dilation_rate=(1, 1), groups=1)
    kernel, *bias = layer.get_weights()  # (height, width, in, out)
    part = nn.Conv2d(*kernel.shape[2:], layer.kernel_size, layer.strides, bias=layer.use_bias)
    part.weight = _parameter(kernel.transpose(3, 2, 0, 1))
    if bias:
        part.bias = _parameter(bias[0])
    return nn.Sequential(_padding(layer, layer.kernel_size, value=0.0), part, _activation(layer))


def _dense(layer: layers.Dense) -> nn.Module:
    kernel, *bias = layer.get_weights()
    part = nn.Linear(*kernel.shape, bias=layer.use_bias)
    part.weight = _parameter(kernel.T)
    if bias:
        part.bias = _parameter(bias[0])
    return nn.Sequential(part, _activation(layer))


def _normalization(layer: layers.BatchNormalization) -> nn.Module:
    _require(layer, center=True, scale=True)
    if len(layer.input.shape) != 4 or layer.axis not in (-1, 3):
        raise ValueError(f"expected layer {layer.name} over the last axis of 4, "
                         f"got axis {layer.axis} of {len(layer.input.shape)}")
    gamma, beta, mean, variance = layer.get_weights()
    part = nn.BatchNorm2d(len(gamma), eps=layer.epsilon)
    part.weight, part.bias = _parameter(gamma), _parameter(beta)
    part.running_mean, part.running_var = torch.from_numpy(mean), torch.from_numpy(variance)
    return part


def _relu(layer: layers.ReLU) -> nn.Module:
    _require(layer, max_value=None, negative_slope=0.0, threshold=0.0)
    return nn.ReLU()


def _pooling(layer: layers.MaxPooling2D) -> nn.Module:
    padding = _padding(layer, layer.pool_size, value=-math.inf)
    return nn.Sequential(padding, nn.MaxPool2d(layer.pool_size, layer.strides))


def _average(layer: layers.GlobalAveragePooling2D) -> nn.Module:
    _require(layer, data_format="channels_last", keepdims=False)
    return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())


class _Rescaling(nn.Module):
    def __init__(self, layer: layers.Rescaling):
        super().__init__()
        # Numbers, or one for each channel: (C, 1, 1).
        self.scale, self.offset = (torch.from_numpy(np.asarray(values, np.float32).reshape(-1, 1, 1))
                                   for values in (layer.scale, layer.offset))

    def forward(self, x):
        return x * self.scale + self.offset


class _Flatten(nn.Module):
    """In Keras's order, channels last, which the next layer's weights expect."""

    def forward(self, x):
        return x.movedim(1, -1).flatten(1)


class _Sum(nn.Module):
    def forward(self, *x):
        return sum(x)


PARTS = {
    layers.Rescaling: _Rescaling,
    layers.Conv2D: _convolution,
    layers.BatchNormalization: _normalization,
    layers.ReLU: _relu,
    layers.MaxPooling2D: _pooling,
    layers.Add: lambda layer: _Sum(),
    layers.GlobalAveragePooling2D: _average,
    layers.Flatten: lambda layer: _Flatten(),
    layers.Dense: _dense,
    layers.Dropout: lambda layer: nn.Identity(),  # only for training
}
