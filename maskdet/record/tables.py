"""The tables of a recorded run, beside its numbers: those of the run's own folder, under the same names.

What shows anybody is left out, and so are networks: `results/<profile>/` has no photograph, crop or weights.
"""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from maskdet import config, files
from maskdet.config import Profile

# What is kept of a run's folder.
KEPT = ("data/*.csv", "data/dataset.json", "crops/*.csv", "networks/*.csv", "networks/*.json", "attacks/*.csv",
        "verification/*.csv", "seeds/*.csv", "detection/*.csv")


class NotRecorded(FileNotFoundError):
    """A record, or a table of one, that was not made yet."""


def folder(name: str) -> Path:
    """The folder of the tables of the record `name`."""
    return config.RECORDED / name


def keep(run: Profile, name: str) -> Path:
    """Copy the tables of a run to the record `name`, in place of those of before; returns their folder."""
    kept = folder(name)
    part = kept.with_name(f".{name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    for path in _of(run.folder):
        copy = part / path.relative_to(run.folder)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)
    old = kept.with_name(f".{name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if kept.exists():
        kept.rename(old)
    part.rename(kept)
    shutil.rmtree(old, ignore_errors=True)
    return kept


def _of(run: Path) -> Iterator[Path]:
    for pattern in KEPT:
        yield from sorted(run.glob(pattern))


def read(name: str, table: str) -> pd.DataFrame:
    """A table of the record `name`, such as "seeds/distribution". Raises FileNotFoundError, naming the command, where
    there is none."""
    path = folder(name) / f"{table}.csv"
    if not path.exists():
        raise NotRecorded(f"expected the recorded table {path}, got no such file: in a checkout of maskdet, run "
                          f"`make record PROFILE={name}`")
    return pd.read_csv(path)


def different(run: Profile, name: str) -> list[str]:
    """The tables that the record `name` and a run do not both have, or have with other values; seconds do not
    count."""
    paths = {path.relative_to(of).as_posix() for of in (folder(name), run.folder) for path in _of(of)}
    return sorted(path for path in paths if not _same(folder(name) / path, run.folder / path))


def _same(kept: Path, here: Path) -> bool:
    if not (kept.exists() and here.exists()):
        return False
    if kept.suffix == ".csv":
        first, second = (pd.read_csv(path).drop(columns="seconds", errors="ignore") for path in (kept, here))
        return first.equals(second)
    first, second = (json.loads(path.read_text(encoding="utf8")) for path in (kept, here))
    return first | {"seconds": 0} == second | {"seconds": 0}


def checksum(name: str) -> str:
    """A digest of all tables of the record `name`."""
    kept = folder(name)
    return files.checksum({path.relative_to(kept).as_posix(): files.digest(path.read_bytes())
                           for path in sorted(kept.rglob("*")) if path.is_file()})
