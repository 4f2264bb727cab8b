"""Detectors compared, with a network behind: what is found, what is classified correctly, and shares of what."""

import dataclasses
import json

import numpy as np
import pandas as pd
import pytest

from maskdet import data, faces, figures
from maskdet.config import CLASSES
from maskdet.experiment import detectors
from maskdet.record import results


@pytest.fixture
def found():
    """Five labelled faces, of which one is narrow, one of neither class and one missed; and four boxes."""
    table = pd.DataFrame({
        "photograph": ["a", "a", "b", "b", "c"], "left": 0, "top": 0, "right": [30, 40, 30, 25, 12], "bottom": 40,
        "original": "any", "label": ["masked", "bare", "masked", "left out", "masked"], "split": "test",
        "found": [True, True, False, True, True], "group": [0, 0, 1, 1, 2]})
    boxes = pd.DataFrame({"left": 0.0, "top": 0.0, "right": [30.5, 40, 25, 12, 55], "bottom": 40.0, "score": 0.9,
                          "photograph": ["a", "a", "b", "c", "d"], "matched": [True, True, True, True, False]})
    return faces.Faces(table, boxes, {"detected": np.zeros((4, 50, 50, 3), np.uint8)}, {}, 0.0)


def masked(crops):
    """A network that calls every face masked."""
    return np.tile(np.float32([0.2, 0.8]), (len(crops), 1))


@pytest.fixture
def search(found):
    groups = pd.Series([0, 1, 2, 3], index=["a", "b", "c", "d"])
    return detectors._classified(found, masked, groups, smallest=20)


def test_a_missed_face_is_not_classified_correctly_and_a_narrow_one_does_not_count(search):
    assert search.photographs == 4 and search.unmatched == 1
    assert [(count.k, count.n) for count in search.recall.values()] == [(2, 3), (1, 1), (1, 2)]
    assert (search.accuracy.k, search.accuracy.n) == (1, 2), "the bare face is called masked"
    assert [(count.k, count.n) for count in search.whole.values()] == [(1, 3), (0, 1), (1, 2)]
    assert list(search.recall) == ["all", *CLASSES]
    assert search.faces.correct.tolist() == [True, False, False, True]


def test_two_detectors_are_compared_on_the_faces_that_both_find(search):
    half = [True, False, False, True]
    fewer = detectors.Detected(search.faces.assign(found=half, correct=half), search.detections, 4, 20)
    both = detectors.shared({"one": search, "two": fewer})
    assert [(count.k, count.n) for count in both.values()] == [(1, 1), (1, 1)]


def test_what_is_shown_holds_every_detector(search):
    searches = {"one": search, "two": search}
    table = detectors.table(searches)
    assert table.loc["boxes of any width: unmatched, per photograph"].tolist() == ["0.25", "0.25"]
    row = table.loc["faces at least 20 px wide: found and classified correctly"]
    assert row.str.contains("(1/3; ", regex=False).all()
    panels = detectors.by_width(searches)
    assert panels["masked faces found"]["one"].loc["10–14", "share"] == 1
    assert panels["boxes on a labelled face"]["two"].loc["50–99", "share"] == 0
    assert len(figures.by_width(panels).svg) > 1000 and len(figures.intervals(detectors.intervals(searches)).svg) > 1000


def test_another_detector_keeps_its_detections_apart_and_finds_them_again(profile, monkeypatch):
    dataset = data.prepare(profile)
    calls = []

    def detector(name):
        def detect(photograph):
            calls.append(name)
            return np.float32([[5, 5, 40, 50]]), np.float32([0.9])
        return detect

    monkeypatch.setattr("maskdet.faces.crops.detector", detector)
    faces.crop_faces(profile)
    tests = (dataset.photographs.split == "test").sum()
    calls.clear()
    first = faces.detect_split(profile, "yunet")
    assert calls == ["yunet"] * tests == ["yunet"] * len(first.detections)
    pd.testing.assert_frame_equal(first.faces, faces.detect_split(profile, "yunet").faces)
    assert len(faces.detect_split(profile, "mtcnn").detections) == tests and len(calls) == tests, "as prepared"
    assert set(first.faces.split) == {"test"} and len(first.crops["detected"]) == first.faces.found.sum()


def test_the_recorded_times_are_shown_and_quoted():
    record, preprint = results.read("detection"), results.read("preprint")
    seconds = detectors.seconds(record)
    quoted = preprint["seconds"]["value"]
    assert quoted == 10 and len(figures.times(seconds, quoted=quoted).svg) > 1000
    assert detectors.seconds_table(record).shape == (len(seconds), len(seconds["mtcnn"])) == (4, 4)
    quoted = detectors.seconds_to_quote(record)["times"]
    assert float(quoted["ratio"]["mtcnn"]["largest"]) > 1 and json.dumps(quoted)


def test_what_the_pages_say_in_words_of_the_times_is_what_the_record_shows():
    record = results.read("detection")
    seconds = detectors.seconds(record)
    rate = float(detectors.seconds_to_quote(record)["times"]["rate"]["one"]["clock"])
    assert 0.8 < rate / 25 < 1.25, "about the pace of a camera of twenty-five pictures a second"
    assert all(rates["least"] <= rates["clock"] <= rates["most"] for rates in record["rates"].values())
    mtcnn, yunet = (list(seconds[name].values()) for name in ("mtcnn", "yunet"))
    assert record["frame"] == "640×480" and list(seconds["mtcnn"])[0] == 0.3, "the smallest size is a camera's"
    assert mtcnn[0] < yunet[0], "there MTCNN is faster"
    assert all(slow > fast for slow, fast in zip(mtcnn[1:], yunet[1:])), "from the next size on YuNet is"
    assert yunet[-1] < 2 * yunet[0], "little longer"


def test_a_network_fitted_to_the_crops_of_another_detector_is_refused(profile):
    other = dataclasses.replace(profile, detector="yunet")
    with pytest.raises(ValueError, match="expected a run whose detector is 'mtcnn', .*, got 'yunet'"):
        detectors.compare(other)
