"""The preprint's two numbers beside ours: what their rounding leaves open, and which of our counts agree with them."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from maskdet.counts import Count
from maskdet.record.results import as_text, typed

NETWORKS = {"resnet": "residual network", "figure2": "Figure 2 network"}
QUANTITIES = {"accuracy": "accuracy", "success": "success of one pixel"}  # that the preprint states
LAST = 5e-5  # half a unit of the last place of the shares that it states


@dataclass(frozen=True)
class Headline:
    """A row of the headline: a count of ours that is set beside a quantity of the preprint."""

    quantity: str
    network: str
    over_folds: bool

    @property
    def name(self) -> str:
        """The row's name in the table."""
        what = f"{self.quantity} over folds" if self.over_folds else QUANTITIES[self.quantity]
        return f"{what}, {NETWORKS[self.network]}"

    @property
    def path(self) -> tuple[str, ...]:
        """Where its count lies in a run."""
        if self.over_folds:
            return "folds", self.quantity, self.network
        return {"accuracy": ("accuracy", self.network),
                "success": ("attack", self.network, "differential_evolution")}[self.quantity]


ROWS = [Headline(quantity, network, over_folds)
        for quantity in QUANTITIES for over_folds in (False, True) for network in NETWORKS]


def stated_share(preprint: Mapping, quantity: str) -> float:
    """A share that the preprint states, such as 1.77 %, 0 to 1."""
    return preprint[quantity]["value"] / 100


def point(preprint: Mapping) -> tuple[float, float]:
    """The shares of faces that it has wrong and of those that are flipped."""
    return 1 - stated_share(preprint, "accuracy"), stated_share(preprint, "success")


def fewest(preprint: Mapping, quantity: str) -> Count:
    """The smallest count whose share, to two decimals, is the one that the preprint states. Of all such counts it has
    the widest interval (if the pictures are independent)."""
    stated = stated_share(preprint, quantity)
    counts = ((round(stated * n), n) for n in itertools.count(1))
    return next(Count(k, n) for k, n in counts if abs(k / n - stated) <= LAST)


def position(stated: float, ends: Sequence[Count]) -> str:
    """Where a share of the preprint lies beside two counts, in words."""
    low, high = sorted(count.share for count in ends)
    return "below both" if stated < low else "above both" if stated > high else "between the two"


def agreement(stated: float, count: Count) -> str:
    """How a count of ours is beside a share: "higher", "lower", or, with the share in its interval, "in agreement"."""
    low, high = count.interval
    return "higher" if stated < low else "lower" if stated > high else "in agreement"


def _count(run: Mapping, row: Headline) -> Count | None:
    """The count of a row; none where a run is not that far."""
    for name in row.path:
        run = run.get(name, {})
    return Count(**run) if run else None


def headline(columns: Mapping) -> pd.DataFrame:
    """The preprint's numbers beside ours, each k/n with its 95 % interval, and how the recorded one compares."""
    preprint, beside = columns["preprint"], to_quote(columns)["beside"]
    return pd.DataFrame({row.name: {
        "the preprint": as_text(typed(preprint[row.quantity])),
        "recorded on photographs": as_text(_count(columns["recorded"], row)), "which is": beside[".".join(row.path)],
        "this build": as_text(_count(columns["build"], row) or "–")} for row in ROWS}).T


def intervals(columns: Mapping) -> dict[str, list]:
    """The headline for `figures.intervals`, by quantity; the preprint's interval is that of its `fewest` pictures."""
    preprint = columns["preprint"]
    panels = {quantity: [("preprint, at widest", stated_share(preprint, quantity), fewest(preprint, quantity).interval)]
              for quantity in QUANTITIES}
    for row, column in itertools.product(ROWS, ("recorded", "build")):
        if count := _count(columns[column], row):
            name = f"{column}, {NETWORKS[row.network]}{', folds' * row.over_folds}"
            panels[row.quantity].append((name, count.share, count.interval))
    return panels


def to_quote(columns: Mapping) -> dict:
    """The counts of the `fewest` pictures, and how the recorded counts, by their place, are `beside` the preprint's."""
    return {"fewest": {quantity: fewest(columns["preprint"], quantity) for quantity in QUANTITIES},
            "beside": {".".join(row.path): agreement(stated_share(columns["preprint"], row.quantity), count)
                       for row in ROWS if (count := _count(columns["recorded"], row))}}
