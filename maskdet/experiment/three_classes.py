"""Three classes instead of two: the faces whose mask is worn wrongly, which the preprint leaves out, are learned and
tested as a class of their own."""

import dataclasses
import itertools
import json
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from tqdm import trange

from maskdet import attack, data, faces, files, keys, networks
from maskdet.config import Profile
from maskdet.counts import Count, clustered
from maskdet.incremental import Incremental
from maskdet.networks import architectures, training
from maskdet.networks.backend import keras

WRONGLY = "worn wrongly"
CLASSES = ("bare", WRONGLY, "masked")


@dataclass(frozen=True)
class Tested:
    """A fold's test faces: true `labels` (N,), the network's `decisions` (N,), the `clusters` (N,) of faces of like
    photographs; and by class to reach, which faces were `attacked`, of those that the network classifies correctly, and
    which of these `flipped`, as rows. `seconds` that the training took."""

    labels: np.ndarray
    decisions: np.ndarray
    clusters: np.ndarray
    attacked: Mapping[int, np.ndarray]
    flipped: Mapping[int, np.ndarray]
    seconds: float


def three_classes(run: Profile) -> list[Tested]:
    """The residual network with three classes, fitted as in the main run on each of the profile's folds, and each of
    its test faces attacked twice, to reach one and the other of the classes that it is not of. Fits and attacks are
    kept: an interrupted call goes on where it stopped."""
    cropped, photographs = faces.read(run), data.read(run).photographs
    photographs = photographs[photographs.annotated]
    table = cropped.rows()
    names = {name: fold.label for name, fold in data.FOLDING.items()} | dict.fromkeys(data.WORN_WRONGLY, WRONGLY)
    labels = table.original.map(names).map(dict(zip(CLASSES, itertools.count()))).fillna(-1).to_numpy(int)
    folds = dict(zip(photographs.photograph, data.folds(photographs.group.to_numpy(), run.folds, seed=run.seed)))
    fold, images, found = table.photograph.map(folds).to_numpy(), cropped.crops["detected"], []
    for number in trange(run.folds, desc="three classes", unit="fold", disable=None):
        learned, tested = ((labels >= 0) & (fold != number), (labels >= 0) & (fold == number))
        model, seconds = _fitted(run, number, (images[learned], labels[learned]), (images[tested], labels[tested]))
        found.append(_attacked(run, number, model, images[tested], labels[tested], table.group.to_numpy()[tested],
                               seconds))
    return found


def _resnet(scaling: str) -> keras.Model:
    """The residual network with three classes."""
    two = architectures.resnet(scaling)
    return architectures.classifier(two.input, two.get_layer("logits").input, name="resnet", classes=len(CLASSES))


def _fitted(run: Profile, number: int, learned: tuple, tested: tuple) -> tuple[keras.Model, float]:
    """The network of a fold, fitted or read back, and the seconds that its training took."""
    path, seed = run.folder / "three_classes" / f"fold{number}.json", 1000 * run.seed + number
    key = files.digest(*learned, *tested, run.text, seed, keys.code(training.fit, _resnet))
    kept = json.loads(path.read_text()) if path.exists() and path.with_suffix(".keras").exists() else {}
    if kept.get("key") != key:
        path.unlink(missing_ok=True)
        crops, labels = learned
        fit = training.fit("resnet", crops[:0], labels, held_out=tested, recipe=run.text, seed=seed, crops=crops,
                           make=_resnet)
        networks.save_model(networks.restore("resnet", fit.weights, make=_resnet), path.with_suffix(".keras"))
        kept = {"key": key, "seconds": fit.seconds}
        files.write_json(path, kept)
    return networks.read_model(path.with_suffix(".keras")), kept["seconds"]


def _attacked(run: Profile, number: int, model, images: np.ndarray, labels: np.ndarray, clusters: np.ndarray,
              seconds: float) -> Tested:
    predict, network = networks.predictor(model), Incremental.of(model)
    decisions = predict(images).argmax(axis=1)
    # In a folder of its own: what lies in the run's is recorded with it.
    apart = dataclasses.replace(run, name=f"{run.name}/three_classes")
    attacked, flipped = {}, {}
    for target in range(len(CLASSES)):
        attacked[target] = flipped[target] = np.array([], int)
        if ((decisions == labels) & (labels != target)).any():
            sweep = attack.sweep(predict, network, images, labels, name=f"three classes, to {CLASSES[target]}",
                                 stem=f"fold{number}-to{target}", search=attack.Guided(), profile=apart, target=target,
                                 of=files.digest(*model.get_weights()))
            attacked[target], flipped[target] = sweep.faces, sweep.faces[sweep.flipped]
    return Tested(labels, decisions, clusters, attacked, flipped, seconds)


def to_record(found: list[Tested]) -> tuple[dict, dict]:
    """What the stage of the three classes records: counts by class, and by pair of classes the success of one pixel.
    A class or a pair without a face is left out."""
    labels, decisions, clusters = (np.concatenate([getattr(part, name) for part in found])
                                   for name in ("labels", "decisions", "clusters"))
    starts = np.cumsum([0, *(len(part.labels) for part in found)])
    attacked, flipped = ({target: np.concatenate([start + getattr(part, name)[target]
                                                  for start, part in zip(starts, found)])
                          for target in range(len(CLASSES))} for name in ("attacked", "flipped"))
    correct, by_class, pairs = decisions == labels, dict[str, Count](), dict[str, dict[str, Count]]()
    for label, name in enumerate(CLASSES):
        if (of := labels == label).any():
            by_class[name] = clustered(correct[of], clusters[of])
        for target, other in enumerate(CLASSES):
            rows = attacked[target][labels[attacked[target]] == label]
            if len(rows):
                pairs.setdefault(name, {})[other] = clustered(np.isin(rows, flipped[target]), clusters[rows])
    confusion = np.bincount(len(CLASSES) * labels + decisions, minlength=len(CLASSES)**2)
    return {"three_classes": {"accuracy": clustered(correct, clusters), "accuracy_by_class": by_class,
                              "success": pairs, "confusion": confusion.reshape(len(CLASSES), -1).tolist()}}, {
        "training": sum(part.seconds for part in found)}


def table(recorded: Mapping) -> pd.DataFrame:
    """A row for each class of what the stage recorded: its accuracy, and the success of one pixel by class to reach."""
    rows = {}
    for name, accuracy in recorded["accuracy_by_class"].items():
        success = recorded["success"].get(name, {})
        rows[name] = {"accuracy": str(Count(**accuracy))} | {
            f"flipped to {other}": str(Count(**success[other])) if other in success else "–" for other in CLASSES}
    return pd.DataFrame(rows).T
