"""A stage of the experiment: detect, match and crop the faces of a run's photographs."""

import importlib.metadata
import time
from dataclasses import dataclass

import numpy as np
import pandas as pd
from tqdm import tqdm

from maskdet import data, files
from maskdet.config import CLASSES, SIZE, Profile
from maskdet.faces.detectors import DETECTORS, detector
from maskdet.faces.matching import crop, match

BOX = ["left", "top", "right", "bottom"]


@dataclass(frozen=True)
class Faces:
    """What the detector found in the annotated photographs of a run.

    `faces`: every labelled face: photograph, box, original, label, split, found, iou, score,
    crop (row of `crops`, -1 where it was missed).
    `detections`: every detected box: photograph, box, score, matched.
    `crops`: (N, 50, 50, 3) uint8. `seconds`: what detection took, all photographs together.
    """

    faces: pd.DataFrame
    detections: pd.DataFrame
    crops: np.ndarray
    seconds: float

    def part(self, *splits: str) -> tuple[np.ndarray, np.ndarray, pd.DataFrame]:
        """Crops (N, 50, 50, 3), labels (N,) (0 bare, 1 masked) and table of the found faces of
        these splits that belong to one of the two classes. Raises ValueError if there are none."""
        table = self.faces[self.faces.found & self.faces.split.isin(splits)
                           & self.faces.label.isin(CLASSES)].reset_index(drop=True)
        if table.empty:
            raise ValueError(f"expected found faces in {splits}, got none: add photographs")
        return self.crops[table.crop], table.label.map(CLASSES.index).to_numpy(), table


def prepare(profile: Profile, *, name: str = "mtcnn") -> Faces:
    """Detect, match and crop the faces of `profile`'s photographs; write them for later stages.

    Detections are kept in a journal, photograph by photograph: an interrupted call goes on where it
    stopped. Where the photographs, the detector's code or its package have changed, all is done anew.
    """
    dataset = data.load(profile)
    key = files.digest(dataset.checksum, name, files.source(DETECTORS[name]), importlib.metadata.version("mtcnn"))
    journal = files.Journal(profile.folder / "detections.jsonl", key=key)
    photographs = dataset.photographs.photograph[dataset.photographs.annotated]
    todo = [photograph for photograph in photographs if photograph not in journal.items]
    detect = detector(name) if todo else None
    for photograph in tqdm(todo, desc="detect", unit="photograph", disable=None):
        image, start = dataset.image(photograph), time.perf_counter()
        boxes, scores = detect(image)
        seconds = round(time.perf_counter() - start, 4)
        journal.add(photograph, {"boxes": boxes.tolist(), "scores": scores.tolist(), "seconds": seconds})
    found = _match_all(dataset, [(photograph, journal.items[photograph]) for photograph in photographs],
                       iou=profile.iou)
    crops = profile.folder / "crops.npz"
    crops.unlink(missing_ok=True)  # the tables count once the crops are there, written last
    for table in ("faces", "detections"):
        with files.whole(profile.folder / f"{table}.csv") as part:
            getattr(found, table).to_csv(part, index=False)
    with files.whole(crops) as part:
        np.savez_compressed(part, crops=found.crops, seconds=found.seconds, key=_key(dataset, profile))
    return found


def _key(dataset: data.Dataset, profile: Profile) -> str:
    """Names the labelled photographs, their split and the threshold that crops were made with."""
    return files.digest(dataset.checksum, dataset.boxes.to_csv(), profile.iou)


def _match_all(dataset, detected: list[tuple[str, dict]], *, iou: float) -> Faces:
    faces, detections, crops = [], [], []
    labelled = dict(list(dataset.boxes[dataset.boxes.face].groupby("photograph")))
    for photograph, item in detected:
        boxes = np.array(item["boxes"], np.float32).reshape(-1, 4)
        table = labelled.get(photograph, dataset.boxes[:0]).drop(columns="face").copy()
        index, shared = match(boxes, table[BOX].to_numpy(), iou=iou)
        image = dataset.image(photograph) if (index >= 0).any() else None
        table["found"], table["iou"] = index >= 0, shared
        table["score"] = [item["scores"][i] if i >= 0 else np.nan for i in index]
        table["crop"] = np.where(index >= 0, len(crops) + np.cumsum(index >= 0) - 1, -1)
        crops += [crop(image, boxes[i]) for i in index if i >= 0]
        faces.append(table)
        detections.append(pd.DataFrame(boxes, columns=BOX).assign(
            photograph=photograph, score=item["scores"], matched=np.isin(np.arange(len(boxes)), index)))
    return Faces(pd.concat(faces, ignore_index=True), pd.concat(detections, ignore_index=True),
                 np.array(crops, np.uint8).reshape(-1, SIZE, SIZE, 3),
                 sum(item["seconds"] for _, item in detected))


def load(profile: Profile) -> Faces:
    """What `prepare` wrote. Raises FileNotFoundError, naming the command, if it has not run, and
    ValueError if it ran on other photographs, labels or splits than the profile's now."""
    path = profile.folder / "crops.npz"
    if not path.exists():
        raise FileNotFoundError(f"expected crops of profile {profile.name}, got none: run `{profile.command}`")
    with np.load(path) as archive:
        crops, seconds, key = archive["crops"], float(archive["seconds"]), str(archive["key"])
    if key != _key(data.load(profile), profile):
        raise ValueError(f"expected crops of the photographs as they are now, got older ones in {path}: "
                         f"run `{profile.command}`")
    tables = (pd.read_csv(profile.folder / f"{name}.csv") for name in ("faces", "detections"))
    return Faces(*tables, crops, seconds)
