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
KINDS, SOURCES = ("crops", "patches"), ("detected", "labelled")


@dataclass(frozen=True)
class Faces:
    """What the detector found in the annotated photographs of a run.

    `faces`: every labelled face: photograph, box, original, label, split, found, iou, score,
    group (near-duplicate photographs share one).
    `detections`: every detected box: photograph, box, score, matched.
    `crops`, by the box that they were cut from: "detected", a crop of each found face, and
    "labelled", one of every face; each (N, 50, 50, 3) uint8, in the order of `faces`. `patches`: the same with
    their surroundings, (N, 100, 100, 3). `seconds`: what detection took, all photographs together.
    """

    faces: pd.DataFrame
    detections: pd.DataFrame
    crops: dict[str, np.ndarray]
    patches: dict[str, np.ndarray]
    seconds: float

    def rows(self, source: str = "detected") -> pd.DataFrame:
        """The faces that have such a box, a row for each of `crops[source]`."""
        return self.faces[self.faces.found if source == "detected" else slice(None)].reset_index(drop=True)

    def part(self, *splits: str) -> tuple[np.ndarray, np.ndarray, pd.DataFrame]:
        """Crops (N, 50, 50, 3), labels (N,) (0 bare, 1 masked) and table of the found faces of
        these splits that belong to one of the two classes. Raises ValueError if there are none."""
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

    Detections are kept in a journal, photograph by photograph: an interrupted call goes on where it
    stopped. Where the photographs, or the detector's code, weights or packages have changed, all is done anew.
    """
    dataset = data.read(profile)
    photographs = dataset.photographs.photograph[dataset.photographs.annotated]
    path, made_of = _folder(profile) / "crops.npz", _crops_key(dataset, profile)
    with files.alone(path):
        if path.exists():
            with contextlib.suppress(ValueError):
                return read(profile)
            path.unlink()  # the tables count once the crops are there, written last
        found = _match_all(dataset, _detected(profile, dataset, photographs, name=profile.detector), iou=profile.iou)
        for table in ("faces", "detections"):
            with files.whole(_folder(profile) / f"{table}.csv") as part:
                getattr(found, table).to_csv(part, index=False)
        with files.whole(path) as part:
            np.savez(part, seconds=found.seconds, key=made_of,
                     **{f"{kind}_{boxes}": getattr(found, kind)[boxes] for kind in KINDS for boxes in SOURCES})
    return read(profile)


def _folder(profile: Profile) -> Path:
    return profile.folder / "crops"


def detect_split(profile: Profile, name: str, *, split: str = "test") -> Faces:
    """What the detector `name` finds in the photographs of one split; its crops are those called "detected".

    Its detections are kept in a journal of its own, as those of `crop_faces`. Raises as `detector`.
    """
    dataset = data.read(profile)
    photographs = dataset.photographs.photograph[dataset.photographs.split == split]
    return _match_all(dataset, _detected(profile, dataset, photographs, name=name), iou=profile.iou)


def _detected(profile: Profile, dataset: data.Dataset, photographs, *, name: str) -> list[tuple[str, dict]]:
    journal = files.Journal(_folder(profile) / f"{name}.jsonl", key=_key(dataset, name))
    todo = [photograph for photograph in photographs if photograph not in journal.items]
    if todo:
        detect = detector(name)  # which takes seconds
    for photograph in tqdm(todo, desc="detect", unit="photograph", disable=None):
        image, start = dataset.image(photograph), time.perf_counter()
        boxes, scores = detect(image)
        seconds = round(time.perf_counter() - start, 4)
        journal.add(photograph, {"boxes": boxes.tolist(), "scores": scores.tolist(), "seconds": seconds})
    return [(photograph, journal.items[photograph]) for photograph in photographs]


def _key(dataset: data.Dataset, name: str) -> str:
    """Names the photographs, how they are read, and the detector as it is now."""
    return files.digest(dataset.checksum, name, key(name), keys.code(data.Dataset))


def _crops_key(dataset: data.Dataset, profile: Profile) -> str:
    """Names the detections, the labelled boxes, their split, and how they are matched and cut."""
    return files.digest(_key(dataset, profile.detector), dataset.boxes.to_csv(), profile.iou, keys.code(_match_all))


def _match_all(dataset, detected: list[tuple[str, dict]], *, iou: float) -> Faces:
    tables, detections = [], []
    cut: dict[tuple[str, str], list] = {(kind, boxes): [] for kind in KINDS for boxes in SOURCES}
    labelled = dict(list(dataset.boxes[dataset.boxes.face].groupby("photograph")))
    for photograph, item in detected:
        boxes = np.array(item["boxes"], np.float32).reshape(-1, 4)
        table = labelled.get(photograph, dataset.boxes[:0]).drop(columns="face").copy()
        index, shared = match(boxes, table[BOX].to_numpy(), iou=iou)
        table["found"], table["iou"] = index >= 0, shared
        table["score"] = [item["scores"][i] if i >= 0 else np.nan for i in index]
        tables.append(table)
        detections.append(pd.DataFrame(boxes, columns=BOX).assign(
            photograph=photograph, score=item["scores"], matched=np.isin(np.arange(len(boxes)), index)))
        if table.empty:  # its image is not read
            continue
        image = dataset.image(photograph)
        for source, edges in (("detected", boxes[index[index >= 0]]), ("labelled", table[BOX].to_numpy())):
            cut["crops", source] += [crop(image, box) for box in edges]
            cut["patches", source] += [surroundings(image, box) for box in edges]
    faces = pd.concat(tables, ignore_index=True)
    faces["group"] = faces.photograph.map(dataset.photographs.set_index("photograph").group)
    crops, patches = ({boxes: np.array(cut[kind, boxes], np.uint8).reshape(-1, side, side, 3) for boxes in SOURCES}
                      for kind, side in (("crops", SIZE), ("patches", 2 * SIZE)))
    return Faces(faces, pd.concat(detections, ignore_index=True), crops, patches,
                 sum(item["seconds"] for _, item in detected))


def read(profile: Profile) -> Faces:
    """What `crop_faces` wrote. Raises FileNotFoundError, naming the command, if it has not run, and
    ValueError if it ran on other photographs, labels or splits than the profile's now, or by another detector."""
    path = _folder(profile) / "crops.npz"
    if not path.exists():
        raise FileNotFoundError(f"expected crops of profile {profile.name}, got none: run `{profile.command}`")
    with np.load(path) as archive:
        seconds, made_of = float(archive["seconds"]), str(archive["key"])
        crops, patches = ({boxes: archive[f"{kind}_{boxes}"] for boxes in SOURCES} for kind in KINDS)
    if made_of != _crops_key(data.read(profile), profile):
        raise ValueError("expected crops of the photographs, by the detector, as they are now, got older ones in "
                         f"{path}: run `{profile.command}`")
    faces, detections = (pd.read_csv(_folder(profile) / f"{name}.csv") for name in ("faces", "detections"))
    return Faces(faces, detections, crops, patches, seconds)
