"""What an attack is to reach: another decision than the true class, or one class alone."""

import numbers
from dataclasses import dataclass

import numpy as np

RIVALS = 9  # pairs of classes that first-order scores look at, at most


@dataclass(frozen=True)
class Goal:
    """What counts as a flip of an image of class `label`: any other decision or, with `target`, that class alone.
    Raises ValueError for classes that are no whole numbers, and for a target that is the label."""

    label: int
    target: int | None = None

    def __post_init__(self):
        for name in ("label", "target"):
            number = getattr(self, name)
            if name == "target" and number is None:
                continue
            if not isinstance(number, (numbers.Integral, np.bool_)) or number < 0:
                raise ValueError(f"expected a {name}, the number of a class, 0 or more, got {number!r}")
            object.__setattr__(self, name, int(number))  # a truth value, too, which would index otherwise
        if self.target == self.label:
            raise ValueError(f"expected a target other than the label, got {self.target} for both: leave out the "
                             "images whose label is the target")

    def check(self, classes: int) -> None:
        """Raise ValueError unless both are among so many `classes`."""
        for name, number in (("label", self.label), ("target", self.target)):
            if number is not None and number >= classes:
                raise ValueError(f"expected a {name} of 0 to {classes - 1}, since the network has {classes} classes, "
                                 f"got {number}")

    def margin(self, logits: np.ndarray) -> np.ndarray:
        """What an attack brings below 0, (..., K) -> (...): the logit of the label less the largest other; with a
        target, the largest other than that of the target, less that of the target."""
        if logits.shape[-1] == 2:  # the same in less time
            return logits[..., self.label] - logits[..., 1 - self.label]
        own, others = self._parted(logits)
        largest = others.max(axis=-1)
        return own - largest if self.target is None else largest - own

    def confidence(self, logits: np.ndarray) -> np.ndarray:
        """The probability, (..., K) -> (...) float32, that an attack lowers in place of the margin: of the label or,
        with a target, of all other classes than that. Of two classes it is exactly 1 for every margin above 17."""
        own, others = self._parted(np.asarray(logits, np.float32))
        largest = others.max(axis=-1)
        rest = largest + np.log(np.exp(others - largest[..., None]).sum(axis=-1))  # of a single one exactly its logit
        with np.errstate(over="ignore"):  # of a margin far below 0: the probability is 0
            return 1 / (1 + np.exp(rest - own if self.target is None else own - rest))

    def pairs(self, classes: int) -> tuple[np.ndarray, np.ndarray]:
        """Classes `plus` (P,) and `minus` (P,): the margin is the least or, with a target, the largest of the
        differences logits[plus] - logits[minus]."""
        self.check(classes)
        others = np.delete(np.arange(classes), self._single)
        single = np.full(classes - 1, self._single)
        return (single, others) if self.target is None else (others, single)

    def weights(self, logits: np.ndarray) -> np.ndarray:
        """For each of the pairs that count first at `logits` (K,), at most RIVALS, the weights (R, K) of the logits
        that add up to its difference: the smallest differences or, with a target, the largest first."""
        plus, minus = self.pairs(len(logits))
        differences = logits[plus] - logits[minus]
        first = np.argsort(differences if self.target is None else -differences, kind="stable")[:RIVALS]
        rows = np.eye(len(logits), dtype=np.float32)
        return rows[plus[first]] - rows[minus[first]]

    def flipped(self, outputs: np.ndarray) -> bool:
        """Whether logits or probabilities (K,) decide for another class than the label; with a target, for that."""
        decision = int(np.argmax(outputs))
        return decision != self.label if self.target is None else decision == self.target

    @property
    def _single(self) -> int:
        """The class that is compared with all others."""
        return self.label if self.target is None else self.target

    def _parted(self, logits: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The logit of the single class, (...), and those of the others, (..., K - 1)."""
        return logits[..., self._single], np.delete(logits, self._single, axis=-1)
