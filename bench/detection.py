"""`python -m bench.detection [PROFILE]`: how long a photograph takes, by detector and size, to results/detection.json.

All detectors search the same photographs, alternating, each on one thread. Then the whole system, from a decoded
photograph to labelled boxes, runs in one process and, alternating, in one on each of two processors. The usual
environment is enough.
"""

import sys
import time
from collections.abc import Callable
from functools import partial

import numpy as np
from PIL import Image
from tqdm import tqdm

from bench import photographed
from maskdet import data, detect, deterministic, faces, networks
from maskdet.record import results
from maskdet.workers import each

MEGAPIXELS = (0.3, 1, 2, 4)
COUNT = 12  # photographs, each resized to every size
DETECTORS = ("mtcnn-stock", "mtcnn", "yunet")
WHOLE = "yunet and resnet"  # the whole system
STOCK = DETECTORS[0]
FRAME = (640, 480)  # pixels of a photograph for the rates
READY, WINDOW = 40, 10  # seconds until all processes have started, and of each turn
TURNS = 7


def whole() -> Callable[[np.ndarray], list]:
    """The whole system: from a photograph (H, W, 3) uint8 to its labelled faces."""
    return partial(detect.label_faces, detect=faces.detector("yunet"), predict=networks.load("resnet"))


def resized(photograph: np.ndarray, megapixels: float) -> np.ndarray:
    """`photograph` (H, W, 3), resized to a number of megapixels."""
    scale = (1e6 * megapixels / np.prod(photograph.shape[:2])) ** 0.5
    size = [round(scale * side) for side in photograph.shape[1::-1]]
    return np.asarray(Image.fromarray(photograph).resize(size, Image.Resampling.BILINEAR))


def timed(call: Callable, photograph: np.ndarray) -> tuple[float, float]:
    """Seconds that `call` takes: by the clock, and of a processor."""
    start = time.perf_counter(), time.process_time()
    call(photograph)
    return time.perf_counter() - start[0], time.process_time() - start[1]


def by_size(photographs: list[np.ndarray]) -> dict:
    """For each system and size: the median seconds, by the clock and of a processor, and the median of how many times
    as many processor seconds the `mtcnn` package takes on the same photograph."""
    systems = {name: faces.detector(name) for name in DETECTORS} | {WHOLE: whole()}
    table = {name: {} for name in systems}
    for size in tqdm(MEGAPIXELS, desc="sizes", unit="", disable=None):
        rows = []
        for photograph in photographs:
            shown = resized(photograph, size)
            if not rows:  # the first call of a size compiles, and lets memory grow
                [call(shown) for call in systems.values()]
            rows.append([timed(call, shown) for call in systems.values()])
        seconds = np.array(rows)  # photographs, systems, two clocks
        ratio = np.median(seconds[:, :1, 1] / seconds[:, :, 1], axis=0)
        for name, (clock, processor), times in zip(systems, np.median(seconds, axis=0), ratio):
            table[name][f"{size:g}"] = {"clock": round(clock, 4), "processor": round(processor, 4),
                                        "ratio": round(times, 1)}
    return table


def rate(photographs: list[np.ndarray], begin: float, turns: range) -> np.ndarray:
    """Photographs per second through the whole system in this process, by the clock and of a processor, (turns, 2).

    The turns, of WINDOW seconds each, are counted from `begin` (in the seconds of `time.time`). Raises RuntimeError
    if this process is not ready in time.
    """
    deterministic()
    system, measured = whole(), []
    for photograph in photographs:
        system(photograph)
    for turn in turns:
        if (ahead := begin + turn * (WINDOW + 1) - time.time()) < 0:
            raise RuntimeError(f"expected each process to be ready in time, got a delay of {-ahead:.0f} seconds: "
                               "measure when the machine does nothing else")
        time.sleep(ahead)
        count, start = 0, (time.perf_counter(), time.process_time())
        while time.perf_counter() < start[0] + WINDOW:
            system(photographs[count % len(photographs)])
            count += 1
        measured.append((count / (time.perf_counter() - start[0]), count / (time.process_time() - start[1])))
    return np.array(measured)


def rates(photographs: list[np.ndarray]) -> dict:
    """Photographs per second, by the number of processes: alternately of one process and of two together, TURNS turns
    each; the median, the least and the most by the clock, and the median of a processor."""
    frames = [np.asarray(Image.fromarray(photograph).resize(FRAME, Image.Resampling.BILINEAR))
              for photograph in photographs]
    begin = time.time() + READY
    both = range(2 * TURNS), range(1, 2 * TURNS, 2)
    speeds = dict(each({turns: partial(rate, frames, begin, turns) for turns in both}, workers=2))
    first, second = (speeds[turns] for turns in both)
    return {processes: {"clock": round(np.median(clock), 1), "least": round(clock.min(), 1),
                        "most": round(clock.max(), 1), "processor": round(np.median(processor), 1)}
            for processes, (clock, processor) in (("1", first[::2].T), ("2", (first[1::2] + second).T))}


def main(arguments: list[str]) -> int:
    """Measure on random photographs of a profile, by default larxel."""
    run = photographed(arguments, command="make bench-detection")
    deterministic()
    dataset = data.read(run)
    names = dataset.photographs.photograph[dataset.photographs.annotated].sample(COUNT, random_state=run.seed)
    photographs = [dataset.image(name) for name in names]
    results.write_record("detection", {
        "run": run.name, "photographs": COUNT, "seconds": by_size(photographs), "frame": "×".join(map(str, FRAME)),
        "turns": TURNS, "window": WINDOW, "rates": rates(photographs)})
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
