"""A network of one's own attacked in one call: what brute force finds, of any number of classes and channels."""

import re
from dataclasses import dataclass, replace

import numpy as np
import pytest

import sweeping
from maskdet import attack
from maskdet.attack.oracle import PredictedFace
from maskdet.config import Evolution
from maskdet.networks.backend import keras

SHAPES = [(2, 1), (2, 4), (3, 1), (3, 3), (10, 1), (10, 3), (10, 4)]  # classes, channels
EVOLUTION = attack.DifferentialEvolution(Evolution(population=60, generations=40))


@dataclass(frozen=True)
class Linear:
    """A linear network with the weights (H, W, C, K) of its logits, that of class 0 larger by `sure`: a first-order
    score of it is the truth."""

    weights: np.ndarray
    sure: float = 0

    def logits(self, images):
        return np.einsum("nhwc,hwck->nk", images / 255, self.weights) + self.sure * np.eye(self.weights.shape[3])[0]

    def __call__(self, images):
        powers = np.exp(self.logits(images))
        return powers / powers.sum(axis=1, keepdims=True)

    def face(self, image):
        return LinearFace(self, image, self.logits(image[None])[0])


class LinearFace(PredictedFace):
    def gradient(self, weights):
        return self.network.weights @ np.asarray(weights) / 255


def setting(classes, channels, *, n=8):
    """A linear network, and random images (N, 4, 5, C) of it."""
    rng = np.random.default_rng(10 * classes + channels)
    network = Linear(rng.normal(0, 0.7, (4, 5, channels, classes)))
    return network, rng.integers(0, 256, (n, 4, 5, channels), dtype=np.uint8)


def brute(network, image, label, target=None):
    """The margin of each corner at each place, and the changed images, by plain loops."""
    changed = []
    for row, column in np.ndindex(image.shape[:2]):
        for bits in np.ndindex(*[2] * image.shape[2]):
            changed.append(image.copy())
            changed[-1][row, column] = 255 * np.array(bits)
    margins = []
    for logits in network.logits(np.array(changed)):
        single = label if target is None else target
        others = max(value for number, value in enumerate(logits) if number != single)
        margins.append((logits[single] - others) * (1 if target is None else -1))
    return np.array(margins), changed


@pytest.mark.parametrize("targeted", [False, True])
@pytest.mark.parametrize("classes, channels", SHAPES)
def test_corners_and_guided_flip_what_brute_force_flips_and_nothing_else(classes, channels, targeted):
    network, images = setting(classes, channels)
    labels = network(images).argmax(axis=1)
    target = (labels + 1) % classes if targeted else None
    corners = attack.run(network.__call__, images, labels, target=target, search="corners")
    guided = attack.run(network, images, target=target)
    for number, image in enumerate(images):
        margins, changed = brute(network, image, labels[number], target[number] if targeted else None)
        flips = margins < -1e-4
        assert corners.status[number] == guided.status[number] == ("flipped" if flips.any() else "stands")
        first = flips.argmax() if flips.any() else margins.argmin()
        assert (corners.images[number] == changed[first]).all()
        assert (guided.images[number] == changed[margins.argmin()]).all(), "the best comes first"
        assert corners.queries[number] == (first + 1 if flips.any() else len(changed))
        assert guided.queries[number] == (1 if flips.any() else len(changed))
    assert (guided.labels == labels).all(), "without labels they are what the network decides"
    for result in (corners, guided):
        np.testing.assert_allclose(result.before, network(images), rtol=1e-6)
        np.testing.assert_allclose(result.after, network(result.images), rtol=1e-6)
        changes = (result.images != images).any(axis=-1)
        assert (changes.sum(axis=(1, 2)) == 1).all()
        assert (np.argwhere(changes)[:, 1:] == result.pixels[:, 0, :2]).all()
        assert result.pixels.shape == (8, 1, 2 + channels)


@pytest.mark.parametrize("classes, channels", [(3, 1), (10, 4)])
def test_evolution_finds_most_of_what_brute_force_flips_and_nothing_else(classes, channels):
    network, images = setting(classes, channels, n=12)
    for target in (None, (network(images).argmax(axis=1) + 1) % classes):
        complete, evolved = (attack.run(network, images, target=target, search=search)
                             for search in ("corners", EVOLUTION))
        flips, found = complete.status == "flipped", evolved.status == "flipped"
        assert flips.any() and not (found & ~flips).any() and found.sum() >= 0.7 * flips.sum()
        decisions = network(evolved.images).argmax(axis=1)
        assert (found == (decisions != evolved.labels if target is None else decisions == target)).all()


@pytest.mark.parametrize("search", ["corners", "guided"])
def test_several_pixels_are_set_one_after_the_other_each_the_best_of_a_search_that_failed(search):
    network, images = setting(3, 1)
    network = replace(network, sure=5)
    result = attack.run(network, images, pixels=3, search=search)
    assert result.pixels.shape == (8, 3, 3) and {"flipped", "stands"} == set(result.status)
    several = 0
    for number, image in enumerate(images):
        label, queries = result.labels[number], 0
        for pixel in result.pixels[number]:
            if pixel[0] < 0:  # it was flipped by fewer
                break
            margins, changed = brute(network, image, label)
            flips = margins < -1e-4
            at = margins.argmin() if search == "guided" or not flips.any() else flips.argmax()
            queries += len(changed) if not flips.any() else 1 if search == "guided" else at + 1
            image = changed[at]
            assert (image[pixel[0], pixel[1]] == pixel[2:]).all()
            several += flips.any() and (pixel != result.pixels[number, 0]).any()
        assert (image == result.images[number]).all() and queries == result.queries[number]
    assert several, "a second or a third pixel flips one"


def test_an_image_that_the_network_gets_wrong_is_not_attacked():
    network, images = setting(3, 3)
    labels = network(images).argmax(axis=1)
    right = attack.run(network, images, labels)
    labels[[1, 4]] = (labels[[1, 4]] + 1) % 3
    result = attack.run(network, images, labels)
    wrong = np.isin(np.arange(8), (1, 4))
    assert (result.status[wrong] == "wrong").all() and (result.status[~wrong] == right.status[~wrong]).all()
    assert (result.pixels[wrong] == -1).all() and (result.images[wrong] == images[wrong]).all()
    assert (result.queries[wrong] == 0).all() and (result.after[wrong] == result.before[wrong]).all()
    assert (result.images[~wrong] == right.images[~wrong]).all()
    assert (result.success.k, result.success.n) == ((result.status == "flipped").sum(), 6)
    table = result.table()
    assert table.status.tolist() == result.status.tolist() and table.pixels[1] == [] and len(table.pixels[0]) == 1
    assert table.before[0] == result.before[0, labels[0]] and table.decision[1] == result.before[1].argmax()
    assert re.fullmatch(r"Result\(\d flipped, \d stands, 2 wrong; success .* % \(\d/6; .*\); [\d,]+ queries\)",
                        repr(result))
    none = attack.run(network, images[wrong], labels[wrong])
    assert none.success is None and "0 flipped, 0 stands, 2 wrong; success of none attacked" in repr(none)


def test_queries_are_at_most_so_many():
    network, images = setting(3, 3)
    network = replace(network, sure=99)  # nothing flips
    for search in ("corners", "guided"):
        assert (attack.run(network, images, search=search, queries=7).queries == 7).all()
        assert (attack.run(network, images, search=search, queries=165, pixels=2).queries == 165).all()
        assert (attack.run(network, images, search=search, queries=10**6, pixels=2).queries == 320).all()
    few = replace(EVOLUTION, settings=Evolution(population=60, generations=3))
    assert (attack.run(network, images, search=few, queries=200).queries == 180).all(), "whole generations"
    assert (attack.run(network, images, search=few, queries=10**6).queries == 240).all()
    with pytest.raises(ValueError, match="expected queries of at least a population, 400, got 399: allow more, or"):
        attack.run(network, images, search="differential_evolution", queries=399)


def test_images_of_fractions_come_back_as_such():
    network, images = setting(3, 3)
    fractions = images.astype(np.float32) / 255
    seen = []

    def predict(given):
        seen.append((given.dtype, float(given.max())))
        return network(given * 255)

    result = attack.run(predict, fractions, search="corners", scale=1 / 255)
    whole = attack.run(network, images, search="corners")
    assert result.images.dtype == np.float32 and (result.status == whole.status).all()
    assert ((result.images != fractions).any(axis=-1) == (whole.images != images).any(axis=-1)).all()
    np.testing.assert_allclose(result.images, whole.images / 255, atol=1e-7)
    assert {dtype for dtype, _ in seen} == {np.dtype(np.float32)} and max(most for _, most in seen) <= 1
    as_bytes = attack.run(predict, images, search="corners", scale=1 / 255)
    assert as_bytes.images.dtype == np.uint8 and (as_bytes.images == whole.images).all()


def test_a_single_probability_is_that_of_class_1_of_two():
    network, images = setting(2, 1)
    whole = attack.run(network.__call__, images, search="corners")
    for single in (lambda images: network(images)[:, 1], lambda images: network(images)[:, 1:]):
        result = attack.run(single, images, search="corners")
        assert (result.images == whole.images).all() and (result.status == whole.status).all()
        np.testing.assert_allclose(result.after, whole.after)


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(3)
    layers = keras.layers
    return keras.Sequential([keras.Input((4, 5, 3)), layers.Rescaling(1 / 50), layers.Flatten(), layers.Dense(2),
                             layers.Softmax()])


def test_a_keras_model_is_read_and_its_whole_pass_confirms_each_flip(model):
    from maskdet.incremental import Incremental
    images = setting(2, 3)[1]
    result, network = attack.run(model, images), Incremental.of(model)
    after = model.predict(result.images, verbose=0)
    np.testing.assert_allclose(result.after, after, atol=1e-5)
    flipped = result.status == "flipped"
    assert flipped.any() and (flipped == (after.argmax(axis=1) != result.labels)).all()
    object.__setattr__(network, "whole", lambda images: np.eye(2)[result.labels[flipped]][:len(images)])
    denied = attack.run(network, images)
    assert (denied.status == "stands").all() and (denied.images == result.images).all()


@pytest.mark.parametrize("target", [None, 4])
def test_a_keras_model_of_ten_classes_of_grey_images_of_0_to_1_is_searched_and_confirmed(target):
    keras.utils.set_random_seed(0)
    layers = keras.layers
    model = keras.Sequential([keras.Input((6, 5, 1)), layers.Conv2D(4, 3, activation="leaky_relu"), layers.Flatten(),
                              layers.Dense(10)])
    images = np.random.default_rng(0).integers(0, 256, (20, 6, 5, 1), dtype=np.uint8)
    labels = model.predict(images / 255, verbose=0).argmax(axis=1)
    images, labels = images[labels != target], labels[labels != target]
    result = attack.run(model, images, labels, target=target, scale=1 / 255)
    after = model.predict(result.images / 255, verbose=0).argmax(axis=1)
    assert ((result.status == "flipped") == (after != labels if target is None else after == target)).all()
    every = [np.argwhere(np.ones((6, 5), bool))[:, None] for _ in range(2)]
    pixels = np.concatenate([np.concatenate([place, np.full((30, 1, 1), value)], axis=2)[:, 0]
                             for place, value in zip(every, (0, 255))])
    for image, label, status in zip(images, labels, result.status):
        decided = model.predict(attack.set_pixels(image, pixels) / 255, verbose=0).argmax(axis=1)
        assert (status == "flipped") == (decided != label if target is None else decided == target).any()


def test_the_workers_do_not_change_the_result():
    network, images = sweeping.network(), np.random.default_rng(0).integers(0, 256, (6, 12, 12, 3), dtype=np.uint8)
    one, two = (attack.run(network, images, seed=5, search=EVOLUTION, workers=workers) for workers in (1, 2))
    assert (one.images == two.images).all() and (one.queries == two.queries).all() and (one.after == two.after).all()


IMAGES = setting(3, 3)[1]
BAD = [
    (dict(images=IMAGES / 255), ValueError, r"expected uint8 images .*, got float64 .*: .*as uint8, and scale=1 / 255"),
    (dict(images=IMAGES[0]), ValueError, r"expected uint8 images .*: of a single image, give image\[None\]; of grey"),
    (dict(images=IMAGES[:0]), ValueError, r"expected at least one image, got \(0, 4, 5, 3\)"),
    (dict(images=IMAGES / 256, scale=1 / 255), ValueError, "expected images whose values are whole numbers of 0 to"),
    (dict(images=IMAGES / 100, scale=1 / 255), ValueError, "expected images whose values are whole numbers of 0 to"),
    (dict(scale=0), ValueError, "expected a scale, by which images of 0 to 255 are multiplied, such as 1 .*, got 0"),
    (dict(scale="x"), ValueError, "expected a scale, .* got 'x'"),
    (dict(labels=[0, 1]), ValueError, r"expected a label, a whole number of 0 to 2, for each of 8 .*, got .*\(2,\)"),
    (dict(labels=[3] * 8), ValueError, r"expected a label, a whole number of 0 to 2, for each .*\[3\]"),
    (dict(labels=np.eye(3)[[0] * 8]), ValueError, r"expected a label, .* got float64 \(8, 3\)"),
    (dict(labels=np.eye(3).astype(int)[[0] * 8]), ValueError, r": of one-hot rows, give labels.argmax\(axis=1\)"),
    (dict(images=np.zeros((2, 3, 8, 9), np.uint8)), ValueError, r"of channels first, give images.transpose\(0, 2,"),
    (dict(model=type("Module", (), {"state_dict": 0, "__call__": 0})()), TypeError, "expected a function .* of a Py"),
    (dict(labels=[0] * 8, target=0), ValueError, "expected a target other than the label, got 0 for both: leave out"),
    (dict(target=3), ValueError, "expected a target of 0 to 2, since the network has 3 classes, got 3"),
    (dict(target=[1, 2]), ValueError, r"expected a target, or one for each of 8 images, got \(2,\)"),
    (dict(target=1.0), ValueError, "expected a target, the number of a class, 0 or more, got 1.0"),
    (dict(pixels=0), ValueError, "expected pixels, a whole number of at least 1, got 0"),
    (dict(pixels=2, search=attack.Corners()), ValueError, "expected pixels with a search by its name, got 2"),
    (dict(search="evolution"), ValueError, "expected a search, one of guided, corners, differential_evolution, or"),
    (dict(search="guided"), TypeError, r'expected a network with known weights .*"corners".*"differential_evolution"'),
    (dict(search=attack.Corners), TypeError, "expected a search, such as Guided"),
    (dict(search=lambda *_: None, queries=4), ValueError, r"expected a search that has within\(queries\), got"),
    (dict(queries=0), ValueError, "expected queries, a whole number of at least 1, got 0"),
    (dict(seed=-1), ValueError, "expected a seed, a whole number of at least 0, got -1"),
    (dict(workers=0), ValueError, "expected workers, a number of processes, or -1 for all processors, got 0"),
    (dict(model="net.keras"), TypeError, r"expected a Keras model, an Incremental, or a function predict\(images\)"),
    (dict(model=Linear), TypeError, r"expected a Keras model, an Incremental, or a function predict\(images\)"),
    (dict(model=setting(3, 3)[0], scale=1 / 255), ValueError, "expected no scale with a network that was read, got"),
    (dict(images=np.zeros((1, 4, 5, 9), np.uint8), model=lambda images: np.ones((len(images), 2)) / 2), ValueError,
     "expected images of 1 to 8 channels, whose .*, got 9: search by DifferentialEvolution"),
]


@pytest.mark.parametrize("given, error, message", BAD)
def test_what_cannot_be_attacked_is_refused_at_once(given, error, message):
    given = {"model": setting(3, 3)[0].__call__, "images": IMAGES, "search": "corners"} | given
    with pytest.raises(error, match=message):
        attack.run(given.pop("model"), given.pop("images"), **given)


def test_more_than_eight_channels_are_searched_by_evolution():
    network, images = Linear(np.random.default_rng(0).normal(0, 1, (4, 5, 9, 3))), np.full((1, 4, 5, 9), 90, np.uint8)
    result = attack.run(network, images, search=EVOLUTION)
    assert result.pixels.shape == (1, 1, 11) and result.status == ["flipped"]


def test_a_face_keeps_its_own_copy_of_the_image_whatever_is_done_to_the_callers_or_by_predict():
    network, images = setting(3, 3)

    def spoiling(given):
        answer = network(given)
        given[:] = 0
        return answer

    image = images[0].copy()
    face, pixels = attack.Predicted(spoiling).face(image), np.array([[[0, 0, 1, 2, 3]]])
    image[:] = 9
    assert (face.image == images[0]).all()
    np.testing.assert_allclose(np.exp(face.query(pixels)), network(attack.set_pixels(images[0], pixels)))
