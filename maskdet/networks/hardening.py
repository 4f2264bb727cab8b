"""Training against one pixel: on the change that hurts most, or on bounds over every colour.

"witness": each crop is shown as it hurts most, with a pixel set or unchanged (adversarial training, Madry et al. 2018).
The pixels tried are that which hurts most by the slope of the loss, and that of the opposite colour; were the slope
believed, the network would learn to tell the class from the pixel (Kurakin et al. 2017).

"bounds": the pixel takes every colour at once, the network's tensors are followed as intervals, and the least margin
counts as well (interval bound propagation, Gowal et al. 2018).
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from maskdet.networks.architectures import Median
from maskdet.networks.backend import keras, tf

LOOKED = 0.25  # share of the places of a crop, drawn anew each time, among which the one that hurts is looked for
BOUNDED = 0.2  # share of the loss that is of bounds, from the middle of the training on
layers = keras.layers


def step(model, optimizer, way: str, *, steps: int, rng: np.random.Generator) -> Callable:
    """`step(images, labels) -> summed loss, number right` of one batch, of `steps` in all; see the module for `way`.

    The number right is of the crops as the network was shown them. Raises ValueError for a way not known.
    """
    if way not in LOSSES:
        raise ValueError(f"expected a way of training against one pixel, one of {', '.join(LOSSES)}, got {way!r}")
    loss, done, shape = LOSSES[way], iter(range(steps)), model.input_shape[1:3]

    @tf.function(input_signature=[tf.TensorSpec((None, *model.input_shape[1:])), tf.TensorSpec((None,), tf.int64),
                                  tf.TensorSpec((None, *shape)), tf.TensorSpec(())])
    def compiled(images, labels, looked, share):
        pixel, bright = _weakest(model, images, labels, looked)
        with tf.GradientTape() as tape:
            losses, right = loss(model, images, labels, pixel, bright, share)
            mean = tf.reduce_mean(losses)
        weights = model.trainable_variables
        optimizer.apply_gradients(zip(tape.gradient(mean, weights), weights))
        return tf.reduce_sum(losses), tf.reduce_sum(tf.cast(right, tf.float32))

    def one(images, labels):
        looked = rng.random((len(images), *shape)) < LOOKED
        return compiled(images, labels, looked.astype(np.float32), np.float32(min(1, 2 * next(done) / steps)))
    return one


def _weakest(model, images, labels, looked) -> tuple:
    """For each image, 1 at the place that hurts most of those `looked` at, (N, H, W, 1), and 1 for each colour
    of it that would better be 255 than 0, (N, H, W, 3); by the slope of the loss there."""
    with tf.GradientTape() as tape:
        tape.watch(images)
        losses = keras.losses.sparse_categorical_crossentropy(labels, model(images, training=False))
    slope = tape.gradient(losses, images)
    bright = tf.cast(slope > 0, tf.float32)
    worse = tf.reduce_sum(slope * (255 * bright - images), axis=-1) * looked
    flat = tf.reshape(worse, (tf.shape(images)[0], -1))
    place = tf.one_hot(tf.argmax(flat, axis=1), tf.shape(flat)[1])
    return tf.reshape(place, tf.shape(worse))[..., None], bright


def _witness(model, images, labels, pixel, bright, share):
    """Losses and hits of the images, each with the pixel set, or set to the opposite, or not, as it hurts most."""
    tried = tf.stack([images, *(images + pixel * (255 * colour - images) for colour in (bright, 1 - bright))])
    flat = tf.reshape(tried, (-1, *model.input_shape[1:]))
    losses = keras.losses.sparse_categorical_crossentropy(tf.tile(labels, [3]), model(flat, training=False))
    worst = tf.argmax(tf.reshape(losses, (3, -1)), axis=0)
    return _measured(model, tf.gather(tf.transpose(tried, (1, 0, 2, 3, 4)), worst, batch_dims=1), labels)


def _bounds(model, images, labels, pixel, bright, share):
    """Losses of the images as they are, and of their least margins while the pixel takes any colour; hits. The box of
    colours grows with `share`, from the colour that is there to all of them, and so does what it counts."""
    losses, right = _measured(model, images, labels)
    low, high = images - share * pixel * images, images + share * pixel * (255 - images)
    counts = BOUNDED * share
    return (1 - counts) * losses + counts * tf.math.softplus(-least_margin(model, low, high, labels)), right


def _measured(model, images, labels) -> tuple:
    probabilities = model(images, training=True)
    return (keras.losses.sparse_categorical_crossentropy(labels, probabilities),
            tf.argmax(probabilities, axis=1) == labels)


LOSSES = {"witness": _witness, "bounds": _bounds}


def least_margin(model, low, high, labels):
    """A lower bound (N,) of the margins of classes `labels` (N,) for all images from `low` to `high` (N, H, W, 3).

    For training: what float32 rounds is not accounted for, as it is in `maskdet.proof`. The last layer is the softmax.

    Raises ValueError where the model has a layer that intervals are not known to go through.
    """
    known = {id(model.inputs[0]): _Interval.of(low, high)}
    for layer in model.layers[1:-1]:
        given = layer.input if isinstance(layer.input, list) else [layer.input]
        known[id(layer.output)] = _through(layer, [known[id(one)] for one in given])
    last, sign = known[id(model.layers[-1].input)], tf.one_hot(labels, 2) * 2 - 1
    return tf.reduce_sum(tf.where(sign > 0, last.low, -last.high), axis=1)


class _Interval(NamedTuple):
    """Tensors between which a layer's output lies, with their middle and half their distance (`radius`).

    These are made once, not by each layer that asks, so that no tensor of an interval has more than two gradients to
    add: TensorFlow's AddN begins with the first term whose memory nothing else holds. Where terms share memory, as
    these do, which one that is depends on timing, and three or more round otherwise in another order.
    """

    low: Any
    high: Any
    middle: Any
    radius: Any

    @staticmethod
    def of(low, high) -> "_Interval":
        return _Interval(low, high, (low + high) / 2, (high - low) / 2)


def _through(layer, given: list[_Interval]) -> _Interval:
    """The bounds of a layer's output from those of each input."""
    rising = (layers.ReLU, layers.MaxPooling2D, layers.GlobalAveragePooling2D, layers.Flatten, layers.Add, Median)
    if isinstance(layer, layers.Dropout):
        return given[0]
    if isinstance(layer, rising):  # the larger the input, the larger the output
        lows, highs = [one.low for one in given], [one.high for one in given]
        return _Interval.of(*((layer(ends) if len(given) > 1 else layer(ends[0])) for ends in (lows, highs)))
    [(_, _, middle, radius)] = given
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
    bend = getattr(layer, "activation", None) or (lambda x: x)
    return _Interval.of(bend(middle - radius), bend(middle + radius))
