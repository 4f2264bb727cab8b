"""Augmentation and fitting."""

import dataclasses

import numpy as np
import pytest

from maskdet import networks
from maskdet.config import PREPRINT, Recipe
from maskdet.networks import training
from maskdet.networks.augmentation import Augmentation

STILL = Augmentation(zoom=(1, 1), shift=0, shape=0, soft=0, light=0, grey=0, hidden=0)
RECIPE = Recipe(epochs=1, batch=16, learning_rate=2e-3)


@pytest.mark.parametrize("wrong", [{"epochs": 0}, {"batch": 0}, {"learning_rate": 0.0}, {"learning_rate": np.nan}])
def test_a_recipe_by_which_nothing_can_be_learned_is_refused(wrong):
    with pytest.raises(ValueError, match="expected epochs and a batch of at least 1 and a learning rate above 0, got"):
        dataclasses.replace(RECIPE, **wrong)


def patches(n=64, *, seed=0):
    """Patches told apart by the brightness of the lower half of their middle, and their labels."""
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 120, (n, 100, 100, 3), dtype=np.uint8)
    labels = np.arange(n) % 2
    images[labels == 1, 50:75, 25:75] += 100
    return images, labels


def fitted(name, *, seed, recipe=RECIPE, **options):
    (images, labels), (held, truth) = patches(), patches(8, seed=1)
    return training.fit(name, images, labels, held_out=(held[:, 25:75, 25:75], truth), recipe=recipe, seed=seed,
                        crops=images[:, 25:75, 25:75], **options)


def test_an_augmentation_of_nothing_but_mirrors_is_the_middle_of_each_patch():
    images, _ = patches(40)
    light = Augmentation(zoom=(1, 1), shift=0, shape=0, soft=0, light=0, grey=0, hidden=0)._windows(
        images, np.random.default_rng(0))
    middle = images[:, 25:75, 25:75]
    plain = (light == middle).all(axis=(1, 2, 3))
    mirrored = (light == middle[:, :, ::-1]).all(axis=(1, 2, 3))
    assert (plain | mirrored).all() and 5 < plain.sum() < 35


def test_a_looser_window_shows_what_is_around_the_crop():
    image = np.zeros((1, 100, 100, 3), np.uint8)
    image[:, 25:75, 25:75] = 200
    loose = dataclasses.replace(STILL, zoom=(2, 2))._windows(image, np.random.default_rng(0))[0, :, :, 0]
    tight = dataclasses.replace(STILL, zoom=(0.5, 0.5))._windows(image, np.random.default_rng(0))[0, :, :, 0]
    assert (tight == 200).all() and (loose[14:36, 14:36] == 200).all() and (loose[:11] == 0).all()


def test_augmented_crops_are_the_same_for_the_same_seed_and_in_range():
    images, _ = patches(30)
    one, two, other = (Augmentation()(images, rng=np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert (one == two).all() and not (one == other).all()
    assert one.shape == (30, 50, 50, 3) and one.dtype == np.float32 and one.min() >= 0 and one.max() <= 255
    assert (images == patches(30)[0]).all(), "what it was given is as it was"


def test_each_share_of_an_augmentation_is_about_the_share_of_crops_that_it_changes():
    images = np.full((400, 100, 100, 3), (40, 90, 200), np.uint8)
    crops = images[:, :50, :50].astype(np.float32)
    hidden = dataclasses.replace(STILL, hidden=0.25)._covered(crops.copy(), np.random.default_rng(0))
    assert 70 < (hidden != crops).any(axis=(1, 2, 3)).sum() < 130
    grey = dataclasses.replace(STILL, grey=0.25)(images, rng=np.random.default_rng(0))
    assert 70 < (np.ptp(grey[:, 0, 0], axis=1) < 1).sum() < 130


def test_normalised_columns_have_length_one_and_an_empty_one_stays():
    images = np.random.default_rng(0).uniform(1, 255, (2, 50, 50, 3)).astype(np.float32)
    images[0, :, 7] = 0
    colour, grey = (training.normalised(images, grey=grey) for grey in (False, True))
    lengths = np.sqrt((colour**2).sum(axis=1))
    assert lengths[0, 7].tolist() == [0, 0, 0] and np.delete(lengths, 7, axis=1) == pytest.approx(1, abs=1e-5)
    assert (grey[..., 0] == grey[..., 2]).all() and np.isfinite(grey).all()


def test_the_same_seed_gives_the_same_weights_and_another_seed_others():
    one, two, other = (fitted("figure2", seed=seed).weights for seed in (3, 3, 4))
    assert all((a == b).all() for a, b in zip(one, two))
    assert not all((a == b).all() for a, b in zip(one, other))


def test_training_learns_what_can_be_told_apart():
    fit = fitted("figure2", seed=0, recipe=Recipe(epochs=12, batch=16, learning_rate=3e-3))
    images, labels = patches(40, seed=2)
    predict = networks.predictor(networks.restore("figure2", fit.weights))
    assert (predict(images[:, 25:75, 25:75]).argmax(axis=1) == labels).mean() > 0.9
    assert len(fit.history) == 12 and list(fit.history) == ["loss", "accuracy", "held_out"]
    assert fit.history.loss.iloc[-1] < fit.history.loss.iloc[0]


def test_the_preprints_recipe_trains_on_plain_crops_scaled_as_its_code_does():
    recipe = dataclasses.replace(PREPRINT, epochs=2)
    plain, scaled = (fitted("figure2", seed=0, recipe=recipe, scaling=scaling) for scaling in ("unit", "l2"))
    assert plain.history.loss.iloc[-1] < plain.history.loss.iloc[0]
    assert not all((a == b).all() for a, b in zip(plain.weights, scaled.weights))
    rate = training._optimizer(PREPRINT, steps=9).learning_rate
    assert float(rate) == pytest.approx(1e-3)


def test_training_on_one_class_is_refused():
    images, _ = patches(8)
    with pytest.raises(ValueError, match="expected both classes among 8 training crops, got one"):
        training.fit("figure2", images, np.ones(8, int), held_out=(images[:0], np.ones(0, int)), recipe=RECIPE, seed=0)


def test_a_recipe_that_does_not_augment_asks_for_crops():
    images, labels = patches(8)
    with pytest.raises(ValueError, match="expected crops to train on as they are, got none"):
        training.fit("figure2", images, labels, held_out=(images[:0], labels[:0]), recipe=PREPRINT, seed=0)


def test_a_balanced_epoch_shows_as_many_of_either_class():
    labels = np.array([1, 1, 1, 1, 1, 0, 0])
    shown = training._balanced(labels)
    assert np.bincount(labels[shown]).tolist() == [5, 5] and set(shown) == set(range(7))


def test_a_network_trained_with_batch_normalisation_is_the_same_network_afterwards():
    recipe = Recipe(epochs=20, batch=8, learning_rate=3e-3, batch_normalised=True)
    normalised, plain = (fitted("figure2", seed=0, recipe=dataclasses.replace(recipe, batch_normalised=how)).weights
                         for how in (True, False))
    assert [one.shape for one in normalised] == [one.shape for one in plain]
    assert not all((one == other).all() for one, other in zip(normalised, plain))
    images, labels = patches(40, seed=2)
    predict = networks.predictor(networks.restore("figure2", normalised))
    assert (predict(images[:, 25:75, 25:75]).argmax(axis=1) == labels).mean() > 0.9
    with pytest.raises(ValueError, match="a network that can be batch_normalised, one of figure2, got 'resnet'"):
        networks.build("resnet", seed=0, batch_normalised=True)


def test_merged_weights_say_what_the_batch_normalised_network_says():
    model = networks.build("figure2", seed=3, batch_normalised=True)
    rng = np.random.default_rng(0)
    model.set_weights([one if one.shape == (1, 1, 3, 1) else rng.uniform(0.1, 0.3, one.shape) for one in
                       model.get_weights()])
    images = rng.integers(0, 256, (5, 50, 50, 3), dtype=np.uint8)
    merged = networks.restore("figure2", networks.merge_batch_normalisation(model))
    asked, plain = networks.logits(model)(images), networks.logits(merged)(images)
    assert np.ptp(asked) > 1 and plain == pytest.approx(asked, rel=1e-4)
