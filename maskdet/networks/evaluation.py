"""A network measured on test faces: counts, curves, and its mistakes."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import mannwhitneyu

from maskdet.config import CLASSES
from maskdet.counts import Count, Estimate, bootstrap, clustered

MASKED = CLASSES.index("masked")


@dataclass(frozen=True)
class Evaluation:
    """A network on test faces: `images` (N, 50, 50, 3), true `labels` (N,), the network's `probabilities` (N, 2), and
    the `clusters` (N,) of faces that may be alike, such as those of a photograph."""

    images: np.ndarray
    labels: np.ndarray
    probabilities: np.ndarray
    clusters: np.ndarray

    @staticmethod
    def pooled(tests: Iterable["Evaluation"]) -> "Evaluation":
        """Several tests put together, each of other faces by its own network."""
        parts = list(tests)
        return Evaluation(*(np.concatenate([getattr(part, name) for part in parts])
                      for name in ("images", "labels", "probabilities", "clusters")))

    def part(self, rows: np.ndarray) -> "Evaluation":
        """Some of the faces, by (N,) bool or by their rows."""
        return Evaluation(self.images[rows], self.labels[rows], self.probabilities[rows], self.clusters[rows])

    @property
    def correct(self) -> np.ndarray:
        """Which faces are classified correctly, (N,) bool."""
        return self.probabilities.argmax(axis=1) == self.labels

    @property
    def accuracy(self) -> Count:
        """Faces classified correctly, of all."""
        return clustered(self.correct, self.clusters)

    @property
    def by_class(self) -> dict[str, Count]:
        """Faces classified correctly, of each class that is there."""
        return {name: clustered(self.correct[self.labels == label], self.clusters[self.labels == label])
                for label, name in enumerate(CLASSES) if (self.labels == label).any()}

    @property
    def confusion(self) -> np.ndarray:
        """Counts by true class (rows) and decision (columns), (2, 2)."""
        pairs = len(CLASSES) * self.labels + self.probabilities.argmax(axis=1)
        return np.bincount(pairs, minlength=len(CLASSES) ** 2).reshape(len(CLASSES), -1)

    def mistakes(self, n: int) -> tuple[np.ndarray, list[str]]:
        """At most `n` faces that are classified incorrectly, the most confident mistakes first, and their titles."""
        confidence = self.probabilities[np.arange(len(self.labels)), self.labels]
        worst = [face for face in np.argsort(confidence, kind="stable") if not self.correct[face]][:n]
        return self.images[worst], [f"{CLASSES[self.labels[face]]} {confidence[face]:.0%}" for face in worst]

    def balanced(self, *, seed: int) -> Estimate:
        """The mean of the two classes' accuracies; its interval by draws of whole clusters."""
        def share(rows: np.ndarray) -> float:
            correct, labels = self.correct[rows], self.labels[rows]
            sides = [correct[labels == label] for label in range(len(CLASSES))]
            return float(np.mean([side.mean() for side in sides])) if all(map(len, sides)) else np.nan

        return bootstrap(share, self.clusters, rng=np.random.default_rng(seed))

    def area(self, *, seed: int) -> Estimate:
        """The area under the ROC curve: how often a masked face scores more than a bare face (Mann & Whitney 1947)."""
        score = self.probabilities[:, MASKED]

        def share(rows: np.ndarray) -> float:
            masked, bare = (score[rows][self.labels[rows] == label] for label in (MASKED, 1 - MASKED))
            pairs = len(masked) * len(bare)
            return float(mannwhitneyu(masked, bare).statistic / pairs) if pairs else np.nan

        return bootstrap(share, self.clusters, rng=np.random.default_rng(seed), times=300)

    @property
    def roc(self) -> np.ndarray:
        """Shares (M, 2) of the bare and of the masked faces called masked, as the threshold falls from 1 to 0."""
        order = np.argsort(-self.probabilities[:, MASKED], kind="stable")
        score, truth = self.probabilities[order, MASKED], self.labels[order] == MASKED
        last = np.append(score[1:] != score[:-1], True)  # a point for all faces of the same score
        passed = np.column_stack([np.cumsum(~truth), np.cumsum(truth)])[last]
        return np.vstack([[0, 0], passed]) / np.maximum(passed[-1], 1)

    def calibration(self, *, bins: int = 10) -> pd.DataFrame:
        """Faces by their predicted probability of a mask: a row for each bin that is not empty, with the mean
        `predicted`, the `share` of faces that are masked, and its interval `low`, `high`; all 0 to 1."""
        predicted, masked = self.probabilities[:, MASKED].astype(float), self.labels == MASKED
        bin_of = np.minimum((predicted * bins).astype(int), bins - 1)
        rows = []
        for inside in (bin_of == number for number in np.unique(bin_of)):
            count = clustered(masked[inside], self.clusters[inside])
            rows.append((predicted[inside].mean(), count.share, *count.interval, count.n))
        return pd.DataFrame(rows, columns=["predicted", "share", "low", "high", "faces"])

    @property
    def calibration_error(self) -> float:
        """The expected calibration error (Naeini et al. 2015) over ten bins."""
        table = self.calibration()
        return float((table.faces * (table.predicted - table.share).abs()).sum() / table.faces.sum())

    @property
    def brier(self) -> float:
        """The mean squared error of the probability of a mask (Brier 1950)."""
        return float(((self.probabilities[:, MASKED] - (self.labels == MASKED)) ** 2).mean())
