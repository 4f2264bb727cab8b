"""The drawn photographs as files, in the folders and tables of the preprint's data set."""

import json
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm import tqdm

from ..files import whole
from .scenes import scene

INNER = Path("Medical mask", "Medical mask", "Medical Mask")
HEADER = "name,x1,x2,y1,y2,classname"  # of left, top, right, bottom: the data set itself names them so


def write(folder, *, scenes, unannotated, seed):
    """Draw a data set into `folder` and return it as a `Path`: `scenes` photographs with annotations and rows in
    train.csv, and `unannotated` others, with the lowest numbers. Scene i depends on `seed` and i only. Files that an
    earlier call with the same numbers finished are kept. Raises ValueError for a number that is too small."""
    for name, value, least in (("scenes", scenes, 1), ("unannotated", unannotated, 0), ("seed", seed, 0)):
        if value < least:
            raise ValueError(f"expected {name} of at least {least}, got {value}")
    folder = Path(folder)
    images, annotations = folder / INNER / "images", folder / INNER / "annotations"
    for part in folder.rglob(".*.part.*"):  # of a call that was killed
        part.unlink()
    rows = [HEADER]
    for i in tqdm(range(scenes), desc="drawing scenes", disable=None):
        name = f"{unannotated + i + 1:04d}.jpg"
        image, annotation = images / name, annotations / f"{name}.json"
        if not (image.exists() and annotation.exists()):
            drawn = scene(rng=np.random.default_rng([seed, i]))
            save(drawn.photograph, image)
            items = [{"isProtected": False, "ID": 1000 * (i + 1) + k,
                      "BoundingBox": [box.left, box.top, box.right, box.bottom], "classname": box.name,
                      "Confidence": 1, "Attributes": {}} for k, box in enumerate(drawn.boxes, 1)]
            with whole(annotation) as part:
                part.write_text(json.dumps({"FileName": name, "NumOfAnno": len(items), "Annotations": items}))
        for item in json.loads(annotation.read_text())["Annotations"]:
            rows.append(",".join(map(str, [name, *item["BoundingBox"], item["classname"]])))
    for i in tqdm(range(unannotated), desc="drawing scenes without annotations", disable=None):
        image = images / f"{i + 1:04d}.jpg"
        if not image.exists():
            save(scene(rng=np.random.default_rng([seed, i, 1])).photograph, image)
    with whole(folder / "train.csv") as part:
        part.write_text("\n".join(rows) + "\n")
    return folder


def save(photograph, path):
    """Write a (H, W, 3) uint8 array as a JPEG, whole or not at all."""
    with whole(path) as part:
        Image.fromarray(photograph).save(part, "JPEG", quality=92)
