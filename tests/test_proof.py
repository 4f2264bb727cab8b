"""A verdict is true: as brute force has it, whatever is planted, and with a budget that is spent."""

import dataclasses
import itertools
import time

import numpy as np
import pytest
from PIL import Image

from maskdet import drawing, networks, proof
from maskdet.attack.goals import Goal
from maskdet.incremental import Incremental
from maskdet.incremental.bends import Relu
from maskdet.incremental.layers import Dense, rows
from maskdet.proof import Regions, branching


@pytest.fixture(scope="module")
def drawn():
    """Two faces drawn by code, (2, 50, 50, 3)."""
    scene = drawing.scene(rng=np.random.default_rng(8), people=2)
    return np.stack([np.asarray(Image.fromarray(scene.photograph).crop((box.left, box.top, box.right, box.bottom))
                                .resize((50, 50))) for box in scene.boxes[:2]])


def tiny(seed, classes=2):
    """A network on 2x2 pixels, of plain arrays: four bends, then a logit for each of the `classes`."""
    rng = np.random.default_rng(seed)
    first = Dense(inputs=(0,), shape=(1, 1, 4), kernel=rows(rng.normal(0, 0.02, (4, 3, 4))),
                  offset=rows(rng.normal(0, 1, 4)))
    last = Dense(inputs=(2,), shape=(1, 1, classes), kernel=rows(rng.normal(0, 1, (1, 4, classes))),
                 offset=rows(np.zeros(classes)))
    return first, Relu(inputs=(1,), shape=(1, 1, 4)), last


def brute_force(steps, image, goal):
    """The least margin over every colour of every pixel, in float64."""
    first, _, last = steps
    weights, classes = first.kernel[..., :4].astype(float), last.shape[2]
    still, least = np.einsum("pc,pcj->j", image.reshape(4, 3).astype(float), weights) + first.offset[:4], np.inf
    colours = np.arange(256.0)
    for place in range(4):
        rest = still - image.reshape(4, 3)[place] @ weights[place]
        red, green, blue = (np.multiply.outer(colours, weights[place, channel]) for channel in range(3))
        for r in range(256):
            neurons = rest + red[r] + green[:, None] + blue
            logits = np.maximum(neurons, 0) @ last.kernel[0, :4, :classes].astype(float) + last.offset[:classes]
            least = min(least, goal.margin(logits).min())
    return least


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("above, verdict", [(0.05, proof.SAFE), (-0.05, proof.FLIPPABLE)])
@pytest.mark.parametrize("classes, targeted", [(2, False), (3, False), (4, True)])
def test_the_verdict_on_a_network_of_a_few_pixels_is_that_of_brute_force(seed, above, verdict, classes, targeted):
    steps = tiny(seed, classes)
    image = np.random.default_rng(seed).integers(0, 256, (2, 2, 3), dtype=np.uint8)
    logits = Incremental(steps, (2, 2, 3)).face(image).logits
    goal = Goal(int(logits.argmax()), target=int(logits.argmin()) if targeted else None)
    shift, last = above - brute_force(steps, image, goal), steps[2]
    # Now the least margin, over all colours, is `above`.
    moved = np.where(np.arange(classes) == (goal.target if targeted else goal.label), -shift if targeted else shift, 0)
    steps = (*steps[:2], dataclasses.replace(last, offset=last.offset + rows(moved)))
    face = Incremental(steps, (2, 2, 3)).face(image)
    found = proof.verify_face(face, goal, budget=50_000)
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


def test_what_is_no_face_or_no_label_is_refused():
    black = np.zeros((6, 5, 3), np.uint8)
    with pytest.raises(TypeError, match=r"expected a face, as .*\.face\(image\) is, got a ndarray"):
        proof.verify_face(black, Goal(1))
    with pytest.raises(ValueError, match="expected a label of 0 to 1, since the network has 2 classes, got 2"):
        proof.verify(bump((1, 2, 3)), black, 2)
    with pytest.raises(TypeError, match="expected a Keras model, or Incremental.of.model., got a function: a proof"):
        proof.verify(lambda images: images, black)
    with pytest.raises(ValueError, match=r"expected a uint8 image \(6, 5, 3\), got float64 .*: values from 0 to 255"):
        proof.verify(bump((1, 2, 3)), black / 255)
    for wrong in ({"seconds": 0}, {"seconds": np.nan}, {"regions": 0}):
        with pytest.raises(ValueError, match="expected seconds above 0 and at least one region, got"):
            proof.verify(bump((1, 2, 3)), black, **wrong)


def test_a_truth_value_is_a_label_and_by_default_it_is_the_decision():
    network, black = bump((9, 9, 9)), np.zeros((6, 5, 3), np.uint8)
    assert {proof.verify(network, black, *label).verdict for label in ((), (0,), (np.False_,))} == {proof.FLIPPABLE}


def test_a_face_that_the_network_classifies_wrongly_is_not_verified():
    with pytest.raises(ValueError, match="expected a face that the network classifies correctly, as .*1.*, got"):
        proof.verify(bump((1, 2, 3)), np.zeros((6, 5, 3), np.uint8), 1)


def test_a_verdict_comes_when_the_time_is_spent():
    network = Incremental.of(networks.shipped("figure2"))
    image = np.random.default_rng(0).integers(0, 256, network.shape, dtype=np.uint8)
    began = time.monotonic()
    found = proof.verify(network, image, seconds=1e-3)
    assert time.monotonic() - began < 5 and found.regions == 0 and np.isinf(found.proved).all()
    assert found.verdict != proof.SAFE and len(found.witness) == 5


@pytest.mark.parametrize("colour", [(128, 64, 200), (3, 250, 77), (17, 17, 18)])
def test_a_planted_colour_that_no_corner_shows_is_found(colour):
    face = bump(colour).face(np.zeros((6, 5, 3), np.uint8))
    found = proof.verify_face(face, Goal(0), budget=50_000)
    assert found.verdict == proof.FLIPPABLE and np.argwhere(found.flips).tolist() == [[2, 3]]
    assert found.witness == (2, 3, *colour)
    weaker = proof.verify_face(bump(colour, height=0.3).face(np.zeros((6, 5, 3), np.uint8)), Goal(0), budget=50_000)
    assert weaker.verdict == proof.SAFE and weaker.proved[2, 3] < 0.4 - 0.3 + 1e-6


def test_a_face_whose_budget_is_spent_is_neither_safe_nor_flippable():
    found = proof.verify_face(bump((128, 64, 200)).face(np.zeros((6, 5, 3), np.uint8)), Goal(0), budget=34)
    assert found.verdict == proof.UNDECIDED and np.argwhere(found.proved <= 0).tolist() == [[2, 3]]
    assert found.proved[2, 3] == -np.inf and found.regions <= 34
    less = proof.verify_face(bump((128, 64, 200)).face(np.zeros((6, 5, 3), np.uint8)), Goal(0), budget=7)
    assert less.verdict == proof.UNDECIDED and less.regions <= 7 and (less.proved > 0).sum() <= 7


def test_a_margin_within_rounding_is_never_called_safe():
    def face(above):
        still = Dense(inputs=(0,), shape=(1, 1, 2), kernel=rows(np.zeros((4, 3, 2))), offset=rows(np.array([above, 0])))
        return Incremental((still,), (2, 2, 3)).face(np.full((2, 2, 3), 100, np.uint8))
    assert proof.verify_face(face(1e-7), Goal(0)).verdict == proof.UNDECIDED
    assert proof.verify_face(face(1e-4), Goal(0)).verdict == proof.SAFE


@pytest.mark.parametrize("name", networks.NETWORKS)
def test_on_proved_faces_none_of_a_million_candidates_flips(name, drawn):
    network, rng, proved = Incremental.of(networks.shipped(name)), np.random.default_rng(0), 0
    for image in drawn:
        face = network.face(image)
        label = int(face.logits.argmax())
        chosen = np.argwhere(np.ones((50, 50), bool))[::20]
        found = proof.verify_face(face, Goal(label), places=chosen, budget=12_000)
        rows_, columns = chosen.T
        safe = chosen[found.proved[rows_, columns] > 0]
        pixels = np.column_stack([safe[rng.integers(0, len(safe), 250_000)], rng.integers(0, 256, (250_000, 3))])
        margins = Goal(label).margin(face.query(pixels[:, None]))
        assert margins.min() > 0
        proved += len(safe)
        np.testing.assert_array_less(found.proved[pixels[:, 0], pixels[:, 1]], margins)
    assert proved > len(chosen)


def test_a_region_whose_bound_lies_above_the_clean_margin_is_halved_no_more_than_needed():
    colours = np.zeros((3, 3), int), np.full((3, 3), 255)
    regions = Regions(np.array([[1, 2]] * 3), *colours, np.full(3, np.inf), np.array([True, True, False]))
    with np.errstate(invalid="raise"):
        times, roughly = branching._next(regions, np.array([-0.5, 0.0, 1e9]), 1e-6)
    assert times.tolist() == [1, 1, 3] and roughly.all()


@pytest.mark.parametrize("times, least", [([1, 1], 4), ([3, 2], 12), ([9, 0], 33)])
def test_the_parts_of_regions_cover_each_colour_once(times, least):
    low, high = np.array([[0, 10, 7], [4, 4, 4]]), np.array([[3, 13, 8], [9, 9, 9]])
    regions = Regions(np.array([[1, 2], [3, 4]]), low, high, np.array([0.5, np.inf]), np.array([True, False]))
    parts = branching._parts(regions, np.ones((2, 3)), np.array(times))
    assert len(parts) >= least and (parts.high >= parts.low).all()
    for place, doubt, lowest, highest in zip(regions.places, regions.doubt, low, high):
        own = (parts.places == place).all(axis=1)
        assert (parts.doubt[own] == doubt).all()
        colours = [colour for a, b in zip(parts.low[own], parts.high[own])
                   for colour in itertools.product(*map(range, a, b + 1))]
        assert sorted(colours) == sorted(itertools.product(*map(range, lowest, highest + 1)))
