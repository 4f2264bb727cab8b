"""Any of three Pythons sets up the same packages; where there is none, `make` says what to install."""

import os
import re
import subprocess
import sys
import tomllib
from collections import Counter
from pathlib import Path

import pytest

from maskdet.config import ROOT

LOCKED = re.findall(r"^([a-z0-9._-]+)==[^ ]+(?: ; (.*))? \\$", (ROOT / "requirements.txt").read_text(encoding="utf8"),
                    re.MULTILINE)
ALONE = {name: value for name, value in os.environ.items()
         if name not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "PYTHON")}


def test_every_python_has_the_same_versions():
    twice = [name for name, count in Counter(name for name, _ in LOCKED).items() if count > 1]
    assert not twice, f"expected one version of each package, got several of {twice}"
    conditions = dict(LOCKED)
    for name in ("numpy", "scipy", "tensorflow", "keras", "pillow", "numba", "pandas", "h5py"):
        assert conditions[name] == "", f"expected {name} for every Python, got it for {conditions[name]}"


def test_make_takes_the_pythons_of_the_package():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf8"))["project"]
    least, beyond = re.fullmatch(r">=3\.(\d+),<3\.(\d+)", project["requires-python"]).groups()
    assert f"\nSUITS := (3, {least}) <= sys.version_info < (3, {beyond})\n" in (ROOT / "Makefile").read_text()


def program(path: Path, *, is_python: bool) -> None:
    """A Python: the one that runs this, or one that is too old."""
    path.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n' if is_python else
                    '#!/bin/sh\n[ "$1" = --version ] && echo Python 3.9.2\n')
    path.chmod(0o755)


def make(*arguments, **environment):
    return subprocess.run(["make", "-C", str(ROOT), *arguments], capture_output=True, text=True,
                          env=ALONE | environment)


@pytest.mark.parametrize("there, chosen", [
    ({"python3": True, "python3.13": True}, "python3"), ({"python3": False, "python3.12": True}, "python3.12"),
    ({"python3.11": False, "python3.13": False}, "python3"), ({}, "python3")])
def test_a_python_that_suits_is_chosen(tmp_path, there, chosen):
    for name in ("python3", "python3.11", "python3.12", "python3.13"):
        program(tmp_path / name, is_python=there.get(name, False))
    asked = make("--no-print-directory", "--eval=chosen: ; @echo $(PYTHON)", "chosen",
                 PATH=f"{tmp_path}:{os.environ['PATH']}")
    assert asked.stdout == f"{chosen}\n", asked.stderr


def test_where_none_suits_it_says_what_to_install(tmp_path):
    program(tmp_path / "python3", is_python=False)
    for python, got in ((tmp_path / "python3", "Python 3.9.2"), (tmp_path / "none", "none")):
        asked = make(f"VENV={tmp_path}/.venv", f"PYTHON={python}", f"{tmp_path}/.venv/ready")
        assert asked.returncode and f"expected Python 3.11, 3.12 or 3.13, got {got}: " in asked.stdout
        assert "apt install python3-venv" in asked.stdout


def test_without_venv_it_says_which_package_has_it(tmp_path):
    (tmp_path / "ensurepip.py").write_text("raise ImportError")
    asked = make(f"VENV={tmp_path}/.venv", f"PYTHON={sys.executable}", f"{tmp_path}/.venv/ready",
                 PYTHONPATH=str(tmp_path))
    version = ".".join(map(str, sys.version_info[:2]))
    assert asked.returncode and f"got Python {version}" in asked.stdout
    assert f"apt install python{version}-venv" in asked.stdout
