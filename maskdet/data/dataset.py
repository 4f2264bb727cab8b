"""One set: where its photographs lie, and its tables as files."""

import json
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from maskdet import config, files
from maskdet.config import Profile
from maskdet.data.photographs import read_image
from maskdet.data.readers import READERS

COLUMNS: dict[str, dict[str, type]] = {
    "photographs": {"photograph": str, "width": int, "height": int, "annotated": bool,
                    "group": int, "split": str},
    "boxes": {"photograph": str, "left": int, "top": int, "right": int, "bottom": int,
              "original": str, "label": str, "face": bool, "split": str},
    "skipped": {"file": str, "reason": str},
}
# What the tables depend on: those made with other settings are not read back.
SETTINGS = ("layout", "scenes", "unannotated", "seed", "test_share", "validation_share")


@dataclass(frozen=True, eq=False)
class Dataset:
    """One set of photographs with their labelled boxes.

    photographs: photograph (posix path relative to `folder`), width, height (pixels, upright),
        annotated, group (near-duplicates share one), split ("train", "validation" or "test";
        "" without annotation).
    boxes: photograph, left, top, right, bottom (pixels, within the photograph; right and bottom
        exclusive), original (class name), label ("masked", "bare" or "left out"), face, split.
    skipped: file, reason; one row for each thing that was left out or changed.
    checksum: SHA-256 over the names and bytes of all files used.
    """

    photographs_folder: Path
    photographs: pd.DataFrame
    boxes: pd.DataFrame
    skipped: pd.DataFrame
    checksum: str

    def image(self, name: str) -> np.ndarray:
        """The photograph called `name` in the tables: (H, W, 3) uint8 RGB, upright.

        Raises ValueError for a name that is not in the tables, PhotographError as `read_image`.
        """
        row = self.photographs[self.photographs["photograph"] == name]
        if row.empty:
            known = len(self.photographs)
            raise ValueError(f"expected one of the {known} photographs, got {name!r}")
        size = (int(row["width"].iloc[0]), int(row["height"].iloc[0]))
        return read_image(self.folder / name, size=size)


def run_folder(profile: Profile) -> Path:
    """Where a run keeps its tables, and the photographs that it draws."""
    return profile.folder / "data"


def photographs_folder(profile: Profile) -> Path:
    """The folder that holds the photographs of `profile`.

    For drawn ones, in the run's own folder. For others `$MASKDET_DATA/<name>`, or `$MASKDET_DATA`
    itself when the set lies there, or without that variable `data/<name>` as of `config.ROOT`.

    Raises FileNotFoundError, with the remedy, when they are not there.
    """
    fits = READERS[profile.layout].fits
    if profile.drawn:
        if not fits(place := run_folder(profile) / "photographs"):
            raise FileNotFoundError(
                f"expected drawn photographs in {place}, got none: run `{profile.command}`"
            )
        return place
    given = os.environ.get("MASKDET_DATA")
    place = (Path(given) if given else config.ROOT / "data") / profile.name
    if given and not place.exists() and fits(Path(given)):
        return Path(given)
    if not fits(place):
        contains = " and ".join(f"{path}/" for path in READERS[profile.layout].contains)
        raise FileNotFoundError(
            f"expected {contains} in {place}, got no such folders: fetch the photographs with"
            f" `make data PROFILE={profile.name}` and MASKDET_DATA unset, or set MASKDET_DATA to"
            f" the folder that holds {profile.name}/"
        )
    return place


def save(
    profile: Profile,
    photographs: pd.DataFrame,
    boxes: pd.DataFrame,
    skipped: pd.DataFrame,
    *,
    checksum: str,
) -> None:
    """Write the three tables, each whole, and last dataset.json, without which none is read."""
    summary = run_folder(profile) / "dataset.json"
    tables = {"photographs": photographs, "boxes": boxes, "skipped": skipped}
    settings = {name: getattr(profile, name) for name in SETTINGS}
    stated = {"checksum": checksum, "settings": settings, "rows": {name: len(table) for name, table in tables.items()}}
    if summary.exists() and json.loads(summary.read_text(encoding="utf8")) != stated:
        summary.unlink()  # an interruption leaves no tables of which some are new
    for name, table in tables.items():
        with files.whole(run_folder(profile) / f"{name}.csv") as part:
            table[list(COLUMNS[name])].to_csv(part, index=False, encoding="utf8")
    files.write_json(summary, stated)


def read(profile: Profile) -> Dataset:
    """The set as `prepare` wrote it.

    Raises FileNotFoundError, naming the command, when a file is missing, and ValueError when the
    files were made with other settings.
    """
    summary = run_folder(profile) / "dataset.json"
    for path in (summary, *(run_folder(profile) / f"{name}.csv" for name in COLUMNS)):
        if not path.exists():
            raise FileNotFoundError(f"expected {path}, got no such file: run `{profile.command}`")
    written = json.loads(summary.read_text(encoding="utf8"))
    for name in SETTINGS:
        wanted, got = getattr(profile, name), written["settings"].get(name)
        if wanted != got:
            raise ValueError(
                f"expected {summary} made with {name} {wanted}, got {got}:"
                f" run `{profile.command}` again"
            )
    tables = {
        name: pd.read_csv(
            run_folder(profile) / f"{name}.csv", dtype=dict(columns), keep_default_na=False
        )
        for name, columns in COLUMNS.items()
    }
    return Dataset(photographs_folder(profile), **tables, checksum=written["checksum"])
