"""Bounds hold: of each neuron and of the margin, for every colour of a region, in any float32 run."""

import dataclasses
import itertools

import numpy as np
import pytest

from maskdet import networks
from maskdet.attack import set_pixels
from maskdet.attack.goals import Goal
from maskdet.attack.oracle import margin
from maskdet.incremental import Incremental
from maskdet.incremental.bends import Relu
from maskdet.incremental.layers import Change, Dense, rows
from maskdet.networks import deeper
from maskdet.networks.backend import keras
from maskdet.proof import Bounds, Regions, backward, rounding
from test_incremental import other, shaken, whole


def test_a_median_behind_another_layer_is_refused():
    inputs = keras.Input((9, 8, 3))
    seen = networks.Median()(keras.layers.Rescaling(1 / 255)(inputs))
    model = keras.Model(inputs, keras.layers.Dense(2)(keras.layers.Flatten()(seen)))
    bounds = Bounds.of(Incremental.of(model).face(np.zeros((9, 8, 3), np.uint8)), Goal(0))
    with pytest.raises(ValueError, match="expected a median of the image itself, got one of tensor 1"):
        bounds.margin(Regions.of(np.array([[3, 3]]), np.zeros((1, 3), int), np.full((1, 3), 255)))


def test_a_step_that_slopes_are_not_known_to_go_through_is_an_error_that_names_it():
    bend, one = Relu(inputs=(0,), shape=(1, 1, 2)), Change(np.arange(2), np.zeros(1, np.int32), np.zeros((1, 16)))
    with pytest.raises(ValueError, match="expected a linear step whose slopes are known, got Relu"):
        backward._pulled(bend, np.zeros((1, 16)), one, [one])


def regions(rng, count, shape, *, width):
    """Random regions of colours, as wide as `width` at most, at random places and at the corners."""
    places = rng.integers(0, shape[:2], (count, 2))
    places[:4] = [(0, 0), (0, shape[1] - 1), (shape[0] - 1, 0), (shape[0] - 1, shape[1] - 1)]
    low = rng.integers(0, 256, (count, shape[2]))
    return Regions.of(places, low, np.minimum(low + rng.integers(0, width + 1, low.shape), 255))


def inside(rng, region, count):
    """Pixels of a region: its corners and others at random."""
    channels = region.low.shape[-1]
    colours = rng.integers(region.low, region.high + 1, (count, channels))
    ends = np.array(list(np.ndindex((2,) * channels)))[:count]
    colours[:len(ends)] = np.where(ends == 1, region.high, region.low)
    return np.column_stack([np.tile(region.places, (count, 1)), colours])


def linear_end(model):
    """The model without the softmax that its last layer brings."""
    model.get_layer("logits").activation = keras.activations.linear
    return model


def many(*, channels=1):
    """A network of ten classes of the kinds of layers that the others do not have."""
    keras.utils.set_random_seed(5)
    inputs = keras.Input((17, 14, channels))
    x = layers.ZeroPadding2D(((0, 1), (2, 1)))(layers.Normalization(mean=90.0, variance=60.0**2, axis=None)(inputs))
    x = layers.Conv2D(12, 3, strides=2, dilation_rate=1, activation="leaky_relu")(x)
    y = layers.DepthwiseConv2D(3, padding="same")(x)
    y = layers.ReLU(1.5)(layers.BatchNormalization()(y))
    y = layers.SeparableConv2D(9, 3, dilation_rate=2, padding="same")(y)
    y = layers.PReLU(keras.initializers.RandomUniform(0, 1))(y)
    x = layers.Concatenate()([y, layers.AveragePooling2D(3, 1, padding="same")(x)])
    x = layers.ReLU(max_value=1, negative_slope=0.3)(layers.Conv2D(21, 3, groups=3)(x))
    a = layers.ReLU()(layers.BatchNormalization()(layers.Flatten()(layers.AveragePooling2D(2)(x))))
    x = layers.Concatenate()([layers.Dense(6)(a), layers.GlobalMaxPooling2D()(x), layers.GlobalAveragePooling2D()(x)])
    return shaken(keras.Model(inputs, layers.Dense(10, name="logits")(x)))


layers = keras.layers
NETWORKS = {name: lambda name=name: shaken(networks.build(name, seed=1)) for name in networks.NETWORKS} | {
    "deeper": lambda: shaken(networks.build("resnet", seed=1, make=deeper.resnet)),
    "median": lambda: shaken(networks.build("resnet", seed=1, scaling="median")),
    "many": many, "many, four channels": lambda: many(channels=4), "other": lambda: linear_end(other()),
    "overlapping": lambda: linear_end(other(padding="valid", pool=2, size=(20, 25)))}


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("width", [0, 40, 255])
def test_no_colour_of_a_box_has_less_than_its_bound_in_either_way_of_running_the_network(name, width):
    model, rng = NETWORKS[name](), np.random.default_rng(width)
    network, run = Incremental.of(model), whole(model)
    image = rng.integers(0, 256, network.shape, dtype=np.uint8)
    face, several = network.face(image), regions(rng, 24, image.shape, width=width)
    goals = [Goal(0), Goal(1)] + [Goal(3, target=7), Goal(9)] * (network.classes > 2)
    for goal, rough in itertools.product(goals, (False, True)):
        least, *_ = Bounds.of(face, goal).margin(dataclasses.replace(several, rough=np.full(24, rough)))
        for n in range(len(several)):
            pixels = inside(rng, several[n], 40)
            queried, passed = face.query(pixels[:, None]), run(set_pixels(image, pixels))
            assert least[n] <= min(goal.margin(queried).min(), goal.margin(passed).min())


@pytest.mark.parametrize("weights", [(0.3, 0.6, 0.1), (0.5, -0.2, 0.0)])
def test_a_network_of_greys_has_bounds_of_intervals_of_them_that_hold(weights):
    model, rng = networks.build("figure2", seed=1), np.random.default_rng(3)
    model.get_layer("grey").set_weights([np.reshape(weights, (1, 1, 3, 1))])
    network, run = Incremental.of(shaken(model)), whole(model)
    image = rng.integers(0, 256, network.shape, dtype=np.uint8)
    face, several = network.face(image), regions(rng, 12, network.shape, width=255)
    for goal, rough in itertools.product((Goal(0), Goal(1)), (False, True)):
        bounds = Bounds.of(face, goal)
        low = rng.uniform(0, 255, (12, 1))
        greys = Regions.of(several.places, low, np.minimum(low + rng.uniform(0, 200, low.shape), 255))
        least, *_ = bounds.margin(dataclasses.replace(greys, rough=np.full(12, rough)))
        for n in range(12):
            colours = rng.integers(0, 256, (20_000, 3))
            ends = bounds.colours(np.array([greys.low[n], greys.high[n]]))
            level = (colours @ weights - 255 * np.minimum(weights, 0).sum()) / np.abs(weights).sum()
            colours = colours[(level >= greys.low[n]) & (level <= greys.high[n])][:300]
            of_ends = (ends @ weights - 255 * np.minimum(weights, 0).sum()) / np.abs(weights).sum()
            assert (np.abs(of_ends - [greys.low[n, 0], greys.high[n, 0]]) < 0.5).all()
            pixels = np.column_stack([np.tile(several.places[n], (len(colours), 1)), colours])
            margins = [goal.margin(face.query(pixels[:, None])), goal.margin(run(set_pixels(image, pixels)))]
            assert not len(colours) or least[n] <= np.min(margins)


def test_only_a_sum_of_the_colours_that_nothing_passes_by_is_a_grey():
    def greys(*row):
        x = inputs = keras.Input((9, 8, 3))
        for layer in row:
            x = layer(x)
        network = Incremental.of(shaken(keras.Model(inputs, layers.Dense(2)(layers.Flatten()(x)))))
        return Bounds.of(network.face(np.zeros((9, 8, 3), np.uint8)), Goal(int(network.face(
            np.zeros((9, 8, 3), np.uint8)).logits.argmax()))).greys
    scaled, one = layers.Rescaling([0.1, 0.2, 0.3], [1, 2, 3]), layers.Conv2D(1, 1)
    found = greys(scaled, one, layers.ReLU())
    kernel, bias = (np.asarray(value, float) for value in one.get_weights())
    np.testing.assert_allclose(found.weights, kernel[0, 0, :, 0] * [0.1, 0.2, 0.3], rtol=1e-6)
    np.testing.assert_allclose(found.offset, kernel[0, 0, :, 0] @ [1, 2, 3] + bias[0], rtol=1e-6)
    for row in ([scaled], [layers.Conv2D(1, 3)], [layers.Conv2D(2, 1)], [layers.ReLU(), layers.Conv2D(1, 1)],
                [layers.Conv2D(1, 1, strides=2)],
                [lambda x: layers.Concatenate()([layers.Conv2D(1, 1)(x), x])]):
        assert greys(*row) is None


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("rough", [False, True])
def test_every_tensor_stays_where_its_form_says_and_between_its_lines(name, rough):
    network, rng = Incremental.of(NETWORKS[name]()), np.random.default_rng(3)
    image = rng.integers(0, 256, network.shape, dtype=np.uint8)
    bounds, several = Bounds.of(network.face(image), Goal(0)), regions(rng, 8, network.shape, width=160)
    forms, clean = bounds._forms(several, rough), bounds.face.tensors
    pixels = [(n, pixel) for n in range(8) for pixel in inside(rng, several[n], 12)]
    for n, pixel in pixels:
        tensors = rounding.exact(network.steps, set_pixels(image, pixel[None])[0])
        for number, form in enumerate(forms):
            slots = slice(*form.centre.first[n:n + 2])
            at, tiny = form.centre.place[slots], 1e-6 * (1 + np.abs(tensors[number]).max())
            moved = tensors[number] - clean[number]
            assert np.isin(np.flatnonzero(moved.any(axis=1)), at).all()
            away = np.abs(moved[at] - form.centre.values[slots])
            assert (away <= form.spread[slots] + form.radius[slots] + tiny).all()
            if form.relaxation is not None:
                x = tensors[network.steps[number - 1].inputs[0]]
                x = x[at] if form.relaxation.tap is None else np.take_along_axis(x, form.relaxation.tap[slots], axis=0)
                low, high = (share[slots] * x + offset[slots]
                             for share, offset in zip(form.relaxation.share, form.relaxation.offset))
                assert (low - tiny <= tensors[number][at]).all() and (tensors[number][at] <= high + tiny).all()


def test_a_rough_bound_is_as_a_rule_the_lower_one():
    network, rng = Incremental.of(NETWORKS["deeper"]()), np.random.default_rng(0)
    bounds = Bounds.of(network.face(rng.integers(0, 256, network.shape, dtype=np.uint8)), Goal(0))
    several = regions(rng, 24, network.shape, width=255)
    rough, close = (bounds.margin(dataclasses.replace(several, rough=np.full(24, one)))[0] for one in (True, False))
    assert (rough < close - 1e-3).sum() > 12 and (rough < close + 1e-3).all()


def test_nothing_is_steeper_than_the_steepest_slope_which_positive_weights_have():
    network, rng = Incremental.of(NETWORKS["other"]()), np.random.default_rng(0)
    absolutes = tuple(map(rounding.absolute, network.steps))
    for image in rng.integers(0, 256, (5, *network.shape), dtype=np.uint8):
        face = network.face(image)
        steep, slope = rounding.steepest(network.steps, absolutes, face.tensors), np.abs(face.gradient([1, -1]))
        assert (slope <= steep[0][:, :3].reshape(slope.shape)).all() and slope.max() > 0
    weights = rng.random((12, 3, 2)) * [1, 0]  # of one class: nothing cancels
    only = Dense(inputs=(0,), shape=(1, 1, 2), kernel=rows(weights), offset=rows(np.zeros(2)))
    sums = Incremental((only,), (4, 3, 3))
    face = sums.face(np.ones((4, 3, 3), np.uint8))
    steep = rounding.steepest(sums.steps, tuple(map(rounding.absolute, sums.steps)), face.tensors)
    np.testing.assert_allclose(steep[0][:, :3].reshape(4, 3, 3), face.gradient([1, -1]), rtol=2e-3)


@pytest.mark.parametrize("name", ["deeper", "figure2"])
def test_where_rounding_decides_it_is_looked_at_more_closely_and_a_small_margin_is_proved(name):
    network = Incremental.of(NETWORKS[name]())
    image = np.random.default_rng(0).integers(0, 256, (50, 50, 3), dtype=np.uint8)
    own = margin(network.face(image).logits, 0)
    last = network.steps[-1]
    near = dataclasses.replace(last, offset=last.offset + rows(np.array([0.3 - own, 0])))  # now it is 0.3
    face = dataclasses.replace(network, steps=(*network.steps[:-1], near)).face(image)
    bounds, colour = Bounds.of(face, Goal(0)), image[7:8, 8].astype(int)
    still = Regions.of(np.array([[7, 8]]), colour, colour)
    assert 0 < bounds.margin(still)[0][0] < 0.3 - bounds.doubt / 2
    assert Bounds.of(face, Goal(1)).margin(still)[0][0] < -0.3
    if name == "deeper":
        assert bounds.slack[-1][0, :2].sum() > 0.3, "roundings, each as harmful as it can be, would forbid it"


def test_regions_that_become_smaller_have_bounds_that_become_exact():
    network, rng = Incremental.of(NETWORKS["other"]()), np.random.default_rng(0)
    face = network.face(rng.integers(0, 256, network.shape, dtype=np.uint8))
    bounds, gaps = Bounds.of(face, Goal(0)), []
    for width in (255, 100, 30, 8, 2):
        region = Regions.of(np.array([[10, 11]]), np.zeros((1, 3), int), np.full((1, 3), width))
        margins = margin(face.query(inside(rng, region[0], 500)[:, None]), 0)
        (low,), _, (doubt,) = bounds.margin(region)
        gaps.append(margins.min() - low - doubt)
    assert gaps == sorted(gaps, reverse=True) and 0 < gaps[-1] < gaps[0] / 20


@pytest.mark.parametrize("name", ["figure2", "resnet"])
def test_a_bound_does_not_depend_on_its_company_rough_or_close(name):
    network, rng = Incremental.of(NETWORKS[name]()), np.random.default_rng(0)
    bounds = Bounds.of(network.face(rng.integers(0, 256, network.shape, dtype=np.uint8)), Goal(0))
    several = dataclasses.replace(regions(rng, 12, network.shape, width=200), rough=np.arange(12) % 3 > 0)
    together, alone = bounds.margin(several), [bounds.margin(several[n:n + 1]) for n in range(12)]
    for one, parts in zip(together, zip(*alone)):
        np.testing.assert_allclose(np.concatenate(parts), one, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("name", ["figure2", "other"])
def test_no_float32_run_is_further_from_the_exact_tensors_than_the_slack(name):
    model, rng = NETWORKS[name](), np.random.default_rng(0)
    network = Incremental.of(model)
    for image in rng.integers(0, 256, (5, *network.shape), dtype=np.uint8):
        tensors = rounding.exact(network.steps, image)
        _, slack = rounding.accumulated(network.steps, tuple(map(rounding.absolute, network.steps)), tensors)
        for exact, run, most in zip(tensors, network.face(image).tensors, slack):
            assert (np.abs(exact - run) <= most).all()
        assert np.abs(whole(model)(image[None])[0] - tensors[-1][0, :2]).max() <= slack[-1][0, :2].max() < 0.1


def test_a_sum_is_within_the_slack_in_whatever_order_it_is_made():
    rng = np.random.default_rng(0)
    weights, image = rng.normal(0, 0.1, (400, 3, 1)), rng.integers(0, 256, (20, 20, 3), dtype=np.uint8)
    weights = np.concatenate([weights, -weights], axis=2)
    last = Dense(inputs=(0,), shape=(1, 1, 2), kernel=rows(weights), offset=rows(np.array([0.3, -0.3])))
    tensors = rounding.exact((last,), image)
    slack = rounding.accumulated((last,), (rounding.absolute(last),), tensors)[1][-1][0, 0]
    products = (image.reshape(400, 3).astype(np.float32) * last.kernel[:, :, 0]).ravel()
    orders = [rng.permutation(1200) for _ in range(50)] + [np.argsort(products), np.argsort(-products)]
    sums = [np.cumsum(products[order], dtype=np.float32)[-1] + np.float32(0.3) for order in orders]
    far = np.abs(np.array(sums) - tensors[-1][0, 0])
    assert slack / 100 < far.max() <= slack
