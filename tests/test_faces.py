"""Detection, matching and cropping: known answers on drawn and odd photographs."""

import dataclasses
import importlib.metadata
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from maskdet import data, faces, keys
from maskdet.faces import matching
from maskdet.record import results


def test_overlap_is_intersection_over_union():
    shared = faces.overlap([[0, 0, 10, 10]], [[0, 0, 10, 10], [5, 0, 15, 10], [10, 0, 20, 10], [0, 0, 10, 5]])
    np.testing.assert_allclose(shared, [[1, 1 / 3, 0, 0.5]])


def test_matching_is_one_to_one_and_takes_the_largest_total_overlap():
    labelled = np.array([[0, 0, 10, 10], [4, 0, 14, 10]])
    boxes = np.array([[3, 0, 13, 10], [40, 40, 50, 50], [0, 0, 9, 10]])
    index, shared = faces.match(boxes, labelled)
    assert index.tolist() == [2, 0]
    np.testing.assert_allclose(shared, [0.9, 9 / 11])


@pytest.mark.parametrize("box, matches", [
    ([30, 40, 70, 90], True),  # the features of a head whose label has the hair
    ([-30, -30, 130, 130], True),  # a head whose label has the features alone
    ([40, 70, 60, 100], False),  # a chin
    ([61, 0, 161, 100], False),  # a neighbour
    ([40, 0, 140, 100], True), ([41, 0, 141, 100], False),  # six tenths of it lie inside, and less
    ([0, 0, 50, 34], True), ([0, 0, 50, 33], False)])  # it is a sixth of the label, and less
def test_a_face_and_its_label_match_whichever_of_them_is_the_looser(box, matches):
    index, _ = faces.match(np.array([box]), np.array([[0, 0, 100, 100]]))
    assert (index.tolist() == [0]) == matches


def test_the_pairs_that_were_looked_at_are_those_of_the_rule_as_it_is():
    looked_at = results.read("matching")
    assert looked_at["inside"] == matching.INSIDE
    assert Fraction(looked_at["least"]) == Fraction(matching.LEAST).limit_denominator(100)


def test_a_pair_that_does_not_match_does_not_outbid_one_that_does():
    labelled, boxes = np.array([[0, 0, 10, 10], [5, 0, 15, 10]]), np.array([[9, 0, 19, 10], [0, 0, 10, 10]])
    assert faces.match(boxes, labelled)[0].tolist() == [1, 0]
    assert faces.match(boxes[:1], labelled)[0].tolist() == [-1, 0]


@pytest.mark.parametrize("boxes, labelled", [(0, 2), (2, 0), (0, 0), (1, 1)])
def test_nothing_detected_or_nothing_labelled_matches_nothing(boxes, labelled):
    index, _ = faces.match(np.ones((boxes, 4)), np.ones((labelled, 4)))
    assert index.tolist() == [-1] * labelled


def test_a_crop_is_the_part_inside_the_box_left_top_right_bottom():
    photograph = np.zeros((60, 120, 3), np.uint8)
    photograph[10:20, 70:110] = (255, 0, 0)
    assert (faces.crop(photograph, [70, 10, 110, 20]) == (255, 0, 0)).all()
    assert faces.crop(photograph, [70, 10, 110, 20]).shape == (50, 50, 3)


def test_a_box_partly_outside_is_clipped_and_one_outside_is_an_error():
    photograph = np.full((20, 30, 3), 9, np.uint8)
    assert (faces.crop(photograph, [-10, -10, 5, 5]) == 9).all()
    for box in ([30, 0, 40, 10], [-9, 0, 0, 9]):
        with pytest.raises(ValueError, match=f"a photograph 30 pixels wide and 20 high, .* got .{float(box[0])}, "):
            faces.crop(photograph, box)


@pytest.mark.parametrize("box, fault", [
    ([5, 5, 5, 9], "left < right and top < bottom"), ([9, 5, 5, 9], "left < right and top < bottom"),
    ([float("nan"), 0, 9, 9], "four finite numbers"), ([0, 0, float("inf"), 9], "four finite numbers"),
    ([0, 0, 9], "four finite numbers"), ([[0, 0, 9, 9]], "four finite numbers")])
@pytest.mark.parametrize("cut", [faces.crop, faces.surroundings])
def test_a_box_without_an_area_or_of_other_than_four_numbers_is_an_error(cut, box, fault):
    with pytest.raises(ValueError, match=f"expected a box .*30 pixels wide and 20 high, .*{fault}, got "):
        cut(np.zeros((20, 30, 3), np.uint8), box)


@pytest.mark.parametrize("photograph", [
    "photograph.jpg", Image.new("RGB", (30, 20)), np.zeros((20, 30), np.uint8), np.zeros((20, 30, 4), np.uint8),
    np.zeros((20, 30, 3)), np.zeros((0, 30, 3), np.uint8)])
@pytest.mark.parametrize("take", [lambda photograph: faces.crop(photograph, [0, 0, 9, 9]),
                                  lambda photograph: faces.detector("mtcnn")(photograph),
                                  lambda photograph: faces.detector("mtcnn-stock")(photograph),
                                  lambda photograph: faces.detector("yunet")(photograph)])
def test_what_is_no_photograph_is_refused_and_what_to_give_is_said(take, photograph):
    with pytest.raises(ValueError, match=r"expected a photograph \(H, W, 3\) uint8, got .*: read a file with np"):
        take(photograph)


def test_an_unknown_detector_is_an_error_that_lists_the_known():
    with pytest.raises(ValueError, match="expected a detector, one of mtcnn, mtcnn-stock, yunet, got 'yolo'"):
        faces.detector("yolo")


@pytest.fixture(scope="module")
def detect():
    return faces.detector("mtcnn")


@pytest.mark.parametrize("shape", [(1, 1), (5, 200), (19, 19), (20, 20), (64, 64), (21, 300)])
def test_photographs_too_small_or_empty_hold_no_face(detect, shape):
    boxes, scores = detect(np.full((*shape, 3), 120, np.uint8))
    assert boxes.shape == (0, 4) and scores.shape == (0,)


def test_crops_are_resumed_photograph_by_photograph(profile, monkeypatch):
    dataset = data.prepare(profile)
    labelled = dataset.boxes[dataset.boxes.face]
    names = dataset.photographs.photograph[dataset.photographs.annotated].tolist()
    calls = []

    def detector(name):  # finds the labelled faces themselves, less the first of each photograph
        def detect(photograph):
            calls.append(1)
            if len(calls) == 4:
                raise KeyboardInterrupt
            shown = names[len(calls) - (1 if len(calls) < 4 else 2)]
            boxes = labelled[labelled.photograph == shown][["left", "top", "right", "bottom"]].to_numpy()[1:]
            return boxes.astype(np.float32), np.full(len(boxes), 0.9, np.float32)
        return detect

    monkeypatch.setattr("maskdet.faces.crops.detector", detector)
    with pytest.raises(KeyboardInterrupt):
        faces.crop_faces(profile)
    assert not (profile.folder / "crops/crops.npz").exists()
    with pytest.raises(FileNotFoundError, match="expected crops of profile test, got none: "
                                                "run `make notebooks PROFILE=test`"):
        faces.read(profile)
    found = faces.crop_faces(profile)
    assert len(calls) == profile.scenes + 1, "three were finished, the fourth is searched again"
    again = faces.read(profile)
    pd.testing.assert_frame_equal(again.faces, found.faces)
    assert all((again.crops[boxes] == found.crops[boxes]).all() for boxes in faces.SOURCES)
    assert len(calls) == profile.scenes + 1
    assert len(found.faces) == len(labelled) and (~found.faces.found).sum() == profile.scenes
    assert found.faces.found.sum() == len(found.crops["detected"]) == len(found.detections) > 20
    assert len(found.crops["labelled"]) == len(found.patches["labelled"]) == len(found.faces)
    for boxes in faces.SOURCES:  # the detector's boxes are the labelled ones here
        face = found.rows(boxes).iloc[-1]
        photograph, box = dataset.image(face.photograph), face[["left", "top", "right", "bottom"]].to_numpy()
        assert (found.crops[boxes][-1] == faces.crop(photograph, box)).all()
        assert (found.patches[boxes][-1] == faces.surroundings(photograph, box)).all()


def test_surroundings_hold_the_box_in_their_middle_and_repeat_the_border():
    photograph = np.zeros((200, 300, 3), np.uint8)
    photograph[50:150, 100:200] = 200
    patch = faces.surroundings(photograph, [100, 50, 200, 150])
    assert patch.shape == (100, 100, 3)
    assert (patch[26:74, 26:74] == 200).all() and (patch[:24] == 0).all() and (patch[:, 76:] == 0).all()
    photograph[:] = np.arange(300)[None, :, None] // 2  # brighter to the right
    patch = faces.surroundings(photograph, [0, 0, 100, 100])
    assert (patch[:, :24] == 0).all() and patch[0, -1, 0] > 70, "left of the photograph is its first column"
    with pytest.raises(ValueError, match="inside a photograph 300 pixels wide and 200 high, at least in part, got"):
        faces.surroundings(photograph, [300, 0, 310, 10])


def test_crops_of_other_photographs_are_refused(profile):
    data.prepare(profile)
    faces.crop_faces(profile)
    other = dataclasses.replace(profile, validation_share=0.3)  # the same photographs, split otherwise
    data.prepare(other)
    with pytest.raises(ValueError, match="expected crops of the photographs, .* as they are now, got older crops"):
        faces.read(other)


@pytest.fixture
def upgrade(monkeypatch):
    """`upgrade(package)`: it alone has another version."""
    installed = importlib.metadata.version

    def forget():
        keys._versions.cache_clear(), keys._dependencies.cache_clear()

    def upgrade(package):
        monkeypatch.setattr(importlib.metadata, "version", lambda name: "99" if name == package else installed(name))
        forget()
    yield upgrade
    forget()


def test_crops_of_an_older_detector_are_refused(profile, upgrade):
    data.prepare(profile)
    faces.crop_faces(profile)
    faces.read(profile)
    upgrade("numba")
    with pytest.raises(ValueError, match="expected crops of .* detector as they are now, got older crops"):
        faces.read(profile)


@pytest.mark.parametrize("name, packages", [("mtcnn", {"numba"}), ("mtcnn-stock", {"mtcnn", "tensorflow"}),
                                            ("yunet", {"tensorflow", "pillow"})])
def test_what_a_detector_depends_on_names_it(name, packages, upgrade, monkeypatch):
    before = faces.key(name)
    assert faces.key(name) == before
    for package in ("mtcnn", "tensorflow", "pillow", "numba"):
        upgrade(package)
        assert (faces.key(name) != before) == (package in packages), package
    upgrade(None)
    assert faces.key(name) == before
    monkeypatch.setattr("maskdet.faces.yunet.card", lambda: {"sha256": "another"})
    assert (faces.key(name) != before) == (name == "yunet")


def test_the_checksums_of_the_weights_of_mtcnn_name_it_and_so_need_no_version_of_their_package():
    assert "maskdet.faces.cascade.networks:CHECKSUMS" in keys.dependencies(faces.DETECTORS["mtcnn"])


@pytest.mark.parametrize("lacking", [0, 1, 6])
def test_a_sample_has_photographs_with_misses_where_there_are_such(lacking):
    class Blank:
        def image(self, name):
            return np.zeros((9, 9, 3), np.uint8)

    names = [f"{number}.jpg" for number in range(6)]
    table = pd.DataFrame({"photograph": names, "found": [number >= lacking for number in range(6)]})
    found = faces.Faces(table, table.assign(matched=True)[:3], {}, {}, 0.0)
    images, labelled, detections = faces.sample(Blank(), found, 4, seed=0)
    assert len(images) == len(labelled) == len(detections) == 4
    assert sum(not table.found.all() for table in labelled) == {0: 0, 1: 1, 6: 4}[lacking]


def test_counts_state_found_and_missed_by_class_and_width():
    table = pd.DataFrame({"photograph": "a.jpg", "left": 0, "top": 0, "right": [30, 12, 40], "bottom": 40,
                          "original": ["face_no_mask", "face_no_mask", "face_with_mask"],
                          "label": ["bare", "bare", "masked"], "split": "test", "found": [True, False, False]})
    found = faces.Faces(table, pd.DataFrame({"matched": [True, False]}), {}, {}, 0.0)
    counts = faces.counts(found, smallest=20)
    assert counts.loc["face_no_mask"].tolist() == [2, 1, 1, 1, 1]
    assert counts.loc["face_with_mask"].tolist() == [1, 0, 1, 1, 0]
    assert faces.recall_by_width(found).loc[("10–14", "bare"), "share"] == 0
    assert faces.recall_by_width(found).loc[("30–49", "bare"), "share"] == 1
    assert faces.recall_by_width(found).loc[("≥ 100", "bare")].isna().all(), "no such face"


def test_intervals_by_width_are_wider_where_faces_of_one_photograph_are_found_together():
    table = pd.DataFrame({"photograph": ["a", "a", "a", "b", "b", "b", "c", "d"], "left": 0, "right": 40,
                          "label": "bare", "matched": [True] * 3 + [False] * 3 + [True, False]})
    apart = table.assign(photograph=list("abcdefgh"))
    for of, hit in ((faces.recall_by_width, "found"), (faces.precision_by_width, "matched")):
        alike, alone = (of(faces.Faces(each.assign(found=each.matched), each, {}, {}, 0.0)).dropna().iloc[0]
                        for each in (table, apart))
        assert alike.share == alone.share == 0.5, hit
        assert alike.high - alike.low > 1.2 * (alone.high - alone.low), hit
