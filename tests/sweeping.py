"""A sweep in a process of its own, for tests: `python sweeping.py [N]`, with MASKDET_BUILD set, is killed by
SIGKILL when its journal has N more faces, in the middle of the next."""

import dataclasses
import os
import signal
import sys

import numpy as np

from maskdet import attack, config, files
from maskdet.incremental import Incremental
from maskdet.incremental.bends import Relu
from maskdet.incremental.layers import Convolution, Dense, rows

PROFILE = dataclasses.replace(config.PROFILES["smoke"], name="test", attacked=99,
                              evolution=config.Evolution(population=100, generations=100))
FACES = 16


def network() -> Incremental:
    """A small network of plain arrays: no Keras, which takes seconds to start."""
    rng = np.random.default_rng(1)
    covers = [[12 * (y + dy) + x + dx for dy, dx in np.ndindex(3, 3)] for y, x in np.ndindex(10, 10)]
    convolution = Convolution(inputs=(0,), shape=(10, 10, 32), covers=np.array(covers, np.int32), under=144,
                              kernel=rows(rng.normal(0, 0.1, (9, 3, 32))), offset=rows(np.zeros(32)))
    dense = Dense(inputs=(2,), shape=(1, 1, 2), kernel=rows(rng.normal(0, 0.02, (100, 32, 2))),
                  offset=rows(np.zeros(2)))
    return Incremental((convolution, Relu(inputs=(1,), shape=(10, 10, 32)), dense), (12, 12, 3))


def predict(images: np.ndarray) -> np.ndarray:
    """The whole forward pass."""
    logits = np.array([network().face(image).logits for image in images])
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def sweep() -> attack.Sweep:
    """All faces, by the workers that SCHEDULER names or the processes of this machine."""
    images = np.random.default_rng(0).integers(0, 256, (FACES, 12, 12, 3), dtype=np.uint8)
    return attack.sweep(predict, network(), images, predict(images).argmax(axis=1), name="net",
                        search=attack.DifferentialEvolution(PROFILE.evolution), profile=PROFILE)


class Killed(files.Journal):
    """A journal that dies while it writes, when it has `left` more items."""

    left = 0

    def add(self, name, item):
        if Killed.left == 0:
            with self.path.open("a") as file:
                file.write(f'["{name}", {{"label"')
            os.kill(os.getpid(), signal.SIGKILL)
        Killed.left -= 1
        super().add(name, item)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        Killed.left, files.Journal = int(sys.argv[1]), Killed
    sweep()
