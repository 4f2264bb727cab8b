"""Any Keras model as a network to attack: every query a whole pass, its gradient by TensorFlow.

Slower than `maskdet.incremental` by far; for layers that `maskdet.incremental` does not know.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from maskdet import networks
from maskdet.attack.oracle import PredictedFace
from maskdet.networks.backend import keras, tf


@dataclass(frozen=True)
class Forward:
    """`logits(images (N, H, W, C) uint8) -> (N, K)` and its `gradient` by an image, for weights of the logits."""

    logits: Callable[[np.ndarray], np.ndarray]
    gradient: Callable[[np.ndarray, np.ndarray], np.ndarray]

    @staticmethod
    def of(model: keras.Model) -> "Forward":
        """The network of a model whose last layer but the softmax is called `logits`."""
        inner = keras.Model(model.inputs, model.get_layer("logits").output)

        @tf.function(input_signature=[tf.TensorSpec((1, *model.input_shape[1:])),
                                      tf.TensorSpec(inner.output_shape[1:])])
        def slope(image, weights):
            with tf.GradientTape() as tape:
                tape.watch(image)
                margin = tf.reduce_sum(inner(image, training=False) * weights)
            return tape.gradient(margin, image)

        def gradient(image: np.ndarray, weights: np.ndarray) -> np.ndarray:
            return slope(image[None].astype(np.float32), np.asarray(weights, np.float32)).numpy()[0]

        return Forward(networks.logits(model), gradient)

    def face(self, image: np.ndarray) -> "ForwardFace":
        image = np.array(image)
        return ForwardFace(self, image, self.logits(image[None])[0])


@dataclass(frozen=True)
class ForwardFace(PredictedFace):
    """A face with a gradient."""

    def gradient(self, weights: np.ndarray) -> np.ndarray:
        """The gradient (H, W, C) by the image of the sum of the logits, each times its weight (K,)."""
        return self.network.gradient(self.image, weights)
