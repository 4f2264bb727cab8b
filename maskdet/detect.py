"""The faces of your own photographs, masked or bare: `maskdet detect PATH`.

PATH is a photograph or a folder of them. For each, a folder of results gets a drawing of what was found,
FOLDER/NAME.boxes.jpg, and the same as numbers, FOLDER/NAME.json, FOLDER being the photograph's own.
"""

import contextlib
import json
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from tqdm import tqdm

from maskdet import faces, files, keys, networks
from maskdet.config import CLASSES
from maskdet.data import PhotographError, photographs
from maskdet.faces.detectors import Detect

DETECTOR, NETWORK = "yunet", "resnet"
COLOURS = {"masked": "#0173b2", "bare": "#de8f05"}  # as in the figures of the book
LONGEST = 65_500  # pixels of a side that a JPEG can have
REMEDIES = {"more than": "make it smaller", "none of": "save it in one of these", "an empty": "copy it again",
            "a truncated": "copy it again, or save it anew", "a file": "see that it can be opened",
            "a side": "make it smaller"}  # by how the fault of a photograph begins

Predict = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Face:
    """A face in a photograph: its box in pixels of the upright photograph, its label, "masked" or "bare", the
    network's confidence in it (0.5 to 1), and the detector's score for it being a face (0 to 1)."""

    left: float
    top: float
    right: float
    bottom: float
    label: str
    confidence: float
    score: float


def label_faces(photograph: np.ndarray, *, detect: Detect, predict: Predict) -> list[Face]:
    """The faces of `photograph` (H, W, 3) uint8, by `detect` as of `faces.detector` and `predict` as of
    `networks.load`, the most certain face first. Boxes of less than half a pixel in it are none."""
    boxes, scores = detect(photograph)
    some = (np.round(boxes[:, 2:]) > np.round(boxes[:, :2])).all(axis=1)
    boxes, scores = boxes[some], scores[some]
    if not len(boxes):
        return []
    probabilities = predict(np.array([faces.crop(photograph, box) for box in boxes]))
    edges = [[round(float(edge), 1) for edge in box] for box in boxes]
    return [Face(left, top, right, bottom, CLASSES[own.argmax()], round(float(own.max()), 4), round(float(score), 4))
            for (left, top, right, bottom), own, score in zip(edges, probabilities, scores)]


def annotated(photograph: np.ndarray, found: list[Face]) -> Image.Image:
    """`photograph` (H, W, 3) uint8 with a box, a label and a confidence for each face."""
    image = Image.fromarray(photograph)
    canvas, width = ImageDraw.Draw(image), max(2, round(max(image.size) / 400))  # of the frame
    font = ImageFont.load_default(size=max(12, 6 * width))
    for face in found:
        box = [round(edge) for edge in (face.left, face.top, face.right, face.bottom)]
        text = f"{face.label} {face.confidence:.2f}"
        canvas.rectangle(box, outline=COLOURS[face.label], width=width)
        _, _, wide, high = canvas.textbbox((0, 0), text, font=font)
        # Above the box; inside it at the upper border, and never beyond the right one.
        x, y = max(0, min(box[0], image.width - wide - 2 * width)), box[1] - high - width
        y = y if y >= 0 else box[1]
        canvas.rectangle((x, y, x + wide + 2 * width, y + high + width), fill=COLOURS[face.label])
        canvas.text((x + width, y), text, font=font, fill="white")
    return image


@dataclass(frozen=True)
class Detection:
    """Photographs searched one by one, with results written under `folder`; those under the same `key` are finished."""

    folder: Path
    detect: Detect
    predict: Predict
    key: str

    def __call__(self, path: Path, *, name: str) -> list[Face]:
        """The faces of the photograph in `path`, written as `name`.json and `name`.boxes.jpg; only read, where they
        were made of the same content under the same key. Raises PhotographError where it cannot be read."""
        content = photographs.read_bytes(path)
        record, picture = self.folder / f"{name}.json", self.folder / f"{name}.boxes.jpg"
        key = files.digest(sha256(content).hexdigest(), self.key)
        with contextlib.suppress(OSError, ValueError, TypeError):  # nothing is there, or what is another program's
            finished = dict(json.loads(record.read_text(encoding="utf8")))
            if picture.exists() and finished.get("key") == key:
                return [Face(**face) for face in finished["faces"]]
        photograph = photographs.decoded(content, name=path)
        if max(photograph.shape) > LONGEST:
            raise PhotographError(path, f"a side of more than {LONGEST} pixels")
        found = label_faces(photograph, detect=self.detect, predict=self.predict)
        with files.whole(picture) as part:
            annotated(photograph, found).save(part, quality=92, subsampling=0)  # letters stay sharp
        height, width = photograph.shape[:2]
        files.write_json(record, {"photograph": name, "width": width, "height": height, "key": key,
                                  "faces": [asdict(face) for face in found]})  # the last: with it, this is finished
        return found


@cache
def current_key() -> str:
    """Names the code and the weights by which photographs are read, and faces found, cropped, labelled and drawn."""
    return files.digest(faces.key(DETECTOR), networks.card()["networks"][NETWORK]["sha256"],
                        keys.code(Detection, networks.load))


def find_photographs(path: Path, *, results: Path) -> list[tuple[Path, str]]:
    """The photograph at `path`, or every file in the folder there, sorted, and the name to write it by, which begins
    with its folder's: hidden files and those in the folder `results`, which may lie in it, are left out. Raises
    FileNotFoundError where there is neither, or where the folder has no file."""
    if path.is_file():
        return [(path, str(Path(path.parent.resolve().name, path.name)))]
    if not path.is_dir():
        raise FileNotFoundError(f"expected a photograph or a folder at {path}, got neither")
    inside = [file for file in sorted(path.rglob("*"))
              if file.is_file() and not file.resolve().is_relative_to(results.resolve())
              and not any(part.startswith(".") for part in file.relative_to(path).parts)]
    if not inside:
        raise FileNotFoundError(f"expected photographs in the folder {path}, got none")
    return [(file, str(Path(path.resolve().name, file.relative_to(path)))) for file in inside]


def run(path: Path, *, folder: Path) -> str:
    """Search the photograph or the folder at `path` and write under `folder`. Returns a line that counts what was
    found, after a line for each face where it is a single photograph. What cannot be read is named, left out and
    counted. Raises as `find_photographs`, and ValueError where nothing could be read."""
    todo, single = find_photographs(path, results=folder), path.is_file()
    detection = Detection(folder, faces.detector(DETECTOR), networks.load(NETWORK), current_key())
    found, left_out = [], []
    for file, name in tqdm(todo, desc="detect", unit="photograph", disable=len(todo) == 1 or None):
        try:
            found.append(detection(file, name=name))
        except PhotographError as error:
            remedy = next(remedy for begin, remedy in REMEDIES.items() if error.fault.startswith(begin))
            left_out.append(f"expected a photograph in {file}, got {error.fault}: {remedy}")
            if not single:  # of a single one it is the error
                tqdm.write(f"left out: {left_out[-1]}", file=sys.stderr)
    if not found:
        raise ValueError(left_out[0] if single else f"expected photographs in the folder {path}, got "
                         f"{_counted(len(todo), 'file')} that cannot be read")
    labels = [face.label for in_photograph in found for face in in_photograph]
    listed = [f"{face.label} {face.confidence:.2f}, from {face.left:.0f}, {face.top:.0f} to {face.right:.0f}, "
              f"{face.bottom:.0f}" for face in found[0]] if single else []
    summary = (f"{_counted(len(found), 'photograph')}, {_counted(len(labels), 'face')}: {labels.count('masked')} "
               f"masked, {labels.count('bare')} bare; {_counted(len(left_out), 'file')} left out; written to "
               f"{folder / f'{todo[0][1]}.boxes.jpg' if single else folder}")
    return "\n".join([*listed, summary])


def _counted(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"
