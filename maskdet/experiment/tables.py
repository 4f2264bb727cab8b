"""Trials as tables for the book, and what their stages record."""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from maskdet import attack, networks
from maskdet.attack import Sweep
from maskdet.config import CLASSES, SIZE, Profile, Recipe
from maskdet.counts import Count, clustered
from maskdet.experiment.attacks import FIRST, pooled, success
from maskdet.experiment.fitting import Outcome
from maskdet.experiment.variants import CODE, TEXT, one_setting_changed
from maskdet.networks.evaluation import Evaluation
from maskdet.record.preprint import position, stated_share
from maskdet.record.rows import SETTINGS, words

Outcomes = Mapping[str, Sequence[Outcome]]
Sweeps = Mapping[str, Sequence[Sweep]]


def recipe_numbers(recipe: Recipe) -> dict:
    """A recipe as the prose quotes it."""
    return {"epochs": recipe.epochs, "batch": recipe.batch, "learning_rate": str(recipe.learning_rate)}


def summaries(outcomes: Outcomes) -> dict[str, list[dict]]:
    """The layers of each network, as `figures.layers` draws them."""
    return {name: networks.summary(several[0].model) for name, several in outcomes.items()}


def sizes(outcomes: Outcomes) -> dict:
    """Parameters, and millions of multiplications per face, of each network."""
    built = {name: several[0].model for name, several in outcomes.items()}
    return {name: {"parameters": model.count_params(), "millions": f"{model.count_params() / 1e6:.2f}",
                   "multiplications": round(networks.multiplications(model) / 1e6, 1)}
            for name, model in built.items()}


def majority(test: Evaluation) -> dict:
    """The larger class, and how many faces are of it: the accuracy of always choosing that class."""
    larger = np.bincount(test.labels, minlength=len(CLASSES)).argmax()
    return {"class": CLASSES[larger], "count": clustered(test.labels == larger, test.clusters)}


def main_to_record(run: Profile, outcomes: Outcomes) -> tuple[dict, dict]:
    """What the stage of the single split records: accuracy, size and cost of each network; and its seconds."""
    tests = pooled(outcomes)
    return ({"training": recipe_numbers(run.recipe),
             "accuracy": {name: test.accuracy for name, test in tests.items()},
             "accuracy_by_class": {name: test.by_class for name, test in tests.items()},
             "majority": majority(next(iter(tests.values()))),
             "confusion": {name: test.confusion.tolist() for name, test in tests.items()},
             "networks": sizes(outcomes)},
            {name: outcome.fit.seconds for name, [outcome] in outcomes.items()})


def by_original_class(outcomes: Outcomes) -> pd.DataFrame:
    """How many faces each network calls masked, by original class. Those of neither class are shown, not scored."""
    rows: dict[str, dict[str, str]] = {}
    for name, several in outcomes.items():
        test = pooled({name: several})[name]
        masked = test.probabilities.argmax(axis=1) == CLASSES.index("masked")
        for number, label in enumerate(CLASSES):
            inside = test.labels == number
            rows.setdefault(label, {})[name] = str(clustered(masked[inside], test.clusters[inside]))
        left_out = pd.concat([outcome.left_out for outcome in several])
        for original, faces in left_out.groupby("original"):
            rows.setdefault(original, {})[name] = str(clustered(faces.masked > 0.5, faces.group))
    return pd.DataFrame(rows).T


def measures(run: Profile, tests: Mapping[str, Evaluation]) -> pd.DataFrame:
    """Accuracy, balanced accuracy, area under the ROC curve, calibration error and Brier score, by network."""
    return pd.DataFrame({name: {
        "accuracy": str(test.accuracy),
        **{f"of the {label} faces": str(count) for label, count in test.by_class.items()},
        "balanced accuracy": str(test.balanced(seed=run.seed)),
        "area under the ROC curve": str(test.area(seed=run.seed)),
        "expected calibration error": f"{test.calibration_error:.4f}", "Brier score": f"{test.brier:.4f}"}
        for name, test in tests.items()})


def trials_table(outcomes: Outcomes, sweeps: Sweeps) -> pd.DataFrame:
    """A row for each trial: its seed or fold, accuracy, and success of the attack."""
    rows = [{"network": name, "seed": outcome.trial.seed,
             "fold": "–" if outcome.trial.fold is None else outcome.trial.fold,
             "accuracy": str(outcome.test.accuracy), "success of one pixel": str(success([outcome], [sweep]))}
            for name in outcomes for outcome, sweep in zip(outcomes[name], sweeps[name])]
    return pd.DataFrame(rows).set_index("network").rename_axis(None)


def folds_to_record(run: Profile, outcomes: Outcomes, sweeps: Sweeps, again: Outcomes,
                  swept_again: Sweeps) -> tuple[dict, dict]:
    """What the stage of the splits records: folds, and other seeds (`again`)."""
    tests = pooled(outcomes)
    seconds = {name: sum(outcome.fit.seconds for outcome in several) for name, several in outcomes.items()}
    attacked = {name: sum(sweep.seconds for sweep in several) for name, several in sweeps.items()}
    left_out = {name: pd.concat([outcome.left_out for outcome in several]) for name, several in outcomes.items()}
    return {"folds": {
        "count": run.folds, "repeats": run.repeats,
        "accuracy": {name: test.accuracy for name, test in tests.items()},
        "accuracy_by_class": {name: test.by_class for name, test in tests.items()},
        "balanced": {name: test.balanced(seed=run.seed) for name, test in tests.items()},
        "area": {name: test.area(seed=run.seed) for name, test in tests.items()},
        "calibration_error": {name: f"{test.calibration_error:.4f}" for name, test in tests.items()},
        "majority": majority(next(iter(tests.values()))),
        "left_out_masked": {name: clustered(table.masked > 0.5, table.group)
                            for name, table in left_out.items() if len(table)},
        "success": {name: success(outcomes[name], sweeps[name]) for name in outcomes},
        "only": {name: int(only.sum()) for name, only in _only(tests).items()},
        "each": {name: _each(outcomes[name], sweeps[name], "fold") for name in outcomes},
        "seeds": {name: _each(again[name], swept_again[name], "seed") for name in again},
    }}, {"training": seconds, "attack": attacked}


def _each(outcomes: Sequence[Outcome], sweeps: Sequence[Sweep], key: str) -> dict:
    """Accuracy and success of each trial, by its fold or seed."""
    return {str(getattr(outcome.trial, key)):
            {"accuracy": outcome.test.accuracy, "success": success([outcome], [sweep])}
            for outcome, sweep in zip(outcomes, sweeps)}


def _only(tests: Mapping[str, Evaluation]) -> dict[str, np.ndarray]:
    """The faces (N,) bool that only this network of all classifies correctly, for each network of the same tests."""
    networks_correct = np.sum([test.correct for test in tests.values()], axis=0)
    return {name: test.correct & (networks_correct == 1) for name, test in tests.items()}


def variants_table(outcomes: Outcomes, sweeps: Sweeps) -> pd.DataFrame:
    """A row for each variant: accuracy, and success of the attack."""
    return pd.DataFrame({words(name): {"accuracy": str(several[0].test.accuracy),
                                       "success of one pixel": str(success(several, sweeps[name]))}
                         for name, several in outcomes.items()}).T


def variants_intervals(outcomes: Outcomes, sweeps: Sweeps, preprint: Mapping) -> dict[str, list]:
    """The variants as `figures.intervals` draws them, below what the preprint reports."""
    panels: dict[str, list] = {quantity: [("preprint", stated_share(preprint, quantity), None)]
                               for quantity in ("accuracy", "success")}
    for name, several in outcomes.items():
        for quantity, count in (("accuracy", several[0].test.accuracy), ("success", success(several, sweeps[name]))):
            panels[quantity].append((words(name), count.share, count.interval))
    return panels


def variants_to_record(run: Profile, outcomes: Outcomes, sweeps: Sweeps, evolved: Sweeps,
                  preprint: Mapping) -> tuple[dict, dict]:
    """What the stage of the variants records: and where the preprint's numbers lie beside text and code."""
    accuracy = {name: outcome.test.accuracy for name, [outcome] in outcomes.items()}
    flipped = {name: success(outcomes[name], sweeps[name]) for name in outcomes}
    found = {name: success(outcomes[name], evolved[name]) for name in evolved}
    ends = {"accuracy": [accuracy[name] for name in found], "success": list(found.values())}
    return {"variants": {
        "code": recipe_numbers(run.code) | {"region": CODE.region},
        "accuracy": accuracy, "success": flipped, "evolution": found,
        "settings": {name: {field: str(value) for field, value in dataclasses.asdict(outcome.trial.variant).items()}
                     for name, [outcome] in outcomes.items()},
        "majority": {name: majority(outcomes[name][0].test) for name in ("text", "code")},
        "as_trained": {name: outcome.as_trained for name, [outcome] in outcomes.items()
                       if outcome.trial.variant.scaling == "l2"},
        "preprint": {quantity: position(stated_share(preprint, quantity), counts) for quantity, counts in ends.items()},
        "matters": {"accuracy": _most(accuracy), "success": _most(flipped)},
    }}, {"training": {name: outcome.fit.seconds for name, [outcome] in outcomes.items()}}


def _most(counts: Mapping[str, Count]) -> dict:
    """The setting of the code that changes a count of the text most, alone, and the count with it."""
    text = counts["text"].share
    alone = {setting: counts[f"text_{setting}"] for setting in one_setting_changed(TEXT, CODE)}
    setting = max(alone, key=lambda name: abs(alone[name].share - text))
    return {"setting": SETTINGS.get(setting, setting), "count": alone[setting]}


def other_networks_table(outcomes: Outcomes, sweeps: Sweeps) -> pd.DataFrame:
    """A row for each network: accuracy, size, cost, and success of the first corners and, where tried, of all."""
    size, rows = sizes(outcomes), {}
    for name, several in outcomes.items():
        first, every = (success(several, sweeps[name], first=most) for most in (FIRST, np.inf))
        rows[name] = {"accuracy": str(several[0].test.accuracy), "parameters": f"{size[name]['parameters']:,}",
                      "million multiplications": f"{size[name]['multiplications']:,}",
                      f"success, first {FIRST} corners": str(first),
                      "success, all corners": str(every) if name in networks.NETWORKS else "–"}
    return pd.DataFrame(rows).T


def other_networks_to_record(run: Profile, outcomes: Outcomes, sweeps: Sweeps) -> tuple[dict, dict]:
    """What the stage of the other networks records."""
    return {"other_networks": {
        "training": recipe_numbers(run.comparison), "first": FIRST, "corners": len(attack.CORNERS) * SIZE**2,
        "accuracy": {name: several[0].test.accuracy for name, several in outcomes.items()},
        "balanced": {name: several[0].test.balanced(seed=run.seed) for name, several in outcomes.items()},
        "networks": sizes(outcomes),
        "success": {name: success(several, sweeps[name], first=FIRST) for name, several in outcomes.items()},
    }}, {name: several[0].fit.seconds for name, several in outcomes.items()}
