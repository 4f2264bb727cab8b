"""What is recorded is what is quoted, and a missing piece is an error that names its command."""

import json

import pytest

from maskdet import config
from maskdet.counts import Count, Estimate
from maskdet.record import provenance, results, tables


def recorded_all(profile):
    count = Count(9, 10)
    results.write(profile, "data", {"data": {"checksum": "c" * 64}})
    results.write(profile, "faces", {"unmatched": 3}, {"detection": 1.5})
    results.write(profile, "networks", {"accuracy": {"resnet": count, "figure2": count}})
    success = {"differential_evolution": Count(1, 9)}
    results.write(profile, "attack", {"attack": {"resnet": success, "figure2": success}})
    both = {"resnet": count, "figure2": count}
    folds = {"accuracy": both, "success": dict.fromkeys(both, {"evolution": count}),
             "accuracy_by_class": dict.fromkeys(both, {"masked": count, "bare": count})}
    results.write(profile, "folds", {"folds": folds})
    for stage in ("seeds", "curve", "variants", "other_networks", "three_classes", "verification", "defences",
                  "detection"):
        results.write(profile, stage, {stage: {}})


def test_stages_are_merged_with_counts_and_provenance(profile):
    recorded_all(profile)
    merged = results.collect(profile)
    assert merged["accuracy"]["resnet"] == {"k": 9, "n": 10, "effect": 1.0}
    assert merged["attack"]["figure2"]["differential_evolution"] == {"k": 1, "n": 9, "effect": 1.0}
    assert merged["provenance"]["data_checksum"] == "c" * 64
    assert merged["provenance"]["seed"] == profile.seed
    assert merged["provenance"]["seconds"]["faces"] == {"detection": 1.5}
    assert merged["provenance"]["versions"]["tensorflow"]


def test_a_stage_that_did_not_run_is_named_with_its_command(profile):
    with pytest.raises(FileNotFoundError, match="results of stage data of profile test, got none: run `make notebooks"):
        results.collect(profile)


def test_a_run_that_is_not_done_is_recorded_as_far_as_it_is_and_says_what_is_missing(profile, monkeypatch, tmp_path):
    for module in (config, results):
        monkeypatch.setattr(module, "RECORDED", tmp_path / "committed")
    monkeypatch.setattr(provenance, "commit", lambda: "abc1234")
    recorded_all(profile)
    for stage in ("curve", "defences"):
        (profile.folder / f"results/{stage}.json").unlink()
    record = json.loads(results.record_run(profile).read_text())
    assert record["provenance"]["missing"] == ["curve", "defences"] and "curve" not in record and "seeds" in record


def test_an_unknown_stage_is_refused(profile):
    with pytest.raises(ValueError, match="expected a stage, one of data, faces, .*, detection, got 'fitting'"):
        results.write(profile, "fitting", {})


def test_a_whole_run_is_recorded_and_says_of_which_commit_each_stage_is(profile, monkeypatch, tmp_path):
    for module in (config, results):
        monkeypatch.setattr(module, "RECORDED", tmp_path / "committed")
    monkeypatch.setattr(provenance, "commit", lambda: "abc1234")
    recorded_all(profile)
    record = json.loads(results.record_run(profile).read_text())
    assert record == results.read("test") and record["accuracy"]["resnet"]["k"] == 9
    assert {stage: made["commit"] for stage, made in record["provenance"]["made"].items()} == dict.fromkeys(
        results.STAGES, "abc1234")


def test_a_record_has_the_tables_of_its_run_and_neither_images_nor_networks(profile, monkeypatch, tmp_path):
    for module in (config, results):
        monkeypatch.setattr(module, "RECORDED", tmp_path / "committed")
    monkeypatch.setattr(provenance, "commit", lambda: "abc1234")
    recorded_all(profile)
    for name in ("crops/faces.csv", "crops/crops.npz", "networks/resnet-1.keras", "networks/resnet-1.csv",
                 "data/photographs/a.png", "attacks/a-corners.csv", "attacks/a-corners.0123.jsonl"):
        path = profile.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("face,seconds\n3,0.5\n")
    (tmp_path / "committed/test/old").mkdir(parents=True)
    results.record_run(profile)
    kept = {path.relative_to(tmp_path / "committed/test").as_posix()
            for path in (tmp_path / "committed/test").rglob("*.*")}
    assert kept == {"crops/faces.csv", "networks/resnet-1.csv", "attacks/a-corners.csv"}
    assert tables.read("test", "crops/faces").face.tolist() == [3] and not tables.different(profile, "test")
    (profile.folder / "crops/faces.csv").write_text("face,seconds\n3,0.7\n")
    assert not tables.different(profile, "test"), "seconds differ from run to run"
    (profile.folder / "crops/faces.csv").write_text("face,seconds\n4,0.5\n")
    (profile.folder / "networks/resnet-1.csv").unlink()
    assert tables.different(profile, "test") == ["crops/faces.csv", "networks/resnet-1.csv"]
    with pytest.raises(FileNotFoundError, match="expected the recorded table .*nowhere.csv, got no such file: .*`make"):
        tables.read("test", "nowhere")


def test_a_profile_that_repeats_the_record_of_another_does_not_take_its_place():
    with pytest.raises(ValueError, match="expected a profile of a record of its own, got tenth, which repeats that of "
                                         "wobot: compare it with `make check PROFILE=tenth`"):
        results.record_run(config.PROFILES["tenth"])


@pytest.mark.parametrize("commit", ["abc1234-dirty", "not a git checkout"])
def test_a_run_of_which_a_stage_is_of_no_commit_is_not_recorded(profile, monkeypatch, tmp_path, commit):
    for module in (config, results):
        monkeypatch.setattr(module, "RECORDED", tmp_path / "committed")
    monkeypatch.setattr(provenance, "commit", lambda: "abc1234")
    recorded_all(profile)
    monkeypatch.setattr(provenance, "commit", lambda: commit)
    results.write(profile, "verification", {"verification": {}})
    with pytest.raises(ValueError, match=f"expected stage verification of a commit, got {commit}: commit, and run"):
        results.record_run(profile)
    assert not (tmp_path / "committed").exists()


def test_a_run_that_was_not_recorded_is_an_error_that_names_the_command():
    with pytest.raises(FileNotFoundError, match="expected a recorded run in .*nowhere.json, got none: .*`make record"):
        results.read("nowhere")


def test_each_count_is_quotable_whole_and_in_parts():
    quotable = dict(results.flat({"accuracy": {"resnet": {"k": 81, "n": 263}}, "threshold": 0.4}))
    assert quotable == {"accuracy.resnet": Count(81, 263), "accuracy.resnet.k": 81, "accuracy.resnet.n": 263,
                        "accuracy.resnet.share": "30.8 %", "accuracy.resnet.interval": "25.5 to 36.6 %",
                        "threshold": 0.4}


def test_what_the_preprint_states_is_quoted_with_its_unit_and_as_sure_as_it_is():
    stated = {"success": {"value": 1.77, "unit": "%", "about": True}, "train_share": {"value": 80, "unit": "%"}}
    assert {name: results.as_text(value) for name, value in results.flat(stated)} == {
        "success": "about 1.77\N{NO-BREAK SPACE}%", "train_share": "80\N{NO-BREAK SPACE}%"}


def test_a_design_effect_and_an_estimate_survive_the_file():
    written = results._plain({"accuracy": Count(9, 10, 2.0), "area": Estimate(0.9, 0.8, 0.95)})
    quotable = dict(results.flat(json.loads(json.dumps(written))))
    assert quotable["accuracy"] == Count(9, 10, 2.0) and quotable["area"] == Estimate(0.9, 0.8, 0.95)


def test_the_committed_record_holds_counts_on_photographs_and_where_they_come_from():
    record = results.read("larxel")
    assert record["profile"] == "larxel" and record["data"]["photographs"] == 853
    for name in ("resnet", "figure2"):
        assert Count(**record["accuracy"][name]).n >= 400
        assert Count(**record["attack"][name]["differential_evolution"]).n >= 100
    assert {"data_checksum", "seed", "versions", "hardware", "seconds"} <= set(record["provenance"])
