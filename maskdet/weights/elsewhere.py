"""The shipped networks on photographs from elsewhere, of which nothing was learned from."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm import tqdm

from maskdet import config, data, faces, models, results
from maskdet.config import CLASSES
from maskdet.evaluation import Evaluation

PORTRAITS = {"with_mask": "masked", "without_mask": "bare"}  # folders of the test set, and their classes


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


def elsewhere_table(record: Mapping) -> pd.DataFrame:
    """What `test` recorded, a column a network."""
    def words(value: Mapping) -> str:
        return str(results.measure(value))

    return pd.DataFrame({name: {
        "accuracy": words(one["accuracy"]), "balanced accuracy": words(one["balanced"]),
        **{f"{label}, all": words(count) for label, count in one["by_class"].items()},
        **{f"{label}, {side.replace('_', ' ')}": words(count) for side in ("found", "whole_image")
           for label, count in one.get(side, {}).items()}} for name, one in record["networks"].items()})
