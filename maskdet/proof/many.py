"""Many faces verified at once, and kept as they are finished."""

import contextlib
import functools
import math
import time
from dataclasses import dataclass

import numpy as np
import pandas as pd

from maskdet import files, keys
from maskdet.attack import set_pixels
from maskdet.attack.goals import Goal
from maskdet.attack.oracle import Predict
from maskdet.attack.sweeps import shuffled_correct, unfinished
from maskdet.config import Profile
from maskdet.incremental import Incremental
from maskdet.proof.branching import BUDGET, FLIPPABLE, SAFE, UNDECIDED, Verification, verify_face
from maskdet.workers import each


@dataclass(frozen=True)
class Verifications:
    """The verified faces of a network, all of them classified correctly. `faces` (N,): their rows in the test part, in
    the order of `results`. `margins` (N,): of the unchanged faces. `seconds` (N,): what each took, of a processor."""

    network: str
    faces: np.ndarray
    results: list[Verification]
    margins: np.ndarray
    seconds: np.ndarray

    def are(self, verdict: str) -> np.ndarray:
        """Which faces have this verdict, (N,) bool."""
        return np.array([face.verdict == verdict for face in self.results])

    @property
    def counts(self) -> dict[str, int]:
        """How many faces have each verdict."""
        return {verdict: int(self.are(verdict).sum()) for verdict in (FLIPPABLE, SAFE, UNDECIDED)}

    @property
    def moved(self) -> np.ndarray:
        """By how much a pixel at each place moves the margin at most, as far as was queried, the mean over faces, (H,
        W)."""
        return np.mean([margin - face.reached for margin, face in zip(self.margins, self.results)], axis=0)

    def table(self) -> pd.DataFrame:
        """A row for each face: verdict, witness or worst pixel, margins, and what it took."""
        rows = [{"face": face, "verdict": result.verdict, "pixel": result.witness, "margin": margin,
                 "reached": result.reached.min(), "proved": result.proved.min(), "flipping places": result.flips.sum(),
                 "regions": result.regions, "queries": result.queries, "seconds": seconds}
                for face, result, margin, seconds in zip(self.faces, self.results, self.margins, self.seconds)]
        return pd.DataFrame(rows)


def verify_all(predict: Predict, network: Incremental, images: np.ndarray, labels: np.ndarray, *, name: str,
               profile: Profile, stem: str | None = None, most: int | None = None,
               budget: int = BUDGET) -> Verifications:
    """Verify the faces (N, H, W, 3) that `predict`, the whole pass of `network`, classifies correctly.

    At most `most` of them, drawn from the seed; each with `budget` regions of colours. Each result is kept in a
    journal: an interrupted call goes on where it stopped. Writes `verification/<stem>.csv` and, of `moved`,
    `<stem>-moved.csv`, by default with `name` as `stem`. Raises AssertionError where `predict` does not confirm a
    witness, and ValueError where no face is classified correctly.
    """
    chosen = shuffled_correct(predict(images), labels, name=name, seed=profile.seed)[:most]
    path = profile.folder / "verification" / f"{stem or name}.csv"
    weights = [value for step in network.steps for value in vars(step).values() if isinstance(value, np.ndarray)]
    key = files.digest(*weights, images, labels, budget, keys.code(_item, Incremental))
    with files.alone(path):
        journal = files.Journal(path.with_suffix(".jsonl"), key=key)
        todo, bar = unfinished(journal, chosen, title=f"verify, {name}")
        calls = {face: functools.partial(_item, network, images[face], int(labels[face]), budget) for face in todo}
        with bar, contextlib.closing(each(calls, cluster=True)) as finished:
            for face, item in finished:
                result = _read(item)
                if result.verdict == FLIPPABLE:
                    _check(predict, images[face], int(labels[face]), result.witness, face=face)
                journal.add(str(face), item)
                bar.update()
        items = [journal.items[str(face)] for face in np.sort(chosen).tolist()]
        margins, seconds = (np.array([item[key] for item in items]) for key in ("margin", "seconds"))
        done = Verifications(name, np.sort(chosen), list(map(_read, items)), margins, seconds)
        with files.whole(path) as part:
            done.table().to_csv(part, index=False)
        with files.whole(path.with_name(f"{path.stem}-moved.csv")) as part:
            np.savetxt(part, done.moved, fmt="%.9f", delimiter=",")
    return done


def _item(network: Incremental, image: np.ndarray, label: int, budget: int) -> dict:
    start, face = time.process_time(), network.face(image)
    line = _line(verify_face(face, Goal(label), budget=budget))
    return {"margin": float(Goal(label).margin(face.logits)), "seconds": time.process_time() - start, **line}


def _line(result: Verification) -> dict:
    """A result as the journal has it; bounds are rounded down."""
    proved = [[None if np.isinf(bound) else math.floor(bound * 1e6) / 1e6 for bound in row] for row in result.proved]
    return {"regions": result.regions, "queries": result.queries, "reached": result.reached.tolist(),
            "colour": result.colour.tolist(), "flips": result.flips.tolist(), "proved": proved}


def _read(item: dict) -> Verification:
    proved = np.array([[-np.inf if bound is None else bound for bound in row] for row in item["proved"]])
    return Verification(np.array(item["reached"]), np.array(item["colour"], np.uint8), proved,
                    np.array(item["flips"], bool), item["regions"], item["queries"])


def _check(predict: Predict, image: np.ndarray, label: int, witness: tuple[int, ...], *, face: int) -> None:
    after = predict(set_pixels(image, np.array([witness])))[0]
    if not after[label] < after[1 - label]:  # nan, too
        raise AssertionError(f"face {face}: expected {witness} to flip the decision in the whole pass too, "
                             f"got {after.tolist()}")
