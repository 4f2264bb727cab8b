"""Where and how numbers are made: the day, the code, the versions and the machine."""

import contextlib
import datetime
import importlib.metadata
import os
import platform
import subprocess
from pathlib import Path

from maskdet.config import CHECKOUT

PACKAGES = ("tensorflow", "keras", "mtcnn", "numpy", "scipy", "pandas", "pillow", "matplotlib",
            "seaborn", "numba", "papermill", "nbval", "jupyter-book", "jupyterlab")


def stamp() -> dict:
    """The date, of Greenwich, and the commit of the code, which each stage records."""
    return {"date": datetime.datetime.now(datetime.UTC).date().isoformat(), "commit": commit()}


def environment() -> dict:
    """The date, the code, the versions and the machine that numbers are made with."""
    return {**stamp(), "python": platform.python_version(), "system": _system(),
            "versions": {name: importlib.metadata.version(name) for name in PACKAGES},
            "hardware": {"processor": _processor(), "cores": os.cpu_count()}}


def commit() -> str:
    """The commit of the code, "-dirty" where it was changed since; or that there is none."""
    with contextlib.suppress(OSError, subprocess.CalledProcessError):
        if CHECKOUT is not None:
            return subprocess.run(["git", "describe", "--always", "--dirty", "--exclude=*"], cwd=CHECKOUT,
                                  capture_output=True, text=True, check=True).stdout.strip()
    return "not a git checkout"


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
