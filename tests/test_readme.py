"""What the README shows runs as it stands, and its numbers are those recorded."""

import os
import re
import subprocess
import sys

import numpy as np
from PIL import Image

from maskdet import drawing, faces
from maskdet.config import ROOT
from maskdet.record import results

README = (ROOT / "README.md").read_text(encoding="utf8")


def drawn(seed: int) -> np.ndarray:
    return drawing.scene(rng=np.random.default_rng(seed), people=1).photograph


def test_its_code_runs_from_top_to_bottom_on_a_photograph_with_a_face(tmp_path):
    detect = faces.detector("yunet")
    photograph = next(one for one in map(drawn, range(20)) if len(detect(one)[0]) == 1)
    Image.fromarray(photograph).save(tmp_path / "photograph.jpg", quality=98)
    code = "\n".join(re.findall(r"```python\n(.*?)```", README, re.DOTALL))
    asked = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True,
                           env=os.environ | {"PYTHONPATH": str(ROOT)})
    assert asked.returncode == 0, asked.stderr
    *_, flipped, verdict, witness = asked.stdout.splitlines()
    assert flipped.startswith(("['flipped'] [[[", "['stands'] [[["))
    assert verdict in ("flippable", "safe", "undecided") and len(eval(witness)) == 5
    assert ("flipped" in flipped) <= (verdict == "flippable"), "what a search flips is not proved safe"


def test_its_numbers_are_those_of_the_records():
    records, preprint = [results.read(name) for name in ("wobot", "larxel")], results.read("preprint")
    for quantity, network, told in (
            ("accuracy", "resnet", "classified correctly by a residual network"),
            ("accuracy", "figure2", "classified correctly by the network of its Figure 2"),
            ("success", "resnet", "flipped by one pixel (of those), residual network"),
            ("success", "figure2", "flipped by one pixel (of those), network of Figure 2")):
        ours = [record["folds"][quantity][network] for record in records]
        ours = [one["evolution"] if quantity == "success" else one for one in ours]
        shown = [f"{100 * one['k'] / one['n']:.1f} % ({one['k']}/{one['n']})" for one in ours]
        assert " | ".join([f"| {told}", results.typed(preprint[quantity]), *shown]) + " |" in README
