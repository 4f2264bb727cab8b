"""A recorded run, read from its tables, gives the same tables as the run itself."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from maskdet import config, data, experiment, faces
from maskdet.experiment import recorded
from maskdet.record import tables


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run of two folds of the small network, attacked, and recorded under its name."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MASKDET_BUILD", str(tmp_path_factory.mktemp("recorded")))
        patch.setattr(config, "RECORDED", tmp_path_factory.mktemp("results"))
        run = dataclasses.replace(config.PROFILES["smoke"], name="test")
        data.prepare(run)
        faces.crop_faces(run)
        trials = {"figure2": experiment.folds(run)["figure2"]}
        outcomes = experiment.fit(run, trials)
        sweeps = {"corners": experiment.sweep(run, outcomes, search=experiment.corners)}
        tables.keep(run, "test")
        yield run, trials, outcomes, sweeps


def test_the_same_tables_come_from_the_record_as_from_the_run(run):
    run, trials, outcomes, sweeps = run
    read = recorded.outcomes("test", trials)
    again = {"corners": recorded.sweeps("test", read, experiment.corners)}
    tests, own = (experiment.pooled(found)["figure2"] for found in (read, outcomes))
    assert (tests.labels == own.labels).all() and (tests.clusters == own.clusters).all()
    np.testing.assert_allclose(tests.probabilities, own.probabilities, atol=2e-6)
    assert experiment.folds_intervals(read, again) == experiment.folds_intervals(outcomes, sweeps)
    pd.testing.assert_frame_equal(experiment.by_original_class(read), experiment.by_original_class(outcomes))
    for mine, other in zip(again["corners"]["figure2"], sweeps["corners"]["figure2"]):
        assert mine.attempts == other.attempts and (mine.faces == other.faces).all()
        assert (mine.correct, mine.tested) == (other.correct, other.tested)
    assert [one.fit.history.shape for one in read["figure2"]] == [one.fit.history.shape for one in outcomes["figure2"]]


def test_what_was_not_recorded_is_named_with_its_command(run):
    other = experiment.main_run(run[0])["resnet"]
    with pytest.raises(FileNotFoundError, match=r"recorded table .*resnet-562.csv, got no such file: .*`make record"):
        recorded.outcomes("test", {"resnet": other})
