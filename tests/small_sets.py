"""Tiny sets of photographs with known answers, for the tests of reading them."""

import dataclasses
import io
import json
import zlib

import numpy as np
import pytest
from PIL import Image

from maskdet import config, data

WOBOT = "Medical mask/Medical mask/Medical Mask"
NO_NUMBERS = "box left out: its coordinates are not four finite numbers"
OUTSIDE = "box left out: it lies wholly outside the photograph"
NO_AREA = "box left out: it has no area"
CLIPPED = "box clipped: it lies partly outside the photograph"
MASKED, BARE = (2, 2, 12, 14, "with_mask"), (20, 5, 30, 17, "without_mask")


def noise(number, *, width=40, height=30):
    """A photograph unlike any other."""
    return np.random.default_rng(number).integers(0, 256, (height, width, 3), np.uint8)


def encoded(pixels, **options):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, **{"format": "PNG"} | options)
    return file.getvalue()


def xml(boxes, *, size=(40, 30)):
    """One Pascal VOC annotation."""
    objects = "".join(
        f"<object><name>{name}</name><bndbox><xmin>{left}</xmin><ymin>{top}</ymin>"
        f"<xmax>{right}</xmax><ymax>{bottom}</ymax></bndbox></object>"
        for left, top, right, bottom, name in boxes
    )
    stated = f"<size><width>{size[0]}</width><height>{size[1]}</height></size>" if size else ""
    return f"<annotation><filename>elsewhere.jpg</filename>{stated}{objects}</annotation>"


class Set:
    """A small set in a temporary folder: ten photographs, one face of each class in each."""

    def __init__(self, folder, layout, monkeypatch):
        self.folder, self.layout = folder / "set", layout
        monkeypatch.setenv("MASKDET_DATA", str(self.folder))
        monkeypatch.setenv("MASKDET_BUILD", str(folder / "build"))
        for path in data.READERS[layout].contains:
            (self.folder / path).mkdir(parents=True)
        if layout == "wobot":
            self.table([])

    def profile(self, **changes):
        name = {"voc": "larxel", "wobot": "wobot"}[self.layout]
        return dataclasses.replace(config.PROFILES[name], **changes)

    def prepare(self, **changes):
        return data.prepare(self.profile(**changes))

    def file(self, path, content):
        path = self.folder / path
        path.write_bytes(content if isinstance(content, bytes) else content.encode())

    def photograph(self, name, *, pixels=None):
        under = "" if self.layout == "voc" else f"{WOBOT}/"
        own = noise(zlib.crc32(name.encode())) if pixels is None else pixels
        self.file(f"{under}images/{name}", encoded(own))

    def annotation(self, stem, boxes, **options):
        if self.layout == "voc":
            self.file(f"annotations/{stem}.xml", xml(boxes, **options))
        else:
            names = {"with_mask": "face_with_mask", "without_mask": "face_no_mask"}
            annotations = [
                {"BoundingBox": edges, "classname": names.get(name, name)} for *edges, name in boxes
            ]
            content = json.dumps({"Annotations": annotations})
            self.file(f"{WOBOT}/annotations/{stem}.png.json", content)

    def table(self, rows, *, header="name,x1,x2,y1,y2,classname"):
        self.file("train.csv", "\n".join([header, *rows]) + "\n")

    def fill(self, count=10):
        for number in range(count):
            self.photograph(f"p{number:02}.png")
            self.annotation(f"p{number:02}", [MASKED, BARE])
        if self.layout == "wobot":
            self.table([f"p{number:02}.png,{row}" for number in range(count)
                        for row in ("2,2,12,14,face_with_mask", "20,5,30,17,face_no_mask")])
        return self


@pytest.fixture
def voc(tmp_path, monkeypatch):
    return Set(tmp_path, "voc", monkeypatch).fill()


@pytest.fixture
def wobot(tmp_path, monkeypatch):
    return Set(tmp_path, "wobot", monkeypatch).fill()


def skipped(dataset):
    return list(dataset.skipped.itertuples(index=False, name=None))


def rows(dataset, photograph):
    """The boxes of one photograph: edges and original class."""
    chosen = dataset.boxes[dataset.boxes["photograph"] == photograph]
    columns = ["left", "top", "right", "bottom", "original"]
    return list(chosen[columns].itertuples(index=False, name=None))
