"""What is recorded is what is quoted, and a missing piece is an error that names its command."""

import json

import pytest

from maskdet import files
from maskdet.counts import Count, Estimate
from maskdet.record import provenance, results


def recorded_all(profile):
    count = Count(9, 10)
    results.write(profile, "data", {"data": {"checksum": "c" * 64}})
    results.write(profile, "faces", {"unmatched": 3}, {"detection": 1.5})
    results.write(profile, "resnet", {"accuracy": {"resnet": count, "figure2": count}})
    success = {"differential_evolution": Count(1, 9)}
    results.write(profile, "attack", {"attack": {"resnet": success, "figure2": success}})
    both = {"resnet": count, "figure2": count}
    results.write(profile, "folds", {"folds": {"accuracy": both, "success": both}})
    for stage in ("lines", "comparison", "truth", "defence", "realtime"):
        results.write(profile, stage, {stage: {}})


def test_stages_are_merged_with_counts_and_provenance(profile):
    recorded_all(profile)
    merged = results.collect(profile)
    assert merged == json.loads((profile.folder / "results.json").read_text())
    assert merged["accuracy"]["resnet"] == {"k": 9, "n": 10, "effect": 1.0}
    assert merged["attack"]["figure2"]["differential_evolution"] == {"k": 1, "n": 9, "effect": 1.0}
    assert merged["provenance"]["data_checksum"] == "c" * 64
    assert merged["provenance"]["seed"] == profile.seed
    assert merged["provenance"]["seconds"]["faces"] == {"detection": 1.5}
    assert merged["provenance"]["versions"]["tensorflow"]


def test_a_stage_that_did_not_run_is_named_with_its_command(profile):
    with pytest.raises(FileNotFoundError, match="results of stage data of profile test, got none: run `make notebooks"):
        results.collect(profile)


def test_an_unknown_stage_is_refused(profile):
    with pytest.raises(ValueError, match="expected a stage, one of data, faces, .*, realtime, got 'fitting'"):
        results.write(profile, "fitting", {})


@pytest.fixture
def committed(profile, monkeypatch, tmp_path):
    """A record of the profile `test`, made at commit `then`, in a folder of its own: the path of the file. Now is
    commit `now`."""
    monkeypatch.setattr(results, "RECORDED", tmp_path / "committed")
    monkeypatch.setattr(provenance, "commit", lambda: "then")
    recorded_all(profile)
    path = tmp_path / "committed" / "test.json"
    files.write_json(path, results.collect(profile))
    monkeypatch.setattr(provenance, "commit", lambda: "now")
    return path


def test_a_stage_that_is_run_later_is_added_to_the_record_and_says_of_which_commit(profile, committed):
    before = json.loads(committed.read_text())
    results.write(profile, "truth", {"truth": {"flippable": Count(2, 9)}}, {"decision": 1.5})
    files.write_json(committed, results.added(profile, ["truth"]))
    after = json.loads(committed.read_text())
    assert after["truth"] == {"flippable": {"k": 2, "n": 9, "effect": 1.0}}
    made = {stage: one["commit"] for stage, one in after["provenance"].pop("made").items()}
    assert made == dict.fromkeys(results.STAGES, "then") | {"truth": "now"}
    assert {one["commit"] for one in before["provenance"].pop("made").values()} == {"then"}
    assert after["provenance"]["seconds"].pop("truth") == {"decision": 1.5}
    assert before["provenance"]["seconds"].pop("truth") == {} and after["provenance"] == before["provenance"]
    assert after["provenance"]["commit"] == "then"


@pytest.mark.parametrize("stage, values, said", [
    ("data", {"data": {"checksum": "d" * 64}}, "expected the stage data of results/test.json, .*ccc.*, got .*ddd"),
    ("resnet", {"accuracy": {"resnet": Count(8, 10)}}, "expected the stage resnet of .*'k': 9.*, got .*'k': 8")])
def test_a_stage_of_other_photographs_or_networks_is_not_added(profile, committed, stage, values, said):
    results.write(profile, stage, values)
    with pytest.raises(ValueError, match=said):
        results.added(profile, ["truth"])


def test_a_stage_that_was_run_with_changes_that_are_not_committed_is_not_added(profile, committed, monkeypatch):
    monkeypatch.setattr(provenance, "commit", lambda: "abc1234-dirty")
    results.write(profile, "truth", {"truth": {}})
    with pytest.raises(ValueError, match="expected stage truth of a commit, got abc1234-dirty: commit, and run it"):
        results.added(profile, ["truth"])


def test_an_unknown_stage_is_not_added(profile, committed):
    with pytest.raises(ValueError, match="got 'fitting'"):
        results.added(profile, ["fitting"])


def test_a_run_that_was_not_recorded_is_an_error_that_names_the_command():
    with pytest.raises(FileNotFoundError, match="expected a recorded run in .*/nowhere.json, got none: .*make record"):
        results.read("nowhere")


def test_each_count_is_quotable_whole_and_in_parts():
    quotable = dict(results._flat({"accuracy": {"resnet": {"k": 81, "n": 263}}, "threshold": 0.4}))
    assert quotable == {"accuracy.resnet": Count(81, 263), "accuracy.resnet.k": 81, "accuracy.resnet.n": 263,
                        "accuracy.resnet.share": "30.80 %", "accuracy.resnet.interval": "25.5 to 36.6 %",
                        "threshold": 0.4}


def test_a_design_effect_and_an_estimate_survive_the_file():
    written = results._plain({"accuracy": Count(9, 10, 2.0), "area": Estimate(0.9, 0.8, 0.95)})
    quotable = dict(results._flat(json.loads(json.dumps(written))))
    assert quotable["accuracy"] == Count(9, 10, 2.0) and quotable["area"] == Estimate(0.9, 0.8, 0.95)


def test_the_committed_record_holds_counts_on_photographs_and_where_they_come_from():
    record = results.read("larxel")
    assert record["profile"] == "larxel" and record["data"]["photographs"] == 853
    for name in ("resnet", "figure2"):
        assert Count(**record["accuracy"][name]).n >= 400
        assert Count(**record["attack"][name]["differential_evolution"]).n >= 100
    assert {"data_checksum", "seed", "versions", "hardware", "seconds"} <= set(record["provenance"])
