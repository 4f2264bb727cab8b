"""Counts and their intervals against published values."""

import numpy as np
import pytest

from maskdet.counts import Count, bootstrap, clustered


@pytest.mark.parametrize("k, n, low, high", [  # Newcombe 1998, table I, method 3 (Wilson, uncorrected)
    (81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)])
def test_intervals_are_wilsons(k, n, low, high):
    assert Count(k, n).interval == pytest.approx((low, high), abs=5e-5)


def test_a_count_states_its_denominator_and_interval():
    assert str(Count(81, 263)) == "30.8 % (81/263; 25.5 to 36.6 %)"


@pytest.mark.parametrize("k, n", [(1, 0), (3, 2), (-1, 2)])
def test_impossible_counts_are_refused(k, n):
    with pytest.raises(ValueError, match="expected 0 <= k <= n and n >= 1, got k"):
        Count(k, n)


def test_independent_items_have_the_interval_of_wilson():
    hits = np.arange(200) % 10 == 0
    assert clustered(hits, np.arange(200)).interval == pytest.approx(Count(20, 200).interval, rel=0.01)


def test_copies_of_an_item_add_nothing():
    hits = np.random.default_rng(0).random(300) < 0.2
    once, thrice = clustered(hits, np.arange(300)), clustered(np.repeat(hits, 3), np.repeat(np.arange(300), 3))
    assert thrice.k == 3 * once.k and thrice.n == 900
    assert thrice.effect == pytest.approx(3, rel=0.01) and thrice.interval == pytest.approx(once.interval, abs=2e-3)


def test_the_interval_holds_the_truth_in_95_of_100_clustered_samples():
    rng, held, naive = np.random.default_rng(1), 0, 0
    for _ in range(400):
        share = rng.beta(2, 8, 80)  # of 80 photographs; the mean is 0.2
        hits, clusters = rng.random((80, 6)) < share[:, None], np.repeat(np.arange(80), 6)
        found = clustered(hits.ravel(), clusters)
        low, high = found.interval
        held += low <= 0.2 <= high
        low, high = Count(found.k, found.n).interval
        naive += low <= 0.2 <= high
    assert 0.92 < held / 400 < 0.98 and naive / 400 < held / 400 - 0.03


def test_clusters_without_a_hit_and_a_single_cluster_are_counted():
    assert clustered(np.zeros(5, bool), np.zeros(5, int)).interval[0] == 0
    assert clustered(np.array([True, False]), np.zeros(2, int)).effect == 1
    with pytest.raises(ValueError, match="expected a cluster for each of"):
        clustered(np.zeros(5, bool), np.zeros(4, int))
    with pytest.raises(ValueError, match="expected a design effect above 0"):
        Count(1, 2, effect=0)


def test_the_bootstrap_draws_whole_clusters_and_the_same_by_the_same_seed():
    values, clusters = np.random.default_rng(0).normal(5, 1, 400), np.repeat(np.arange(100), 4)
    one, two = (bootstrap(lambda rows: values[rows].mean(), clusters, rng=np.random.default_rng(3), times=500)
                for _ in range(2))
    assert one == two and one.value == pytest.approx(values.mean())
    assert one.high - one.low == pytest.approx(2 * 1.96 / 20, rel=0.2)
    alike = bootstrap(lambda rows: clusters[rows].mean(), clusters, rng=np.random.default_rng(3), times=500)
    assert alike.high - alike.low == pytest.approx(2 * 1.96 * clusters.std() / 10, rel=0.2), "100 draws, not 400"
