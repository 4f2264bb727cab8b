"""The one interface of all searches."""

from typing import NamedTuple, Protocol

import numpy as np

from maskdet.attack.oracle import Face


class Found(NamedTuple):
    """The best pixels (K, 5) that a search found, and how many changed images it asked about."""

    pixels: np.ndarray
    queries: int


class Search(Protocol):
    """Looks for pixels of a face that turn its margin for the class `label` below 0, and stops there.

    A search is a frozen dataclass of its settings; its name in tables is `name`.
    """

    @property
    def name(self) -> str: ...

    def __call__(self, face: Face, label: int, *, rng: np.random.Generator) -> Found: ...


def within(region: int | None) -> str:
    """What a search of the places whose row and column are below `region` adds to its name."""
    return "" if region is None else f"_below_{region}"
