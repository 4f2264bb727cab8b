"""Faces with a mask worn wrongly are a class of their own."""

import dataclasses

import numpy as np
import pytest

from maskdet import config, data, faces
from maskdet.counts import Count
from maskdet.experiment import three_classes
from maskdet.record import results


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A profile whose faces are drawn, found and cropped."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MASKDET_BUILD", str(tmp_path_factory.mktemp("classes")))
        recipe = config.Recipe(2, 16, 2e-3, augmented=False)
        run = dataclasses.replace(config.PROFILES["smoke"], name="test", text=recipe)
        data.prepare(run)
        faces.crop_faces(run)
        yield run


def test_every_face_of_the_three_classes_is_tested_once_and_what_is_finished_is_kept(run):
    found = three_classes.three_classes(run)
    table = faces.read(run).rows()
    labels = np.concatenate([part.labels for part in found])
    assert (labels == 1).sum() == table.original.isin(data.WORN_WRONGLY).sum() > 0
    assert [(labels == label).sum() for label in (0, 2)] == [(table.label == name).sum() for name in config.CLASSES]
    assert {"three_classes"} < {path.name for path in run.folder.iterdir()} and not (run.folder / "attacks").exists()

    made = {path: path.stat().st_mtime_ns for path in (run.folder / "three_classes").rglob("*.keras")}
    kept = three_classes.three_classes(run)
    assert three_classes.to_record(kept) == three_classes.to_record(found)
    assert len(made) == run.folds and all(path.stat().st_mtime_ns == then for path, then in made.items())


def test_an_attack_is_to_reach_each_of_the_other_classes(run):
    for part in three_classes.three_classes(run):
        for target in range(3):
            rows = part.attacked[target]
            assert (part.labels[rows] != target).all() and (part.decisions[rows] == part.labels[rows]).all()
            assert set(part.flipped[target]) <= set(rows) and len(rows) <= run.attacked
        assert any(len(rows) for rows in part.attacked.values())


def test_counts_are_by_class_and_by_pair_of_classes_over_all_folds():
    parts = [three_classes.Tested(
        labels=np.array([0, 1, 2, 2]), decisions=np.array([0, 2, 2, 2]), clusters=np.arange(4) + first,
        attacked={0: np.array([2, 3]), 1: np.array([0, 2, 3]), 2: np.array([0])},
        flipped={0: np.array([2]), 1: np.array([], int), 2: np.array([0] * (first == 0), int)}, seconds=1.5)
        for first in (0, 4)]
    record, measured = three_classes.to_record(parts)
    found = record["three_classes"]
    assert measured == {"training": 3.0} and found["accuracy"] == Count(6, 8)
    assert found["confusion"] == [[2, 0, 0], [0, 0, 2], [0, 0, 4]]
    assert {name: (count.k, count.n) for name, count in found["accuracy_by_class"].items()} == {
        "bare": (2, 2), "worn wrongly": (0, 2), "masked": (4, 4)}
    assert {(name, other): (count.k, count.n) for name, others in found["success"].items()
            for other, count in others.items()} == {
        ("bare", "worn wrongly"): (0, 2), ("bare", "masked"): (1, 2), ("masked", "bare"): (2, 4),
        ("masked", "worn wrongly"): (0, 4)}
    table = three_classes.table(results._plain(found))
    assert table.loc["masked", "flipped to bare"].startswith("50.0 % (2/4")
    assert table.loc["worn wrongly", "flipped to masked"] == "–", "none was classified correctly, and so none attacked"
