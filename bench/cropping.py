"""`python -m bench.cropping FOLDER [COUNT]`: our MTCNN beside the package's, on photographs of a folder.

Both on one thread of one process, photograph by photograph, in turn. Needs no environment but the usual one.
"""

import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tqdm import tqdm

from maskdet import data, faces
from maskdet.faces.detectors import Detect

NEAR = 2  # pixels by which the edges of a box may differ
ROUNDS = 3  # of which the fastest counts


@dataclass(frozen=True)
class Comparison:
    """One photograph: the package's boxes, how many of them ours has too, how many more ours has, and seconds."""

    boxes: int
    same: int
    extra: int
    seconds: float
    stock: float


def compare(photograph: np.ndarray, *, detect: Detect, stock: Detect) -> Comparison:
    """`photograph` (H, W, 3) uint8, by two detectors; boxes pair up one to one."""
    seconds, found = [np.inf, np.inf], [None, None]
    for _ in range(ROUNDS):
        for which, search in enumerate((detect, stock)):
            start = time.perf_counter()
            found[which], _ = search(photograph)
            seconds[which] = min(seconds[which], time.perf_counter() - start)
    own, theirs = found
    index, _ = faces.match(own, theirs, iou=0.1)
    apart = np.abs(own[index[index >= 0]] - theirs[index >= 0]).max(axis=1)
    same = int((apart <= NEAR).sum())
    return Comparison(len(theirs), same, len(own) - same, *seconds)


def main(arguments: list[str]) -> int:
    """Compare on `COUNT` photographs of the folder, 60 unless it is given, drawn at random; print what is counted."""
    if not 1 <= len(arguments) <= 2:
        raise ValueError("expected a folder of photographs and their number, as in "
                         "`python -m bench.cropping data/larxel/images 60`")
    paths = sorted(path for path in Path(arguments[0]).rglob("*") if path.suffix.lower() in (".jpg", ".jpeg", ".png"))
    count = min(int(*arguments[1:] or [60]), len(paths))
    if not count:
        raise FileNotFoundError(f"expected photographs in {arguments[0]}, got none")
    chosen = [paths[which] for which in np.random.default_rng(0).permutation(len(paths))[:count]]
    detectors = {"detect": faces.detector("mtcnn"), "stock": faces.detector("mtcnn-stock")}
    compare(np.full((64, 64, 3), 127, np.uint8), **detectors)  # compiles
    rows = [compare(data.read_image(path), **detectors) for path in tqdm(chosen, unit="photograph", disable=None)]
    ratios = [row.stock / row.seconds for row in rows]
    low, middle, high = np.percentile(ratios, [25, 50, 75])
    print(f"{count} photographs: {sum(row.same for row in rows)} of {sum(row.boxes for row in rows)} boxes within "
          f"{NEAR} px, {sum(row.extra for row in rows)} more; {middle:.1f} times as fast (quartiles {low:.1f} and "
          f"{high:.1f}), {1000 * np.median([row.seconds for row in rows]):.0f} ms a photograph")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
