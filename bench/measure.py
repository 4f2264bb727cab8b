"""Seconds of our searches and of the peers, alternating in one run, on the same faces, budget and machine."""

import time
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from bench.cost import matmul
from maskdet import attack, files
from maskdet.config import Evolution
from maskdet.incremental import Incremental

FACES, FLIPPABLE = 20, 8  # faces per network, and the most of them that a corner flips
OURS_EVERY = 4  # rounds: each of our searches then attacks all faces; the peers attack a face per round


@dataclass(frozen=True)
class Faces:
    """The faces, or other images, (N, H, W, 3) of a benchmark, their labels, and whether one corner flips each."""

    images: np.ndarray
    labels: np.ndarray
    flippable: np.ndarray


def chosen(name: str, images: np.ndarray, labels: np.ndarray, *, flipped: np.ndarray, others: np.ndarray,
           seed: int) -> Faces:
    """FACES of the images that a network classifies correctly: at most FLIPPABLE of those that a corner flips, by their
    numbers, and others. Raises ValueError if there are too few, or none of either kind."""
    flipped, others = (np.random.default_rng(seed).permutation(faces) for faces in (flipped, others))
    flipped = flipped[:FLIPPABLE]
    faces = np.concatenate([flipped, others[:FACES - len(flipped)]])
    if len(faces) < FACES or not len(flipped) or not len(others):
        raise ValueError(f"expected {FACES} images that {name} classifies correctly, some that a corner flips and "
                         f"some that none flips, got {len(flipped)} and {len(others)}")
    faces = np.random.default_rng(seed).permutation(faces)
    return Faces(images[faces], labels[faces], np.isin(faces, flipped))


def rounds(faces: Faces, network: Incremental, peers: Mapping, journal: files.Journal, *, seed: int,
           settings: Evolution, progress) -> None:
    """Fill the journal: in round i each peer attacks face i; in every OURS_EVERY-th, our searches attack all faces."""
    _ours(faces, network, seed=seed, settings=settings)  # compiles
    for index in range(len(faces.images)):
        if str(index) not in journal.items:
            order = np.random.default_rng([seed, index]).permutation(list(peers))
            attacks = {"matmul": matmul(), "peers": {}, "ours": {}}
            for name in order:
                begin = time.perf_counter()
                outcome = peers[name](faces.images[index], int(faces.labels[index]), seed=seed + index)
                attacks["peers"][str(name)] = {"seconds": time.perf_counter() - begin, "queries": outcome.queries,
                                               "flipped": outcome.flipped}
            if index % OURS_EVERY == 0:
                attacks["ours"] = _ours(faces, network, seed=seed, settings=settings)
            journal.add(str(index), attacks)
        progress.update()


def _ours(faces: Faces, network: Incremental, *, seed: int, settings: Evolution) -> dict:
    """Each of our searches on all faces: seconds, and the queries and flips of each face."""
    results = {}
    short = attack.DifferentialEvolution(Evolution(settings.population, generations=0))  # compiles first
    list(attack.stream(network, faces.images, faces.labels, search=short, seed=seed))
    for search in (attack.DifferentialEvolution(settings), attack.Corners(), attack.Guided()):
        begin = time.perf_counter()
        verdicts = dict(attack.stream(network, faces.images, faces.labels, search=search, seed=seed))
        seconds = time.perf_counter() - begin
        ordered = [verdicts[index] for index in range(len(verdicts))]
        results[search.name] = {"seconds": seconds, "queries": [verdict.queries for verdict in ordered],
                                "flipped": [verdict.flipped for verdict in ordered]}
    return results
