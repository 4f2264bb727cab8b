"""What a seed and the number of faces do: many trials of a kind, each fitted and attacked by all corners.

One success says little, since the seed alone moves it several times over. So a kind of trial is repeated, and its
distribution is what is set beside the preprint's number.
"""

import contextlib
import functools
import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from tqdm import tqdm

from maskdet import attack, data, faces, files, keys, networks
from maskdet.attack.sweeps import shuffled_correct
from maskdet.config import Profile
from maskdet.counts import Count, clustered
from maskdet.experiment import fitting
from maskdet.experiment.variants import VARIED, Trial, fewer_faces, main_run, other_seeds
from maskdet.incremental import Incremental
from maskdet.record.preprint import stated_share
from maskdet.workers import Made, each

RECIPES = ("text", "ours")  # fields of a profile
TRAININGS = {"text": "the text's training", "ours": "our training"}  # as the book calls them
WORDS = {"weights": "weights", "split": "splits"}


@dataclass(frozen=True)
class Measured:
    """The network of a trial on its test faces: which of them are `correct`, which of these were `attacked`, and which
    of these one pixel flips, (N,) bool; and the `clusters` (N,) of faces that may be alike."""

    trial: Trial
    correct: np.ndarray
    attacked: np.ndarray
    flipped: np.ndarray
    clusters: np.ndarray

    @property
    def accuracy(self) -> Count:
        """Faces classified correctly, of all."""
        return clustered(self.correct, self.clusters)

    @property
    def success(self) -> Count:
        """Faces flipped, of those attacked."""
        return clustered(self.flipped[self.attacked], self.clusters[self.attacked])


def measure(run: Profile, trials: Sequence[Trial]) -> list[Measured]:
    """Fit, test and attack the networks of `trials`, as many at once as there are processors. A journal keeps each as
    it is finished: an interrupted call goes on where it stopped. Raises ValueError for a trial whose network sees other
    colours than those of its crops, or of which a part of the face is searched."""
    if odd := [trial.name for trial in trials if trial.variant.scaling != "unit" or trial.variant.region]:
        raise ValueError(f"expected trials of crops as they are, searched whole, got {', '.join(odd)}: use "
                         "`fitting.fit` and `attacks.sweep`")
    cropped, dataset = faces.read(run), data.read(run)
    parts = {trial: fitting.parts(run, dataset, cropped, trial) for trial in trials}
    path = run.folder / "seeds" / "trials.jsonl"
    with files.alone(path):
        journal = files.Journal(path, key=files.digest(run.attacked, run.seed, keys.code(_measured, Incremental)))
        calls = Made((trial for trial, part in parts.items() if part.key not in journal.items), lambda trial:
                     functools.partial(_measured, parts[trial].call(run, trial, cropped), run.attacked, run.seed))
        bar = tqdm(desc="fit and attack", total=len(trials), initial=len(trials) - len(calls), unit="network",
                   disable=None)
        with bar, contextlib.closing(each(calls)) as found:
            for trial, item in found:
                journal.add(parts[trial].key, item)
                bar.update()
    return [_read(trial, journal.items[parts[trial].key], parts[trial]) for trial in trials]


def _measured(fit: functools.partial, most: int, seed: int) -> dict:
    """Which of the faces that `fit` holds out are correct, which of these are attacked, `most` at most, and which all
    corners flip, also in the whole pass: rows of the test."""
    [name, *_], (images, labels) = fit.args, fit.keywords["held_out"]
    model = networks.restore(name, fit().weights)
    predict, network = networks.predictor(model), Incremental.of(model)
    before = predict(images)
    attacked = shuffled_correct(before, labels, name=name, seed=seed)[:most]
    found = dict(attack.stream(network, images[attacked], labels[attacked], search=attack.Corners(), seed=seed))
    flips = [number for number, attempt in found.items() if attempt.flipped]
    changed = [attack.set_pixels(images[attacked[number]], np.array([found[number].pixels]))[0] for number in flips]
    after = predict(np.array(changed, np.uint8).reshape(-1, *images.shape[1:])).argmax(axis=1)
    flipped = attacked[flips][after != labels[attacked[flips]]]
    correct = np.flatnonzero(before.argmax(axis=1) == labels)
    return {"correct": correct.tolist(), "attacked": sorted(attacked.tolist()), "flipped": sorted(flipped.tolist())}


def _read(trial: Trial, item: Mapping, part: fitting.Parts) -> Measured:
    rows = np.arange(len(part.tested))
    correct, attacked, flipped = (np.isin(rows, item[name]) for name in ("correct", "attacked", "flipped"))
    return Measured(trial, correct, attacked, flipped, part.table.group.loc[part.tested].to_numpy())


def distribution(run: Profile) -> pd.DataFrame:
    """The networks of all seeds, a row for each, as `table`: the preprint's text and our training, both networks, with
    other weights on one split and on other splits."""
    parts = [table(measure(run, trials)).assign(varied=varied) for varied in VARIED for recipe in RECIPES
             for trials in other_seeds(run, varied, recipe).values()]
    return pd.concat(parts, ignore_index=True)


def keep(run: Profile, points: pd.DataFrame) -> None:
    """Write a `distribution` to `seeds/distribution.csv`, for the record."""
    _written(run, "distribution", points)


def learned(run: Profile) -> dict[str, dict[int, list[Measured]]]:
    """The networks that learned from some faces only, by network and number of faces: each of the profile's sizes for
    which there are faces, and all faces. Writes `seeds/sizes.csv`."""
    cropped, dataset = faces.read(run), data.read(run)
    [there, *_] = (len(fitting.parts(run, dataset, cropped, trial).learned)
                   for [trial] in main_run(run).values())
    found: dict[str, dict[int, list[Measured]]] = {name: {} for name in networks.NETWORKS}
    for count in (*(size for size in run.sizes if size < there), there):
        for name, trials in fewer_faces(run, count, of=there).items():
            found[name][count] = measure(run, trials)
    _written(run, "sizes", table(measured for sizes in found.values() for several in sizes.values()
                                 for measured in several))
    return found


def table(found: Iterable[Measured]) -> pd.DataFrame:
    """A row for each network: its trial, and its counts with their design effects."""
    rows = []
    for measured in found:
        trial, accuracy, success = measured.trial, measured.accuracy, measured.success
        rows.append({"network": trial.variant.network, "training": trial.variant.recipe, "split": trial.seed,
                     "weights": trial.drawn_by, "faces": trial.faces or "all", "tested": accuracy.n,
                     "correct": accuracy.k, "effect of accuracy": round(accuracy.effect, 4), "attacked": success.n,
                     "flipped": success.k, "effect of success": round(success.effect, 4)})
    return pd.DataFrame(rows)


def _written(run: Profile, name: str, rows: pd.DataFrame) -> None:
    with files.whole(run.folder / "seeds" / f"{name}.csv") as path:
        rows.to_csv(path, index=False)


def places(rows: pd.DataFrame, preprint: Mapping) -> dict:
    """Of the networks of `distribution`, by network, training and what varied: the least, the median and the most of
    both shares, and how many networks have no more than the preprint states. That is a count with an interval where the
    weights vary; the tests of several splits share faces, so that it has none there."""
    found: dict[str, dict] = {}
    for (network, training, varied), part in rows.groupby(["network", "training", "varied"], sort=False):
        shares = {"accuracy": part.correct / part.tested, "success": part.flipped / part.attacked}
        found.setdefault(network, {}).setdefault(training, {})[varied] = {
            quantity: _place(share, stated_share(preprint, quantity), independent=varied == "weights")
            for quantity, share in shares.items()}
    return found


def _place(shares: pd.Series, stated: float, *, independent: bool) -> dict:
    no_more = int((shares <= stated).sum())
    return {"least": f"{100 * shares.min():.1f}", "median": f"{100 * shares.median():.1f}",
            "most": f"{100 * shares.max():.1f}", "networks": len(shares),
            "no_more": Count(no_more, len(shares)) if independent else no_more}


def places_table(found: Mapping) -> pd.DataFrame:
    """`places`, a row for each quantity and network, and each training and what varied."""
    rows = {}
    for quantity, (network, by_training) in itertools.product(("accuracy", "success"), found.items()):
        for training, by_varied in by_training.items():
            for varied, quantities in by_varied.items():
                place = quantities[quantity]
                rows[f"{quantity} of {network}", f"{TRAININGS[training]}, other {WORDS[varied]}"] = {
                    "least to most": f"{place['least']} to {place['most']} %", "median": f"{place['median']} %",
                    "not above the preprint's": _told(place)}
    return pd.DataFrame(rows).T


def _told(place: Mapping) -> str:
    no_more = place["no_more"]
    return str(no_more) if isinstance(no_more, Count) else f"{no_more} of {place['networks']}"


def plane(rows: pd.DataFrame) -> dict[str, dict[str, np.ndarray]]:
    """As `figures.seeds` draws them: by network, then by training and what varied, the accuracy and the success (N, 2)
    of each, 0 to 1."""
    found: dict[str, dict] = {}
    for (network, training, varied), part in rows.groupby(["network", "training", "varied"], sort=False):
        found.setdefault(network, {})[f"{TRAININGS[training]}, other {WORDS[varied]}"] = np.column_stack(
            [part.correct / part.tested, part.flipped / part.attacked])
    return found
