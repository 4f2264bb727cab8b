"""Differential evolution (Storn & Price 1997), and the one-pixel attack that it drives (Su et al. 2019).

The preprint's source evolves each face alone and updates its population member by member; here a
generation of many faces is one call of `predict`, and a population is updated as a whole.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from maskdet import files
from maskdet.attack.pixels import Predict, Verdict, asked, changed
from maskdet.config import Evolution

GENES = 5  # row, column, red, green, blue


class Population:
    """Members (P, D) of [0, 1)^D with their energies (P,), evolved by best/1/bin.

    A trial of member i is  best + F (a - b),  a and b two other members, F drawn anew from
    `scale` each generation; each of its genes is kept with probability `recombination`, else it is
    that of member i; a gene outside [0, 1) is drawn anew. A trial replaces its member if it has
    less energy. `trial` and `select` alternate: whoever calls them computes the energies.
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
        """The next candidates (P, D): at first the population itself, then one trial a member."""
        if np.isinf(self.energies).all():  # nothing was selected yet
            return self.members
        size, dimensions = self.members.shape
        rng = self.rng
        # Two distinct others, as steps from each member: of P-1, then of the P-2 that are left.
        own = np.arange(size)
        a, b = rng.integers(1, size, size), rng.integers(1, size - 1, size)
        b += b >= a
        a, b = (own + a) % size, (own + b) % size
        scale = rng.uniform(*self.settings.scale)
        mutant = self.members[self.best] + scale * (self.members[a] - self.members[b])
        crossed = rng.random((size, dimensions)) < self.settings.recombination
        crossed[own, rng.integers(0, dimensions, size)] = True  # at least one gene
        trial = np.where(crossed, mutant, self.members)
        outside = (trial < 0) | (trial >= 1)
        return np.where(outside, rng.random((size, dimensions)), trial)

    def select(self, trial: np.ndarray, energies: np.ndarray) -> None:
        """Let each trial of less energy (P,) take its member's place."""
        better = energies < self.energies
        self.members = np.where(better[:, None], trial, self.members)
        self.energies = np.where(better, energies, self.energies)


def minimise(energy, dimensions: int, *, rng: np.random.Generator,
             settings: Evolution = Evolution()) -> tuple[np.ndarray, np.ndarray]:
    """Evolve a population on `energy(members (P, D) in [0, 1)) -> (P,)`, for looking at.

    Returns the population (G + 1, P, D) and its energies (G + 1, P) at each of G generations.
    """
    population, members, energies = Population(dimensions, rng=rng, settings=settings), [], []
    for _ in range(settings.generations + 1):
        trial = population.trial()
        population.select(trial, energy(trial))
        members.append(population.members)
        energies.append(population.energies)
    return np.array(members), np.array(energies)


def pixels(genes: np.ndarray, *, shape: Sequence[int]) -> np.ndarray:
    """Genes (P, 5) in [0, 1) as whole numbers: row, column, red, green, blue of an image of `shape`."""
    limit = np.array([*shape[:2], 256, 256, 256])
    return np.minimum((np.asarray(genes) * limit).astype(int), limit - 1)


class _Search:
    """One face under attack: its population, and the number of candidates tried."""

    def __init__(self, image, label, before, *, seed, settings):
        # The draws depend on the seed and the face alone, not on the faces attacked beside it.
        words = np.frombuffer(bytes.fromhex(files.digest(image.tobytes(), int(label))), np.uint32)
        rng = np.random.default_rng([seed, *words.tolist()])
        self.population = Population(GENES, rng=rng, settings=settings)
        self.image, self.label, self.before = image, label, before
        self.queries, self.generation, self.after = 0, 0, before

    def candidates(self) -> np.ndarray:
        self.genes = self.population.trial()
        return changed(self.image, pixels(self.genes, shape=self.image.shape))

    def tell(self, probabilities: np.ndarray) -> None:
        energies, best = probabilities[:, self.label], self.population.energies.min()
        if energies.min() < best:
            self.after = probabilities[np.argmin(energies)]
        self.population.select(self.genes, energies)
        self.queries += len(energies)
        self.generation += 1

    @property
    def finished(self) -> bool:
        return (int(np.argmax(self.after)) != self.label
                or self.generation > self.population.settings.generations)

    def verdict(self) -> Verdict:
        population = self.population
        row, column, *colour = pixels(population.members[population.best], shape=self.image.shape).tolist()
        before, after = (tuple(float(p) for p in pair) for pair in (self.before, self.after))
        return Verdict(int(self.label), row, column, tuple(colour), before, after, self.queries)


def evolve(predict: Predict, images: np.ndarray, labels: np.ndarray, *, seed: int,
           settings: Evolution = Evolution(), together: int = 8) -> Iterator[tuple[int, Verdict]]:
    """Attack each face by differential evolution; yield its index and verdict as it finishes.

    Minimises the probability of the true class (`labels`, 0 or 1) of `images` (N, H, W, 3) uint8.
    A face is finished when its decision flips or after the last generation; `together` faces are
    evolved side by side and the next one takes the place of each that finishes. A verdict depends
    on `seed` and the face, not on its company. Raises ValueError for a face that `predict` already
    has wrong: success is counted among the others.
    """
    images, labels = np.asarray(images), np.asarray(labels)
    if images.dtype != np.uint8 or images.ndim != 4:
        raise ValueError(f"expected uint8 images (N, H, W, 3), got {images.dtype} {images.shape}")
    if labels.shape != images.shape[:1] or not np.isin(labels, (0, 1)).all():
        raise ValueError(f"expected a label, 0 or 1, for each of {len(images)} images, got {labels}")
    waiting, active = list(range(len(images))), {}
    while waiting or active:
        while waiting and len(active) < together:
            index = waiting.pop(0)
            before = asked(predict, images[index:index + 1])[0]
            if np.argmax(before) != labels[index]:
                raise ValueError(f"expected faces that the model has right, got face {index} wrong")
            active[index] = _Search(images[index], labels[index], before, seed=seed, settings=settings)
        candidates = [search.candidates() for search in active.values()]
        answers = asked(predict, np.concatenate(candidates))
        for index, answer in zip(list(active), np.split(answers, len(active))):
            active[index].tell(answer)
            if active[index].finished:
                yield index, active.pop(index).verdict()


def differential_evolution(predict: Predict, images: np.ndarray, labels: np.ndarray, *, seed: int,
                           settings: Evolution = Evolution()) -> list[Verdict]:
    """The verdicts of `evolve`, in the order of the images."""
    verdicts = dict(evolve(predict, images, labels, seed=seed, settings=settings))
    return [verdicts[index] for index in range(len(images))]
