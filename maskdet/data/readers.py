"""Readers of annotations: what a folder lists, as written, not yet compared with its images."""

import csv
import io
import json
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple
from xml.etree import ElementTree

import pandas as pd

from maskdet.data.classes import Box, box

SUFFIXES = (".jpg", ".jpeg", ".png")
WOBOT = "Medical mask/Medical mask/Medical Mask"  # the folder of the original, as it is spelled
TABLE = "train.csv"
EDGES = ["x1", "y1", "x2", "y2"]
# What the parsers, and look-ups in what they return, raise for a malformed file.
MALFORMED = (ElementTree.ParseError, ValueError, LookupError, TypeError, AttributeError, RecursionError, OSError)


class Annotation(NamedTuple):
    """The boxes of a photograph, as a file states them."""

    source: str  # that file, for messages
    boxes: list[Box]
    size: tuple[int, int] | None = None  # width, height of the photograph, where stated
    digest: str = ""  # SHA-256 of that file, where it annotates this photograph alone


Annotations = dict[str, Annotation | None]  # None: malformed


@dataclass
class Records:
    """What a folder lists. All paths are posix, relative to `folder`."""

    folder: Path
    photographs: Annotations = field(default_factory=dict)  # by path; None: without an annotation
    skipped: list[tuple[str, str]] = field(default_factory=list)  # file, reason
    digests: dict[str, str] = field(default_factory=dict)  # SHA-256 of every file that was used

    def skip(self, source: object, reason: str) -> None:
        """Note why something in the file `source` is left out or changed."""
        self.skipped.append((str(source), reason))

    def usable(self, source: object, items: Iterable, check: Callable) -> Iterator:
        """`check(item)` of each item. An item for which that raises ValueError is skipped, the message noted."""
        for item in items:
            try:
                yield check(item)
            except ValueError as error:
                self.skip(source, str(error))


@dataclass(frozen=True)
class Reader:
    """A layout: what a folder of it must contain, and the function that reads it."""

    contains: tuple[str, ...]
    read: Callable[[Path], Records]

    def fits(self, folder: Path) -> bool:
        """Whether `folder` has this layout."""
        return all((folder / path).is_dir() for path in self.contains)


def voc(folder: Path) -> Records:
    """Pascal VOC: `images/NAME.png` (or .jpg) and `annotations/NAME.xml`. NAME pairs them: the `filename` inside the
    XML may have another suffix."""
    records = Records(folder)
    annotations = _annotations(records, "annotations", suffix=".xml", parse=_voc_annotation)
    return _paired(records, "images", annotations, key=lambda path: path.stem)


def wobot(folder: Path) -> Records:
    """The layout of the preprint's set: a JSON file for each photograph, and `train.csv`, which repeats them. Where the
    two disagree, the JSON file counts. `train.csv` adds the photographs that have no JSON file."""
    records = Records(folder)
    annotations = _annotations(records, f"{WOBOT}/annotations", suffix=".json", parse=_wobot_annotation)
    _add_table(records, annotations)
    return _paired(records, f"{WOBOT}/images", annotations, key=lambda path: path.name)


READERS = {"voc": Reader(("images", "annotations"), voc),
           "wobot": Reader((f"{WOBOT}/images", f"{WOBOT}/annotations"), wobot)}


def _listing(records: Records, folder: str, suffixes: tuple[str, ...]) -> list[PurePosixPath]:
    """The files of a folder, sorted by name; those with another suffix are skipped."""
    paths = [PurePosixPath(folder, name) for name in sorted(os.listdir(records.folder / folder))]
    listed = [path for path in paths if path.suffix.lower() in suffixes]
    for path in paths:
        if path not in listed:
            records.skip(path, f"file left out: its name does not end in {' or '.join(suffixes)}")
    return listed


def _annotations(records: Records, folder: str, *, suffix: str, parse: Callable) -> Annotations:
    """The annotations of a folder, by the names of their files without `suffix`."""
    annotations: Annotations = {}
    for path in _listing(records, folder, (suffix,)):
        try:
            content = (records.folder / path).read_bytes()
            labelled, size = parse(content)
        except MALFORMED:
            records.skip(path, f"photograph left out: its annotation is malformed {suffix[1:].upper()}")
            annotations[path.stem] = None
            continue
        boxes = list(records.usable(path, labelled, lambda labelled: box(*labelled)))
        annotations[path.stem] = Annotation(str(path), boxes, size, sha256(content).hexdigest())
    return annotations


class _NoDoctype(ElementTree.TreeBuilder):
    """Refuses XML that declares entities: a few lines of them can expand to gigabytes."""

    def doctype(self, name: str, pubid: str, system: str) -> None:
        raise ValueError("expected no DOCTYPE")


def _voc_annotation(content: bytes) -> tuple[list[tuple[Any, str]], tuple[int, int] | None]:
    """The boxes (coordinates, class name) of an XML file, and the size of its photograph."""
    root = ElementTree.fromstring(content, ElementTree.XMLParser(target=_NoDoctype()))
    if root.tag != "annotation":
        raise ValueError(f"expected <annotation>, got <{root.tag}>")
    boxes = [([item.findtext(f"bndbox/{edge}") for edge in ("xmin", "ymin", "xmax", "ymax")], item.findtext("name", ""))
             for item in root.iter("object")]
    width, height = (int(root.findtext(f"size/{side}") or 0) for side in ("width", "height"))
    return boxes, (width, height) if width and height else None  # some tools leave 0 x 0


def _wobot_annotation(content: bytes) -> tuple[list[tuple[Any, str]], None]:
    """The boxes (coordinates, class name) of a JSON file, which states no size."""
    items = json.loads(content)["Annotations"]
    return [(item.get("BoundingBox"), str(item.get("classname"))) for item in items], None


def _add_table(records: Records, annotations: Annotations) -> None:
    """Compare `annotations` with train.csv, and add the photographs that only train.csv annotates."""
    path = records.folder / TABLE
    if not path.exists():
        records.skip(TABLE, "no such file: the JSON files were not compared with it")
        return
    content = path.read_bytes()
    records.digests[TABLE] = sha256(content).hexdigest()
    columns, rows = _table(content, name=path)
    edges = _edges(columns, rows)
    tabled: dict[str, list[Box]] = {}
    for number, row in enumerate(rows, start=2):
        name = row["name"] or f"line {number}"
        if None in row or None in row.values():
            records.skip(f"{TABLE}: {name}", "row left out: it has too few or too many fields")
        else:
            tabled.setdefault(name, []).extend(records.usable(
                f"{TABLE}: {name}", [row], lambda row: box([row[edge] for edge in edges], row["classname"])))
    for name, boxes in tabled.items():
        if name not in annotations:
            annotations[name] = Annotation(f"{TABLE}: {name}", boxes)
        elif (annotation := annotations[name]) and Counter(boxes) != Counter(annotation.boxes):
            records.skip(f"{TABLE}: {name}", "rows left out: they disagree with the JSON file, which is followed")


def _table(content: bytes, *, name: object) -> tuple[list[str], list[dict]]:
    """The columns and rows of train.csv, as `csv.DictReader` reads them. Raises ValueError for anything else."""
    remedy = "correct the file, or fetch the set again with `make data PROFILE=wobot`"
    try:
        reader = csv.DictReader(io.StringIO(content.decode("utf-8-sig").lstrip(), newline=""))
        reader.fieldnames = columns = [column.strip().lower() for column in reader.fieldnames or ()]
        rows = list(reader)
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"expected a CSV table in {name}, got {error}: {remedy}") from None
    if missing := {"name", *EDGES, "classname"} - set(columns):
        raise ValueError(f"expected the columns name, x1, x2, y1, y2, classname in {name},"
                         f" got none called {', '.join(sorted(missing))}: {remedy}")
    return columns, rows


def _edges(columns: list[str], rows: list[dict]) -> list[str]:
    """The columns that hold left, top, right and bottom.

    The header of the original says x1, x2, y1, y2, but its numbers are left, top, right, bottom. So that a corrected
    file reads the same, the values choose between the order of the columns and their names: the choice with more rows
    where left < right and top < bottom wins; where both have as many, the order of the columns.
    """
    numbers = pd.DataFrame(rows, columns=EDGES).apply(pd.to_numeric, errors="coerce")

    def boxes(edges: list[str]) -> int:
        left, top, right, bottom = (numbers[edge] for edge in edges)
        return int(((left < right) & (top < bottom)).sum())

    return max((sorted(EDGES, key=columns.index), EDGES), key=boxes)


def _paired(records: Records, folder: str, annotations: Annotations, *, key: Callable) -> Records:
    """`records` with the photographs of a folder, each with its annotation, if any."""
    names = set()
    for path in _listing(records, folder, SUFFIXES):
        name = key(path)
        if name in names:
            records.skip(path, "photograph left out: another has the same annotation")
        elif annotations.get(name, ()) is not None:  # a malformed annotation is noted already
            records.photographs[str(path)] = annotations.get(name)
        names.add(name)
    for name, annotation in annotations.items():
        if annotation and name not in names:
            records.skip(annotation.source, "annotation left out: it has no photograph")
    return records
