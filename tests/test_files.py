"""Files are whole or not there; a journal survives an interruption anywhere."""

import subprocess
import sys

import numpy as np
import pytest

from maskdet import config, files


def test_an_interrupted_write_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("old")
    with pytest.raises(KeyboardInterrupt):
        with files.whole(path) as part:
            part.write_text("half of the n")
            raise KeyboardInterrupt
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("lost", range(1, 60, 7))
def test_a_journal_cut_anywhere_keeps_what_was_finished_and_goes_on(tmp_path, lost):
    path = tmp_path / "journal.jsonl"
    journal = files.Journal(path, key="settings")
    for item in range(3):
        journal.add(f"face {item}", {"value": item})
    [written] = tmp_path.iterdir()
    whole = written.read_bytes()
    written.write_bytes(whole[:-lost])
    again = files.Journal(path, key="settings")
    assert len(again.items) >= whole[:-lost].count(b"\n")
    assert all(again.items[name] == journal.items[name] for name in again.items)
    for name in journal.items:
        if name not in again.items:
            again.add(name, journal.items[name])
    assert files.Journal(path, key="settings").items == journal.items
    assert written.read_bytes().startswith(whole[:-lost])


def test_journals_of_other_settings_lie_beside_each_other(tmp_path):
    path = tmp_path / "journal.jsonl"
    files.Journal(path, key="one").add("face", 1)
    other = files.Journal(path, key="two")
    assert other.items == {}
    other.add("face", 2)
    assert files.Journal(path, key="one").items == {"face": 1}
    assert files.Journal(path, key="two").items == {"face": 2}
    assert sorted(item.name for item in tmp_path.iterdir()) == ["journal.one.jsonl", "journal.two.jsonl"]


def test_what_a_profile_makes_is_cleaned_and_nothing_else(tmp_path):
    for name in (*config.PROFILES, "mine"):
        (tmp_path / name).mkdir()

    def left(profile):
        subprocess.run(["make", "-C", str(config.ROOT), "clean", f"PROFILE={profile}", f"BUILD={tmp_path}"], check=True,
                       capture_output=True)
        return {path.name for path in tmp_path.iterdir()}
    assert left("smoke") == {*config.PROFILES, "mine"} - {"smoke"}
    assert left("all") == {"mine"}


def test_a_digest_tells_contents_and_order_apart():
    assert files.digest(b"ab", b"c") != files.digest(b"a", b"bc") != files.digest(b"bc", b"a")


def test_a_digest_sees_every_element_the_type_and_the_shape_of_an_array():
    long, other = np.zeros(10_000), np.zeros(10_000)
    other[5_000] = 1
    found = [files.digest(array) for array in (long, other, long.astype(np.float32), long.reshape(100, 100))]
    assert len(set(found)) == 4 and files.digest(long.copy()) == found[0] != files.digest(long, long)


TOGETHER = """
import sys, time
from pathlib import Path
folder, name = Path(sys.argv[1]), sys.argv[2]
def together():
    (folder / f"{name}.ready").touch()
    while len(list(folder.glob("*.ready"))) < 2:
        time.sleep(0.001)
"""
APPEND = TOGETHER + """
from maskdet.files import Journal
journal = Journal(folder / "journal.jsonl", key="settings")
together()
for number in range(400):
    journal.add(f"{name} {number}", [name] * 400)
"""


def start(script, *arguments):
    return subprocess.Popen([sys.executable, "-c", script, *map(str, arguments)], cwd=config.ROOT, text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def ended(*processes):
    """What the processes wrote to their standard output and error, all having ended well."""
    found = [process.communicate(timeout=300) for process in processes]
    assert [process.returncode for process in processes] == [0] * len(processes), found
    return found


def test_of_two_processes_that_add_to_a_journal_at_once_nothing_is_lost(tmp_path):
    files.Journal(tmp_path / "journal.jsonl", key="other settings").add("another", 1)
    [path] = tmp_path.glob("*.jsonl")
    before, cut = path.read_bytes(), tmp_path / "journal.settings.jsonl"
    cut.write_text('["half a', encoding="utf8")
    ended(start(APPEND, tmp_path, "one"), start(APPEND, tmp_path, "two"))
    items = files.Journal(tmp_path / "journal.jsonl", key="settings").items
    assert items == {f"{name} {number}": [name] * 400 for name in ("one", "two") for number in range(400)}
    assert path.read_bytes() == before and sorted(tmp_path.glob("*.jsonl")) == sorted([path, cut])


PREPARE = TOGETHER + """
import dataclasses
from maskdet import config, data
together()
found = data.prepare(dataclasses.replace(config.PROFILES["smoke"], name="test", scenes=12))
for name in found.photographs.photograph:
    assert found.image(name).any()
print(found.checksum, len(found.photographs), len(found.boxes))
"""


def test_two_runs_that_draw_the_same_photographs_at_once_both_end_right(tmp_path, monkeypatch):
    monkeypatch.setenv("MASKDET_BUILD", str(tmp_path / "both"))
    (one, said), (other, said_too) = ended(start(PREPARE, tmp_path, "one"), start(PREPARE, tmp_path, "two"))
    assert one == other and one.split()[1] == "14"
    assert [text for text in (said, said_too) if "waiting for another run that is at work on" in text]
    monkeypatch.setenv("MASKDET_BUILD", str(tmp_path / "alone"))
    [(alone, _)] = ended(start(PREPARE, tmp_path, "three"))
    assert alone == one


def test_one_process_at_a_time_is_let_in_and_the_next_once_the_first_has_ended_or_died(tmp_path):
    script = ("import os, sys, time\nfrom pathlib import Path\nfrom maskdet.files import alone\n"
              "with alone(Path(sys.argv[1])):\n    print('in', flush=True)\n"
              "    sys.stdin.read() if sys.argv[2:] else 0\n")
    holding = subprocess.Popen([sys.executable, "-c", script, str(tmp_path / "x"), "held"], cwd=config.ROOT, text=True,
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert holding.stdout.readline() == "in\n"
    waiting = start(script, tmp_path / "x")
    assert "waiting for another run" in waiting.stderr.readline() and waiting.poll() is None
    holding.kill()
    holding.communicate()
    assert ended(waiting)[0][0] == "in\n"
