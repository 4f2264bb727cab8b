"""Accuracy and success against the number of faces learned from, carried on to numbers that nobody has measured.

The model: the log odds of a share change by the same amount with each doubling of the faces (logistic regression on
log2 of their number; McCullagh & Nelder 1989). Its interval is of draws of whole groups of test photographs and, at
each size, of networks (Efron & Tibshirani 1993). It holds neither what other photographs to learn from would have
given, all sizes being drawn from the same, nor that the model may not fit: `backtest` says how far it was off.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from maskdet import files
from maskdet.config import Profile
from maskdet.counts import Estimate
from maskdet.experiment.seeds import Measured

Learned = Mapping[int, Sequence[Measured]]  # by the number of faces learned from
QUANTITIES = ("accuracy", "success")
DRAWS = 1000
FACTOR = 8  # by which the model is carried on, about as from a tenth of the preprint's faces to all
STEPS = 25  # of Newton's method, at most


@dataclass(frozen=True)
class Curve:
    """A share at some numbers of faces: of all networks of a number together (`shares`), by the model (`line`), and the
    95 % interval of the model, `low` to `high`; all 0 to 1. `doubling`: by what the odds are multiplied when the faces
    are doubled."""

    faces: list[int]
    shares: list[float]
    line: list[float]
    low: list[float]
    high: list[float]
    doubling: Estimate

    def table(self) -> pd.DataFrame:
        """A row for each number of faces; that of the doubling is the same in all."""
        shares = [*self.shares, *[np.nan] * (len(self.faces) - len(self.shares))]
        return pd.DataFrame({"faces": self.faces, "share": shares, "line": self.line, "low": self.low,
                             "high": self.high}).assign(
            **{f"doubling_{name}": value for name, value in vars(self.doubling).items()})

    @classmethod
    def of(cls, table: pd.DataFrame) -> "Curve":
        """The curve of a `table`."""
        doubling = Estimate(*(float(table[f"doubling_{name}"].iloc[0]) for name in ("value", "low", "high")))
        line, low, high = (table[name].tolist() for name in ("line", "low", "high"))
        return cls(table.faces.tolist(), table.share.dropna().tolist(), line, low, high, doubling)

    def at(self, faces: int) -> Estimate:
        """The share by the model at one of its numbers of faces."""
        place = self.faces.index(faces)
        return Estimate(self.line[place], self.low[place], self.high[place])


def fitted(learned: Learned, quantity: str, *, further: Sequence[int], seed: int) -> Curve:
    """The curve of a quantity, "accuracy" or "success", of networks on the same test faces, also at numbers of faces
    beyond (`further`, as far as they are beyond), where it has no share."""
    numbers, (hits, trials) = sorted(learned), _counted(learned, quantity)
    every = [*numbers, *(number for number in further if number > numbers[-1])]
    rng, clusters = np.random.default_rng(seed), next(iter(learned.values()))[0].clusters
    names, members = np.unique(clusters, return_inverse=True)
    coefficients = []
    for _ in range(DRAWS):
        times = np.bincount(rng.integers(0, len(names), len(names)), minlength=len(names))[members]
        drawn = [rng.integers(0, len(networks), len(networks)) for networks in hits]
        coefficients.append(_logistic(numbers, *(
            [(networks[rows] @ times).sum() for networks, rows in zip(side, drawn)] for side in (hits, trials))))
    whole = _logistic(numbers, *([networks.sum() for networks in side] for side in (hits, trials)))
    low, high = np.quantile([_share(drawn, every) for drawn in coefficients], (0.025, 0.975), axis=0)
    factors = np.exp(np.quantile(np.array(coefficients)[:, 1], (0.025, 0.975)))
    shares = [networks.sum() / tried.sum() for networks, tried in zip(hits, trials)]
    measured, line, low, high = ([*map(float, side)] for side in (shares, _share(whole, every), low, high))
    doubling = Estimate(float(np.exp(whole[1])), *map(float, factors))
    return Curve(every, measured, line, low, high, doubling)


def _counted(learned: Learned, quantity: str) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """At each number of faces, (networks, test faces): 1 where it is a hit, and 1 where it is tried."""
    if quantity not in QUANTITIES:
        raise ValueError(f"expected a quantity, one of {', '.join(QUANTITIES)}, got {quantity!r}")
    names = ("correct", None) if quantity == "accuracy" else ("flipped", "attacked")
    hits, trials = ([np.array([np.ones(len(one.correct)) if name is None else getattr(one, name) for one in networks],
                              float) for _, networks in sorted(learned.items())] for name in names)
    return hits, trials


def _logistic(numbers: Sequence[int], hits: Sequence[float], trials: Sequence[float]) -> np.ndarray:
    """Intercept and slope of the log odds on log2 of `numbers`, by maximum likelihood (Newton's method), with half a
    hit and half a miss more at each number, so that shares of 0 and 1 have finite log odds (Haldane 1956)."""
    x = np.column_stack([np.ones(len(numbers)), np.log2(numbers)])
    y, n = np.array(hits, float) + 0.5, np.array(trials, float) + 1
    coefficients = np.array([np.log(y.sum() / (n.sum() - y.sum())), 0.0])
    for _ in range(STEPS):
        p = 1 / (1 + np.exp(-x @ coefficients))
        step = np.linalg.solve((x.T * (n * p * (1 - p))) @ x, x.T @ (y - n * p))
        coefficients += step
        if np.abs(step).max() < 1e-10:
            break
    return coefficients


def _share(coefficients: np.ndarray, numbers: Sequence[int]) -> np.ndarray:
    return 1 / (1 + np.exp(-(coefficients[0] + coefficients[1] * np.log2(numbers))))


def curves(learned: Mapping[str, Learned], *, further: Sequence[int], seed: int) -> dict[str, dict[str, Curve]]:
    """The curves of both quantities, by quantity and network."""
    return {quantity: {name: fitted(by_number, quantity, further=further, seed=seed)
                       for name, by_number in learned.items()} for quantity in QUANTITIES}


def keep(run: Profile, found: Mapping[str, Mapping[str, Curve]]) -> None:
    """Write the curves of a run to `seeds/curves.csv`."""
    rows = [curve.table().assign(quantity=quantity, network=name)
            for quantity, by_network in found.items() for name, curve in by_network.items()]
    with files.whole(run.folder / "seeds" / "curves.csv") as path:
        pd.concat(rows, ignore_index=True).to_csv(path, index=False)


def table(found: Mapping[str, Mapping[str, Curve]]) -> pd.DataFrame:
    """A row for each quantity, network and number of faces: the share measured and, by the model, the share and its
    interval."""
    rows = {}
    for quantity, by_network in found.items():
        for name, curve in by_network.items():
            measured = [_percent(share) for share in curve.shares] + ["–"] * (len(curve.faces) - len(curve.shares))
            for faces, share, line, low, high in zip(curve.faces, measured, curve.line, curve.low, curve.high):
                rows[f"{quantity} of {name}", f"{faces:,} faces"] = {
                    "measured": share, "by the model": f"{_percent(line)} ({100 * low:.1f} to {_percent(high)})"}
    return pd.DataFrame(rows).T


def backtest(learned: Learned, quantity: str, *, seed: int) -> dict:
    """How well the model would have carried on from few faces to all: fitted to the sizes of an eighth of the largest
    or less, of which there are at least two, its share there beside the one measured. Empty where there are fewer."""
    largest = max(learned)
    few = {number: networks for number, networks in learned.items() if FACTOR * number <= largest}
    if len(few) < 2:
        return {}
    carried = fitted(few, quantity, further=(largest,), seed=seed).at(largest)
    measured = fitted(learned, quantity, further=(), seed=seed).shares[-1]
    return {"from": max(few), "to": largest, "carried": _percent(carried.value), "low": _percent(carried.low),
            "high": _percent(carried.high), "measured": _percent(measured)}


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def to_quote(found: Mapping[str, Mapping[str, Curve]], learned: Mapping[str, Learned], *, seed: int) -> dict:
    """What the prose quotes of the curves, by quantity and network: the share by the model at the last number of faces,
    by what its odds change with each doubling, and the `backtest`."""
    quoted: dict[str, dict] = {}
    for quantity, by_network in found.items():
        for name, curve in by_network.items():
            last = curve.at(curve.faces[-1])
            quoted.setdefault(quantity, {})[name] = {
                "faces": curve.faces[-1], "share": _percent(last.value), "low": _percent(last.low),
                "high": _percent(last.high), "doubling": f"{curve.doubling.value:.2f}",
                "least": f"{curve.doubling.low:.2f}", "most": f"{curve.doubling.high:.2f}",
                "backtest": backtest(learned[name], quantity, seed=seed)}
    return quoted
