"""No network is read as another one: it is read as Keras computes it, or refused with an error that names the layer."""

import dataclasses
import functools
import pickle
import random

import numpy as np
import pytest

from maskdet import networks, proof
from maskdet.attack import set_pixels
from maskdet.attack.goals import Goal
from maskdet.incremental import Incremental
from maskdet.incremental.layers import Dense, rows
from maskdet.networks.backend import keras, tf

layers = keras.layers


def relu(x):
    """Called as Keras' own, and another function."""
    return keras.ops.relu(x) - 1


def behind(*row, size=(9, 9, 3)):
    """A network of a row of layers, or functions of a tensor, and two logits."""
    x = inputs = keras.Input(size)
    for layer in row:
        x = layer(x)
    return keras.Model(inputs, layers.Dense(2, name="end")(layers.Flatten()(x)))


def scaled(kind, *arguments, by, **options):
    """A layer whose every weight is `by`."""
    return kind(*arguments, kernel_initializer=keras.initializers.Constant(by), **options)


def normalised(gamma):
    return layers.BatchNormalization(gamma_initializer=keras.initializers.Constant(gamma))


@pytest.mark.parametrize("activation, got", [
    (layers.PReLU(), "PReLU of yours"), (type("ReLU", (layers.ReLU,), {})(), "ReLU of yours"),
    (functools.partial(keras.activations.relu, max_value=6), "partial of yours"), (relu, "relu of yours"),
    (tf.nn.relu6, "relu6 of yours"), ("elu", "elu")])
def test_an_activation_is_known_by_its_identity_not_by_its_name(activation, got):
    for layer in (layers.Conv2D(4, 3, activation=activation, name="it"), layers.Activation(activation, name="it")):
        with pytest.raises(ValueError, match=f"expected an activation linear, relu, .* of 'it', got {got};"):
            Incremental.of(behind(layer))


@pytest.mark.parametrize("layer, got", [
    (lambda x: keras.ops.median(x, axis=-1, keepdims=True), "a Median of yours"),
    (lambda x: keras.ops.softmax(x, axis=1), "a Softmax of yours"),
    (type("Median", (networks.Median,), {}), "a Median of yours"),
    (type("Flatten", (layers.Flatten,), {"__module__": "keras.layers"}), "a Flatten of yours")])
def test_a_layer_is_known_by_the_identity_of_its_class(layer, got):
    with pytest.raises(ValueError, match=f"expected layers of the kinds .*, got '.*', {got};"):
        Incremental.of(behind(layer() if isinstance(layer, type) else layer))


@pytest.mark.parametrize("layer, message", [
    (layers.BatchNormalization(axis=1, name="it"), "expected axis -1 of 'it', got 1"),
    (layers.ReLU(negative_slope=1.5, name="it"), "expected slopes below 0 from 0 to 1 .* of 'it', got 1.5 to 1.5"),
    (layers.LeakyReLU(2.0, name="it"), "expected slopes below 0 from 0 to 1 and .* of 'it', got 2 to 2"),
    (layers.ReLU(threshold=1, name="it"), "expected threshold 0.0 of 'it', got 1.0"),
    (layers.Normalization(axis=1, mean=np.zeros(9), variance=np.ones(9), name="it"),
     r"expected scales and .* \(9,\) of 'it', got \(1, 9, 1, 1\)"),
    (layers.Normalization(mean=0, variance=1, invert=True, name="it"), "expected invert False of 'it', got True"),
    (layers.Reshape((27, 27), name="it"), r"expected 'it' to make a vector, or a tensor of as many .*, got \(27, 27\)"),
    (layers.Reshape((27, 9, 3), name="it"), r"expected 'it' to make a vector, .* channels, 9, got \(27, 9, 3\)"),
    (layers.Rescaling(np.ones((9, 1, 1)), name="it"), r"expected scales and .* \(9,\) of 'it', got \(9, 1, 1\)"),
    (layers.Rescaling(np.ones((9, 9)), name="it"), r"expected scales and .* \(9,\) of 'it', got \(9, 9\)")])
def test_a_setting_that_fits_the_shapes_by_chance_is_refused(layer, message):
    with pytest.raises(ValueError, match=message):
        Incremental.of(behind(layers.Conv2D(9, 3, padding="same"), layer))


def test_a_softmax_over_another_axis_than_the_last_is_refused():
    inputs = keras.Input((9, 9, 3))
    logits = layers.Dense(2)(layers.Flatten()(inputs))
    for axis in (0, (0, 1)):
        with pytest.raises(ValueError, match="expected axis -1 of 'it', got"):
            Incremental.of(keras.Model(inputs, layers.Softmax(axis=axis, name="it")(logits)))
    for axis in (1, -1):
        Incremental.of(keras.Model(inputs, layers.Softmax(axis=axis)(logits)))


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16", "bfloat16", "float16", "float64"])
def test_a_layer_that_computes_in_another_dtype_is_refused(policy):
    with pytest.raises(ValueError, match=rf"expected dtypes \['float32'\] of 'it', got \[.*'{policy}'"):
        Incremental.of(behind(layers.Conv2D(4, 3, dtype=policy, name="it")))


@pytest.mark.parametrize("kind", ["int8", "float8"])
def test_a_quantized_layer_is_refused(kind):
    model = behind()
    model.layers[-1].quantize(kind)
    with pytest.raises(ValueError, match=rf"expected dtypes \['float32'\] of 'end', got \[.*{kind}"):
        Incremental.of(model)


@pytest.mark.parametrize("row", [
    [scaled(layers.Conv2D, 4, 3, by=1e37, name="it"), normalised(1e-37)],
    [scaled(layers.Conv2D, 4, 3, by=1e-37), scaled(layers.Conv2D, 4, 3, by=1e37, name="it")],
    [scaled(layers.Conv2D, 4, 3, by=1e-37), normalised(1e37)],
    [layers.Flatten(), scaled(layers.Dense, 2, by=1e-37), scaled(layers.Dense, 2, by=1e19, name="it"),
     scaled(layers.Dense, 2, by=1e18)],
    [layers.BatchNormalization(epsilon=0, moving_variance_initializer=keras.initializers.Constant(1e-40))],
    [layers.BatchNormalization(gamma_initializer=keras.initializers.Constant(1e-37),
                               moving_mean_initializer=keras.initializers.Constant(1e37))],
    [scaled(layers.Conv2D, 4, 3, by=np.nan, name="it")], [scaled(layers.Conv2D, 4, 3, by=np.inf, name="it")]])
def test_weights_that_float32_may_overflow_with_are_refused(row):
    if not any(layer.name == "it" for layer in row):
        row[-1].name = "it"
    with pytest.raises(ValueError, match="expected absolute weights of 'it' that add up, .* to at most 16777216 in"):
        Incremental.of(behind(*row))


def chain(*factors):
    """A face, black, of a network that multiplies it by one factor after the other; its margin is 1 without."""
    kernels = [np.ones((4, 3, 1)), *(np.full((1, 1, 1), factor) for factor in factors), np.array([[[1.0, 0]]])]
    offsets = [np.zeros(1)] * (len(kernels) - 1) + [np.array([1.0, 0])]
    steps = [Dense(inputs=(number,), shape=(1, 1, len(offset)), kernel=rows(kernel), offset=rows(offset))
             for number, (kernel, offset) in enumerate(zip(kernels, offsets))]
    return Incremental(tuple(steps), (2, 2, 3)).face(np.zeros((2, 2, 3), np.uint8))


@pytest.mark.parametrize("factors, verdict", [
    ((1e-3,), proof.SAFE), ((1e-20, 1e-20, 1e6), proof.SAFE),  # what underflows has no weight
    ((1e-20, 1e-20, *[1e6] * 4), proof.UNDECIDED), ((-1e-20, 1e-20, *[1e6] * 4), proof.UNDECIDED),
    ((1e6, 1e-6), proof.SAFE), ((1e6, 1e6, 1e-6, 1e-6), proof.UNDECIDED)])
def test_where_float32_may_underflow_or_overflow_within_a_network_nothing_is_proved_safe(factors, verdict):
    assert proof.verify_face(chain(*factors), Goal(0), budget=200).verdict == verdict


@pytest.mark.parametrize("call", [lambda x: -x, lambda x: x * np.nan, lambda x: keras.ops.minimum(x, 6)])
@pytest.mark.parametrize("softmax", [False, True])
def test_a_network_whose_whole_pass_has_other_margins_is_refused(call, softmax):
    keras.utils.set_random_seed(0)
    model = behind(layers.Rescaling(1 / 20), layers.ReLU(name="it"))
    model.get_layer("end").activation = keras.activations.softmax if softmax else keras.activations.linear
    Incremental.of(model)
    model.get_layer("it").call = call
    with pytest.raises(ValueError, match="expected the margins of the whole pass of random images, .*, got up to"):
        Incremental.of(model)


def test_reading_a_network_draws_no_random_number_and_what_it_compared_is_not_sent():
    model, drawn = networks.shipped("resnet"), []
    for read in (Incremental.of, lambda model: None):
        keras.utils.set_random_seed(3)
        read(model)
        drawn.append((random.random(), np.random.random(), float(keras.random.uniform(()))))  # noqa: NPY002
    assert drawn[0] == drawn[1]
    network = Incremental.of(model)
    assert pickle.loads(pickle.dumps(network)).whole is None and network.whole is not None
    assert all(set(vars(step)) == {one.name for one in dataclasses.fields(step)} for step in network.steps)


def test_a_sum_by_an_operator_is_read_as_that_of_the_layer():
    keras.utils.set_random_seed(0)
    assert [type(step).__name__ for step in Incremental.of(behind(lambda x: x + x)).steps] == ["Sum", "Dense"]
    with pytest.raises(ValueError, match="expected inputs of one shape, .* of 'add.*', got"):
        Incremental.of(behind(lambda x: x + 1.0))


def cancelling(seed):
    """A network whose weights of about 1e4 cancel, for a bright magenta pixel in one place; elsewhere its margin is
    0.5. What it says there is rounding's."""
    weights = np.zeros((48, 16), np.float32)
    weights[15:18] = 1e4 * np.random.default_rng(seed).uniform(0.5, 1.5, 16) * np.array([[1], [-1], [1]])
    last = np.zeros((16, 2))
    last[:, 0] = np.array([1, -1] * 8) * weights[15, 0] / weights[15]
    inputs = keras.Input((4, 4, 3))
    hidden, end = layers.Dense(16, activation="relu"), layers.Dense(2)
    model = keras.Model(inputs, end(hidden(layers.Flatten()(inputs))))
    hidden.set_weights([weights, -480 * weights[15]])
    end.set_weights([last, np.array([0.5, 0])])
    return model


@pytest.mark.parametrize("seed", range(4))  # here, the engine alone has a flip with 0 and 3, both have with 1 and 2
def test_each_flip_is_one_of_the_whole_pass_and_a_face_with_others_is_not_safe(seed):
    model, image = cancelling(seed), np.full((4, 4, 3), 100, np.uint8)
    found = proof.verify_face(Incremental.of(model).face(image), Goal(0), budget=300)
    assert found.proved[1, 1] == -np.inf and found.verdict != proof.SAFE
    if found.verdict == proof.FLIPPABLE:
        after = model.predict_on_batch(set_pixels(image, np.array([[found.witness]])).astype(np.float32))
        assert after.argmax() == 1


@pytest.mark.parametrize("answer", [[1.0, 0.0], [0.5, 0.5], [np.nan, np.nan]])
def test_what_the_whole_pass_does_not_flip_is_undecided(answer, monkeypatch):
    model, image = behind(layers.Rescaling(1 / 255), size=(4, 4, 3)), np.full((4, 4, 3), 100, np.uint8)
    model.get_layer("end").set_weights([np.eye(48, 2, -14), np.array([0.5, 0])])  # a red of one pixel against 0.5
    assert proof.verify_face(Incremental.of(model).face(image), Goal(0), budget=300).verdict == proof.FLIPPABLE
    monkeypatch.setattr(model, "predict_on_batch", lambda images: np.tile(answer, (len(images), 1)))
    found = proof.verify_face(Incremental.of(model).face(image), Goal(0), budget=300)
    assert found.verdict == proof.UNDECIDED and not found.flips.any() and found.reached.min() > 0
