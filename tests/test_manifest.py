"""The manifest of outputs states what is committed."""

import hashlib

import yaml

from maskdet import manifest
from maskdet.config import ROOT


def test_the_manifest_lists_every_recorded_output_as_it_is():
    written = yaml.safe_load((ROOT / "codecheck.yml").read_text(encoding="utf8"))
    assert written == manifest.manifest(), "run `make manifest`"
    assert {entry["file"] for entry in written["manifest"]} == set(manifest.OUTPUTS)
    for entry in written["manifest"]:
        assert hashlib.sha256((ROOT / entry["file"]).read_bytes()).hexdigest() == entry["sha256"]
    results = {f"results/{path.name}" for path in (ROOT / "results").glob("*.json")}
    assert results - {"results/preprint.json"} == {name for name in manifest.OUTPUTS if name.startswith("results")}
