"""The real sets, read to the end; skipped unless MASKDET_DATA names the folder that holds them."""

import os
from pathlib import Path

import pytest

from maskdet import config, data

HELD = Path(os.environ.get("MASKDET_DATA") or "/nowhere")


def prepared(name, folder, monkeypatch, build):
    if not (HELD / folder).is_dir():
        pytest.skip(f"set MASKDET_DATA to the folder that holds {folder}/ to read real photographs")
    monkeypatch.setenv("MASKDET_DATA", str(HELD / folder))
    monkeypatch.setenv("MASKDET_BUILD", str(build))
    return data.prepare(config.PROFILES[name])


def one_side_each(dataset):
    annotated = dataset.photographs[dataset.photographs["annotated"]]
    return (annotated.groupby("group")["split"].nunique() == 1).all()


def test_larxel_is_read_to_the_end(monkeypatch, tmp_path):
    dataset = prepared("larxel", "larxel", monkeypatch, tmp_path)
    assert len(dataset.photographs) == 853 and dataset.photographs["annotated"].all()
    assert dataset.boxes["face"].sum() == 4072
    assert dataset.boxes["original"].value_counts().to_dict() == {
        "with_mask": 3232, "without_mask": 717, "mask_weared_incorrect": 123
    }
    labels = dataset.boxes["label"].value_counts()
    assert labels.to_dict() == {"masked": 3232, "bare": 717, "left out": 123}
    # Twelve boxes end one pixel beyond the right edge; nothing is left out.
    reason = "box clipped: it lies partly outside the photograph"
    assert dataset.skipped["reason"].tolist() == [reason] * 12
    sizes = dataset.photographs["group"].value_counts()
    assert 12 <= (sizes > 1).sum() <= 18
    assert one_side_each(dataset)
    counts = dataset.photographs["split"].value_counts()
    assert counts.to_dict() == {"train": 597, "test": 171, "validation": 85}


def test_the_preprints_own_photographs_are_read_to_the_end_and_are_those_that_are_listed(monkeypatch, tmp_path):
    dataset = prepared("wobot", "wobot", monkeypatch, tmp_path)
    assert len(dataset.photographs) == 477 and dataset.photographs["annotated"].sum() == 433
    assert (dataset.photographs["split"] == "").sum() == 44
    assert dataset.boxes["label"].value_counts().to_dict() == {"masked": 660, "bare": 414}
    assert one_side_each(dataset)
    listed = (config.RECORDED / "wobot-photographs.txt").read_text(encoding="utf8").split()
    assert sorted(Path(name).stem for name in dataset.photographs["photograph"]) == listed
    tenth = data.prepare(config.PROFILES["tenth"])
    assert tenth.photographs.equals(dataset.photographs) and tenth.boxes.equals(dataset.boxes)
