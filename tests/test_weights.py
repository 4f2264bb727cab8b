"""The test of the shipped weights on faces from elsewhere, and what is stated of them."""

import json

import numpy as np
import pytest
from PIL import Image

from maskdet import data, drawing, models, results, weights
from maskdet.config import RECORDED


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
    monkeypatch.setattr(weights.models, "load", by_light)
    monkeypatch.setattr(weights.models, "card", lambda: {"networks": dict.fromkeys(models.NETWORKS, {"sha256": "0"})})
    known = data.difference_hash(np.asarray(Image.open(elsewhere / "without_mask/2.png")))
    monkeypatch.setattr(weights, "photographs", lambda: known[None])
    boxes = np.float32([[0, 0, 10, 10], [5, 5, 45, 45]])
    monkeypatch.setattr(weights.faces, "detector",
                        lambda name: lambda image: (boxes if image.mean() > 128 else boxes[:0], np.ones(2)))
    found = weights.test(elsewhere, seed=0)
    assert (found["images"], found["unreadable"], found["near"]) == (5, 1, 1)
    assert found["found"] == {"bare": 0, "masked": 3}
    asked = found["networks"]["resnet"]
    assert (asked["accuracy"].k, asked["accuracy"].n) == (5, 5) and asked["balanced"].value == 1
    assert set(asked["found"]) == {"masked"} and set(asked["whole_image"]) == {"bare"}


def test_the_same_people_are_asked_about_with_each_thing_before_the_mouth(monkeypatch):
    monkeypatch.setattr(weights, "PEOPLE", 4)
    found = weights.covered(seed=3)
    assert found == weights.covered(seed=3)
    assert all(list(said) == list(drawing.BEFORE) for said in found.values())
    assert found["resnet"]["nothing"].k == 0 and found["resnet"]["mask"].k == 4
    assert weights.covered_table(found).loc["mask", "resnet says masked"].startswith("100.00 % (4/4")


def test_the_face_of_an_image_is_the_largest_box_or_all_of_it():
    image = np.zeros((60, 50, 3), np.uint8)
    image[10:50, 10:40] = 200
    assert (weights.faced(image, np.float32([[0, 0, 5, 5], [10, 10, 40, 50]])) == 200).all()
    assert 0 < weights.faced(image, np.empty((0, 4))).mean() < 200


def test_a_folder_without_both_classes_is_an_error_that_says_what_is_expected(tmp_path):
    with pytest.raises(FileNotFoundError, match="expected images in .*/with_mask and .*/without_mask, got 0: set"):
        weights.portraits(tmp_path)
    assert weights.main(["bake"]) == 1


def test_the_shipped_weights_are_small_whole_and_those_that_were_tested():
    card, record = models.card(), json.loads((RECORDED / "portraits.json").read_text())
    assert sum(one["bytes"] for one in card["networks"].values()) < 3e6
    assert record["weights"] == {name: one["sha256"] for name, one in card["networks"].items()}
    for name in models.NETWORKS:
        said = models.load(name)(np.zeros((2, 50, 50, 3), np.uint8))
        assert said.shape == (2, 2) and np.isfinite(said).all()
        assert results.measure(record["networks"][name]["accuracy"]).n == record["images"] > 900
    reached = {name: results.measure(record["networks"][name]["balanced"]).value for name in models.NETWORKS}
    assert reached["resnet"] > 0.95 and reached["figure2"] > 0.85, "grey tells less"
    assert {"larxel", "drawings"} == set(card["data"]) and all(one["checksum"] for one in card["data"].values())
