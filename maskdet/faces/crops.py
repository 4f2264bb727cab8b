"""A stage of the experiment: detect, match and crop the faces of a run's photographs."""

import contextlib
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm import tqdm

from maskdet import data, files, keys
from maskdet.config import CLASSES, SIZE, Profile
from maskdet.faces.detectors import detector, key
from maskdet.faces.matching import crop, match, surroundings

BOX = ["left", "top", "right", "bottom"]
CUTS = {"crops": (crop, SIZE), "patches": (surroundings, 2 * SIZE)}  # how each kind of image is cut, and its side
SOURCES = ("detected", "labelled")  # the boxes that they are cut by


@dataclass(frozen=True)
class Faces:
    """The labelled faces of a run's annotated photographs, and what a detector found there.

    `faces`: every labelled face: photograph, box, original, label, split, found, iou, score, group (of near-duplicate
    photographs).
    `detections`: every detected box: photograph, box, score, matched.
    `crops`: by source, "detected" (each found face, cut by its detected box) or "labelled" (every face), (N, 50, 50,
    3) uint8, in the order of `faces`. `patches`: the same with their surroundings, (N, 100, 100, 3).
    `seconds`: the time of the detection, all photographs together.
    """

    faces: pd.DataFrame
    detections: pd.DataFrame
    crops: dict[str, np.ndarray]
    patches: dict[str, np.ndarray]
    seconds: float

    def rows(self, source: str = "detected") -> pd.DataFrame:
        """The faces of `crops[source]`, a row for each."""
        return self.faces[self.faces.found if source == "detected" else slice(None)].reset_index(drop=True)

    def part(self, *splits: str) -> tuple[np.ndarray, np.ndarray, pd.DataFrame]:
        """Crops (N, 50, 50, 3), labels (N,) (0 bare, 1 masked) and table of the found faces of the two classes in
        these splits. Raises ValueError if there are none."""
        table = self.rows()
        table = table[table.split.isin(splits) & table.label.isin(CLASSES)]
        if table.empty:
            raise ValueError(f"expected found faces in {splits}, got none: add photographs")
        return self.crops["detected"][table.index], labels(table), table.reset_index(drop=True)


def labels(table: pd.DataFrame) -> np.ndarray:
    """The classes of the rows of a table of faces: 0 bare, 1 masked, (N,)."""
    return table.label.map(CLASSES.index).to_numpy(int)


def crop_faces(profile: Profile) -> Faces:
    """Detect, by `profile.detector`, match and crop the faces of `profile`'s photographs; write them for later stages.

    A journal keeps the detections of each photograph: an interrupted call is resumed. Where the photographs, or the
    detector's code, weights or packages have changed, all of them are searched anew.
    """
    dataset, path = data.read(profile), _folder(profile) / "crops.npz"
    photographs = dataset.photographs.photograph[dataset.photographs.annotated]
    with files.alone(path):
        if path.exists():
            with contextlib.suppress(ValueError):
                return read(profile)
            path.unlink()  # the tables count only beside crops.npz, which is written last
        faces = _match_all(dataset, _detected(profile, dataset, photographs, name=profile.detector))
        for table in ("faces", "detections"):
            with files.whole(_folder(profile) / f"{table}.csv") as part:
                getattr(faces, table).to_csv(part, index=False)
        with files.whole(path) as part:
            np.savez(part, seconds=faces.seconds, key=_crops_key(dataset, profile),
                     **{f"{kind}_{source}": getattr(faces, kind)[source] for kind in CUTS for source in SOURCES})
    return read(profile)


def _folder(profile: Profile) -> Path:
    return profile.folder / "crops"


def detect_split(profile: Profile, name: str, *, split: str = "test") -> Faces:
    """The faces of the photographs of a split, and what the detector `name` finds there. Its detections are kept in a
    journal, as in `crop_faces`. Raises as `detector`."""
    dataset = data.read(profile)
    photographs = dataset.photographs.photograph[dataset.photographs.split == split]
    return _match_all(dataset, _detected(profile, dataset, photographs, name=name))


def _detected(profile: Profile, dataset: data.Dataset, photographs, *, name: str) -> dict[str, dict]:
    """The detections in each photograph: boxes, scores and seconds."""
    journal = files.Journal(_folder(profile) / f"{name}.jsonl", key=_key(dataset, name))
    todo = [photograph for photograph in photographs if photograph not in journal.items]
    if todo:
        detect = detector(name)  # which takes seconds
    for photograph in tqdm(todo, desc="detect", unit="photograph", disable=None):
        image, start = dataset.image(photograph), time.perf_counter()
        boxes, scores = detect(image)
        seconds = round(time.perf_counter() - start, 4)
        journal.add(photograph, {"boxes": boxes.tolist(), "scores": scores.tolist(), "seconds": seconds})
    return {photograph: journal.items[photograph] for photograph in photographs}


def _key(dataset: data.Dataset, name: str) -> str:
    """A digest of what detections depend on: the photographs, how they are read, and the detector `name`."""
    return files.digest(dataset.checksum, name, key(name), keys.code(data.Dataset))


def _crops_key(dataset: data.Dataset, profile: Profile) -> str:
    """A digest of what crops depend on: detections, labelled boxes, their split, and how they are matched and cut."""
    return files.digest(_key(dataset, profile.detector), dataset.boxes.to_csv(), keys.code(_match_all))


def _match_all(dataset, detected: dict[str, dict]) -> Faces:
    """The labelled faces of each photograph matched to its `detected` boxes, with the images cut by both."""
    tables, detections = [], []
    images: dict[tuple[str, str], list] = {(kind, source): [] for kind in CUTS for source in SOURCES}
    labelled = dict(list(dataset.boxes[dataset.boxes.face].drop(columns="face").groupby("photograph")))
    empty = dataset.boxes[:0].drop(columns="face")
    for photograph, item in detected.items():
        boxes, scores = np.array(item["boxes"], np.float32).reshape(-1, 4), np.array([*item["scores"], np.nan])
        table = labelled.get(photograph, empty)
        index, shared = match(boxes, table[BOX].to_numpy())
        tables.append(table.assign(found=index >= 0, iou=shared, score=scores[index]))  # at -1: NaN
        detections.append(pd.DataFrame(boxes, columns=BOX).assign(
            photograph=photograph, score=scores[:-1], matched=np.isin(np.arange(len(boxes)), index)))
        if table.empty:
            continue
        image = dataset.image(photograph)
        for source, edges in zip(SOURCES, (boxes[index[index >= 0]], table[BOX].to_numpy())):
            for kind, (cut, _) in CUTS.items():
                images[kind, source] += [cut(image, box) for box in edges]
    faces = pd.concat(tables, ignore_index=True)
    faces["group"] = faces.photograph.map(dataset.photographs.set_index("photograph").group)
    crops, patches = ({source: np.array(images[kind, source], np.uint8).reshape(-1, side, side, 3)
                       for source in SOURCES} for kind, (_, side) in CUTS.items())
    return Faces(faces, pd.concat(detections, ignore_index=True), crops, patches,
                 sum(item["seconds"] for item in detected.values()))


def read(profile: Profile) -> Faces:
    """What `crop_faces` wrote. Raises FileNotFoundError, with the command, if it has not run, and ValueError if it ran
    on other photographs, labels or splits than the profile's now, or by another detector."""
    path = _folder(profile) / "crops.npz"
    if not path.exists():
        raise FileNotFoundError(f"expected crops of profile {profile.name}, got none: run `{profile.command}`")
    with np.load(path) as archive:
        if str(archive["key"]) != _crops_key(data.read(profile), profile):
            raise ValueError("expected crops of the photographs, labels and detector as they are now, got older "
                             f"crops in {path}: run `{profile.command}`")
        crops, patches = ({source: archive[f"{kind}_{source}"] for source in SOURCES} for kind in CUTS)
        faces, detections = (pd.read_csv(_folder(profile) / f"{name}.csv") for name in ("faces", "detections"))
        return Faces(faces, detections, crops, patches, float(archive["seconds"]))
