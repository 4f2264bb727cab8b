"""Tests of the photographs drawn by code."""

import csv
import json

import numpy as np
import pytest
from PIL import Image

from maskdet import drawing
from maskdet.drawing import layout

CLASSES = set("""face_with_mask mask_colorful mask_surgical face_no_mask face_with_mask_incorrect
face_other_covering scarf_bandana balaclava_ski_mask face_shield other gas_mask turban helmet
sunglasses eyeglasses hair_net hat goggles hood hijab_niqab""".split())
INNER = "Medical mask/Medical mask/Medical Mask"


def scenes(seed, count):
    return [drawing.scene(rng=np.random.default_rng([seed, i])) for i in range(count)]


def contents(folder):
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_a_scene_is_a_photograph_with_boxes_inside_it():
    for scene in scenes(1, 8):
        height, width, channels = scene.photograph.shape
        assert scene.photograph.dtype == np.uint8 and channels == 3
        assert 480 <= width <= 640 and 360 <= height <= 480
        assert scene.boxes
        for box in scene.boxes:
            assert 0 <= box.left < box.right <= width
            assert 0 <= box.top < box.bottom <= height
            assert box.name in CLASSES


def test_the_same_generator_draws_the_same_scene():
    first, second = scenes(2, 2), scenes(2, 2)
    assert all(np.array_equal(a.photograph, b.photograph) and a.boxes == b.boxes
               for a, b in zip(first, second))
    assert not np.array_equal(first[0].photograph, first[1].photograph)


@pytest.mark.parametrize("people", [1, 3, 6])
def test_a_scene_has_the_people_asked_for(people):
    boxes = drawing.scene(rng=np.random.default_rng(3), people=people).boxes
    faces = [box for box in boxes if box.name.startswith("face_") and box.name != "face_shield"]
    assert len(faces) == people


def test_what_is_before_the_mouth_can_be_asked_for_and_a_mask_alone_is_labelled_one():
    drawn = {before: drawing.scene(rng=np.random.default_rng(4), people=1, before=before)
             for before in drawing.BEFORE}
    named = {before: scene.boxes[0].name for before, scene in drawn.items()}
    assert named.pop("mask") == "face_with_mask" and set(named.values()) == {"face_no_mask"}
    assert len({scene.photograph.tobytes() for scene in drawn.values()}) == len(drawn)
    assert len({scene.boxes[0].left for scene in drawn.values()}) == 1, "the same person"
    with pytest.raises(ValueError, match="one of nothing, hand, thing, mask, got 'spoon'"):
        drawing.scene(rng=np.random.default_rng(4), before="spoon")


def test_masked_faces_have_a_second_row_for_the_mask():
    boxes = [box for scene in scenes(4, 8) for box in scene.boxes]
    for face, mask in zip(boxes, boxes[1:]):
        if face.name == "face_with_mask":
            assert mask.name in ("mask_surgical", "mask_colorful")
            assert face.left - 6 <= mask.left and mask.right <= face.right + 6


def test_files_have_the_layout_of_the_data_set(tmp_path):
    assert drawing.write(tmp_path, scenes=3, unannotated=2, seed=5) == tmp_path
    images = sorted(p.name for p in (tmp_path / INNER / "images").iterdir())
    assert images == ["0001.jpg", "0002.jpg", "0003.jpg", "0004.jpg", "0005.jpg"]
    annotations = sorted((tmp_path / INNER / "annotations").iterdir())
    assert [p.name for p in annotations] == ["0003.jpg.json", "0004.jpg.json", "0005.jpg.json"]
    note = json.loads(annotations[0].read_text())
    assert note["FileName"] == "0003.jpg" and note["NumOfAnno"] == len(note["Annotations"])
    assert list(note["Annotations"][0]) == ["isProtected", "ID", "BoundingBox", "classname",
                                            "Confidence", "Attributes"]
    boxes = drawing.scene(rng=np.random.default_rng([5, 0])).boxes
    assert [(item["BoundingBox"], item["classname"]) for item in note["Annotations"]] == [
        ([box.left, box.top, box.right, box.bottom], box.name) for box in boxes]
    with Image.open(tmp_path / INNER / "images" / "0001.jpg") as image:
        assert image.format == "JPEG" and image.mode == "RGB"


def test_the_table_keeps_the_wrong_header_of_the_data_set(tmp_path):
    drawing.write(tmp_path, scenes=2, unannotated=1, seed=5)
    with open(tmp_path / "train.csv", newline="") as stream:
        header, *rows = csv.reader(stream)
    assert header == ["name", "x1", "x2", "y1", "y2", "classname"]
    noted = []
    for path in sorted((tmp_path / INNER / "annotations").iterdir()):
        note = json.loads(path.read_text())
        noted += [[note["FileName"], *map(str, item["BoundingBox"]), item["classname"]]
                  for item in note["Annotations"]]
    assert rows == noted  # left, top, right, bottom, whatever the header says


def test_the_same_seed_writes_the_same_bytes(tmp_path):
    for name in ("a", "b"):
        drawing.write(tmp_path / name, scenes=2, unannotated=1, seed=6)
    assert contents(tmp_path / "a") == contents(tmp_path / "b")
    drawing.write(tmp_path / "c", scenes=2, unannotated=1, seed=7)
    assert contents(tmp_path / "a") != contents(tmp_path / "c")


def test_a_scene_does_not_depend_on_how_many_are_drawn(tmp_path):
    few = contents(drawing.write(tmp_path / "few", scenes=1, unannotated=1, seed=6))
    many = contents(drawing.write(tmp_path / "many", scenes=3, unannotated=1, seed=6))
    few.pop("train.csv")
    assert few.items() <= many.items()


def test_an_interrupted_call_goes_on_where_it_stopped(tmp_path, monkeypatch):
    whole = contents(drawing.write(tmp_path, scenes=3, unannotated=1, seed=8))
    (tmp_path / INNER / "annotations" / "0003.jpg.json").unlink()  # a photograph without its note
    (tmp_path / INNER / "images" / "0001.jpg").unlink()
    (tmp_path / INNER / "images" / ".0004.77.part.jpg").write_bytes(b"half")
    (tmp_path / "train.csv").unlink()
    drawn = []

    def counted(**options):
        drawn.append(options)
        return drawing.scene(**options)

    monkeypatch.setattr(layout, "scene", counted)
    drawing.write(tmp_path, scenes=3, unannotated=1, seed=8)
    assert len(drawn) == 2
    assert contents(tmp_path) == whole  # and so no temporary file either
    drawing.write(tmp_path, scenes=3, unannotated=1, seed=8)
    assert len(drawn) == 2


def test_a_call_that_fails_leaves_no_temporary_file(tmp_path, monkeypatch):
    def broken(*_args, **_options):
        raise KeyboardInterrupt

    monkeypatch.setattr(Image.Image, "save", broken)
    empty = drawing.Scene(np.zeros((4, 4, 3), np.uint8), ())
    monkeypatch.setattr(layout, "scene", lambda **_: empty)
    with pytest.raises(KeyboardInterrupt):
        drawing.write(tmp_path, scenes=1, unannotated=0, seed=1)
    assert contents(tmp_path) == {}


@pytest.mark.parametrize("wrong", [{"scenes": 0}, {"unannotated": -1}, {"seed": -1}])
def test_numbers_out_of_range_are_refused(tmp_path, wrong):
    with pytest.raises(ValueError, match="expected .*, got"):
        drawing.write(tmp_path, **({"scenes": 1, "unannotated": 0, "seed": 0} | wrong))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("people", [0, 7])
def test_a_number_of_people_out_of_range_is_refused(people):
    with pytest.raises(ValueError, match="expected 1 to 6 people, got"):
        drawing.scene(rng=np.random.default_rng(0), people=people)


def overlap(first, second):
    """Intersection over union of two boxes (left, top, right, bottom)."""
    wide = min(first[2], second[2]) - max(first[0], second[0])
    high = min(first[3], second[3]) - max(first[1], second[1])
    both = max(wide, 0) * max(high, 0)
    area = sum((b[2] - b[0]) * (b[3] - b[1]) for b in (first, second))
    return both / (area - both)


def test_the_detector_finds_most_drawn_faces():
    mtcnn = pytest.importorskip("mtcnn")
    detector = mtcnn.MTCNN()
    found = {"face_no_mask": [], "face_with_mask": []}
    for scene in scenes(9, 60):
        detected = [(x, y, x + w, y + h) for x, y, w, h in
                    (face["box"] for face in detector.detect_faces(scene.photograph))]
        for box in scene.boxes:
            if box.name in found and box.right - box.left >= 20:
                edges = (box.left, box.top, box.right, box.bottom)
                found[box.name].append(any(overlap(d, edges) > 0.4 for d in detected))
    assert np.mean(found["face_no_mask"]) >= 0.90
    assert np.mean(found["face_with_mask"]) >= 0.80
