"""What finished work depends on: each way in which a definition reaches another one, and nothing else."""

import dataclasses
import importlib
import inspect
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from maskdet import config, keys

SOURCE = Path(keys.__file__)
# A package in which each module way_… has a function `root` that reaches WIDTH, and not HEIGHT, of `sizes`.
WAYS = {
    "imported": "from small.sizes import WIDTH\ndef root(): return WIDTH",
    "imported_by_another_name": "from small.sizes import WIDTH as wide\ndef root(): return wide",
    "attribute_of_a_module": "from small import sizes\ndef root(): return sizes.WIDTH",
    "attribute_of_a_module_by_another_name": "import small.sizes as known\ndef root(): return known.WIDTH",
    "full_name": "import small.sizes\ndef root(): return small.sizes.WIDTH",
    "relative": "from .sizes import WIDTH\ndef root(): return WIDTH",
    "relative_module": "from . import sizes\ndef root(): return sizes.WIDTH",
    "imported_in_the_function": "def root():\n    from small.sizes import WIDTH\n    return WIDTH",
    "through_a_package": "from small import room\ndef root(): return room.wall()",
    "through_a_package_relative_above": "from small.room.walls import deep\ndef root(): return deep()",
    "another_function": "from small.sizes import WIDTH\ndef helper(): return WIDTH\ndef root(): return helper()",
    "default_of_an_argument": "from small.sizes import WIDTH\ndef root(width=WIDTH): return width",
    "decorator": "from small.sizes import WIDTH\ndef wide(f): return lambda: WIDTH\n@wide\ndef root(): return 1",
    "base_class": "from small.sizes import WIDTH\nclass Wide:\n    x = WIDTH\nclass root(Wide): pass",
    "method": "from small.sizes import WIDTH\nclass root:\n    def width(self): return WIDTH",
    "default_of_a_field": ("from dataclasses import dataclass\nfrom small.sizes import WIDTH\n@dataclass\nclass root:\n"
                           "    width: int = WIDTH"),
    "dictionary_of_functions": ("from small.sizes import WIDTH\ndef wide(): return WIDTH\nWAYS = {'wide': wide}\n"
                                "def root(): return WAYS['wide']()"),
    "typed_constant": "from small.sizes import WIDTH\nHALF: float = WIDTH / 2\ndef root(): return HALF",
    "constant_made_in_steps": "from small.sizes import WIDTH\nALL = 1\nALL += WIDTH\ndef root(): return ALL",
    "fstring": "from small.sizes import WIDTH\ndef root(): return f'{WIDTH} wide'",
    "match": "from small import sizes\ndef root(x=1):\n    match x:\n        case sizes.WIDTH: return 1",
    "walrus": "from small.sizes import WIDTH\ndef root(): return (x := WIDTH) + x",
    "nested": ("from small.sizes import WIDTH\ndef root():\n    def inner(): return [WIDTH for _ in '12']\n"
               "    return inner"),
    "either_import": ("try:\n    from small.nowhere import WIDTH\nexcept ImportError:\n"
                      "    from small.sizes import WIDTH\ndef root(): return WIDTH"),
    "package_that_may_be_missing": ("from small.sizes import WIDTH\ntry:\n    import no_such_package\n"
                                    "except ImportError:\n    no_such_package = None\n"
                                    "def root(): return no_such_package or WIDTH"),
    "either_definition": ("from small.sizes import WIDTH\nif WIDTH:\n    def wide(): return 1\n"
                          "else:\n    def wide(): return 2\ndef root(): return wide()"),
    "from_either_definition": "from small.way_either_definition import wide\ndef root(): return wide()",
    "statement_alone": "from small.sizes import WIDTH\nALL = []\nALL.append(WIDTH)\ndef root(): return ALL",
    "attribute_set_later": "from small.sizes import WIDTH\nclass root: pass\nroot.width = WIDTH",
    "statement_of_a_module_on_the_way": "from small.way_statement_alone import SIX\ndef root(): return SIX",
    "import_for_what_it_does": "def root():\n    import small.way_statement_alone",
    "name_that_another_function_imports": ("from small.sizes import WIDTH\ndef other():\n"
                                           "    from small.more import WIDTH\n    return WIDTH\n"
                                           "def root(): return WIDTH"),
    "name_that_is_defined_here_too": ("def WIDTH(): pass\ndef root():\n    from small.sizes import WIDTH\n"
                                      "    return WIDTH"),
}
REWORDED = '''"""What two rooms have."""
# The walls come first.
from small.sizes import WIDTH


class Room:
    """A room."""

    width = WIDTH

    def walls(self, count: int = 4) -> int:
        """How long they are."""
        total: int = count * self.width  # one after the other
        return total


def root(room: Room) -> int:
    """All of it."""
    return room.walls() + Room().walls()


if __name__ == "__main__":
    print(root(Room()))
'''
PLAIN = '''from small.sizes import WIDTH
class Room:
    width = WIDTH
    def walls(self, count=4):
        total = count * self.width
        return total
def root(room):
    return room.walls() + Room().walls()
'''
MODULES = {
    "__init__": "from small import keys\n\nkeys.note()\n", "sizes": "WIDTH = 3\nHEIGHT = 4\n", "more": "WIDTH = 5\n",
    "room/__init__": "from small.room.walls import wall\n",
    "room/walls": "from small.sizes import WIDTH\nfrom .. import sizes\ndef wall(): return WIDTH\n"
                  "def deep(): return sizes.WIDTH\n",
    "whole": "from small import sizes\ndef root(name): return getattr(sizes, name)\n",
    "outside": "import numpy as np\nimport json\ndef root(): return np.zeros(1), json\n",
    "reworded": PLAIN, **{f"way_{way}": source + "\n" for way, source in WAYS.items()}}
MODULES["way_statement_alone"] += "SIX = 6\n"


@pytest.fixture
def small(tmp_path, monkeypatch):
    """`small(**changed)` writes the package with changed modules, and imports it as a new process would: its keys."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "meta_path", sys.meta_path.copy())
    monkeypatch.setattr(sys, "dont_write_bytecode", True)

    def small(**changed):
        for name, source in (MODULES | changed).items():
            path = tmp_path / "small" / f"{name}.py"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(source)
        shutil.copy(SOURCE, tmp_path / "small")
        forget()
        return importlib.import_module("small").keys
    yield small
    forget()


def forget():
    for name in [name for name in sys.modules if name.split(".")[0] == "small"]:
        del sys.modules[name]
    sys.meta_path[:] = [finder for finder in sys.meta_path if not getattr(finder, "__module__", "").startswith("small")]
    importlib.invalidate_caches()


def root(module):
    return importlib.import_module(f"small.{module}").root


def of_every_way(found):
    return {way: found.code(root(f"way_{way}")) for way in WAYS}


def test_every_way_to_use_a_constant_makes_work_old_when_it_changes_and_when_no_other_does(small):
    first = of_every_way(small())
    assert of_every_way(small()) == first
    wider = of_every_way(small(sizes="WIDTH = 30\nHEIGHT = 4\n"))
    assert [way for way in WAYS if wider[way] == first[way]] == []
    higher = of_every_way(small(sizes="WIDTH = 3\nHEIGHT = 40\nDEPTH = 5\n"))
    assert [way for way in WAYS if higher[way] != first[way]] == []


def test_of_a_module_that_is_used_as_a_value_everything_counts(small):
    first = small().code(root("whole"))
    assert small(sizes="WIDTH = 3\nHEIGHT = 40\n").code(root("whole")) != first


def test_docstrings_comments_types_and_what_only_a_command_does_leave_the_key(small):
    first = small().code(root("reworded"))
    assert small(reworded=REWORDED).code(root("reworded")) == first
    assert small(reworded=REWORDED.replace("count: int = 4", "count: float = 4")).code(root("reworded")) == first
    assert small(reworded=REWORDED.replace("count: int = 4", "count: int = 5")).code(root("reworded")) != first


def test_another_version_of_a_package_makes_old_what_uses_it(small, monkeypatch):
    found = small()
    before = {name: found.code(root(name)) for name in ("outside", "reworded")}
    assert "numpy" in found.dependencies(root("outside")), "and of json, which is Python's, none"
    assert "json" not in found.dependencies(root("outside"))
    versions = found._versions() | {"numpy": "99"}
    monkeypatch.setattr(found, "_versions", lambda: versions)
    found._dependencies.cache_clear()
    assert found.code(root("outside")) != before["outside"] and found.code(root("reworded")) == before["reworded"]


def test_a_file_that_is_edited_after_it_was_loaded_is_not_taken_for_what_runs(small, tmp_path):
    found = small()
    imported, first = root("way_imported"), of_every_way(found)["imported"]
    (tmp_path / "small/sizes.py").write_text("WIDTH = 30\nHEIGHT = 4\n")
    found._module.cache_clear()
    found._dependencies.cache_clear()
    assert found.code(imported) == first and imported() == 3
    importlib.reload(sys.modules["small.sizes"])
    importlib.reload(sys.modules["small.way_imported"])
    assert root("way_imported")() == 30 and found.code(root("way_imported")) != first, "until it is loaded again"


def test_a_module_that_is_run_as_a_command_has_the_key_of_the_one_that_is_imported(small, tmp_path):
    source = PLAIN + "if __name__ == '__main__':\n    from small import keys\n    print(keys.code(root))\n"
    found = small(reworded=source)
    done = subprocess.run([sys.executable, "-m", "small.reworded"], cwd=tmp_path, capture_output=True, text=True)
    assert done.stdout.strip() == found.code(root("reworded")), done.stderr


@dataclasses.dataclass(frozen=True)
class Own:
    """A search of a reader's own."""

    most: int = 3

    def __call__(self, face, label, *, rng):
        return face


def test_a_class_from_elsewhere_counts_by_its_source(monkeypatch):
    assert keys.dependencies(Own) == {f"{__name__}:Own": inspect.getsource(Own)}
    before, source = keys.code(Own), inspect.getsource(Own)
    monkeypatch.setattr(inspect, "getsource", lambda item: source.replace("return face", "return None"))
    assert keys.code(Own) != before


SCRIPT = """
import json, sys
from pathlib import Path
from maskdet import attack, data, faces, keys
ROOTS = {"photographs": data.Dataset, "search": attack.Corners, "attack": attack.stream, "crops": faces.crop}
def found():
    keys._module.cache_clear(), keys._dependencies.cache_clear()
    return {name: keys.code(root) for name, root in ROOTS.items()}
before = found()
for path, old, new in json.loads(sys.argv[1]):
    path = Path(data.__file__).parents[1] / path
    assert old in path.read_text(), old
    path.write_text(path.read_text().replace(old, new, 1))
print(json.dumps([before, found()]))
"""


def test_in_maskdet_a_constant_makes_old_what_uses_it_and_a_docstring_nothing(tmp_path):
    shutil.copytree(config.ROOT / "maskdet", tmp_path / "maskdet", ignore=shutil.ignore_patterns("__pycache__"))

    def run(*edits):
        done = subprocess.run([sys.executable, "-c", SCRIPT, json.dumps(edits)], cwd=tmp_path, capture_output=True,
                              text=True, env={"PYTHONPATH": str(tmp_path), "MASKDET_BUILD": str(tmp_path)})
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)
    first, loaded = run(["attack/oracle.py", '"""', '"""In other words: '],
                        ["faces/matching.py", "\n\n\n", "\n# So:\n\n\n"],
                        ["data/photographs.py", "LARGEST = 80_000_000", "LARGEST = 70_000_000"],
                        ["attack/pixels.py", "[[0, 255]]", "[[0, 254]]"])
    assert loaded == first, "in the process that had loaded the modules before they were edited"
    edited, _ = run()
    assert {name for name in first if edited[name] != first[name]} == {"photographs", "search"}
