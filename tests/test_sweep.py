"""Long runs: interrupted, killed, spread over machines, the table is the same."""

import contextlib
import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import pytest

import sweeping
from maskdet import attack, files

SCRIPT = [sys.executable, sweeping.__file__]


def start(folder: Path, *arguments: str, **environment) -> subprocess.Popen:
    kept = {name: value for name, value in os.environ.items() if name != "SCHEDULER"}
    return subprocess.Popen([*SCRIPT, *arguments], env=kept | {"MASKDET_BUILD": str(folder)} | environment)


def journal(folder: Path) -> Path | None:
    """The journal of a folder's sweep, which bears its key in its name; None before there is one."""
    return next((folder / "test" / "attacks").glob("net-differential_evolution.*.jsonl"), None)


def written(folder: Path) -> str:
    return (folder / "test" / "attacks" / "net-differential_evolution.csv").read_text()


def finished(folder: Path) -> list[str]:
    """The faces whose lines are whole, as the journal has them."""
    found = []
    for line in journal(folder).read_bytes().splitlines() if journal(folder) else []:
        with contextlib.suppress(ValueError):
            found.append(json.loads(line)[0])
    return found


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
    table = written(folder)
    assert table.count("\n") == sweeping.FACES + 1 and "True" in table and "False" in table
    return table


def test_a_killed_sweep_goes_on_and_gives_the_same_table_without_repeating_a_face(table, tmp_path):
    for more, reached in (("3", 3), ("5", 8)):
        assert start(tmp_path, more).wait(timeout=300) == -signal.SIGKILL
        kept = journal(tmp_path).read_bytes()
        assert len(finished(tmp_path)) == reached and not kept.endswith(b"\n"), "the faces, and half of one more"
    wait_for(lambda: not working(tmp_path))  # the workers of a killed process end, too
    assert start(tmp_path).wait(timeout=300) == 0
    assert journal(tmp_path).read_bytes().startswith(kept)
    assert len(finished(tmp_path)) == len(set(finished(tmp_path))) == sweeping.FACES
    assert written(tmp_path) == table


def test_another_seed_is_another_sweep(tmp_path, monkeypatch):
    monkeypatch.setenv("MASKDET_BUILD", str(tmp_path))
    first = sweeping.sweep()
    monkeypatch.setattr(sweeping, "PROFILE", dataclasses.replace(sweeping.PROFILE, seed=1))
    assert sweeping.sweep().verdicts != first.verdicts


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
                                env=os.environ | {"PYTHONPATH": str(Path(__file__).parent)})
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
    client, workers = cluster
    process = start(tmp_path, SCHEDULER=client.scheduler.address)
    wait_for(lambda: len(finished(tmp_path)) >= 3)
    assert len(client.scheduler_info(n_workers=-1)["workers"]) == 2
    workers[0].kill()
    reached = len(finished(tmp_path))
    assert process.wait(timeout=300) == 0 and reached < sweeping.FACES
    assert len(client.scheduler_info(n_workers=-1)["workers"]) == 1
    assert written(tmp_path) == table


def test_a_scheduler_that_does_not_answer_is_named():
    with pytest.raises(OSError, match="expected a Dask scheduler at 127.0.0.1:1, got none: start one"):
        with attack.workers("127.0.0.1:1", timeout=1):
            pass


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
    with pytest.raises(ValueError, match="expected faces that net has right, got none"):
        attack.sweep(noisy, attack.Predicted(noisy), images[:2], labels[:2], **asked)


def test_a_journal_of_other_faces_is_begun_anew(tmp_path):
    files.Journal(tmp_path / "j.jsonl", key="a").add("0", 1)
    assert files.Journal(tmp_path / "j.jsonl", key="b").items == {}
