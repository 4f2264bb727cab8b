"""The search of a well-known public one-pixel attack on Keras networks, with its loops.

Rewritten from differential_evolution.py (commit 4504edc) and helper.py (13d2587) of
github.com/Hyperparticle/one-pixel-attack-keras, MIT: the solver of SciPy 0.19, changed to compute the energies of a
whole population at once. It draws in the same order: a seed gives the same candidates.
"""

import numpy as np

from maskdet.config import Evolution

GENES = 5  # a pixel: row, column, red, green, blue


class Solver:
    """Differential evolution on `energy(points (P, 5)) -> (P,)`, each gene from 0 to its limit (5,).

    Trials are created, brought within bounds, scaled and compared member by member; only their energies are computed
    all at once. The best member stays at index 0.
    """

    def __init__(self, energy, limits: np.ndarray, *, rng: np.random.RandomState, settings: Evolution):
        size = settings.population
        self.energy, self.limits, self.rng, self.settings = energy, limits, rng, settings
        slices = (np.arange(size)[:, None] + rng.random_sample((size, GENES))) / size
        self.members = np.stack([column[rng.permutation(size)] for column in slices.T], axis=1)
        self.energies = self._energies(self.members)
        first = [0, int(np.argmin(self.energies))]
        self.members[first], self.energies[first] = self.members[first[::-1]], self.energies[first[::-1]]

    @property
    def best(self) -> np.ndarray:
        """The best member (5,) in its units."""
        return self.members[0] * self.limits

    def evolve(self) -> None:
        """One generation."""
        scale = self.rng.uniform(*self.settings.scale)
        trials = np.array([self._trial(member, scale) for member in range(len(self.members))])
        for trial in trials:
            for gene in np.flatnonzero((trial < 0) | (trial >= 1)):
                trial[gene] = self.rng.random_sample()
        for member, (trial, energy) in enumerate(zip(trials, self._energies(trials))):
            if energy < self.energies[member]:
                self.members[member], self.energies[member] = trial, energy
                if energy < self.energies[0]:
                    self.members[0], self.energies[0] = trial, energy

    def _energies(self, members: np.ndarray) -> np.ndarray:
        return self.energy(np.array([member * self.limits for member in members]))

    def _trial(self, member: int, scale: float) -> np.ndarray:
        fill = self.rng.randint(GENES)
        others = list(range(len(self.members)))
        others.remove(member)
        self.rng.shuffle(others)  # the public code shuffles all of them to get two
        mutant = self.members[0] + scale * (self.members[others[0]] - self.members[others[1]])
        crossed = self.rng.random_sample(GENES) < self.settings.recombination
        crossed[fill] = True
        return np.where(crossed, mutant, self.members[member])


def perturbed(image: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Copies (N, H, W, 3) of `image`, each changed by a point (5 k,), which may hold any number k of pixels."""
    images = np.tile(image, (len(points), 1, 1, 1))
    for copy, point in zip(images, points.astype(int)):
        for row, column, *colour in np.split(point, len(point) // GENES):
            copy[row, column] = colour
    return images
