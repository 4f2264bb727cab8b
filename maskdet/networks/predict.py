"""Networks as `predict(images)`, the form in which all other rooms use them, and as files."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from maskdet import files
from maskdet.networks.backend import build_apart, keras, tf

BATCH = 512  # images in a forward pass; more are no faster on a CPU


def predictor(model: keras.Model) -> Callable[[np.ndarray], np.ndarray]:
    """`predict(images (N, 50, 50, 3) uint8) -> probabilities (N, 2) float32` of a model: column 0 is bare, column 1
    masked. Of a model of other images or classes, with its own numbers of them. An empty array, `np.array([])` too,
    gives none. Raises ValueError for images of another shape or type."""
    shape = tuple(model.input_shape[1:])
    forward = tf.function(lambda images: model(tf.cast(images, tf.float32), training=False),
                          input_signature=[tf.TensorSpec((None, *shape), tf.uint8)])

    def predict(images: np.ndarray) -> np.ndarray:
        images = np.asarray(images)
        if images.shape == (0,):  # np.array([]): the crops of a photograph without a face
            images = np.empty((0, *shape), np.uint8)
        if images.dtype != np.uint8 or images.shape[1:] != shape:
            raise ValueError(f"expected uint8 images (N, {', '.join(map(str, shape))}), 0 to 255, got {images.dtype} "
                             f"{images.shape}" + ": of a single crop, give crop[None]" * (images.shape == shape))
        parts = [forward(images[start:start + BATCH]) for start in range(0, len(images), BATCH)]
        return np.concatenate([np.empty((0, model.output_shape[-1]), np.float32), *parts])

    return predict


def logits(model: keras.Model) -> Callable[[np.ndarray], np.ndarray]:
    """As `predictor`, but logits: the input of the softmax at the end."""
    return predictor(keras.Model(model.inputs, model.get_layer("logits").output))


def save_model(model: keras.Model, path: Path) -> None:
    """Write `model` as a .keras file, whole or not at all."""
    with files.whole(path) as part:
        model.save(part)


def read_model(path: Path) -> keras.Model:
    """Read a model that `save_model` wrote; runs no code from the file. Raises FileNotFoundError, and ValueError naming
    the file where it is not a whole model."""
    if not path.exists():
        raise FileNotFoundError(f"expected a network at {path}, got no such file: run `make notebooks`")
    try:
        return build_apart(lambda: keras.models.load_model(path, safe_mode=True))
    except Exception as error:  # keras raises zipfile, h5py, json and its own errors
        raise ValueError(f"expected a network saved by Keras, got {path}: delete it and run again") from error
