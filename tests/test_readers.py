"""Classes, Pascal VOC annotations and boxes, on tiny sets with known answers."""

import json
import time

import pytest

from maskdet import data

from small_sets import BARE, CLIPPED, MASKED, NO_AREA, NO_NUMBERS, OUTSIDE, WOBOT, Set, rows, skipped


# Classes


def test_every_class_of_both_sets_is_folded_as_the_preprint_does():
    labels = {name: fold.label for name, fold in data.FOLDING.items()}
    assert len(labels) == 23
    assert {name for name in labels if labels[name] == "masked"} == {"face_with_mask", "with_mask"}
    assert {name for name in labels if labels[name] == "bare"} == {"face_no_mask", "without_mask"}
    faces = {name for name, fold in data.FOLDING.items() if fold.face}
    assert {name for name in faces if labels[name] == "left out"} == {
        "face_with_mask_incorrect", "mask_weared_incorrect", "face_other_covering"
    }
    assert {name for name in labels if labels[name] != "left out"} < faces


# Pascal VOC


def test_a_photograph_is_found_by_the_name_of_its_annotation(voc):
    dataset = voc.prepare()  # the XML's filename says elsewhere.jpg
    assert rows(dataset, "images/p03.png") == [MASKED, BARE]
    assert list(dataset.boxes["label"][:2]) == ["masked", "bare"]
    assert dataset.photographs["annotated"].all() and not skipped(dataset)


def test_a_photograph_without_annotation_belongs_to_no_side(voc):
    voc.photograph("extra.PNG")
    row = voc.prepare().photographs.set_index("photograph").loc["images/extra.PNG"]
    assert not row["annotated"] and row["split"] == ""


def test_an_annotation_without_photograph_is_counted(voc):
    voc.annotation("lost", [MASKED])
    reason = "annotation left out: it has no photograph"
    assert skipped(voc.prepare()) == [("annotations/lost.xml", reason)]


def test_other_files_and_second_photographs_are_counted(voc):
    voc.file("images/notes.txt", "")
    voc.photograph("p00.jpg")
    assert skipped(voc.prepare()) == [
        ("images/notes.txt", "file left out: its name does not end in .jpg or .jpeg or .png"),
        ("images/p00.png", "photograph left out: another has the same annotation"),
    ]


LAUGHS = (
    '<!DOCTYPE a [<!ENTITY l0 "ha">'
    + "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 12))
    + "]><annotation><object><name>&l11;</name></object></annotation>"
)


@pytest.mark.parametrize(
    "content",
    ["", "<annotation>", "<html></html>", "\0\1", LAUGHS, LAUGHS.encode("utf-16"),
     "<annotation><size><width>wide</width></size></annotation>"],
    ids=["empty", "open", "other", "binary", "entities", "utf-16 entities", "size"],
)
def test_malformed_xml_is_left_out_with_its_photograph(voc, content):
    voc.file("annotations/p00.xml", content)
    start = time.perf_counter()
    dataset = voc.prepare()
    assert time.perf_counter() - start < 30  # nothing was expanded
    assert len(dataset.photographs) == 9
    assert skipped(dataset) == [
        ("annotations/p00.xml", "photograph left out: its annotation is malformed XML")
    ]


def test_an_annotation_made_at_another_size_is_left_out(voc):
    voc.annotation("p00", [MASKED], size=(80, 60))
    reason = "photograph left out: another size than its annotation states"
    assert skipped(voc.prepare()) == [("images/p00.png", reason)]


@pytest.mark.parametrize("size", [None, (0, 0)])
def test_an_annotation_need_not_state_a_size(voc, size):
    voc.annotation("p00", [MASKED], size=size)
    assert rows(voc.prepare(), "images/p00.png") == [MASKED]


# Boxes


@pytest.mark.parametrize("layout", ["voc", "wobot"])
@pytest.mark.parametrize(
    ("edges", "expected", "reason"),
    [
        ((-5, -1, 12, 14), (0, 0, 12, 14), CLIPPED),
        ((30, 20, 41, 31), (30, 20, 40, 30), CLIPPED),
        ((0, 0, 40, 30), (0, 0, 40, 30), None),
        ((40, 0, 50, 10), None, OUTSIDE),
        ((5, -9, 9, 0), None, OUTSIDE),
        ((5, 5, 5, 9), None, NO_AREA),
        ((9, 5, 5, 9), None, NO_AREA),
        ((4.6, "5", 9, 9), (5, 5, 9, 9), None),
        ((float("nan"), 5, 9, 9), None, NO_NUMBERS),
        ((5, 5, float("inf"), 9), None, NO_NUMBERS),
        ((5, 5, "nine", 9), None, NO_NUMBERS),
        ((5, 5, "1e999", 9), None, NO_NUMBERS),
    ],
)
def test_boxes_are_checked_against_the_photograph(
    tmp_path, monkeypatch, layout, edges, expected, reason
):
    small = Set(tmp_path, layout, monkeypatch).fill()
    small.annotation("p00", [(*edges, "with_mask")])
    small.table([]) if layout == "wobot" else None
    dataset = small.prepare()
    name = next(name for name in dataset.photographs["photograph"] if name.endswith("p00.png"))
    assert [row[:4] for row in rows(dataset, name)] == ([expected] if expected else [])
    assert [row[1] for row in skipped(dataset)] == ([reason] if reason else [])
    assert name in set(dataset.photographs["photograph"])


def test_a_box_with_three_numbers_is_counted(wobot):
    content = {"Annotations": [{"BoundingBox": [1, 2, 3], "classname": "face_no_mask"}]}
    wobot.file(f"{WOBOT}/annotations/extra.png.json", json.dumps(content))
    wobot.photograph("extra.png")
    reason = NO_NUMBERS
    assert skipped(wobot.prepare()) == [(f"{WOBOT}/annotations/extra.png.json", reason)]


def test_an_unknown_class_is_named(voc):
    voc.annotation("p00", [MASKED, (1, 1, 9, 9, "moustache")])
    dataset = voc.prepare()
    assert skipped(dataset) == [("annotations/p00.xml", "box left out: unknown class 'moustache'")]
    assert rows(dataset, "images/p00.png") == [MASKED]


def test_classes_left_out_stay_in_the_table(voc):
    voc.annotation("p00", [(1, 1, 9, 9, "mask_weared_incorrect"), (1, 1, 9, 9, "hat")])
    boxes = voc.prepare().boxes.query("photograph == 'images/p00.png'")
    assert list(boxes["label"]) == ["left out", "left out"] and list(boxes["face"]) == [True, False]
