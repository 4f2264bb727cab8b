"""The faces found and missed: tables, samples for figures, and the numbers of this stage.

`matched` is a `Faces`, or anything else with such `faces` and `detections`.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from maskdet.config import CLASSES, Profile
from maskdet.counts import clustered
from maskdet.data import Dataset
from maskdet.faces.crops import BOX, Faces
from maskdet.faces.matching import INSIDE, LEAST, crop

WIDTHS = (0, 10, 15, 20, 30, 50, 100, np.inf)  # pixels; the last range is open


def counts(matched, *, smallest: int) -> pd.DataFrame:
    """Labelled faces by original class: found, missed, `smallest` px or wider, and found of these."""
    faces = matched.faces
    wide = faces.right - faces.left >= smallest
    columns = {"faces": True, "found": faces.found, "missed": ~faces.found, f"{smallest} px or wider": wide,
               "found of these": faces.found & wide}
    table = pd.DataFrame(columns, index=faces.index).groupby(faces.original).sum()
    return table.sort_values("faces", ascending=False, kind="stable").rename_axis(None)


def _binned(boxes: pd.DataFrame) -> pd.Series:
    """The range of widths (px) of each box."""
    names = [f"{low}–{high - 1}" for low, high in zip(WIDTHS[:-2], WIDTHS[1:-1])] + [f"≥ {WIDTHS[-2]}"]
    return pd.cut(boxes.right - boxes.left, WIDTHS, right=False, labels=names).rename("width (px)")


def _by_width(matched):
    faces = matched.faces[matched.faces.label.isin(CLASSES)]
    return faces.groupby([_binned(faces), "label"], observed=False)


def recall_by_width(matched) -> pd.DataFrame:
    """The share of labelled faces that were found, and its 95 % interval, whose clusters are the photographs: index
    (width, label), columns share, low, high, 0 to 1; NaN where there is no such face."""
    return _shares(_by_width(matched), "found")


def precision_by_width(matched) -> pd.DataFrame:
    """The share of detected boxes that match a labelled face, as `recall_by_width`, by the width of the box."""
    return _shares(matched.detections.groupby(_binned(matched.detections), observed=False), "matched")


def _shares(groups, column: str) -> pd.DataFrame:
    counted = {name: clustered(rows[column], rows.photograph) for name, rows in groups if len(rows)}
    shares = {name: (count.share, *count.interval) for name, count in counted.items()}
    table = pd.DataFrame.from_dict(shares, orient="index", columns=["share", "low", "high"])
    return table.reindex(groups.size().index)


def sample(dataset: Dataset, matched, n: int, *, seed: int) -> tuple[list, list, list]:
    """`n` annotated photographs, half of them with a missed face where there are enough: images (H, W, 3), their
    labelled faces, their detections."""
    complete = matched.faces.groupby("photograph").found.all()
    rng = np.random.default_rng(seed)
    whole, lacking = (rng.permutation(sorted(complete.index[complete == kind])).tolist() for kind in (True, False))
    lacking = lacking[:max(n // 2, n - len(whole))]
    names = whole[:n - len(lacking)] + lacking
    faces, detections = ([table[table.photograph == name] for name in names]
                         for table in (matched.faces, matched.detections))
    return [dataset.image(name) for name in names], faces, detections


def missed(dataset: Dataset, matched, n: int, *, seed: int) -> tuple[np.ndarray, Sequence[str]]:
    """Crops (N, 50, 50, 3) of at most `n` labelled faces that were missed, and their titles."""
    table = matched.faces[~matched.faces.found & matched.faces.label.isin(CLASSES)]
    table = table.sample(min(n, len(table)), random_state=seed)
    crops = [crop(dataset.image(row.photograph), [getattr(row, side) for side in BOX]) for row in table.itertuples()]
    return np.array(crops), [f"{row.label}, {row.right - row.left} px" for row in table.itertuples()]


def to_record(run: Profile, matched: Faces) -> dict:
    """The numbers of this stage: recall by class, crops, detections without a labelled face."""
    faces = matched.faces[matched.faces.label.isin(CLASSES)]
    wide = faces[faces.right - faces.left >= run.smallest_face]
    recall = {label: clustered(group.found, group.group) for label, group in wide.groupby("label")}
    return {"recall": recall, "smallest": run.smallest_face,
            "matching": {"inside": f"{INSIDE:.0%}", "least": f"{LEAST:.0%}"},
            "faces": {"labelled": len(faces), "crops": int(faces.found.sum())},
            "detections": len(matched.detections), "unmatched": int((~matched.detections.matched).sum())}
