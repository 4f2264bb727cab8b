"""The attack's origin: published networks read as they were published, and digits of which everything is known."""

import json
import os
import types
from pathlib import Path

import numpy as np
import pytest

from maskdet import attack, config, origin, proof
from maskdet.__main__ import main
from maskdet.attack import Goal
from maskdet.counts import Count
from maskdet.origin import measurement, published, tables
from maskdet.record import results

# Whether the public files are on this machine; a build of the book does not need them.
there = pytest.mark.skipif(not (Path(os.environ.get("MASKDET_DATA") or config.ROOT / "data") / "cifar10").is_dir(),
                           reason="needs the public files of cifar10 in MASKDET_DATA")


@pytest.fixture(scope="module")
def chapter():
    """What the chapter's cells on digits define: they run before the record is read."""
    pytest.importorskip("sklearn.datasets", reason="needs scikit-learn, whose digits are attacked")
    cells = json.loads((config.ROOT / "book/12_origin.ipynb").read_text(encoding="utf8"))["cells"]
    sources = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    last = next(number for number, source in enumerate(sources) if "results.read" in source)
    defined = {}
    for source in sources[:last]:
        exec(source, defined)
    return types.SimpleNamespace(**defined)


def test_each_digit_is_flippable_or_proved_safe(chapter):
    assert chapter.correct.sum() > 430 and len(chapter.correct) == 450
    assert not (chapter.verdict == "undecided").any()
    assert ((chapter.verdict == "flippable") == (chapter.result.status[chapter.correct] == "flipped")).all()
    assert 50 < (chapter.verdict == "safe").sum() < 430


def test_no_grey_value_at_any_place_flips_a_digit_that_is_proved_safe(chapter):
    pixels = np.array([[[row, column, value]] for row in range(8) for column in range(8) for value in range(256)])
    images, labels = (array[chapter.test][chapter.correct] for array in (chapter.images, chapter.labels))
    for verdict, flips in (("safe", False), ("flippable", True)):
        for index in np.flatnonzero(chapter.verdict == verdict)[:12]:
            logits = chapter.network.face(images[index]).query(pixels)
            assert (logits.argmax(axis=1) != labels[index]).any() == flips


@there
@pytest.mark.parametrize("name, correct", [("lenet", 78), ("resnet", 96)])
def test_the_published_networks_classify_as_many_images_correctly_as_is_known(name, correct):
    images, labels = published.images()
    outputs = published.network(name).predict_on_batch(images.astype(np.float32))
    assert (outputs.argmax(axis=1) == labels).sum() == correct and np.allclose(outputs.sum(axis=1), 1, atol=1e-5)


@there
def test_the_published_attack_on_one_of_the_images_comes_out_as_published():
    found = published.example()
    assert found["image"] == 72 and found["before"] == pytest.approx(0.9904, abs=1e-3)
    assert found["after"] == pytest.approx(0.3715, abs=1e-3)
    assert found["before"] - found["after"] == pytest.approx(found["published_fall"], abs=1e-3)


@there
def test_what_is_published_is_counted_by_image_and_by_target():
    counts = published.counts()
    assert {name: found["untargeted"]["1"].k for name, found in counts.items()} == {
        "lecun_net": 63, "resnet": 34, "densenet": 31, "net_in_net": 34, "wide_resnet": 19, "capsnet": 19,
        "pure_cnn": 13}
    one = counts["lecun_net"]["targeted"]["1"]
    assert (one["any"].k, one["reached"].k, one["reached"].n) == (31, 21, 90) and one["images"].n == 10
    assert one["reached"].effect > 1, "nine targets of an image are alike"


@there
def test_a_published_attack_that_reached_its_target_has_that_class_afterwards():
    table = published.attacks("targeted")
    assert (table.target != table.true_class).all() and len(table) == 7 * 3 * 90
    assert ((table.after_class != table.true_class) == (table.success == 1)).all()


@there
def test_what_is_measured_is_recorded_after_each_part_which_says_what_is_missing(monkeypatch, tmp_path):
    monkeypatch.setenv("MASKDET_BUILD", str(tmp_path))
    monkeypatch.setattr(published, "NETWORKS", {"lenet": "lecun_net"})
    monkeypatch.setattr(measurement, "PARTS", [("lenet", "searches"), ("lenet", "verification")])
    monkeypatch.setattr(measurement, "REGIONS", 40)
    first, last = measurement.measure(1, count=5)
    found = last["networks"]["lenet"]
    assert first["missing"] == ["verification of lenet"] and last["missing"] == []
    assert found["correct"] == Count(5, 5) and found["one_pixel"]["corners"] == found["one_pixel"]["guided"]
    verdicts = [found["verification"][verdict].k for verdict in (proof.FLIPPABLE, proof.SAFE, proof.UNDECIDED)]
    assert sum(verdicts) == 5 and verdicts[0] >= found["one_pixel"]["corners"].k


@there
def test_what_is_finished_is_not_done_again(monkeypatch, tmp_path):
    monkeypatch.setenv("MASKDET_BUILD", str(tmp_path))
    subject = measurement.Subject.of("lenet", 4)
    made = []
    monkeypatch.setattr(measurement, "each", lambda calls, **_: made.append(len(calls)) or (
        (name, call()) for name, call in calls.items()))
    once, again = (measurement.attacked(subject, attack.Guided(), targeted=True, workers=1) for _ in range(2))
    assert made == [36, 0] and once.equals(again)
    assert (once.decision[once.flipped] == once.target[once.flipped]).all() and (once.label != once.target).all()


@there
def test_flips_hold_in_the_whole_pass(monkeypatch, tmp_path):
    monkeypatch.setenv("MASKDET_BUILD", str(tmp_path))
    subject = measurement.Subject.of("lenet", 10)
    table = measurement.attacked(subject, attack.Corners(), workers=1)
    model = published.network("lenet")
    for row in table.itertuples():
        changed = attack.set_pixels(subject.images[row.image], np.array([row.pixels]))
        assert Goal(row.label).flipped(model.predict_on_batch(changed.astype(np.float32))[0]) == row.flipped


@there
def test_of_the_deep_network_nothing_is_proved():
    subject = measurement.Subject.of("resnet", 1)
    face, place = subject.network.face(subject.images[0]), np.array([[0, 0]])
    found = proof.verify_face(face, Goal(int(subject.labels[0])), places=place, budget=100)
    assert found.verdict == proof.UNDECIDED and np.isneginf(found.proved[0, 0])


@there
@pytest.mark.parametrize("damage, expected", [(None, "got no such file: run `make data PROFILE=cifar10`"),
                                              (b"other", "whose arrays have the SHA-256 .*, got .*: run `make data")])
def test_a_file_that_is_missing_or_another_is_named_with_the_remedy(damage, expected, monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("MASKDET_DATA", str(tmp_path))
    if damage is not None:
        (tmp_path / "cifar10").mkdir()
        (tmp_path / "cifar10/first100.npz").write_bytes(damage)
    with pytest.raises((FileNotFoundError, ValueError), match=expected):
        published.images()
    assert main(["origin"]) == 1
    assert capsys.readouterr().err.count("\n") == 1


def test_another_network_is_refused():
    with pytest.raises(ValueError, match="expected a network, one of lenet, resnet, got 'vgg'"):
        origin.network("vgg")


def test_the_record_holds_counts_on_known_images():
    record = results.read("cifar10")
    lenet, resnet = (record["networks"][name] for name in ("lenet", "resnet"))
    assert lenet["correct"]["k"] == 78 and resnet["correct"]["k"] == 96 and record["missing"] == []
    assert lenet["one_pixel"]["corners"] == lenet["one_pixel"]["guided"]
    verdicts = [Count(**lenet["verification"][verdict]) for verdict in ("flippable", "safe", "undecided")]
    assert sum(count.k for count in verdicts) == 78
    assert verdicts[0].k == lenet["one_pixel"]["corners"]["k"] + lenet["verification"]["beyond_corners"]


def test_what_was_not_run_is_left_out_of_tables_and_figures():
    record = results.read("cifar10")
    record["networks"]["resnet"] = {"correct": {"k": 96, "n": 100}}
    rows = tables.rates(record)
    assert "ResNet, one pixel, published" in rows.index and "ResNet, one pixel, evolution" not in rows.index
    shown = tables.intervals(record)
    assert {len(part) for part in shown.values()} == {6}
    assert np.isnan({name: share for name, share, _ in shown["ResNet: images flipped"]}["one pixel, evolution"])
    assert list(tables.verdicts(record).index) in ([], ["LeNet"])
