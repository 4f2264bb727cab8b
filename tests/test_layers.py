"""Each kind of layer, with each of its settings, is read to 1e-5 of the whole pass; so are networks drawn at random."""

import functools

import numpy as np
import pytest

from maskdet.attack import set_pixels
from maskdet.incremental import Incremental
from maskdet.networks.backend import keras, tf
from test_incremental import shaken

layers = keras.layers
SIZE = (11, 10, 4)
scaled = functools.partial(layers.Rescaling, 1 / 255)
uniform = keras.initializers.RandomUniform(0, 1)


def behind(*row, size=SIZE, units=3, activation=None):
    """A network of a row of layers, or functions of a tensor, and `units` outputs."""
    keras.utils.set_random_seed(1)
    x = inputs = keras.Input(size)
    for layer in row:
        x = layer(x)
    x = layers.Flatten()(x) if len(x.shape) > 2 else x
    return shaken(keras.Model(inputs, layers.Dense(units, activation=activation)(x)))


def joined(merge, *branches):
    """The outputs of branches, merged."""
    return lambda x: merge([branch(x) for branch in branches])


def check(model, *, scale=None, pixels=60):
    """The logits and the gradient, incremental and whole, for changed pixels of random images."""
    network, rng = Incremental.of(model, scale), np.random.default_rng(2)
    image, channels = rng.integers(0, 256, network.shape, dtype=np.uint8), network.shape[2]
    queried = rng.integers(0, (*network.shape[:2], *[256] * channels), (pixels, 1, 2 + channels))
    face, expected = network.face(image), network.whole(set_pixels(image, queried))
    np.testing.assert_allclose(face.query(queried), expected, rtol=1e-5, atol=1e-5)
    assert np.ptp(expected, axis=0).max() > 1e-4, "the candidates differ"
    variable, weights = tf.Variable(image[None].astype(np.float32)), np.arange(1, network.classes + 1)
    with tf.GradientTape() as tape:
        total = tf.reduce_sum(model(variable * (1 if scale is None else scale), training=False) * weights)
    slope = tape.gradient(total, variable)[0].numpy()
    np.testing.assert_allclose(face.gradient(weights), slope, rtol=0, atol=1e-5 * np.abs(slope).max())
    return network


PADDINGS, WINDOWS = ("valid", "same"), [(3, 2), ((2, 3), 1), (2, (2, 2)), ((3, 1), 3)]
ROWS = {
    **{f"Conv2D {padding} {taps} {strides}": [layers.Conv2D(5, taps, strides=strides, padding=padding)]
       for padding in PADDINGS for taps, strides in WINDOWS},
    **{f"DepthwiseConv2D {padding} {taps}": [layers.DepthwiseConv2D(taps, padding=padding)]
       for padding in PADDINGS for taps, _ in WINDOWS},
    **{f"{kind.__name__} {padding} {taps} {strides}": [kind(taps, strides, padding), layers.ReLU()]
       for kind in (layers.MaxPooling2D, layers.AveragePooling2D) for padding in PADDINGS for taps, strides in WINDOWS},
    **{f"{kind.__name__} keepdims {keepdims}": [layers.Conv2D(6, 3), kind(keepdims=keepdims)]
       for kind in (layers.GlobalMaxPooling2D, layers.GlobalAveragePooling2D) for keepdims in (False, True)},
    **{f"{kind.__name__} dilated {rate}": [kind(*filters, 3, dilation_rate=rate, padding=padding), layers.ReLU()]
       for kind, filters in ((layers.Conv2D, [5]), (layers.DepthwiseConv2D, []), (layers.SeparableConv2D, [5]))
       for rate, padding in ((2, "same"), ((1, 3), "valid"))},
    **{f"Conv2D in {groups} groups": [layers.Conv2D(8, 3, groups=groups, use_bias=groups < 4)] for groups in (2, 4)},
    **{f"{kind.__name__} multiplier {by}": [kind(*filters, 3, depth_multiplier=by, strides=2), layers.ReLU()]
       for kind, filters in ((layers.DepthwiseConv2D, []), (layers.SeparableConv2D, [5])) for by in (1, 3)},
    **{f"activation {name}": [layers.Conv2D(5, 3, activation=name), layers.Activation(name)]
       for name in ("linear", "relu", "relu6", "leaky_relu")},
    **{f"activation {layer.name}": [layers.Conv2D(5, 3, activation=layer)]
       for layer in (layers.ReLU(0.4, name="capped"), layers.LeakyReLU(0.3, name="leaky"))},
    **{f"ReLU {settings}": [layers.Conv2D(5, 3), layers.ReLU(**settings)]
       for settings in ({}, {"max_value": 0.3}, {"negative_slope": 0.3}, {"max_value": 0.2, "negative_slope": 0.1},
                        {"max_value": 0, "negative_slope": 0.5})},
    "PReLU": [layers.Conv2D(5, 3), layers.PReLU(uniform)],
    "PReLU shared": [layers.Conv2D(5, 3), layers.PReLU(uniform, shared_axes=[1, 2])],
    "PReLU by rows": [layers.Conv2D(5, 3), layers.PReLU(uniform, shared_axes=[2])],
    "PReLU of a vector": [layers.Conv2D(5, 3), layers.Flatten(), layers.PReLU(uniform)],
    "LeakyReLU": [layers.Conv2D(5, 3), layers.LeakyReLU(0.01)],
    "BatchNormalization": [layers.Conv2D(5, 3), layers.BatchNormalization(), layers.ReLU()],
    "BatchNormalization bare": [layers.BatchNormalization(scale=False, center=False), layers.Conv2D(5, 3)],
    "BatchNormalization of a vector": [layers.Flatten(), layers.BatchNormalization(), layers.ReLU()],
    "Normalization": [layers.Normalization(mean=[0.1, 0.2, 0.3, 0.4], variance=[0.1, 0.2, 0.3, 0.4])],
    "Normalization of all": [layers.Normalization(axis=None, mean=0.4, variance=0.3)],
    "Rescaling": [layers.Rescaling([1, 2, 3, 4], [0, 1, 2, 3])],
    "ZeroPadding2D": [layers.ZeroPadding2D(((1, 2), (0, 3))), layers.MaxPooling2D(2), layers.Conv2D(5, 3)],
    "Cropping2D": [layers.Cropping2D(((1, 2), (0, 3))), layers.Conv2D(5, 3)],
    "Reshape": [layers.Reshape((22, -1, 4)), layers.Conv2D(5, 3)],
    "Reshape to a vector": [layers.Conv2D(5, 3), layers.Reshape((-1,)), layers.Dense(4, activation="relu")],
    "Concatenate": [joined(layers.Concatenate(), layers.Conv2D(5, 3, padding="same"), layers.ReLU(),
                           layers.Conv2D(17, 1, activation="relu")), layers.Conv2D(5, 3)],
    "Concatenate vectors": [layers.Conv2D(5, 3), joined(layers.Concatenate(), layers.GlobalAveragePooling2D(),
                                                        layers.GlobalMaxPooling2D())],
    "Add": [joined(layers.Add(), layers.Conv2D(4, 3, padding="same"), layers.ReLU(), layers.Conv2D(4, 1))],
    "Add of vectors": [layers.Conv2D(5, 3), joined(layers.Add(), layers.GlobalAveragePooling2D(),
                                                layers.GlobalMaxPooling2D())],
    "inert": [lambda x: inert(x), layers.Conv2D(5, 3)]}


def inert(x):
    """Layers that do something in training alone. They draw their seeds when they are made."""
    for layer in (layers.RandomFlip(), layers.RandomRotation(0.1), layers.RandomZoom(0.1), layers.RandomContrast(0.1),
                  layers.RandomBrightness(0.1), layers.RandomTranslation(0.1, 0.1), layers.GaussianNoise(0.1),
                  layers.SpatialDropout2D(0.5), layers.GaussianDropout(0.1), layers.AlphaDropout(0.1),
                  layers.Dropout(0.1), layers.ActivityRegularization(0.1), layers.Identity()):
        x = layer(x)
    return x


@pytest.mark.parametrize("name", ROWS)
def test_a_layer_is_read_as_keras_computes_it(name):
    check(behind(scaled(), *ROWS[name]))


@pytest.mark.parametrize("layer", [
    layers.Concatenate(axis=1), layers.Conv2D(5, 3, data_format="channels_first"), layers.Permute((2, 1, 3)),
    layers.GlobalAveragePooling2D(data_format="channels_first"), layers.Softmax(), layers.LayerNormalization(),
    layers.Lambda(lambda x: x), layers.Conv2DTranspose(5, 3), layers.Resizing(5, 5)])
def test_what_is_not_read_is_an_error_that_names_the_layer(layer):
    layer.name = "it"
    inputs = keras.Input(SIZE)
    with pytest.raises(ValueError, match="'it'"):
        try:
            x = layer([inputs, inputs] if isinstance(layer, layers.Concatenate) else inputs)
        except (ValueError, NotImplementedError):  # Keras itself refuses it here
            raise ValueError("'it'") from None
        Incremental.of(keras.Model(inputs, layers.Dense(2)(layers.Flatten()(x))))


def test_vectors_that_are_held_as_tensors_are_not_joined_place_by_place():
    flat = layers.Flatten()
    with pytest.raises(ValueError, match="expected inputs of one shape, .* of 'it', got"):
        Incremental.of(behind(joined(layers.Concatenate(name="it"), flat, flat)))


@pytest.mark.parametrize("units, activation", [(1, "sigmoid"), (1, None), (2, None), (2, "softmax"), (7, "softmax"),
                                               (3, "relu"), (3, layers.LeakyReLU(0.5))])
def test_any_number_of_outputs_is_read_and_a_single_one_as_two(units, activation):
    model = behind(scaled(), layers.Conv2D(5, 3, activation="relu"), units=units, activation=activation)
    network = Incremental.of(model)
    image = np.random.default_rng(0).integers(0, 256, network.shape, dtype=np.uint8)
    face, whole = network.face(image), network.whole(image[None])[0]
    assert network.classes == len(face.logits) == max(units, 2) and face.logits.argmax() == whole.argmax()
    if activation in ("sigmoid", "softmax"):
        face = np.exp(face.logits.astype(float))
        np.testing.assert_allclose(face / face.sum(), whole, atol=1e-6)
    else:
        np.testing.assert_allclose(face.logits, whole, atol=1e-5)


@pytest.mark.parametrize("channels", [1, 2, 3, 4, 5, 17])
def test_images_of_any_number_of_channels_are_read(channels):
    check(behind(scaled(), layers.Conv2D(5, 3, activation="relu"), size=(9, 8, channels)))


@pytest.mark.parametrize("scale", [1 / 255, [1 / 255, 1 / 200, 1 / 100, 1 / 50]])
def test_a_scale_is_what_the_images_are_multiplied_by_before_the_model(scale):
    network = check(behind(layers.Conv2D(5, 3, activation="relu")), scale=scale)
    assert len(network.steps) == 4


def test_a_last_flatten_is_a_vector_of_classes():
    inputs = keras.Input(SIZE)
    x = layers.Conv2D(3, (10, 9), activation="relu")(scaled()(inputs))
    assert check(shaken(keras.Model(inputs, layers.Flatten()(x)))).classes == 12


def test_a_model_of_another_keras_is_refused_by_name():
    other = type("Functional", (), {"__module__": "tf_keras.src.engine.functional", "inputs": [1]})()
    with pytest.raises(TypeError, match="expected a model of Keras 3 that is built, got a tf_keras.*Functional"):
        Incremental.of(other)


def drawn(rng):
    """A network drawn at random: some layers in a row, with branches that meet again."""
    def layer(x):
        """One layer, which keeps the size where it is small."""
        same = {"padding": "same"} if min(x.shape[1:3]) < 4 or rng.random() < 0.5 else {"padding": "valid"}
        taps, strides = rng.integers(1, 4, 2).tolist(), int(rng.integers(1, 3))
        filters, slope = int(rng.integers(1, 20)), float(rng.uniform(0, 1))
        kinds = [layers.Conv2D(filters, taps, strides=strides, **same),
                 layers.DepthwiseConv2D(taps[0], strides, **same),
                 layers.Conv2D(filters, taps, dilation_rate=2, padding="same"),
                 layers.SeparableConv2D(filters, taps, **same), layers.MaxPooling2D(taps, strides, **same),
                 layers.AveragePooling2D(taps, strides, **same), layers.BatchNormalization(), layers.ReLU(),
                 layers.ReLU(slope, negative_slope=slope / 3), layers.LeakyReLU(slope), layers.PReLU(uniform),
                 layers.ZeroPadding2D(tuple(taps)), layers.Dropout(0.5), layers.GaussianNoise(0.1)]
        return kinds[rng.integers(len(kinds))](x)

    x = inputs = keras.Input((*rng.integers(5, 13, 2).tolist(), int(rng.integers(1, 5))))
    x = scaled()(x)
    for _ in range(rng.integers(1, 7)):
        if rng.random() < 0.3:
            y = layers.Conv2D(x.shape[3], 3, padding="same", activation="relu")(x)
            x = [layers.Add(), layers.Concatenate()][rng.integers(2)]([x, y])
        else:
            x = layer(x)
    x = [layers.Flatten(), layers.GlobalAveragePooling2D(), layers.GlobalMaxPooling2D()][rng.integers(3)](x)
    if rng.random() < 0.5:
        x = layers.ReLU()(layers.BatchNormalization()(layers.Dense(int(rng.integers(1, 20)))(x)))
    return shaken(keras.Model(inputs, layers.Dense(int(rng.integers(1, 12)))(x)))


def pytest_generate_tests(metafunc):
    if metafunc.function is test_a_network_drawn_at_random_is_read_as_keras_computes_it:
        metafunc.parametrize("seed", range(metafunc.config.getoption("networks")))


def test_a_network_drawn_at_random_is_read_as_keras_computes_it(seed):
    keras.utils.set_random_seed(seed)
    model = drawn(np.random.default_rng(seed))
    network = Incremental.of(model)
    rng = np.random.default_rng(1)
    image = rng.integers(0, 256, network.shape, dtype=np.uint8)
    pixels = rng.integers(0, (*network.shape[:2], *[256] * network.shape[2]), (40, 1, 2 + network.shape[2]))
    expected = network.whole(set_pixels(image, pixels))
    np.testing.assert_allclose(network.face(image).query(pixels), expected, rtol=1e-5,
                               atol=1e-5 * max(1, np.abs(expected).max()))
