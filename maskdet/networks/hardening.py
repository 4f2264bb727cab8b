"""Training against one pixel: on its worst change, or on bounds over all of its colours.

"witness": each crop is shown with a pixel set so that the loss is largest, or unchanged (adversarial training, Madry et
al. 2018). The pixels tried are the worst by the slope of the loss and the pixel of the opposite colour: with the first
alone, the network would learn to tell the class from the pixel (Kurakin et al. 2017).

"bounds": the pixel takes every colour at once, tensors are followed as intervals, and the least margin is part of the
loss (interval bound propagation, Gowal et al. 2018).
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from maskdet.networks.architectures import Median
from maskdet.networks.backend import keras, tf

SEARCHED = 0.25  # share of the places of a crop, drawn anew each time, among which the worst is looked for
BOUNDED = 0.2  # share of the bounds in the loss, from the middle of the training on
layers = keras.layers


def step(model, optimizer, way: str, *, steps: int, rng: np.random.Generator) -> Callable:
    """`step(images, labels) -> summed loss, number correct` of a batch, of `steps` in all; `way` is a key of LOSSES.

    The number correct is of the crops as the network saw them. Raises ValueError for another `way`.
    """
    if way not in LOSSES:
        raise ValueError(f"expected a way of training against one pixel, one of {', '.join(LOSSES)}, got {way!r}")
    loss, done, shape = LOSSES[way], iter(range(steps)), model.input_shape[1:3]

    @tf.function(input_signature=[tf.TensorSpec((None, *model.input_shape[1:])), tf.TensorSpec((None,), tf.int64),
                                  tf.TensorSpec((None, *shape)), tf.TensorSpec(())])
    def compiled(images, labels, searched, share):
        pixel, bright = _worst_pixel(model, images, labels, searched)
        with tf.GradientTape() as tape:
            losses, correct = loss(model, images, labels, pixel, bright, share)
            mean = tf.reduce_mean(losses)
        weights = model.trainable_variables
        optimizer.apply_gradients(zip(tape.gradient(mean, weights), weights))
        return tf.reduce_sum(losses), tf.reduce_sum(tf.cast(correct, tf.float32))

    def batch(images, labels):
        searched = rng.random((len(images), *shape)) < SEARCHED
        return compiled(images, labels, searched.astype(np.float32), np.float32(min(1, 2 * next(done) / steps)))
    return batch


def _worst_pixel(model, images, labels, searched) -> tuple:
    """By the slope of the loss: for each image, 1 at the worst of the places `searched`, (N, H, W, 1); and 1 for each
    colour whose worse value is 255 rather than 0, (N, H, W, 3)."""
    with tf.GradientTape() as tape:
        tape.watch(images)
        losses = keras.losses.sparse_categorical_crossentropy(labels, model(images, training=False))
    slope = tape.gradient(losses, images)
    bright = tf.cast(slope > 0, tf.float32)
    worse = tf.reduce_sum(slope * (255 * bright - images), axis=-1) * searched
    flat = tf.reshape(worse, (tf.shape(images)[0], -1))
    place = tf.one_hot(tf.argmax(flat, axis=1), tf.shape(flat)[1])
    return tf.reshape(place, tf.shape(worse))[..., None], bright


def _witness(model, images, labels, pixel, bright, share):
    """Losses, and which are correct, of each image at its worst: pixel set, set to the opposite, or unchanged."""
    tried = tf.stack([images, *(images + pixel * (255 * colour - images) for colour in (bright, 1 - bright))])
    flat = tf.reshape(tried, (-1, *model.input_shape[1:]))
    losses = keras.losses.sparse_categorical_crossentropy(tf.tile(labels, [3]), model(flat, training=False))
    worst = tf.argmax(tf.reshape(losses, (3, -1)), axis=0)
    return _measured(model, tf.gather(tf.transpose(tried, (1, 0, 2, 3, 4)), worst, batch_dims=1), labels)


def _bounds(model, images, labels, pixel, bright, share):
    """Losses of the unchanged images and of their least margins while the pixel takes any colour; which are correct.
    With `share` both grow: the region of colours, from the pixel's own to all, and the weight of its bound."""
    losses, correct = _measured(model, images, labels)
    low, high = images - share * pixel * images, images + share * pixel * (255 - images)
    weight = BOUNDED * share
    return (1 - weight) * losses + weight * tf.math.softplus(-least_margin(model, low, high, labels)), correct


def _measured(model, images, labels) -> tuple:
    probabilities = model(images, training=True)
    return (keras.losses.sparse_categorical_crossentropy(labels, probabilities),
            tf.argmax(probabilities, axis=1) == labels)


LOSSES = {"witness": _witness, "bounds": _bounds}


def least_margin(model, low, high, labels):
    """A lower bound (N,) of the margins of classes `labels` (N,) for all images from `low` to `high` (N, H, W, 3).

    For training: unlike in `maskdet.proof`, the rounding of float32 is not taken into account. The last layer is the
    softmax. Raises ValueError for a layer that intervals cannot be followed through.
    """
    intervals = {id(model.inputs[0]): _Interval.of(low, high)}
    for layer in model.layers[1:-1]:
        inputs = layer.input if isinstance(layer.input, list) else [layer.input]
        intervals[id(layer.output)] = _through(layer, [intervals[id(tensor)] for tensor in inputs])
    last, sign = intervals[id(model.layers[-1].input)], tf.one_hot(labels, 2) * 2 - 1
    return tf.reduce_sum(tf.where(sign > 0, last.low, -last.high), axis=1)


class _Interval(NamedTuple):
    """The two tensors between which a layer's output lies, their middle, and half their distance (`radius`).

    Middle and radius are computed once, not by each layer that reads them, so that no tensor of an interval has more
    than two gradients to add: TensorFlow's AddN begins with the first term whose memory is free, which depends on
    timing where terms share memory, and three or more terms round differently in another order.
    """

    low: Any
    high: Any
    middle: Any
    radius: Any

    @staticmethod
    def of(low, high) -> "_Interval":
        return _Interval(low, high, (low + high) / 2, (high - low) / 2)


def _through(layer, inputs: list[_Interval]) -> _Interval:
    """The interval of a layer's output."""
    rising = (layers.ReLU, layers.MaxPooling2D, layers.GlobalAveragePooling2D, layers.Flatten, layers.Add, Median)
    if isinstance(layer, layers.Dropout):
        return inputs[0]
    if isinstance(layer, rising):  # the larger the input, the larger the output
        ends = [interval.low for interval in inputs], [interval.high for interval in inputs]
        return _Interval.of(*((layer(end) if len(inputs) > 1 else layer(end[0])) for end in ends))
    [(_, _, middle, radius)] = inputs
    if isinstance(layer, layers.Rescaling):
        middle, radius = layer(middle), radius * abs(layer.scale)
    elif isinstance(layer, layers.BatchNormalization):
        factor = layer.gamma / tf.sqrt(layer.moving_variance + layer.epsilon)
        middle, radius = layer(middle, training=False), radius * tf.abs(factor)
    elif isinstance(layer, layers.Conv2D):
        middle, radius = (tf.nn.conv2d(x, weights, layer.strides, layer.padding.upper())
                          for x, weights in ((middle, layer.kernel), (radius, tf.abs(layer.kernel))))
    elif isinstance(layer, layers.Dense):
        middle, radius = middle @ layer.kernel, radius @ tf.abs(layer.kernel)
    else:
        raise ValueError(f"expected a layer that bounds can be followed through, got {type(layer).__name__}")
    middle = middle if getattr(layer, "bias", None) is None else middle + layer.bias
    activation = getattr(layer, "activation", None) or (lambda x: x)
    return _Interval.of(activation(middle - radius), activation(middle + radius))
