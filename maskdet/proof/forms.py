"""Affine forms (de Figueiredo & Stolfi 2004) of a network's tensors while one pixel takes any colour of a box.

What a neuron adds to its clean value is  centre + Σ noise[k] t[k] ± radius,  each t[k] in [-1, 1]. The first three
symbols are the colours; a rectifier that may bend, and a maximum that may change hands, add a symbol each (Singh
et al. 2018), so that what they do is known again where it meets itself behind later layers. Convolutions,
sums and means are followed by the incremental inference that the attack uses.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from maskdet.incremental.layers import Change
from maskdet.proof import kernels, rounding

FAINT = 1e-2  # a new symbol smaller than this is kept as radius


@dataclass(frozen=True)
class Boxes:
    """N boxes of colours: the pixel at `places` (N, 2: row, column) takes any colour from `low` to `high` (N, 3).
    `doubt` (N,): what rounding may do to the margin there, as far as it is known."""

    places: np.ndarray
    low: np.ndarray
    high: np.ndarray
    doubt: np.ndarray | float = np.inf

    @classmethod
    def joined(cls, several: Sequence["Boxes"]) -> "Boxes":
        """All boxes of `several`, each of which has a doubt a box."""
        return cls(*(np.concatenate([getattr(one, part) for one in several])
                     for part in ("places", "low", "high", "doubt")))

    def __len__(self) -> int:
        return len(self.places)

    def __getitem__(self, which) -> "Boxes":
        doubt = self.doubt if np.isscalar(self.doubt) else self.doubt[which]
        return Boxes(self.places[which], self.low[which], self.high[which], doubt)


@dataclass(frozen=True)
class Noise:
    """Symbols made at one step: the box of each, `owner` (K,), ascending, and what each adds."""

    owner: np.ndarray
    change: Change


@dataclass(frozen=True)
class Form:
    """The forms of one tensor for all boxes. `noise` is by the number of the step that made it; the others (S, C) are
    of the slots of `centre`: `radius`, for what is rounded here; `spread`, the sum of the absolute values of all
    noise, rounded up; and by how much more a float32 run may be off than for the clean image, `own` by what it
    rounds in this tensor, `error` by all that it rounded before as well."""

    centre: Change
    radius: np.ndarray
    noise: dict[int, Noise]
    spread: np.ndarray
    own: np.ndarray
    error: np.ndarray


def spread(centre: Change, noise: dict[int, Noise], places: int) -> np.ndarray:
    """The sum of the absolute values of all noise in each slot of `centre`, (S, C), rounded up."""
    total, most = np.zeros_like(centre.values), 0
    for one in noise.values():
        kernels.spread(centre.first, centre.place, places, one.owner, one.change.first, one.change.place,
                       one.change.values, total)
        most += np.bincount(one.owner).max(initial=0)
    return total * (1 + rounding.gamma(most + 1))


def bent(number: int, centre: Change, radius: np.ndarray, noise: dict, before: np.ndarray,
         gap: np.ndarray, error: np.ndarray) -> Form:
    """A form with a new symbol of size `gap` (S, C) wherever there is one, beside noise whose spread is `before`."""
    slot, channel = np.nonzero(gap > FAINT)
    values = np.zeros((len(slot), gap.shape[1]), np.float32)
    values[np.arange(len(slot)), channel] = gap[slot, channel]
    owner = np.repeat(np.arange(len(centre.first) - 1), np.diff(centre.first))[slot]
    new = Noise(owner, Change(np.arange(len(slot) + 1), centre.place[slot], values))
    kept = np.where(gap > FAINT, gap, 0)
    return Form(centre, radius + (gap - kept), noise | {number: new}, (before + kept) * (1 + rounding.gamma(3)),
                np.zeros_like(error), error)


def scaled(centre: Change, noise: Noise, share: np.ndarray) -> Noise:
    """Noise times the share (S, C) of each slot."""
    old, places = noise.change, int(centre.place.max(initial=0)) + 1
    rows = kernels.scaled(centre.first, centre.place, places, noise.owner, old.first, old.place, old.values, share)
    return Noise(noise.owner, Change(old.first, old.place, rows))
