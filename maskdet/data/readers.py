"""Readers of annotations: what a folder lists, as written, not yet compared with its images."""

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import NamedTuple
from xml.etree import ElementTree

from maskdet.data.classes import Box, box
from maskdet.data.train_csv import TABLE, rows

SUFFIXES = (".jpg", ".jpeg", ".png")
WOBOT = "Medical mask/Medical mask/Medical Mask"  # the folder of the original, as it is spelled
# What a file that is not as it should be makes the parsers and the look-ups in it raise.
MALFORMED = (ElementTree.ParseError, ValueError, LookupError, TypeError, AttributeError,
             RecursionError, OSError)


class Annotation(NamedTuple):
    """The boxes of one photograph, as one file states them."""

    source: str  # that file, for messages
    boxes: list[Box]
    size: tuple[int, int] | None = None  # width, height of the photograph, where stated


class Record(NamedTuple):
    """One photograph of a set, and its annotation if it has one."""

    photograph: str
    annotation: Annotation | None


@dataclass
class Records:
    """What one folder lists. All paths are posix, relative to `folder`."""

    folder: Path
    photographs: list[Record] = field(default_factory=list)
    skipped: list[tuple[str, str]] = field(default_factory=list)  # file, reason
    digests: dict[str, str] = field(default_factory=dict)  # SHA-256 of every file that was used


@dataclass(frozen=True)
class Reader:
    """One layout: what a folder of it must contain, and the function that reads it."""

    contains: tuple[str, ...]
    read: Callable[[Path], Records]

    def fits(self, folder: Path) -> bool:
        """Whether `folder` has this layout."""
        return all((folder / path).is_dir() for path in self.contains)

    def __call__(self, folder: Path) -> Records:
        """The records of `folder`."""
        return self.read(Path(folder))


def voc(folder: Path) -> Records:
    """Pascal VOC: `images/NAME.png` (or .jpg) and `annotations/NAME.xml`.

    They belong together by NAME: the `filename` within the XML may have another suffix.
    """
    records = Records(folder)
    annotations = _annotations(records, "annotations", suffix=".xml", parse=_voc_annotation)
    return _paired(records, "images", annotations, key=_stem)


def wobot(folder: Path) -> Records:
    """The layout of the preprint's set: one JSON file for each photograph, and `train.csv`.

    The JSON files are followed. `train.csv`, which repeats them, is compared with them and adds
    the photographs that it alone annotates.
    """
    records = Records(folder)
    annotations = _annotations(
        records, f"{WOBOT}/annotations", suffix=".json", parse=_wobot_annotation
    )
    _compare(records, annotations)
    return _paired(records, f"{WOBOT}/images", annotations, key=_name)


READERS = {
    "voc": Reader(("images", "annotations"), voc),
    "wobot": Reader((f"{WOBOT}/images", f"{WOBOT}/annotations"), wobot),
}


def _stem(path: str) -> str:
    return PurePosixPath(path).stem


def _name(path: str) -> str:
    return PurePosixPath(path).name


def _listing(records: Records, under: str, suffixes: tuple[str, ...]) -> list[str]:
    """The files of one folder, sorted by name; those with another suffix are left out."""
    chosen = []
    for name in sorted(path.name for path in (records.folder / under).iterdir()):
        if PurePosixPath(name).suffix.lower() in suffixes:
            chosen.append(f"{under}/{name}")
        else:
            reason = f"file left out: its name does not end in {' or '.join(suffixes)}"
            records.skipped.append((f"{under}/{name}", reason))
    return chosen


def _annotations(
    records: Records, under: str, *, suffix: str, parse: Callable
) -> dict[str, Annotation | None]:
    """The annotations of one folder by their names without `suffix`; None: malformed."""
    annotations: dict[str, Annotation | None] = {}
    for path in _listing(records, under, (suffix,)):
        key = _stem(path)
        try:
            content = (records.folder / path).read_bytes()
            labelled, size = parse(content)
        except MALFORMED:
            reason = f"photograph left out: its annotation is malformed {suffix[1:].upper()}"
            records.skipped.append((path, reason))
            annotations[key] = None
            continue
        records.digests[path] = sha256(content).hexdigest()
        boxes = []
        for coordinates, original in labelled:
            try:
                boxes.append(box(coordinates, original))
            except ValueError as error:
                records.skipped.append((path, str(error)))
        annotations[key] = Annotation(path, boxes, size)
    return annotations


class _NoDoctype(ElementTree.TreeBuilder):
    """Refuses XML that declares entities, a few lines of which can expand to gigabytes."""

    def doctype(self, name: str, pubid: str, system: str) -> None:
        raise ValueError("expected no DOCTYPE")


def _voc_annotation(content: bytes) -> tuple[list[tuple], tuple[int, int] | None]:
    """The boxes (coordinates, class name) of one XML file and the size of its photograph."""
    root = ElementTree.fromstring(content, ElementTree.XMLParser(target=_NoDoctype()))
    if root.tag != "annotation":
        raise ValueError(f"expected <annotation>, got <{root.tag}>")
    edges = ("xmin", "ymin", "xmax", "ymax")
    boxes = [
        ([one.findtext(f"bndbox/{edge}") for edge in edges], one.findtext("name", ""))
        for one in root.iter("object")
    ]
    width, height = (int(root.findtext(f"size/{side}") or 0) for side in ("width", "height"))
    return boxes, (width, height) if width and height else None  # some tools leave 0 x 0


def _wobot_annotation(content: bytes) -> tuple[list[tuple], None]:
    """The boxes (coordinates, class name) of one JSON file, which states no size."""
    boxes = json.loads(content)["Annotations"]
    return [(one.get("BoundingBox"), str(one.get("classname"))) for one in boxes], None


def _compare(records: Records, annotations: dict[str, Annotation | None]) -> None:
    """Compare `annotations` with train.csv, and add the photographs that only it annotates."""
    if not (records.folder / TABLE).exists():
        records.skipped.append((TABLE, "no such file: the JSON files were not compared with it"))
        return
    content = (records.folder / TABLE).read_bytes()
    records.digests[TABLE] = sha256(content).hexdigest()
    tabled, skipped = rows(content, name=records.folder / TABLE)
    records.skipped += skipped
    for name, boxes in tabled.items():
        source = f"{TABLE}: {name}"
        if name not in annotations:
            annotations[name] = Annotation(source, boxes)
        elif (stated := annotations[name]) and Counter(boxes) != Counter(stated.boxes):
            reason = "rows left out: they disagree with the JSON file, which is followed"
            records.skipped.append((source, reason))


def _paired(
    records: Records, under: str, annotations: dict[str, Annotation | None], *, key: Callable
) -> Records:
    """`records` with the photographs of one folder, each with its annotation, if any."""
    taken = set()
    for path in _listing(records, under, SUFFIXES):
        name = key(path)
        if name in taken:
            reason = "photograph left out: another has the same annotation"
            records.skipped.append((path, reason))
        elif annotations.get(name, ()) is not None:  # those with a malformed one are noted already
            records.photographs.append(Record(path, annotations.get(name)))
        taken.add(name)
    for name, annotation in annotations.items():
        if annotation and name not in taken:
            reason = "annotation left out: it has no photograph"
            records.skipped.append((annotation.source, reason))
            records.digests.pop(annotation.source, None)
    return records
