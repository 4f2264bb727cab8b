"""Variants of the experiment, and the trials that test them."""

import dataclasses
from dataclasses import dataclass
from typing import Any

from maskdet import networks
from maskdet.config import Profile, Recipe


@dataclass(frozen=True)
class Variant:
    """A way of doing the experiment. The defaults are those of the preprint's text.

    `crops`: cut from "detected" boxes or from "labelled" boxes. `scaling` of the crops: "unit"; "l2", as by
    `training.normalised`, in training only; "median", filtered before. `recipe`: the profile's field that holds it.
    `hardened`: how the network is trained against one pixel (see `hardening`). `region`: only rows and columns below
    this are searched.
    """

    network: str = "resnet"
    crops: str = "detected"
    scaling: str = "unit"
    recipe: str = "text"
    region: int | None = None
    hardened: str | None = None


TEXT = Variant()
CODE = Variant(network="figure2", crops="labelled", scaling="l2", recipe="code", region=32)  # the published code


def one_setting_changed(variant: Variant, other: Variant) -> dict[str, Variant]:
    """`variant` with each of its settings alone replaced by that of `other`, by the setting's name."""
    return {name: dataclasses.replace(variant, **{name: value}) for name, value in vars(other).items()
            if getattr(variant, name) != value}


@dataclass(frozen=True)
class Trial:
    """A variant, on the fold `fold` of the division by `seed`, or on its single split. `weights`: the seed of the
    weights and of the training, where it is another. `faces`: it learns from so many faces only. `epochs`, where given,
    replace those of its recipe. `validation`: it learns from the training part alone and is tested on the validation
    part, from which others learn too."""

    variant: Variant
    seed: int
    fold: int | None = None
    weights: int | None = None
    faces: int | None = None
    epochs: int | None = None
    validation: bool = False

    def settings(self, run: Profile) -> Recipe:
        """The recipe by which its network is fitted."""
        recipe: Recipe = getattr(run, self.variant.recipe)
        return dataclasses.replace(recipe, epochs=self.epochs or recipe.epochs)

    @property
    def drawn_by(self) -> int:
        """The seed of the weights and of the training."""
        if self.weights is not None:
            return self.weights
        return self.seed if self.fold is None else 1000 * self.seed + self.fold

    @property
    def name(self) -> str:
        """The name of its files. The region is no part of it, since it does not change the network."""
        variant = self.variant
        changed = [getattr(variant, setting) for setting in ("crops", "scaling", "recipe")
                   if getattr(variant, setting) != getattr(TEXT, setting)]
        numbers = {"fold": self.fold, "weights": self.weights, "faces": self.faces, "epochs": self.epochs}
        parts = [variant.network, *changed, variant.hardened, str(self.seed),
                 *(f"{kind}{number}" for kind, number in numbers.items() if number is not None),
                 "validation" * self.validation]
        return "-".join(part for part in parts if part)


def main_run(run: Profile) -> dict[str, list[Trial]]:
    """The two networks of the preprint on the profile's split, all else as in its text."""
    return {name: [Trial(Variant(name), run.seed)] for name in networks.NETWORKS}


def validations(run: Profile) -> dict[str, list[Trial]]:
    """The networks of the main run, trained twice as long and tested on the validation part, with several seeds."""
    return {name: [Trial(Variant(name), run.seed, weights=run.seed + more, epochs=2 * run.text.epochs, validation=True)
                   for more in range(run.repeats)] for name in networks.NETWORKS}


def folds(run: Profile) -> dict[str, list[Trial]]:
    """The same on each of the profile's folds, so that every face is tested once."""
    return {name: [Trial(Variant(name), run.seed, fold) for fold in range(run.folds)] for name in networks.NETWORKS}


def text_and_code(run: Profile) -> dict[str, list[Trial]]:
    """The preprint's text and its code, and each with one setting of the other's ("text_crops") or with our training
    ("text_ours"), on the same split."""
    variants = {}
    for name, variant, other in (("text", TEXT, CODE), ("code", CODE, TEXT)):
        variants[name] = variant
        variants |= {f"{name}_{setting}": mixed for setting, mixed in one_setting_changed(variant, other).items()}
        variants[f"{name}_ours"] = dataclasses.replace(variant, recipe="ours")
    return {name: [Trial(variant, run.seed)] for name, variant in variants.items()}


def other_networks(run: Profile) -> dict[str, list[Trial]]:
    """The backbones of the detectors that the preprint cites, on the crops of the main run."""
    return {name: [Trial(Variant(name, recipe="comparison"), run.seed)] for name in run.compared}


VARIED = ("weights", "split")  # what another seed may draw


def other_seeds(run: Profile, varied: str, recipe: str) -> dict[str, list[Trial]]:
    """The two networks fitted by `recipe`, "text" or "ours", with each of the profile's seeds in place of the one that
    draws `varied`: the first is the profile's own. Raises ValueError for another `varied`."""
    if varied not in VARIED:
        raise ValueError(f"expected what varies, one of {', '.join(VARIED)}, got {varied!r}")
    every = [run.seed + more for more in range(run.seeds)]
    return {name: [_seeded(Variant(name, recipe=recipe), *((run.seed, seed) if varied == "weights" else
                                                           (seed, run.seed))) for seed in every]
            for name in networks.NETWORKS}


LONGEST = 10  # times the epochs, at most, for fewer faces


def fewer_faces(run: Profile, faces: int, *, of: int) -> dict[str, list[Trial]]:
    """The two networks learning from `faces` of `of` faces only, which another seed draws each time. They take as many
    steps as from all, or LONGEST times the epochs where that is less, so that they are not merely trained less."""
    epochs = round(run.text.epochs * min(LONGEST, of / faces))
    return {name: [Trial(Variant(name), run.seed, weights=run.seed + more, faces=faces, epochs=epochs)
                   for more in range(run.subsets)] for name in networks.NETWORKS}


def _seeded(variant: Variant, split: int, weights: int) -> Trial:
    """A trial on the split of one seed with the weights of another, or the trial of both where they are one."""
    return Trial(variant, split, weights=None if weights == split else weights)


# What a user of a network can do: in a reader's words, and as settings of a variant.
DEFENCES: dict[str, tuple[str, dict[str, Any]]] = {
    "none": ("none", {}),
    "median_filter": ("median filter", {"scaling": "median"}),
    "trained_on_witnesses": ("trained on witnesses", {"hardened": "witness"}),
    "trained_on_bounds": ("trained on bounds", {"hardened": "bounds"}),
    "filter_trained_on_witnesses": ("filter, trained on witnesses", {"scaling": "median", "hardened": "witness"}),
}


def defence(variant: Variant) -> str:
    """The key in `DEFENCES` of what a variant is defended by."""
    return next(key for key, (_, settings) in DEFENCES.items() if Variant(variant.network, **settings) == variant)


def with_defences(run: Profile) -> dict[str, list[Trial]]:
    """The main run with each defence that the profile names, by network and defence, with several seeds of the weights.
    Raises ValueError for a defence that is not known."""
    if unknown := set(run.defences) - set(DEFENCES):
        raise ValueError(f"expected defences among {', '.join(map(repr, DEFENCES))}, got {sorted(unknown)}")
    return {f"{name}, {words}": [_seeded(Variant(name, **settings), run.seed, run.seed + more)
                                 for more in range(run.repeats)]
            for name in networks.NETWORKS for words, settings in (DEFENCES[key] for key in run.defences)}
