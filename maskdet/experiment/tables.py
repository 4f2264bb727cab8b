"""Trials as tables for the book, and what their stages record."""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from maskdet import attack, networks
from maskdet.attack import Sweep
from maskdet.config import CLASSES, SIZE, Profile, Recipe
from maskdet.counts import Count, clustered, panels
from maskdet.experiment.attacks import FIRST, SEARCHES, Outcomes, Sweeps, pooled, success
from maskdet.experiment.fitting import Outcome
from maskdet.experiment.variants import CODE, TEXT, one_setting_changed
from maskdet.networks.evaluation import Evaluation
from maskdet.record.preprint import stated_share
from maskdet.record.rows import SETTINGS, words


def recipe_numbers(recipe: Recipe) -> dict:
    """A recipe as the prose quotes it."""
    return {"epochs": recipe.epochs, "batch": recipe.batch, "learning_rate": str(recipe.learning_rate)}


def summaries(outcomes: Outcomes) -> dict[str, list[dict]]:
    """The layers of each network, as `figures.layers` draws them."""
    return {name: networks.summary(outcome.model) for name, [outcome, *_] in outcomes.items()}


def sizes(outcomes: Outcomes) -> dict:
    """Parameters, and millions of multiplications per face, of each network."""
    return {name: {"parameters": model.count_params(), "millions": f"{model.count_params() / 1e6:.2f}",
                   "multiplications": round(networks.multiplications(model) / 1e6, 1)}
            for name, [outcome, *_] in outcomes.items() for model in [outcome.model]}


def majority(test: Evaluation) -> dict:
    """The larger class, and how many faces are of it: the accuracy of always choosing that class."""
    larger = np.bincount(test.labels, minlength=len(CLASSES)).argmax()
    return {"class": CLASSES[larger], "count": clustered(test.labels == larger, test.clusters)}


def accuracy_and_success(outcomes: Outcomes, sweeps: Sweeps, *, first: float = np.inf) -> dict[str, dict[str, Count]]:
    """The "accuracy" of each name and the "success" of its attack within the `first` queries, by quantity and name."""
    return {"accuracy": {name: test.accuracy for name, test in pooled(outcomes).items()},
            "success": {name: success(outcomes[name], sweeps[name], first=first) for name in outcomes}}


def mean_histories(outcomes: Outcomes) -> dict[str, pd.DataFrame]:
    """By name, the history of the trainings, the mean over trials of the same length."""
    return {name: pd.concat([outcome.fit.history for outcome in members]).groupby(level=0).mean()
            for name, members in outcomes.items()}


def _seconds(outcomes: Outcomes) -> dict[str, float]:
    """Seconds that the trainings of each name took together."""
    return {name: sum(outcome.fit.seconds for outcome in members) for name, members in outcomes.items()}


def _validated(run: Profile, tried: Outcomes) -> dict:
    """By network, the accuracy on the validation part, the mean over seeds, after the epochs of the recipe; and the
    best after any number of epochs, and that number."""
    found = {}
    for name, history in mean_histories(tried).items():
        best = int(history.held_out.argmax())
        found[name] = {"chosen": f"{100 * history.held_out.iloc[run.text.epochs - 1]:.1f} %", "epochs": best + 1,
                       "best": f"{100 * history.held_out.iloc[best]:.1f} %"}
    return found


def main_to_record(run: Profile, outcomes: Outcomes, tried: Outcomes) -> tuple[dict, dict]:
    """What the stage of the single split records, and its seconds; `tried`: the trials by which the number of epochs
    was chosen."""
    tests = pooled(outcomes)
    return {"training": recipe_numbers(run.text), "validation": _validated(run, tried),
            "accuracy": {name: test.accuracy for name, test in tests.items()},
            "accuracy_by_class": {name: test.by_class for name, test in tests.items()},
            "majority": majority(next(iter(tests.values()))),
            "confusion": {name: test.confusion.tolist() for name, test in tests.items()},
            "networks": sizes(outcomes)}, _seconds(outcomes)


def by_original_class(outcomes: Outcomes) -> pd.DataFrame:
    """How many faces each network calls masked, by original class. Those of neither class are shown, not scored."""
    columns = {}
    for name, test in pooled(outcomes).items():
        masked = test.probabilities.argmax(axis=1) == CLASSES.index("masked")
        sides = {label: test.labels == number for number, label in enumerate(CLASSES)}
        left_out = pd.concat([outcome.left_out for outcome in outcomes[name]]).groupby("original")
        columns[name] = {label: str(clustered(masked[side], test.clusters[side])) for label, side in sides.items()} | {
            original: str(clustered(faces.masked > 0.5, faces.group)) for original, faces in left_out}
    return pd.DataFrame(columns)


def measures(run: Profile, tests: Mapping[str, Evaluation]) -> pd.DataFrame:
    """Accuracy, balanced accuracy, area under the ROC curve, calibration error and Brier score, by network."""
    return pd.DataFrame({name: {
        "accuracy": test.accuracy, **{f"of the {label} faces": count for label, count in test.by_class.items()},
        "balanced accuracy": test.balanced(seed=run.seed), "area under the ROC curve": test.area(seed=run.seed),
        "expected calibration error": f"{test.calibration_error:.4f}", "Brier score": f"{test.brier:.4f}"}
        for name, test in tests.items()}).map(str)


def folds_intervals(outcomes: Outcomes, swept: Mapping[str, Sweeps]) -> dict[str, list]:
    """Accuracy, and success of each search, over all folds and of each, as `figures.intervals` draws them; sweeps by
    search, then network."""
    panels = {"accuracy": [(name, test.accuracy.share, test.accuracy.interval,
                            *(outcome.test.accuracy.share for outcome in outcomes[name]))
                           for name, test in pooled(outcomes).items()]}
    for search, sweeps in swept.items():
        counts = {name: success(outcomes[name], sweeps[name]) for name in outcomes}
        panels[f"flipped by {SEARCHES[search]}"] = [
            (name, count.share, count.interval, *(success([outcome], [sweep]).share for outcome, sweep in
                                                  zip(outcomes[name], sweeps[name])))
            for name, count in counts.items()]
    return panels


def folds_to_record(run: Profile, outcomes: Outcomes, swept: Mapping[str, Sweeps]) -> tuple[dict, dict]:
    """What the stage of the folds records; `swept` has their sweeps by search, then network."""
    tests = pooled(outcomes)
    left_out = {name: pd.concat([outcome.left_out for outcome in members]) for name, members in outcomes.items()}
    return {"folds": {
        "count": run.folds, "accuracy": {name: test.accuracy for name, test in tests.items()},
        "accuracy_by_class": {name: test.by_class for name, test in tests.items()},
        "balanced": {name: test.balanced(seed=run.seed) for name, test in tests.items()},
        "area": {name: test.area(seed=run.seed) for name, test in tests.items()},
        "calibration_error": {name: f"{test.calibration_error:.4f}" for name, test in tests.items()},
        "majority": majority(next(iter(tests.values()))),
        "left_out_masked": {name: clustered(faces.masked > 0.5, faces.group)
                            for name, faces in left_out.items() if len(faces)},
        "success": {name: {search: success(outcomes[name], sweeps[name]) for search, sweeps in swept.items()}
                    for name in outcomes},
        "only": {name: int(only.sum()) for name, only in _only(tests).items()},
        "each": {name: _each(outcomes[name], swept["corners"][name]) for name in outcomes},
    }}, {"training": _seconds(outcomes),
         "attack": {name: {search: sum(sweep.seconds for sweep in sweeps[name]) for search, sweeps in swept.items()}
                    for name in outcomes}}


def _each(outcomes: Sequence[Outcome], sweeps: Sequence[Sweep]) -> dict:
    """Accuracy and success of each trial, by its fold."""
    return {str(outcome.trial.fold):
            {"accuracy": outcome.test.accuracy, "success": success([outcome], [sweep])}
            for outcome, sweep in zip(outcomes, sweeps)}


def _only(tests: Mapping[str, Evaluation]) -> dict[str, np.ndarray]:
    """The faces (N,) bool that only this network of all classifies correctly, for each network of the same tests."""
    networks_correct = np.sum([test.correct for test in tests.values()], axis=0)
    return {name: test.correct & (networks_correct == 1) for name, test in tests.items()}


def variants_table(outcomes: Outcomes, sweeps: Sweeps) -> pd.DataFrame:
    """A row for each variant: accuracy, and success of the attack."""
    counts = pd.DataFrame(accuracy_and_success(outcomes, sweeps)).map(str)
    return counts.rename(index=words, columns={"success": "success of one pixel"})


def variants_intervals(outcomes: Outcomes, sweeps: Sweeps, preprint: Mapping) -> dict[str, list]:
    """The variants as `figures.intervals` draws them, below what the preprint reports."""
    return {quantity: [("preprint", stated_share(preprint, quantity), None),
                       *((words(name), *interval) for name, *interval in panel)]
            for quantity, panel in panels(accuracy_and_success(outcomes, sweeps)).items()}


def variants_to_record(run: Profile, outcomes: Outcomes, sweeps: Sweeps, evolved: Sweeps) -> tuple[dict, dict]:
    """What the stage of the variants records; `evolved`: the sweeps of text and code by differential evolution."""
    counts = accuracy_and_success(outcomes, sweeps)
    ends = accuracy_and_success({name: outcomes[name] for name in evolved}, evolved)
    return {"variants": {
        "code": recipe_numbers(run.code) | {"region": CODE.region}, "ours": recipe_numbers(run.ours), **counts,
        "evolution": ends["success"],
        "settings": {name: {field: str(value) for field, value in dataclasses.asdict(outcome.trial.variant).items()}
                     for name, [outcome] in outcomes.items()},
        "majority": {name: majority(outcomes[name][0].test) for name in ("text", "code")},
        "as_trained": {name: outcome.as_trained for name, [outcome] in outcomes.items()
                       if outcome.trial.variant.scaling == "l2"},
        "matters": {quantity: _most(by_name) for quantity, by_name in counts.items()},
    }}, {"training": _seconds(outcomes)}


def _most(counts: Mapping[str, Count]) -> dict:
    """The setting of the code that changes a count of the text most, alone, and the count with it."""
    alone = {setting: counts[f"text_{setting}"] for setting in one_setting_changed(TEXT, CODE)}
    setting = max(alone, key=lambda name: abs(alone[name].share - counts["text"].share))
    return {"setting": SETTINGS.get(setting, setting), "count": alone[setting]}


def other_networks_table(recorded: Mapping) -> pd.DataFrame:
    """A row for each network of what its stage recorded: accuracy, size, cost, and success of the first corners."""
    return pd.DataFrame({name: {
        "accuracy": str(Count(**accuracy)), "parameters": f"{recorded['networks'][name]['parameters']:,}",
        "million multiplications": f"{recorded['networks'][name]['multiplications']:,}",
        f"success, first {recorded['first']} corners": str(Count(**recorded["success"][name]))}
        for name, accuracy in recorded["accuracy"].items()}).T


def other_networks_to_record(run: Profile, outcomes: Outcomes, sweeps: Sweeps) -> tuple[dict, dict]:
    """What the stage of the other networks records."""
    counts = accuracy_and_success(outcomes, sweeps, first=FIRST)
    balanced = {name: test.balanced(seed=run.seed) for name, test in pooled(outcomes).items()}
    return {"other_networks": {
        "training": recipe_numbers(run.comparison), "first": FIRST, "corners": len(attack.corners(3)) * SIZE**2,
        "accuracy": counts["accuracy"], "balanced": balanced, "networks": sizes(outcomes), "success": counts["success"],
    }}, _seconds(outcomes)
