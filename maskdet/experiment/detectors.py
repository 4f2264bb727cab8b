"""The whole system, from a photograph to labelled boxes: detectors compared on a run's test photographs.

The run's residual network classifies the crops of each detector. It was fitted to those of MTCNN.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from maskdet import data, faces, files, networks
from maskdet.config import CLASSES, Profile
from maskdet.counts import Count, clustered, panels
from maskdet.experiment import fitting, variants

DETECTORS = ("mtcnn", "yunet")
NETWORK = "resnet"
FITTED = "mtcnn"  # the detector to whose crops the network was fitted


@dataclass(frozen=True)
class Detected:
    """What a detector finds in a run's test photographs. `faces`: every labelled face of the two classes, as in
    `faces.Faces`, and whether it was found and classified (`correct`) correctly. `detections`: every box, and the group
    of its photograph. `photographs`: how many there are. `smallest`: the width in pixels from which faces count."""

    faces: pd.DataFrame
    detections: pd.DataFrame
    photographs: int
    smallest: int

    @property
    def wide(self) -> pd.DataFrame:
        """The faces that are at least `smallest` pixels wide."""
        return self.faces[self.faces.right - self.faces.left >= self.smallest]

    def _by_class(self, column: str) -> dict[str, Count]:
        """The `wide` faces of which `column` is true: of "all", and of each class that is there."""
        parts = {"all": self.wide, **{label: self.wide[self.wide.label == label] for label in CLASSES}}
        return {name: clustered(part[column], part.group) for name, part in parts.items() if len(part)}

    @property
    def recall(self) -> dict[str, Count]:
        """The `wide` faces that were found: of "all", and of each class."""
        return self._by_class("found")

    @property
    def whole(self) -> dict[str, Count]:
        """The `wide` faces that were found and classified correctly: of "all", and of each class."""
        return self._by_class("correct")

    @property
    def accuracy(self) -> Count:
        """Of the `wide` faces that were found, those classified correctly."""
        found = self.wide[self.wide.found]
        return clustered(found.correct, found.group)

    @property
    def precision(self) -> Count:
        """Of the boxes of any width, those that match a labelled face."""
        return clustered(self.detections.matched, self.detections.group)

    @property
    def unmatched(self) -> int:
        """Boxes, of any width, that match no labelled face."""
        return self.precision.n - self.precision.k


def compare(run: Profile) -> dict[str, Detected]:
    """Search the run's test photographs with each of `DETECTORS` and classify the crops with the run's network. An
    interrupted call goes on where it stopped. Raises FileNotFoundError, naming the command, where the network is not
    fitted, and ValueError where it was fitted to the crops of another detector than MTCNN."""
    if run.detector != FITTED:
        raise ValueError(f"expected a run whose detector is {FITTED!r}, to whose crops the network was fitted, got "
                         f"{run.detector!r}: compare detectors on another profile")
    [outcome] = fitting.read(run, {NETWORK: variants.main_run(run)[NETWORK]})[NETWORK]
    predict, photographs = networks.predictor(outcome.model), data.read(run).photographs
    groups = photographs[photographs.split == "test"].set_index("photograph").group
    found = {name: _classified(faces.detect_split(run, name), predict, groups, smallest=run.smallest_face)
             for name in DETECTORS}
    for name, search in found.items():
        for kind, table in (("faces", search.faces), ("boxes", search.detections)):
            with files.whole(run.folder / "detection" / f"{name}-{kind}.csv") as path:
                table.to_csv(path, index=False)
    return found


def _classified(cropped: faces.Faces, predict, groups: pd.Series, *, smallest: int) -> Detected:
    """`cropped` with the classes that `predict` gives its crops; `groups`: the group of each photograph."""
    decision = np.full(len(cropped.faces), -1)  # none for a face that was missed
    decision[cropped.faces.found] = predict(cropped.crops["detected"]).argmax(axis=1)
    table = cropped.faces.assign(decision=decision)[cropped.faces.label.isin(CLASSES)]
    table["correct"] = table.decision.to_numpy() == faces.labels(table)
    detections = cropped.detections.assign(group=cropped.detections.photograph.map(groups))
    return Detected(table.reset_index(drop=True), detections, len(groups), smallest)


def table(searches: Mapping[str, Detected]) -> pd.DataFrame:
    """A column for each detector: `wide` faces found, classified correctly, both; and its boxes that are on a face."""
    columns = {}
    for name, search in searches.items():
        wide = f"at least {search.smallest} px wide"
        columns[name] = {
            **{f"{label} faces {wide}: found": str(search.recall[label]) for label in CLASSES},
            f"faces found {wide}: classified correctly": str(search.accuracy),
            f"faces {wide}: found and classified correctly": str(search.whole["all"]),
            "boxes of any width: on a labelled face": str(search.precision),
            "boxes of any width: unmatched, per photograph": f"{search.unmatched / search.photographs:.2f}"}
    return pd.DataFrame(columns)


def by_width(searches: Mapping[str, Detected]) -> dict[str, dict[str, pd.DataFrame]]:
    """Recall and precision by width as `figures.by_width` draws them: by panel and detector."""
    recall = {name: faces.recall_by_width(search) for name, search in searches.items()}
    return {f"{label} faces found": {name: widths.xs(label, level="label") for name, widths in recall.items()}
            for label in CLASSES} | {
        "boxes on a labelled face": {name: faces.precision_by_width(search) for name, search in searches.items()}}


def intervals(searches: Mapping[str, Detected]) -> dict[str, list]:
    """How many of the `wide` faces are classified correctly, by detector, as `figures.intervals` draws it."""
    return panels({
        "found faces classified correctly": {name: search.accuracy for name, search in searches.items()},
        "faces found and classified correctly": {name: search.whole["all"] for name, search in searches.items()}})


def to_record(run: Profile, searches: Mapping[str, Detected]) -> dict:
    """What this stage records."""
    return {"detection": {name: {
        "recall": search.recall, "precision": search.precision, "unmatched": search.unmatched,
        "boxes": len(search.detections), "photographs": search.photographs, "smallest": run.smallest_face,
        "accuracy": search.accuracy, "whole": search.whole} for name, search in searches.items()}}


def shared(searches: Mapping[str, Detected]) -> dict[str, Count]:
    """Of the wide faces that all detectors find, those classified correctly in the box of each."""
    found = np.all([search.wide.found for search in searches.values()], axis=0)
    return {name: clustered(search.wide.correct[found], search.wide.group[found]) for name, search in searches.items()}


def seconds(record: Mapping) -> dict[str, dict[float, float]]:
    """Seconds of a processor that `make bench-detection` recorded, by system and megapixels, for `figures.times`."""
    return {name: {float(size): row["processor"] for size, row in sizes.items()}
            for name, sizes in record["seconds"].items()}


def seconds_table(record: Mapping) -> pd.DataFrame:
    """By system and size: seconds of a processor, and how many times as long the `mtcnn` package takes."""
    return pd.DataFrame({name: {f"{size} megapixels": f"{row['processor']:.3f} s ({row['ratio']:g}×)"
                                for size, row in sizes.items()} for name, sizes in record["seconds"].items()}).T


def seconds_to_quote(record: Mapping) -> dict:
    """What the prose quotes of the same record."""
    origin, sizes = record["provenance"], list(record["seconds"]["mtcnn"])
    ends = {"smallest": sizes[0], "largest": sizes[-1]}
    ratio = {name: {end: f"{record['seconds'][system][size]['ratio']:g}" for end, size in ends.items()}
             for name, system in (("mtcnn", "mtcnn"), ("yunet", "yunet"), ("whole", "yunet and resnet"))}
    rates = {name: {clock: f"{value:g}" for clock, value in record["rates"][count].items()}
             for name, count in (("one", "1"), ("two", "2"))}
    return {"times": {name: record[name] for name in ("run", "photographs", "frame", "turns", "window")} | {
        "date": origin["date"], "cores": origin["hardware"]["cores"], "processor": origin["hardware"]["processor"],
        "ratio": ratio, "rate": rates, **ends}}
