"""A sweep in a process of its own, for tests that kill it: `python sweeping.py`, with MASKDET_BUILD set."""

import dataclasses

import numpy as np

from maskdet import attack, config
from maskdet.incremental import Incremental
from maskdet.incremental.layers import Convolution, Dense, Relu, rows

PROFILE = dataclasses.replace(config.PROFILES["smoke"], name="test", attacked=99,
                              evolution=config.Evolution(population=100, generations=60))
FACES = 16


def network() -> Incremental:
    """A small network of plain arrays: no Keras, which takes seconds to start."""
    rng = np.random.default_rng(1)
    covers = np.array([[12 * (y + dy) + x + dx for dy, dx in np.ndindex(3, 3)] for y, x in np.ndindex(10, 10)], np.int32)
    convolution = Convolution(inputs=(0,), shape=(10, 10, 32), covers=covers, under=144,
                              kernel=rows(rng.normal(0, 0.1, (9, 3, 32))), offset=rows(np.zeros(32)))
    dense = Dense(inputs=(2,), shape=(1, 1, 2), kernel=rows(rng.normal(0, 0.02, (100, 32, 2))), offset=rows(np.zeros(2)))
    return Incremental((convolution, Relu(inputs=(1,), shape=(10, 10, 32)), dense), (12, 12, 3))


def predict(images: np.ndarray) -> np.ndarray:
    """The whole forward pass."""
    logits = np.array([network().face(image).logits for image in images])
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def sweep() -> attack.Sweep:
    """All faces, by the workers that SCHEDULER names or the threads of this machine."""
    images = np.random.default_rng(0).integers(0, 256, (FACES, 12, 12, 3), dtype=np.uint8)
    return attack.sweep(predict, network(), images, predict(images).argmax(axis=1), name="net",
                        search=attack.DifferentialEvolution(PROFILE.evolution), profile=PROFILE)


if __name__ == "__main__":
    sweep()
