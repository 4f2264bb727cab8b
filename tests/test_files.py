"""Files are whole or not there; a journal survives an interruption anywhere."""

import json
import subprocess

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
    path.write_bytes(path.read_bytes()[:-lost])
    again = files.Journal(path, key="settings")
    assert all(again.items[name] == journal.items[name] for name in again.items)
    for name in journal.items:
        if name not in again.items:
            again.add(name, journal.items[name])
    assert files.Journal(path, key="settings").items == journal.items
    assert all(json.loads(line) for line in path.read_text().splitlines())


def test_a_journal_of_other_settings_is_begun_anew_and_what_was_finished_is_found_again(tmp_path):
    path = tmp_path / "journal.jsonl"
    files.Journal(path, key="one").add("face", 1)
    other = files.Journal(path, key="two")
    assert other.items == {}
    other.add("face", 2)
    assert files.Journal(path, key="one").items == {"face": 1}
    assert files.Journal(path, key="two").items == {"face": 2}
    path.write_bytes(b"half a he")
    assert files.Journal(path, key="three").items == {} and files.Journal(path, key="one").items == {"face": 1}


def test_what_a_profile_makes_is_cleaned_and_nothing_else(tmp_path):
    for name in (*config.PROFILES, "mine"):
        (tmp_path / name).mkdir()
    subprocess.run(["make", "-C", str(config.ROOT), "clean", f"BUILD={tmp_path}"], check=True, capture_output=True)
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_a_digest_tells_contents_and_order_apart():
    assert files.digest(b"ab", b"c") != files.digest(b"a", b"bc") != files.digest(b"bc", b"a")
