"""The receipt compares two runs, and the manifest of outputs states what is committed."""

import hashlib
import json

import pytest
import yaml

from maskdet import config
from maskdet.__main__ import main
from maskdet.config import ROOT
from maskdet.record import provenance, receipt, results
from test_results import recorded_all


def test_the_manifest_lists_every_recorded_output_as_it_is():
    written = yaml.safe_load((ROOT / "codecheck.yml").read_text(encoding="utf8"))
    assert written == receipt.manifest(), "run `make manifest`"
    assert set(receipt.OUTPUTS) == {entry["file"] for entry in written["manifest"]}
    for entry in written["manifest"]:
        assert hashlib.sha256((ROOT / entry["file"]).read_bytes()).hexdigest() == entry["sha256"]
    recorded = {f"results/{path.name}" for path in (ROOT / "results").glob("*.json")}
    assert recorded - {"results/preprint.json"} <= set(receipt.OUTPUTS)


def test_a_receipt_that_is_not_there_is_named_with_its_command(monkeypatch, tmp_path):
    monkeypatch.setattr(config, "RECORDED", tmp_path)
    with pytest.raises(FileNotFoundError, match="expected the receipt of a second run at .*make book check"):
        receipt.receipt()


def test_a_receipt_is_of_the_record_until_a_value_of_it_changes_or_is_added(monkeypatch, tmp_path):
    for module in (config, results):
        monkeypatch.setattr(module, "RECORDED", tmp_path)
    record = {"profile": "larxel", "accuracy": {"k": 8, "n": 9}, "provenance": {"commit": "abc1234"}}
    found = {"same": 8, "compared": 9, "again": {"date": "2026-11-26"}, "of": receipt._named(record)}
    (tmp_path / "larxel-receipt.json").write_text(json.dumps(found))
    for changed, of in (({"provenance": {"commit": "0def567"}}, "The recorded run"),
                        ({"accuracy": {"k": 7, "n": 9}}, "An earlier record, and not the one of now,"),
                        ({"truth": 1}, "An earlier record, and not the one of now,")):
        (tmp_path / "larxel.json").write_text(json.dumps(record | changed))
        assert receipt.receipt() == {"same": 8, "compared": 9, "date": "2026-11-26", "of": of}


def test_a_run_is_compared_with_the_record_value_by_value(profile, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(results, "RECORDED", tmp_path / "results")
    monkeypatch.setattr(config, "RECORDED", tmp_path / "results")
    monkeypatch.setitem(config.PROFILES, "test", profile)
    monkeypatch.setattr(provenance, "commit", lambda: "abc1234-dirty")
    recorded_all(profile)
    results.collect(profile)
    assert main(["record", "test"]) == 1
    assert "expected stage data of a commit, got abc1234-dirty" in capsys.readouterr().err
    monkeypatch.setattr(provenance, "commit", lambda: "abc1234")
    recorded_all(profile)
    run = results.collect(profile)
    assert main(["record", "test"]) == 0 and main(["check", "test"]) == 1
    assert "expected another run than the recorded one of profile test, got its own faces" in capsys.readouterr().err
    run["provenance"]["seconds"] = {"faces": {"detection": 9.5}}
    (profile.folder / "results.json").write_text(json.dumps(run))
    assert main(["check", "test"]) == 0
    found = json.loads((tmp_path / "results/test-receipt.json").read_text())
    assert found["different"] == [] and found["same"] == found["compared"] > 20
    assert found["again"]["seed"] == profile.seed
    changed = run | {"accuracy": run["accuracy"] | {"resnet": {"k": 8, "n": 10, "effect": 1.0}}}
    (profile.folder / "results.json").write_text(json.dumps(changed))
    capsys.readouterr()
    assert main(["check", "test"]) == 1
    assert "accuracy.resnet.k: 8 here, 9 recorded" in capsys.readouterr().out
    assert main(["check", "test", "larxel"]) == 1 and main(["record"]) == 1
