"""Affine forms (de Figueiredo & Stolfi 2004) of a network's tensors while one pixel takes any colour of a box.

What a neuron adds to its clean value is  centre + Σ noise[k] t[k] ± loose ± radius,  each t[k] in [-1, 1]. The first
three symbols are the colours; a rectifier that may bend, and a maximum or median that may change hands, add a symbol
each (Singh et al. 2018), so that what they do is known again where it meets itself behind later layers. Where it will
not, symbols are told apart no more: `loose`. Convolutions, sums and means are followed by the incremental inference
that the attack uses.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields, replace

import numpy as np

from maskdet.incremental.layers import Change
from maskdet.proof import kernels, rounding

FAINT = 1e-2  # a new symbol smaller than this is kept as radius


@dataclass(frozen=True)
class Regions:
    """N boxes of colours: the pixel at `places` (N, 2: row, column) takes any colour from `low` to `high` (N, 3).
    `doubt` (N,): what rounding may do to the margin there, as far as it is known; `rough` (N,): whether they are to be
    bounded quickly rather than closely."""

    places: np.ndarray
    low: np.ndarray
    high: np.ndarray
    doubt: np.ndarray
    rough: np.ndarray

    @classmethod
    def of(cls, places: np.ndarray, low: np.ndarray, high: np.ndarray) -> "Boxes":
        """Boxes of which nothing is known yet, to be bounded roughly."""
        return cls(places, low, high, np.full(len(places), np.inf), np.ones(len(places), bool))

    @classmethod
    def joined(cls, several: Sequence["Boxes"]) -> "Boxes":
        """All boxes of `several`."""
        return cls(*(np.concatenate([getattr(one, part.name) for one in several]) for part in fields(cls)))

    @property
    def single(self) -> np.ndarray:
        """Which hold one colour alone, (N,) bool."""
        return (self.low == self.high).all(axis=1)

    def __len__(self) -> int:
        return len(self.places)

    def __getitem__(self, which) -> "Boxes":
        return Regions(*(getattr(self, part.name)[which] for part in fields(self)))


@dataclass(frozen=True)
class Noise:
    """Symbols made at one step: the box of each, `owner` (K,), ascending, and what each adds."""

    owner: np.ndarray
    change: Change


@dataclass(frozen=True)
class Relaxation:
    """A step that bends: in each slot and channel (S, C) its output is no less than  share[0] x + offset[0]  and no
    more than  share[1] x + offset[1], x being its input at the same place, or at place `tap` (S, C) where there is
    one."""

    share: tuple[np.ndarray, np.ndarray]
    offset: tuple[np.ndarray, np.ndarray]
    tap: np.ndarray | None = None


@dataclass(frozen=True)
class Form:
    """The forms of one tensor for all boxes. `noise` is by the number of the step that made it; the others (S, C) are
    of the slots of `centre`: `radius`, for what is rounded here and for new noise that is faint; `loose`, for noise
    that is not told apart any more; `spread`, the sum of the absolute values of all noise and of `loose`, rounded up;
    and by how much more a float32 run may be off than for the clean image, `own` by what it rounds in this tensor,
    `error` by all that it rounded before as well. `lines` are those of a step that bends."""

    centre: Change
    radius: np.ndarray
    noise: dict[int, Noise]
    loose: np.ndarray
    spread: np.ndarray
    own: np.ndarray
    error: np.ndarray
    lines: Relaxation | None = None

    def loosened(self, places: int, kept: Collection[int]) -> "Form":
        """The same with the noise of the steps `kept` alone, the rest of it as `loose`."""
        if set(self.noise) <= set(kept):
            return self
        rest = {born: one for born, one in self.noise.items() if born not in kept}
        loose = (self.loose + spread(self.centre, rest, places)) * (1 + rounding.gamma(1))
        return replace(self, noise={born: one for born, one in self.noise.items() if born in kept}, loose=loose)


def spread(centre: Change, noise: dict[int, Noise], places: int) -> np.ndarray:
    """The sum of the absolute values of all noise in each slot of `centre`, (S, C), rounded up."""
    total, most = np.zeros_like(centre.values), 0
    for one in noise.values():
        kernels.spread(centre.first, centre.place, places, one.owner, one.change.first, one.change.place,
                       one.change.values, total)
        most += np.bincount(one.owner).max(initial=0)
    return total * (1 + rounding.gamma(most + 1))


def bent(number: int, centre: Change, radius: np.ndarray, noise: dict, loose: np.ndarray, before: np.ndarray,
         gap: np.ndarray, error: np.ndarray, lines: Relaxation) -> Form:
    """A form with a new symbol of size `gap` (S, C) wherever there is one, beside noise whose spread is `before`,
    `loose` noise included; where no noise is told apart, nor is this."""
    none = np.zeros_like(error)
    if not noise:
        both = (before + gap) * (1 + rounding.gamma(3))
        return Form(centre, radius, {}, both, both, none, error, lines)
    slot, channel = np.nonzero(gap > FAINT)
    values = np.zeros((len(slot), gap.shape[1]), np.float32)
    values[np.arange(len(slot)), channel] = gap[slot, channel]
    owner = np.repeat(np.arange(len(centre.first) - 1), np.diff(centre.first))[slot]
    new = Noise(owner, Change(np.arange(len(slot) + 1), centre.place[slot], values))
    kept = np.where(gap > FAINT, gap, 0)
    return Form(centre, radius + (gap - kept), noise | {number: new}, loose,
                (before + kept) * (1 + rounding.gamma(3)), none, error, lines)


def scaled(centre: Change, noise: Noise, share: np.ndarray) -> Noise:
    """Noise times the share (S, C) of each slot."""
    old, places = noise.change, int(centre.place.max(initial=0)) + 1
    rows = kernels.scaled(centre.first, centre.place, places, noise.owner, old.first, old.place, old.values, share)
    return Noise(noise.owner, Change(old.first, old.place, rows))
