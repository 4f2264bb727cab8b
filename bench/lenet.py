"""The benchmark's network of ten classes: LeNet on CIFAR-10 as it was published (`maskdet.origin`), with a softmax of
its own at the end, as the peers' copies need it."""

import numpy as np

from maskdet.networks.backend import keras
from maskdet.origin import published

NAME = "lenet"


def model() -> keras.Model:
    """The published network: images (N, 32, 32, 3) of 0 to 255 -> probabilities (N, 10)."""
    layers = keras.layers
    inputs = x = keras.Input((32, 32, 3))
    for layer in (
            published.scaling(),
            layers.Conv2D(6, 5, activation="relu", name="conv2d_1"), layers.MaxPooling2D(),
            layers.Conv2D(16, 5, activation="relu", name="conv2d_2"), layers.MaxPooling2D(), layers.Flatten(),
            layers.Dense(120, activation="relu", name="dense_1"), layers.Dense(84, activation="relu", name="dense_2"),
            layers.Dense(published.CLASSES, name="dense_3"), layers.Softmax()):
        x = layer(x)
    network = keras.Model(inputs, x, name=NAME)
    with np.load(published.file("lenet.npz")) as stored:
        for layer in network.layers:
            if layer.weights:
                layer.set_weights([stored[f"{layer.name}.kernel"], stored[f"{layer.name}.bias"]])
    return network
