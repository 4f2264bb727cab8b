"""Incremental inference: the same logits as the whole forward pass, or an error that names the layer."""

import dataclasses
import pickle
import subprocess
import sys

import numpy as np
import pytest
import scipy.ndimage

from maskdet import attack, networks
from maskdet.attack import set_pixels
from maskdet.incremental import Incremental, network
from maskdet.incremental.layers import rows
from maskdet.networks.backend import keras, tf

layers = keras.layers


def shaken(model, *, seed=0):
    """The model with weights, biases and statistics that leave no layer trivial."""
    rng = np.random.default_rng(seed)
    for layer in model.layers:
        for weight in layer.weights:
            if layer.name != "grey" and len(weight.shape) == 1 and weight.name != "alpha":
                weight.assign(rng.uniform(0.5, 1.5, weight.shape) if "variance" in weight.path or "gamma" in weight.path
                              else rng.normal(0, 0.3, weight.shape))
    return model


def whole(model):
    """The full forward pass up to the logits, as (N, H, W, 3) uint8 -> (N, 2)."""
    logits = keras.Model(model.inputs, model.get_layer("logits").output)
    forward = tf.function(lambda images: logits(tf.cast(images, tf.float32), training=False))
    return lambda images: np.concatenate([forward(part) for part in np.array_split(images, -(-len(images) // 512))])


def candidates(rng, count, size=1, side=50):
    """Random pixels, among them those of every border and corner of the image."""
    pixels = np.concatenate([rng.integers(0, side, (count, size, 2)), rng.integers(0, 256, (count, size, 3))], axis=2)
    pixels[:count // 4, :, 0] = rng.choice([0, 1, side - 2, side - 1], (count // 4, size))
    pixels[count // 8:count // 2, :, 1] = rng.choice([0, 1, side - 2, side - 1], (count // 2 - count // 8, size))
    pixels[::3, :, 2:] = rng.choice([0, 255], (len(pixels[::3]), size, 3))
    return pixels


def difference(model, image, pixels):
    """The largest difference of a logit between both ways."""
    return np.abs(Incremental.of(model).face(image).query(pixels) - whole(model)(set_pixels(image, pixels))).max()


@pytest.mark.parametrize("name", networks.NETWORKS)
def test_10_000_candidates_have_the_logits_of_the_whole_forward_pass(name):
    model, rng = shaken(networks.build(name, seed=1)), np.random.default_rng(0)
    for image in rng.integers(0, 256, (4, 50, 50, 3), dtype=np.uint8):
        pixels = candidates(rng, 2500)
        logits = whole(model)(set_pixels(image, pixels))
        assert np.ptp(logits, axis=0).min() > 1e-3, "the candidates differ"
        np.testing.assert_allclose(Incremental.of(model).face(image).query(pixels), logits, rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", networks.NETWORKS)
@pytest.mark.parametrize("size", [3, 5])
def test_several_pixels_at_once_have_the_logits_of_the_whole_forward_pass(name, size):
    rng = np.random.default_rng(size)
    pixels = candidates(rng, 300, size)
    pixels[:100, 1] = pixels[:100, 0]  # two pixels at one place, of one colour
    pixels[:50, 1, 2:] = 255 - pixels[:50, 0, 2:]  # and of two colours: the last counts
    image = rng.integers(0, 256, (50, 50, 3), dtype=np.uint8)
    assert difference(shaken(networks.build(name, seed=1)), image, pixels) < 1e-5


def test_a_median_in_front_is_that_of_scipy_and_followed_for_one_pixel_and_for_several():
    model, rng = shaken(networks.build("resnet", seed=1, scaling="median")), np.random.default_rng(5)
    image = rng.integers(0, 256, (50, 50, 3), dtype=np.uint8)
    [step, *_] = Incremental.of(model).steps
    filtered = scipy.ndimage.median_filter(image, size=(3, 3, 1), mode="mirror")
    made = step.forward(rows(image.reshape(2500, 3)))[:, :3].reshape(50, 50, 3)
    assert (made == filtered).all() and (np.asarray(model.layers[1](image[None] * 1.0))[0] == filtered).all()
    for size in (1, 4):
        pixels = candidates(rng, 600, size)
        assert difference(model, image, pixels) < 1e-5
        near = pixels.copy()
        near[:, :, :2] = near[:, :1, :2] // 2 * 2 + rng.integers(0, 2, (600, size, 2))  # in one another's windows
        assert difference(model, image, near) < 1e-5


def other(*, padding="same", strides=2, pool=3, size=(19, 26)):
    """Another network of the same kinds of layers: odd sizes, overlapping pools, a bias, two branches."""
    keras.utils.set_random_seed(3)
    inputs = keras.Input((*size, 3))
    x = layers.Rescaling([1 / 100, 1 / 120, 1 / 140], offset=[-1.0, -0.9, -0.8])(inputs)
    x = layers.Conv2D(20, (5, 3), strides=strides, padding=padding, activation="relu")(x)
    x = layers.MaxPooling2D(pool, strides=2, padding=padding)(x)
    a = layers.BatchNormalization(scale=False)(layers.Conv2D(33, 3, padding="same")(x))
    b = layers.Activation("relu")(layers.Conv2D(33, 1)(x))
    x = layers.Dropout(0.5)(layers.ReLU()(layers.Add()([a, b])))
    x = layers.Dense(17, activation="relu")(layers.Flatten()(x))
    return shaken(keras.Model(inputs, layers.Dense(2, name="logits", activation="softmax")(x)))


@pytest.mark.parametrize("settings", [{}, {"padding": "valid"}, {"strides": 1}, {"strides": 3, "pool": 2},
                                      {"size": (20, 25), "pool": 2}, {"strides": (1, 2), "size": (21, 21)}])
def test_another_network_of_the_same_kinds_of_layers_works_unchanged(settings):
    model, rng = other(**settings), np.random.default_rng(0)
    height, width = settings.get("size", (19, 26))
    image = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
    pixels = np.array([[row, column, *rng.integers(0, 256, 3)] for row, column in np.ndindex(height, width)])
    logits = model.get_layer("logits")
    logits.activation = keras.activations.linear
    expected = model.predict_on_batch(set_pixels(image, pixels).astype(np.float32))
    np.testing.assert_allclose(Incremental.of(model).face(image).query(pixels[:, None]), expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("layer, message", [
    (layers.UpSampling2D(2), "expected layers of the kinds .*, Conv2D, .*, got 'it', a UpSampling2D"),
    (layers.ELU(), "got 'it', a ELU; any other network is attacked through a predict"),
    (keras.Sequential([keras.Input((9, 9, 3)), layers.Softmax()]), "expected an activation .* of 'soft.*, got softmax"),
    (layers.Conv2D(4, 3, activation="tanh"), "expected an activation linear, relu, .* of 'it', got tanh"),
    (layers.Softmax(), "expected an activation linear, relu, .*, or softmax .* at the end, of 'it', got softmax"),
    (type("Conv2D", (layers.Conv2D,), {})(4, 3), "got 'it', a Conv2D of yours")])
def test_a_layer_that_is_not_supported_is_named(layer, message):
    layer.name = "it"
    inputs = keras.Input((9, 9, 3))
    model = keras.Model(inputs, layers.Dense(2)(layers.Flatten()(layer(inputs))))
    with pytest.raises(ValueError, match=message):
        Incremental.of(model)


def test_a_sequential_model_one_that_calls_a_layer_twice_and_one_within_another_are_read_as_they_are():
    keras.utils.set_random_seed(4)
    inputs, again = keras.Input((9, 8, 3)), layers.Conv2D(3, 3, padding="same", activation="relu")
    twice = keras.Model(inputs, layers.Dense(2)(layers.Flatten()(again(layers.MaxPooling2D(2)(again(inputs))))))
    row = keras.Sequential()
    for layer in (keras.Input((9, 8, 3)), layers.Conv2D(5, 3), layers.ReLU(), layers.Flatten(), layers.Dense(2)):
        row.add(layer)
    rng = np.random.default_rng(0)
    image, pixels = rng.integers(0, 256, (9, 8, 3), dtype=np.uint8), candidates(rng, 200)
    pixels[..., :2] = rng.integers(0, 8, (200, 1, 2))
    inside = keras.Sequential([keras.Input((9, 8, 3)), layers.Rescaling(1 / 255), twice])
    for model in (twice, row, inside):
        expected = model.predict_on_batch(set_pixels(image, pixels).astype(np.float32) / 1)
        np.testing.assert_allclose(Incremental.of(model).face(image).query(pixels), expected, rtol=1e-5, atol=1e-4)


class Negated(keras.Model):
    """A model with layers that does more than they do."""

    def call(self, inputs):
        return -super().call(inputs)


def test_a_model_that_does_more_than_its_layers_is_refused_also_within_another():
    inputs = keras.Input((9, 8, 3))
    own = Negated(inputs, layers.Dense(2)(layers.Flatten()(inputs)))
    with pytest.raises(ValueError, match="expected a model of Keras' own classes, got one of Negated"):
        Incremental.of(own)
    with pytest.raises(ValueError, match="got 'negated.*', a Negated of yours; any other network"):
        Incremental.of(keras.Sequential([inputs, layers.ReLU(), own]))


def test_a_model_within_another_is_followed_each_time_that_it_is_called_and_its_last_softmax_is_left_out():
    keras.utils.set_random_seed(5)
    part = keras.Input((9, 8, 3))
    inner = keras.Model(part, layers.Conv2D(3, 3, padding="same", activation="relu")(part))
    last = keras.Sequential([keras.Input((9, 8, 3)), layers.Flatten(), layers.Dense(2), layers.Softmax()])
    inputs = keras.Input((9, 8, 3))
    model = keras.Model(inputs, last(inner(layers.Add()([inputs, inner(inputs)]))))
    image = np.random.default_rng(0).integers(0, 256, (9, 8, 3), dtype=np.uint8)
    logits = Incremental.of(model).face(image).logits.astype(float)
    expected = model.predict_on_batch(image[None].astype(np.float32) / 1)[0]
    np.testing.assert_allclose(1 / (1 + np.exp(logits[1] - logits[0])), expected[0], rtol=0, atol=1e-5)
    assert abs(logits).max() > 1, "logits, not probabilities"


def test_a_model_of_two_inputs_within_another_and_a_call_as_in_training_are_refused():
    inputs, a, b = (keras.Input((9, 8, 3)) for _ in range(3))
    both = keras.Model([a, b], layers.Add()([a, b]))
    end = keras.Sequential([keras.Input((9, 8, 3)), layers.Flatten(), layers.Dense(2)])
    with pytest.raises(ValueError, match=r"expected inputs, outputs \(1, 1\) of 'functional.*', got \(2, 1\)"):
        Incremental.of(keras.Model(inputs, end(both([inputs, inputs]))))
    with pytest.raises(ValueError, match="expected calls with training None of 'dropout.*', got True"):
        Incremental.of(keras.Model(inputs, end(layers.Dropout(0.5)(inputs, training=True))))


def test_a_network_of_images_of_any_size_or_without_a_vector_of_classes_is_refused():
    images, free = keras.Input((9, 9, 3)), keras.Input((None, None, 3))
    for model in (keras.Model(free, layers.Dense(2)(layers.GlobalAveragePooling2D()(free))),
                  keras.Model(images, layers.Conv2D(2, 3)(images)), keras.Model(images, [images, images])):
        with pytest.raises(ValueError, match=r"expected one input \(H, W, C\) and one output \(K,\), all of known"):
            Incremental.of(model)


@pytest.mark.parametrize("pixels", [[[[50, 0, 0, 0, 0]]], [[[0, -1, 0, 0, 0]]], [[[0, 0, 256, 0, 0]]],
                                    [[[0.0, 0, 0, 0, 0]]], [[0, 0, 0, 0, 0]]])
def test_a_pixel_outside_the_image_or_the_colours_is_refused(pixels):
    face = Incremental.of(networks.build("figure2", seed=1)).face(np.zeros((50, 50, 3), np.uint8))
    with pytest.raises(ValueError, match="expected (row, column|pixels)"):
        face.query(np.array(pixels))


def test_the_answer_to_a_candidate_has_the_same_bits_in_any_company():
    model, rng = networks.build("resnet", seed=1), np.random.default_rng(0)
    face = Incremental.of(model).face(rng.integers(0, 256, (50, 50, 3), dtype=np.uint8))
    pixels = candidates(rng, 2 * network.CHUNK + 7)
    together = face.query(pixels)
    assert (np.concatenate([face.query(one[None]) for one in pixels[::17]]) == together[::17]).all()
    assert (face.query(pixels[::-1])[::-1] == together).all()


def test_a_pixel_of_its_own_colour_changes_nothing_and_no_candidates_give_no_logits():
    face = Incremental.of(networks.build("figure2", seed=1)).face(np.full((50, 50, 3), 7, np.uint8))
    assert (face.query(np.array([[[49, 3, 7, 7, 7]]])) == face.logits).all()
    assert face.query(np.zeros((0, 1, 5), int)).shape == (0, 2)


@pytest.mark.parametrize("name, scaling", [*((name, "unit") for name in networks.NETWORKS), ("resnet", "median")])
def test_the_gradient_is_that_of_automatic_differentiation(name, scaling):
    model = shaken(networks.build(name, seed=2, scaling=scaling))
    kind = np.arange(50) % 3  # of nine pixels that touch no two are alike: one of them is the median
    image = 28 * (3 * kind[:, None] + kind)[..., None] + np.random.default_rng(0).integers(0, 28, (50, 50, 3))
    image = image.astype(np.uint8)
    logits, variable = keras.Model(model.inputs, model.get_layer("logits").output), tf.Variable(image[None] * 1.0)
    with tf.GradientTape() as tape:
        answer = logits(tf.cast(variable, tf.float32))[0]
        margin = answer[1] - answer[0]
    expected = tape.gradient(margin, variable)[0].numpy()
    np.testing.assert_allclose(Incremental.of(model).face(image).gradient([-1, 1]), expected, rtol=0,
                               atol=1e-5 * np.abs(expected).max())


def test_the_measured_rounding_is_small_and_another_network_is_noticed():
    built = [networks.build("figure2", seed=seed) for seed in (1, 2)]
    images = np.random.default_rng(0).integers(0, 256, (12, 50, 50, 3), dtype=np.uint8)
    right, wrong = ({"net": networks.logits(model)} for model in built)
    read = {"net": Incremental.of(built[0])}
    row = attack.check_rounding(read, right, images, seed=0, candidates=1000).loc["net"]
    assert row["candidates"] == row["same decision"] == 1000 and 0 < float(row["largest difference"]) < 1e-5
    with pytest.raises(AssertionError, match="net: expected logits within 0.0001 of the whole pass, got"):
        attack.check_rounding(read, wrong, images, seed=0, candidates=1000)


def test_what_is_no_built_model_is_refused():
    for other_thing in (keras.Sequential([layers.Flatten(), layers.Dense(2)]), lambda images: images):
        with pytest.raises(TypeError, match="expected a model of Keras 3 that is built, got a .*(Sequential|function)"):
            Incremental.of(other_thing)


def test_a_face_keeps_its_own_image_and_a_network_says_in_a_line_what_it_is():
    network, image = Incremental.of(networks.build("figure2", seed=1)), np.zeros((50, 50, 3), np.uint8)
    face = network.face(image)
    image[:] = 255
    assert not face.image.any() and (face.query(np.array([[[4, 4, 0, 0, 0]]])) == face.logits).all()
    with pytest.raises(ValueError, match="read-only"):
        face.image[0, 0] = 1
    assert repr(network) == f"Incremental({len(network.steps)} steps, images (50, 50, 3), 2 classes)"


def test_an_image_of_another_shape_or_type_is_refused():
    with pytest.raises(ValueError, match=r"expected a uint8 image \(50, 50, 3\), got float64 \(50, 50, 3\)"):
        Incremental.of(networks.build("figure2", seed=1)).face(np.zeros((50, 50, 3)))


def test_a_network_can_be_sent_to_a_process_that_has_no_keras():
    face = Incremental.of(networks.build("figure2", seed=1))
    code = ("import pickle, sys; net = pickle.load(sys.stdin.buffer); import maskdet.attack, numpy as np; "
            "print(net.face(np.zeros((50, 50, 3), np.uint8)).logits); "
            "print({'keras', 'tensorflow'} & set(sys.modules))")
    said = subprocess.run([sys.executable, "-c", code], input=pickle.dumps(face), capture_output=True, check=True)
    assert said.stdout.decode().split("\n")[1] == "set()"


def test_settings_are_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Incremental.of(networks.build("figure2", seed=1)).steps = ()
