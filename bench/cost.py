"""What a candidate costs: multiplications, the rate at which the machine makes them, and growth."""

import time
from collections.abc import Iterator

import numpy as np

from maskdet import attack
from maskdet.config import Evolution
from maskdet.incremental import Incremental, kernels
from maskdet.incremental.layers import Change, Convolution, Dense

SIDE = 2048  # of the matrices whose product is the rate


def matmul() -> float:
    """Multiplications and additions a second of a float32 matrix product, the best of three."""
    a, seconds = np.random.default_rng(0).random((SIDE, SIDE), dtype=np.float32), []
    for _ in range(3):
        begin = time.perf_counter()
        a @ a
        seconds.append(time.perf_counter() - begin)
    return 2 * SIDE**3 / min(seconds)


def multiplications(network: Incremental, image: np.ndarray, *, seed: int, candidates: int = 2000) -> dict:
    """Multiplications a random candidate: of the whole forward pass; where something can have changed
    (`touched`: the least that an incremental pass makes if no value is zero); where it has (`made`)."""
    rng, face = np.random.default_rng(seed), network.face(image)
    pixels = np.column_stack([*(rng.integers(0, side, candidates) for side in (*image.shape[:2], 256, 256, 256))])
    changes = [Change(*kernels.pixels(image, pixels[:, None]))]
    whole = touched = made = 0
    for number, step in enumerate(network.steps, start=1):
        given = changes[step.inputs[0]]
        if isinstance(step, (Convolution, Dense)):
            taps, channels, columns = *step.kernel.shape[:2], step.shape[2]
            # How many places of the output each changed place reaches: all of them, of one, in a dense layer.
            reached = np.diff(step.reach[0])[given.place] if isinstance(step, Convolution) else given.place * 0 + 1
            whole += step.places * taps * channels * columns
            touched += reached.sum() * channels * columns / candidates
            made += (reached * (given.values[:, :channels] != 0).sum(axis=1)).sum() * columns / candidates
        changes.append(step.change(*(changes[i] for i in step.inputs),
                                   face.tensors[step.inputs[0]], face.tensors[number]))
    return {"whole": int(whole), "touched": int(touched), "made": int(made)}


def growth(network: Incremental, images: np.ndarray, labels: np.ndarray, *, seed: int,
           generations: int = 20) -> Iterator[dict]:
    """Seconds of differential evolution on faces that no corner flips, as faces, population or pixels grow."""
    def seconds(faces: int, population: int, size: int) -> dict:
        search = attack.DifferentialEvolution(Evolution(population, generations), size=size)
        begin = time.perf_counter()
        found = list(attack.attack(network, images[:faces], labels[:faces], search=search, seed=seed))
        spent = time.perf_counter() - begin
        asked = sum(verdict.queries for _, verdict in found)
        return {"faces": faces, "population": population, "pixels": size, "generations": generations,
                "seconds": round(spent, 4), "evaluations_per_second": round(asked / spent)}

    seconds(2, 400, 1)  # compiles
    for faces in (2, 4, 8):
        yield seconds(faces, 400, 1)
    for population in (100, 200, 800):
        yield seconds(4, population, 1)
    for size in (3, 5):
        yield seconds(4, 400, size)
