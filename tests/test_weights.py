"""The test of the shipped weights on faces from elsewhere, and what is stated of them."""

import dataclasses
import json

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from maskdet import data, drawing, networks, shipped
from maskdet.__main__ import main
from maskdet.config import RECORDED
from maskdet.networks import training
from maskdet.record import results
from maskdet.shipped import elsewhere as test_set, recipe, report

LEAST = 0.95  # balanced accuracy elsewhere


@pytest.fixture
def elsewhere(tmp_path):
    """Six images: three a class, the masked ones bright; one file is broken."""
    for name, light in (("with_mask", 220), ("without_mask", 30)):
        (tmp_path / name).mkdir()
        for number in range(3):
            pixels = np.random.default_rng([light, number]).integers(light - 30, light + 30, (60, 50, 3))
            Image.fromarray(pixels.astype(np.uint8)).save(tmp_path / name / f"{number}.png")
    (tmp_path / "with_mask/3.png").write_bytes(b"no image")
    (tmp_path / "with_mask/notes.txt").write_text("not one either")
    return tmp_path


def by_light(name):
    def predict(images):
        masked = (images.mean(axis=(1, 2, 3)) > 128).astype(np.float32)
        return np.column_stack([1 - masked, masked])
    return predict


def test_faces_from_elsewhere_are_counted_by_class_and_by_whether_a_box_was_found(elsewhere, monkeypatch):
    monkeypatch.setattr(test_set.networks, "load", by_light)
    card = {"networks": dict.fromkeys(networks.NETWORKS, {"sha256": "0"})}
    monkeypatch.setattr(test_set.networks, "card", lambda: card)
    known = data.difference_hash(np.asarray(Image.open(elsewhere / "without_mask/2.png")))
    monkeypatch.setattr(test_set, "photographs", lambda: test_set.Learned(known[None], np.zeros((1, 576))))
    boxes = np.float32([[0, 0, 10, 10], [5, 5, 45, 45]])
    brighter = {"mtcnn": True, "yunet": False}  # than the middle: the images in which it finds boxes
    monkeypatch.setattr(test_set.faces, "detector", lambda name: lambda image: (
        boxes if (image.mean() > 128) == brighter[name] else boxes[:0], np.ones(2)))
    found = shipped.test(elsewhere, seed=0)
    assert (found["images"], found["unreadable"], found["near"]) == (5, 1, 1)
    assert shipped.test(elsewhere, seed=0)["checksum"] == found["checksum"], "the same images"
    (elsewhere / "with_mask/0.png").rename(elsewhere / "with_mask/4.png")
    assert shipped.test(elsewhere, seed=0)["checksum"] != found["checksum"], "another selection"
    assert {name: asked["found"] for name, asked in found["detectors"].items()} == {
        "mtcnn": {"bare": 0, "masked": 3}, "yunet": {"bare": 2, "masked": 0}}
    for name, side in (("mtcnn", "masked"), ("yunet", "bare")):
        asked = found["detectors"][name]["networks"]["resnet"]
        assert (asked["accuracy"].k, asked["accuracy"].n) == (5, 5) and asked["balanced"].value == 1
        assert set(asked["found"]) == {side} and side not in asked["whole_image"]


def test_the_same_people_are_asked_about_with_each_thing_before_the_mouth(monkeypatch):
    monkeypatch.setattr(report, "PEOPLE", 4)
    found = shipped.covered(seed=3)
    assert found == shipped.covered(seed=3)
    assert all(list(said) == list(drawing.BEFORE) for said in found.values())
    assert found["resnet"]["nothing"].k == 0 and found["resnet"]["mask"].k == 4
    assert shipped.covered_table(found).loc["mask", "resnet says masked"].startswith("100.0 % (4/4")


def test_a_face_cut_out_of_a_photograph_that_was_learned_from_is_known_also_mirrored_and_another_is_not():
    first, second = (drawing.scene(rng=np.random.default_rng(seed), people=1).photograph for seed in (1, 2))
    learned = test_set.Learned(data.difference_hash(first)[None], test_set.appearance(first[20:90, 30:110])[None])
    cut = first[10:120, 10:150]
    assert not data.near_any(data.difference_hash(cut), learned.hashes), "the hash does not see it"
    assert learned.shows(cut, [first[20:90, 30:110]]) and learned.shows(cut, [first[21:91, 31:111, :][:, ::-1]])
    assert not learned.shows(second, [second[20:90, 30:110]])


def test_the_face_of_an_image_is_the_largest_box_or_all_of_it():
    image = np.zeros((60, 50, 3), np.uint8)
    image[10:50, 10:40] = 200
    assert (test_set.faced(image, np.float32([[0, 0, 5, 5], [10, 10, 40, 50]])) == 200).all()
    assert 0 < test_set.faced(image, np.empty((0, 4))).mean() < 200


def test_a_folder_without_both_classes_is_an_error_that_says_what_is_expected(tmp_path):
    with pytest.raises(FileNotFoundError, match="expected images in .*/with_mask and .*/without_mask, got 0: set"):
        test_set.portraits(tmp_path)
    assert main(["weights", "bake"]) == 1


def test_the_shipped_weights_are_small_whole_and_those_that_were_tested():
    card, record = networks.card(), json.loads((RECORDED / "portraits.json").read_text())
    assert sum(one["bytes"] for one in card["networks"].values()) < 3e6
    assert record["weights"] == {name: one["sha256"] for name, one in card["networks"].items()}
    tested = results.typed(record["detectors"]["yunet"]["networks"]["figure2"]["accuracy"])
    assert shipped.card_table(card, record)["figure2"].iloc[0] == str(tested)
    for name in networks.NETWORKS:
        said = networks.load(name)(np.zeros((2, 50, 50, 3), np.uint8))
        assert said.shape == (2, 2) and np.isfinite(said).all()
        assert set(record["detectors"]) == set(test_set.DETECTORS)
        for asked in record["detectors"].values():
            assert results.typed(asked["networks"][name]["accuracy"]).n == record["images"] > 900
            assert results.typed(asked["networks"][name]["balanced"]).value > LEAST
    assert set(card["data"]) == set(recipe.SOURCES)
    assert all(len(one["checksum"]) == 64 for one in card["data"].values())


def changed(monkeypatch, patches, labels, what):
    """Seed, patches and labels, one of them or of what else a fit depends on other than before."""
    if what == "recipe":
        monkeypatch.setitem(recipe.RECIPES, "figure2", recipe.RECIPE)
    if what == "augmentation":
        monkeypatch.setattr(recipe, "WIDE", dataclasses.replace(recipe.WIDE, grey=1))
    if what == "code":
        monkeypatch.setattr(recipe.keys, "code", lambda *objects: "other code")
    return 2 if what == "seed" else 1, patches + (what == "patches"), 1 - labels if what == "labels" else labels


@pytest.mark.parametrize("what", ["nothing", "seed", "patches", "labels", "recipe", "augmentation", "code"])
def test_a_fit_that_was_done_is_kept_until_what_it_depends_on_changes(monkeypatch, tmp_path, what):
    monkeypatch.setenv("MASKDET_BUILD", str(tmp_path))
    fitted = networks.build("figure2", seed=0).get_weights()
    fits = []
    monkeypatch.setattr(recipe.training, "fit", lambda *given, **options: fits.append(1) or training.Fit(
        fitted, pd.DataFrame(), 5.0))
    patches, labels = np.zeros((2, 100, 100, 3), np.uint8), np.array([0, 1])
    recipe._fitted("figure2", patches, labels, seed=1)
    seed, patches, labels = changed(monkeypatch, patches, labels, what)
    weights, report = recipe._fitted("figure2", patches, labels, seed=seed)
    assert all((one == other).all() for one, other in zip(weights, fitted)) and report["seconds"] == 5
    assert report["provenance"]["commit"]
    assert len(fits) == (1 if what == "nothing" else 2)
