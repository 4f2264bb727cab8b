"""A recorded run read from its tables, in the form of a run that is here: for the same tables and figures.

It has neither images nor weights: the faces of its tests are empty images, which figures of faces do not show.
"""

import ast
import json
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd

from maskdet.attack import Attempt, Search, Sweep
from maskdet.config import CLASSES
from maskdet.experiment.attacks import Outcomes
from maskdet.experiment.fitting import Outcome
from maskdet.experiment.variants import Trial, Variant
from maskdet.networks import training
from maskdet.networks.evaluation import Evaluation
from maskdet.record import tables


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
    attempts = [Attempt(row.label, *map(ast.literal_eval, (row.pixels, row.before, row.after)), row.queries)
                for row in rows.itertuples()]
    return Sweep(network, search, rows.face.to_numpy(), attempts, outcome.test.accuracy.k, len(outcome.test.labels),
                 np.nan)
