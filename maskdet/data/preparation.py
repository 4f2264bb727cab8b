"""From a folder of photographs to the tables: draw or find, read, check, group, split."""

import shutil
from hashlib import sha256
from pathlib import Path, PurePosixPath

import numpy as np
import pandas as pd
from tqdm import tqdm

from maskdet import config, files, keys
from maskdet.config import Profile
from maskdet.data.classes import BARE, FOLDING, MASKED, clipped
from maskdet.data.dataset import COLUMNS, Dataset, read, save
from maskdet.data.photographs import (PhotographError, decoded, difference_hash, photographs_folder, read_bytes,
                                      run_folder)
from maskdet.data.readers import READERS, TABLE, Annotation, Records
from maskdet.data.splits import groups, split


def prepare(profile: Profile) -> Dataset:
    """Find or draw the photographs of `profile`, check every file and write photographs.csv, boxes.csv, skipped.csv and
    dataset.json into the folder `data` of the run. Raises FileNotFoundError where there are no photographs, or no list
    of those that the profile takes, and ValueError where none can be read, or where a class has no face in the training
    part."""
    with files.alone(run_folder(profile) / "dataset.json"):
        try:
            return _prepared(profile)
        except Exception:
            (run_folder(profile) / "dataset.json").unlink(missing_ok=True)  # older tables do not outlive a failure
            raise


def _prepared(profile: Profile) -> Dataset:
    if profile.drawn:
        _draw(profile)
    records = READERS[profile.layout].read(photographs_folder(profile))
    if profile.listed:
        _keep_listed(records, config.RECORDED / profile.listed)
    photographs, boxes = _checked(records)
    annotated = photographs.annotated
    photographs["split"] = ""
    photographs.loc[annotated, "split"] = split(
        photographs.group[annotated].to_numpy(), test_share=profile.test_share,
        validation_share=profile.validation_share, seed=profile.seed)
    boxes["split"] = boxes.photograph.map(photographs.set_index("photograph").split)
    for label in (MASKED, BARE):
        faces = boxes[boxes.face & (boxes.label == label)]
        if "train" not in set(faces.split):
            raise ValueError(f"expected {label} faces to learn from in {records.folder}, got {len(faces)} in all and"
                             f" none for training; {len(records.skipped)} files, rows or boxes had a fault:"
                             " fetch the set again with `make data PROFILE=...`, or use a larger one")
    skipped = pd.DataFrame(records.skipped, columns=list(COLUMNS["skipped"]))
    save(profile, {"photographs": photographs, "boxes": boxes, "skipped": skipped},
         checksum=files.checksum(records.digests))
    return read(profile)


def _keep_listed(records: Records, path: Path) -> None:
    """Leave out of `records` the photographs that the file `path` does not list, a number in each line, and the faults
    of theirs. A listed photograph that is not there is noted. Raises FileNotFoundError where there is no such file."""
    if not path.exists():
        raise FileNotFoundError(f"expected a list of photographs at {path}, got no such file: use a checkout of "
                                "maskdet")
    listed = path.read_text(encoding="utf8").split()
    numbers = {_number(name) for name in records.photographs}
    records.photographs = {name: annotation for name, annotation in records.photographs.items()
                           if _number(name) in listed}
    records.skipped = [(source, reason) for source, reason in records.skipped
                       if source == TABLE or _number(source) in listed]
    for number in listed:
        if number not in numbers:
            records.skip(number, "listed photograph left out: it is not there")


def _number(source: str) -> str:
    """The number of the photograph that a file, or a row of the table ("train.csv: 0052.jpg"), is of."""
    return PurePosixPath(source.removeprefix(f"{TABLE}: ")).name.split(".")[0]


def _draw(profile: Profile) -> None:
    """Draw the photographs, unless the same code drew them with the same settings; an interrupted call is resumed."""
    from maskdet import drawing

    folder = run_folder(profile) / "photographs"
    settings = {"scenes": profile.scenes, "unannotated": profile.unannotated, "seed": profile.seed}
    mark = files.digest(settings, keys.code(drawing.write))
    if (folder / mark).exists():
        return
    part = run_folder(profile) / f".photographs.{mark}.part"
    for outdated in set(run_folder(profile).glob(".photographs.*.part")) - {part}:
        shutil.rmtree(outdated)
    part.mkdir(parents=True, exist_ok=True)
    drawing.write(part, **settings)
    (part / mark).touch()
    shutil.rmtree(folder, ignore_errors=True)
    part.rename(folder)


def _checked(records: Records) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The tables of photographs and boxes, not yet split. What has a fault is noted in `records.skipped`."""
    photographs, boxes, hashes = [], [], []
    for name, annotation in tqdm(records.photographs.items(), desc="photographs", unit="", disable=None):
        try:
            image = _image(records, name, annotation)
        except PhotographError as error:
            records.skip(name, f"photograph left out: {error.fault}")
            continue
        height, width = image.shape[:2]
        photographs.append((name, width, height, annotation is not None))
        hashes.append(difference_hash(image))
        if annotation:
            boxes += _boxes(records, name, annotation, width=width, height=height)
    if not photographs:
        raise ValueError(f"expected photographs in {records.folder}, got none that can be read:"
                         " fetch the set again with `make data PROFILE=...`")
    table = pd.DataFrame(photographs, columns=list(COLUMNS["photographs"])[:4]).assign(group=groups(np.array(hashes)))
    return table, pd.DataFrame(boxes, columns=list(COLUMNS["boxes"])[:-1])


def _image(records: Records, name: str, annotation: Annotation | None) -> np.ndarray:
    """The photograph called `name`, (H, W, 3) uint8. Its file and its annotation's are noted as used."""
    path, size = records.folder / name, annotation.size if annotation else None
    content = read_bytes(path)
    image = decoded(content, name=path, size=size)
    if size not in (None, image.shape[1::-1]):
        raise PhotographError(path, "another size than its annotation states")
    records.digests[name] = sha256(content).hexdigest()
    if annotation and annotation.digest:
        records.digests[annotation.source] = annotation.digest
    return image


def _boxes(records: Records, name: str, annotation: Annotation, *, width: int, height: int) -> list[tuple]:
    """The rows of a photograph of `width` x `height` pixels in the table of boxes."""
    rows = []
    for box, inside in records.usable(annotation.source, annotation.boxes,
                                      lambda box: (box, clipped(box, width=width, height=height))):
        if inside != box:
            records.skip(annotation.source, "box clipped: it lies partly outside the photograph")
        fold = FOLDING[inside.original]
        rows.append((name, *inside, fold.label, fold.face))
    return rows
