"""Your own photographs, searched for faces: what is found, written, resumed and refused."""

import json
import subprocess

import numpy as np
import pytest
from PIL import Image

from maskdet import detect, drawing, faces, keys, networks
from maskdet.__main__ import main
from maskdet.config import ROOT
from maskdet.data import PhotographError, read_image

from small_sets import encoded
from smoke_book import ALONE
from test_photographs import bomb


@pytest.fixture(scope="module")
def scene():
    return drawing.scene(rng=np.random.default_rng(3), people=4).photograph


@pytest.fixture(scope="module")
def parts():
    return faces.detector("mtcnn"), networks.load("resnet")


@pytest.fixture
def search(tmp_path, parts):
    """`search(content, name)` writes a file, searches it, and returns the faces and what was written."""
    searched = detect.Detection(tmp_path / "out", *parts, key="")

    def search(content, name="photograph.jpg"):
        (tmp_path / name).write_bytes(content)
        found = searched(tmp_path / name, name=name)
        return found, json.loads((tmp_path / "out" / f"{name}.json").read_text("utf8"))
    return search


def edges(found):
    return np.array([[face.left, face.top, face.right, face.bottom] for face in found]).reshape(-1, 4)


def test_a_photograph_is_written_with_its_faces_drawn_and_as_numbers(search, scene, tmp_path, parts):
    found, record = search(encoded(scene), "people.png")
    assert [face.label for face in found] == ["masked", "bare", "masked"]
    assert record["photograph"] == "people.png" and (record["height"], record["width"]) == scene.shape[:2]
    assert [detect.Face(**face) for face in record["faces"]] == found
    boxes, scores = parts[0](scene)
    np.testing.assert_allclose(edges(found), boxes, atol=0.06)
    np.testing.assert_allclose([face.score for face in found], scores, atol=1e-4)
    assert all(0.5 <= face.confidence <= 1 for face in found)
    picture = read_image(tmp_path / "out" / "people.png.boxes.jpg").astype(int)
    assert np.abs(picture - np.asarray(detect.annotated(scene, found))).mean() < 2
    for face in found:  # the lower side of its frame, in the colour of its label
        colour = np.array(Image.new("RGB", (1, 1), detect.COLOURS[face.label]))[0, 0].astype(int)
        side = picture[round(face.bottom) - 1:round(face.bottom) + 1, round(face.left) + 3:round(face.right) - 3]
        assert np.abs(side - colour).mean() < 25
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["people.png.boxes.jpg", "people.png.json"]


@pytest.mark.parametrize("mode, kind", [("L", "PNG"), ("CMYK", "JPEG"), ("RGBA", "PNG"), ("I;16", "PNG"),
                                        ("P", "PNG")])
def test_photographs_of_every_mode_have_their_faces(search, scene, mode, kind, tmp_path, parts):
    if mode == "I;16":
        image = Image.fromarray(np.asarray(Image.fromarray(scene).convert("L")).astype(np.uint16) * 257)
    else:
        image = Image.fromarray(scene).convert(mode)
    image.save(tmp_path / "any", format=kind)
    found, _ = search((tmp_path / "any").read_bytes(), "any")
    assert len(found) >= 2
    assert (faces.overlap(edges(found), parts[0](scene)[0]).max(axis=1) > 0.7).all()


@pytest.mark.parametrize("orientation, turns", [(3, 2), (6, 1), (8, 3)])
def test_boxes_are_those_of_the_upright_photograph(search, scene, orientation, turns):
    exif = Image.Exif()
    exif[0x0112] = orientation
    found, record = search(encoded(np.ascontiguousarray(np.rot90(scene, turns)), exif=exif), "turned.png")
    upright, _ = search(encoded(scene), "upright.png")
    assert (record["height"], record["width"]) == scene.shape[:2]
    assert found == upright and len(found) == 3


@pytest.mark.parametrize("size", [(1, 1), (3, 500), (120, 160)])
def test_a_photograph_without_a_face_has_none(search, size, tmp_path):
    found, record = search(encoded(np.full((*size, 3), 130, np.uint8)))
    assert found == [] and record["faces"] == []
    assert read_image(tmp_path / "out" / "photograph.jpg.boxes.jpg").shape[:2] == size


@pytest.mark.parametrize("content, fault", [
    (bomb(10_000, 10_000), "more than 80 megapixels: make it smaller"),
    (b"", "an empty file: copy it again"),
    (b"<html>", "none of the formats JPEG, PNG, WEBP, GIF, BMP: save it in one of these"),
    (encoded(np.zeros((90, 90, 3), np.uint8), format="JPEG")[:-300],
     "a truncated or damaged image: copy it again, or save it anew"),
    (encoded(np.zeros((1, 65_501, 3), np.uint8)), "a side of more than 65500 pixels: make it smaller")])
def test_a_file_that_is_none_is_an_error_that_names_it_and_the_remedy(search, tmp_path, content, fault, capsys,
                                                                      quick):
    with pytest.raises(PhotographError):
        search(content)
    assert not (tmp_path / "out").exists()
    path = tmp_path / "photograph.jpg"
    assert main(["detect", str(path), "--folder", str(tmp_path / "out")]) == 1
    assert capsys.readouterr().err == f"error: expected a photograph in {path}, got {fault}\n", "once"


@pytest.fixture
def quick(monkeypatch):
    """A detector and a network that answer at once: one box, masked. The photographs searched are counted."""
    searched = []

    def one_box(photograph):
        searched.append(photograph)
        return np.array([[2, 2, 12, 12]], np.float32), np.array([0.9], np.float32)
    monkeypatch.setattr(detect.faces, "detector", lambda name: one_box)
    monkeypatch.setattr(detect.networks, "load", lambda name: lambda crops: np.tile([[0.2, 0.8]], (len(crops), 1)))
    return searched


@pytest.fixture
def folder(tmp_path):
    """Four photographs, one of them deeper, and a file that is none."""
    (tmp_path / "trip" / "day").mkdir(parents=True)
    for number, name in enumerate(("a.png", "b.png", "c.jpg", "day/a.png")):
        (tmp_path / "trip" / name).write_bytes(encoded(np.full((30, 40, 3), 50 * number, np.uint8)))
    (tmp_path / "trip" / "notes.txt").write_text("nothing to see")
    (tmp_path / "trip" / ".hidden").write_text("")
    return tmp_path / "trip"


def test_what_cannot_be_read_in_a_folder_is_named_and_counted(folder, quick, capsys):
    out = folder / "found"  # inside it: never searched itself
    for _ in range(2):
        assert main(["detect", str(folder), "--folder", str(out)]) == 0
        said = capsys.readouterr()
        assert said.out == (f"4 photographs, 4 faces: 4 masked, 0 bare; 1 file left out; written to {out}\n")
        assert f"left out: expected a photograph in {folder / 'notes.txt'}, got none of the formats" in said.err
    assert len(quick) == 4, "the second time, all were finished"
    names = sorted(str(path.relative_to(out)) for path in out.rglob("*.json"))
    assert names == [f"trip/{name}.json" for name in ("a.png", "b.png", "c.jpg", "day/a.png")]


def test_an_interrupted_folder_goes_on_where_it_stopped(folder, quick, tmp_path, monkeypatch, capsys):
    predict, calls = networks.load("resnet"), []

    def interrupted(crops):
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return predict(crops)
    monkeypatch.setattr(detect.networks, "load", lambda name: interrupted)
    command = ["detect", str(folder), "--folder", str(tmp_path / "out")]
    assert main(command) == 130
    assert "stopped: what is finished is kept" in capsys.readouterr().err
    assert len(list((tmp_path / "out").rglob("*"))) == 1 + 2 * 2, "two photographs, whole, and nothing by halves"
    assert main(command) == 0
    assert len(calls) == 5 and "4 photographs, 4 faces" in capsys.readouterr().out


def test_a_photograph_that_has_changed_is_searched_again(folder, quick, tmp_path):
    detect.run(folder / "a.png", folder=tmp_path / "out")
    detect.run(folder / "a.png", folder=tmp_path / "out")
    assert len(quick) == 1
    (folder / "a.png").write_bytes((folder / "b.png").read_bytes())
    detect.run(folder / "a.png", folder=tmp_path / "out")
    (tmp_path / "out/trip/a.png.json").write_text("[1, 2")
    said = detect.run(folder / "a.png", folder=tmp_path / "out").splitlines()
    assert len(quick) == 3 and said == [
        "masked 0.80, from 2, 2 to 12, 12",
        f"1 photograph, 1 face: 1 masked, 0 bare; 0 files left out; written to {tmp_path}/out/trip/a.png.boxes.jpg"]


def test_photographs_of_one_name_in_two_folders_are_both_kept(folder, quick, tmp_path):
    detect.run(folder / "a.png", folder=tmp_path / "out")
    detect.run(folder / "day/a.png", folder=tmp_path / "out")
    assert {str(path.relative_to(tmp_path)) for path in (tmp_path / "out").rglob("*.json")} == {
        "out/trip/a.png.json", "out/day/a.png.json"}
    detect.run(folder, folder=tmp_path / "out")
    assert len(quick) == 2 + 3, "a.png was finished; day/a.png is written below trip"


@pytest.mark.parametrize("used", ["detect:label_faces", "data.photographs:decoded", "faces.matching:crop",
                                  "faces.yunet:YuNet", "networks.predict:predictor", "networks.architectures:resnet",
                                  "networks.weights:load"])
def test_a_photograph_is_searched_again_by_changed_code(used, monkeypatch):
    before, dependencies = detect.current_key.__wrapped__(), keys.dependencies
    assert detect.current_key.__wrapped__() == before

    def changed(*objects):
        found = dependencies(*objects)
        return found | {name: "other code" for name in found if name == f"maskdet.{used}"}
    monkeypatch.setattr(keys, "dependencies", changed)
    assert detect.current_key.__wrapped__() != before


def test_finished_photographs_do_not_depend_on_the_detector_that_is_not_used():
    assert not [name for name in keys.dependencies(detect.Detection, networks.load) if "cascade" in name]


def test_a_missing_path_and_a_folder_with_nothing_to_see_are_errors(tmp_path, quick, capsys):
    (tmp_path / "empty").mkdir()
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "a.txt").write_text("a")
    for arguments, message in (
            ([str(tmp_path / "no")], f"expected a photograph or a folder at {tmp_path / 'no'}, got neither"),
            ([str(tmp_path / "empty")], f"expected photographs in the folder {tmp_path / 'empty'}, got none"),
            ([str(tmp_path / "texts")],
             f"expected photographs in the folder {tmp_path / 'texts'}, got 1 file that cannot be read"),
            ([""], "expected a photograph or a folder, got none, as in `maskdet detect holidays.jpg`"),
            ([], "expected a command as in `maskdet detect --help`, got another: ")):
        assert main(["detect", *arguments, "--folder", str(tmp_path / "out")]) == 1
        assert f"error: {message}" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_box_without_area_in_the_photograph_is_no_face(parts):
    def two_boxes(photograph):
        return np.array([[5, 5, 5.2, 9], [0, 0, 20, 20]], np.float32), np.array([0.9, 0.8], np.float32)
    found = detect.label_faces(np.zeros((30, 30, 3), np.uint8), detect=two_boxes, predict=parts[1])
    assert edges(found).tolist() == [[0, 0, 20, 20]] and found[0].score == 0.8


def test_make_gives_the_name_of_a_photograph_as_it_stands(tmp_path):
    (tmp_path / "maskdet").write_text('#!/bin/sh\nprintf %s "$3"\n')
    (tmp_path / "maskdet").chmod(0o755)
    name = "it's $x \"$(shell echo)\" ü.jpg"
    said = subprocess.run(["make", "-C", str(ROOT), "-s", "-o", ".venv/ready", f"BIN={tmp_path}", "detect",
                           f"PHOTO={name}"], capture_output=True, text=True, env=ALONE)
    assert said.stdout.splitlines()[-1] == name
