"""Counts and their intervals against published values."""

import pytest

from maskdet.counts import Count


@pytest.mark.parametrize("k, n, low, high", [  # Newcombe 1998, table I, method 3 (Wilson, uncorrected)
    (81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)])
def test_intervals_are_wilsons(k, n, low, high):
    assert Count(k, n).interval == pytest.approx((low, high), abs=5e-5)


def test_a_count_states_its_denominator_and_interval():
    assert str(Count(81, 263)) == "30.80 % (81/263, 95 % CI 25.5 to 36.6 %)"


@pytest.mark.parametrize("k, n", [(1, 0), (3, 2), (-1, 2)])
def test_impossible_counts_are_refused(k, n):
    with pytest.raises(ValueError, match="expected 0 <= k <= n and n >= 1, got k"):
        Count(k, n)
