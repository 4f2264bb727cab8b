"""Differential evolution (Storn & Price 1997), and the attack that it drives (Su et al. 2019).

The preprint's code updates its population member by member; here it is updated as a whole.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from maskdet.attack.goals import Goal
from maskdet.attack.oracle import Face, Found, check_settings, flip_limit, suffix
from maskdet.config import Evolution

NAME = "differential_evolution"
OBJECTIVES = {"margin": Goal.margin, "confidence": Goal.confidence}


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
    """Genes (M, P (2 + C)) in [0, 1) as P pixels (M, P, 2 + C), whole numbers, of an image of `shape` (H, W, C)."""
    height, width, channels = shape
    limit = np.array([height, width, *[256] * channels])
    genes = np.asarray(genes).reshape(len(genes), -1, len(limit))
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
        if not isinstance(self.settings, Evolution):
            raise TypeError("expected settings, such as Evolution(population=400, generations=75) of maskdet.config, "
                            f"got {self.settings!r}")
        check_settings(self.size, region=self.region)
        if self.objective not in OBJECTIVES:
            raise ValueError(f"expected an objective, one of {', '.join(OBJECTIVES)}, got {self.objective!r}")

    @property
    def name(self) -> str:
        objective = "" if self.objective == "margin" else f"_by_{self.objective}"
        return NAME + suffix(region=self.region, size=self.size) + objective

    def within(self, queries: int) -> "DifferentialEvolution":
        """The same with as many whole generations as `queries` allow, the first population included, and no more than
        now. Raises ValueError where they do not allow that population."""
        population = self.settings.population
        if queries < population:
            raise ValueError(f"expected queries of at least a population, {population}, got {queries}: allow more, or "
                             "give a search of a smaller population, DifferentialEvolution(Evolution(population=...))")
        generations = min(queries // population - 1, self.settings.generations)
        return replace(self, settings=replace(self.settings, generations=generations))

    def __call__(self, face: Face, goal: Goal, *, rng: np.random.Generator) -> Found:
        height, width, channels = face.image.shape
        shape = (min(height, self.region or height), min(width, self.region or width), channels)
        population = Population((2 + channels) * self.size, rng=rng, settings=self.settings)
        limit, objective = -flip_limit(face), OBJECTIVES[self.objective]
        for generation in range(self.settings.generations + 1):
            trial = population.trial()
            pixels = decoded(trial, shape=shape)
            logits = face.query(pixels)
            margins = goal.margin(logits)
            if margins.min() < limit:
                return Found(pixels[margins.argmin()], (generation + 1) * len(trial))
            population.select(trial, objective(goal, logits))
        best = population.members[population.best]
        return Found(decoded(best[None], shape=shape)[0], (generation + 1) * len(trial))
