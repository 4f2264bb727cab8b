"""Long runs: interrupted, killed, spread over machines, the table is the same."""

import contextlib
import dataclasses
import functools
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import pytest

import sweeping
from maskdet import attack, files, workers

SCRIPT = [sys.executable, sweeping.__file__]


def start(folder: Path, *arguments: str, **environment) -> subprocess.Popen:
    kept = {name: value for name, value in os.environ.items() if name != "SCHEDULER"}
    return subprocess.Popen([*SCRIPT, *arguments], env=kept | {"MASKDET_BUILD": str(folder)} | environment)


def content(folder: Path) -> bytes:
    """What the journal of a sweep holds."""
    journals = (folder / "test" / "attacks").glob("net-differential_evolution.*.jsonl")
    return b"".join(path.read_bytes() for path in journals)


def finished(folder: Path) -> str:
    """The table of a sweep."""
    return (folder / "test" / "attacks" / "net-differential_evolution.csv").read_text()


def working(folder: Path) -> list[int]:
    """The processes that were started for a folder, its own and their workers."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.environ().get("MASKDET_BUILD") == str(folder):
                found.append(process.pid)
    return found


def wait_for(condition, *, seconds=120):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "expected it within two minutes"
        time.sleep(0.002)


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """The table of a sweep that nothing disturbed."""
    folder = tmp_path_factory.mktemp("undisturbed")
    assert start(folder).wait(timeout=300) == 0
    table = finished(folder)
    assert table.count("\n") == sweeping.FACES + 1 and "True" in table and "False" in table
    return table


def test_a_killed_sweep_goes_on_and_gives_the_same_table_without_repeating_a_face(table, tmp_path):
    for more, reached in (("3", 3), ("5", 9)):
        assert start(tmp_path, more).wait(timeout=300) == -signal.SIGKILL
        kept = content(tmp_path)
        assert kept.count(b"\n") == reached and not kept.endswith(b"\n"), "the faces, and halves of two"
    wait_for(lambda: not working(tmp_path))  # the workers of a killed process end, too
    assert start(tmp_path).wait(timeout=300) == 0
    done = content(tmp_path)
    assert done.startswith(kept[:kept.rindex(b"\n") + 1]) and done.count(b"\n") == sweeping.FACES + 2, "two are halves"
    assert finished(tmp_path) == table


def test_another_seed_is_another_sweep(tmp_path, monkeypatch):
    monkeypatch.setenv("MASKDET_BUILD", str(tmp_path))
    first = sweeping.sweep()
    monkeypatch.setattr(sweeping, "PROFILE", dataclasses.replace(sweeping.PROFILE, seed=1))
    assert sweeping.sweep().attempts != first.attempts


def test_another_search_has_its_own_files(profile):
    names = {search.name for search in (attack.Corners(), attack.Guided(), attack.DifferentialEvolution(),
                                        attack.DifferentialEvolution(size=3))}
    assert len(names) == 4


def test_a_flip_that_the_whole_network_denies_ends_the_sweep(profile):
    network = sweeping.network()
    images = np.random.default_rng(0).integers(0, 256, (sweeping.FACES, 12, 12, 3), dtype=np.uint8)
    labels = sweeping.predict(images).argmax(axis=1)

    def stubborn(asked):  # decides a changed face as the one that it was
        nearest = [(image == images).mean(axis=(1, 2, 3)).argmax() for image in asked]
        return np.eye(2)[labels[nearest]]

    with pytest.raises(AssertionError, match="expected flipped True also in the whole pass"):
        attack.sweep(stubborn, network, images, labels, name="net", search=attack.Corners(),
                     profile=dataclasses.replace(profile, attacked=99))


@pytest.fixture
def cluster(tmp_path):
    """A Dask scheduler and two workers, each a process: its address, and the workers."""
    (tmp_path / "cluster").mkdir()
    def dask(*arguments):
        return subprocess.Popen([sys.executable, "-m", "dask", *arguments, "--no-dashboard", "--scheduler-file",
                                 str(tmp_path / "scheduler.json")], cwd=tmp_path / "cluster",
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)})
    processes = [dask("scheduler", "--port", "0", "--host", "127.0.0.1")]
    try:
        wait_for((tmp_path / "scheduler.json").exists)
        processes += [dask("worker", "--nthreads", "1", "--no-nanny") for _ in range(2)]
        from distributed import Client
        with Client(scheduler_file=str(tmp_path / "scheduler.json"), set_as_default=False) as client:
            client.wait_for_workers(2, timeout=120)
            yield client, processes[1:]
    finally:
        for process in processes:
            process.kill()
            process.wait()


def test_a_cluster_of_which_a_worker_is_killed_gives_the_same_table(table, tmp_path, cluster):
    client, machines = cluster
    process = start(tmp_path, SCHEDULER=client.scheduler.address)
    wait_for(lambda: content(tmp_path).count(b"\n") >= 3)
    assert len(client.scheduler_info(n_workers=-1)["workers"]) == 2
    machines[0].kill()
    reached = content(tmp_path).count(b"\n")
    assert process.wait(timeout=300) == 0 and reached < sweeping.FACES
    assert len(client.scheduler_info(n_workers=-1)["workers"]) == 1
    assert finished(tmp_path) == table


def test_a_scheduler_that_does_not_answer_is_named(monkeypatch):
    monkeypatch.setenv("SCHEDULER", "127.0.0.1:1")
    monkeypatch.setattr(workers, "PATIENCE", 1)
    with pytest.raises(OSError, match="expected a Dask scheduler at 127.0.0.1:1, got none: start one"):
        list(workers.each({1: int, 2: int}, cluster=True))


def pause(seconds: float, path: Path) -> str:
    time.sleep(seconds)
    path.touch()
    return path.name


def test_results_come_as_they_finish_and_what_is_not_wanted_any_more_ends(tmp_path):
    calls = {name: functools.partial(pause, seconds, tmp_path / name) for name, seconds in
             (("slow", 60), ("quick", 0.5), ("late", 0))}
    with contextlib.closing(workers.each(calls, workers=2)) as found:
        assert next(found) == ("quick", "quick")
    assert not list(tmp_path.glob("slow"))
    assert dict(workers.each({"a": int, "b": int}, workers=2)) == {"a": 0, "b": 0}, "workers start again"


def test_work_by_code_that_was_edited_since_is_refused(tmp_path):
    package, script = tmp_path / "maskdet", tmp_path / "script.py"
    shutil.copytree(Path(workers.__file__).parent, package, ignore=shutil.ignore_patterns("shipped", "__pycache__"))
    script.write_text("from maskdet import counts, workers\n"
                      f"with open({str(package / 'counts.py')!r}, 'a') as file:\n"
                      "    file.write('EDITED = True\\n')\n"
                      "calls = dict.fromkeys('ab', counts.Count(1, 2).__str__)\n"
                      "print(dict(workers.each(calls, workers=1)))\n"
                      "print(dict(workers.each(calls, workers=2)))\n")
    done = subprocess.run([sys.executable, script], capture_output=True, text=True,
                          env=os.environ | {"PYTHONPATH": str(tmp_path)})
    assert done.returncode and "{'a': '50" in done.stdout and done.stdout.count("\n") == 1
    assert "expected the maskdet.counts that was loaded when this began, got another in a worker" in done.stderr


INTERRUPTED = """
import numpy as np, sweeping
from maskdet import attack
from maskdet.config import Evolution
images = np.random.default_rng(0).integers(0, 256, (24, 12, 12, 3), dtype=np.uint8)
status = attack.run(sweeping.network(), images, workers=1).status
images = images[np.concatenate([np.flatnonzero(status == "flipped")[:1], np.flatnonzero(status == "stands")[:4]])]
long = attack.DifferentialEvolution(Evolution(100, 10**6))
try:
    for _ in attack.stream(sweeping.network(), images, search=long, seed=0, workers=2):
        print("one finished", flush=True)
except KeyboardInterrupt:
    print("interrupted")
print(attack.run(sweeping.network(), images, workers=2))
"""


def test_after_an_interruption_of_all_processes_the_next_attack_works():
    path = os.pathsep.join([*sys.path, str(Path(__file__).parent)])
    process = subprocess.Popen([sys.executable, "-c", INTERRUPTED], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               text=True, env=os.environ | {"PYTHONPATH": path}, start_new_session=True)
    assert process.stdout.readline() == "one finished\n", "an image that flips at once; others never end"
    os.killpg(process.pid, signal.SIGINT)  # as Ctrl-C does
    told, errors = process.communicate(timeout=120)
    assert process.returncode == 0 and "interrupted\nResult(" in told, errors


def noisy(images):
    """A linear network that one pixel hardly moves."""
    weights = np.random.default_rng(0).normal(0, 1, images.shape[1:])
    masked = 1 / (1 + np.exp(-((images / 255.0 - 0.5) * weights).sum(axis=(1, 2, 3)) / 10))
    return np.column_stack([1 - masked, masked]).astype(np.float32)


def test_a_sweep_counts_only_faces_that_were_right(profile):
    images = np.random.default_rng(0).integers(0, 256, (6, 50, 50, 3), dtype=np.uint8)
    labels = noisy(images).argmax(axis=1)
    labels = np.where(np.arange(6) < 2, 1 - labels, labels)
    search = attack.DifferentialEvolution(profile.evolution)
    asked = dict(name="net", search=search, profile=dataclasses.replace(profile, attacked=99))
    sweep = attack.sweep(noisy, attack.Predicted(noisy), images, labels, **asked)
    assert sweep.faces.tolist() == [2, 3, 4, 5] and (sweep.correct, sweep.tested) == (4, 6)
    with pytest.raises(ValueError, match="expected faces that net classifies correctly, got none"):
        attack.sweep(noisy, attack.Predicted(noisy), images[:2], labels[:2], **asked)


def test_a_journal_of_other_faces_is_begun_anew(tmp_path):
    files.Journal(tmp_path / "j.jsonl", key="a").add("0", 1)
    assert files.Journal(tmp_path / "j.jsonl", key="b").items == {}
