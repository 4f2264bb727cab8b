"""Attempts as evidence: tables, faces for figures, the check of each flip, and the numbers of the stage."""

import dataclasses
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from maskdet.attack.complete import GUIDED
from maskdet.attack.evolution import NAME, decoded, minimise
from maskdet.attack.goals import Goal
from maskdet.attack.oracle import ROUNDING, Face, Network, Predict
from maskdet.attack.pixels import corners, every_pixel, every_place, set_pixels
from maskdet.attack.sweeps import Sweep
from maskdet.config import SIZE, Evolution, Profile
from maskdet.counts import clustered


def ackley(points: np.ndarray) -> np.ndarray:
    """Ackley's function (1987) of `points` (..., 2): 0 at the origin, its one global minimum."""
    x = np.asarray(points, float)
    hill = -20 * np.exp(-0.2 * np.sqrt((x**2).mean(axis=-1)))
    return hill - np.exp(np.cos(2 * np.pi * x).mean(axis=-1)) + 20 + np.e


def on_ackley(*, generations: Sequence[int], seed: int, population: int = 60, side: float = 5.0):
    """Differential evolution on Ackley's function within ±`side`, for `figures.ackley`. Returns the function's surface
    (200, 200), its extent, the populations (G, P, 2) of `generations`, and `generations`."""
    settings = Evolution(population=population, generations=max(generations))
    members, _ = minimise(lambda genes: ackley((2 * genes - 1) * side), 2,
                          rng=np.random.default_rng(seed), settings=settings)
    axis = np.linspace(-side, side, 200)
    surface = ackley(np.stack(np.meshgrid(axis, axis), axis=-1))
    return surface, (-side, side, -side, side), (2 * members[list(generations)] - 1) * side, generations


def landscape(face: Face, label: int) -> np.ndarray:
    """The lowest confidence (H, W) float32 of a face in its class `label`, against the likeliest other one, for any
    corner of the cube of colours at each place: the surface that a one-pixel attack descends, seen whole."""
    pixels = every_pixel(every_place(face.image), corners(face.image.shape[2]))
    margins = Goal(label).margin(face.query(pixels))
    return (1 / (1 + np.exp(-margins.reshape(*face.image.shape[:2], -1).min(axis=2)))).astype(np.float32)


def on_face(network: Network, images: np.ndarray, labels: np.ndarray, *, generations: Sequence[int],
            seed: int, settings: Evolution):
    """Differential evolution on the correctly classified face of least margin, for `figures.surface`. Returns the face
    (H, W, C), its confidence landscape (H, W), the populations (G, P, 2: row, column) of `generations` (as far as
    `settings` goes), and `generations`. Raises ValueError where no face is classified correctly."""
    faces = [network.face(image) for image in images]
    margins = np.array([Goal(label).margin(face.logits) for face, label in zip(faces, labels)])
    if not (margins > 0).any():
        raise ValueError(f"expected a face that the network classifies correctly, got none of {len(images)}")
    least = np.where(margins > 0, margins, np.inf).argmin()
    face, label = faces[least], labels[least]
    generations = [generation for generation in generations if generation <= settings.generations]
    shape = face.image.shape
    members, _ = minimise(lambda genes: Goal(label).margin(face.query(decoded(genes, shape=shape))), 2 + shape[2],
                          rng=np.random.default_rng(seed),
                          settings=dataclasses.replace(settings, generations=max(generations)))
    places = np.array([decoded(members[generation], shape=shape)[:, 0, :2] for generation in generations])
    return face.image, landscape(face, label), places, generations


def summary(sweeps: Sequence[Sweep]) -> pd.DataFrame:
    """A row for each sweep: test faces, how many are correct, attacked and flipped, and the queries."""
    rows = []
    for sweep in sweeps:
        queries, flipped = np.array([attempt.queries for attempt in sweep.attempts]), sweep.flipped
        rows.append({"test faces": sweep.tested, "correct before": sweep.correct, "attacked": len(queries),
                     "flipped": flipped.sum(), "queries in all": queries.sum(),
                     "median queries of a flip": f"{np.median(queries[flipped]):.0f}" if flipped.any() else "–"})
    return pd.DataFrame(rows, index=list(map(_title, sweeps)))


def _title(sweep: Sweep) -> str:
    return f"{sweep.network}, {sweep.search.replace('_', ' ')}"


def agreement(sweeps: Sequence[Sweep]) -> pd.DataFrame:
    """A row for each network and search but differential evolution: how many faces it and evolution flip."""
    evolved = {sweep.network: sweep for sweep in sweeps if sweep.search == NAME}
    rows = {}
    for sweep in sweeps:
        evolution, flipped = evolved[sweep.network].flipped, sweep.flipped
        if sweep is not evolved[sweep.network]:
            rows[_title(sweep)] = {
                "both": (evolution & flipped).sum(), "only evolution": (evolution & ~flipped).sum(),
                "only this search": (flipped & ~evolution).sum(), "neither": (~evolution & ~flipped).sum()}
    return pd.DataFrame(rows).T


def flipped_faces(sweeps: Sequence[Sweep], images: np.ndarray, *, at_most: int):
    """Faces (N, H, W, C) that differential evolution flips and its attempts on them, `at_most` in all."""
    flips = [(images[face], attempt) for sweep in sweeps if sweep.search == NAME
             for face, attempt in zip(sweep.faces, sweep.attempts) if attempt.flipped][:at_most]
    return np.array([image for image, _ in flips]), [attempt for _, attempt in flips]


def check_rounding(networks: Mapping[str, Network], logits: Mapping[str, Predict], images: np.ndarray, *,
             seed: int, candidates: int = 10_000) -> pd.DataFrame:
    """How far the incremental logits of changed faces are from those of the whole pass, `logits(images)`, at most. A
    row for each network: `candidates` random pixels on ten of `images` (N, H, W, C), every third on the border. Raises
    AssertionError where logits differ by more than ROUNDING."""
    rows, rng = {}, np.random.default_rng(seed)
    height, width, channels = images.shape[1:]
    for name, network in networks.items():
        differences, same = [], 0
        for image in images[rng.choice(len(images), 10)]:
            pixels = rng.integers(0, (height, width, *[256] * channels), (candidates // 10, 2 + channels))
            pixels[::6, 0], pixels[3::6, 1] = rng.choice((0, height - 1)), rng.choice((0, width - 1))
            whole, incremental = logits[name](set_pixels(image, pixels)), network.face(image).query(pixels[:, None])
            differences.append(np.abs(whole - incremental).max())
            same += (whole.argmax(axis=1) == incremental.argmax(axis=1)).sum()
        if max(differences) > ROUNDING:
            raise AssertionError(f"{name}: expected logits within {ROUNDING} of the whole pass, got {max(differences)}")
        rows[name] = {"candidates": candidates, "largest difference": f"{max(differences):.0e}", "same decision": same}
    return pd.DataFrame(rows).T


def check_flips(sweeps: Sequence[Sweep], predict: Mapping[str, Predict], images: np.ndarray) -> pd.DataFrame:
    """Repeat each flip by a whole pass, `predict`. Returns how many flips were checked. Raises AssertionError, naming
    the face, where a flip does not hold."""
    for sweep in sweeps:
        for face, attempt in zip(sweep.faces, sweep.attempts):
            if attempt.flipped:
                image = set_pixels(images[face], np.array([attempt.pixels]))
                if not 1 <= (image[0] != images[face]).any(axis=-1).sum() <= len(attempt.pixels):
                    raise AssertionError(f"{sweep.network}, face {face}: expected {len(attempt.pixels)} changed pixels")
                if not attempt.goal.flipped(predict[sweep.network](image)[0]):
                    raise AssertionError(f"{sweep.network}, face {face}: expected a flip by {attempt.pixels}, got none")
    return pd.DataFrame({"flips that hold": {_title(sweep): sweep.flipped.sum() for sweep in sweeps}})


def confidences(sweeps: Sequence[Sweep]) -> tuple[dict, dict, dict]:
    """By network, the confidence in the true class before and after differential evolution, and which faces it
    flipped, (N,) each."""
    evolved = [sweep for sweep in sweeps if sweep.search == NAME]
    return ({sweep.network: np.array([a.before[a.label] for a in sweep.attempts]) for sweep in evolved},
            {sweep.network: np.array([a.after[a.label] for a in sweep.attempts]) for sweep in evolved},
            {sweep.network: sweep.flipped for sweep in evolved})


def to_record(run: Profile, sweeps: Sequence[Sweep], clusters: np.ndarray) -> tuple[dict, dict]:
    """What this stage records: success among the attacked faces, all of them classified correctly, and its seconds.
    `clusters`: for each face of the test part the cluster of faces that may be alike."""
    success: dict[str, dict] = defaultdict(dict)
    seconds: dict[str, dict] = defaultdict(dict)
    queries: Counter[str] = Counter()
    for sweep in sweeps:
        success[sweep.network][sweep.search] = clustered(sweep.flipped, clusters[sweep.faces])
        seconds[sweep.network][sweep.search] = sweep.seconds
        queries[sweep.search] += sum(attempt.queries for attempt in sweep.attempts)
    guided = [a.queries for sweep in sweeps if sweep.search == GUIDED for a in sweep.attempts if a.flipped]
    settings = run.evolution
    evolution = {"population": settings.population, "generations": settings.generations,
                 "queries": settings.population * (settings.generations + 1),
                 "scale": "{} to {}".format(*settings.scale), "recombination": str(settings.recombination)}
    return {"attack": success, "evolution": evolution, "queries": {**queries, "all": queries.total()},
            "corners": {"queries": len(corners(3)) * SIZE**2},
            "guided": {"median": f"{np.median(guided):.0f}" if guided else "–"}}, seconds
