"""The `maskdet` command, what it needs to be installed with, and where it writes."""

import ast
import re
import shutil
import signal
import subprocess
import sys
import time
import tomllib

import numpy as np
import pytest
from PIL import Image

from maskdet.__main__ import main
from maskdet.config import ROOT

COMMANDS = ("detect", "fetch", "record", "check", "manifest", "origin", "weights")
NAMES = {"PIL": "pillow", "yaml": "pyyaml"}  # of packages that are not imported by their own
IN_NOTEBOOKS = {"myst_nb"}  # and nowhere else: the extra `book` has it


def test_help_says_of_each_command_what_it_does_with_an_example(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    assert ended.value.code == 0
    listed = capsys.readouterr().out
    for command in COMMANDS:
        assert re.search(rf"^    {command}  +\w", listed, re.MULTILINE)
        with pytest.raises(SystemExit):
            main([command, "--help"])
        assert f"example: maskdet {command}" in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [[], ["bake"], ["weights"], ["record"], ["check", "larxel", "wobot"],
                                       ["manifest", "larxel"], ["record", "larxle"]])
def test_another_command_is_an_error_in_one_line(arguments, capsys):
    assert main(arguments) == 1
    said = capsys.readouterr()
    assert said.out == "" and said.err.startswith("error: expected a") and said.err.count("\n") == 1


@pytest.mark.parametrize("seconds", [0, 0.5, 2])
def test_an_interruption_at_any_moment_ends_in_one_line(seconds, tmp_path):
    Image.fromarray(np.full((30, 40, 3), 130, np.uint8)).save(tmp_path / "grey.png")
    code = ("import sys; from maskdet.__main__ import main; print(flush=True); "
            f"sys.exit(main(['detect', '{tmp_path}/grey.png', '--folder', '{tmp_path}/out']))")
    with subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE) as running:
        running.stdout.readline()
        time.sleep(seconds)
        running.send_signal(signal.SIGINT)
        said = running.communicate()[1]
    assert running.returncode == 130, said
    assert said == "stopped: what is finished is kept; the same command goes on\n"


PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf8"))["project"]


def requirements(extra=None):
    lines = PROJECT["optional-dependencies"][extra] if extra else PROJECT["dependencies"]
    return {re.split(r"[<>=]", line)[0] for line in lines}


def test_every_package_that_is_imported_is_a_dependency():
    imported = set()
    for path in (ROOT / "maskdet").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_bytes())):
            names = ([alias.name for alias in node.names] if isinstance(node, ast.Import) else
                     [node.module] if isinstance(node, ast.ImportFrom) and not node.level else [])
            imported |= {name.split(".")[0] for name in names}
    imported -= sys.stdlib_module_names | {"maskdet"}
    assert {NAMES.get(name, name) for name in imported - IN_NOTEBOOKS} == requirements()
    assert {name.replace("_", "-") for name in IN_NOTEBOOKS} <= requirements("book")


def test_what_is_declared_is_locked():
    locked = re.findall(r"^([a-z0-9.-]+)==", (ROOT / "requirements.txt").read_text(encoding="utf8"), re.MULTILINE)
    assert requirements() | requirements("book") | requirements("test") <= set(locked)


SAID = """
from maskdet import config, data
from maskdet.record import provenance, results
print(config.build_folder(), provenance.commit() == "not a git checkout")
for call in (lambda: data.photographs_folder(config.profile("larxel")), lambda: results.read("larxel"),
             config.checkout):
    try:
        print(call())
    except FileNotFoundError as error:
        print(error)
"""


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A copy of the package, installed as from a wheel: with nothing but other packages beside it."""
    for name in ("MASKDET_BUILD", "MASKDET_DATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "site"))
    shutil.copytree(ROOT / "maskdet", tmp_path / "site" / "maskdet", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "empty").mkdir()
    return tmp_path


def run(package, *arguments):
    return subprocess.run([sys.executable, *arguments], cwd=package / "empty", capture_output=True, text=True)


def test_without_a_checkout_everything_is_in_the_current_folder_and_there_is_no_record(package):
    said = run(package, "-c", SAID)
    here, photographs, record, checkout = said.stdout.splitlines()
    assert here == f"{package}/empty/_build True", said.stderr
    assert "in data/larxel, got no such folders" in photographs
    assert record == ("expected a recorded run in results/larxel.json, got none: in a checkout of maskdet, run `make "
                      "record PROFILE=larxel`")
    assert checkout.startswith("expected a checkout of maskdet, got the package alone") and "clone https" in checkout
    for command in (["record", "larxel"], ["check", "larxel"], ["manifest"], ["weights", "train"]):
        said = run(package, "-m", "maskdet", *command)
        assert said.returncode == 1 and said.stderr == f"error: {checkout}\n"
    assert not list((package / "empty").iterdir())
    assert sorted(path.name for path in (package / "site").iterdir()) == ["maskdet"]


def test_in_a_checkout_everything_is_in_it_wherever_one_works(package):
    (package / "site" / "Makefile").touch()
    here, photographs, record, checkout = run(package, "-c", SAID).stdout.splitlines()
    assert here == f"{package}/site/_build True"
    assert f"in {package}/site/data/larxel, got no such folders" in photographs
    assert f"in {package}/site/results/larxel.json, got none" in record and checkout == f"{package}/site"
