"""Where things live, and every number that defines a run: one frozen `Profile` each."""

import dataclasses
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

_BESIDE = Path(__file__).resolve().parents[1]
# The checkout that this package lies in, known by its Makefile; None where the package is installed without one.
CHECKOUT = _BESIDE if (_BESIDE / "Makefile").exists() else None
# Holds the photographs (data) and what runs make (_build): the checkout, else the folder that is current at each use.
ROOT = CHECKOUT or Path()
RECORDED = ROOT / "results"  # results of recorded runs, committed: in a checkout only
SIZE = 50  # pixels, the side of a crop
CLASSES = ("bare", "masked")  # the columns of every array of probabilities


def build_folder() -> Path:
    """Everything that a run makes lies under here: `MASKDET_BUILD`, or `_build` in the checkout, or without a checkout
    in the current folder."""
    return Path(os.environ.get("MASKDET_BUILD") or ROOT / "_build").resolve()


def checkout() -> Path:
    """The folder of the checkout, which holds the book and the record. Raises FileNotFoundError, with the remedy, where
    the package is installed without one."""
    if CHECKOUT is None:
        raise FileNotFoundError(f"expected a checkout of maskdet, got the package alone, in {_BESIDE}: clone "
                                "https://github.com/maskdet/maskdet, and run this there")
    return CHECKOUT


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
class Recipe:
    """How a network is fitted: by Adam on the cross-entropy.

    `augmented`: crops are changed at random (`networks.augmentation`). With `decay` the learning rate is
    learning_rate / (1 + decay * step), so that at 0 it stays the same; without, it rises for a short while and then
    falls to zero along a cosine. `weight_decay`: that of AdamW. `balanced`: each epoch shows equally many faces of both
    classes, those of the smaller class more than once. `batch_normalised`: a network of `networks.BATCH_NORMALISED` is
    trained with batch normalisation.
    """

    epochs: int
    batch: int
    learning_rate: float
    augmented: bool = True
    weight_decay: float = 0.0
    balanced: bool = False
    batch_normalised: bool = False
    decay: float | None = None

    def __post_init__(self):
        if self.epochs < 1 or self.batch < 1 or not self.learning_rate > 0:
            raise ValueError("expected epochs and a batch of at least 1 and a learning rate above 0, "
                             f"got {self.epochs}, {self.batch} and {self.learning_rate}")


SINGLE_DEFENCES = ("none", "median_filter", "trained_on_witnesses", "trained_on_bounds")
# What the preprint's text says of training is "Adam": all else is the simplest, and the epochs were chosen on the
# validation parts of larxel and wobot. Ours, beside it, takes augmented crops and many more epochs.
TEXT = Recipe(epochs=30, batch=32, learning_rate=1e-3, augmented=False, decay=0.0)
OURS = Recipe(epochs=60, batch=32, learning_rate=4e-3, weight_decay=0.05)
PREPRINT = Recipe(epochs=30, batch=5, learning_rate=1e-3, augmented=False, decay=1e-5)  # that of the preprint's code


@dataclass(frozen=True)
class Profile:
    """One run of the experiment: its data and all of its hyperparameters."""

    name: str
    layout: str  # the annotations' layout, a key of `data.READERS`
    of: str = ""  # the set that it takes photographs of, and whose record it repeats; "": that of its own name
    listed: str = ""  # the file of the record that lists which, by their numbers; "": all
    scenes: int = 0  # drawn photographs with annotations; 0: real photographs
    unannotated: int = 0  # drawn photographs without
    seed: int = 562
    test_share: float = 0.20  # of the photographs
    validation_share: float = 0.10  # of the photographs, taken from the other 80 %
    detector: str = "mtcnn"  # whose boxes are cropped; a key of `faces.DETECTORS`
    smallest_face: int = 20  # pixels; recall is stated for labelled faces at least this wide
    text: Recipe = TEXT
    ours: Recipe = OURS
    code: Recipe = PREPRINT
    comparison: Recipe = Recipe(epochs=20, batch=32, learning_rate=1e-3, weight_decay=0.05)
    compared: tuple[str, ...] = ("mobilenet", "resnet50")  # large networks, which are slow to train
    folds: int = 5
    seeds: int = 30  # of the weights on one split, and of the split, each with a network of its own
    sizes: tuple[int, ...] = (60, 120, 240, 480, 960, 1900, 3800)  # faces learned from, where there are so many
    subsets: int = 10  # seeds of each size
    repeats: int = 3  # seeds of each defence, and of the choice of epochs
    attacked: int = 10**9  # correctly classified test faces that are attacked, at most, for each network
    # How many of these are verified, at most, by network; all, where it is not named.
    verified: Mapping[str, int] = field(default_factory=dict)
    regions: int = 50_000  # regions of colours that are bounded for a face, at most
    evolution: Evolution = Evolution()
    defences: tuple[str, ...] = (*SINGLE_DEFENCES, "filter_trained_on_witnesses")  # keys of `variants.DEFENCES`
    draws: int = 10  # seeds with which evolution is tried on the faces that are flippable

    @property
    def set(self) -> str:
        """The name of its set of photographs: that of their folder, and of the record of a run on them."""
        return self.of or self.name

    @property
    def drawn(self) -> bool:
        """Whether the photographs are drawn by code: only then may a figure show them."""
        return self.scenes > 0

    @property
    def folder(self) -> Path:
        """Where the files of this run are."""
        return build_folder() / self.name

    @property
    def command(self) -> str:
        """The command that makes this run's files, for messages."""
        return "make notebooks" + ("" if self.name == "demo" else f" PROFILE={self.name}")


PROFILES = {profile.name: profile for profile in (
    # Small enough for a coffee break.
    Profile("demo", "wobot", scenes=160, unannotated=6, folds=3, seeds=2, sizes=(60, 240), subsets=1, repeats=1,
            attacked=24, verified={"resnet": 3, "figure2": 3}, defences=SINGLE_DEFENCES, compared=(), regions=12_000,
            ours=Recipe(epochs=25, batch=16, learning_rate=2e-3, weight_decay=0.05),
            code=dataclasses.replace(PREPRINT, epochs=10)),
    Profile("larxel", "voc", seeds=10),  # three times as many faces: each network takes three times as long
    Profile("wobot", "wobot"),  # all of the preprint's photographs that are there
    # Those of them that the record is of, for whoever has them all.
    Profile("tenth", "wobot", of="wobot", listed="wobot-photographs.txt"),
    # More drawn scenes, other than those of the demo, for the shipped weights.
    Profile("drawings", "wobot", scenes=600, seed=2021),
    # Too small to say anything; the tests run the notebooks on it.
    Profile("smoke", "wobot", scenes=30, unannotated=2, folds=2, seeds=2, sizes=(20, 30), subsets=1, repeats=1,
            attacked=2, verified={"resnet": 1, "figure2": 1}, defences=SINGLE_DEFENCES, compared=(), regions=500,
            draws=2, text=dataclasses.replace(TEXT, epochs=3), ours=Recipe(epochs=3, batch=32, learning_rate=1e-3),
            code=dataclasses.replace(PREPRINT, epochs=1),
            evolution=Evolution(population=20, generations=3)),
)}


def profile(name: str) -> Profile:
    """The profile called `name`. Raises ValueError for any other name."""
    if name not in PROFILES:
        raise ValueError(f"expected a profile, one of {', '.join(PROFILES)}, got {name!r}")
    return PROFILES[name]
