"""What a candidate costs: multiplications, the machine's rate of multiplications, and how the time grows."""

import time
from collections.abc import Iterator

import numpy as np

from maskdet import attack
from maskdet.config import Evolution
from maskdet.incremental import Incremental, kernels
from maskdet.incremental.layers import Change, Convolution, Dense

SIDE = 2048  # of the matrices whose product is timed


def matmul() -> float:
    """Multiplications and additions per second of a float32 matrix product, the best of three."""
    a, seconds = np.random.default_rng(0).random((SIDE, SIDE), dtype=np.float32), []
    for _ in range(3):
        begin = time.perf_counter()
        a @ a
        seconds.append(time.perf_counter() - begin)
    return 2 * SIDE**3 / min(seconds)


def multiplications(network: Incremental, image: np.ndarray, *, seed: int, candidates: int = 2000) -> dict:
    """Multiplications per random candidate, on average: of a whole forward pass (`whole`); of what the changed pixel
    reaches (`touched`: an incremental pass needs these if no value is zero); of what it does change (`made`)."""
    rng, face = np.random.default_rng(seed), network.face(image)
    pixels = np.column_stack([*(rng.integers(0, side, candidates) for side in (*image.shape[:2], 256, 256, 256))])
    changes = [Change(*kernels.pixels(image, pixels[:, None]))]
    whole = touched = changed = 0
    for number, step in enumerate(network.steps, start=1):
        change = changes[step.inputs[0]]
        if isinstance(step, (Convolution, Dense)):
            taps, channels, columns = *step.kernel.shape[:2], step.shape[2]
            # How many places of the output each changed place reaches; a dense layer's output is one place.
            reached = np.diff(step.reach[0])[change.place] if isinstance(step, Convolution) else change.place * 0 + 1
            whole += step.places * taps * channels * columns
            touched += reached.sum() * channels * columns / candidates
            changed += (reached * (change.values[:, :channels] != 0).sum(axis=1)).sum() * columns / candidates
        changes.append(step.change(*(changes[i] for i in step.inputs),
                                   face.tensors[step.inputs[0]], face.tensors[number]))
    return {"whole": int(whole), "touched": int(touched), "made": int(changed)}


def growth(network: Incremental, images: np.ndarray, labels: np.ndarray, *, seed: int,
           generations: int = 20) -> Iterator[dict]:
    """Seconds of differential evolution on faces that no corner flips, for more faces, members or pixels."""
    def seconds(faces: int, population: int, size: int) -> dict:
        search = attack.DifferentialEvolution(Evolution(population, generations), size=size)
        begin = time.perf_counter()
        attempts = list(attack.stream(network, images[:faces], labels[:faces], search=search, seed=seed))
        spent = time.perf_counter() - begin
        queries = sum(attempt.queries for _, attempt in attempts)
        return {"faces": faces, "population": population, "pixels": size, "generations": generations,
                "seconds": round(spent, 4), "evaluations_per_second": round(queries / spent)}

    seconds(2, 400, 1)  # compiles
    for faces in (2, 4, 8):
        yield seconds(faces, 400, 1)
    for population in (100, 200, 800):
        yield seconds(4, population, 1)
    for size in (3, 5):
        yield seconds(4, 400, size)
