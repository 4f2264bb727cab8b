"""Where things live, and every number that defines a run: one frozen `Profile` each."""

import os
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RECORDED = ROOT / "results"  # results of recorded runs, committed
SIZE = 50  # pixels, the side of a crop
CLASSES = ("bare", "masked")  # the columns of every array of probabilities


def build_folder() -> Path:
    """Everything that a run makes lies under here: `MASKDET_BUILD`, or `_build` beside the code."""
    return Path(os.environ.get("MASKDET_BUILD") or ROOT / "_build").resolve()


@dataclass(frozen=True)
class Evolution:
    """Settings of differential evolution, as the preprint's source has them."""

    population: int = 400
    generations: int = 75
    scale: tuple[float, float] = (0.5, 1.0)  # F is drawn anew from [low, high) each generation
    recombination: float = 1.0

    def __post_init__(self):
        if self.population < 3 or self.generations < 0:
            raise ValueError("expected a population of at least 3 and generations of at least 0, "
                             f"got {self.population} and {self.generations}")


@dataclass(frozen=True)
class Profile:
    """One run of the experiment: its data and all of its hyperparameters."""

    name: str
    layout: str  # the annotations' layout, a key of `data.READERS`
    scenes: int = 0  # drawn photographs with annotations; 0: real photographs
    unannotated: int = 0  # drawn photographs without
    seed: int = 562
    test_share: float = 0.20  # of the photographs
    validation_share: float = 0.10  # of the photographs, taken from the other 80 %
    smallest_face: int = 20  # pixels; recall is stated for labelled faces at least this wide
    iou: float = 0.4  # a detection is matched to a labelled box above this overlap
    epochs: int = 40
    batch: int = 32
    learning_rate: float = 1e-3
    attacked: int = 10**9  # correctly classified test faces attacked per network, at most
    evolution: Evolution = Evolution()

    @property
    def drawn(self) -> bool:
        """Whether the photographs are drawn by code: only then may a figure show them."""
        return self.scenes > 0

    @property
    def folder(self) -> Path:
        """Where this run keeps what it makes."""
        return build_folder() / self.name

    @property
    def command(self) -> str:
        """The command that makes this run's files, for messages."""
        return "make notebooks" + ("" if self.name == "demo" else f" PROFILE={self.name}")


PROFILES = {
    profile.name: profile
    for profile in (
        # Small enough for a coffee break.
        Profile("demo", "wobot", scenes=160, unannotated=6, epochs=25, batch=16, learning_rate=2e-3),
        Profile("larxel", "voc"),
        Profile("wobot", "wobot"),
        # Too small to say anything; the tests run the notebooks on it.
        Profile("smoke", "wobot", scenes=30, unannotated=2, epochs=3, attacked=2,
                evolution=Evolution(population=20, generations=3)),
    )
}


def profile(name: str) -> Profile:
    """The profile called `name`. Raises ValueError for any other name."""
    if name not in PROFILES:
        raise ValueError(f"expected a profile, one of {', '.join(PROFILES)}, got {name!r}")
    return PROFILES[name]
