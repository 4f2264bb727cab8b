"""Variants of the experiment, and trials of them on splits, folds and seeds."""

import dataclasses
import functools

import numpy as np
import pandas as pd
import pytest

from maskdet import attack, config, data, experiment, faces
from maskdet.counts import Count
from maskdet.experiment import fitting, tables, variants
from maskdet.networks.evaluation import Evaluation

RUN = dataclasses.replace(config.PROFILES["larxel"], name="test")


def test_with_one_setting_changed_a_variant_has_that_of_the_other():
    rows = variants.one_setting_changed(experiment.TEXT, experiment.CODE)
    assert list(rows) == ["network", "crops", "scaling", "recipe", "region"]
    for name, variant in rows.items():
        assert getattr(variant, name) == getattr(experiment.CODE, name)
        assert dataclasses.replace(variant, **{name: getattr(experiment.TEXT, name)}) == experiment.TEXT
    assert variants.one_setting_changed(experiment.TEXT, experiment.TEXT) == {}


def test_trials_that_need_other_networks_have_other_names():
    made = [kind(RUN) for kind in (experiment.main_run, experiment.validations, experiment.folds,
                                   experiment.text_and_code, experiment.other_networks, experiment.with_defences)]
    made += [experiment.other_seeds(RUN, varied, recipe) for varied in variants.VARIED for recipe in ("text", "ours")]
    made += [experiment.fewer_faces(RUN, faces, of=1900) for faces in (60, 1900)]
    every = [trial for kind in made for several in kind.values() for trial in several]
    networks = {dataclasses.replace(trial, variant=dataclasses.replace(trial.variant, region=None)) for trial in every}
    assert len({trial.name for trial in every}) == len(networks)
    assert experiment.main_run(RUN)["resnet"][0].name == "resnet-562"
    assert experiment.text_and_code(RUN)["code"][0].name == "figure2-labelled-l2-code-562"
    assert len(experiment.folds(RUN)["figure2"]) == 5 and len(experiment.with_defences(RUN)["resnet, none"]) == 3


def test_a_seed_draws_the_weights_or_the_split_and_not_both():
    for varied, kept in (("weights", "seed"), ("split", "drawn_by")):
        trials = experiment.other_seeds(RUN, varied, "text")["resnet"]
        assert trials[0] == experiment.main_run(RUN)["resnet"][0] and len(set(trials)) == RUN.seeds == 10
        assert {getattr(trial, kept) for trial in trials} == {RUN.seed}
    with pytest.raises(ValueError, match="expected what varies, one of weights, split, got 'luck'"):
        experiment.other_seeds(RUN, "luck", "text")


def test_from_fewer_faces_a_network_learns_as_long_up_to_a_limit():
    epochs = {faces: experiment.fewer_faces(RUN, faces, of=1900)["figure2"][0].epochs for faces in (60, 950, 1900)}
    assert epochs == {60: 10 * RUN.text.epochs, 950: 2 * RUN.text.epochs, 1900: RUN.text.epochs}


def test_the_defences_are_those_that_the_profile_names():
    assert len(experiment.with_defences(RUN)) == 2 * len(variants.DEFENCES)
    few = dataclasses.replace(RUN, defences=("none", "median_filter"))
    assert list(experiment.with_defences(few)) == ["resnet, none", "resnet, median filter",
                                                   "figure2, none", "figure2, median filter"]
    assert experiment.with_defences(RUN)["resnet, none"][:1] == experiment.main_run(RUN)["resnet"]
    with pytest.raises(ValueError, match=r"expected defences among 'none', .*, got \['prayer'\]"):
        experiment.with_defences(dataclasses.replace(RUN, defences=("none", "prayer")))


@pytest.fixture(scope="module")
def cropped(tmp_path_factory):
    """A profile whose faces are drawn, found and cropped, in a folder of this module's own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MASKDET_BUILD", str(tmp_path_factory.mktemp("experiment")))
        run = dataclasses.replace(config.PROFILES["smoke"], name="test", text=config.Recipe(2, 16, 2e-3))
        data.prepare(run)
        faces.crop_faces(run)
        yield run


@pytest.fixture(scope="module")
def folded(cropped):
    """Its folds, by the small network alone."""
    return experiment.fit(cropped, {"figure2": experiment.folds(cropped)["figure2"]})


def test_folds_test_every_found_face_once_and_never_a_photograph_that_was_learned_from(cropped, folded):
    found, dataset = faces.read(cropped), data.read(cropped)
    table = found.rows()
    used = table.label.isin(config.CLASSES)
    test = experiment.pooled(folded)["figure2"]
    assert len(test.labels) == used.sum() and test.labels.sum() == (table.label == "masked").sum()
    for outcome in folded["figure2"]:
        part = fitting.parts(cropped, dataset, found, outcome.trial)
        sides = [set(table.group.loc[rows]) for rows in (part.learned, part.tested)]
        assert not sides[0] & sides[1] and set(part.learned) | set(part.tested) == set(np.flatnonzero(used))
        assert (outcome.test.clusters == table.group.loc[part.tested]).all()
        assert set(outcome.left_out.original) <= {"face_with_mask_incorrect", "face_other_covering"}


def test_of_fewer_faces_the_more_hold_the_fewer_and_a_validation_never_sees_the_test(cropped):
    found, dataset = faces.read(cropped), data.read(cropped)
    trial = experiment.fewer_faces(cropped, 20, of=30)["figure2"][0]
    few, more, all_of_them = (fitting.parts(cropped, dataset, found, dataclasses.replace(trial, faces=count))
                              for count in (20, 30, None))
    assert (len(few.learned), len(more.learned)) == (20, 30)
    assert set(few.learned) < set(more.learned) < set(all_of_them.learned)
    assert (few.tested == all_of_them.tested).all()
    with pytest.raises(ValueError, match="expected 5000 faces to learn from, got .*: learn from fewer"):
        fitting.parts(cropped, dataset, found, dataclasses.replace(trial, faces=5000))
    validated = fitting.parts(cropped, dataset, found, experiment.validations(cropped)["figure2"][0])
    sides = [set(found.rows().split[rows]) for rows in (validated.learned, validated.tested)]
    assert sides == [{"train"}, {"validation"}] and not set(few.tested) & {*validated.learned, *validated.tested}


def test_what_is_tested_is_written_with_the_rows_of_all_labelled_faces(cropped, folded):
    found = faces.read(cropped)
    tables = [pd.read_csv(cropped.folder / f"networks/{outcome.trial.name}.csv") for outcome in folded["figure2"]]
    every = pd.concat(tables)
    both = every[every.label.isin(config.CLASSES)]
    assert len(every) - len(both) == sum(len(outcome.left_out) for outcome in folded["figure2"]) > 0
    assert sorted(both.face) == np.flatnonzero(found.faces.found & found.faces.label.isin(config.CLASSES)).tolist()
    assert (found.faces.label[both.face].to_numpy() == both.label).all()
    assert ((both.masked > 0.5) == (both.label == "masked")).sum() == experiment.pooled(folded)["figure2"].accuracy.k


def test_attacks_are_counted_among_faces_that_their_own_network_classifies_correctly(cropped, folded):
    run = dataclasses.replace(cropped, attacked=3)
    sweeps = experiment.sweep(run, folded, search=lambda variant: attack.Guided(region=4))
    count = experiment.success(folded["figure2"], sweeps["figure2"])
    assert count.n == sum(min(3, outcome.test.accuracy.k) for outcome in folded["figure2"])
    assert {len(sweep.attempts) for sweep in sweeps["figure2"]} <= {1, 2, 3}
    for sweep in sweeps["figure2"]:
        assert all(max(verdict.pixels[0][:2]) < 4 and verdict.queries <= 128 for verdict in sweep.attempts)


def test_a_finished_fit_is_read_back_and_another_is_done_anew(cropped, folded, monkeypatch):
    [trial, _] = experiment.folds(cropped)["figure2"]
    fits, fit = [], fitting.training.fit

    @functools.wraps(fit)  # so that its key is the same
    def counted(*given, **options):
        fits.append(1)
        return fit(*given, **options)
    monkeypatch.setattr(fitting.training, "fit", counted)
    [again] = experiment.fit(cropped, {"figure2": [trial]})["figure2"]
    first = folded["figure2"][0]
    assert not fits and again.fit.history.equals(first.fit.history)
    assert all((a == b).all() for a, b in zip(again.fit.weights, first.fit.weights))
    assert (again.test.probabilities == first.test.probabilities).all()
    (cropped.folder / f"networks/{trial.name}.json").unlink()  # interrupted before the report, which is written last
    with pytest.raises(FileNotFoundError, match=f"expected network {trial.name} of profile test, got none: run `make"):
        experiment.read(cropped, {"figure2": [trial]})
    [alone] = experiment.fit(cropped, {"figure2": [trial]})["figure2"]
    assert len(fits) == 1 and all((a == b).all() for a, b in zip(alone.fit.weights, first.fit.weights)), \
        "fitted here or in a process of its own, the weights are the same"
    other = dataclasses.replace(cropped, text=config.Recipe(2, 16, 1e-2))
    with pytest.raises(ValueError, match=f"expected network {trial.name} fitted to the crops as they are now"):
        experiment.read(other, {"figure2": [trial]})


def test_a_scaled_variant_is_measured_as_it_is_queried_and_as_it_was_trained(cropped):
    run = dataclasses.replace(cropped, code=dataclasses.replace(cropped.code, epochs=3))
    [outcome] = experiment.fit(run, {"code": experiment.text_and_code(run)["code"]})["code"]
    queried, trained = outcome.test.accuracy, outcome.as_trained
    assert queried.n == trained.n > 10
    assert outcome.test.probabilities.max() == pytest.approx(1, abs=1e-6), "saturated by pixels of up to 255"
    trial = variants.Trial(experiment.Variant("figure2", recipe="code"), run.seed)
    [cut] = experiment.fit(run, {"mtcnn": [trial]})["mtcnn"]
    assert len(outcome.test.labels) >= len(cut.test.labels), "missed faces have annotated boxes"
    assert (outcome.test.images[0] != cut.test.images[0]).any()


def test_tables_state_each_trial_and_each_class(cropped, folded):
    run = dataclasses.replace(cropped, attacked=1)
    sweeps = experiment.sweep(run, folded, search=lambda variant: attack.Guided(region=1))
    panels = experiment.folds_intervals(folded, {"guided": sweeps})
    assert list(panels) == ["accuracy", "flipped by the guided corners"]
    [(name, share, interval, *parts)] = panels["accuracy"]
    assert name == "figure2" and len(parts) == 2 and min(parts) <= share <= max(parts)
    assert interval[0] <= share <= interval[1]
    originals = experiment.by_original_class(folded)
    assert {"bare", "masked"} <= set(originals.index) and isinstance(originals, pd.DataFrame)
    measures = experiment.measures(cropped, experiment.pooled(folded))
    assert {"accuracy", "balanced accuracy", "Brier score"} <= set(measures.index)


def test_a_face_that_a_single_network_classifies_correctly_is_counted_for_it():
    said = {"a": [1, 1, 0, 0], "b": [1, 0, 1, 0], "c": [1, 0, 0, 0]}  # correct or not, of four masked faces
    tests = {name: Evaluation(np.zeros((4, 50, 50, 3), np.uint8), np.ones(4, int), np.eye(2)[right], np.arange(4))
             for name, right in said.items()}
    assert {name: only.tolist() for name, only in tables._only(tests).items()} == {
        "a": [False, True, False, False], "b": [False, False, True, False], "c": [False] * 4}


def test_the_setting_that_matters_most_is_the_one_that_moves_the_text_furthest_either_way():
    counts = {"text": Count(50, 100), "text_recipe": Count(60, 100),
              "text_crops": Count(30, 100), "code": Count(1, 100), "code_crops": Count(9, 10)} | {
        f"text_{name}": Count(50, 100) for name in ("network", "scaling", "region")}
    assert tables._most(counts) == {"setting": "crops", "count": Count(30, 100)}
