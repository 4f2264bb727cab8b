"""What is proved holds: for every colour of a box, in any float32 run, whatever is planted."""

import dataclasses
import itertools

import numpy as np
import pytest
from PIL import Image

from maskdet import drawing, models, proof
from maskdet.attack import changed
from maskdet.attack.oracle import margin
from maskdet.backend import keras
from maskdet.incremental import Incremental
from maskdet.incremental.layers import Dense, Relu, rows
from maskdet.proof import Bounds, Boxes, branching, rounding
from test_incremental import other, shaken, whole


@pytest.fixture(scope="module")
def drawn():
    """Two faces drawn by code, (2, 50, 50, 3)."""
    scene = drawing.scene(rng=np.random.default_rng(8), people=2)
    return np.stack([np.asarray(Image.fromarray(scene.photograph).crop((box.left, box.top, box.right, box.bottom))
                                .resize((50, 50))) for box in scene.boxes[:2]])


def test_a_median_behind_another_layer_is_refused():
    inputs = keras.Input((9, 8, 3))
    seen = models.Median()(keras.layers.Rescaling(1 / 255)(inputs))
    model = keras.Model(inputs, keras.layers.Dense(2)(keras.layers.Flatten()(seen)))
    bounds = Bounds.of(Incremental.of(model).face(np.zeros((9, 8, 3), np.uint8)))
    with pytest.raises(ValueError, match="expected a median of the image itself, got one of tensor 1"):
        bounds.margin(0, Boxes.of(np.array([[3, 3]]), np.zeros((1, 3), int), np.full((1, 3), 255)))


def boxes(rng, count, shape, *, width):
    """Random boxes of colours, as wide as `width` at most, at random places and at the corners."""
    places = rng.integers(0, shape[:2], (count, 2))
    places[:4] = [(0, 0), (0, shape[1] - 1), (shape[0] - 1, 0), (shape[0] - 1, shape[1] - 1)]
    low = rng.integers(0, 256, (count, 3))
    return Boxes.of(places, low, np.minimum(low + rng.integers(0, width + 1, (count, 3)), 255))


def inside(rng, box, count):
    """Pixels of one box: its corners and others at random."""
    colours = rng.integers(box.low, box.high + 1, (count, 3))
    colours[:8] = np.where(np.array(list(np.ndindex(2, 2, 2))) == 1, box.high, box.low)
    return np.column_stack([np.tile(box.places, (count, 1)), colours])


def linear_end(model):
    """The model without the softmax that its last layer brings."""
    model.get_layer("logits").activation = keras.activations.linear
    return model


NETWORKS = {name: lambda name=name: shaken(models.build(name, seed=1)) for name in models.NETWORKS} | {
    "median": lambda: shaken(models.build("resnet", seed=1, scaling="median")),
    "other": lambda: linear_end(other()),
    "overlapping": lambda: linear_end(other(padding="valid", pool=2, size=(20, 25)))}


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("width", [0, 40, 255])
def test_no_colour_of_a_box_has_less_than_its_bound_in_either_way_of_running_the_network(name, width):
    model, rng = NETWORKS[name](), np.random.default_rng(width)
    network, run = Incremental.of(model), whole(model)
    image = rng.integers(0, 256, network.shape, dtype=np.uint8)
    face, several = network.face(image), boxes(rng, 24, image.shape, width=width)
    bounds = Bounds.of(face)
    for label, rough in itertools.product((0, 1), (False, True)):
        least, *_ = bounds.margin(label, dataclasses.replace(several, rough=np.full(24, rough)))
        for n in range(len(several)):
            pixels = inside(rng, several[n], 40)
            asked, passed = face.ask(pixels[:, None]), run(changed(image, pixels))
            assert least[n] <= min(margin(asked, label).min(), margin(passed, label).min())


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("rough", [False, True])
def test_every_tensor_stays_where_its_form_says_and_between_its_lines(name, rough):
    network, rng = Incremental.of(NETWORKS[name]()), np.random.default_rng(3)
    image = rng.integers(0, 256, network.shape, dtype=np.uint8)
    bounds, several = Bounds.of(network.face(image)), boxes(rng, 8, network.shape, width=160)
    forms, clean = bounds._forms(several, rough), bounds.face.tensors
    pixels = [(n, pixel) for n in range(8) for pixel in inside(rng, several[n], 12)]
    for n, pixel in pixels:
        tensors = rounding.exact(network.steps, changed(image, pixel[None])[0])
        for number, form in enumerate(forms):
            slots = slice(*form.centre.first[n:n + 2])
            at, tiny = form.centre.place[slots], 1e-6 * (1 + np.abs(tensors[number]).max())
            moved = tensors[number] - clean[number]
            assert np.isin(np.flatnonzero(moved.any(axis=1)), at).all()
            away = np.abs(moved[at] - form.centre.values[slots])
            assert (away <= form.spread[slots] + form.radius[slots] + tiny).all()
            if form.lines is not None:
                x = tensors[network.steps[number - 1].inputs[0]]
                x = x[at] if form.lines.tap is None else np.take_along_axis(x, form.lines.tap[slots], axis=0)
                low, high = (share[slots] * x + offset[slots]
                             for share, offset in zip(form.lines.share, form.lines.offset))
                assert (low - tiny <= tensors[number][at]).all() and (tensors[number][at] <= high + tiny).all()


def test_a_rough_bound_is_as_a_rule_the_lower_one():
    network, rng = Incremental.of(NETWORKS["resnet"]()), np.random.default_rng(0)
    bounds = Bounds.of(network.face(rng.integers(0, 256, network.shape, dtype=np.uint8)))
    several = boxes(rng, 24, network.shape, width=255)
    rough, close = (bounds.margin(0, dataclasses.replace(several, rough=np.full(24, one)))[0] for one in (True, False))
    assert (rough < close - 1e-3).sum() > 12 and (rough < close + 1e-3).all()


def test_nothing_is_steeper_than_the_steepest_slope_which_positive_weights_have():
    network, rng = Incremental.of(NETWORKS["other"]()), np.random.default_rng(0)
    absolutes = tuple(map(rounding.absolute, network.steps))
    for image in rng.integers(0, 256, (5, *network.shape), dtype=np.uint8):
        face = network.face(image)
        steep, slope = rounding.steepest(network.steps, absolutes, face.tensors), np.abs(face.gradient(0))
        assert (slope <= steep[0][:, :3].reshape(slope.shape)).all() and slope.max() > 0
    weights = rng.random((12, 3, 2)) * [1, 0]  # of one class: nothing cancels
    only = Dense(inputs=(0,), shape=(1, 1, 2), kernel=rows(weights), offset=rows(np.zeros(2)))
    sums = Incremental((only,), (4, 3, 3))
    face = sums.face(np.ones((4, 3, 3), np.uint8))
    steep = rounding.steepest(sums.steps, tuple(map(rounding.absolute, sums.steps)), face.tensors)
    np.testing.assert_allclose(steep[0][:, :3].reshape(4, 3, 3), face.gradient(0), rtol=2e-3)


@pytest.mark.parametrize("name", ["resnet", "figure2"])
def test_where_rounding_decides_it_is_looked_at_more_closely_and_a_small_margin_is_proved(name):
    network = Incremental.of(shaken(models.build(name, seed=1)))
    image = np.random.default_rng(0).integers(0, 256, (50, 50, 3), dtype=np.uint8)
    own = margin(network.face(image).logits, 0)
    last = network.steps[-1]
    near = dataclasses.replace(last, offset=last.offset + rows(np.array([0.1 - own, 0])))  # now it is 0.1
    face = dataclasses.replace(network, steps=(*network.steps[:-1], near)).face(image)
    bounds, still = Bounds.of(face), Boxes.of(np.array([[7, 8]]), image[7:8, 8].astype(int), image[7:8, 8].astype(int))
    assert 0 < bounds.margin(0, still)[0][0] < 0.1 - bounds.doubt / 2 and bounds.margin(1, still)[0][0] < -0.1
    if name == "resnet":
        assert bounds.slack[-1][0, :2].sum() > 0.1, "roundings, each as harmful as it can be, would forbid it"


def test_boxes_that_become_smaller_have_bounds_that_become_exact():
    network, rng = Incremental.of(NETWORKS["other"]()), np.random.default_rng(0)
    face = network.face(rng.integers(0, 256, network.shape, dtype=np.uint8))
    bounds, gaps = Bounds.of(face), []
    for width in (255, 100, 30, 8, 2):
        box = Boxes.of(np.array([[10, 11]]), np.zeros((1, 3), int), np.full((1, 3), width))
        asked = margin(face.ask(inside(rng, box[0], 500)[:, None]), 0)
        (low,), _, (doubt,) = bounds.margin(0, box)
        gaps.append(asked.min() - low - doubt)
    assert gaps == sorted(gaps, reverse=True) and 0 < gaps[-1] < gaps[0] / 20


@pytest.mark.parametrize("name", ["figure2", "resnet"])
def test_a_bound_does_not_depend_on_its_company_rough_or_close(name):
    network, rng = Incremental.of(NETWORKS[name]()), np.random.default_rng(0)
    bounds = Bounds.of(network.face(rng.integers(0, 256, network.shape, dtype=np.uint8)))
    several = dataclasses.replace(boxes(rng, 12, network.shape, width=200), rough=np.arange(12) % 3 > 0)
    together, alone = bounds.margin(1, several), [bounds.margin(1, several[n:n + 1]) for n in range(12)]
    for one, parts in zip(together, zip(*alone)):
        np.testing.assert_allclose(np.concatenate(parts), one, rtol=1e-6, atol=1e-9)


def test_a_face_that_the_network_has_wrong_is_not_decided():
    face = bump((1, 2, 3)).face(np.zeros((6, 5, 3), np.uint8))
    with pytest.raises(ValueError, match="expected a face that the network has right, class 1, got logits"):
        proof.decide(face, 1)


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


def tiny(seed):
    """A network on 2x2 pixels, of plain arrays: four bends, then two logits."""
    rng = np.random.default_rng(seed)
    first = Dense(inputs=(0,), shape=(1, 1, 4), kernel=rows(rng.normal(0, 0.02, (4, 3, 4))),
                  offset=rows(rng.normal(0, 1, 4)))
    last = Dense(inputs=(2,), shape=(1, 1, 2), kernel=rows(rng.normal(0, 1, (1, 4, 2))), offset=rows(np.zeros(2)))
    return first, Relu(inputs=(1,), shape=(1, 1, 4)), last


def brute_force(steps, image):
    """The least margin of class 0 over every colour of every pixel, in float64."""
    first, _, last = steps
    weights, apart = first.kernel[..., :4].astype(float), (last.kernel[0, :4, 0] - last.kernel[0, :4, 1]).astype(float)
    still, least = np.einsum("pc,pcj->j", image.reshape(4, 3).astype(float), weights) + first.offset[:4], np.inf
    colours = np.arange(256.0)
    for place in range(4):
        rest = still - image.reshape(4, 3)[place] @ weights[place]
        red, green, blue = (np.multiply.outer(colours, weights[place, channel]) for channel in range(3))
        for r in range(256):
            neurons = rest + red[r] + green[:, None] + blue
            least = min(least, (np.maximum(neurons, 0) @ apart).min())
    return least + float(last.offset[0] - last.offset[1])


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("above, verdict", [(0.05, proof.SAFE), (-0.05, proof.FLIPPABLE)])
def test_the_verdict_on_a_network_of_a_few_pixels_is_that_of_brute_force_over_every_colour(seed, above, verdict):
    first, relu, last = tiny(seed)
    image = np.random.default_rng(seed).integers(0, 256, (2, 2, 3), dtype=np.uint8)
    least = brute_force((first, relu, last), image)
    last = dataclasses.replace(last, offset=last.offset + rows(np.array([above - least, 0])))  # now it is `above`
    face = Incremental((first, relu, last), (2, 2, 3)).face(image)
    assert margin(face.logits, 0) > 0
    found = proof.decide(face, 0, budget=50_000)
    assert found.verdict == verdict
    assert found.reached.min() > above - 1e-3 and (verdict == proof.FLIPPABLE or 0 < found.proved.min() <= above)


def bump(colour, height=1.0):
    """A network on 6x5 pixels that sees one colour at one place, and there alone turns: no corner shows it."""
    kernel, offset = np.zeros((30, 3, 9)), np.zeros(9)
    for channel, middle in enumerate(colour):  # a tent of height 1 around the value, 2 wide on each side
        kernel[13, channel, 3 * channel:3 * channel + 3] = 1
        offset[3 * channel:3 * channel + 3] = np.array([2, 0, -2]) - middle
    tents = Dense(inputs=(0,), shape=(1, 1, 9), kernel=rows(kernel), offset=rows(offset))
    together = Dense(inputs=(2,), shape=(1, 1, 1), kernel=rows(np.tile([[0.5], [-1], [0.5]], (3, 1))[None]),
                     offset=rows(np.array([-2.5])))  # half of it only where all three are there
    last = Dense(inputs=(4,), shape=(1, 1, 2), kernel=rows(np.array([[[-height, height]]])),
                 offset=rows(np.array([0.4, 0.0])))
    return Incremental((tents, Relu(inputs=(1,), shape=(1, 1, 9)), together, Relu(inputs=(3,), shape=(1, 1, 1)), last),
                       (6, 5, 3))


@pytest.mark.parametrize("colour", [(128, 64, 200), (3, 250, 77), (17, 17, 18)])
def test_a_planted_colour_that_no_corner_shows_is_found(colour):
    face = bump(colour).face(np.zeros((6, 5, 3), np.uint8))
    found = proof.decide(face, 0, budget=50_000)
    assert found.verdict == proof.FLIPPABLE and np.argwhere(found.flips).tolist() == [[2, 3]]
    assert found.witness == (2, 3, *colour)
    weaker = proof.decide(bump(colour, height=0.3).face(np.zeros((6, 5, 3), np.uint8)), 0, budget=50_000)
    assert weaker.verdict == proof.SAFE and weaker.proved[2, 3] < 0.4 - 0.3 + 1e-6


def test_a_face_whose_budget_is_spent_is_neither_safe_nor_flippable():
    found = proof.decide(bump((128, 64, 200)).face(np.zeros((6, 5, 3), np.uint8)), 0, budget=34)
    assert found.verdict == proof.UNDECIDED and np.argwhere(found.proved <= 0).tolist() == [[2, 3]]
    assert found.proved[2, 3] == -np.inf and found.boxes <= 34
    less = proof.decide(bump((128, 64, 200)).face(np.zeros((6, 5, 3), np.uint8)), 0, budget=7)
    assert less.verdict == proof.UNDECIDED and less.boxes <= 7 and (less.proved > 0).sum() <= 7


def test_a_margin_within_rounding_is_never_called_safe():
    def face(above):
        still = Dense(inputs=(0,), shape=(1, 1, 2), kernel=rows(np.zeros((4, 3, 2))), offset=rows(np.array([above, 0])))
        return Incremental((still,), (2, 2, 3)).face(np.full((2, 2, 3), 100, np.uint8))
    assert proof.decide(face(1e-7), 0).verdict == proof.UNDECIDED
    assert proof.decide(face(1e-4), 0).verdict == proof.SAFE


@pytest.mark.parametrize("name", models.NETWORKS)
def test_on_proved_faces_none_of_a_million_candidates_flips(name, drawn):
    network, rng, proved = Incremental.of(models.shipped(name)), np.random.default_rng(0), 0
    for image in drawn:
        face = network.face(image)
        label = int(face.logits.argmax())
        places = slice(None) if name == "figure2" else slice(0, None, 25)
        chosen = np.argwhere(np.ones((50, 50), bool))[places]
        found = proof.decide(face, label, places=chosen, budget=6000)
        rows_, columns = chosen.T
        safe = chosen[found.proved[rows_, columns] > 0]
        pixels = np.column_stack([safe[rng.integers(0, len(safe), 250_000)], rng.integers(0, 256, (250_000, 3))])
        margins = margin(face.ask(pixels[:, None]), label)
        assert margins.min() > 0
        proved += len(safe)
        np.testing.assert_array_less(found.proved[pixels[:, 0], pixels[:, 1]], margins)
    assert proved > len(chosen)


@pytest.mark.parametrize("times, least", [([1, 1], 4), ([3, 2], 12), ([9, 0], 33)])
def test_the_parts_of_boxes_cover_each_colour_once(times, least):
    low, high = np.array([[0, 10, 7], [4, 4, 4]]), np.array([[3, 13, 8], [9, 9, 9]])
    boxes = Boxes(np.array([[1, 2], [3, 4]]), low, high, np.array([0.5, np.inf]), np.array([True, False]))
    parts = branching._parts(boxes, np.ones((2, 3)), np.array(times))
    assert len(parts) >= least and (parts.high >= parts.low).all()
    for place, doubt, lowest, highest in zip(boxes.places, boxes.doubt, low, high):
        own = (parts.places == place).all(axis=1)
        assert (parts.doubt[own] == doubt).all()
        colours = [colour for a, b in zip(parts.low[own], parts.high[own])
                   for colour in itertools.product(*map(range, a, b + 1))]
        assert sorted(colours) == sorted(itertools.product(*map(range, lowest, highest + 1)))
