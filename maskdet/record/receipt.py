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
from maskdet.record import results

# Each recorded file, the command that makes it, and what it holds.
OUTPUTS = {
    "results/larxel.json": ("make record PROFILE=larxel",
                            "every number that the book quotes as recorded on photographs"),
    "results/larxel-receipt.json": ("make check PROFILE=larxel BUILD=/an/empty/folder",
                                    "a second run, compared with the record value by value"),
    "results/portraits.json": ("make portraits", "the shipped weights on faces from elsewhere"),
    "results/bench.json": ("make bench PROFILE=larxel", "the speed of the attack beside public ones"),
    "results/detection.json": ("make bench-detection PROFILE=larxel", "how long a photograph takes, by detector"),
    "maskdet/networks/shipped/resnet.npz": ("make weights", "the shipped weights of the residual network"),
    "maskdet/networks/shipped/figure2.npz": ("make weights", "the shipped weights of the network of Figure 2"),
    "maskdet/networks/shipped/card.json": ("make weights", "data, recipes and checksums of the shipped weights"),
}


def compare(run: Profile) -> dict:
    """What `make check` finds: how many recorded values this run has as well, which differ, and the
    provenance of both; written to `results/<profile>-receipt.json`.

    Raises ValueError where a stage of the run is of the recorded one, whose finished work nobody did again.
    """
    built, kept = results.collect(run), results.read(run.name)
    seconds, then = (record["provenance"]["seconds"] for record in (built, kept))
    once = [stage for stage, took in seconds.items() if took and took == then.get(stage)]
    if once:
        raise ValueError(f"expected another run than the recorded one of profile {run.name}, got its own "
                         f"{', '.join(once)}: do it again elsewhere, `make check PROFILE={run.name} "
                         "BUILD=/an/empty/folder`")
    here, recorded = (dict(_leaves({name: part for name, part in record.items() if name != "provenance"}))
                      for record in (built, kept))
    different = [f"{name}: {here.get(name)} here, {recorded.get(name)} recorded"
                 for name in sorted(here.keys() | recorded.keys()) if here.get(name) != recorded.get(name)]
    same = sum(here.get(name) == value for name, value in recorded.items())
    found = {"profile": run.name, "compared": len(recorded), "same": same, "of": _named(kept),
               "different": different, "recorded": kept["provenance"], "again": built["provenance"]}
    files.write_json(config.RECORDED / f"{run.name}-receipt.json", found)
    return found


def _named(record: Mapping) -> str:
    """A name for all numbers of a record, another where one is another or is added."""
    return files.digest(json.dumps({name: part for name, part in record.items() if name != "provenance"},
                                   sort_keys=True))


def receipt() -> dict:
    """Of the second larxel run: whether the record that it was compared with is the one of now, how many values were
    compared, and how many are the same, for the book.

    Raises FileNotFoundError, naming the command, where there was none.
    """
    path = config.RECORDED / "larxel-receipt.json"
    if not path.exists():
        raise FileNotFoundError(f"expected the receipt of a second run at {path}, got no such file: run "
                                f"`{OUTPUTS['results/larxel-receipt.json'][0]}`")
    found = json.loads(path.read_text(encoding="utf8"))
    now = found.get("of") == _named(results.read("larxel"))
    return {"same": found["same"], "compared": found["compared"], "date": found["again"]["date"],
            "of": "The recorded run" if now else "An earlier record, and not the one of now,"}


def _leaves(values: Mapping, prefix: str = "") -> Iterator[tuple[str, object]]:
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def manifest() -> dict:
    """What `codecheck.yml` holds for the outputs as they are now. Raises FileNotFoundError where one is missing."""
    entries = [{"file": name, "comment": comment, "command": command,
                "sha256": hashlib.sha256((config.ROOT / name).read_bytes()).hexdigest()}
               for name, (command, comment) in OUTPUTS.items()]
    found = receipt()
    summary = (f"{found['of']} was made again on {found['date']}: {found['same']} of {found['compared']} values are "
               "the same.")
    return {"version": "https://codecheck.org.uk/spec/config/1.0/",
            "paper": {"title": "Face Mask Detection and Attack with One Pixel Change",
                      "authors": [{"name": "Yang Hu"}, {"name": "Kangda Wei"}, {"name": "Yuchen Bai"}]},
            "repository": "https://github.com/maskdet/maskdet", "summary": summary, "manifest": entries}


def write() -> None:
    """Write `codecheck.yml`, whole."""
    with files.whole(config.ROOT / "codecheck.yml") as part:
        text = yaml.safe_dump(manifest(), sort_keys=False, allow_unicode=True, width=120)
        part.write_text("# Made by `make manifest`.\n" + text, encoding="utf8")
