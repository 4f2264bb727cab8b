"""A stage of the experiment: fit a network to the training crops, measure it on the test crops."""

import json
import time
from dataclasses import dataclass

import numpy as np
import pandas as pd

from maskdet import faces, files, models
from maskdet.backend import keras, tf
from maskdet.config import CLASSES, Profile
from maskdet.counts import Count

layers = keras.layers


@dataclass(frozen=True)
class Fit:
    """A trained network: `model`, its `history` (an epoch a row: loss and accuracy on the training
    and the validation part) and the `seconds` that training took."""

    name: str
    model: keras.Model
    history: pd.DataFrame
    seconds: float


def augmentation(*, seed: int) -> keras.Sequential:
    """Random flips, shifts and light, for training only: (N, 50, 50, 3) to the same."""
    return keras.Sequential([
        layers.RandomFlip("horizontal", seed=seed),
        layers.RandomTranslation(0.04, 0.04, fill_mode="nearest", seed=seed + 1),
        layers.RandomBrightness(0.1, value_range=(0, 255), seed=seed + 2),
    ])


def fit(name: str, images: np.ndarray, labels: np.ndarray, *, validation: tuple, epochs: int,
        batch: int, learning_rate: float, seed: int) -> Fit:
    """Train network `name` on `images` (N, 50, 50, 3) uint8 and `labels` (N,), 0 bare, 1 masked.

    Adam (Kingma & Ba 2015) on the cross-entropy, its rate falling to zero along a cosine. Nothing
    is chosen on `validation` (images, labels): it is measured after each epoch. The same seed gives
    the same weights on one machine. Raises ValueError where one class is missing.
    """
    if len(np.unique(labels)) < 2:
        raise ValueError(f"expected both classes among {len(labels)} training crops, got one")
    core = models.build(name, seed=seed)
    inputs = keras.Input(core.input_shape[1:])
    learner = keras.Model(inputs, core(augmentation(seed=seed)(inputs)))
    steps = epochs * -(-len(images) // batch)
    rate = keras.optimizers.schedules.CosineDecay(learning_rate, steps)
    learner.compile(keras.optimizers.Adam(rate), loss="sparse_categorical_crossentropy",
                    metrics=["accuracy"])
    start = time.perf_counter()
    history = learner.fit(images.astype(np.float32), labels, batch_size=batch, epochs=epochs, verbose=0,
                          validation_data=(validation[0].astype(np.float32), validation[1])).history
    return Fit(name, core, pd.DataFrame(history), time.perf_counter() - start)


def prepare(profile: Profile, name: str) -> Fit:
    """Train network `name` on the profile's crops, or read it back if this very fit was done.

    Writes `<name>.keras` and, last, `<name>.json` (history, seconds, and a key of all that it
    depends on), so that an interrupted fit is done again and a finished one is not.
    """
    found = faces.load(profile)
    (images, labels, _), (held, truth, _) = found.part("train"), found.part("validation")
    settings = dict(epochs=profile.epochs, batch=profile.batch, learning_rate=profile.learning_rate,
                    seed=profile.seed)
    key = _key(profile, name, found)
    weights, report = profile.folder / f"{name}.keras", profile.folder / f"{name}.json"
    if report.exists() and (kept := json.loads(report.read_text())).get("key") == key:
        return Fit(name, models.load(weights), pd.DataFrame(kept["history"]), kept["seconds"])
    report.unlink(missing_ok=True)
    done = fit(name, images, labels, validation=(held, truth), **settings)
    models.save(done.model, weights)
    files.write_json(report, {"key": key, "seconds": done.seconds,
                              "history": done.history.to_dict(orient="list")})
    return done


def _key(profile: Profile, name: str, found: faces.Faces) -> str:
    """Names all that a fit depends on: crops, labels, settings, layers, the code and its versions."""
    parts = [array.tobytes() for split in ("train", "validation") for array in found.part(split)[:2]]
    settings = (profile.epochs, profile.batch, profile.learning_rate, profile.seed)
    return files.digest(*parts, settings, models.build(name, seed=0).to_json(),
                        files.source(augmentation, fit), keras.__version__, tf.__version__)


def load(profile: Profile, name: str) -> keras.Model:
    """The network that `prepare` wrote. Raises FileNotFoundError, naming the command, without it, and
    ValueError where it was trained on other crops or in another way than the profile's now."""
    report = profile.folder / f"{name}.json"
    if not report.exists():
        raise FileNotFoundError(f"expected network {name} of profile {profile.name}, got none: "
                                f"run `{profile.command}`")
    if json.loads(report.read_text())["key"] != _key(profile, name, faces.load(profile)):
        raise ValueError(f"expected network {name} trained on the crops as they are now, got an older "
                         f"one in {profile.folder}: run `{profile.command}`")
    return models.load(profile.folder / f"{name}.keras")


@dataclass(frozen=True)
class Test:
    """A network on the test part: `images` (N, 50, 50, 3), true `labels` (N,), and the
    `probabilities` (N, 2) that it gives."""

    images: np.ndarray
    labels: np.ndarray
    probabilities: np.ndarray

    @property
    def right(self) -> np.ndarray:
        """Which faces are decided rightly, (N,) bool."""
        return self.probabilities.argmax(axis=1) == self.labels

    @property
    def accuracy(self) -> Count:
        """Faces decided rightly, of all."""
        return Count(int(self.right.sum()), len(self.labels))

    @property
    def confusion(self) -> np.ndarray:
        """Counts (2, 2) of true class (rows) by decision (columns)."""
        table = np.zeros((len(CLASSES),) * 2, int)
        np.add.at(table, (self.labels, self.probabilities.argmax(axis=1)), 1)
        return table

    def mistakes(self, n: int) -> tuple[np.ndarray, list[str]]:
        """At most `n` wrong faces, the most confident mistakes first, and their titles."""
        confidence = self.probabilities[np.arange(len(self.labels)), self.labels]
        worst = [face for face in np.argsort(confidence, kind="stable") if not self.right[face]][:n]
        return self.images[worst], [f"{CLASSES[self.labels[face]]} {confidence[face]:.0%}" for face in worst]


def test(found: faces.Faces, done: Fit) -> Test:
    """Ask a trained network about the test part of the found faces."""
    images, labels, _ = found.part("test")
    return Test(images, labels, models.predictor(done.model)(images))


def numbers(run: Profile, fits: dict[str, Fit], tests: dict[str, Test]) -> tuple[dict, dict]:
    """What this stage records: accuracy, size and cost of each network; and its seconds."""
    counts = np.bincount(next(iter(tests.values())).labels, minlength=len(CLASSES))
    by_class = {name: {label: Count(int(row[own]), int(row.sum()))
                       for own, (label, row) in enumerate(zip(CLASSES, test.confusion)) if row.any()}
                for name, test in tests.items()}
    return ({"training": {"epochs": run.epochs, "batch": run.batch, "learning_rate": str(run.learning_rate)},
             "accuracy": {name: test.accuracy for name, test in tests.items()},
             "accuracy_by_class": by_class,
             "majority": {"class": CLASSES[counts.argmax()], "count": Count(int(counts.max()), int(counts.sum()))},
             "confusion": {name: test.confusion.tolist() for name, test in tests.items()},
             "networks": {name: {"parameters": fit.model.count_params(),
                                 "multiplications": round(models.multiplications(fit.model) / 1e6, 1)}
                          for name, fit in fits.items()}},
            {name: fit.seconds for name, fit in fits.items()})
