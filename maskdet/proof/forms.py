"""Affine forms (de Figueiredo & Stolfi 2004) of a network's tensors while one pixel takes any colour of a region.

What a neuron adds to its clean value is  centre + Σ noise[k] t[k] ± loose ± radius,  each symbol t[k] in [-1, 1].
The first symbols are the colours, one a channel. A rectifier whose sign may change, and a maximum or median that may
take another input, each add a symbol (Singh et al. 2018), so that its error can cancel where branches of the network
meet. Symbols that can no longer cancel are summed up in `loose`. Convolutions, sums and means are followed by the
incremental inference that the attack uses.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields, replace
from typing import NamedTuple

import numpy as np

from maskdet.incremental.layers import Change
from maskdet.proof import kernels, rounding

FINEST = 2.0**-6  # an interval of grey levels that is not halved any more
FAINT = 1e-2  # a new symbol smaller than this becomes part of the radius


@dataclass(frozen=True)
class Regions:
    """N regions of colours: the pixel at `places` (N, 2: row, column) takes any colour from `low` to `high` (N, C),
    whole numbers; or, of a network that turns colours into grey, any from `low` to `high` (N, 1), levels of `Greys`.
    `doubt` (N,): a bound of what rounding does to the margin there, infinite where none is known. `rough` (N,): whether
    to bound the region quickly or closely."""

    places: np.ndarray
    low: np.ndarray
    high: np.ndarray
    doubt: np.ndarray
    rough: np.ndarray

    @classmethod
    def of(cls, places: np.ndarray, low: np.ndarray, high: np.ndarray) -> "Regions":
        """Regions of which nothing is known yet, to be bounded roughly."""
        return cls(places, low, high, np.full(len(places), np.inf), np.ones(len(places), bool))

    @classmethod
    def joined(cls, parts: Sequence["Regions"]) -> "Regions":
        """All regions of `parts`."""
        return cls(*(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(cls)))

    @property
    def single(self) -> np.ndarray:
        """Which regions hold a single colour, or greys too near to be told apart, (N,) bool."""
        return (self.high - self.low <= (0 if self.low.dtype.kind == "i" else FINEST)).all(axis=1)

    def __len__(self) -> int:
        return len(self.places)

    def __getitem__(self, which) -> "Regions":
        return Regions(*(getattr(self, field.name)[which] for field in fields(self)))


class Noise(NamedTuple):
    """The symbols that a step adds: the region of each, `owner` (K,), ascending, and what each adds to a tensor."""

    owner: np.ndarray
    change: Change


@dataclass(frozen=True)
class Relaxation:
    """The linear relaxation of a step that is not linear: in each slot and channel (S, C) its output is at least
    share[0] x + offset[0]  and at most  share[1] x + offset[1],  x its input at the same place, or at `tap` (S, C)."""

    share: tuple[np.ndarray, np.ndarray]
    offset: tuple[np.ndarray, np.ndarray]
    tap: np.ndarray | None = None


@dataclass(frozen=True)
class Form:
    """The forms of a tensor for all regions; the arrays (S, C) are of the slots of `centre`.

    `noise`: symbols by the number of the step that added them. `loose`: the sum of the sizes of symbols that are no
    longer told apart. `radius`: rounding in the form, and symbols that are faint. `spread`: the sum of the sizes of
    all symbols and of `loose`, rounded up. `own` and `error`: by how much more than on the clean image a float32 run
    may be wrong, by rounding in this tensor alone and in all up to it. `relaxation`: of a step that is not linear.
    """

    centre: Change
    radius: np.ndarray
    noise: dict[int, Noise]
    loose: np.ndarray
    spread: np.ndarray
    own: np.ndarray
    error: np.ndarray
    relaxation: Relaxation | None = None

    def loosened(self, places: int, kept: Collection[int]) -> "Form":
        """The same form with only the noise of the steps `kept`; the rest becomes `loose`."""
        rest = {step: noise for step, noise in self.noise.items() if step not in kept}
        if not rest:
            return self
        loose = (self.loose + spread(self.centre, rest, places)) * (1 + rounding.gamma(1))
        return replace(self, noise={step: self.noise[step] for step in self.noise if step in kept}, loose=loose)


def spread(centre: Change, noise: dict[int, Noise], places: int) -> np.ndarray:
    """The sum of the absolute values of all noise in each slot of `centre`, (S, C), rounded up."""
    total, terms = np.zeros_like(centre.values), 0
    for owner, change in noise.values():
        kernels.spread(centre.first, centre.place, places, owner, *change, total)
        terms += np.bincount(owner).max(initial=0)
    return total * (1 + rounding.gamma(terms + 1))


def bent(number: int, centre: Change, radius: np.ndarray, noise: dict, loose: np.ndarray, before: np.ndarray,
         gap: np.ndarray, error: np.ndarray, relaxation: Relaxation, own: np.ndarray | None = None) -> Form:
    """A form with a new symbol wherever `gap` (S, C), its size, is not 0. `before` is the spread of the other noise and
    of `loose`. Where all symbols are summed up in `loose`, the new ones are as well. `own`: of `Form`, by default 0."""
    own = np.zeros_like(error) if own is None else own
    if not noise:
        both = (before + gap) * (1 + rounding.gamma(3))
        return Form(centre, radius, {}, both, both, own, error, relaxation)
    slot, channel = np.nonzero(gap > FAINT)
    values = np.zeros((len(slot), gap.shape[1]), np.float32)
    values[np.arange(len(slot)), channel] = gap[slot, channel]
    new = Noise(centre.candidate[slot], Change(np.arange(len(slot) + 1), centre.place[slot], values))
    kept = np.where(gap > FAINT, gap, 0)
    return Form(centre, radius + (gap - kept), noise | {number: new}, loose,
                (before + kept) * (1 + rounding.gamma(3)), own, error, relaxation)


def scaled(centre: Change, noise: Noise, share: np.ndarray) -> Noise:
    """Noise times the `share` (S, C) of each slot."""
    places = int(centre.place.max(initial=0)) + 1
    rows = kernels.scaled(centre.first, centre.place, places, noise.owner, *noise.change, share)
    return Noise(noise.owner, noise.change._replace(values=rows))
