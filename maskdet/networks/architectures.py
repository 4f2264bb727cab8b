"""The networks, untrained or with given weights."""

import functools
from collections.abc import Callable, Mapping

import numpy as np

from maskdet.config import CLASSES, SIZE
from maskdet.networks.augmentation import LUMA
from maskdet.networks.backend import build_apart, keras, tf

layers = keras.layers

# A network divides colours by 255; or is trained on `training.normalised` images; or divides their `Median` by 255.
SCALINGS = ("unit", "l2", "median")


@keras.saving.register_keras_serializable(package="maskdet")
class Median(keras.layers.Layer):
    """The median of the 3x3 pixels around each, for each colour; beyond the border the image is mirrored."""

    def call(self, images):
        height, width = images.shape[1:3]
        wider = tf.pad(images, ((0, 0), (1, 1), (1, 1), (0, 0)), "REFLECT")
        # With each column sorted: the median of the largest minimum, the median of the medians and the least maximum.
        ranks = _sorted([wider[:, row:row + height] for row in range(3)])
        beside = [[rank[:, :, column:column + width] for column in range(3)] for rank in ranks]
        return _sorted([_sorted(three)[which] for three, which in zip(beside, (2, 1, 0))])[1]


def _sorted(three: list) -> tuple:
    """Three tensors sorted element by element: minimum, median, maximum."""
    a, b, c = three
    low, high = tf.minimum(a, b), tf.maximum(a, b)
    return tf.minimum(low, c), tf.maximum(low, tf.minimum(high, c)), tf.maximum(high, c)


def entrance(scaling: str, *, offset: float = 0.0):
    """An image, and what the first layer with weights reads: the image divided by 255, or as it is."""
    inputs = keras.Input((SIZE, SIZE, 3), dtype="float32")
    scale, offset = (1.0, 0.0) if scaling == "l2" else (1 / 255, offset)
    return inputs, layers.Rescaling(scale, offset=offset)(Median()(inputs) if scaling == "median" else inputs)


def resnet(scaling: str) -> keras.Model:
    """A residual network (He et al. 2016) for 50x50x3: a stem of patches of 5x5 pixels (as of Liu et al. 2022) and one
    residual block. A changed pixel lies in one patch alone, so that it reaches little, and queries and proofs cost
    little."""
    inputs, x = entrance(scaling, offset=-0.5)
    x = layers.ReLU()(convolution(x, 48, stride=5, size=5))  # 10x10x48
    x = residual(x, 96)  # 5x5x96
    x = layers.GlobalAveragePooling2D()(x)
    return classifier(inputs, x, name="resnet")


def convolution(x, filters: int, *, stride: int = 1, size: int = 3, name: str | None = None):
    """A convolution without bias, and batch normalisation."""
    x = layers.Conv2D(filters, size, strides=stride, padding="same", use_bias=False,
                      kernel_initializer="he_normal", name=name)(x)
    return layers.BatchNormalization(momentum=0.9)(x)


def residual(x, filters: int):
    """Two convolutions, the first of stride 2, added to their input, which a 1x1 convolution brings to their shape."""
    shortcut = convolution(x, filters, stride=2, size=1, name=f"shortcut{filters}")
    x = layers.ReLU()(convolution(x, filters, stride=2))
    return layers.ReLU()(layers.Add()([convolution(x, filters), shortcut]))


def figure2(scaling: str, *, batch_normalised: bool = False) -> keras.Model:
    """The network that the preprint's Figure 2 shows: greyscale, two convolutions, no shortcut.

    With `batch_normalised`, for training, a batch normalisation (Ioffe & Szegedy 2015) follows both convolutions and
    the hidden dense layer; `merge_batch_normalisation` makes it part of them.
    """
    def activated(x, layer, *given, **options):
        if not batch_normalised:
            return layer(*given, activation="relu", **options)(x)
        return layers.ReLU()(layers.BatchNormalization(momentum=0.9)(layer(*given, use_bias=False, **options)(x)))

    inputs, x = entrance(scaling)
    grey = layers.Conv2D(1, 1, use_bias=False, trainable=False, name="grey")
    x = grey(x)  # 50x50x1
    grey.set_weights([LUMA.reshape(1, 1, 3, 1)])
    x = activated(x, layers.Conv2D, 100, 3, strides=2)  # 24x24x100
    x = layers.MaxPooling2D(2)(x)  # 12x12x100
    x = activated(x, layers.Conv2D, 64, 3)  # 10x10x64
    x = layers.MaxPooling2D(2)(x)  # 5x5x64
    x = layers.Flatten()(x)  # 1600
    x = activated(x, layers.Dense, 50)
    x = layers.Dropout(0.2)(x)
    return classifier(inputs, x, name="figure2")


def scale_and_offset(layer) -> tuple[np.ndarray, np.ndarray]:
    """The factor and the offset of a trained batch normalisation, for each channel."""
    factor = np.asarray(layer.gamma) / np.sqrt(np.asarray(layer.moving_variance) + layer.epsilon)
    return factor, np.asarray(layer.beta) - np.asarray(layer.moving_mean) * factor


def merge_batch_normalisation(model: keras.Model) -> list[np.ndarray]:
    """The weights of `model`, which was built `batch_normalised`, for the same network built without."""
    weights: list[np.ndarray] = []
    for layer in model.layers:
        if isinstance(layer, layers.BatchNormalization):
            factor, offset = scale_and_offset(layer)
            weights[-1:] = [weights[-1] * factor, offset]
        else:
            weights += layer.get_weights()
    return weights


def classifier(inputs, x, *, name: str, classes: int = len(CLASSES)) -> keras.Model:
    """The network from `inputs` to `x`, with a logit for each class and their softmax."""
    logits = layers.Dense(classes, name="logits")(x)
    return keras.Model(inputs, layers.Softmax(name="probabilities")(logits), name=name)


def mobilenet(scaling: str) -> keras.Model:
    """MobileNetV2 (Sandler et al. 2018) under the head of SSDMNV2 (Nagrath et al. 2021), without pretraining."""
    inputs, x = entrance(scaling, offset=-0.5)
    x = keras.applications.MobileNetV2(input_tensor=x, include_top=False, weights=None).output
    x = layers.Flatten()(layers.GlobalAveragePooling2D()(x))
    x = layers.Dropout(0.5)(layers.Dense(128, activation="relu")(x))
    return _quick(classifier(inputs, x, name="mobilenet"))


def resnet50(scaling: str) -> keras.Model:
    """ResNet-50 (He et al. 2016), the backbone of Loey et al. (2021), without pretraining."""
    inputs, x = entrance(scaling, offset=-0.5)
    x = keras.applications.ResNet50(input_tensor=x, include_top=False, weights=None).output
    return _quick(classifier(inputs, layers.GlobalAveragePooling2D()(x), name="resnet50"))


def _quick(model: keras.Model) -> keras.Model:
    """Let running statistics follow within tens of steps; the library's setting needs thousands."""
    for layer in model.layers:
        if isinstance(layer, layers.BatchNormalization):
            layer.momentum = 0.9
    return model


NETWORKS = {"resnet": resnet, "figure2": figure2}  # of the preprint's text and of its code
COMPARED = {"mobilenet": mobilenet, "resnet50": resnet50}  # backbones of detectors that the preprint cites
GREY = ("figure2",)  # networks that turn colours into grey
BATCH_NORMALISED = {"figure2": functools.partial(figure2, batch_normalised=True)}  # for training


Maker = Callable[[str], keras.Model]  # of a scaling


def build(name: str, *, seed: int, scaling: str = "unit", batch_normalised: bool = False,
          make: Maker | None = None) -> keras.Model:
    """An untrained network with weights drawn from `seed`; `make`, where given, builds it instead of the one that
    `name` stands for here. Raises ValueError for an unknown name or scaling, and for a network that has no
    `batch_normalised` form."""
    makers: Mapping[str, Maker] = BATCH_NORMALISED if batch_normalised else NETWORKS | COMPARED
    makers = {name: make} if make else makers
    if name not in makers:
        kind = "a network that can be batch_normalised" if batch_normalised else "a network"
        raise ValueError(f"expected {kind}, one of {', '.join(makers)}, got {name!r}")
    if scaling not in SCALINGS:
        raise ValueError(f"expected a scaling, one of {', '.join(SCALINGS)}, got {scaling!r}")
    return build_apart(functools.partial(makers[name], scaling), seed=seed)


def restore(name: str, weights: list[np.ndarray], *, scaling: str = "unit", make: Maker | None = None) -> keras.Model:
    """The network `name`, or the one that `make` builds, with these weights."""
    model = build(name, seed=0, scaling=scaling, make=make)
    model.set_weights(weights)
    return model


def multiplications(model: keras.Model) -> int:
    """Multiplications of a forward pass, in convolutions and dense layers."""
    total = 0
    for layer in model.layers:
        if isinstance(layer, (layers.Conv2D, layers.DepthwiseConv2D)):
            total += int(np.prod(layer.output.shape[1:3])) * int(np.prod(layer.kernel.shape))
        elif isinstance(layer, layers.Dense):
            total += int(np.prod(layer.kernel.shape))
    return total


def summary(model: keras.Model) -> list[dict]:
    """The name, kind, output shape and number of parameters of each layer, in order."""
    return [{"layer": layer.name, "kind": type(layer).__name__,
             "output": "×".join(str(side) for side in layer.output.shape[1:]),
             "parameters": layer.count_params()} for layer in model.layers]
