"""Numbers: the one writer of results, what the prose may quote, and what is committed to the record."""

import dataclasses
import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from maskdet import files
from maskdet.config import RECORDED, Profile
from maskdet.counts import Count, Estimate
from maskdet.record import provenance, tables

# As the notebooks record them.
STAGES = ("data", "faces", "networks", "attack", "folds", "seeds", "curve", "variants", "other_networks",
          "three_classes", "verification", "defences", "detection")
# Each committed file, the command that makes it, and what it holds.
OUTPUTS = {
    "results/wobot.json": ("make record PROFILE=wobot",
                           "every number that the book quotes as recorded on the preprint's own photographs"),
    "results/wobot-receipt.json": ("make check PROFILE=wobot BUILD=/an/empty/folder",
                                   "a second run, compared with the record value by value"),
    "results/larxel.json": ("make record PROFILE=larxel",
                            "every number that the book quotes as recorded on the photographs of larxel"),
    "results/larxel-receipt.json": ("make check PROFILE=larxel BUILD=/an/empty/folder",
                                    "a second run, compared with the record value by value"),
    "results/transfer.json": ("make transfer", "networks of each set tested on the other"),
    "results/cifar10.json": ("make origin", "published networks of ten classes, attacked and verified"),
    "results/portraits.json": ("make portraits", "the shipped weights on faces from elsewhere"),
    "results/bench.json": ("make bench PROFILE=larxel", "the speed of the attack beside public ones"),
    "results/detection.json": ("make bench-detection PROFILE=larxel", "how long a photograph takes, by detector"),
    "maskdet/networks/shipped/resnet.npz": ("make weights", "the shipped weights of the residual network"),
    "maskdet/networks/shipped/figure2.npz": ("make weights", "the shipped weights of the network of Figure 2"),
    "book/_static/one-pixel.png": ("make picture", "a drawn face, and the same with the pixel that flips it"),
    "maskdet/networks/shipped/card.json": ("make weights", "data, recipes and checksums of the shipped weights"),
}


def write(run: Profile, stage: str, values: Mapping, measured: Mapping = {}) -> None:
    """Write a stage's numbers to `results/<stage>.json` of the run; inside a notebook, glue them. `values` is a nested
    mapping of numbers, texts and `Count`s that come out the same each time; `measured` holds what does not (seconds). A
    value at ["accuracy"]["resnet"] is quoted in prose as ``{glue:text}`03_networks.ipynb::accuracy.resnet:s` ``."""
    made = {"measured": _plain(measured), "made": provenance.stamp()}
    files.write_json(_results(run, stage), _plain(values) | made)
    glue(values)


def glue(values: Mapping) -> None:
    """Make each number quotable in the book under its dotted name; does nothing outside a notebook."""
    if "IPython" in sys.modules and sys.modules["IPython"].get_ipython() is not None:
        from myst_nb import glue as glue_number

        for name, value in flat(values):
            glue_number(name, as_text(value), display=False)


def as_text(value: object) -> str:
    """A value as it stands in prose; a percent sign stays on the line of its number."""
    if isinstance(value, float):
        return f"{value:,.2f}" if abs(value) < 100 else f"{value:,.0f}"
    return f"{value:,d}" if isinstance(value, int) else str(value).replace(" %", "\N{NO-BREAK SPACE}%")


def flat(values: Mapping, prefix: str = "") -> Iterator[tuple[str, object]]:
    """Dotted names and values; a `Count` also as its parts k, n, share and interval."""
    for name, value in values.items():
        name, value = f"{prefix}{name}", typed(value)
        if isinstance(value, Mapping):
            yield from flat(value, f"{name}.")
            continue
        yield name, value
        if isinstance(value, Count):
            low, high = (f"{100 * end:.1f}" for end in value.interval)
            yield from {f"{name}.k": value.k, f"{name}.n": value.n, f"{name}.share": f"{100 * value.share:.1f} %",
                        f"{name}.interval": f"{low} to {high} %"}.items()


def typed(value: Any) -> Any:
    """A count or an estimate read from JSON as what it was; a number of the preprint ("about") as text with its
    unit; anything else as it is."""
    names = set(value) if isinstance(value, Mapping) else set()
    if {"value", "unit"} <= names:
        return f"{'about ' * value.get('about', False)}{as_text(value['value'])} {value['unit']}"
    if {"k", "n"} <= names <= {"k", "n", "effect"}:
        return Count(**value)
    return Estimate(**value) if names == {"value", "low", "high"} else value


def _plain(value: Any) -> Any:
    """Counts, estimates and NumPy's numbers as what JSON knows."""
    if isinstance(value, (Count, Estimate)):
        value = dataclasses.asdict(value)
    if isinstance(value, Mapping):
        return {str(name): _plain(item) for name, item in value.items()}
    return value.item() if hasattr(value, "item") else value


def collect(run: Profile) -> dict:
    """The stages that a run has finished, merged, with its provenance, in which the others are `missing`. Raises
    FileNotFoundError, with the command, without the first."""
    merged, seconds, made = dict[str, Any](profile=run.name), dict[str, Any](), dict[str, Any]()
    missing = [name for name in STAGES[1:] if not _results(run, name).exists()]
    for name in STAGES:
        if name not in missing:
            found = stage(run, name)
            seconds[name], made[name] = found.pop("measured"), found.pop("made")
            merged |= found
    checksum = merged["data"]["checksum"]
    return merged | {"provenance": {"data_checksum": checksum, "data": checksum[:16], "seed": run.seed,
                                    **provenance.environment(), "seconds": seconds, "made": made, "missing": missing}}


def _results(run: Profile, stage: str) -> Path:
    if stage not in STAGES:
        raise ValueError(f"expected a stage, one of {', '.join(STAGES)}, got {stage!r}")
    return run.folder / "results" / f"{stage}.json"


def stage(run: Profile, name: str) -> dict:
    """What a stage recorded: its numbers, the seconds `measured`, and the day and commit at which it was `made`."""
    return _json(_results(run, name), expected=f"the results of stage {name} of profile {run.name}",
                 remedy=f"run `{run.command}`")


def _json(path: Path, *, expected: str, remedy: str, absent: type[Exception] = FileNotFoundError) -> dict:
    """What a file holds. Raises `absent`, with the remedy, where there is none."""
    if not path.exists():
        raise absent(f"expected {expected}, got none: {remedy}")
    return json.loads(path.read_text(encoding="utf8"))


def read(name: str) -> dict:
    """The committed `results/<name>.json`: `preprint` (what it reports), `larxel` (our run on photographs) or another.
    Raises tables.NotRecorded, naming the command, where there is none, and ValueError where it is of another profile.
    """
    path, profile = RECORDED / f"{name}.json", name.removesuffix("-receipt")
    command, _ = OUTPUTS.get(f"results/{name}.json", (f"make record PROFILE={name}", ""))
    record = _json(path, expected=f"a recorded run in {path}", remedy=f"in a checkout of maskdet, run `{command}`",
                   absent=tables.NotRecorded)
    if record.get("profile", profile) != profile:
        raise ValueError(f"expected a run of profile {profile} in results/{name}.json, got {record['profile']}")
    return record


def write_record(name: str, values: Mapping, made: Mapping | None = None) -> None:
    """Write numbers that belong to no profile to `results/<name>.json`, with where they were `made`, by default here
    and now."""
    files.write_json(RECORDED / f"{name}.json", {**_plain(values), "provenance": made or provenance.environment()})


def headline_columns(run: Profile) -> dict[str, dict]:
    """The columns of the headline: `preprint`, the recorded runs `wobot` and `larxel`, and `build`, this run up to
    chapter 4."""
    return {"preprint": read("preprint"), "wobot": read("wobot"), "larxel": read("larxel"),
            "build": stage(run, "networks") | stage(run, "attack")}


def record_run(run: Profile) -> Path:
    """Write a run to `results/<profile>.json`, and its tables beside it; returns the path. Stages that are not done are
    named in the record as `missing`: on photographs some take hours. The run should be from an empty folder: what older
    code left there would be taken for its tables. Raises FileNotFoundError, naming the command, where nothing was run,
    and ValueError where a stage was run by code that is not committed."""
    if run.of:
        raise ValueError(f"expected a profile of a record of its own, got {run.name}, which repeats that of {run.of}: "
                         f"compare it with `make check PROFILE={run.name}`")
    found = collect(run)
    for stage, made in found["provenance"]["made"].items():
        if made["commit"].endswith("-dirty") or " " in made["commit"]:
            raise ValueError(f"expected stage {stage} of a commit, got {made['commit']}: commit, and run it again")
    path = RECORDED / f"{run.name}.json"
    tables.keep(run, run.name)
    found["provenance"]["tables"] = tables.checksum(run.name)  # so that other tables are seen to be of another run
    files.write_json(path, found)
    return path
