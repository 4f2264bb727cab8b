"""Networks of one set tested on another, without the photographs that both hold."""

import dataclasses

import numpy as np
import pytest

from maskdet import config, data, experiment, faces, networks
from maskdet.experiment import transfer
from maskdet.record import results


@pytest.fixture
def sets(monkeypatch, tmp_path):
    """Two sets of drawn photographs, found and cropped, with the networks of both."""
    monkeypatch.setenv("MASKDET_BUILD", str(tmp_path))
    for name, seed in (("one", 562), ("two", 7)):
        run = dataclasses.replace(config.PROFILES["smoke"], name=name, seed=seed)
        monkeypatch.setitem(config.PROFILES, name, run)
        data.prepare(run)
        faces.crop_faces(run)
        trials = experiment.text_and_code(run)
        experiment.fit(run, {name: trials[name] for name in transfer.TESTED})
    return "one", "two"


def test_each_sets_networks_are_tested_on_the_other_without_near_duplicates(sets, monkeypatch):
    hashes = transfer._hashes

    def with_a_copy(run):  # the first photograph of "two" is also the first of "one"
        found = hashes(run)
        name, *_ = found
        return found | ({name: next(iter(hashes(config.PROFILES["one"]).values()))} if run.name == "two" else {})
    monkeypatch.setattr(transfer, "_hashes", with_a_copy)
    record = transfer.measure(sets)
    for source, target in (sets, sets[::-1]):
        run = config.PROFILES[target]
        images, labels, table = faces.read(run).part("train", "validation", "test")
        photographs = data.read(run).photographs
        rows = (table.photograph != photographs.photograph[photographs.annotated].iloc[0]).to_numpy()
        found = record["transfer"][source][target]
        assert found["left_out"] == 1 and found["faces"] == rows.sum() < len(rows)
        assert list(found["networks"]) == list(transfer.TESTED)
        trials = experiment.text_and_code(config.PROFILES[source])
        [outcome] = experiment.read(config.PROFILES[source], {"text": trials["text"]})["text"]
        told = networks.predictor(outcome.model)(images[rows]).argmax(axis=1)
        assert found["networks"]["text"]["accuracy"].k == (told == labels[rows]).sum()
        for counts in found["networks"].values():
            assert counts["accuracy"].n == found["faces"] and counts["success"].n <= config.PROFILES[source].attacked
    assert not list((config.PROFILES["one"].folder).glob("attacks/*")), "nothing that a record would take for its own"
    assert len(transfer.table(results._plain(record))) == 6


def test_a_near_duplicate_of_a_near_duplicate_is_left_out_too():
    def bits(count):
        return np.packbits(np.arange(256) < count).view(np.uint64)
    source, target = {"a": bits(0)}, {"near": bits(19), "by way of it": bits(38), "other": bits(200)}
    assert transfer._shared(source, target) == {"near", "by way of it"}
