"""Where things live, and every number that defines a run: one frozen `Profile` each."""

import dataclasses
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
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
class Recipe:
    """How a network is fitted: Adam on the cross-entropy, `augmented` crops or plain ones.

    The learning rate falls to zero along a cosine, after a short rise; with `decay`, it is instead
    learning_rate / (1 + decay * step), as in the preprint's code. `weight_decay` is that of AdamW;
    `balanced`, that each epoch shows as many faces of either class, those of the smaller one more than once;
    `batch_normalised`, that a network of `models.BATCH_NORMALISED` is trained with batch normalisation.
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


SINGLE_DEFENCES = ("none", "median filter", "trained on witnesses", "trained on bounds")  # no two defences together
PREPRINT = Recipe(epochs=30, batch=5, learning_rate=1e-3, augmented=False, decay=1e-5)  # its code's


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
    detector: str = "mtcnn"  # that crops are cut by, a key of `faces.DETECTORS`
    smallest_face: int = 20  # pixels; recall is stated for labelled faces at least this wide
    iou: float = 0.4  # a detection is matched to a labelled box above this overlap
    recipe: Recipe = Recipe(epochs=160, batch=32, learning_rate=4e-3, weight_decay=0.05)
    code: Recipe = PREPRINT
    comparison: Recipe = Recipe(epochs=20, batch=32, learning_rate=1e-3, weight_decay=0.05)
    compared: tuple[str, ...] = ("mobilenet", "resnet50")  # networks that are large, and slow to train
    folds: int = 5
    repeats: int = 3  # seeds of the single split
    lengths: tuple[int, ...] = (5, 20)  # epochs of the shorter trainings that `recipe` is compared with
    attacked: int = 10**9  # correctly classified test faces attacked per network, at most
    # And of those proved safe or shown to be flippable, at most, by network, or by network and defence, as in "resnet,
    # median filter"; all, of one that is not named.
    verified: Mapping[str, int] = field(default_factory=dict)
    regions: int = 50_000  # of colours that are bounded for a face, at most
    evolution: Evolution = Evolution()
    defences: tuple[str, ...] = (*SINGLE_DEFENCES, "filter, trained on witnesses")  # keys of `variants.DEFENCES`
    draws: int = 10  # seeds of the search for faces that are known to be flippable

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
        Profile("demo", "wobot", scenes=160, unannotated=6, folds=3, repeats=2, lengths=(3,),
                attacked=24, verified={"resnet": 2, "figure2": 12},
                defences=SINGLE_DEFENCES,
                recipe=Recipe(epochs=25, batch=16, learning_rate=2e-3, weight_decay=0.05),
                code=dataclasses.replace(PREPRINT, epochs=10),
                compared=()),
        Profile("larxel", "voc"),
        Profile("wobot", "wobot"),
        # More of what the demo draws, other scenes, for the shipped weights.
        Profile("drawings", "wobot", scenes=600, seed=2021),
        # Too small to say anything; the tests run the notebooks on it.
        Profile("smoke", "wobot", scenes=30, unannotated=2, folds=2, repeats=1, lengths=(), attacked=2,
                verified={"resnet": 1, "figure2": 1}, regions=500, draws=2,
                defences=SINGLE_DEFENCES,
                recipe=Recipe(epochs=3, batch=32, learning_rate=1e-3),
                code=dataclasses.replace(PREPRINT, epochs=1),
                compared=(),
                evolution=Evolution(population=20, generations=3)),
    )
}


def profile(name: str) -> Profile:
    """The profile called `name`. Raises ValueError for any other name."""
    if name not in PROFILES:
        raise ValueError(f"expected a profile, one of {', '.join(PROFILES)}, got {name!r}")
    return PROFILES[name]
