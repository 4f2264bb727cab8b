"""The networks, and the one form in which the rest of the project knows them: `predict(images)`."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from maskdet import files
from maskdet.backend import keras, tf
from maskdet.config import CLASSES, SIZE

layers = keras.layers

BATCH = 512  # images a forward pass; more brings nothing on a CPU
LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601, as Pillow and OpenCV turn RGB into grey


def resnet() -> keras.Model:
    """A residual network (He et al. 2016) for 50x50x3: a stride-2 stem and three residual blocks.

    It halves the image at once, so that a forward pass, of which the attack makes many, costs little.
    """
    inputs = keras.Input((SIZE, SIZE, 3), dtype="float32")
    x = layers.Rescaling(1 / 255, offset=-0.5)(inputs)
    x = _convolution(x, 16, stride=2)
    x = layers.ReLU()(x)
    for filters, stride in ((16, 1), (32, 2), (64, 2)):
        x = _residual(x, filters, stride=stride)
    x = layers.GlobalAveragePooling2D()(x)
    return _classifier(inputs, x, name="resnet")


def _convolution(x, filters: int, *, stride: int = 1, size: int = 3, name: str | None = None):
    x = layers.Conv2D(filters, size, strides=stride, padding="same", use_bias=False,
                      kernel_initializer="he_normal", name=name)(x)
    return layers.BatchNormalization(momentum=0.9)(x)


def _residual(x, filters: int, *, stride: int):
    """Two convolutions added to their input, which a 1x1 convolution brings to their shape."""
    shortcut = x if stride == 1 else _convolution(x, filters, stride=stride, size=1,
                                                      name=f"shortcut{filters}")
    x = layers.ReLU()(_convolution(x, filters, stride=stride))
    return layers.ReLU()(layers.Add()([_convolution(x, filters), shortcut]))


def figure2() -> keras.Model:
    """The network that the preprint's Figure 2 shows: greyscale, two convolutions, no shortcut."""
    inputs = keras.Input((SIZE, SIZE, 3), dtype="float32")
    x = layers.Rescaling(1 / 255)(inputs)
    grey = layers.Conv2D(1, 1, use_bias=False, trainable=False, name="grey")
    x = grey(x)  # 50x50x1
    grey.set_weights([np.reshape(LUMA, (1, 1, 3, 1))])
    x = layers.Conv2D(100, 3, strides=2, activation="relu")(x)  # 24x24x100
    x = layers.MaxPooling2D(2)(x)  # 12x12x100
    x = layers.Conv2D(64, 3, activation="relu")(x)  # 10x10x64
    x = layers.MaxPooling2D(2)(x)  # 5x5x64
    x = layers.Flatten()(x)  # 1600
    x = layers.Dense(50, activation="relu")(x)
    x = layers.Dropout(0.2)(x)
    return _classifier(inputs, x, name="figure2")


def _classifier(inputs, x, *, name: str) -> keras.Model:
    logits = layers.Dense(len(CLASSES), name="logits")(x)
    return keras.Model(inputs, layers.Softmax(name="probabilities")(logits), name=name)


NETWORKS = {"resnet": resnet, "figure2": figure2}


def build(name: str, *, seed: int) -> keras.Model:
    """An untrained network with weights drawn from `seed`. Raises ValueError for a name not known."""
    if name not in NETWORKS:
        raise ValueError(f"expected a network, one of {', '.join(NETWORKS)}, got {name!r}")
    keras.utils.clear_session()  # layers are numbered from 0, whatever was built before
    keras.utils.set_random_seed(seed)
    return NETWORKS[name]()


def predictor(model: keras.Model) -> Callable[[np.ndarray], np.ndarray]:
    """`predict(images (N, 50, 50, 3) uint8) -> probabilities (N, 2) float32` of a model.

    Column 0 is bare, column 1 masked. Raises ValueError for images of another shape or type.
    """
    forward = tf.function(lambda images: model(tf.cast(images, tf.float32), training=False),
                          input_signature=[tf.TensorSpec((None, SIZE, SIZE, 3), tf.uint8)])

    def predict(images: np.ndarray) -> np.ndarray:
        images = np.asarray(images)
        if images.dtype != np.uint8 or images.shape[1:] != (SIZE, SIZE, 3):
            raise ValueError(f"expected uint8 images (N, {SIZE}, {SIZE}, 3), "
                             f"got {images.dtype} {images.shape}")
        parts = [forward(images[start:start + BATCH]) for start in range(0, len(images), BATCH)]
        return np.concatenate([np.empty((0, len(CLASSES)), np.float32), *parts])

    return predict


def logits(model: keras.Model) -> Callable[[np.ndarray], np.ndarray]:
    """`predictor`, of what the softmax at the end of a network is given: logits (N, 2)."""
    return predictor(keras.Model(model.inputs, model.get_layer("logits").output))


def save(model: keras.Model, path: Path) -> None:
    """Write `model` as one .keras file, whole or not at all."""
    with files.whole(path) as part:
        model.save(part)


def load(path: Path) -> keras.Model:
    """Read a model that `save` wrote; runs no code from the file.

    Raises FileNotFoundError, or ValueError naming the file where it is not a whole model.
    """
    if not path.exists():
        raise FileNotFoundError(f"expected a network at {path}, got no such file: run `make notebooks`")
    try:
        return keras.models.load_model(path, safe_mode=True)
    except Exception as error:  # keras raises zipfile, h5py, json and its own errors
        raise ValueError(f"expected a network saved by Keras, got {path}: delete it and run again") from error


def multiplications(model: keras.Model) -> int:
    """Multiplications of one forward pass, in convolutions and dense layers."""
    total = 0
    for layer in model.layers:
        if isinstance(layer, layers.Conv2D):
            total += int(np.prod(layer.output.shape[1:3])) * int(np.prod(layer.kernel.shape))
        elif isinstance(layer, layers.Dense):
            total += int(np.prod(layer.kernel.shape))
    return total


def summary(model: keras.Model) -> list[dict]:
    """Each layer's name, kind, output shape and number of parameters, in order."""
    return [{"layer": layer.name, "kind": type(layer).__name__,
             "output": "×".join(str(side) for side in layer.output.shape[1:]),
             "parameters": layer.count_params()} for layer in model.layers]
