"""Training against one pixel: what it looks for, and what its bounds promise."""

import collections
import itertools

import numpy as np
import pytest

from maskdet import networks
from maskdet.config import Recipe
from maskdet.networks import augmentation, hardening, training
from maskdet.networks.backend import keras, tf
from tensorflow.python.eager import context  # private, and the one way to the graph that is run, as it was rewritten
from test_incremental import shaken

RNG = np.random.default_rng(3)
IMAGES = RNG.integers(0, 256, (4, 50, 50, 3)).astype(np.float32)
LABELS = np.array([0, 1, 1, 0])
BRIGHT = np.arange(32) % 2  # of the class of the brighter crops
PATCHES = np.clip(RNG.normal(90, 30, (32, 100, 100, 3)) + 40 * BRIGHT[:, None, None, None], 0, 255).astype(np.uint8)


def margins(model, images, labels):
    """The true class's logit less the other's, by the whole network."""
    logits = keras.Model(model.inputs, model.layers[-1].input)([images]).numpy()
    return np.where(labels == 1, 1, -1) * (logits[:, 1] - logits[:, 0])


@pytest.mark.parametrize("name, options", [
    ("resnet", {}), ("figure2", {}), ("resnet", {"scaling": "median"}), ("figure2", {"scaling": "median"}),
    ("figure2", {"batch_normalised": True})])
def test_no_colour_of_the_pixel_has_less_than_the_least_margin(name, options):
    model = shaken(networks.build(name, seed=1, **options))
    low, high = IMAGES.copy(), IMAGES.copy()
    low[:, 20, 31], high[:, 20, 31] = 0, 255
    bound = hardening.least_margin(model, low, high, LABELS).numpy()
    for colour in [*itertools.product((0, 255), repeat=3), *RNG.integers(0, 256, (20, 3))]:
        images = IMAGES.copy()
        images[:, 20, 31] = colour
        assert (margins(model, images, LABELS) >= bound - 1e-3).all()
    same = hardening.least_margin(model, IMAGES, IMAGES, LABELS).numpy()
    assert same == pytest.approx(margins(model, IMAGES, LABELS), abs=1e-3)
    assert (bound < same).all()


def test_a_layer_that_bounds_do_not_know_is_named():
    inputs = keras.Input((6, 7, 3))
    x = keras.layers.AveragePooling2D(2)(inputs)
    model = keras.Model(inputs, keras.layers.Softmax()(keras.layers.Dense(2)(keras.layers.Flatten()(x))))
    with pytest.raises(ValueError, match="got AveragePooling2D"):
        hardening.least_margin(model, np.zeros((1, 6, 7, 3)), np.zeros((1, 6, 7, 3)), np.array([0]))


def test_the_pixel_looked_for_is_the_one_that_hurts_most_of_those_that_are_looked_at():
    inputs = keras.Input((6, 7, 3))
    keras.utils.set_random_seed(0)
    model = keras.Model(inputs, keras.layers.Dense(2, activation="softmax")(keras.layers.Flatten()(inputs / 255)))
    images = RNG.integers(0, 256, (4, 6, 7, 3)).astype(np.float32)
    looked = (RNG.random((4, 6, 7)) < 0.5).astype(np.float32)
    place, bright = hardening._worst_pixel(model, tf.constant(images), tf.constant(LABELS), tf.constant(looked))
    chosen = images + place.numpy() * (255 * bright.numpy() - images)
    right = np.arange(4), LABELS
    for n in range(4):
        tried = np.repeat(images[n][None], 42 * 8, axis=0)
        corners = itertools.product(np.ndindex(6, 7), itertools.product((0, 255), repeat=3))
        for image, ((row, column), colour) in zip(tried, corners):
            image[row, column] = colour if looked[n, row, column] else image[row, column]
        assert model(chosen).numpy()[right][n] == pytest.approx(model(tried).numpy()[:, LABELS[n]].min(), abs=1e-6)


def test_what_is_shown_is_never_easier_than_the_crop_itself():
    model, seen = shaken(networks.build("resnet", seed=1)), []
    whole = keras.Model(model.inputs[0], model.outputs[0])
    place, bright = hardening._worst_pixel(model, tf.constant(IMAGES), tf.constant(LABELS), tf.ones((4, 50, 50)))

    class Listening:
        input_shape = model.input_shape

        def __call__(self, images, training):
            seen.append(np.array(images))
            return whole(images, training=False)
    # Colours the wrong way round: both are tried.
    for colours in (bright, 1 - bright):
        hardening._witness(Listening(), tf.constant(IMAGES), tf.constant(LABELS), place, colours, 1.0)
        tried, shown = (np.log(whole(one).numpy())[np.arange(len(one)), np.resize(LABELS, len(one))]
                        for one in (seen[-2], seen[-1]))
        assert len(tried) == 12 and shown == pytest.approx(tried.reshape(3, 4).min(axis=0), abs=1e-5)
        assert ((seen[-1] != IMAGES).any(axis=-1).sum(axis=(1, 2)) <= 1).all()


def fitted(hardened, **options):
    nothing = PATCHES[:0, 25:75, 25:75], np.zeros(0)
    return training.fit("figure2", PATCHES, BRIGHT, held_out=nothing, seed=1, hardened=hardened,
                        recipe=Recipe(epochs=8, batch=16, learning_rate=2e-3), **options)


def test_training_on_bounds_raises_them_and_the_same_seed_gives_the_same_weights():
    crops = augmentation.Augmentation()(PATCHES, rng=np.random.default_rng(5))
    low, high = crops.copy(), crops.copy()
    low[:, 25, 25], high[:, 25, 25] = 0, 255
    least = {}
    for way in (None, *hardening.LOSSES):
        weights = fitted(way).weights
        model = networks.restore("figure2", weights)
        clean, bound = margins(model, crops, BRIGHT), hardening.least_margin(model, low, high, BRIGHT).numpy()
        least[way] = np.median(bound) / np.median(clean)
        if way:
            assert all(np.array_equal(one, two) for one, two in zip(weights, fitted(way).weights))
    assert least["bounds"] > least[None]


# Operations that hand on the memory of what they are given (a Sum, where it sums nothing); not all there are.
ALIASES = ("Sum", "Mean", "Reshape", "Identity", "Squeeze", "ExpandDims", "StopGradient", "PreventGradient",
           "EnsureShape", "Cast", "Transpose", "BroadcastTo", "Tile", "Slice", "StridedSlice", "Split", "Unpack")


@pytest.mark.parametrize("name, options, way", [
    ("resnet", {}, None), ("resnet", {}, "witness"), ("resnet", {}, "bounds"), ("figure2", {}, "bounds"),
    ("resnet", {"scaling": "median"}, "witness"), ("figure2", {"batch_normalised": True}, None)])
def test_the_order_in_which_three_gradients_are_added_does_not_depend_on_timing(name, options, way):
    # AddN begins with the first term whose memory nothing else holds: with the first of all, where nothing else takes
    # that, nor what it was handed its memory by.
    model, recipe = networks.build(name, seed=1, **options), Recipe(epochs=1, batch=4, learning_rate=1e-3)
    optimizer = training._optimizer(recipe, steps=2)
    optimizer.build(model.trainable_variables)
    step = (hardening.step(model, optimizer, way, steps=2, rng=np.random.default_rng(0)) if way
            else training._step(model, optimizer))
    with context.collect_graphs(optimized=True) as graphs:
        step(IMAGES, LABELS)
    sums = 0
    for graph in graphs:
        operations = {node.name: node.op for node in graph.node}
        terms = {node.name: [term.removesuffix(":0") for term in node.input if not term.startswith("^")]
                 for node in graph.node}
        taken = collections.Counter(itertools.chain.from_iterable(terms.values()))
        for first in [terms[own][0] for own, kind in operations.items() if kind == "AddN" and len(terms[own]) > 2]:
            sums += 1
            while taken[first] == 1 and operations[(made := first.split(":")[0])] in ALIASES:
                first = terms[made][0]
            assert taken[first] == 1
    assert sums


def test_a_way_that_is_not_known_and_scaled_crops_are_refused():
    with pytest.raises(ValueError, match="one of witness, bounds, got 'magic'"):
        fitted("magic")
    with pytest.raises(ValueError, match="colours 0 to 255"):
        fitted("witness", scaling="l2")
