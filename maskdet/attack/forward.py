"""Any Keras model as a network to attack: every query a whole pass, its gradient by TensorFlow.

Slower than `maskdet.incremental` by far; for layers that `maskdet.incremental` does not know.
"""

import functools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from maskdet import networks
from maskdet.attack.oracle import PredictedFace
from maskdet.networks.backend import keras, tf


@dataclass(frozen=True)
class Forward:
    """`logits(images (N, H, W, 3) uint8) -> (N, 2)` and its `gradient` by an image, for weights of the logits."""

    logits: Callable[[np.ndarray], np.ndarray]
    gradient: Callable[[np.ndarray, np.ndarray], np.ndarray]

    @staticmethod
    def of(model: keras.Model) -> "Forward":
        """The network of a model whose last layer but the softmax is called `logits`."""
        inner = keras.Model(model.inputs, model.get_layer("logits").output)

        @tf.function(input_signature=[tf.TensorSpec((1, *model.input_shape[1:])), tf.TensorSpec((2,))])
        def slope(image, weights):
            with tf.GradientTape() as tape:
                tape.watch(image)
                margin = tf.reduce_sum(inner(image, training=False) * weights)
            return tape.gradient(margin, image)

        def gradient(image: np.ndarray, weights: np.ndarray) -> np.ndarray:
            return slope(image[None].astype(np.float32), np.asarray(weights, np.float32)).numpy()[0]

        return Forward(networks.logits(model), gradient)

    def face(self, image: np.ndarray) -> "ForwardFace":
        return ForwardFace(self.logits, image, self.logits(image[None])[0], functools.partial(self.gradient, image))


@dataclass(frozen=True)
class ForwardFace(PredictedFace):
    """A face with the `gradient(weights)` (H, W, 3) by the image of the sum of its logits, each times its weight."""

    gradient: Callable[[np.ndarray], np.ndarray]
