"""A network asked by whole passes says what the incremental one says."""

import numpy as np

from maskdet import attack, networks
from maskdet.attack.forward import Forward
from maskdet.incremental import Incremental
from maskdet.networks.backend import keras


def test_whole_passes_and_incremental_ones_agree_in_logits_gradient_and_verdict():
    model = networks.build("figure2", seed=1)
    image = np.random.default_rng(0).integers(0, 256, (50, 50, 3), dtype=np.uint8)
    whole, incremental = (kind.of(model).face(image) for kind in (Forward, Incremental))
    pixels = np.random.default_rng(1).integers(0, (50, 50, 256, 256, 256), (40, 1, 5))
    np.testing.assert_allclose(whole.logits, incremental.logits, atol=1e-5)
    np.testing.assert_allclose(whole.query(pixels), incremental.query(pixels), atol=1e-5)
    np.testing.assert_allclose(whole.gradient([-1, 1]), incremental.gradient([-1, 1]), atol=1e-6)
    goal, rng = attack.Goal(int(whole.logits.argmax())), np.random.default_rng(0)
    one, two = (attack.Guided(most=16)(face, goal, rng=rng) for face in (whole, incremental))
    assert (one.pixels == two.pixels).all() and one.queries == two.queries


def test_a_large_network_is_attacked_by_its_first_corners():
    model = networks.build("mobilenet", seed=1)
    face = Forward.of(model).face(np.zeros((50, 50, 3), np.uint8))
    found = attack.Guided(most=8)(face, attack.Goal(int(face.logits.argmax())), rng=np.random.default_rng(0))
    assert found.queries <= 8 and np.isfinite(face.gradient([1, -1])).all() and face.gradient([1, -1]).any()


def test_a_network_of_three_classes_and_one_channel_is_attacked_to_a_target():
    keras.utils.set_random_seed(2)
    layers = keras.layers
    model = keras.Sequential([keras.Input((6, 7, 1)), layers.Rescaling(1 / 60), layers.Flatten(),
                              layers.Dense(3, name="logits"), layers.Softmax()])
    images = np.random.default_rng(0).integers(0, 256, (5, 6, 7, 1), dtype=np.uint8)
    target = (networks.predictor(model)(images).argmax(axis=1) + 1) % 3
    guided = attack.run(Forward.of(model), images, target=target)
    corners = attack.run(networks.predictor(model), images, target=target, search="corners")
    flipped = guided.status == "flipped"
    assert flipped.any() and (guided.status == corners.status).all()
    assert (guided.queries[flipped] == 1).all(), "it is linear"
    assert (networks.predictor(model)(guided.images).argmax(axis=1) == target)[flipped].all()
