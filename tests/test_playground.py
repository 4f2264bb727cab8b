"""The page *Try it*: its gallery, and the networks as steps. (That a browser computes the same is in test_try.)"""

import numpy as np
import pytest
from PIL import Image

from maskdet import attack, config, networks, playground
from maskdet.attack.pixels import every_pixel
from maskdet.networks.backend import keras

layers = keras.layers


def test_the_gallery_has_faces_of_both_classes_that_the_networks_have_right_and_is_the_same_each_time(monkeypatch):
    monkeypatch.setattr(playground, "DRAWN", 24)
    monkeypatch.setattr(playground, "SHOWN", 2)
    shown, again = playground.gallery(seed=1), playground.gallery(seed=1)
    assert shown.images.shape == (4, 50, 50, 3) and shown.labels.tolist() == [0, 0, 1, 1] and shown.drawn <= 24
    assert (shown.images == again.images).all()
    for name in networks.NETWORKS:
        assert (networks.load(name)(shown.images).argmax(axis=1) == shown.labels).all()


def test_what_the_prose_says_of_the_gallery_is_found_by_the_complete_search(linear, monkeypatch):
    images = np.full((2, 6, 7, 3), 128, np.uint8)
    shown = playground.Gallery(images, linear.face(images[0]).logits.argmax() * np.ones(2, int), drawn=9)
    monkeypatch.setattr(networks, "NETWORKS", {"resnet": None})
    monkeypatch.setattr(networks, "shipped", lambda name: name)
    monkeypatch.setattr(playground.Incremental, "of", lambda model: linear)
    counted = playground.flipped(shown, seed=1)["resnet"]
    face, label = linear.face(images[0]), int(shown.labels[0])
    logits = face.query(every_pixel(np.argwhere(np.ones((6, 7), bool)))[:, 0][:, None])
    brute = bool((logits[:, label] < logits[:, 1 - label]).any())
    assert (counted.k, counted.n) == (2 * brute, 2)


def test_too_few_faces_for_the_gallery_are_an_error(monkeypatch):
    monkeypatch.setattr(playground, "DRAWN", 3)
    with pytest.raises(ValueError, match="expected 6 faces of each class that the networks have right, got"):
        playground.gallery(seed=1)


@pytest.mark.parametrize("name", networks.NETWORKS)
def test_the_steps_of_a_network_read_earlier_ones_and_hold_all_of_its_arrays(name):
    steps, arrays = playground.steps(networks.build(name, seed=0))
    assert all(number <= index for index, step in enumerate(steps) for number in step["inputs"])
    assert [number for step in steps for number in step["arrays"]] == list(range(len(arrays)))
    assert steps[-1]["kind"] == "dense" and arrays[-1].shape == (2,)
    assert all(array.dtype == np.float32 for array in arrays)


def test_a_layer_or_an_end_that_the_page_does_not_know_is_an_error_that_names_it():
    image = keras.Input((50, 50, 3))
    flat = layers.Flatten()(image)
    with pytest.raises(ValueError, match="a softmax, got Flatten"):
        playground.steps(keras.Model(image, flat))
    with pytest.raises(ValueError, match="got AveragePooling2D"):
        pooled = layers.Flatten()(layers.AveragePooling2D(2)(image))
        playground.steps(keras.Model(image, layers.Softmax()(layers.Dense(2)(pooled))))
    with pytest.raises(ValueError, match=r"expected strides \(1, 1\) of .*, as the page computes it, got \(2, 2\)"):
        moved = layers.Flatten()(layers.DepthwiseConv2D(3, strides=2)(image))
        playground.steps(keras.Model(image, layers.Softmax()(layers.Dense(2)(moved))))
    with pytest.raises(ValueError, match="relu, got tanh"):
        playground.steps(keras.Model(image, layers.Softmax()(layers.Dense(2, activation="tanh")(flat))))


def test_the_picture_of_the_readme_is_of_a_face_and_the_pixel_that_flips_it():
    seed = config.profile("demo").seed
    image, attempt = playground.flippable(playground.gallery(seed=seed), playground.FIRST, seed=seed)
    changed = attack.set_pixels(image, np.array([attempt.pixels]))
    before, after = networks.load(playground.FIRST)(np.array([image, *changed]))
    assert before.argmax() != after.argmax() and attempt.flipped
    committed = np.asarray(Image.open(config.ROOT / "book/_static/one-pixel.png"))
    assert (committed == np.asarray(playground.picture(seed=seed))).all(), "make picture"
    side = 50 * playground.ENLARGED
    assert (committed[:side, :side][::playground.ENLARGED, ::playground.ENLARGED] == image).all()


def test_the_page_begins_with_a_bright_face_that_one_pixel_flips(monkeypatch):
    monkeypatch.setattr(playground, "FIRST", "figure2")
    shown = playground.gallery(seed=config.profile("demo").seed)
    image, attempt = playground.flippable(shown, "figure2", seed=1)
    first = playground._bright_first(shown, seed=1)
    assert attempt.flipped and (first.images[0] == image).all()
    assert sorted(map(bytes, first.images)) == sorted(map(bytes, shown.images)), "the same faces"
