"""Occupancy, healing and paired differences, in worlds made by hand."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2p.errors import InvalidInput
from simulations.metrics import healing_time_s, mean_interval, paired_interval, time_mean


def test_occupancy_counts_how_long_a_level_lasted():
    assert time_mean([(0.0, 10.0), (1.0, 0.0), (3.0, 4.0)], 5.0) == pytest.approx(18 / 5)
    assert time_mean([(2.0, 10.0)], 4.0) == 10.0
    assert time_mean([(0.0, 1.0), (9.0, 5.0)], 5.0) == 1.0
    assert math.isnan(time_mean([], 5.0))
    assert math.isnan(time_mean([(5.0, 1.0)], 5.0))


def test_healing_waits_for_the_share_and_not_for_the_last():
    arrivals = [(0.0, 100.0 + n) for n in range(19)] + [(0.0, None)]
    assert healing_time_s(arrivals, 100.0) == 18.0
    assert healing_time_s([*arrivals, (0.0, None)], 100.0) == math.inf
    assert healing_time_s(arrivals, 100.0, share=0.5) == 9.0


def test_what_a_ferry_brought_across_before_needs_no_healing():
    assert healing_time_s([(0.0, 50.0)], 100.0) == 0.0


def test_mail_from_after_the_healing_does_not_count():
    assert healing_time_s([(0.0, 110.0), (101.0, None)], 100.0) == 10.0
    assert math.isnan(healing_time_s([(101.0, 102.0)], 100.0))


def test_pairs_cancel_what_the_world_did_to_both():
    worlds = [0.2, 0.9, 0.5, 0.4]
    better = [value + 0.05 for value in worlds]
    found = paired_interval(better, worlds)
    assert found.estimate == pytest.approx(0.05)
    assert found.high - found.low == pytest.approx(0.0, abs=1e-9)
    apart = mean_interval(worlds)
    assert apart.high - apart.low > 0.5


def test_unequal_numbers_of_runs_are_no_pairs():
    with pytest.raises(InvalidInput, match="1 runs cannot be paired with 2"):
        paired_interval([1.0], [1.0, 2.0])


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=2, max_size=40))
def test_the_paired_estimate_is_the_difference_of_the_means(pairs):
    ones, others = [a for a, _ in pairs], [b for _, b in pairs]
    found = paired_interval(ones, others)
    wanted = mean_interval(ones).estimate - mean_interval(others).estimate
    assert found.estimate == pytest.approx(wanted, abs=1e-9)
    assert found.low <= found.estimate + 1e-12
