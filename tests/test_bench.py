"""The benchmark: what it counts, and what it recorded. (The peers need an environment of their own.)"""

import numpy as np
import pytest

from bench import cost, detection, photographed
from bench.baseline import Solver, perturbed
from maskdet import attack, networks
from maskdet.config import Evolution
from maskdet.incremental import Incremental
from maskdet.record import benchmark, results


def test_what_is_measured_is_photographs():
    assert photographed([], command="make bench") == photographed(["larxel"], command="make bench")
    with pytest.raises(ValueError, match="expected a profile of photographs, .*, got demo: make bench PROFILE=larxel"):
        photographed(["demo"], command="make bench")


def test_the_rate_of_two_processes_is_the_sum_of_both_in_the_turns_that_they_share(monkeypatch):
    found = {range(14): np.arange(28.0).reshape(14, 2), range(1, 14, 2): np.full((7, 2), 100.0)}
    monkeypatch.setattr(detection, "each", lambda calls, workers: [(turns, found[turns]) for turns in calls])
    assert detection.rates([np.zeros((4, 4, 3), np.uint8)]) == {  # by the clock 0, 4, ... 24, and 102, 106, ... 126
        "1": {"clock": 12, "least": 0, "most": 24, "processor": 13},
        "2": {"clock": 114, "least": 102, "most": 126, "processor": 115}}


def test_a_process_that_is_late_is_an_error(monkeypatch):
    monkeypatch.setattr(detection, "whole", lambda: len)
    with pytest.raises(RuntimeError, match="expected each process to be ready in time, got a delay of .* seconds"):
        detection.rate([np.zeros((4, 4, 3), np.uint8)], 0, range(1))


@pytest.mark.parametrize("name", networks.NETWORKS)
def test_an_incremental_pass_makes_a_part_of_the_multiplications_of_the_whole(name):
    model = networks.build(name, seed=1)
    image = np.random.default_rng(0).integers(0, 256, (50, 50, 3), dtype=np.uint8)
    counted = cost.multiplications(Incremental.of(model), image, seed=0)
    assert counted["whole"] == networks.multiplications(model)
    assert 0 < counted["made"] < counted["touched"] < counted["whole"] / 5


def test_the_figure_2_network_is_touched_as_little_as_its_windows_say():
    """By hand: each line of pixels lies under 1 or 2 of 24 lines of stride 2, in 1 or 2 of 12 pools."""
    image = np.random.default_rng(0).integers(0, 256, (50, 50, 3), dtype=np.uint8)
    counted = cost.multiplications(Incremental.of(networks.build("figure2", seed=1)), image, seed=0, candidates=20_000)
    lines = [[line for line in range(24) if 0 <= pixel - 2 * line < 3] for pixel in range(50)]
    pools = [{line // 2 for line in those} for those in lines]
    windows = np.array([sum(min(p, 9) - max(p - 2, 0) + 1 for p in those) for those in pools])
    second = windows.mean()**2 * 100 * 64  # the second convolution makes nearly all of them
    assert second < counted["touched"] < 1.5 * second


def test_the_baseline_minimises_ackleys_function():
    solver = Solver(lambda points: attack.ackley(points - 5), np.full(5, 10.0), rng=np.random.RandomState(0),
                    settings=Evolution(population=60, generations=80))
    for _ in range(80):
        solver.evolve()
    assert np.abs(solver.best - 5).max() < 0.01


def test_the_baseline_sets_the_pixels_that_our_attack_sets():
    image = np.random.default_rng(0).integers(0, 256, (50, 50, 3), dtype=np.uint8)
    points = np.array([[3, 40, 255, 0, 7], [49.9, 0.2, 1.5, 2.5, 3.5]])
    assert (perturbed(image, points) == attack.set_pixels(image, points.astype(int))).all()


@pytest.fixture(scope="module")
def record():
    return results.read("bench")


def test_the_record_has_every_search_on_both_networks_with_faces_of_both_kinds(record):
    for network in networks.NETWORKS:
        rows = [row for row in record["attack"] if row["network"] == network]
        assert {row["search"] for row in rows} == {"differential_evolution", "corners", "guided"}
        for row in rows:
            assert row["success"]["n"] >= 20 and 0 < row["success"]["k"] < row["success"]["n"]
            assert set(row["ratio"]) == {"baseline", "scipy", "art", "torchattacks"}


def test_ratios_are_those_of_the_recorded_speeds(record):
    speeds = {(row["network"], row["search"]): row["faces_per_minute"] for row in record["peers"]}
    for row in record["attack"]:
        for peer, ratio in row["ratio"].items():
            assert ratio == pytest.approx(row["faces_per_minute"] / speeds[row["network"], peer], rel=0.01)


def test_the_tables_show_every_search_of_the_record(record):
    for network in networks.NETWORKS:
        assert len(benchmark.table(record, network)) == len(benchmark.shares(record, network)) == 7
    assert benchmark.ratios(record).shape == benchmark.agreement(record).shape == (6, 4)
    quoted = benchmark.to_quote(record)
    assert quoted["figure2"]["cost"]["gain"] > quoted["figure2"]["cost"]["bound"] > 10


def test_every_system_is_timed_on_the_same_photographs_in_every_size(monkeypatch):
    asked = {}

    def detector(name):
        return lambda photograph: asked.setdefault(name, []).append(photograph.shape)

    monkeypatch.setattr(detection.faces, "detector", detector)
    monkeypatch.setattr(detection, "whole", lambda: detector(detection.WHOLE))
    table = detection.by_size([np.zeros((30, 40, 3), np.uint8), np.zeros((60, 20, 3), np.uint8)])
    assert list(table) == list(asked) == [*detection.DETECTORS, detection.WHOLE]
    assert all(shapes == asked[detection.WHOLE] for shapes in asked.values())
    assert [round(np.prod(shape[:2]) / 1e6, 1) for shape in asked["yunet"]] == [
        size for size in detection.MEGAPIXELS for _ in range(3)]
    assert all(list(sizes) == ["0.3", "1", "2", "4"] for sizes in table.values())
    assert all(row["ratio"] == 1 for row in table[detection.STOCK].values())
