"""Seconds, of ours and of the peers, alternating in one run on the same faces, budget and machine."""

import time
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from bench.cost import matmul
from maskdet import attack, files, networks
from maskdet.config import Evolution, Profile
from maskdet.incremental import Incremental
from maskdet.networks.backend import keras

FACES, FLIPPABLE = 20, 8  # faces a network, and of these at most so many that a corner flips
OURS_EVERY = 4  # rounds: all faces by each of ours, while the peers have a face a round


@dataclass(frozen=True)
class Faces:
    """The faces (N, 50, 50, 3) of a benchmark, their labels, and whether one corner flips each."""

    images: np.ndarray
    labels: np.ndarray
    flippable: np.ndarray


def chosen(model: keras.Model, network: Incremental, images: np.ndarray, labels: np.ndarray, run: Profile) -> Faces:
    """FACES faces that the network has right: those that a corner flips, FLIPPABLE at most, and others.
    Raises ValueError where there are too few, or none of either kind."""
    swept = attack.sweep(networks.predictor(model), network, images, labels, name=model.name, search=attack.Corners(),
                         profile=run)
    flipped, standing = (np.random.default_rng(run.seed).permutation(swept.faces[kind])
                         for kind in (swept.flipped, ~swept.flipped))
    flipped = flipped[:FLIPPABLE]
    faces = np.concatenate([flipped, standing[:FACES - len(flipped)]])
    if len(faces) < FACES or not len(flipped) or not len(standing):
        raise ValueError(f"expected {FACES} faces that {model.name} has right, some of which a pixel flips and some "
                         f"not, got {len(flipped)} and {len(standing)}")
    faces = np.random.default_rng(run.seed).permutation(faces)
    return Faces(images[faces], labels[faces], np.isin(faces, flipped))


def searches(settings: Evolution) -> tuple[attack.Search, ...]:
    """Ours."""
    return attack.DifferentialEvolution(settings), attack.Corners(), attack.Guided()


def rounds(faces: Faces, network: Incremental, peers: Mapping, journal: files.Journal, *, seed: int,
           settings: Evolution, progress) -> None:
    """Fill the journal: in round i each peer attacks face i; in every OURS_EVERY-th, ours attack all."""
    _ours(faces, network, seed=seed, settings=settings)  # compiles
    for index in range(len(faces.images)):
        if str(index) not in journal.items:
            order = np.random.default_rng([seed, index]).permutation(list(peers))
            found = {"matmul": matmul(), "peers": {}, "ours": {}}
            for name in order:
                begin = time.perf_counter()
                outcome = peers[name](faces.images[index], int(faces.labels[index]), seed=seed + index)
                found["peers"][str(name)] = {"seconds": time.perf_counter() - begin, "queries": outcome.queries,
                                             "flipped": outcome.flipped}
            if index % OURS_EVERY == 0:
                found["ours"] = _ours(faces, network, seed=seed, settings=settings)
            journal.add(str(index), found)
        progress.update()


def _ours(faces: Faces, network: Incremental, *, seed: int, settings: Evolution) -> dict:
    """Each of ours on all faces: seconds, and the queries and flips of each face."""
    found = {}
    # Compiles, before time is taken.
    short = attack.DifferentialEvolution(Evolution(settings.population, generations=0))
    list(attack.attack(network, faces.images, faces.labels, search=short, seed=seed))
    for search in searches(settings):
        begin = time.perf_counter()
        verdicts = dict(attack.attack(network, faces.images, faces.labels, search=search, seed=seed))
        seconds = time.perf_counter() - begin
        ordered = [verdicts[index] for index in range(len(verdicts))]
        found[search.name] = {"seconds": seconds, "queries": [verdict.queries for verdict in ordered],
                              "flipped": [verdict.flipped for verdict in ordered]}
    return found
