"""A recorded run read from its tables, in the form of a run that is here: for the same tables and figures.

It has neither images nor weights: the faces of its tests are empty images, which figures of faces do not show.
"""

import ast
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from maskdet import config, data
from maskdet.attack import Attempt, Search, Sweep
from maskdet.config import CLASSES
from maskdet.experiment.attacks import Outcomes
from maskdet.experiment.curve import Curve
from maskdet.experiment.detectors import DETECTORS, Detected
from maskdet.experiment.fitting import Outcome
from maskdet.experiment.variants import Trial, Variant
from maskdet.networks import training
from maskdet.networks.evaluation import Evaluation
from maskdet.experiment.verification import starts
from maskdet.proof import FLIPPABLE, SAFE, UNDECIDED
from maskdet.record import tables


@dataclass(frozen=True)
class Matched:
    """The labelled `faces` and the `detections` of `faces.Faces`, without any crop."""

    faces: pd.DataFrame
    detections: pd.DataFrame


def dataset(name: str) -> data.Dataset:
    """The photographs' tables of the record `name`. Raises FileNotFoundError, naming the command, where it has none."""
    tables.read(name, "data/photographs")
    folder = tables.folder(name) / "data"
    checksum = json.loads((folder / "dataset.json").read_text(encoding="utf8"))["checksum"]
    return data.Dataset(folder, **data.read_tables(folder), checksum=checksum)


def matched(name: str) -> Matched:
    """The faces of the record `name`, and what was detected. Raises as `dataset`."""
    return Matched(tables.read(name, "crops/faces"), tables.read(name, "crops/detections"))


def outcomes(name: str, trials: Mapping[str, Sequence[Trial]]) -> dict[str, list[Outcome]]:
    """The trials of the record `name`, as `fitting.read` gives those of a run. Raises FileNotFoundError, naming the
    command, where one is not recorded."""
    faces = tables.read(name, "crops/faces")
    return {key: [_outcome(name, trial, faces) for trial in members] for key, members in trials.items()}


def _outcome(name: str, trial: Trial, faces: pd.DataFrame) -> Outcome:
    tested = tables.read(name, f"networks/{trial.name}")
    rows = faces.loc[tested.face].reset_index(drop=True)
    of_class = tested.label.isin(CLASSES).to_numpy()
    masked = tested.masked.to_numpy()
    test = Evaluation(np.empty((int(of_class.sum()), 0, 0, 3), np.uint8),
                      tested.label[of_class].map(CLASSES.index).to_numpy(int),
                      np.column_stack([1 - masked, masked])[of_class], rows.group.to_numpy()[of_class])
    left_out = rows.assign(masked=masked)[~of_class][["original", "group", "masked"]].reset_index(drop=True)
    report = json.loads((tables.folder(name) / f"networks/{trial.name}.json").read_text(encoding="utf8"))
    return Outcome(trial, training.Fit([], pd.DataFrame(report["history"]), report["seconds"]), test, left_out)


def sweeps(name: str, found: Outcomes, search: Callable[[Variant], Search]) -> dict[str, list[Sweep]]:
    """The attacks on the networks of recorded outcomes, as `attacks.sweep` gives those of a run; without their seconds.
    Raises as `outcomes`."""
    return {key: [_sweep(name, key, outcome, search(outcome.trial.variant).name) for outcome in members]
            for key, members in found.items()}


def _sweep(name: str, network: str, outcome: Outcome, search: str) -> Sweep:
    rows = tables.read(name, f"attacks/{outcome.trial.name}-{search}")
    pixels, before, after = (rows[column].map(ast.literal_eval) for column in ("pixels", "before", "after"))
    attempts = [Attempt(*of) for of in zip(rows.label, pixels, before, after, rows.queries)]
    return Sweep(network, search, rows.face.to_numpy(), attempts, outcome.test.accuracy.k, len(outcome.test.labels),
                 np.nan)


@dataclass(frozen=True)
class Verified:
    """The verified faces of a network, of which the record has a row each, as `proof.Verifications` has them; `moved`
    (H, W): by how much a pixel at each place moves the margin, the mean over faces."""

    network: str
    rows: pd.DataFrame
    moved: np.ndarray

    def table(self) -> pd.DataFrame:
        """A row for each face."""
        return self.rows

    @property
    def faces(self) -> np.ndarray:
        """The rows of the faces in the tests of all outcomes put together."""
        return self.rows.face.to_numpy()

    @property
    def margins(self) -> np.ndarray:
        """The margins of the unchanged faces."""
        return self.rows.margin.to_numpy()

    def are(self, verdict: str) -> np.ndarray:
        """Which faces have this verdict, (N,) bool."""
        return (self.rows.verdict == verdict).to_numpy()

    @property
    def counts(self) -> dict[str, int]:
        """How many faces have each verdict."""
        return {verdict: int(self.are(verdict).sum()) for verdict in (FLIPPABLE, SAFE, UNDECIDED)}


def verified(name: str, found: Outcomes) -> dict[str, Verified]:
    """The verified faces of recorded outcomes. Raises as `outcomes`."""
    return {key: _verified(name, key, members) for key, members in found.items()}


def _verified(name: str, network: str, members: Sequence[Outcome]) -> Verified:
    parts = [tables.read(name, f"verification/{outcome.trial.name}") for outcome in members]
    moved = [np.loadtxt(tables.folder(name) / f"verification/{outcome.trial.name}-moved.csv", delimiter=",")
             for outcome in members]
    rows = pd.concat([part.assign(face=part.face + start) for part, start in zip(parts, starts(members))],
                     ignore_index=True)
    return Verified(network, rows.assign(pixel=rows.pixel.map(ast.literal_eval)),
                    np.average(moved, axis=0, weights=list(map(len, parts))))


def curves(name: str) -> dict[str, dict[str, Curve]]:
    """The curves of the record `name`, as `curve.curves` gives those of a run. Raises as `outcomes`."""
    found: dict[str, dict[str, Curve]] = {}
    for (quantity, network), rows in tables.read(name, "seeds/curves").groupby(["quantity", "network"], sort=False):
        found.setdefault(quantity, {})[network] = Curve.of(rows)
    return found


def detected(name: str) -> dict[str, Detected]:
    """What the detectors find in the test photographs of the record `name`, as `detectors.compare` gives it of a run.
    Raises as `outcomes`."""
    photographs, smallest = tables.read(name, "data/photographs"), config.profile(name).smallest_face
    searched, found = int((photographs.split == "test").sum()), {}
    for detector in DETECTORS:
        faces, boxes = (tables.read(name, f"detection/{detector}-{kind}") for kind in ("faces", "boxes"))
        found[detector] = Detected(faces, boxes, searched, smallest)
    return found
