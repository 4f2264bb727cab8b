"""Whole sets and their tables, and where sets lie."""

import zlib

import numpy as np
import pandas as pd
import pytest

from maskdet import config, data

from small_sets import BARE, MASKED, WOBOT, Set, noise


# Whole sets


def test_an_empty_folder_stops(tmp_path, monkeypatch):
    empty = Set(tmp_path, "voc", monkeypatch)
    message = "^expected photographs in .*, got none that can be read:"
    with pytest.raises(ValueError, match=message):
        empty.prepare()


@pytest.mark.parametrize(("kept", "missing"), [(MASKED, "bare"), (BARE, "masked")])
def test_a_set_without_one_of_the_classes_stops(voc, kept, missing):
    voc.prepare()  # whose tables are not left behind
    for number in range(10):
        voc.annotation(f"p{number:02}", [kept])
    message = f"^expected {missing} faces to learn from .*, got 0 in all"
    with pytest.raises(ValueError, match=message):
        voc.prepare()
    with pytest.raises(FileNotFoundError):
        data.read(voc.profile())


def test_the_tables_are_read_back_as_they_were_made(voc):
    voc.photograph("NA.png")  # a name that is no missing value
    made, read = voc.prepare(), data.read(voc.profile())
    for table in ("photographs", "boxes", "skipped"):
        pd.testing.assert_frame_equal(getattr(made, table), getattr(read, table))
    assert read.checksum == made.checksum and read.folder == voc.folder
    assert "images/NA.png" in set(read.photographs["photograph"])
    assert read.boxes["face"].dtype == bool and read.boxes["left"].dtype == np.int64
    assert (read.image("images/NA.png") == noise(zlib.crc32(b"NA.png"))).all()


def test_an_unknown_photograph_is_refused(voc):
    with pytest.raises(ValueError, match="expected one of the 10 photographs, got 'other.png'"):
        voc.prepare().image("other.png")


def test_the_checksum_tells_sets_apart(voc):
    first, again = voc.prepare().checksum, voc.prepare().checksum
    voc.annotation("p00", [BARE, MASKED])
    assert first == again != voc.prepare().checksum


def test_the_files_are_reported_missing_with_the_command(voc):
    message = "dataset.json, got no such file: run `make notebooks PROFILE=larxel`"
    with pytest.raises(FileNotFoundError, match=message):
        data.read(voc.profile())


def test_a_missing_table_is_reported_with_the_command(voc):
    voc.prepare()
    (voc.profile().folder / "data/boxes.csv").unlink()
    message = "boxes.csv, got no such file: run `make notebooks PROFILE=larxel`"
    with pytest.raises(FileNotFoundError, match=message):
        data.read(voc.profile())


def test_tables_made_with_other_settings_are_refused(voc):
    voc.prepare()
    with pytest.raises(ValueError, match="made with seed 7, got 562: run"):
        data.read(voc.profile(seed=7))


def test_drawn_photographs_are_drawn_once_and_read(tmp_path, monkeypatch, wobot):
    drawing = pytest.importorskip("maskdet.drawing")
    calls = []

    def write(folder, *, scenes, unannotated, seed):
        calls.append((scenes, unannotated, seed))
        (folder / WOBOT).parent.mkdir(parents=True)
        (wobot.folder / WOBOT).rename(folder / WOBOT)

    monkeypatch.setattr(drawing, "write", write)
    monkeypatch.delenv("MASKDET_DATA")
    profile = config.PROFILES["smoke"]
    with pytest.raises(FileNotFoundError, match="run `make notebooks PROFILE=smoke`"):
        data.photographs_folder(profile)
    first, again = data.prepare(profile), data.prepare(profile)
    assert calls == [(30, 2, 562)] and first.checksum == again.checksum
    assert first.folder == profile.folder / "data/photographs" and len(first.photographs) == 10


# Where sets lie


def test_a_set_lies_under_the_named_folder_or_is_it(voc, tmp_path, monkeypatch):
    assert data.photographs_folder(voc.profile()) == voc.folder
    (tmp_path / "sets").mkdir()
    voc.folder.rename(tmp_path / "sets" / "larxel")
    monkeypatch.setenv("MASKDET_DATA", str(tmp_path / "sets"))
    assert data.photographs_folder(voc.profile()) == tmp_path / "sets" / "larxel"
    monkeypatch.delenv("MASKDET_DATA")
    (tmp_path / "sets").rename(tmp_path / "data")
    monkeypatch.setattr(config, "ROOT", tmp_path)
    assert data.photographs_folder(voc.profile()) == tmp_path / "data" / "larxel"


@pytest.mark.parametrize("given", [True, False])
def test_a_missing_set_is_reported_with_the_remedy(tmp_path, monkeypatch, given):
    monkeypatch.setattr(config, "ROOT", tmp_path)
    monkeypatch.setenv("MASKDET_DATA", str(tmp_path / "given") if given else "")
    with pytest.raises(FileNotFoundError) as caught:
        data.photographs_folder(config.PROFILES["larxel"])
    message = str(caught.value)
    place = tmp_path / ("given" if given else "data") / "larxel"
    assert str(place) in message and "\n" not in message
    assert "make data PROFILE=larxel" in message and "MASKDET_DATA" in message
