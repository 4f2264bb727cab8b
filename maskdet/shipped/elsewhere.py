"""The shipped networks on photographs from elsewhere, from which nothing was learned."""

import contextlib
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image
from tqdm import tqdm

from maskdet import config, data, faces, files, networks
from maskdet.config import CLASSES
from maskdet.networks.evaluation import Evaluation
from maskdet.record import results
from maskdet.shipped.recipe import SOURCES

DETECTORS = ("mtcnn", "yunet")  # names of `faces.detector`, whose boxes are tried
PORTRAITS = {"with_mask": "masked", "without_mask": "bare"}  # folders of the test set, and their classes
LIKE = 0.9  # faces that look more alike than this are of one photograph


def portraits(folder: Path) -> pd.DataFrame:
    """Path and label of each image of a folder with one folder a class. Raises FileNotFoundError without a class."""
    rows = [(path, label) for name, label in PORTRAITS.items()
            for path in sorted((folder / name).glob("*")) if path.suffix.lower() in (".jpg", ".jpeg", ".png")]
    table = pd.DataFrame(rows, columns=["path", "label"])
    if set(table.label) != set(CLASSES):
        raise FileNotFoundError(f"expected images in {folder}/with_mask and {folder}/without_mask, got {len(table)}: "
                                "set MASKDET_DATA to the folder that holds portraits/, such as the image folders of "
                                "github.com/chandrikadeb7/Face-Mask-Detection")
    return table


@dataclass(frozen=True)
class Learned:
    """How the photographs look that were learned from: their difference hashes (N, 4), and the `appearance` (M, D) of
    the faces in them."""

    hashes: np.ndarray
    faces: np.ndarray

    def shows(self, image: np.ndarray, crops: Sequence[np.ndarray]) -> bool:
        """Whether an image, or a face in it, is one of theirs. The hash finds a whole photograph again; cut out of one,
        a face is found by its own looks, also mirrored."""
        own = [appearance(side) for crop in crops for side in (crop, crop[:, ::-1])]
        alike = (self.faces @ np.array(own).T).max(initial=0)
        return bool(alike > LIKE) or data.near_any(data.difference_hash(image), self.hashes)


def appearance(crop: np.ndarray) -> np.ndarray:
    """A crop (H, W, 3) uint8 as a vector of length one, (D,): the product of two says how alike they look."""
    grey = np.asarray(Image.fromarray(crop).convert("L").resize((24, 24), Image.Resampling.LANCZOS), np.float32)
    offset = (grey - grey.mean()).ravel()
    return offset / max(float(np.linalg.norm(offset)), 1e-6)


def photographs() -> Learned:
    """The photographs that were learned from. Raises as `data.photographs_folder`."""
    hashes, found, detect = [], [], faces.detector("yunet")
    for profile in (config.profile(name) for name in SOURCES):
        if not profile.drawn:
            records = data.READERS[profile.layout].read(data.photographs_folder(profile))
            for name in records.photographs:
                with contextlib.suppress(data.PhotographError):  # from which nothing can have been learned
                    image = data.read_image(records.folder / name)
                    hashes.append(data.difference_hash(image))
                    found += [appearance(faces.crop(image, box)) for box in detect(image)[0]]
    return Learned(np.array(hashes), np.array(found))


def faced(image: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """The crop of the largest of `boxes` (M, 4), or of the whole image where there is none."""
    if not len(boxes):
        return faces.crop(image, (0, 0, *image.shape[1::-1]))
    return faces.crop(image, boxes[np.prod(boxes[:, 2:] - boxes[:, :2], axis=1).argmax()])


def test(folder: Path, *, seed: int) -> dict:
    """The shipped networks on one face of each image of `folder`: counts by class, with and without a detected box, for
    each of `DETECTORS`. Left out, and counted, are files that cannot be read and what `photographs` already show.
    Raises FileNotFoundError as `portraits` and without those photographs, ValueError where a class has none left."""
    table, known = portraits(folder), photographs()
    digests = {f"{path.parent.name}/{path.name}": hashlib.sha256(path.read_bytes()).hexdigest() for path in table.path}
    detectors = [faces.detector(name) for name in DETECTORS]
    used, hashes, crops, found, left_out = [], [], [], [], {"unreadable": 0, "near": 0}
    for number, path in enumerate(tqdm(table.path, desc="portraits", unit="image", disable=None)):
        try:
            image = data.read_image(path)
        except data.PhotographError:
            left_out["unreadable"] += 1
            continue
        boxes = [detect(image)[0] for detect in detectors]
        cropped = [faced(image, detected) for detected in boxes]
        if known.shows(image, cropped):
            left_out["near"] += 1
            continue
        used.append(number)
        hashes.append(data.difference_hash(image))
        crops.append(cropped)
        found.append([len(detected) > 0 for detected in boxes])
    if len(set(table.label.iloc[used])) < len(CLASSES):
        raise ValueError(f"expected images of both classes in {folder} that can be tested, got {len(used)}: {left_out}")
    labels, clusters = faces.labels(table.iloc[used]), data.groups(np.array(hashes))
    by_detector = zip(DETECTORS, np.array(crops).swapaxes(0, 1), np.array(found).T)
    return {"images": len(used), **left_out, "checksum": files.checksum(digests),
            "classes": {label: int((labels == own).sum()) for own, label in enumerate(CLASSES)},
            "detectors": {name: _evaluated(images, hits, labels, clusters, seed=seed)
                          for name, images, hits in by_detector},
            "weights": {name: networks.card()["networks"][name]["sha256"] for name in networks.NETWORKS}}


def _evaluated(images: np.ndarray, found: np.ndarray, labels: np.ndarray, clusters: np.ndarray, *, seed: int) -> dict:
    """How many of each class were `found`, (N,) bool, and what each network says of them."""
    tests = {name: Evaluation(images, labels, networks.load(name)(images), clusters) for name in networks.NETWORKS}
    sides = {side: rows for side, rows in (("found", found), ("whole_image", ~found)) if rows.any()}
    return {"found": {label: int(found[labels == own].sum()) for own, label in enumerate(CLASSES)},
            "networks": {name: {"accuracy": test.accuracy, "by_class": test.by_class,
                                "balanced": test.balanced(seed=seed), "area": test.area(seed=seed),
                                **{side: test.part(rows).by_class for side, rows in sides.items()}}
                         for name, test in tests.items()}}


def elsewhere_table(record: Mapping) -> pd.DataFrame:
    """What `test` recorded, a column a network and a detector."""
    columns = {f"{name}, {detector}": found["networks"][name]
               for name in networks.NETWORKS for detector, found in record["detectors"].items()}
    sides = {"by_class": "all", "found": "found", "whole_image": "whole image"}
    return pd.DataFrame({title: {
        "accuracy": str(results.typed(column["accuracy"])), "balanced accuracy": str(results.typed(column["balanced"])),
        **{f"{label}, {words}": str(results.typed(count)) for side, words in sides.items()
           for label, count in column.get(side, {}).items()}}
        for title, column in columns.items()}).fillna("none")
