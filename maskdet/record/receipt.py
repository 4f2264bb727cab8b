"""The record checked (CODECHECK, Nüst & Eglen 2021): a receipt of a second run, and a manifest of all outputs.

`make check` compares a run with the recorded one; `make manifest` writes `codecheck.yml`: each recorded output, the
command that makes it, and its checksum.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping

import yaml

from maskdet import config, files
from maskdet.config import Profile
from maskdet.counts import Count
from maskdet.record import results, tables
from maskdet.record.results import OUTPUTS


def compare(run: Profile) -> dict:
    """Compares a run with the recorded one: how many recorded values it also has, which of them and which tables
    differ, the counts whose intervals lie `apart`, and the provenance of both; also written to
    `results/<profile>-receipt.json`. Raises ValueError where a stage was not run again but is the recorded run's own,
    and where the recorded tables are not those of the recorded run."""
    built, kept = results.collect(run), results.read(run.set)
    seconds, then = (record["provenance"]["seconds"] for record in (built, kept))
    if once := [stage for stage, took in seconds.items() if took and took == then.get(stage)]:
        raise ValueError(f"expected another run than the recorded one of {run.set}, got its own "
                         f"{', '.join(once)}: do it again elsewhere, `make check PROFILE={run.name} "
                         "BUILD=/an/empty/folder`")
    if kept["provenance"].get("tables") != tables.checksum(run.set):
        raise ValueError(f"expected the tables of the recorded run in {tables.folder(run.set)}, got others: take them "
                         "back from the commit of the record")
    here, recorded = (dict(_leaves(_numbers(record))) for record in (built, kept))
    different = [f"{name}: {here.get(name)} here, {recorded.get(name)} recorded"
                 for name in sorted(here.keys() | recorded.keys()) if here.get(name) != recorded.get(name)]
    same = sum(here.get(name) == value for name, value in recorded.items())
    found = {"profile": run.name, "compared": len(recorded), "same": same, "of": _digest(kept),
             "different": different, "tables": tables.different(run, run.set), "apart": _apart(built, kept),
             "recorded": kept["provenance"], "again": built["provenance"]}
    files.write_json(config.RECORDED / f"{run.name}-receipt.json", found)
    return found


def _apart(built: Mapping, kept: Mapping) -> list[str]:
    """The recorded counts whose interval that of the other run does not meet."""
    here, recorded = ({name: value for name, value in results.flat(_numbers(record)) if isinstance(value, Count)}
                      for record in (built, kept))
    ends = {name: (here[name].interval, count.interval) for name, count in recorded.items() if name in here}
    return [name for name, ((low, high), (least, most)) in ends.items() if high < least or most < low]


def _numbers(record: Mapping) -> dict:
    """A record without its provenance and the name of its profile."""
    return {name: part for name, part in record.items() if name not in ("provenance", "profile")}


def _digest(record: Mapping) -> str:
    """A digest of all numbers of a record."""
    return files.digest(json.dumps(_numbers(record), sort_keys=True))


def _leaves(values: Mapping, prefix: str = "") -> Iterator[tuple[str, object]]:
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def receipt(name: str) -> str:
    """What is to be said of the second run of the record `name`: whether there was one, of the record of now or of an
    earlier one, and how many values are the same."""
    try:
        found = results.read(f"{name}-receipt")
    except tables.NotRecorded:
        return "the recorded run was not made again yet."
    now = found.get("of") == _digest(results.read(name))
    which = "the recorded run" if now else "an earlier record, and not the one of now,"
    return (f"{which} was made a second time from an empty folder, on {found['again']['date']}. {found['same']} of "
            f"{found['compared']} values came out the same.")


def manifest() -> dict:
    """What `codecheck.yml` holds for the outputs as they are now. Raises FileNotFoundError where one is missing that is
    no receipt."""
    entries = [{"file": name, "comment": comment, "command": command,
                "sha256": hashlib.sha256((config.ROOT / name).read_bytes()).hexdigest()}
               for name, (command, comment) in OUTPUTS.items()
               if not name.endswith("-receipt.json") or (config.ROOT / name).exists()]
    summary = " ".join(f"{name}: {receipt(name)}" for name in ("wobot", "larxel"))
    return {"version": "https://codecheck.org.uk/spec/config/1.0/",
            "paper": {"title": "Face Mask Detection and Attack with One Pixel Change",
                      "authors": [{"name": "Yang Hu"}, {"name": "Kangda Wei"}, {"name": "Yuchen Bai"}]},
            "repository": "https://github.com/maskdet/maskdet", "summary": summary, "manifest": entries}


def write() -> None:
    """Write `codecheck.yml`, whole."""
    with files.whole(config.ROOT / "codecheck.yml") as part:
        text = yaml.safe_dump(manifest(), sort_keys=False, allow_unicode=True, width=120)
        part.write_text("# Made by `make manifest`.\n" + text, encoding="utf8")
