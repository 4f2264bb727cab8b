"""What an attack found: tables, faces for figures, the second look at each flip, the numbers."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from maskdet.attack.evolution import minimise, pixels
from maskdet.attack.pixels import Predict, changed, landscape
from maskdet.attack.sweep import Sweep
from maskdet.config import Evolution, Profile
from maskdet.counts import Count


def ackley(points: np.ndarray) -> np.ndarray:
    """Ackley's function (1987) of `points` (..., 2): 0 at the origin, its one global minimum."""
    x = np.asarray(points, float)
    hill = -20 * np.exp(-0.2 * np.sqrt((x**2).mean(axis=-1)))
    return hill - np.exp(np.cos(2 * np.pi * x).mean(axis=-1)) + 20 + np.e


def on_ackley(*, generations: Sequence[int], seed: int, population: int = 60, side: float = 5.0):
    """Differential evolution on Ackley's function within ±`side`, for a figure.

    Returns its surface (200, 200), its extent, the populations (G, P, 2) of `generations`, and these.
    """
    settings = Evolution(population=population, generations=max(generations))
    members, _ = minimise(lambda genes: ackley((2 * genes - 1) * side), 2,
                          rng=np.random.default_rng(seed), settings=settings)
    axis = np.linspace(-side, side, 200)
    surface = ackley(np.stack(np.meshgrid(axis, axis), axis=-1))
    return surface, (-side, side, -side, side), (2 * members[list(generations)] - 1) * side, generations


def on_face(predict: Predict, images: np.ndarray, labels: np.ndarray, *, generations: Sequence[int],
            seed: int, settings: Evolution):
    """Differential evolution on the rightly decided face of least confidence, for a figure.

    Returns its confidence landscape (H, W), the populations (G, P, 2: row, column) of
    `generations` (as many as `settings` allows), and these.
    """
    probabilities = predict(images)
    right = np.flatnonzero(probabilities.argmax(axis=1) == labels)
    if not len(right):
        raise ValueError(f"expected a face that the network has right, got none of {len(images)}")
    face = right[probabilities[right, labels[right]].argmin()]
    image, label = images[face], labels[face]
    generations = [generation for generation in generations if generation <= settings.generations]

    def energy(genes: np.ndarray) -> np.ndarray:
        return predict(changed(image, pixels(genes, shape=image.shape)))[:, label]

    short = Evolution(settings.population, max(generations), settings.scale, settings.recombination)
    members, _ = minimise(energy, 5, rng=np.random.default_rng(seed), settings=short)
    places = np.array([pixels(members[generation], shape=image.shape)[:, :2] for generation in generations])
    return landscape(predict, image, label), places, generations


def summary(sweeps: Mapping[str, Sweep]) -> pd.DataFrame:
    """A row a network: test faces, those right, attacked and flipped, and the queries a face."""
    rows = []
    for name, sweep in sweeps.items():
        queries = np.array([verdict.queries for verdict in sweep.verdicts])
        flipped = np.array([verdict.flipped for verdict in sweep.verdicts])
        rows.append({"test faces": sweep.tested, "right before": sweep.correct,
                     "attacked": len(queries), "flipped": sweep.flipped, "queries in all": queries.sum(),
                     "median of flipped": f"{np.median(queries[flipped]):.0f}" if flipped.any() else "–"})
    return pd.DataFrame(rows, index=list(sweeps))


def flipped_faces(sweeps: Mapping[str, Sweep], images: np.ndarray, *, at_most: int):
    """Flipped faces (N, H, W, 3) and their verdicts, network by network, `at_most` in all."""
    found = [(images[face], verdict) for sweep in sweeps.values()
             for face, verdict in zip(sweep.faces, sweep.verdicts) if verdict.flipped][:at_most]
    return np.array([image for image, _ in found]), [verdict for _, verdict in found]


def check(sweeps: Mapping[str, Sweep], predict: Mapping[str, Predict], images: np.ndarray) -> pd.DataFrame:
    """Set the pixel of each flip once more and ask the network. Raises AssertionError, naming the
    face, where a flip does not hold; returns how many were checked."""
    for name, sweep in sweeps.items():
        for face, verdict in zip(sweep.faces, sweep.verdicts):
            if verdict.flipped:
                image = changed(images[face], verdict.pixel)
                if not (image[0] != images[face]).any(axis=-1).sum() == 1:
                    raise AssertionError(f"{name}, face {face}: expected one changed pixel")
                if predict[name](image)[0].argmax() == verdict.label:
                    raise AssertionError(f"{name}, face {face}: expected a flip by pixel {verdict.pixel}, got none")
    return pd.DataFrame({"flips that hold": {name: sweep.flipped for name, sweep in sweeps.items()}})


def confidences(sweeps: Mapping[str, Sweep]) -> tuple[dict, dict, dict]:
    """Confidence in the true class before and after the attack, and which faces it flipped, (N,)
    each, by network."""
    rows = {name: [(v.before[v.label], v.after[v.label], v.flipped) for v in sweep.verdicts]
            for name, sweep in sweeps.items()}
    return tuple({name: np.array([row[column] for row in table]) for name, table in rows.items()}
                 for column in range(3))


def numbers(run: Profile, sweeps: Mapping[str, Sweep]) -> tuple[dict, dict]:
    """What this stage records: success among the rightly decided faces attacked; and its seconds."""
    settings = run.evolution
    success = {name: {"differential_evolution": Count(sweep.flipped, len(sweep.verdicts))}
               for name, sweep in sweeps.items()}
    evolution = {"population": settings.population, "generations": settings.generations,
                 "queries": settings.population * (settings.generations + 1),
                 "scale": "{} to {}".format(*settings.scale), "recombination": str(settings.recombination),
                 "asked": sum(v.queries for sweep in sweeps.values() for v in sweep.verdicts)}
    return ({"attack": success, "evolution": evolution},
            {name: sweep.seconds for name, sweep in sweeps.items()})
