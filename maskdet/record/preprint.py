"""The preprint's two numbers beside ours: what their rounding leaves open, and which of our counts agree with them."""

import itertools
from collections.abc import Mapping, Sequence

import pandas as pd

from maskdet.counts import Count
from maskdet.record.results import as_text

ROWS = {  # rows of the headline: where the count lies in a run, and in the preprint
    "accuracy, residual network": (("accuracy", "resnet"), "accuracy"),
    "accuracy, Figure 2 network": (("accuracy", "figure2"), "accuracy"),
    "accuracy over folds, residual network": (("folds", "accuracy", "resnet"), "accuracy"),
    "accuracy over folds, Figure 2 network": (("folds", "accuracy", "figure2"), "accuracy"),
    "success of one pixel, residual network": (("attack", "resnet", "differential_evolution"), "success"),
    "success of one pixel, Figure 2 network": (("attack", "figure2", "differential_evolution"), "success"),
    "success over folds, residual network": (("folds", "success", "resnet"), "success"),
    "success over folds, Figure 2 network": (("folds", "success", "figure2"), "success"),
}
LAST = 5e-5  # half a unit of the last place of the shares that it states


def stated_share(preprint: Mapping, quantity: str) -> float:
    """A share that the preprint states, such as "about 1.77 %", 0 to 1."""
    return float(preprint[quantity].removeprefix("about ").rstrip(" %")) / 100


def point(preprint: Mapping) -> tuple[float, float]:
    """The shares of faces that it has wrong and of those that are flipped."""
    return 1 - stated_share(preprint, "accuracy"), stated_share(preprint, "success")


def fewest(preprint: Mapping, quantity: str) -> Count:
    """The count of the fewest pictures whose share rounds to the one that the preprint states, with two decimals: of
    pictures that are independent it has the widest interval."""
    stated = stated_share(preprint, quantity)
    counts = ((round(stated * n), n) for n in itertools.count(1))
    return next(Count(k, n) for k, n in counts if abs(k / n - stated) <= LAST)


def position(stated: float, ends: Sequence[Count]) -> str:
    """Where a share of the preprint lies beside two counts, in words."""
    low, high = sorted(count.share for count in ends)
    return "below both" if stated < low else "above both" if stated > high else "between the two"


def agreement(stated: float, count: Count) -> str:
    """How a count of ours is beside a share of the preprint: "higher", "lower", or "in agreement", where the share lies
    inside its interval."""
    low, high = count.interval
    return "higher" if stated < low else "lower" if stated > high else "in agreement"


def _count(run: Mapping, path: tuple[str, ...]) -> Count:
    for name in path:
        run = run[name]
    return Count(**run)


def headline(columns: Mapping) -> pd.DataFrame:
    """The preprint's numbers beside ours, each of ours k/n with its 95 % interval; and how the recorded one is `beside`
    the preprint's."""
    rows = {}
    for name, (path, reported) in ROWS.items():
        recorded = _count(columns["recorded"], path)
        rows[name] = {"the preprint": as_text(columns["preprint"][reported]),
                      "recorded on photographs": as_text(recorded),
                      "which is": agreement(stated_share(columns["preprint"], reported), recorded),
                      "this build": as_text(_count(columns["build"], path))}
    return pd.DataFrame(rows).T


def intervals(columns: Mapping) -> dict[str, list]:
    """The headline as `figures.intervals` draws it, a panel for accuracy and one for success: (name, share, interval);
    the preprint's interval is that of its `fewest` pictures."""
    panels: dict[str, list] = {}
    for name, (path, reported) in ROWS.items():
        what, network = name.split(", ")
        stated = (stated_share(columns["preprint"], reported), fewest(columns["preprint"], reported).interval)
        panel = panels.setdefault(reported, [("preprint, at widest", *stated)])
        for column in ("recorded", "build"):
            count = _count(columns[column], path)
            panel.append((f"{column}, {network}{', folds' * what.endswith('folds')}", count.share, count.interval))
    return panels


def to_quote(columns: Mapping) -> dict:
    """What the prose quotes of the comparison: the counts of the `fewest` pictures, and how the recorded ones are
    `beside` its numbers, by the place of the count in the record."""
    return {"fewest": {quantity: fewest(columns["preprint"], quantity) for quantity in ("accuracy", "success")},
            "beside": {".".join(path): agreement(stated_share(columns["preprint"], reported), _count(columns["recorded"], path))
                       for path, reported in ROWS.values()}}
