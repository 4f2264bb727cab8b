"""The recipe of the shipped weights: what they learn from, and how."""

import dataclasses
import functools
import json
from typing import Any

import numpy as np
from tqdm import tqdm

from maskdet import config, data, faces, files, keys, networks
from maskdet.config import CLASSES, Profile, Recipe
from maskdet.networks import training
from maskdet.networks.augmentation import Augmentation
from maskdet.record import provenance
from maskdet.workers import each

SOURCES = ("larxel", "wobot", "drawings")  # profiles
RECIPE = Recipe(epochs=100, batch=64, learning_rate=3e-3, weight_decay=0.05, balanced=True)
# Grey tells less, and the preprint's network learns slowly.
RECIPES = {"resnet": RECIPE, "figure2": dataclasses.replace(RECIPE, epochs=300, batch_normalised=True)}
# Far wider than for the experiment: other cameras, other masks, tight and loose boxes. Colours that change places
# earned nothing on faces held out of larxel, nor on bearded ones from elsewhere, and are left as they are.
WIDE = Augmentation(zoom=(0.75, 2.0), shift=0.15, shape=0.2, light=0.2, grey=0.15, hidden=0.25)
SMALLEST = 10  # pixels; labelled faces less wide show nothing


def learned(run: Profile) -> tuple[np.ndarray, np.ndarray]:
    """Patches (N, 100, 100, 3) of all faces of a profile's two classes, from both kinds of box, and labels (N,)."""
    found, patches, labels = faces.read(run), [], []
    for boxes in faces.SOURCES:
        table = found.rows(boxes)
        used = table.label.isin(CLASSES) & (table.right - table.left >= SMALLEST)
        patches.append(found.patches[boxes][used])
        labels.append(faces.labels(table[used]))
    return np.concatenate(patches), np.concatenate(labels)


def train() -> None:
    """Fit every network to the faces of `SOURCES`, each in a process of its own, and write them where `networks.load`
    reads them. A finished fit is kept in `_build/weights` until what it depends on has changed."""
    drawings = config.profile("drawings")
    data.prepare(drawings)
    faces.crop_faces(drawings)
    parts = {name: learned(config.profile(name)) for name in SOURCES}
    patches, labels = (np.concatenate(side) for side in zip(*parts.values()))
    calls = {name: functools.partial(_fitted, name, patches, labels, seed=drawings.seed) for name in networks.NETWORKS}
    fits = dict(tqdm(each(calls), total=len(calls), desc="fit", unit="network", disable=None))
    sets = {name: {"checksum": data.read(config.profile(name)).checksum,
                   "faces": {label: int((side == own).sum()) for own, label in enumerate(CLASSES)}}
            for name, (_, side) in parts.items()}
    networks.ship({name: fits[name][0] for name in networks.NETWORKS},
                  {"data": sets, "recipes": {name: dataclasses.asdict(recipe) for name, recipe in RECIPES.items()},
                   "augmentation": dataclasses.asdict(WIDE), "smallest": SMALLEST, "seed": drawings.seed,
                   "seconds": {name: round(fits[name][1]["seconds"]) for name in networks.NETWORKS},
                   "provenance": {name: fits[name][1]["provenance"] for name in networks.NETWORKS}})


def _fitted(name: str, patches: np.ndarray, labels: np.ndarray, *, seed: int) -> tuple[list[np.ndarray], dict]:
    """The weights of a network, fitted now or read back from the same fit of before, and the report of the fit: the
    `seconds` that it took and its `provenance`."""
    options: dict[str, Any] = {"recipe": RECIPES[name], "augmentation": WIDE, "seed": seed}
    make = networks.MADE.get(name)
    key = files.digest(patches, labels, options, keys.code(training.fit, *[make] * bool(make)))
    path = config.build_folder() / "weights" / f"{name}.json"
    report = json.loads(path.read_text()) if path.exists() else {}
    if report.get("key") == key:
        return networks.read_model(path.with_suffix(".keras")).get_weights(), report
    nothing = np.empty((0, config.SIZE, config.SIZE, 3), np.uint8), np.empty(0, int)
    fit = training.fit(name, patches, labels, held_out=nothing, make=make, **options)
    report = {"key": key, "seconds": fit.seconds, "provenance": provenance.environment()}
    path.unlink(missing_ok=True)
    networks.save_model(networks.restore(name, fit.weights, make=make), path.with_suffix(".keras"))
    files.write_json(path, report)
    return fit.weights, report
