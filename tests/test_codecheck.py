"""The receipt compares two runs, and the manifest of outputs states what is committed."""

import hashlib
import json

import pytest
import yaml

from maskdet import config
from maskdet.config import ROOT
from maskdet.counts import Count
from maskdet.record import provenance, receipt, results
from test_results import recorded_all


def test_the_manifest_lists_every_recorded_output_as_it_is():
    written = yaml.safe_load((ROOT / "codecheck.yml").read_text(encoding="utf8"))
    assert written == receipt.manifest(), "run `make manifest`"
    there = {name for name in receipt.OUTPUTS if (ROOT / name).exists()}
    assert there == {entry["file"] for entry in written["manifest"]}
    assert all(name.endswith("-receipt.json") for name in set(receipt.OUTPUTS) - there)
    for entry in written["manifest"]:
        assert hashlib.sha256((ROOT / entry["file"]).read_bytes()).hexdigest() == entry["sha256"]
    recorded = {f"results/{path.name}" for path in (ROOT / "results").glob("*.json")}
    by_hand = {"results/preprint.json", "results/matching.json"}
    assert recorded - by_hand <= set(receipt.OUTPUTS)


def test_a_run_that_was_not_made_again_is_said_to_be_so(monkeypatch, tmp_path):
    monkeypatch.setattr(results, "RECORDED", tmp_path)
    assert receipt.receipt("larxel") == "the recorded run was not made again yet."


def test_a_receipt_is_of_the_record_until_a_value_of_it_changes_or_is_added(monkeypatch, tmp_path):
    for module in (config, results):
        monkeypatch.setattr(module, "RECORDED", tmp_path)
    record = {"profile": "larxel", "accuracy": {"k": 8, "n": 9}, "provenance": {"commit": "abc1234"}}
    found = {"same": 8, "compared": 9, "again": {"date": "2026-11-26"}, "of": receipt._digest(record)}
    (tmp_path / "larxel-receipt.json").write_text(json.dumps(found))
    for changed, of in (({"provenance": {"commit": "0def567"}}, "the recorded run"),
                        ({"accuracy": {"k": 7, "n": 9}}, "an earlier record, and not the one of now,"),
                        ({"verification": 1}, "an earlier record, and not the one of now,")):
        (tmp_path / "larxel.json").write_text(json.dumps(record | changed))
        assert receipt.receipt("larxel") == (f"{of} was made a second time from an empty folder, on 2026-11-26. "
                                             "8 of 9 values came out the same.")


def test_a_run_is_compared_with_the_record_value_by_value(profile, monkeypatch, tmp_path):
    for module in (config, results):
        monkeypatch.setattr(module, "RECORDED", tmp_path / "results")
    monkeypatch.setattr(provenance, "commit", lambda: "abc1234")
    recorded_all(profile)
    results.record_run(profile)
    with pytest.raises(ValueError, match="expected another run than the recorded one of test, got its own faces"):
        receipt.compare(profile)
    results.write(profile, "faces", {"unmatched": 3}, {"detection": 9.5})
    receipt.compare(profile)
    written = json.loads((tmp_path / "results/test-receipt.json").read_text())
    assert written["different"] == [] and written["same"] == written["compared"] > 20
    assert written["again"]["seed"] == profile.seed
    results.write(profile, "networks", {"accuracy": {"resnet": Count(8, 10), "figure2": Count(9, 10)}})
    assert receipt.compare(profile)["different"] == ["accuracy.resnet.k: 8 here, 9 recorded"]
