"""The benchmark's network of ten classes: LeNet on CIFAR-10, as github.com/Hyperparticle/one-pixel-attack-keras (MIT)
publishes it, and test images of that set."""

import os
from pathlib import Path

import numpy as np

from maskdet import config
from maskdet.networks.backend import keras

NAME, SIDE, CLASSES = "lenet", 32, 10
MEAN, DEVIATION = np.array([[125.307, 122.95, 113.865], [62.9932, 62.0887, 66.7048]])  # of red, green, blue


def folder() -> Path:
    """The folder with lenet.npz and first100.npz. Raises ValueError, with the remedy, where it is not."""
    found = Path(os.environ.get("MASKDET_DATA") or config.ROOT / "data") / "cifar10"
    missing = [name for name in ("lenet.npz", "first100.npz") if not (found / name).is_file()]
    if missing:
        raise ValueError(f"expected lenet.npz and first100.npz in {found}, got no {' and no '.join(missing)}: set "
                         "MASKDET_DATA to the folder that holds cifar10/")
    return found


def model() -> keras.Model:
    """The published network: images (N, 32, 32, 3) of 0 to 255 -> probabilities (N, 10)."""
    layers = keras.layers
    inputs = x = keras.Input((SIDE, SIDE, 3))
    for layer in (
            layers.Rescaling((1 / DEVIATION).tolist(), (-MEAN / DEVIATION).tolist()),
            layers.Conv2D(6, 5, activation="relu", name="conv2d_1"), layers.MaxPooling2D(),
            layers.Conv2D(16, 5, activation="relu", name="conv2d_2"), layers.MaxPooling2D(), layers.Flatten(),
            layers.Dense(120, activation="relu", name="dense_1"), layers.Dense(84, activation="relu", name="dense_2"),
            layers.Dense(CLASSES, name="dense_3"), layers.Softmax()):
        x = layer(x)
    network = keras.Model(inputs, x, name=NAME)
    with np.load(folder() / "lenet.npz") as stored:
        for layer in network.layers:
            if layer.weights:
                layer.set_weights([stored[f"{layer.name}.kernel"], stored[f"{layer.name}.bias"]])
    return network


def images() -> tuple[np.ndarray, np.ndarray]:
    """The first test images (100, 32, 32, 3) uint8, and their classes (100,)."""
    with np.load(folder() / "first100.npz") as stored:
        return stored["images"], stored["labels"]
