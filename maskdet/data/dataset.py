"""A set of photographs: the folder that holds it, and its tables as files."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from maskdet import files
from maskdet.config import Profile
from maskdet.data.photographs import photographs_folder, read_image, run_folder

COLUMNS: dict[str, dict[str, type]] = {
    "photographs": {"photograph": str, "width": int, "height": int, "annotated": bool, "group": int, "split": str},
    "boxes": {"photograph": str, "left": int, "top": int, "right": int, "bottom": int, "original": str, "label": str,
              "face": bool, "split": str},
    "skipped": {"file": str, "reason": str}}
# The settings that the tables depend on: `read` refuses tables made with other values.
SETTINGS = ("layout", "listed", "scenes", "unannotated", "seed", "test_share", "validation_share")


@dataclass(frozen=True, eq=False)
class Dataset:
    """A set of photographs with their labelled boxes.

    photographs: photograph (posix path relative to `folder`), width, height (pixels, upright), annotated, group
        (near-duplicates have the same), split ("train", "validation" or "test"; "" without annotation).
    boxes: photograph, left, top, right, bottom (pixels, inside the photograph; right and bottom exclusive), original
        (class name), label ("masked", "bare" or "left out"), face, split.
    skipped: file, reason; a row for each file, table row or box that was left out or changed.
    checksum: SHA-256 over the names and bytes of all files used.
    """

    folder: Path
    photographs: pd.DataFrame
    boxes: pd.DataFrame
    skipped: pd.DataFrame
    checksum: str

    def image(self, name: str) -> np.ndarray:
        """The photograph called `name` in the tables: (H, W, 3) uint8 RGB, upright. Raises ValueError for a name that
        is not in the tables, and PhotographError as `read_image`."""
        row = self.photographs[self.photographs.photograph == name]
        if row.empty:
            raise ValueError(f"expected one of the {len(self.photographs)} photographs, got {name!r}")
        return read_image(self.folder / name, size=(int(row.width.iloc[0]), int(row.height.iloc[0])))


def save(profile: Profile, tables: dict[str, pd.DataFrame], *, checksum: str) -> None:
    """Write each table whole, and dataset.json last: without it, `read` reads none of them."""
    summary = run_folder(profile) / "dataset.json"
    content = {"checksum": checksum, "settings": {name: getattr(profile, name) for name in SETTINGS},
               "rows": {name: len(table) for name, table in tables.items()}}
    if summary.exists() and json.loads(summary.read_text(encoding="utf8")) != content:
        summary.unlink()  # an interruption must not leave new tables beside old ones
    for name, table in tables.items():
        with files.whole(run_folder(profile) / f"{name}.csv") as part:
            table[list(COLUMNS[name])].to_csv(part, index=False, encoding="utf8")
    files.write_json(summary, content)


def read(profile: Profile) -> Dataset:
    """The set as `prepare` wrote it. Raises FileNotFoundError, with the command, where a file is missing, and
    ValueError where the tables are of other settings."""
    folder = run_folder(profile)
    summary, *paths = (folder / name for name in ("dataset.json", *(f"{table}.csv" for table in COLUMNS)))
    for path in (summary, *paths):
        if not path.exists():
            raise FileNotFoundError(f"expected {path}, got no such file: run `{profile.command}`")
    content = json.loads(summary.read_text(encoding="utf8"))
    for name in SETTINGS:
        if (wanted := getattr(profile, name)) != (got := content["settings"].get(name)):
            raise ValueError(f"expected {summary} made with {name} {wanted}, got {got}: run `{profile.command}` again")
    return Dataset(photographs_folder(profile), **read_tables(folder), checksum=content["checksum"])


def read_tables(folder: Path) -> dict[str, pd.DataFrame]:
    """The tables of a set as `save` wrote them to a folder, by name."""
    return {name: pd.read_csv(folder / f"{name}.csv", dtype=dict(columns), keep_default_na=False)
            for name, columns in COLUMNS.items()}
