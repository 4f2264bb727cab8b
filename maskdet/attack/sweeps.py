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
from maskdet.attack.oracle import Network, Predict, Predicted, Search, flip_limit, margin, probabilities
from maskdet.attack.pixels import Attempt, set_pixels
from maskdet.config import Profile
from maskdet.workers import each


def attack(network: Network | Predict, images: np.ndarray, labels: np.ndarray, *, search: Search, seed: int,
           workers: int = 1) -> Generator[tuple[int, Attempt]]:
    """Attack each of `images` (N, H, W, 3) uint8 by `search`; yield its index and the attempt as it finishes.

    `network` is an `Incremental` or any `predict(images) -> probabilities (N, 2)`; `labels` (N,), 0 or 1, are the true
    classes. `workers` processes share the work: 1 is this process, which takes a face after the other; -1 is one for
    each processor, or the Dask cluster that SCHEDULER names; a `predict` must then be one that can be sent there. An
    attempt depends on the seed and the face, neither on the other faces nor on the workers. Raises ValueError for a
    face that the network classifies wrongly, since success is counted among the others, and for other arguments out of
    range; TypeError for a `search` of another type.
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
    network = network if hasattr(network, "face") else Predicted(network)
    calls = {index: functools.partial(_attack_face, network, image, label, search, seed, index)
             for index, (image, label) in enumerate(zip(images, labels.astype(int).tolist()))}
    yield from each(calls, workers=workers, cluster=True)


def _attack_face(network: Network, image: np.ndarray, label: int, search: Search, seed: int, index: int) -> Attempt:
    face = network.face(image)
    if margin(face.logits, label) < -flip_limit(face):
        raise ValueError(f"expected faces that the network classifies correctly, got face {index}, which it does not: "
                         "attack those of which the larger probability is that of their label")
    # The draws depend on the seed and the face alone.
    words = np.frombuffer(bytes.fromhex(files.digest(image.tobytes(), label)), np.uint32)
    pixels, queries = search(face, label, rng=np.random.default_rng([seed, *words.tolist()]))
    after = network.face(set_pixels(image, pixels[None])[0]).logits
    return Attempt(label, tuple(map(tuple, pixels.tolist())), probabilities(face.logits), probabilities(after), queries)


@dataclass(frozen=True)
class Sweep:
    """The attempts of a `search` on the faces of a run. `faces` (N,): rows of the test part, in the order of
    `attempts`. `correct`: how many of the `tested` test faces the network classifies correctly before the attack.
    `seconds`: what it took."""

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
        """A row for each face, as the file of the sweep has it."""
        return pd.DataFrame([{"face": face, "flipped": attempt.flipped, **dataclasses.asdict(attempt)}
                             for face, attempt in zip(self.faces.tolist(), self.attempts)])


def sweep(predict: Predict, network: Network, images: np.ndarray, labels: np.ndarray, *, name: str,
          search: Search, profile: Profile, stem: str | None = None, of: str = "", here: bool = False) -> Sweep:
    """Attack the faces (N, 50, 50, 3) that `predict` classifies correctly, `profile.attacked` at most.

    `network` answers the search; the probabilities in the attempts are those of `predict`, its whole pass, of a single
    image. Which faces, where there are more, is drawn from the seed. Each attempt is kept in a journal as it is
    reached: an interrupted call goes on where it stopped. Writes `attacks/<stem>-<search>.csv`, by default with `name`
    as `stem`. `of` names the network where its answers alone might not. `here`, for a network that cannot be sent to
    workers, does the work in this process. Raises ValueError where no face is classified correctly.
    """
    before = predict(images)
    correct = shuffled_correct(before, labels, name=name, seed=profile.seed)
    chosen = correct[:profile.attacked]
    path = profile.folder / "attacks" / f"{stem or name}-{search.name}.csv"
    key = files.digest(images, before, search, profile.seed, of, keys.code(_attack_face, type(search), type(network)))
    with files.alone(path):
        journal = files.Journal(path.with_suffix(".jsonl"), key=key)
        todo, bar = unfinished(journal, chosen, title=f"{search.name}, {name}")
        found = attack(network, images[todo], labels[todo], search=search, seed=profile.seed, workers=1 if here else -1)
        last = time.perf_counter()
        with bar, contextlib.closing(found):  # an interruption ends the workers
            for index, attempt in found:
                attempt = _restated(attempt, predict, network, images[todo[index]], face=todo[index])
                now = time.perf_counter()
                journal.add(str(todo[index]), {**dataclasses.asdict(attempt), "seconds": round(now - last, 4)})
                last = now
                bar.update()
        attempts, seconds = _read(journal, np.sort(chosen))
        done = Sweep(name, search.name, np.sort(chosen), attempts, len(correct), len(images), seconds)
        with files.whole(path) as part:
            done.table().to_csv(part, index=False)
    return done


def unfinished(journal: files.Journal, faces: np.ndarray, *, title: str) -> tuple[list[int], tqdm]:
    """Those of `faces` that the journal does not have yet, and a progress bar over all of them."""
    todo = [face for face in faces.tolist() if str(face) not in journal.items]
    return todo, tqdm(desc=title, total=len(faces), initial=len(faces) - len(todo), unit="face", disable=None)


def shuffled_correct(before: np.ndarray, labels: np.ndarray, *, name: str, seed: int) -> np.ndarray:
    """The faces that network `name` classifies correctly, by their probabilities `before` (N, 2), in an order drawn
    from the seed: who takes more of them begins with the same ones. Raises ValueError where there is none."""
    correct = np.flatnonzero(before.argmax(axis=1) == labels)
    if not len(correct):
        raise ValueError(f"expected faces that {name} classifies correctly, got none of {len(labels)}: train it")
    return np.random.default_rng(seed).permutation(correct)


def _restated(attempt: Attempt, predict: Predict, network: Network, image: np.ndarray, *, face: int) -> Attempt:
    """The attempt with the probabilities of `predict`. Raises AssertionError where these contradict it although the
    margin was not within rounding: the attacked network is then not the same."""
    altered = set_pixels(image, np.array([attempt.pixels]))[0]
    before, after = (tuple(predict(shown[None])[0].tolist()) for shown in (image, altered))
    restated = dataclasses.replace(attempt, before=before, after=after)
    if restated.flipped != attempt.flipped and (
            abs(margin(network.face(altered).logits, attempt.label)) > flip_limit(network.face(image))):
        raise AssertionError(f"face {face}: expected flipped {attempt.flipped} also in the whole pass, "
                             f"got {after} by {attempt.pixels}, where the attacked network gave {attempt.after}")
    return restated


def _read(journal: files.Journal, faces: np.ndarray) -> tuple[list[Attempt], float]:
    """The attempts on `faces`, and their seconds in all, as the journal has them."""
    items = [dict(journal.items[str(face)]) for face in faces.tolist()]
    seconds = sum(item.pop("seconds") for item in items)
    return [Attempt(**item | {"pixels": tuple(map(tuple, item["pixels"])), "before": tuple(item["before"]),
                              "after": tuple(item["after"])}) for item in items], seconds
