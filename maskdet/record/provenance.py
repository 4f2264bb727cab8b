"""Where and how numbers are made: the day, the code, the versions and the machine."""

import datetime
import importlib.metadata
import os
import platform
import subprocess
from collections.abc import Mapping
from pathlib import Path

from maskdet.config import CHECKOUT

PACKAGES = ("tensorflow", "keras", "mtcnn", "numpy", "scipy", "pandas", "pillow", "matplotlib",
            "seaborn", "numba", "papermill", "nbval", "jupyter-book", "jupyterlab")


def environment() -> dict:
    """The date, the code, the versions and the machine that numbers are made with."""
    return {"date": today(),
            "commit": commit(), "python": platform.python_version(), "system": _system(),
            "versions": {name: importlib.metadata.version(name) for name in PACKAGES},
            "hardware": {"processor": _processor(), "cores": os.cpu_count()}}


def today() -> str:
    """The date, of Greenwich."""
    return datetime.datetime.now(datetime.UTC).date().isoformat()


def commit() -> str:
    """The commit of the code, "-dirty" where it was changed since; or that there is none."""
    if CHECKOUT is None:
        return "not a git checkout"
    try:
        described = subprocess.run(["git", "describe", "--always", "--dirty", "--exclude=*"], cwd=CHECKOUT,
                                   capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return "not a git checkout"
    return described.stdout.strip()


def stamp() -> dict:
    """The day and the commit of now, which each stage records."""
    return {"date": today(), "commit": commit()}


def require_commit(stage: str, made: Mapping) -> None:
    """Raises ValueError where a stage was `made` with changes that are not committed, or by code without a commit."""
    if made["commit"].endswith("-dirty") or " " in made["commit"]:
        raise ValueError(f"expected stage {stage} of a commit, got {made['commit']}: commit, and run it again")


def _system() -> str:
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except OSError:
        return platform.platform()


def _processor() -> str:
    path = Path("/proc/cpuinfo")
    lines = path.read_text().splitlines() if path.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
