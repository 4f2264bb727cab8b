"""Differential evolution (Storn & Price 1997), and the attack that it drives (Su et al. 2019).

The preprint's code updates its population member by member; here it is updated as a whole.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from maskdet.attack.oracle import Face, Found, confidence, flip_limit, margin, region_suffix
from maskdet.config import Evolution

NAME = "differential_evolution"
OBJECTIVES = {"margin": margin, "confidence": confidence}
GENES = 5  # a pixel: row, column, red, green, blue


class Population:
    """Members (P, D) in [0, 1)^D with their energies (P,), evolved by best/1/bin.

    The trial of member i is  best + F (a - b),  with a and b two other members and F drawn anew from `scale` in each
    generation. With probability `recombination` a gene is the trial's, else that of member i. A gene outside [0, 1)
    is drawn anew. A trial of less energy replaces its member. The caller alternates `trial` and `select`, and computes
    the energies in between.
    """

    def __init__(self, dimensions: int, *, rng: np.random.Generator, settings: Evolution):
        size = settings.population
        self.rng, self.settings = rng, settings
        self.energies = np.full(size, np.inf)
        # A Latin hypercube: in each dimension, one member in each of P equal slices.
        slices = np.stack([rng.permutation(size) for _ in range(dimensions)], axis=1)
        self.members = (slices + rng.random((size, dimensions))) / size

    @property
    def best(self) -> int:
        """The member of least energy."""
        return int(np.argmin(self.energies))

    def trial(self) -> np.ndarray:
        """The next candidates (P, D): first the population itself, then a trial for each member."""
        if np.isinf(self.energies).all():  # no energy is known yet
            return self.members
        rng, (size, dimensions) = self.rng, self.members.shape
        # Two other members, as offsets from i modulo P: a of the P - 1 others, b of the P - 2 others that are not a.
        own = np.arange(size)
        a, b = rng.integers(1, size, size), rng.integers(1, size - 1, size)
        b += b >= a
        a, b = (own + a) % size, (own + b) % size
        scale = rng.uniform(*self.settings.scale)  # F
        trial = self.members[self.best] + scale * (self.members.take(a, axis=0) - self.members.take(b, axis=0))
        if self.settings.recombination < 1:
            crossed = rng.random((size, dimensions)) < self.settings.recombination
            crossed[own, rng.integers(0, dimensions, size)] = True  # at least one gene
            trial = np.where(crossed, trial, self.members)
        outside = (trial < 0) | (trial >= 1)
        trial[outside] = rng.random(np.count_nonzero(outside))
        return trial

    def select(self, trial: np.ndarray, energies: np.ndarray) -> None:
        """Replace each member whose trial has less energy (P,)."""
        better = energies < self.energies
        self.members = np.where(better[:, None], trial, self.members)
        self.energies = np.where(better, energies, self.energies)


def minimise(energy, dimensions: int, *, rng: np.random.Generator,
             settings: Evolution = Evolution()) -> tuple[np.ndarray, np.ndarray]:
    """Evolve a population on `energy(members (P, D) in [0, 1)) -> (P,)`, for figures. Returns the population (G + 1, P,
    D) and its energies (G + 1, P) in each of the G generations."""
    population, members, energies = Population(dimensions, rng=rng, settings=settings), [], []
    for _ in range(settings.generations + 1):
        trial = population.trial()
        population.select(trial, energy(trial))
        members.append(population.members)
        energies.append(population.energies)
    return np.array(members), np.array(energies)


def decoded(genes: np.ndarray, *, shape: Sequence[int]) -> np.ndarray:
    """Genes (P, 5 K) in [0, 1) as K pixels (P, K, 5), whole numbers, of an image of `shape`."""
    limit = np.array([*shape[:2], 256, 256, 256])
    genes = np.asarray(genes).reshape(len(genes), -1, GENES)
    return np.minimum((genes * limit).astype(int), limit - 1)


@dataclass(frozen=True)
class DifferentialEvolution:
    """The preprint's search, black-box: `size` pixels at once, until a flip beyond rounding or the last generation. It
    searches every place, or the rows and columns below `region`, and minimises the `objective`, of OBJECTIVES."""

    settings: Evolution = Evolution()
    size: int = 1
    region: int | None = None
    objective: str = "margin"

    def __post_init__(self):
        if self.size < 1:
            raise ValueError(f"expected a size of at least one pixel, got {self.size}")
        if self.objective not in OBJECTIVES:
            raise ValueError(f"expected an objective, one of {', '.join(OBJECTIVES)}, got {self.objective!r}")

    @property
    def name(self) -> str:
        sized = "" if self.size == 1 else f"_{self.size}_pixels"
        objective = "" if self.objective == "margin" else f"_by_{self.objective}"
        return NAME + region_suffix(self.region) + sized + objective

    def __call__(self, face: Face, label: int, *, rng: np.random.Generator) -> Found:
        population = Population(GENES * self.size, rng=rng, settings=self.settings)
        limit, shape = -flip_limit(face), np.minimum(face.image.shape[:2], self.region or max(face.image.shape))
        for generation in range(self.settings.generations + 1):
            trial = population.trial()
            pixels = decoded(trial, shape=shape)
            logits = face.query(pixels)
            margins = margin(logits, label)
            if margins.min() < limit:
                return Found(pixels[margins.argmin()], (generation + 1) * len(trial))
            population.select(trial, OBJECTIVES[self.objective](logits, label))
        best = population.members[population.best]
        return Found(decoded(best[None], shape=shape)[0], (generation + 1) * len(trial))
