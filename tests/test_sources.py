"""A run that is here and its record answer alike, and are shown beside each other."""

import dataclasses
import json

import pandas as pd
import pytest

from maskdet import config, data, experiment, faces, figures
from maskdet.experiment import recorded, sources, verification
from maskdet.record import results, tables


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run of the small network, attacked, verified and recorded; its profile is that of the record."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MASKDET_BUILD", str(tmp_path_factory.mktemp("sources")))
        patch.setattr(config, "RECORDED", tmp_path_factory.mktemp("results"))
        run = dataclasses.replace(config.PROFILES["smoke"], name="small")
        patch.setitem(config.PROFILES, "small", run)
        patch.setattr(sources, "RECORDS", {"small": "recorded: small"})
        data.prepare(run)
        faces.crop_faces(run)
        here = experiment.source(run)
        here.verified(trials)
        here.sweeps(trials, "corners")
        tables.keep(run, "small")
        yield run


def trials(run):
    return {"figure2": experiment.folds(run)["figure2"]}


VIEWS = {
    "the photographs": lambda source: data.counts(source.dataset()),
    "the faces": lambda source: faces.counts(source.faces(), smallest=source.run.smallest_face),
    "a figure of the faces": lambda source: figures.recall(faces.recall_by_width(source.faces())),
    "the networks": lambda source: experiment.by_original_class(source.outcomes(trials)),
    "the attacks": lambda source: pd.DataFrame(experiment.folds_intervals(
        source.outcomes(trials), {"corners": source.sweeps(trials, "corners")})),
    "the verdicts": lambda source: verification.verdicts_table(source.verified(trials)),
    "the margins": lambda source: verification.by_margin(source.verified(trials)),
    "the colours": lambda source: figures.weak_spots(verification.weak_spots(source.verified(trials))),
}


@pytest.mark.parametrize("name", VIEWS)
def test_a_record_shows_what_its_run_shows(run, name):
    shown = experiment.beside(run, VIEWS[name], name, of=("small",))
    assert list(shown.views) == ["recorded: small", "this build"]
    assert shown.same("recorded: small", "this build"), shown
    assert shown.note == "This build, on the same photographs, shows the same."


def test_another_record_than_the_run_is_said_to_be_another(run, monkeypatch):
    view = VIEWS["the verdicts"]
    read = recorded.verified

    def other(name, found):
        return {network: dataclasses.replace(one, rows=one.rows.assign(regions=0))
                for network, one in read(name, found).items()}
    monkeypatch.setattr(recorded, "verified", other)
    monkeypatch.setattr(sources, "_SOURCES", {})  # what was asked for before
    assert experiment.beside(run, view, "x", of=("small",)).note.endswith("shows something else.")


@pytest.mark.parametrize("view", [VIEWS["the verdicts"],
                                  lambda source: source.name and pd.DataFrame(source.numbers("attack")),
                                  lambda source: source.name and tables.read("other", "seeds/distribution")])
@pytest.mark.parametrize("record", [None, {"profile": "other", "data": {}}])
def test_in_the_place_of_what_was_not_recorded_the_command_that_makes_it_is_shown(run, monkeypatch, tmp_path, view,
                                                                                  record):
    for module in (config, results):
        monkeypatch.setattr(module, "RECORDED", tmp_path)
    if record:
        (tmp_path / "other.json").write_text(json.dumps(record))
    monkeypatch.setitem(config.PROFILES, "other", dataclasses.replace(run, name="other"))
    monkeypatch.setattr(sources, "RECORDS", {"other": "recorded: other"})
    shown = experiment.beside(run, view, "x", of=("other",))
    assert "run `make record PROFILE=other`" in shown.views["recorded: other"].to_string() and not shown.note
    assert "this build" in shown.views
