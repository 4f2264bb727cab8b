"""Many faces attacked: in any order, by any number of processes, with the same results."""

import contextlib
import dataclasses
import functools
import inspect
import numbers
import time
from collections.abc import Generator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from tqdm import tqdm

from maskdet import files, keys
from maskdet.attack import oracle
from maskdet.attack.oracle import Network, Predict, Search, flip_limit, margin, probabilities
from maskdet.attack.pixels import Attempt, set_pixels
from maskdet.config import Profile
from maskdet.workers import each


def attack(network: Network | Predict, images: np.ndarray, labels: np.ndarray, *, search: Search, seed: int,
           workers: int = 1) -> Generator[tuple[int, Attempt]]:
    """Attack each of `images` (N, H, W, 3) uint8 by `search`; yield its index and verdict as it finishes.

    `network` is an `Incremental` or any `predict(images) -> probabilities (N, 2)`; `labels` (N,), 0
    or 1, are the true classes. `workers` processes share the work: 1 is this one, which takes a face after the other;
    -1 is one for each processor, or the Dask cluster that SCHEDULER names; a `predict` must then be one that can be
    sent there. A verdict depends on the seed and the face, neither on the other faces nor on the workers. Raises
    ValueError for a face that the network classifies wrongly, since success is counted among the others, and for
    another number of workers; TypeError for a `search` of another type.
    """
    images, labels = np.asarray(images), np.asarray(labels)
    if images.dtype != np.uint8 or images.ndim != 4:
        raise ValueError(f"expected uint8 images (N, H, W, 3), got {images.dtype} {images.shape}")
    if labels.shape != images.shape[:1] or not np.isin(labels, (0, 1)).all():
        raise ValueError(f"expected a label, 0 or 1, for each of {len(images)} images, got {labels}")
    if inspect.isclass(search) or not callable(search):
        raise TypeError(f"expected a search, such as Guided(), got {search!r}")
    if not isinstance(seed, numbers.Integral) or seed < 0:
        raise ValueError(f"expected a seed, a whole number of at least 0, got {seed!r}")
    if not isinstance(workers, numbers.Integral) or workers < 1 and workers != -1:
        raise ValueError(f"expected workers, a number of processes, or -1 for all processors, got {workers!r}")
    network = oracle.network(network)
    yield from each({index: functools.partial(_verdict, network, image, label, search, seed, index)
                     for index, (image, label) in enumerate(zip(images, labels.astype(int).tolist()))},
                    workers=workers, cluster=True)


def _verdict(network: Network, image: np.ndarray, label: int, search: Search, seed: int, index: int) -> Attempt:
    face = network.face(image)
    if margin(face.logits, label) < -flip_limit(face):
        raise ValueError(f"expected faces that the network has right, got face {index} wrong: attack those of which "
                         "the larger probability is that of their label")
    # The draws depend on the seed and the face alone.
    words = np.frombuffer(bytes.fromhex(files.digest(image.tobytes(), label)), np.uint32)
    found = search(face, label, rng=np.random.default_rng([seed, *words.tolist()]))
    after = network.face(set_pixels(image, found.pixels[None])[0]).logits
    return Attempt(label, tuple(tuple(pixel) for pixel in found.pixels.tolist()),
                   probabilities(face.logits), probabilities(after), found.queries)


@dataclass(frozen=True)
class Sweep:
    """The attempts of a `search` on the faces of a run.

    `faces` (N,): rows of the test part, in the order of `attempts`. `correct`: how many of the `tested` test faces
    the network classifies correctly before the attack. `seconds`: what it took.
    """

    network: str
    search: str
    faces: np.ndarray
    attempts: list[Attempt]
    correct: int
    tested: int
    seconds: float

    @property
    def flipped(self) -> np.ndarray:
        """Which faces changed their class, (N,) bool."""
        return np.array([attempt.flipped for attempt in self.attempts])

    def table(self) -> pd.DataFrame:
        """One row a face, as the file of the sweep holds it."""
        return pd.DataFrame([{"face": face, "flipped": attempt.flipped, **dataclasses.asdict(attempt)}
                             for face, attempt in zip(self.faces.tolist(), self.attempts)])


def sweep(predict: Predict, network: Network, images: np.ndarray, labels: np.ndarray, *, name: str,
          search: Search, profile: Profile, stem: str | None = None, of: str = "", here: bool = False) -> Sweep:
    """Attack the faces (N, 50, 50, 3) that `predict` has right, `profile.attacked` at most.

    `network` answers the search; the probabilities in the verdicts are those of `predict`, the
    whole network, asked about one image at a time. Which faces, where there are more, is drawn from
    the seed. Each verdict is kept in a journal as it is reached: an interrupted call goes on where
    it stopped. Writes `attacks/<stem>-<search>.csv`, `stem` being `name` where none is given. `of` names the
    network where its answers alone might not. `here`, for a network that cannot be sent to workers, does the work in
    this process. Raises ValueError where no face is right.
    """
    before = predict(images)
    right = shuffled_correct(before, labels, name=name, seed=profile.seed)
    chosen = right[:profile.attacked]
    path = profile.folder / "attacks" / f"{stem or name}-{search.name}.csv"
    with files.alone(path):
        journal = files.Journal(path.with_suffix(".jsonl"), key=_key(network, images, before, search, profile, of))
        _attack_rest(journal, chosen, predict, network, images, labels, search, profile.seed, name, here)
        done = _finished(journal, Sweep(name, search.name, np.sort(chosen), [], len(right), len(images), seconds=0))
        with files.whole(path) as part:
            done.table().to_csv(part, index=False)
    return done


def _attack_rest(journal: files.Journal, chosen: np.ndarray, predict: Predict, network: Network, images: np.ndarray,
                 labels: np.ndarray, search: Search, seed: int, name: str, here: bool) -> None:
    """Attack those of the `chosen` faces that the journal does not have yet."""
    todo = [face for face in chosen.tolist() if str(face) not in journal.items]
    last = time.perf_counter()
    bar = tqdm(total=len(chosen), initial=len(chosen) - len(todo), unit="face", disable=None,
               desc=f"{search.name}, {name}")
    attacked = attack(network, images[todo], labels[todo], search=search, seed=seed, workers=1 if here else -1)
    with bar, contextlib.closing(attacked) as found:  # an interruption ends the workers
        for index, verdict in found:
            item = dataclasses.asdict(_restated(verdict, predict, network, images[todo[index]], face=todo[index]))
            now = time.perf_counter()
            journal.add(str(todo[index]), item | {"seconds": round(now - last, 4)})
            last = now
            bar.update()


def shuffled_correct(before: np.ndarray, labels: np.ndarray, *, name: str, seed: int) -> np.ndarray:
    """The faces that network `name` has right, by their probabilities `before` (N, 2), in an order drawn from the seed:
    who takes more of them begins with the same ones. Raises ValueError where there is none."""
    right = np.flatnonzero(before.argmax(axis=1) == labels)
    if not len(right):
        raise ValueError(f"expected faces that {name} has right, got none of {len(labels)}: train it")
    return np.random.default_rng(seed).permutation(right)


def _key(network: Network, images: np.ndarray, before: np.ndarray, search: Search, profile: Profile, of: str) -> str:
    """Names the work: the faces, the network by its answers and its name, the search, the seed, and the code."""
    return files.digest(images, before, search, profile.seed, of, keys.code(_verdict, type(search), type(network)))


def _restated(verdict: Attempt, predict: Predict, network: Network, image: np.ndarray, *, face: int) -> Attempt:
    """The verdict with the probabilities of `predict`. Raises AssertionError where that decides otherwise
    and the margin was not within rounding: the network that was attacked is then not the same one."""
    altered = set_pixels(image, np.array([verdict.pixels]))[0]
    before, after = (tuple(predict(one[None])[0].tolist()) for one in (image, altered))
    restated = dataclasses.replace(verdict, before=before, after=after)
    if restated.flipped == verdict.flipped:
        return restated
    asked = network.face(altered)
    if abs(margin(asked.logits, verdict.label)) > flip_limit(network.face(image)):
        raise AssertionError(f"face {face}: expected flipped {verdict.flipped} also in the whole pass, "
                             f"got {after} by {verdict.pixels}, where the attacked network gave {verdict.after}")
    return restated


def _finished(journal: files.Journal, empty: Sweep) -> Sweep:
    """The sweep with the attempts and seconds of its faces, as the journal has them."""
    items = [dict(journal.items[str(face)]) for face in empty.faces.tolist()]
    seconds = sum(item.pop("seconds") for item in items)
    attempts = [Attempt(**item | {"pixels": tuple(map(tuple, item["pixels"])), "before": tuple(item["before"]),
                                  "after": tuple(item["after"])}) for item in items]
    return dataclasses.replace(empty, attempts=attempts, seconds=seconds)
