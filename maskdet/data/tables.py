"""What a set holds: tables and samples for the book, and the numbers of this stage."""

import numpy as np
import pandas as pd

from maskdet.config import Profile
from maskdet.data.dataset import Dataset
from maskdet.data.photographs import HASH_SIDE
from maskdet.data.splits import NEAR

SPLITS = ["train", "validation", "test"]


def counts(dataset: Dataset) -> pd.DataFrame:
    """Labelled boxes by original class, with the label of each class, and by split."""
    boxes = dataset.boxes.assign(face=np.where(dataset.boxes.face, "yes", "no"))
    table = pd.crosstab([boxes.original, boxes.label, boxes.face], boxes.split)
    table = table.reindex(columns=pd.Index(SPLITS), fill_value=0).assign(all=lambda table: table.sum(axis=1))
    table = table.sort_values("all", ascending=False, kind="stable").reset_index(["label", "face"])
    return table.rename(columns={"face": "a face"}).rename_axis(None)


def split_table(dataset: Dataset) -> pd.DataFrame:
    """Photographs, and faces of the two classes, in each split."""
    faces = dataset.boxes[dataset.boxes.face]
    table = pd.crosstab(faces.split, faces.label).drop(columns="left out", errors="ignore")
    table.insert(0, "photographs", dataset.photographs.split.value_counts())
    return table.reindex(SPLITS).rename_axis(index=None, columns=None)


def skipped_by_reason(dataset: Dataset) -> pd.DataFrame:
    """How many files, rows or boxes were left out or changed, by reason, and in all."""
    table = dataset.skipped.groupby("reason").size().to_frame("times").rename_axis(None)
    table.loc["in all"] = len(dataset.skipped)
    return table


def sample(dataset: Dataset, n: int, *, seed: int) -> tuple[list[np.ndarray], list[pd.DataFrame]]:
    """`n` annotated photographs (H, W, 3), drawn by `seed`, and the table of boxes of each."""
    boxes = dataset.boxes.groupby("photograph")
    names = np.random.default_rng(seed).permutation(sorted(boxes.groups))[:n]
    return [dataset.image(name) for name in names], [boxes.get_group(name) for name in names]


def to_record(run: Profile, dataset: Dataset) -> dict:
    """The numbers of this stage: how many photographs and faces, of which class, and how they are split."""
    photographs, faces = dataset.photographs, dataset.boxes[dataset.boxes.face]
    labels = faces.label.value_counts()
    return {"profile": run.name,
            "share": {"test": f"{100 * run.test_share:.0f} %", "validation": f"{100 * run.validation_share:.0f} %"},
            "data": {"checksum": dataset.checksum, "photographs": len(photographs),
                     "annotated": int(photographs.annotated.sum()), "faces": len(faces),
                     "masked": int(labels.get("masked", 0)), "bare": int(labels.get("bare", 0)),
                     "left_out": int(labels.get("left out", 0)), "skipped": len(dataset.skipped),
                     "near": NEAR, "hash_bits": HASH_SIDE**2,
                     "duplicates": int(photographs.group.duplicated(keep=False).sum())}}
