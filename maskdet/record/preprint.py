"""The preprint's two numbers beside ours: what their rounding leaves open, and which of our counts differ from them.

The preprint states two shares, and neither how many faces it tested nor how many pictures it attacked. There may have
been any number from the fewest whose share rounds to what it states to a fifth of the faces that its code reads. A
difference counts where Fisher's exact test finds it at both ends, all comparisons together (Holm 1979).
"""

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd
from scipy.stats import fisher_exact

from maskdet.counts import Count
from maskdet.record.results import as_text, typed

NETWORKS = {"resnet": "residual network", "figure2": "Figure 2 network"}
QUANTITIES = {"accuracy": "accuracy", "success": "success of one pixel"}  # that the preprint states
COLUMNS = {"wobot": "its own photographs", "larxel": "other photographs", "build": "this build"}
LAST = 5e-5  # half a unit of the last place of the shares that it states
LEVEL = 0.05  # of the tests


@dataclass(frozen=True)
class Headline:
    """A row of the headline: a count of ours that is set beside a quantity of the preprint."""

    quantity: str
    network: str
    over_folds: bool

    @property
    def name(self) -> str:
        """The row's name in the table."""
        return f"{QUANTITIES[self.quantity]}, {NETWORKS[self.network]}{', all folds' * self.over_folds}"

    @property
    def path(self) -> tuple[str, ...]:
        """Where its count lies in a run."""
        if self.quantity == "accuracy":
            return ("folds",) * self.over_folds + ("accuracy", self.network)
        search = "evolution" if self.over_folds else "differential_evolution"
        return ("folds", "success") * self.over_folds + ("attack",) * (not self.over_folds) + (self.network, search)


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


def most(preprint: Mapping, quantity: str) -> Count:
    """The largest such count of a test no larger than the preprint's can have been: a fifth of the faces that its code
    reads."""
    stated, samples = stated_share(preprint, quantity), sum(preprint["samples"].values())
    sizes = range(round(samples * preprint["test_share"]["value"] / 100), 0, -1)
    counts = ((round(stated * n), n) for n in sizes)
    return next(Count(k, n) for k, n in counts if abs(k / n - stated) <= LAST)


def agreement(stated: float, count: Count) -> str:
    """How a count of ours is beside a share: "higher", "lower", or, with the share in its interval, "in agreement"."""
    low, high = count.interval
    return "higher" if stated < low else "lower" if stated > high else "in agreement"


@dataclass(frozen=True)
class Beside:
    """A count of ours beside a share of the preprint: p of Fisher's exact test (1922) against the fewest and the most
    pictures that it can be of, and whether ours is "higher" or "lower"."""

    ours: Count
    p_fewest: float
    p_most: float
    side: str

    @staticmethod
    def of(ours: Count, preprint: Mapping, quantity: str) -> "Beside":
        """Ours is counted as so many independent faces as its interval is wide for (Rao & Scott 1992), and rounded
        towards the preprint's share, so that rounding claims nothing. Where none or all of ours count, nothing shows
        how alike the faces are: p is then 1."""
        stated = stated_share(preprint, quantity)
        side = "higher" if ours.share > stated else "lower"
        if ours.k in (0, ours.n):
            return Beside(ours, 1.0, 1.0, side)
        n = max(1, math.floor(ours.n / ours.effect))
        k = math.ceil(ours.share * n) if side == "lower" else math.floor(ours.share * n)
        p_fewest, p_most = (float(fisher_exact([[k, n - k], [theirs.k, theirs.n - theirs.k]]).pvalue)
                            for theirs in (fewest(preprint, quantity), most(preprint, quantity)))
        return Beside(ours, p_fewest, p_most, side)


def verdicts(found: Sequence[Beside]) -> list[str]:
    """Of several comparisons: whether ours is "higher" or "lower", or the two are "not told apart" at the LEVEL, where
    the larger p of each counts and Holm's procedure (1979) allows for their number."""
    told = ["not told apart"] * len(found)
    for rank, place in enumerate(sorted(range(len(found)), key=lambda place: _largest(found[place]))):
        if _largest(found[place]) >= LEVEL / (len(found) - rank):
            break
        told[place] = found[place].side
    return told


def _largest(beside: Beside) -> float:
    return max(beside.p_fewest, beside.p_most)


def _count(run: Mapping, row: Headline) -> Count | None:
    """The count of a row; none where a run is not that far."""
    for name in row.path:
        run = run.get(name, {})
    return Count(**run) if run else None


def _counts(columns: Mapping) -> Iterator[tuple[str, Headline, Count]]:
    """The counts of the recorded runs, with their column and row."""
    for column, row in itertools.product(("wobot", "larxel"), ROWS):
        if count := _count(columns[column], row):
            yield column, row, count


def headline(columns: Mapping) -> pd.DataFrame:
    """The preprint's numbers beside ours, each k/n with its 95 % interval."""
    return pd.DataFrame({row.name: {
        "the preprint": as_text(typed(columns["preprint"][row.quantity])),
        **{title: as_text(_count(columns[column], row) or "–") for column, title in COLUMNS.items()}}
        for row in ROWS}).T


def comparisons(columns: Mapping) -> pd.DataFrame:
    """A row for each recorded count: p of Fisher's exact test against the fewest and the most pictures that the
    preprint can have counted, and whether ours differs at both ends."""
    rows = {}
    for column, row, found, verdict in _compared(columns):
        ends = [end(columns["preprint"], row.quantity) for end in (fewest, most)]
        rows[f"{column}: {row.name}"] = {"ours": as_text(found.ours), **{
            f"p, {words}": f"{p:.2g} ({theirs.k}/{theirs.n})" for words, p, theirs in zip(
                ("fewest pictures", "most pictures"), (found.p_fewest, found.p_most), ends)}, "ours is": verdict}
    return pd.DataFrame(rows).T


def _compared(columns: Mapping) -> list[tuple[str, Headline, Beside, str]]:
    """Every recorded count beside the preprint's: its column and row, the comparison, and the verdict."""
    counts = list(_counts(columns))
    found = [Beside.of(count, columns["preprint"], row.quantity) for _, row, count in counts]
    return [(column, row, beside, verdict)
            for (column, row, _), beside, verdict in zip(counts, found, verdicts(found))]


def intervals(columns: Mapping) -> dict[str, list]:
    """The headline for `figures.intervals`, by quantity; the preprint's interval is that of its `fewest` pictures."""
    preprint = columns["preprint"]
    panels = {quantity: [("preprint, at widest", stated_share(preprint, quantity), fewest(preprint, quantity).interval)]
              for quantity in QUANTITIES}
    for row, column in itertools.product(ROWS, COLUMNS):
        if count := _count(columns[column], row):
            name = f"{column}, {NETWORKS[row.network]}{', folds' * row.over_folds}"
            panels[row.quantity].append((name, count.share, count.interval))
    return panels


def to_quote(columns: Mapping) -> dict:
    """The `fewest` and the `most` pictures, how the recorded counts, by set and place, are `beside` the preprint's, how
    many comparisons there are, and the accuracy of each network over all folds `at_their_mix` of classes."""
    preprint = columns["preprint"]
    beside: dict[str, dict] = {}
    for column, row, _, verdict in _compared(columns):
        beside.setdefault(column, {})[".".join(row.path)] = verdict
    return {"fewest": {quantity: fewest(preprint, quantity) for quantity in QUANTITIES},
            "most": {quantity: most(preprint, quantity) for quantity in QUANTITIES}, "beside": beside,
            "comparisons": len(_compared(columns)), "samples": sum(preprint["samples"].values()),
            "at_their_mix": {column: {network: _at_their_mix(columns[column], preprint, network)
                                      for network in NETWORKS} for column in ("wobot", "larxel")}}


def _at_their_mix(run: Mapping, preprint: Mapping, network: str) -> str:
    """The accuracy over all folds if masked and bare faces were as many as among those that the preprint's code
    reads."""
    by_class, samples = run["folds"]["accuracy_by_class"][network], preprint["samples"]
    shares = {label: Count(**by_class[label]).share for label in samples}
    return f"{100 * sum(samples[label] * shares[label] for label in samples) / sum(samples.values()):.1f} %"
