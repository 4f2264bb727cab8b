"""From a folder of photographs to the tables: draw or find, read, check, group, split."""

import shutil
from hashlib import sha256

import numpy as np
import pandas as pd
from tqdm import tqdm

from maskdet import files, keys
from maskdet.config import Profile
from maskdet.data.classes import BARE, CLIPPED, FOLDING, MASKED, clipped
from maskdet.data.dataset import COLUMNS, Dataset, photographs_folder, read, run_folder, save
from maskdet.data.photographs import PhotographError, decoded, difference_hash
from maskdet.data.readers import READERS, Annotation, Record, Records
from maskdet.data.splits import groups, split


def prepare(profile: Profile) -> Dataset:
    """Find or draw the photographs of `profile`, check every file and write the tables.

    Writes photographs.csv, boxes.csv, skipped.csv and dataset.json into the folder `data` of the run.

    Raises FileNotFoundError when there are no photographs, and ValueError when none can be read,
    or no face of one of the two classes is left to learn from.
    """
    with files.alone(run_folder(profile) / "dataset.json"):
        try:
            return _prepared(profile)
        except Exception:
            (run_folder(profile) / "dataset.json").unlink(missing_ok=True)  # a failure leaves no older tables
            raise


def _prepared(profile: Profile) -> Dataset:
    if profile.drawn:
        _draw(profile)
    records = READERS[profile.layout](photographs_folder(profile))
    photographs, boxes = _checked(records)
    annotated = photographs["annotated"]
    sides = split(
        photographs.loc[annotated, "group"].to_numpy(),
        test_share=profile.test_share,
        validation_share=profile.validation_share,
        seed=profile.seed,
    )
    photographs["split"] = ""
    photographs.loc[annotated, "split"] = sides
    boxes["split"] = boxes["photograph"].map(photographs.set_index("photograph")["split"])
    _require_both_classes(boxes, records)
    skipped = pd.DataFrame(records.skipped, columns=list(COLUMNS["skipped"]))
    save(profile, photographs, boxes, skipped, checksum=files.checksum(records.digests))
    return read(profile)


def _draw(profile: Profile) -> None:
    """Draw the photographs, going on where a call was interrupted; those drawn by the same code and settings stay."""
    from maskdet import drawing

    place = run_folder(profile) / "photographs"
    settings = {"scenes": profile.scenes, "unannotated": profile.unannotated, "seed": profile.seed}
    mark = files.digest(settings, keys.code(drawing.write))
    if (place / mark).exists():
        return
    part = run_folder(profile) / f".photographs.{mark}.part"  # an interrupted drawing goes on in it
    for other in set(run_folder(profile).glob(".photographs.*.part")) - {part}:
        shutil.rmtree(other)
    part.mkdir(parents=True, exist_ok=True)
    drawing.write(part, **settings)
    (part / mark).touch()
    shutil.rmtree(place, ignore_errors=True)
    part.rename(place)


def _checked(records: Records) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The tables of what can be used, not yet split; the rest is added to `records.skipped`."""
    photographs, boxes, hashes = [], [], []
    for record in tqdm(records.photographs, desc="photographs", unit="", disable=None):
        try:
            image = _image(records, record)
        except PhotographError as error:
            records.skipped.append((record.photograph, f"photograph left out: {error.fault}"))
            if record.annotation:
                records.digests.pop(record.annotation.source, None)
            continue
        height, width = image.shape[:2]
        photographs.append((record.photograph, width, height, record.annotation is not None))
        hashes.append(difference_hash(image))
        if record.annotation:
            boxes += _boxes(records, record.photograph, record.annotation, width=width, height=height)
    if not photographs:
        raise ValueError(
            f"expected photographs in {records.folder}, got none that can be read:"
            " fetch the set again with `make data PROFILE=...`"
        )
    photographs = pd.DataFrame(photographs, columns=list(COLUMNS["photographs"])[:4])
    photographs["group"] = groups(np.array(hashes))
    return photographs, pd.DataFrame(boxes, columns=list(COLUMNS["boxes"])[:-1])


def _image(records: Records, record: Record) -> np.ndarray:
    """The photograph of one record, (H, W, 3) uint8, its file read once and noted as used."""
    path = records.folder / record.photograph
    try:
        content = path.read_bytes()
    except OSError as error:
        raise PhotographError(path, f"a file that cannot be read ({error.strerror})") from None
    size = record.annotation.size if record.annotation else None
    image = decoded(content, name=path, size=size)
    if size not in (None, image.shape[1::-1]):
        raise PhotographError(path, "another size than its annotation states")
    records.digests[record.photograph] = sha256(content).hexdigest()
    return image


def _boxes(records: Records, photograph: str, annotation: Annotation, *, width: int, height: int) -> list[tuple]:
    """The rows of one photograph, of `width` x `height` pixels, in the table of boxes."""
    found = []
    for box in annotation.boxes:
        try:
            inside = clipped(box, width=width, height=height)
        except ValueError as error:
            records.skipped.append((annotation.source, str(error)))
            continue
        if inside != box:
            records.skipped.append((annotation.source, CLIPPED))
        fold = FOLDING[inside.original]
        found.append((photograph, *inside, fold.label, fold.face))
    return found


def _require_both_classes(boxes: pd.DataFrame, records: Records) -> None:
    for label in (MASKED, BARE):
        usable = boxes[(boxes["label"] == label) & boxes["face"]]
        if not (usable["split"] == "train").any():
            raise ValueError(
                f"expected {label} faces to learn from in {records.folder}, got {len(usable)} in"
                f" all and none for training; {len(records.skipped)} things were left out:"
                " fetch the set again with `make data PROFILE=...`, or use a larger one"
            )
