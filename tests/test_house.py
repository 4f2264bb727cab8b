"""The package is a house of few rooms, built upward: each uses only those below it."""

import ast
import graphlib
import importlib.util
import re
from pathlib import Path

import maskdet

HOUSE = Path(maskdet.__file__).parent
MODULES = {".".join(path.relative_to(HOUSE.parent).with_suffix("").parts).removesuffix(".__init__"): path
           for path in sorted(HOUSE.rglob("*.py"))}
# "`config`, `counts`; `record`": rooms of one floor, then those of the next.
FLOORS = [re.findall(r"`(\w+)`", floor) for floor in maskdet.__doc__.split("\n\n")[1].split(";")]
FLOOR = {room: number for number, floor in enumerate(FLOORS) for room in floor}


def imported(module: str) -> set[str]:
    """The modules of the package that a module imports, at its top or in a function."""
    package = module if MODULES[module].name == "__init__.py" else module.rpartition(".")[0]
    found = set()
    for node in ast.walk(ast.parse(MODULES[module].read_text(encoding="utf8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            source = importlib.util.resolve_name("." * node.level + (node.module or ""), package)
            names = {f"{source}.{alias.name}" for alias in node.names}
            found |= {name if name in MODULES else source for name in names}
    return {name for name in found if name.split(".")[0] == "maskdet"}


def room(module: str) -> str:
    return module.split(".")[1]


def test_the_floors_name_every_room():
    entries = [path for path in HOUSE.iterdir() if not path.name.startswith(("_", "."))]
    rooms = sorted(path.stem for path in entries if path.is_dir() or path.suffix == ".py")
    assert rooms == sorted(room for floor in FLOORS for room in floor) and len(entries) <= 20


def test_no_room_uses_one_of_its_own_floor_or_above():
    uses = [(module, other) for module in MODULES for other in imported(module)
            if module not in ("maskdet", "maskdet.__main__")]  # which may use every room
    assert len(uses) > 100
    assert [(module, other) for module, other in uses if other == "maskdet" or (
        room(other) != room(module) and FLOOR[room(other)] >= FLOOR[room(module)])] == []


def test_no_modules_import_each_other_in_a_circle():
    order = graphlib.TopologicalSorter({module: imported(module) - {module} for module in MODULES}).static_order()
    assert set(order) == set(MODULES), "each imports only modules that are there"


def test_no_module_is_longer_than_250_lines():
    lengths = {module: len(path.read_text(encoding="utf8").splitlines()) for module, path in MODULES.items()}
    assert {module: length for module, length in lengths.items() if length > 250} == {}
