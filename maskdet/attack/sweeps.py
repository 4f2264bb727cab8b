"""The faces of a run attacked, each kept in a journal as it is finished."""

import contextlib
import dataclasses
import time
from dataclasses import dataclass

import numpy as np
import pandas as pd
from tqdm import tqdm

from maskdet import files, keys
from maskdet.attack.oracle import Network, Predict, Search, flip_limit
from maskdet.attack.pixels import WRONG, Attempt, set_pixels
from maskdet.attack.streams import _attack_image, stream
from maskdet.config import Profile


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
        return pd.DataFrame([{"face": face, "flipped": attempt.flipped, **_row(attempt)}
                             for face, attempt in zip(self.faces.tolist(), self.attempts)])


def sweep(predict: Predict, network: Network, images: np.ndarray, labels: np.ndarray, *, name: str,
          search: Search, profile: Profile, stem: str | None = None, of: str = "", here: bool = False,
          target: int | None = None) -> Sweep:
    """Attack the faces (N, 50, 50, 3) that `predict` classifies correctly, `profile.attacked` at most; with a `target`,
    to reach that class, those of the others.

    `network` answers the search; the probabilities in the attempts are those of `predict`, its whole pass, of a single
    image. Which faces, where there are more, is drawn from the seed. Each attempt is kept in a journal as it is
    reached: an interrupted call goes on where it stopped. Writes `attacks/<stem>-<search>.csv`, by default with `name`
    as `stem`. `of` names the network where its answers alone might not. `here`, for a network that cannot be sent to
    workers, does the work in this process. Raises ValueError where no face is classified correctly.
    """
    before = predict(images)
    correct = shuffled_correct(before, labels, name=name, seed=profile.seed)
    chosen = correct[labels[correct] != target][:profile.attacked]
    path = profile.folder / "attacks" / f"{stem or name}-{search.name}.csv"
    key = files.digest(images, before, search, profile.seed, of, target,
                       keys.code(_attack_image, type(search), type(network)))
    with files.alone(path):
        journal = files.Journal(path.with_suffix(".jsonl"), key=key)
        todo, bar = unfinished(journal, chosen, title=f"{search.name}, {name}")
        found = stream(network, images[todo], labels[todo], search=search, seed=profile.seed, target=target,
                       workers=1 if here else -1)
        last = time.perf_counter()
        with bar, contextlib.closing(found):  # an interruption ends the workers
            for index, attempt in found:
                attempt = _restated(attempt, predict, network, images[todo[index]], face=todo[index])
                now = time.perf_counter()
                journal.add(str(todo[index]), {**_row(attempt), "seconds": round(now - last, 4)})
                last = now
                bar.update()
        attempts, seconds = _read(journal, np.sort(chosen), target)
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
    if attempt.status == WRONG:
        raise AssertionError(f"face {face}: expected class {attempt.label}, as the whole pass has it, also of the "
                             f"attacked network, got {attempt.before}")
    altered = set_pixels(image, np.array([attempt.pixels]))[0]
    before, after = (tuple(predict(shown[None])[0].tolist()) for shown in (image, altered))
    restated = dataclasses.replace(attempt, before=before, after=after)
    if restated.flipped != attempt.flipped and (
            abs(attempt.goal.margin(network.face(altered).logits)) > flip_limit(network.face(image))):
        raise AssertionError(f"face {face}: expected flipped {attempt.flipped} also in the whole pass, "
                             f"got {after} by {attempt.pixels}, where the attacked network gave {attempt.after}")
    return restated


def _row(attempt: Attempt) -> dict:
    """An attempt as files have it; the target is that of the whole sweep."""
    return {name: value for name, value in dataclasses.asdict(attempt).items() if name != "target"}


def _read(journal: files.Journal, faces: np.ndarray, target: int | None) -> tuple[list[Attempt], float]:
    """The attempts on `faces`, and their seconds in all, as the journal has them."""
    items = [dict(journal.items[str(face)]) for face in faces.tolist()]
    seconds = sum(item.pop("seconds") for item in items)
    return [Attempt(**item | {"pixels": tuple(map(tuple, item["pixels"])), "before": tuple(item["before"]),
                              "after": tuple(item["after"]), "target": target}) for item in items], seconds
