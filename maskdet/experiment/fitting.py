"""The networks of trials fitted, as many at once as there are processors, kept, and tested."""

import contextlib
import functools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm import tqdm

from maskdet import data, faces, files, keys, networks
from maskdet.config import CLASSES, Profile
from maskdet.counts import Count, clustered
from maskdet.experiment.variants import Trial
from maskdet.networks import training
from maskdet.networks.evaluation import Evaluation
from maskdet.workers import Made, each


@dataclass(frozen=True)
class Outcome:
    """The network of a trial as it was fitted (`fit`), on the `test` faces, and on faces of neither class in the same
    photographs (`left_out`: original class, group of photographs, probability of a mask)."""

    trial: Trial
    fit: training.Fit
    test: Evaluation
    left_out: pd.DataFrame

    @property
    def model(self):
        """The Keras model."""
        return networks.restore(self.trial.variant.network, self.fit.weights, scaling=self.trial.variant.scaling)

    @property
    def as_trained(self) -> Count:
        """Accuracy on test faces `normalised` as for training; `test` and the attack are of faces as they are."""
        grey = self.trial.variant.network in networks.GREY
        images = training.normalised(self.test.images.astype(np.float32), grey=grey)
        model = self.model
        probabilities = np.concatenate([model.predict_on_batch(images[start:start + networks.BATCH])
                                        for start in range(0, len(images), networks.BATCH)])
        return clustered(probabilities.argmax(axis=1) == self.test.labels, self.test.clusters)


def fit(run: Profile, trials: Mapping[str, Sequence[Trial]]) -> dict[str, list[Outcome]]:
    """Fit the networks of `trials`, as many at once as there are processors, or read those back whose fit is finished,
    and test them. Writes `networks/<name>.keras` and then `<name>.json`: a fit that was interrupted is done again."""
    cropped, dataset = faces.read(run), data.read(run)
    made = {trial: parts(run, dataset, cropped, trial) for members in trials.values() for trial in members}
    # By name, which leaves out the region that is searched: such trials share a network.
    with files.alone(run.folder / "networks" / "fits"):
        todo = {trial.name: trial for trial, part in made.items() if _kept(run, trial, part) is None}
        calls = Made(todo.values(), lambda trial: made[trial].call(run, trial, cropped))
        with contextlib.closing(each(calls)) as fits:
            for trial, fit in tqdm(fits, total=len(calls), desc="fit", unit="network", disable=None):
                _keep(run, trial, made[trial], fit)
    outcomes = {trial: _outcome(run, trial, part, cropped) for trial, part in made.items()}
    for trial, part in made.items():
        with files.whole(_report(run, trial).with_suffix(".csv")) as path:
            tested(outcomes[trial], part, cropped).to_csv(path, index=False)
    return {name: [outcomes[trial] for trial in members] for name, members in trials.items()}


def read(run: Profile, trials: Mapping[str, Sequence[Trial]]) -> dict[str, list[Outcome]]:
    """Trials that `fit` finished. Raises FileNotFoundError, with the command, where a trial is missing, and ValueError
    where it was fitted to other crops or in another way than the profile's now."""
    cropped, dataset = faces.read(run), data.read(run)
    made = {trial: parts(run, dataset, cropped, trial) for members in trials.values() for trial in members}
    for trial, part in made.items():
        if not _report(run, trial).exists():
            raise FileNotFoundError(f"expected network {trial.name} of profile {run.name}, got none: "
                                    f"run `{run.command}`")
        if _kept(run, trial, part) is None:
            raise ValueError(f"expected network {trial.name} fitted to the crops as they are now, got an older "
                             f"one in {run.folder}: run `{run.command}`")
    return {name: [_outcome(run, trial, made[trial], cropped) for trial in members]
            for name, members in trials.items()}


@dataclass(frozen=True)
class Parts:
    """A trial's table of faces, and its rows to learn from, to test, and of neither class; `key`: what the fit
    depends on."""

    table: pd.DataFrame
    learned: np.ndarray
    tested: np.ndarray
    left_out: np.ndarray
    key: str

    def call(self, run: Profile, trial: Trial, cropped: faces.Faces) -> functools.partial[training.Fit]:
        """The call of `training.fit` that fits the trial."""
        variant, labels = trial.variant, faces.labels
        crops, patches = cropped.crops[variant.crops], cropped.patches[variant.crops]
        recipe, table = trial.settings(run), self.table
        shown = patches[self.learned] if recipe.augmented else patches[:0]
        held_out = crops[self.tested], labels(table.loc[self.tested])
        return functools.partial(training.fit, variant.network, shown, labels(table.loc[self.learned]),
                                 held_out=held_out, recipe=recipe, seed=trial.drawn_by, scaling=variant.scaling,
                                 hardened=variant.hardened, crops=None if recipe.augmented else crops[self.learned])


def parts(run: Profile, dataset: data.Dataset, cropped: faces.Faces, trial: Trial) -> Parts:
    """What a trial learns from and tests. Raises ValueError where it has no faces for either, or not as many as it asks
    for."""
    table = cropped.rows(trial.variant.crops)
    photographs = dataset.photographs[dataset.photographs.annotated]
    groups = photographs.group.to_numpy()
    if trial.fold is None:
        sides = data.split(  # trained on train and validation: settings were chosen before
            groups, test_share=run.test_share, validation_share=run.validation_share, seed=trial.seed)
    else:
        sides = np.where(data.folds(groups, run.folds, seed=trial.seed) == trial.fold, "test", "train")
    side = table.photograph.map(dict(zip(photographs.photograph, sides))).to_numpy()
    tested = side == ("validation" if trial.validation else "test")
    used = table.label.isin(CLASSES).to_numpy() & ~(trial.validation & (side == "test"))
    left_out = ~used & table.original.isin([name for name, merged in data.FOLDING.items() if merged.face]).to_numpy()
    learned, held, apart = (np.flatnonzero(side) for side in (used & ~tested, used & tested, left_out & tested))
    learned = learned if trial.faces is None else _some(table, learned, trial.faces, seed=trial.drawn_by)
    if not len(held) or not len(learned):
        raise ValueError(f"expected faces to learn from and to test in trial {trial.name}, got {len(learned)} and "
                         f"{len(held)}: add photographs")
    variant, labels = trial.variant, table.label.to_list()
    recipe, crops = trial.settings(run), cropped.crops[variant.crops]
    shown = cropped.patches[variant.crops] if recipe.augmented else crops
    key = files.digest(shown[learned], crops[held], labels, variant.network, recipe, variant.scaling, variant.hardened,
                       trial.drawn_by, keys.code(training.fit))
    return Parts(table, learned, held, apart, key)


def _some(table: pd.DataFrame, rows: np.ndarray, count: int, *, seed: int) -> np.ndarray:
    """The first `count` of the `rows` of a table of faces, photograph after photograph, in an order drawn from the
    seed: more faces hold the fewer. Raises ValueError where there are not so many."""
    if count > len(rows):
        raise ValueError(f"expected {count} faces to learn from, got {len(rows)}: learn from fewer")
    place = dict(zip(names := table.photograph.loc[rows].unique(), np.random.default_rng(seed).permutation(len(names))))
    order = table.photograph.loc[rows].map(place).to_numpy()
    return np.sort(rows[np.argsort(order, kind="stable")][:count])


def tested(outcome: Outcome, part: Parts, cropped: faces.Faces) -> pd.DataFrame:
    """A row for each test face of a trial, and then for each of neither class: its row in the table of all labelled
    faces, its label, and the probability of a mask."""
    every = cropped.faces.index[cropped.faces.found] if outcome.trial.variant.crops == "detected" else (
        cropped.faces.index)
    rows = np.concatenate([part.tested, part.left_out])
    masked = np.concatenate([outcome.test.probabilities[:, CLASSES.index("masked")], outcome.left_out.masked])
    return pd.DataFrame({"face": every[rows], "label": part.table.label.loc[rows].to_numpy(),
                         "masked": masked.astype(float).round(6)})


def _report(run: Profile, trial: Trial) -> Path:
    """The report of a fit; its network is beside it, as .keras."""
    return run.folder / "networks" / f"{trial.name}.json"


def _kept(run: Profile, trial: Trial, part: Parts) -> dict | None:
    """The report of this very fit, if it is finished."""
    path = _report(run, trial)
    report = json.loads(path.read_text()) if path.exists() and path.with_suffix(".keras").exists() else {}
    return report if report.get("key") == part.key else None


def _keep(run: Profile, trial: Trial, part: Parts, fit: training.Fit) -> None:
    report = _report(run, trial)
    report.unlink(missing_ok=True)
    model = networks.restore(trial.variant.network, fit.weights, scaling=trial.variant.scaling)
    networks.save_model(model, report.with_suffix(".keras"))
    files.write_json(report, {"key": part.key, "seconds": fit.seconds, "history": fit.history.to_dict(orient="list")})


def _outcome(run: Profile, trial: Trial, part: Parts, cropped: faces.Faces) -> Outcome:
    report = json.loads(_report(run, trial).read_text())
    model = networks.read_model(_report(run, trial).with_suffix(".keras"))
    predict, crops, table = networks.predictor(model), cropped.crops[trial.variant.crops], part.table
    rows = table.loc[part.tested]
    test = Evaluation(crops[part.tested], faces.labels(rows), predict(crops[part.tested]), rows.group.to_numpy())
    left_out = pd.DataFrame({"original": table.original.loc[part.left_out], "group": table.group.loc[part.left_out],
                             "masked": predict(crops[part.left_out])[:, CLASSES.index("masked")]})
    return Outcome(trial, training.Fit(model.get_weights(), pd.DataFrame(report["history"]), report["seconds"]),
                   test, left_out.reset_index(drop=True))
