"""The recipe of the shipped weights, and their test on faces from elsewhere.

`python -m maskdet.weights train` fits both networks to the faces of larxel and of drawn scenes, in the boxes
that were found and in those that are labelled; `python -m maskdet.weights test` asks them about
`$MASKDET_DATA/portraits`.
"""

import dataclasses
import os
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm import tqdm

from maskdet import attack, config, data, drawing, faces, models, results, training
from maskdet.augmentation import Augmentation
from maskdet.config import CLASSES, Profile, Recipe
from maskdet.counts import Count, clustered
from maskdet.evaluation import Evaluation
from maskdet.incremental import Incremental
from maskdet.workers import local

SOURCES = ("larxel", "drawings")  # profiles
RECIPE = Recipe(epochs=40, batch=64, learning_rate=3e-3, shrink=0.05, balanced=True)
# Far wider than for the experiment: other cameras, other masks, tight and loose boxes. Colours that change places
# earned nothing on faces held out of larxel, nor on bearded ones from elsewhere, and are left as they are.
WIDE = Augmentation(zoom=(0.75, 2.0), shift=0.15, shape=0.2, light=0.2, grey=0.15, hidden=0.25)
SMALLEST = 10  # pixels; labelled faces less wide show nothing
PEOPLE = 60  # drawn anew, to be seen with something before their mouths
PORTRAITS = {"with_mask": "masked", "without_mask": "bare"}  # folders of the test set, and their classes


def learned(run: Profile) -> tuple[np.ndarray, np.ndarray]:
    """Patches (N, 100, 100, 3) of all faces of a profile's two classes, from both kinds of box, and labels (N,)."""
    found, patches, labels = faces.load(run), [], []
    for boxes in faces.BOXES:
        table = found.rows(boxes=boxes)
        used = table.label.isin(CLASSES) & (table.right - table.left >= SMALLEST)
        patches.append(found.patches[boxes][used])
        labels.append(faces.labels(table[used]))
    return np.concatenate(patches), np.concatenate(labels)


def train() -> None:
    """Fit both networks, each in a process of its own, and write them where `models.load` reads them."""
    drawings = config.profile("drawings")
    data.prepare(drawings)
    faces.prepare(drawings)
    parts = {name: learned(config.profile(name)) for name in SOURCES}
    patches, labels = (np.concatenate(side) for side in zip(*parts.values()))
    nothing = np.empty((0, config.SIZE, config.SIZE, 3), np.uint8), np.empty(0, int)
    futures = {name: local().submit(training.fit, name, patches, labels, held_out=nothing, recipe=RECIPE,
                                    seed=drawings.seed, augmentation=WIDE) for name in models.NETWORKS}
    fits = {name: futures[name].result() for name in tqdm(futures, desc="fit", unit="network", disable=None)}
    sets = {name: {"checksum": data.load(config.profile(name)).checksum,
                   "faces": {label: int((side == own).sum()) for own, label in enumerate(CLASSES)}}
            for name, (_, side) in parts.items()}
    models.ship({name: fit.weights for name, fit in fits.items()},
                {"data": sets, "recipe": dataclasses.asdict(RECIPE), "augmentation": dataclasses.asdict(WIDE),
                 "smallest": SMALLEST,
                 "seed": drawings.seed, "seconds": {name: round(fit.seconds) for name, fit in fits.items()},
                 "provenance": results.environment()})


def portraits(folder: Path) -> pd.DataFrame:
    """The images of a folder that holds one folder a class: path and label.

    Raises FileNotFoundError, saying what is expected, where there is none of one class.
    """
    rows = [(path, label) for name, label in PORTRAITS.items()
            for path in sorted((folder / name).glob("*")) if path.suffix.lower() in (".jpg", ".jpeg", ".png")]
    table = pd.DataFrame(rows, columns=["path", "label"])
    if set(table.label) != set(CLASSES):
        raise FileNotFoundError(f"expected images in {folder}/with_mask and {folder}/without_mask, got {len(table)}: "
                                "set MASKDET_DATA to the folder that holds portraits/, such as the image folders of "
                                "github.com/chandrikadeb7/Face-Mask-Detection")
    return table


def photographs() -> np.ndarray:
    """The difference hashes (N, 4) of the photographs that were learned from."""
    paths = sorted((data.folder(config.profile("larxel")) / "images").iterdir())
    return np.array([data.difference_hash(data.read_image(path)) for path in paths])


def faced(image: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """The crop of the largest of `boxes` (M, 4), or of the whole image where there is none."""
    if not len(boxes):
        return faces.crop(image, (0, 0, *image.shape[1::-1]))
    return faces.crop(image, boxes[np.prod(boxes[:, 2:] - boxes[:, :2], axis=1).argmax()])


def test(folder: Path, *, detector: str = "mtcnn", seed: int) -> dict:
    """The shipped networks on one face of each image of `folder`: counts by class, with and without a detected box.

    Left out, and counted, are files that cannot be read and near-duplicates of `photographs`. Raises
    FileNotFoundError as `portraits` and where those are not there, ValueError where nothing of a class is left.
    """
    table, known, detect = portraits(folder), photographs(), faces.detector(detector)
    used, crops, found, hashes, left_out = [], [], [], [], {"unreadable": 0, "near": 0}
    for number, path in enumerate(tqdm(table.path, desc="portraits", unit="image", disable=None)):
        try:
            image = data.read_image(path)
        except data.PhotographError:
            left_out["unreadable"] += 1
            continue
        own = data.difference_hash(image)
        if data.near(own, known):
            left_out["near"] += 1
            continue
        boxes, _ = detect(image)
        used.append(number)
        crops.append(faced(image, boxes))
        found.append(len(boxes) > 0)
        hashes.append(own)
    if len(set(table.label.iloc[used])) < len(CLASSES):
        raise ValueError(f"expected images of both classes in {folder} that can be tested, got {len(used)}: {left_out}")
    images, boxed, labels = np.array(crops), np.array(found), faces.labels(table.iloc[used])
    clusters = data.groups(np.array(hashes))
    asked = {name: Evaluation(images, labels, models.load(name)(images), clusters) for name in models.NETWORKS}
    return {"images": len(images), **left_out, "detector": detector,
            "classes": {name: int((labels == own).sum()) for own, name in enumerate(CLASSES)},
            "found": {name: int(boxed[labels == own].sum()) for own, name in enumerate(CLASSES)},
            "networks": {name: _measured(one, boxed, seed=seed) for name, one in asked.items()},
            "weights": {name: models.card()["networks"][name]["sha256"] for name in models.NETWORKS}}


def _measured(asked: Evaluation, found: np.ndarray, *, seed: int) -> dict:
    sides = {"found": found, "whole_image": ~found}
    return {"accuracy": asked.accuracy, "by_class": asked.by_class, "balanced": asked.balanced(seed=seed),
            "area": asked.area(seed=seed),
            **{name: asked.part(side).by_class for name, side in sides.items() if side.any()}}


def card_table(card: Mapping) -> pd.DataFrame:
    """A row a shipped network: its parameters, the size of its file, and the start of its checksum."""
    return pd.DataFrame({name: {"parameters": f"{one['parameters']:,}", "kB": f"{one['bytes'] / 1000:.0f}",
                                "SHA-256 begins": one["sha256"][:16]} for name, one in card["networks"].items()}).T


def elsewhere_table(record: Mapping) -> pd.DataFrame:
    """What `test` recorded, a column a network."""
    def words(value: Mapping) -> str:
        return str(results.measure(value))

    return pd.DataFrame({name: {
        "accuracy": words(one["accuracy"]), "balanced accuracy": words(one["balanced"]),
        **{f"{label}, all": words(count) for label, count in one["by_class"].items()},
        **{f"{label}, {side.replace('_', ' ')}": words(count) for side in ("found", "whole_image")
           for label, count in one.get(side, {}).items()}} for name, one in record["networks"].items()})


def here_table(here: Mapping) -> pd.DataFrame:
    """The shipped networks on the test faces of a run: accuracy of each class, and success of one pixel."""
    return pd.DataFrame({name: {"accuracy": str(one.accuracy),
                                **{label: str(count) for label, count in one.by_class.items()},
                                "success of one pixel": str(flips)} for name, (one, flips) in here.items()})


def here(run: Profile) -> dict[str, tuple[Evaluation, Count]]:
    """The shipped networks on a run's test faces, and how many that each has right the guided search flips."""
    images, labels, table = faces.load(run).part("test")
    found = {}
    with attack.workers() as crew:
        for name in models.NETWORKS:
            asked = Evaluation(images, labels, models.load(name)(images), table.group.to_numpy())
            right = np.random.default_rng(run.seed).permutation(np.flatnonzero(asked.right))[:run.attacked]
            verdicts = dict(attack.attack(Incremental.of(models.shipped(name)), images[right], labels[right],
                                          search=attack.Guided(), seed=run.seed, by=crew))
            flipped = np.array([verdicts[number].flipped for number in range(len(right))])
            found[name] = asked, clustered(flipped, asked.clusters[right])
    return found


def covered(*, seed: int) -> dict[str, dict[str, Count]]:
    """The same drawn faces, one a scene, with each of `drawing.BEFORE` before their mouths (glasses may differ): of
    how many each shipped network says that they wear a mask, by network, then by thing."""
    networks = {name: models.load(name) for name in models.NETWORKS}
    found: dict[str, dict[str, Count]] = {name: {} for name in networks}
    for before in drawing.BEFORE:
        crops = []
        for number in range(PEOPLE):
            scene = drawing.scene(rng=np.random.default_rng([seed, number]), people=1, before=before)
            box = next(box for box in scene.boxes if box.name.startswith("face_"))
            crops.append(faces.crop(scene.photograph, (box.left, box.top, box.right, box.bottom)))
        for name, said in found.items():
            masked = networks[name](np.array(crops)).argmax(axis=1) == CLASSES.index("masked")
            said[before] = Count(int(masked.sum()), PEOPLE)
    return found


def covered_table(found: Mapping) -> pd.DataFrame:
    """What `covered` found, a row for each thing before the mouth."""
    return pd.DataFrame({f"{name} says masked": {before: str(count) for before, count in said.items()}
                         for name, said in found.items()}).rename_axis("before the mouth")


def numbers(here: Mapping, covered: Mapping, card: Mapping, record: Mapping) -> dict:
    """What the prose quotes: of this build, of the card and of the test on faces from elsewhere."""
    tightest, loosest = card["augmentation"]["zoom"]
    return {"card": {name: dict(one["faces"]) for name, one in card["data"].items()}
            | {"recipe": card["recipe"], "tightest": str(tightest), "loosest": str(loosest),
               "smallest": card["smallest"],
               "kilobytes": f"{sum(one['bytes'] for one in card['networks'].values()) / 1000:.0f}"},
            "people": PEOPLE, "covered": covered,
            "flips": {name: flips for name, (_, flips) in here.items()},
            "elsewhere": {name: part for name, part in record.items() if name != "provenance"}}


def main(arguments: list[str]) -> int:
    """`train` or `test`."""
    try:
        if arguments == ["train"]:
            train()
        elif arguments == ["test"]:
            folder = Path(os.environ.get("MASKDET_DATA") or config.ROOT / "data") / "portraits"
            found: Mapping = test(folder, seed=config.profile("larxel").seed)
            results.write("portraits", found)
        else:
            raise ValueError(f"expected train or test, got {' '.join(arguments) or 'nothing'}")
    except (FileNotFoundError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
