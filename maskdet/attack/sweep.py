"""A stage of the experiment: attack the correctly classified test faces of one network."""

import dataclasses
import time
from dataclasses import dataclass

import numpy as np
import pandas as pd
from tqdm import tqdm

from maskdet import files
from maskdet.attack import evolution
from maskdet.attack.pixels import Predict, Verdict, changed
from maskdet.config import Profile


@dataclass(frozen=True)
class Sweep:
    """The verdicts on a run's faces: `faces` (N,) are rows of the test part, in the order of
    `verdicts`; `correct` of `tested` test faces were right before the attack; `seconds` it took."""

    network: str
    faces: np.ndarray
    verdicts: list[Verdict]
    correct: int
    tested: int
    seconds: float

    @property
    def flipped(self) -> int:
        """How many faces changed their class."""
        return sum(verdict.flipped for verdict in self.verdicts)

    def table(self) -> pd.DataFrame:
        """One row a face, as `verdicts-*.csv` holds it."""
        return pd.DataFrame([{"face": face, "flipped": verdict.flipped, **dataclasses.asdict(verdict)}
                             for face, verdict in zip(self.faces.tolist(), self.verdicts)])


def sweep(predict: Predict, images: np.ndarray, labels: np.ndarray, *, network: str,
          profile: Profile) -> Sweep:
    """Attack the faces (N, 50, 50, 3) that `predict` has right, `profile.attacked` at most.

    Which ones, where there are more, is drawn from the seed. Each verdict is kept in a journal as
    it is reached: an interrupted call goes on where it stopped. Writes `verdicts-<network>.csv`.
    Raises ValueError where no face is right.
    """
    before = predict(images)
    right = np.flatnonzero(before.argmax(axis=1) == labels)
    if not len(right):
        raise ValueError(f"expected faces that {network} has right, got none of {len(images)}: train it")
    # In the order of the draw: a run that attacks more faces begins with the same ones.
    chosen = np.random.default_rng(profile.seed).permutation(right)[:profile.attacked]
    key = files.digest(images.tobytes(), before.tobytes(), profile.evolution, profile.seed,
                       files.source(evolution, changed))
    journal = files.Journal(profile.folder / f"verdicts-{network}.jsonl", key=key)
    todo = [face for face in chosen.tolist() if str(face) not in journal.items]
    last = time.perf_counter()
    with tqdm(total=len(chosen), initial=len(chosen) - len(todo), desc=f"attack {network}",
              unit="face", disable=None) as bar:
        for index, verdict in evolution.evolve(predict, images[todo], labels[todo], seed=profile.seed,
                                               settings=profile.evolution):
            now = time.perf_counter()
            item = dataclasses.asdict(verdict) | {"seconds": round(now - last, 4)}
            journal.add(str(todo[index]), item)
            last = now
            bar.update()
    chosen = np.sort(chosen)
    items = [dict(journal.items[str(face)]) for face in chosen.tolist()]
    seconds = sum(item.pop("seconds") for item in items)
    verdicts = [Verdict(**{name: tuple(value) if isinstance(value, list) else value
                           for name, value in item.items()}) for item in items]
    done = Sweep(network, chosen, verdicts, len(right), len(images), seconds)
    with files.whole(profile.folder / f"verdicts-{network}.csv") as part:
        done.table().to_csv(part, index=False)
    return done
