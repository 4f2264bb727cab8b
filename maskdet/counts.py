"""Counts with their intervals: how every share in this project is stated."""

from dataclasses import dataclass

from scipy.stats import binomtest


@dataclass(frozen=True)
class Count:
    """`k` of `n`, with the 95 % interval of Wilson (1927). Raises ValueError unless 0 <= k <= n > 0."""

    k: int
    n: int

    def __post_init__(self):
        if not 0 <= self.k <= self.n or self.n < 1:
            raise ValueError(f"expected 0 <= k <= n and n >= 1, got k = {self.k}, n = {self.n}")

    @property
    def share(self) -> float:
        """k / n."""
        return self.k / self.n

    @property
    def interval(self) -> tuple[float, float]:
        """The lower and the upper end of the interval, 0 to 1."""
        ends = binomtest(int(self.k), int(self.n)).proportion_ci(0.95, method="wilson")
        return float(ends.low), float(ends.high)

    def __str__(self) -> str:
        low, high = (100 * end for end in self.interval)
        return f"{100 * self.share:.2f} % ({self.k}/{self.n}, 95 % CI {low:.1f} to {high:.1f} %)"
