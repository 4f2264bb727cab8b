"""Every recorded way of doing the experiment, in one table: which of them agree with the preprint?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from maskdet.counts import Count
from maskdet.record.preprint import agreement, stated_share

OTHER = {"text": "code", "code": "text"}  # a row may take one setting from the other variant
SETTINGS = {"recipe": "training", "region": "region searched"}  # as the book calls them, where not as the code does


@dataclass(frozen=True)
class Row:
    """One way, of a group of them: its accuracy, and the success of one pixel by all corners."""

    group: str
    name: str
    accuracy: Count
    success: Count

    def beside(self, preprint: Mapping) -> dict[str, str]:
        """How the two counts of this row are beside the preprint's numbers."""
        return {quantity: agreement(stated_share(preprint, quantity), count)
                for quantity, count in (("accuracy", self.accuracy), ("success", self.success))}


def rows(records: Mapping[str, Mapping]) -> list[Row]:
    """Each trial of the recorded runs once, by set: all folds and each fold; and the variants text and code, each alone
    and with one setting changed. A group is a network on a set."""
    found: list[Row] = []
    for of, recorded in records.items():
        def add(network: str, name: str, accuracy: Mapping, success: Mapping, *, of: str = of) -> None:
            found.append(Row(f"{of}, {network}", f"{of}: {name}", Count(**accuracy), Count(**success)))

        folds, variants = recorded["folds"], recorded["variants"]
        for network, each in folds["each"].items():
            add(network, f"{network}, all folds", folds["accuracy"][network], folds["success"][network]["corners"])
            for number, fold in each.items():
                add(network, f"{network}, fold {number}", **fold)
        for name in variants["accuracy"]:
            add(variants["settings"][name]["network"], words(name), variants["accuracy"][name],
                variants["success"][name])
    return found


def words(name: str) -> str:
    """A variant as the book calls it: "text", "code", of "text_crops" "text, crops of the code", or of "text_ours"
    "text, our training"."""
    variant, _, setting = name.partition("_")
    if setting == "ours":
        return f"{variant}, our training"
    return f"{variant}, {SETTINGS.get(setting, setting)} of the {OTHER[variant]}" if setting else variant


def table(found: Sequence[Row], preprint: Mapping) -> pd.DataFrame:
    """The rows with their counts, and how these are beside the preprint's numbers."""
    return pd.DataFrame({row.name: {
        "accuracy": str(row.accuracy), "which is": row.beside(preprint)["accuracy"],
        "success of one pixel": str(row.success), "and which is": row.beside(preprint)["success"]} for row in found}).T


def plane(found: Sequence[Row]) -> dict[str, list]:
    """As `figures.plane` draws it: by group, each row's share of wrong faces, its success, and their intervals."""
    points: dict[str, list] = {}
    for row in found:
        low, high = row.accuracy.interval
        points.setdefault(row.group, []).append(
            ((1 - row.accuracy.share, (1 - high, 1 - low)), (row.success.share, row.success.interval)))
    return points


def to_quote(found: Sequence[Row], preprint: Mapping) -> dict:
    """How many rows there are, how many agree with the preprint in one quantity or in both, and which these are."""
    agree = pd.DataFrame({row.name: row.beside(preprint) for row in found}).T == "in agreement"
    both = agree.index[agree.all(axis=1)]
    return {"rows": len(found), "accuracy": int(agree.accuracy.sum()), "success": int(agree.success.sum()),
            "both": len(both), "names": "; ".join(both) or "none"}
