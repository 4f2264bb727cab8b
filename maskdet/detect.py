"""`python -m maskdet.detect PATH`: the faces of your own photographs, masked or bare.

PATH is a photograph or a folder of them. For each, the folder `_build/detect` gets a drawing of what was found,
FOLDER/NAME.boxes.jpg, and the same as numbers, FOLDER/NAME.json, FOLDER being the photograph's own. What is finished
is kept: run again, it goes on.
"""

import argparse
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

from maskdet import config, deterministic, faces, files, keys, networks
from maskdet.config import CLASSES
from maskdet.data import PhotographError, photographs as reading
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
    """The faces of `photograph` (H, W, 3) uint8, by `detect` as of `faces.detector` and `predict` as of `models.load`,
    the most certain face first. Boxes of less than half a pixel in it are none."""
    boxes, scores = detect(photograph)
    wide, high = (np.round(boxes[:, 2:]) - np.round(boxes[:, :2])).T
    boxes, scores = boxes[(wide > 0) & (high > 0)], scores[(wide > 0) & (high > 0)]
    if not len(boxes):
        return []
    probabilities = predict(np.array([faces.crop(photograph, box) for box in boxes]))
    return [_face(box, row, score) for box, row, score in zip(boxes, probabilities, scores)]


def _face(box: np.ndarray, probabilities: np.ndarray, score: float) -> Face:
    left, top, right, bottom = (round(float(edge), 1) for edge in box)
    return Face(left, top, right, bottom, CLASSES[probabilities.argmax()], round(float(probabilities.max()), 4),
                round(float(score), 4))


def annotated(photograph: np.ndarray, found: list[Face]) -> Image.Image:
    """`photograph` (H, W, 3) uint8 with a box, a label and a confidence for each face."""
    image = Image.fromarray(photograph)
    canvas, line = ImageDraw.Draw(image), max(2, round(max(image.size) / 400))
    font = ImageFont.load_default(size=max(12, 6 * line))
    for face in found:
        box = [round(edge) for edge in (face.left, face.top, face.right, face.bottom)]
        text = f"{face.label} {face.confidence:.2f}"
        canvas.rectangle(box, outline=COLOURS[face.label], width=line)
        _, _, wide, high = canvas.textbbox((0, 0), text, font=font)
        # Above the box; inside it at the upper border, and never beyond the right one.
        x, y = max(0, min(box[0], image.width - wide - 2 * line)), box[1] - high - line
        y = y if y >= 0 else box[1]
        canvas.rectangle((x, y, x + wide + 2 * line, y + high + line), fill=COLOURS[face.label])
        canvas.text((x + line, y), text, font=font, fill="white")
    return image


@dataclass(frozen=True)
class Detection:
    """Photographs searched, one after the other, with what was found written under `folder`."""

    folder: Path
    detect: Detect
    predict: Predict

    def __call__(self, path: Path, *, name: str) -> list[Face]:
        """The faces of the photograph in `path`, written as `name`.json and `name`.boxes.jpg; only read, where they
        were made of the same content by the same code. Raises PhotographError where it cannot be read."""
        try:
            content = Path(path).read_bytes()
        except OSError as error:
            raise PhotographError(path, f"a file that cannot be read ({error.strerror})") from None
        record, picture = self.folder / f"{name}.json", _picture(self.folder, name)
        key = files.digest(sha256(content).hexdigest(), key())
        if picture.exists() and (finished := _read(record)).get("key") == key:
            return [Face(**face) for face in finished["faces"]]
        photograph = reading.decoded(content, name=path)
        if max(photograph.shape) > LONGEST:
            raise PhotographError(path, f"a side of more than {LONGEST} pixels")
        found = label_faces(photograph, detect=self.detect, predict=self.predict)
        with files.whole(picture) as part:
            annotated(photograph, found).save(part, quality=92, subsampling=0)  # letters stay sharp
        height, width = photograph.shape[:2]
        files.write_json(record, {"photograph": name, "width": width, "height": height, "key": key,
                                  "faces": [asdict(face) for face in found]})  # the last: with it, this is finished
        return found


def _picture(folder: Path, name: str) -> Path:
    """Where the drawing of a photograph is written."""
    return folder / f"{name}.boxes.jpg"


@cache
def key() -> str:
    """Names the code and the weights by which photographs are read, and faces found, cropped, labelled and drawn."""
    return files.digest(faces.key(DETECTOR), networks.card()["networks"][NETWORK]["sha256"], keys.code(Detection))


def find_photographs(path: Path, *, beside: Path) -> list[tuple[Path, str]]:
    """The photograph at `path`, or every file in the folder there, sorted, and the name to write it by, which begins
    with its folder's: hidden files and those in the folder `beside`, where results are written, are left out.

    Raises FileNotFoundError where there is neither, or where the folder has no file.
    """
    if path.is_file():
        return [(path, str(Path(path.parent.resolve().name, path.name)))]
    if not path.is_dir():
        raise FileNotFoundError(f"expected a photograph or a folder at {path}, got neither")
    inside = [(one, one.relative_to(path)) for one in sorted(path.rglob("*"))
              if one.is_file() and not one.resolve().is_relative_to(beside.resolve())]
    found = [(one, str(Path(path.resolve().name, name))) for one, name in inside
             if not any(part.startswith(".") for part in name.parts)]
    if not found:
        raise FileNotFoundError(f"expected photographs in the folder {path}, got none")
    return found


def run(path: Path, *, folder: Path) -> str:
    """Search the photograph or the folder at `path`, write under `folder`; returns a line that counts what was found,
    after a line for each face where it is one photograph.

    What cannot be read is named, left out and counted. Raises as `photographs`, and ValueError where nothing
    could be read.
    """
    todo, single = find_photographs(path, beside=folder), path.is_file()
    detection = Detection(folder, faces.detector(DETECTOR), networks.load(NETWORK))
    found, left_out = [], []
    for one, name in tqdm(todo, desc="detect", unit="photograph", disable=None if len(todo) > 1 else True):
        try:
            found.append(detection(one, name=name))
        except PhotographError as error:
            left_out.append(explained(one, error))
            if not single:  # of one alone it is the error
                tqdm.write(f"left out: {left_out[-1]}", file=sys.stderr)
    if not found:
        raise ValueError(left_out[0] if single else
                         f"expected photographs in the folder {path}, got {_counted(len(todo), 'file')} that cannot be "
                         "read")
    labels = [face.label for every in found for face in every]
    alone = [f"{face.label} {face.confidence:.2f}, from {face.left:.0f}, {face.top:.0f} to {face.right:.0f}, "
             f"{face.bottom:.0f}" for face in found[0]] if single else []
    written = _picture(folder, todo[0][1]) if single else folder
    whole = (f"{_counted(len(found), 'photograph')}, {_counted(len(labels), 'face')}: {labels.count('masked')} masked, "
             f"{labels.count('bare')} bare; {_counted(len(left_out), 'file')} left out; written to {written}")
    return "\n".join([*alone, whole])


def explained(path: Path, error: PhotographError) -> str:
    """What is wrong with a photograph of the reader's own, in one line with the remedy."""
    remedy = next(remedy for begin, remedy in REMEDIES.items() if error.fault.startswith(begin))
    return f"expected a photograph in {path}, got {error.fault}: {remedy}"


def _counted(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"


def _read(record: Path) -> dict:
    """What an earlier run wrote; nothing where it did not, or where the file is not its own."""
    try:
        return dict(json.loads(record.read_text(encoding="utf8")))
    except (OSError, ValueError, TypeError):
        return {}


def main(arguments: list[str]) -> int:
    """Search what is asked for; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m maskdet.detect", description=__doc__.splitlines()[0])
    parser.add_argument("path", nargs="?", default="", help="a photograph, or a folder of them")
    parser.add_argument("--folder", type=Path, default=config.build_folder() / "detect", help="where to write")
    options = parser.parse_args(arguments)
    try:
        if not options.path:
            raise ValueError("expected a photograph or a folder, got none, as in `make detect PHOTO=holidays.jpg`")
        deterministic()
        print(run(Path(options.path), folder=options.folder))
        return 0
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped: what is finished is kept; the same command goes on", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
