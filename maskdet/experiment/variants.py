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
    `training.normalised`, in training only; "median", filtered before. `recipe`: the profile's field that holds it;
    `epochs`, where given, replace its own; `plain`: on crops that are not augmented. `hardened`: how the network is
    trained against one pixel (see `hardening`). `region`: only rows and columns below this are searched.
    """

    network: str = "resnet"
    crops: str = "detected"
    scaling: str = "unit"
    recipe: str = "recipe"
    region: int | None = None
    epochs: int | None = None
    plain: bool = False
    hardened: str | None = None

    def settings(self, run: Profile) -> Recipe:
        """The recipe by which its network is fitted."""
        recipe = getattr(run, self.recipe)
        return dataclasses.replace(recipe, epochs=self.epochs or recipe.epochs,
                                   augmented=recipe.augmented and not self.plain)


TEXT = Variant()
CODE = Variant(network="figure2", crops="labelled", scaling="l2", recipe="code", region=32)  # the published code


def one_setting_changed(variant: Variant, other: Variant) -> dict[str, Variant]:
    """`variant` with each of its settings alone replaced by that of `other`, by the setting's name."""
    return {name: dataclasses.replace(variant, **{name: value}) for name, value in vars(other).items()
            if getattr(variant, name) != value}


@dataclass(frozen=True)
class Trial:
    """A variant, on the fold `fold` of the division by `seed`, or on its single split."""

    variant: Variant
    seed: int
    fold: int | None = None

    @property
    def name(self) -> str:
        """The name of its files. The region is no part of it, since it does not change the network."""
        variant = self.variant
        changed = [getattr(variant, setting) for setting in ("crops", "scaling", "recipe")
                   if getattr(variant, setting) != getattr(TEXT, setting)]
        epochs, fold = variant.epochs and f"{variant.epochs}epochs", None if self.fold is None else f"fold{self.fold}"
        parts = [variant.network, *changed, epochs, "plain" * variant.plain, variant.hardened, str(self.seed), fold]
        return "-".join(part for part in parts if part)


def main_run(run: Profile) -> dict[str, list[Trial]]:
    """The two networks of the preprint on the profile's split, all else as in its text."""
    return {name: [Trial(Variant(name), run.seed)] for name in networks.NETWORKS}


def repeats(run: Profile) -> dict[str, list[Trial]]:
    """The same on the split of each of the profile's seeds; the first is the main run."""
    return {name: [Trial(Variant(name), run.seed + more) for more in range(run.repeats)] for name in networks.NETWORKS}


def folds(run: Profile) -> dict[str, list[Trial]]:
    """The same on each of the profile's folds, so that every face is tested once."""
    return {name: [Trial(Variant(name), run.seed, fold) for fold in range(run.folds)] for name in networks.NETWORKS}


def text_and_code(run: Profile) -> dict[str, list[Trial]]:
    """The preprint's text and its code, and each with one setting of the other's ("text_crops"), on the same split."""
    variants = {}
    for name, variant, other in (("text", TEXT, CODE), ("code", CODE, TEXT)):
        variants[name] = variant
        variants |= {f"{name}_{setting}": mixed for setting, mixed in one_setting_changed(variant, other).items()}
    return {name: [Trial(variant, run.seed)] for name, variant in variants.items()}


def other_networks(run: Profile) -> dict[str, list[Trial]]:
    """The backbones of the detectors that the preprint cites, on the crops of the main run."""
    return {name: [Trial(Variant(name, recipe="comparison"), run.seed)] for name in run.compared}


def training_lengths(run: Profile) -> dict[str, list[Trial]]:
    """The main run trained for each of the profile's lengths and in full, on augmented crops and on plain crops."""
    return {f"{name}, {epochs or run.recipe.epochs} epochs{', plain' * plain}":
            [Trial(Variant(name, epochs=epochs, plain=plain), run.seed)]
            for name in networks.NETWORKS for plain in (False, True) for epochs in (*run.lengths, None)}


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
    """The main run with each defence that the profile names, by network and defence. Raises ValueError for another."""
    if unknown := set(run.defences) - set(DEFENCES):
        raise ValueError(f"expected defences among {', '.join(map(repr, DEFENCES))}, got {sorted(unknown)}")
    return {f"{name}, {words}": [Trial(Variant(name, **settings), run.seed)]
            for name in networks.NETWORKS for words, settings in (DEFENCES[key] for key in run.defences)}
