"""YuNet: the faces of drawn scenes, boxes that do not depend on how a photograph is framed, weights with a checksum."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from maskdet import drawing, faces
from maskdet.data.classes import FOLDING
from maskdet.faces import yunet

from memory import resident


@pytest.fixture(scope="module")
def detect():
    return faces.detector("yunet")


@pytest.fixture(scope="module")
def scenes():
    return [drawing.scene(rng=np.random.default_rng(seed)) for seed in range(8)]


def labelled(scene):
    """The boxes of the faces of a drawn scene, (N, 4)."""
    return np.array([[box.left, box.top, box.right, box.bottom] for box in scene.boxes
                     if FOLDING[box.name].face], float)


def test_drawn_faces_are_found_masked_or_bare(detect, scenes):
    found = total = 0
    for scene in scenes:
        boxes, scores = detect(scene.photograph)
        assert boxes.dtype == scores.dtype == np.float32 and len(boxes) == len(scores)
        assert (np.diff(scores) <= 0).all() and ((scores >= 0.5) & (scores <= 1)).all()
        found += (faces.match(boxes, labelled(scene))[0] >= 0).sum()
        total += len(labelled(scene))
    assert total > 20 and found / total > 0.8, f"{found} of {total}"


def test_boxes_lie_inside_the_photograph_where_a_face_is_cut_off(detect, scenes):
    total = 0
    for scene in scenes:
        for left, _, right, _ in labelled(scene):
            part = scene.photograph[:, int((3 * left + right) / 4):]
            boxes, _ = detect(part)
            total += len(boxes)
            assert (boxes[:, :2] >= 0).all() and (boxes[:, 2:] <= part.shape[1::-1]).all()
            assert (boxes[:, :2] < boxes[:, 2:]).all()
    assert total > 20


def test_black_below_and_beside_a_photograph_moves_no_box(scenes):
    photograph = scenes[0].photograph
    height, width = photograph.shape[:2]
    wider = np.zeros((height + 40, width + 70, 3), np.uint8)
    wider[:height, :width] = photograph
    search = yunet.YuNet(yunet.Settings(longest=10_000, shrunk=1, large=10_000))  # both twice as large, one look
    (boxes, scores), (own, own_scores) = search(photograph), search(wider)
    assert len(boxes) and boxes.shape == own.shape
    np.testing.assert_allclose(own, boxes, atol=0.5)
    np.testing.assert_allclose(own_scores, scores, atol=0.01)


def test_a_face_that_fills_the_photograph_is_found_by_the_second_look(detect, scenes):
    once = yunet.YuNet(yunet.Settings(large=10**9), detect.forward)
    for scene, missed in ((scenes[1], True), (scenes[4], False)):
        boxes = labelled(scene)
        left, top, right, bottom = boxes[(boxes[:, 2] - boxes[:, 0]).argmax()].astype(int)
        wide, high = (right - left) // 8, (bottom - top) // 8
        part = scene.photograph[max(0, top - high):bottom + high, max(0, left - wide):right + wide]
        large = part.repeat(8, axis=0).repeat(8, axis=1)
        [box], _ = detect(large)
        assert 0.7 < (box[2] - box[0]) / large.shape[1] < 0.95
        assert (len(once(large)[0]) == 0) == missed


@pytest.mark.parametrize("shape", [(1, 1), (1, 900), (900, 1), (5, 200), (31, 33), (64, 64)])
@pytest.mark.parametrize("shade", [0, 120, 255])
def test_photographs_too_small_or_empty_hold_no_face(detect, shape, shade):
    boxes, scores = detect(np.full((*shape, 3), shade, np.uint8))
    assert boxes.shape == (0, 4) and scores.shape == (0,) and boxes.dtype == scores.dtype == np.float32


def test_grey_photographs_have_their_faces(detect, scenes):
    grey = scenes[0].photograph.mean(axis=2).astype(np.uint8)
    boxes, _ = detect(np.repeat(grey[..., None], 3, axis=2))
    assert len(boxes) and (faces.overlap(boxes, detect(scenes[0].photograph)[0]).max(axis=1) > 0.6).mean() > 0.7


@pytest.mark.parametrize("wrong", [np.zeros((40, 40, 3), float), np.zeros((40, 40), np.uint8),
                                   np.zeros((40, 40, 4), np.uint8)])
def test_what_is_no_photograph_is_refused(detect, wrong):
    with pytest.raises(ValueError, match=r"expected a photograph \(H, W, 3\) uint8, got"):
        detect(wrong)


def test_of_boxes_that_overlap_the_best_stays_and_one_that_goes_removes_nothing():
    boxes = np.array([[0, 0, 10, 10], [4, 0, 14, 10], [8, 0, 18, 10], [50, 0, 60, 10]], float)  # 6 of 14 shared
    scores = np.array([0.9, 0.8, 0.7, 0.95])
    assert yunet.suppressed(boxes, scores, iou=0.5).tolist() == [3, 0, 1, 2]
    assert yunet.suppressed(boxes, scores, iou=0.4).tolist() == [3, 0, 2]
    assert yunet.suppressed(boxes[:0], scores[:0], iou=0.3).tolist() == []


def test_photographs_of_many_sizes_leave_nothing_behind(detect, scenes):
    # Large, so that what is kept outweighs what TensorFlow keeps of its own.
    large = [np.tile(scene.photograph, (3, 3, 1)) for scene in scenes]
    parts = [large[number % 8][4 * number:, 5 * number:] for number in range(60)]
    for part in parts[::4]:
        detect(part)
    held = resident()
    for part in parts:
        detect(part)
    grown = resident() - held
    assert detect.forward.experimental_get_tracing_count() == 1, "nothing is traced for a size"
    assert grown < sum(part.nbytes for part in parts) / 3, "bytes; were each photograph kept, all of them"


def test_every_number_of_the_network_is_that_of_its_authors_file():
    # Made once by ONNX Runtime 1.32.0 from the file that the card names, its input freed of the fixed size, on the
    # photograph below in the order BGR: by stride, rows of cells (of stride 8 each fourth row), and of each cell the
    # logits of "cls" and "obj", which go into the sigmoids of its graph, and the four of "bbox".
    reference = json.loads((Path(__file__).parent / "yunet_reference.json").read_text(encoding="utf8"))
    rows, columns, channels = np.indices((64, 96, 3))
    waves = np.sin(rows / 5 + channels) + np.sin(columns / 7 - channels) + np.sin((rows + 2 * columns) / 11)
    photograph = np.round(127.7 + 42 * waves).astype(np.uint8)
    eight, *coarser = yunet.inference()(photograph[None])
    for stride, grid in zip(yunet.STRIDES, (eight[:, ::4], *coarser)):
        np.testing.assert_allclose(grid[0], reference[str(stride)], atol=1e-4, rtol=0)


def test_changed_or_missing_weights_are_refused_with_the_remedy(tmp_path, monkeypatch):
    shutil.copytree(yunet.FOLDER, tmp_path / "shipped")
    monkeypatch.setattr(yunet, "FOLDER", tmp_path / "shipped")
    path = tmp_path / "shipped/yunet.npz"
    content = bytearray(path.read_bytes())
    content[-100] ^= 1
    path.write_bytes(content)
    with pytest.raises(ValueError, match="expected .*yunet.npz with the SHA-256 .*, got .*: install the package anew"):
        yunet.weights()
    path.unlink()
    with pytest.raises(FileNotFoundError, match="expected a file at .*yunet.npz, got no such file: install"):
        yunet.weights()
    card = tmp_path / "shipped/card.json"
    for damaged in (b"{", b"\xff", b"[]", b"null", b"{}", b'{"sha256": 1}'):
        card.write_bytes(damaged)
        with pytest.raises(ValueError, match="expected the card of the weights, .*, got .*: install the pack"):
            yunet.card()
    card.unlink()
    with pytest.raises(FileNotFoundError, match="expected the card of the weights at .*: install"):
        yunet.card()


def test_the_weights_are_those_of_the_card_with_the_licence_beside_them():
    card, arrays = yunet.card(), yunet.weights()
    assert card["parameters"] == sum(array.size for array in arrays.values()) == yunet.network().count_params()
    assert card["bytes"] == (yunet.FOLDER / "yunet.npz").stat().st_size < 250_000
    notice = (yunet.FOLDER / "yunet-LICENSE.txt").read_text(encoding="utf8")
    assert "Permission is hereby granted, free of charge" in notice and card["licence"].startswith("MIT")
