"""`python -m bench.detection [PROFILE]`: how long a photograph takes, by detector and size.

Written to results/detection.json.

The same photographs for all, alternating, each on one thread; then the whole system, a decoded photograph in and
labelled boxes out, in one process and in one for each of two processors, by turns. Needs no environment but the usual
one.
"""

import sys
import time
from collections.abc import Callable
from functools import partial

import numpy as np
from PIL import Image
from tqdm import tqdm

from bench import photographed
from maskdet import data, deterministic, detect, faces, networks
from maskdet.record import results
from maskdet.workers import each

MEGAPIXELS = (0.3, 1, 2, 4)
COUNT = 12  # photographs, each brought to every size
DETECTORS = ("mtcnn-stock", "mtcnn", "yunet")
WHOLE = "yunet and resnet"  # the whole system
STOCK = DETECTORS[0]
FRAME = (640, 480)  # pixels of a photograph for the rates
READY, WINDOW = 40, 10  # seconds until all processes have started, and for which photographs are counted
TURNS = 7


def whole() -> Callable[[np.ndarray], list]:
    """The whole system: a photograph (H, W, 3) uint8 to its labelled faces."""
    return partial(detect.label_faces, detect=faces.detector("yunet"), predict=networks.load("resnet"))


def resized(photograph: np.ndarray, megapixels: float) -> np.ndarray:
    """`photograph` (H, W, 3) with so many megapixels."""
    scale = (1e6 * megapixels / np.prod(photograph.shape[:2])) ** 0.5
    size = [round(scale * side) for side in photograph.shape[1::-1]]
    return np.asarray(Image.fromarray(photograph).resize(size, Image.Resampling.BILINEAR))


def timed(call: Callable, photograph: np.ndarray) -> tuple[float, float]:
    """Seconds by the clock, and seconds of a processor, that `call` takes."""
    start = time.perf_counter(), time.process_time()
    call(photograph)
    return time.perf_counter() - start[0], time.process_time() - start[1]


def by_size(photographs: list[np.ndarray]) -> dict:
    """Of each system and size the median seconds, by the clock and of a processor, and how many times as long the
    `mtcnn` package takes on the same photograph (the median of the ratios, of processor seconds)."""
    called = {name: faces.detector(name) for name in DETECTORS} | {WHOLE: whole()}
    table = {name: {} for name in called}
    for size in tqdm(MEGAPIXELS, desc="sizes", unit="", disable=None):
        rows = []
        for photograph in photographs:
            shown = resized(photograph, size)
            if not rows:  # the first call of a size compiles, and lets memory grow
                [call(shown) for call in called.values()]
            rows.append([timed(call, shown) for call in called.values()])
        seconds = np.array(rows)  # photographs, systems, two clocks
        ratio = np.median(seconds[:, :1, 1] / seconds[:, :, 1], axis=0)
        for name, (clock, processor), times in zip(called, np.median(seconds, axis=0), ratio):
            table[name][f"{size:g}"] = {"clock": round(clock, 4), "processor": round(processor, 4),
                                        "ratio": round(times, 1)}
    return table


def rate(photographs: list[np.ndarray], begin: float, turns: range) -> np.ndarray:
    """Photographs a second through the whole system, in this process, for WINDOW seconds in each of the `turns` that
    follow each other from `begin` (as `time.time` has it), (turns, 2): by the clock, and of a processor. Raises
    RuntimeError where this process was not ready by then."""
    deterministic()
    system, found = whole(), []
    for photograph in photographs:
        system(photograph)
    for turn in turns:
        if (ahead := begin + turn * (WINDOW + 1) - time.time()) < 0:
            raise RuntimeError(f"expected a process to be ready in time, got one {-ahead:.0f} seconds later: "
                               "measure when the machine does nothing else")
        time.sleep(ahead)
        count, start = 0, (time.perf_counter(), time.process_time())
        while time.perf_counter() < start[0] + WINDOW:
            system(photographs[count % len(photographs)])
            count += 1
        found.append((count / (time.perf_counter() - start[0]), count / (time.process_time() - start[1])))
    return np.array(found)


def rates(photographs: list[np.ndarray]) -> dict:
    """`rate` in one process and in two in the same seconds, summed, in TURNS turns each, by turns; of the photographs a
    second by the clock the median, the least and the most, and of a processor the median, by how many processes."""
    frames = [np.asarray(Image.fromarray(one).resize(FRAME, Image.Resampling.BILINEAR)) for one in photographs]
    begin = time.time() + READY
    both = range(2 * TURNS), range(1, 2 * TURNS, 2)
    rates = dict(each({turns: partial(rate, frames, begin, turns) for turns in both}, workers=2))
    first, second = (rates[turns] for turns in both)
    return {str(processes): {"clock": round(np.median(found[:, 0]), 1), "least": round(found[:, 0].min(), 1),
                             "most": round(found[:, 0].max(), 1), "processor": round(np.median(found[:, 1]), 1)}
            for processes, found in ((1, first[::2]), (2, first[1::2] + second))}


def main(arguments: list[str]) -> int:
    """Measure on photographs of a profile, larxel unless it is named, drawn at random."""
    run = photographed(arguments, command="make bench-detection")
    deterministic()
    dataset = data.read(run)
    names = dataset.photographs.photograph[dataset.photographs.annotated].sample(COUNT, random_state=run.seed)
    photographs = [dataset.image(name) for name in names]
    results.write_record("detection", {"run": run.name, "photographs": COUNT, "seconds": by_size(photographs),
                                "frame": "×".join(map(str, FRAME)), "turns": TURNS, "window": WINDOW,
                                "rates": rates(photographs)})
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
