"""Networks that learned from one set of photographs, tested on another: what a deployer would see."""

import dataclasses
import itertools
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from maskdet import attack, config, data, faces, files, networks
from maskdet.config import Profile
from maskdet.counts import clustered
from maskdet.experiment import fitting
from maskdet.experiment.variants import text_and_code
from maskdet.incremental import Incremental
from maskdet.networks.evaluation import Evaluation
from maskdet.record.results import typed

SETS = ("wobot", "larxel")
# The variants whose networks are tested, as the book calls them.
TESTED = {"text": "the text's variant", "text_ours": "the text's, our training", "text_network": "the text's, figure2"}


def measure(sets: Sequence[str] = SETS) -> dict:
    """Each set's networks on all found faces of each other set, less the photographs that are in a group of
    near-duplicates with one of the set that they learned from: by set learned from, set tested on, and variant.
    Interrupted, it goes on where it stopped. Raises FileNotFoundError, naming the command, where a set's networks are
    not fitted."""
    runs = {name: config.profile(name) for name in sets}
    hashes = {name: _hashes(run) for name, run in runs.items()}
    found: dict[str, dict] = {}
    for source, target in itertools.permutations(sets, 2):
        near = _shared(hashes[source], hashes[target])
        table = faces.read(runs[target]).part("train", "validation", "test")[2]
        rows = ~table.photograph.isin(near).to_numpy()
        trials = text_and_code(runs[source])
        outcomes = fitting.read(runs[source], {name: trials[name] for name in TESTED})
        found.setdefault(source, {})[target] = {
            "left_out": len(near), "faces": int(rows.sum()),
            "networks": {name: _tested(runs[source], runs[target], name, outcome, rows)
                         for name, [outcome] in outcomes.items()}}
    return {"transfer": found, "checksums": {name: data.read(run).checksum for name, run in runs.items()}}


def _hashes(run: Profile) -> dict[str, np.ndarray]:
    """The difference hash of each annotated photograph."""
    dataset = data.read(run)
    names = dataset.photographs.photograph[dataset.photographs.annotated]
    return {name: data.difference_hash(dataset.image(name)) for name in names}


def _shared(source: Mapping[str, np.ndarray], target: Mapping[str, np.ndarray]) -> set[str]:
    """The photographs of `target` in a group of near-duplicates with one of `source`, from the hashes of both."""
    groups = data.groups(np.array([*source.values(), *target.values()]))
    theirs = set(groups[:len(source)].tolist())
    return {name for name, group in zip(target, groups[len(source):].tolist()) if group in theirs}


def _tested(source: Profile, target: Profile, name: str, outcome: fitting.Outcome, rows: np.ndarray) -> dict:
    """The counts of a network on some faces of another set, attacked by all corners."""
    images, labels, table = faces.read(target).part("train", "validation", "test")
    model = outcome.model
    predict = networks.predictor(model)
    test = Evaluation(images[rows], labels[rows], predict(images[rows]), table.group.to_numpy()[rows])
    # In a folder of its own: what lies in the source's is recorded with it.
    apart = dataclasses.replace(source, name=f"{source.name}-on-{target.name}")
    swept = attack.sweep(predict, Incremental.of(model), test.images, test.labels, name=name, stem=outcome.trial.name,
                         search=attack.Corners(), profile=apart, of=files.digest(*outcome.fit.weights))
    return {"accuracy": test.accuracy, "by_class": test.by_class, "balanced": test.balanced(seed=source.seed),
            "success": clustered(swept.flipped, test.clusters[swept.faces]), "at_home": outcome.test.accuracy}


def table(record: Mapping) -> pd.DataFrame:
    """A row for each set learned from, set tested on, and network of a record that `measure` made."""
    rows = {}
    for source, targets in record["transfer"].items():
        for target, found in targets.items():
            for name, counts in found["networks"].items():
                rows[f"{source} to {target}: {TESTED[name]}"] = {
                    title: str(typed(counts[key])) for key, title in (
                        ("at_home", "accuracy on its own test part"), ("accuracy", "accuracy on the other set"),
                        ("balanced", "balanced accuracy there"), ("success", "success of one pixel there"))}
    return pd.DataFrame(rows).T
