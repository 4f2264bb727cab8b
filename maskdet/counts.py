"""Counts with their intervals: how every share in this project is stated."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

Z = float(ndtri(0.975))  # the normal quantile of a 95 % interval


@dataclass(frozen=True)
class Count:
    """`k` of `n`, with the 95 % interval of Wilson (1927): as text, share, count and interval. Raises ValueError unless
    0 <= k <= n > 0. `effect` is the design effect of clusters (see `clustered`): the interval is as wide as that of
    n / effect independent items."""

    k: int
    n: int
    effect: float = 1.0

    def __post_init__(self):
        if not 0 <= self.k <= self.n or self.n < 1:
            raise ValueError(f"expected 0 <= k <= n and n >= 1, got k = {self.k}, n = {self.n}")
        if not self.effect > 0:
            raise ValueError(f"expected a design effect above 0, got {self.effect}")

    @property
    def share(self) -> float:
        """k / n."""
        return self.k / self.n

    @property
    def interval(self) -> tuple[float, float]:
        """The lower and the upper end of the interval, 0 to 1."""
        n, p = self.n / self.effect, self.share
        middle = (p + Z**2 / (2 * n)) / (1 + Z**2 / n)
        half = Z / (1 + Z**2 / n) * np.sqrt(p * (1 - p) / n + Z**2 / (4 * n**2))
        return (0.0 if self.k == 0 else float(middle - half), 1.0 if self.k == self.n else float(middle + half))

    def __str__(self) -> str:
        low, high = (100 * end for end in self.interval)
        return f"{100 * self.share:.1f} % ({self.k}/{self.n}; {low:.1f} to {high:.1f} %)"


def clustered(hits: np.ndarray, clusters: np.ndarray) -> Count:
    """How many of `hits` (N,) bool are true, where items of the same cluster, `clusters` (N,), may be alike. The design
    effect, at least 1, is that of Rao & Scott (1992): the variance of the share over clusters, divided by that over
    single items. Raises ValueError where there is nothing to count."""
    hits, clusters = np.asarray(hits, bool), np.asarray(clusters)
    if hits.shape != clusters.shape or hits.ndim != 1:
        raise ValueError(f"expected a cluster for each of {hits.shape} hits, got {clusters.shape}")
    count = Count(int(hits.sum()), len(hits))
    names, members = np.unique(clusters, return_inverse=True)
    if len(names) < 2 or count.k in (0, count.n):
        return count
    residual = np.bincount(members, weights=hits - count.share)  # for each cluster, hits less expected hits
    over_clusters = len(names) / (len(names) - 1) * (residual**2).sum()
    over_items = count.n / (count.n - 1) * count.n * count.share * (1 - count.share)
    return Count(count.k, count.n, max(1.0, float(over_clusters / over_items)))


def panels(counts: Mapping[str, Mapping[str, Count]]) -> dict[str, list[tuple]]:
    """Counts by quantity and name as `figures.intervals` draws them: by quantity, (name, share, interval)."""
    return {quantity: [(name, count.share, count.interval) for name, count in by_name.items()]
            for quantity, by_name in counts.items()}


@dataclass(frozen=True)
class Estimate:
    """A number that is not a share of a count, with its 95 % interval."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3f} ({self.low:.3f} to {self.high:.3f})"


def bootstrap(statistic: Callable[[np.ndarray], float], clusters: np.ndarray, *, rng: np.random.Generator,
              times: int = 1000) -> Estimate:
    """`statistic(rows)` of all rows of `clusters` (N,), with its percentile interval (Efron & Tibshirani 1993) over
    `times` draws of whole clusters with replacement. A draw whose statistic is not finite is left out."""
    clusters = np.asarray(clusters)
    names, members = np.unique(clusters, return_inverse=True)
    rows = np.split(np.argsort(members, kind="stable"), np.cumsum(np.bincount(members))[:-1])
    draws = [statistic(np.concatenate([rows[i] for i in rng.integers(0, len(names), len(names))]))
             for _ in range(times)]
    low, high = np.nanquantile(np.array(draws, float), (0.025, 0.975))
    return Estimate(float(statistic(np.arange(len(clusters)))), float(low), float(high))
