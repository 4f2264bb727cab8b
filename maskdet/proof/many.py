"""Many faces decided, at once, kept as they are reached."""

import contextlib
import functools
import math
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm import tqdm

from maskdet import files, keys
from maskdet.attack import oracle, set_pixels
from maskdet.attack.oracle import Predict
from maskdet.attack.sweeps import shuffled_correct
from maskdet.config import Profile
from maskdet.incremental import Incremental
from maskdet.proof.branching import BUDGET, FLIPPABLE, SAFE, UNDECIDED, Verification, verify
from maskdet.workers import each


@dataclass(frozen=True)
class Verifications:
    """The decisions on faces of the test part that `network` has right: `faces` (N,) are their rows, in the order
    of `decisions`; `margins` (N,) those of the faces unchanged. `seconds` (N,) are each face's, of one processor."""

    network: str
    faces: np.ndarray
    decisions: list[Verification]
    margins: np.ndarray
    seconds: np.ndarray

    def are(self, verdict: str) -> np.ndarray:
        """Which faces have such a verdict, (N,) bool."""
        return np.array([decision.verdict == verdict for decision in self.decisions])

    @property
    def counts(self) -> dict[str, int]:
        """How many faces have each verdict."""
        return {verdict: int(self.are(verdict).sum()) for verdict in (FLIPPABLE, SAFE, UNDECIDED)}

    def table(self) -> pd.DataFrame:
        """One row a face: verdict, witness or weakest pixel, margins, and what it took."""
        rows = [{"face": face, "verdict": one.verdict, "pixel": one.witness, "margin": own,
                 "reached": one.reached.min(), "proved": one.proved.min(), "flipping places": one.flips.sum(),
                 "boxes": one.boxes, "queries": one.queries, "seconds": seconds}
                for face, one, own, seconds in zip(self.faces, self.decisions, self.margins, self.seconds)]
        return pd.DataFrame(rows)


def verify_all(predict: Predict, network: Incremental, images: np.ndarray, labels: np.ndarray, *, name: str,
               profile: Profile, stem: str | None = None, most: int | None = None,
               budget: int = BUDGET) -> Verifications:
    """Decide the faces (N, H, W, 3) that `predict`, the whole pass of `network`, has right; where `most` is given,
    as many as that at most, drawn from the seed; with `budget` boxes of colours a face. Each is kept in a journal as it
    is reached: an interrupted call goes on where it stopped. Writes `verification/<stem>.csv`, `stem` being `name` where
    none is given.

    Each witness is checked with `predict`. Raises AssertionError where one does not hold, and ValueError where no
    face is right.
    """
    chosen = shuffled_correct(predict(images), labels, name=name, seed=profile.seed)[:most]
    path = profile.folder / "verification" / f"{stem or name}.csv"
    with files.alone(path):
        journal = files.Journal(path.with_suffix(".jsonl"), key=_key(network, images, labels, budget))
        todo = [face for face in chosen.tolist() if str(face) not in journal.items]
        calls = {face: functools.partial(_item, network, images[face], int(labels[face]), budget) for face in todo}
        bar = tqdm(total=len(chosen), initial=len(chosen) - len(todo), unit="face", disable=None,
                   desc=f"verify, {name}")
        with bar, contextlib.closing(each(calls, cluster=True)) as found:
            for face, item in found:
                decision = _read(item)
                if decision.verdict == FLIPPABLE:
                    _check(predict, images[face], int(labels[face]), decision, face=face)
                journal.add(str(face), item)
                bar.update()
        return _finished(journal, name, np.sort(chosen), path)


def _item(network: Incremental, image: np.ndarray, label: int, budget: int) -> dict:
    start, face = time.process_time(), network.face(image)
    line = _line(verify(face, label, budget=budget))
    return {"margin": float(oracle.margin(face.logits, label)), "seconds": time.process_time() - start, **line}


def _line(found: Verification) -> dict:
    """A decision as the journal holds it; bounds are rounded down, none of them to 0."""
    proved = [[None if np.isinf(one) else math.floor(one * 1e6) / 1e6 for one in row] for row in found.proved]
    return {"boxes": found.boxes, "queries": found.queries, "reached": found.reached.tolist(),
            "colour": found.colour.tolist(), "flips": found.flips.tolist(), "proved": proved}


def _read(item: dict) -> Verification:
    proved = np.array([[-np.inf if one is None else one for one in row] for row in item["proved"]])
    return Verification(np.array(item["reached"]), np.array(item["colour"], np.uint8), proved,
                    np.array(item["flips"], bool), item["boxes"], item["queries"])


def _check(predict: Predict, image: np.ndarray, label: int, decision: Verification, *, face: int) -> None:
    after = predict(set_pixels(image, np.array([decision.witness])))[0]
    if after.argmax() == label:
        raise AssertionError(f"face {face}: expected {decision.witness} to turn the decision also in the whole pass, "
                             f"got {after.tolist()}")


def _finished(journal: files.Journal, name: str, faces: np.ndarray, path: Path) -> Verifications:
    items = [journal.items[str(face)] for face in faces.tolist()]
    done = Verifications(name, faces, [_read(item) for item in items], np.array([item["margin"] for item in items]),
                    np.array([item["seconds"] for item in items]))
    with files.whole(path) as part:
        done.table().to_csv(part, index=False)
    return done


def _key(network: Incremental, images: np.ndarray, labels: np.ndarray, budget: int) -> str:
    """Names the work: the network by its weights, the faces, and the code."""
    weights = [value for step in network.steps for value in vars(step).values() if isinstance(value, np.ndarray)]
    return files.digest(*weights, images, labels, budget, keys.code(_item, Incremental))
