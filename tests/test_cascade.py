"""MTCNN, compiled: the boxes, levels, patches and suppressions of the package whose weights it has."""

import pickle
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from maskdet import drawing, faces
from maskdet.faces.cascade import Cascade, convolution, networks, pyramid
from maskdet.faces.cascade.stages import suppressed
from maskdet.networks.backend import tf

from memory import resident

bboxes = pytest.importorskip("mtcnn.utils.bboxes")
stages = pytest.importorskip("mtcnn.stages")


@pytest.fixture(scope="module")
def cascade():
    return Cascade()


@pytest.fixture(scope="module")
def scenes():
    return [drawing.scene(rng=np.random.default_rng(seed)).photograph for seed in range(6)]


@pytest.fixture
def scaled(scenes):
    """What the package computes from: -1 to 1, (1, H, W, 3)."""
    return (scenes[0][None] - 127.5) / 128


def test_the_boxes_and_scores_are_those_of_the_package(cascade, scenes):
    stock = faces.detector("mtcnn-stock")
    photographs = [*scenes, scenes[0][:, ::-1], scenes[1].transpose(1, 0, 2), scenes[2][100:190, 200:321],
                   scenes[0][:238, :383]]  # a face that two borders cut
    total = 0
    for photograph in photographs:
        (boxes, scores), (own, own_scores) = stock(photograph), cascade(photograph)
        assert boxes.shape == own.shape and own.dtype == own_scores.dtype == np.float32
        np.testing.assert_allclose(own, boxes, atol=0.1)
        np.testing.assert_allclose(own_scores, scores, atol=1e-4)
        total += len(boxes)
    assert total > 10


def test_every_level_proposes_the_cells_of_the_package(cascade, scenes, scaled):
    network, total = stages.StagePNet().model, 0
    for scale in pyramid.scales(*scenes[0].shape[:2]):
        size = (np.array(scenes[0].shape[:2]) * scale).astype(int)
        level = tf.image.resize(scaled, size, method="area")
        offsets, classes = network(level)
        theirs = bboxes.upscale_bboxes(bboxes.generate_bounding_box(offsets, classes, 0.6), np.array([scale]))
        own = cascade.level(scenes[0], scale)
        order = np.lexsort(np.round(own[:, :2], 1).T), np.lexsort(np.round(theirs[:, 1:3], 1).T)
        np.testing.assert_allclose(own[order[0]], theirs[order[1], 1:], atol=1e-3)
        total += len(own)
    assert total > 50


@pytest.mark.parametrize("size", [(216, 288), (100, 131), (33, 47), (12, 16), (359, 479)])
def test_a_level_is_the_mean_over_the_area_of_each_pixel(scenes, scaled, size):
    own = pyramid.level(scenes[0], *size, 0).reshape(*size, 3)
    np.testing.assert_allclose(own, tf.image.resize(scaled, size, method="area")[0], atol=1e-5)


def test_patches_are_bilinear_and_zero_beyond_the_photograph(scenes, scaled):
    rng = np.random.default_rng(0)
    corner = rng.uniform(-0.3, 1, (40, 2))
    boxes = np.concatenate([corner, corner + rng.uniform(0.01, 0.6, (40, 2))], axis=1).astype(np.float32)
    theirs = tf.image.crop_and_resize(scaled, boxes, np.zeros(40, int), (24, 24))
    np.testing.assert_allclose(pyramid.patches(scenes[0], boxes, 24), theirs, atol=1e-5)


@pytest.mark.parametrize("count", [0, 1, 63, 64, 65])
def test_the_judges_score_patches_as_the_package(cascade, count):
    rng = np.random.default_rng(1)
    for judge, stage in ((cascade.refinement, stages.StageRNet()), (cascade.output, stages.StageONet())):
        patches = rng.uniform(-1, 1, (count, judge.side, judge.side, 3)).astype(np.float32)
        offsets, scores = judge(patches)
        assert offsets.shape == (count, 4) and scores.shape == (count,)
        if count:
            theirs = [np.asarray(one) for one in stage.model(patches)]
            np.testing.assert_allclose(offsets, theirs[0], atol=1e-4)
            np.testing.assert_allclose(scores, theirs[-1][:, 1], atol=1e-4)


def test_a_box_that_is_suppressed_suppresses_as_well():
    boxes = np.array([[0, 0, 10, 10, 0.7], [4, 0, 14, 10, 0.8], [8, 0, 18, 10, 0.9], [50, 0, 60, 10, 0.6]], float)
    assert suppressed(boxes, threshold=0.3)[:, 4].tolist() == [0.9, 0.6]
    assert suppressed(boxes, threshold=0.5)[:, 4].tolist() == [0.9, 0.8, 0.7, 0.6]


@pytest.mark.parametrize("smaller, left", [(False, 2), (True, 1)])
def test_a_box_inside_another_shares_all_of_the_smaller_one(smaller, left):
    boxes = np.array([[0, 0, 100, 100, 0.9], [10, 10, 20, 20, 0.8]], float)
    assert len(suppressed(boxes, threshold=0.7, smaller=smaller)) == left


def test_of_a_face_inside_another_the_better_one_stays(cascade):
    class Nested(Cascade):
        def proposed(self, photograph):
            return np.array([[10, 10, 110, 110, 0.9], [30, 30, 60, 60, 0.8]], float)

    class Sure:
        side = 24

        def __call__(self, patches):
            return np.zeros((len(patches), 4), np.float32), np.linspace(0.9, 0.95, len(patches), dtype=np.float32)

    boxes, scores = Nested(cascade.proposal, Sure(), Sure())(np.zeros((120, 120, 3), np.uint8))
    assert len(boxes) == len(scores) == 1


@pytest.mark.parametrize("wrong", [np.zeros((40, 40, 3), float), np.zeros((40, 40), np.uint8),
                                   np.zeros((40, 40, 4), np.uint8)])
def test_what_is_no_photograph_is_refused(cascade, wrong):
    with pytest.raises(ValueError, match=r"expected a photograph \(H, W, 3\) uint8, got"):
        cascade(wrong)


def test_photographs_of_many_sizes_leave_nothing_behind(cascade, scenes):
    cascade(np.tile(scenes[0], (2, 2, 1)))  # the largest first: memory grows to what it needs
    compiled = [function for function in vars(convolution).values() if hasattr(function, "signatures")]
    parts = [scenes[number % 6][number:, 2 * number:] for number in range(60)]
    for part in parts[::6]:
        cascade(part)
    before, held = [len(function.signatures) for function in compiled], resident()
    for part in parts:
        cascade(part)
    grown = resident() - held
    assert before and [len(function.signatures) for function in compiled] == before, "nothing is compiled for a size"
    assert grown < sum(part.nbytes for part in parts) / 3, "bytes; were each photograph kept, all of them"


def test_weights_of_another_checksum_are_refused_before_anything_in_them_is_run(tmp_path, monkeypatch):
    class Planted:
        def __reduce__(self):
            return (tmp_path / "run").touch, ()
    folder = tmp_path / "assets/weights"
    folder.mkdir(parents=True)
    package = SimpleNamespace(submodule_search_locations=[str(tmp_path)])
    monkeypatch.setattr(networks.importlib.util, "find_spec", lambda name: package)
    with pytest.raises(FileNotFoundError, match="expected a file at .*, got no such file: install mtcnn"):
        networks.weights("pnet")
    (folder / "pnet.lz4").write_bytes(pickle.dumps(Planted()))
    with pytest.raises(ValueError, match="expected .*pnet.lz4 with the SHA-256 ea6b.*, got .*: install mtcnn=="):
        networks.weights("pnet")
    assert not (tmp_path / "run").exists()


def test_the_weights_are_those_of_the_locked_package():
    locked = (Path(__file__).parents[1] / "requirements.txt").read_text(encoding="utf8")
    assert f"\n{networks.PACKAGE} " in locked
