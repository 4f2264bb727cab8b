"""`codecheck.yml`: the recorded outputs, the command that makes each, and their checksums (Nüst & Eglen 2021)."""

import hashlib
import json

import yaml

from maskdet import config, files

# Each recorded file, the command that makes it, and what it holds.
OUTPUTS = {
    "results/larxel.json": ("make book PROFILE=larxel && make record PROFILE=larxel",
                            "every number that the book quotes as recorded on photographs"),
    "results/larxel-receipt.json": ("make book PROFILE=larxel && make check PROFILE=larxel",
                                    "a second run, compared with the record number by number"),
    "results/portraits.json": ("make portraits", "the shipped weights on faces from elsewhere"),
    "results/bench.json": ("make bench PROFILE=larxel", "the speed of the attack beside public ones"),
    "maskdet/models/shipped/resnet.npz": ("make weights", "the shipped weights of the residual network"),
    "maskdet/models/shipped/figure2.npz": ("make weights", "the shipped weights of the network of Figure 2"),
    "maskdet/models/shipped/card.json": ("make weights", "data, recipe and checksums of the shipped weights"),
}


def manifest() -> dict:
    """What `codecheck.yml` holds for the outputs as they are now; one that is not there yet is left out."""
    entries = []
    for name, (command, comment) in OUTPUTS.items():
        path = config.ROOT / name
        if path.exists():
            entries.append({"file": name, "comment": comment, "command": command,
                            "sha256": hashlib.sha256(path.read_bytes()).hexdigest()})
    receipt = config.RECORDED / "larxel-receipt.json"
    found = json.loads(receipt.read_text(encoding="utf8")) if receipt.exists() else None
    summary = (f"Run again on {found['again']['date']}: {found['same']} of {found['compared']} recorded numbers are the same."
               if found else "Not yet run again.")
    return {"version": "https://codecheck.org.uk/spec/config/1.0/",
            "paper": {"title": "Face Mask Detection and Attack with One Pixel Change",
                      "authors": [{"name": "Yang Hu"}, {"name": "Kangda Wei"}, {"name": "Yuchen Bai"}]},
            "repository": "https://github.com/maskdet/maskdet", "summary": summary, "manifest": entries}


def write() -> None:
    """Write `codecheck.yml`, whole."""
    with files.whole(config.ROOT / "codecheck.yml") as part:
        part.write_text("# Made by `make manifest`.\n" + yaml.safe_dump(manifest(), sort_keys=False, allow_unicode=True, width=120),
                        encoding="utf8")


if __name__ == "__main__":
    write()
