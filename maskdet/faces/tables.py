"""What was found and missed: tables, samples for figures, and the numbers of this stage."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import pandas as pd

from maskdet.config import CLASSES, Profile
from maskdet.counts import clustered
from maskdet.data import Dataset
from maskdet.faces.crops import BOX, Faces
from maskdet.faces.matching import crop

WIDTHS = (0, 10, 15, 20, 30, 50, 100, np.inf)  # pixels; the last is open


class Found(Protocol):
    """Labelled `faces` and `detections`, as `Faces` has them."""

    @property
    def faces(self) -> pd.DataFrame: ...

    @property
    def detections(self) -> pd.DataFrame: ...


def counts(found: Faces, *, smallest: int) -> pd.DataFrame:
    """Labelled faces by original class: found, missed, and found of those `smallest` px or wider."""
    faces = found.faces.assign(wide=found.faces.right - found.faces.left >= smallest)
    groups = faces.groupby("original")
    wide = faces[faces.wide].groupby("original").found
    table = pd.DataFrame({"faces": groups.size(), "found": groups.found.sum(),
                          "missed": groups.size() - groups.found.sum(),
                          f"{smallest} px or wider": wide.size(), "found of these": wide.sum()})
    return table.fillna(0).astype(int).sort_values("faces", ascending=False, kind="stable").rename_axis(None)


def _binned(boxes: pd.DataFrame) -> pd.Series:
    """The range of widths (px) that each box is in."""
    names = [f"{low}–{high - 1}" for low, high in zip(WIDTHS[:-2], WIDTHS[1:-1])] + [f"≥ {WIDTHS[-2]}"]
    return pd.cut(boxes.right - boxes.left, WIDTHS, right=False, labels=names).rename("width (px)")


def _by_width(found: Found):
    faces = found.faces[found.faces.label.isin(CLASSES)]
    return faces.groupby([_binned(faces), "label"], observed=False)


def counts_by_width(found: Faces) -> pd.DataFrame:
    """Labelled faces and found ones by the width of the labelled box (px, the index), bare and masked."""
    table = _by_width(found).found.agg(faces="size", found="sum").astype(int).unstack("label")
    table.columns = [f"{label}: {name}" for name, label in table.columns]
    return table[sorted(table.columns)].rename_axis(None)


def recall_by_width(found: Found) -> pd.DataFrame:
    """Share of labelled faces found and its 95 % interval, which respects that those of one photograph are alike:
    index (width, label), columns share, low, high, 0 to 1; NaN where there is no such face."""
    return _shares(_by_width(found), "found")


def precision_by_width(found: Found) -> pd.DataFrame:
    """Share of the detected boxes that match a labelled face, as `recall_by_width`, by the width of the box."""
    return _shares(found.detections.groupby(_binned(found.detections), observed=False), "matched")


def _shares(boxes, hit: str) -> pd.DataFrame:
    counted = {name: clustered(of[hit], of.photograph) for name, of in boxes if len(of)}
    rows = {name: (count.share, *count.interval) for name, count in counted.items()}
    return pd.DataFrame.from_dict(rows, orient="index", columns=["share", "low", "high"]).reindex(boxes.size().index)


def sample(dataset: Dataset, found: Faces, n: int, *, seed: int) -> tuple[list, list, list]:
    """`n` annotated photographs, half of them with a missed face where there are such: images
    (H, W, 3), their labelled faces, their detections."""
    complete = found.faces.groupby("photograph").found.all()
    rng = np.random.default_rng(seed)
    whole, lacking = (rng.permutation(sorted(complete.index[complete == kind])).tolist() for kind in (True, False))
    lacking = lacking[:max(n // 2, n - len(whole))]
    names = whole[:n - len(lacking)] + lacking
    faces, detections = (table.groupby("photograph") for table in (found.faces, found.detections))
    empty = found.detections[:0]
    return ([dataset.image(name) for name in names], [faces.get_group(name) for name in names],
            [detections.get_group(name) if name in detections.groups else empty for name in names])


def missed(dataset: Dataset, found: Faces, n: int, *, seed: int) -> tuple[np.ndarray, Sequence[str]]:
    """Crops (N, 50, 50, 3) of at most `n` labelled faces that were missed, and their titles."""
    table = found.faces[~found.faces.found & found.faces.label.isin(CLASSES)]
    table = table.sample(min(n, len(table)), random_state=seed)
    crops = [crop(dataset.image(row.photograph), [getattr(row, side) for side in BOX])
             for row in table.itertuples()]
    return np.array(crops), [f"{row.label}, {row.right - row.left} px" for row in table.itertuples()]


def to_record(run: Profile, found: Faces) -> dict:
    """What this stage records: recall by class, crops, detections without a label."""
    faces = found.faces[found.faces.label.isin(CLASSES)]
    wide = faces[faces.right - faces.left >= run.smallest_face]
    recall = {label: clustered(group.found, group.group) for label, group in wide.groupby("label")}
    return {"recall": recall, "smallest": run.smallest_face, "threshold": run.iou,
            "faces": {"labelled": len(faces), "crops": int(faces.found.sum())},
            "detections": len(found.detections), "unmatched": int((~found.detections.matched).sum())}
