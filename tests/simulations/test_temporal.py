"""Temporal reach and robustness, in worlds small enough to work out by hand."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from p2p.errors import InvalidInput
from simulations.oracle import earliest_arrivals
from simulations.temporal import contact_counts, reach, removal_order, robustness
from simulations.trace import ContactChange, Creation

CHAIN = [
    ContactChange(10.0, 0, 1, up=True),
    ContactChange(12.0, 0, 1, up=False),
    ContactChange(30.0, 1, 2, up=True),
    ContactChange(32.0, 1, 2, up=False),
]
"""0 meets 1, later 1 meets 2: 0 reaches 2, and 2 does not reach 0."""


def test_a_way_goes_forward_in_time_only():
    found = reach(3, CHAIN, 0.0, 100.0, unit_s=10.0)
    assert found.largest == 3
    # 0-1 and 1-0 after one unit, 1-2, 2-1 and 0-2 after three, 2-0 never.
    assert found.efficiency == pytest.approx((2 / 2 + 3 / 4) / 6)


def test_a_window_begins_in_the_middle_of_a_contact():
    assert reach(3, CHAIN, 11.0, 100.0, unit_s=1000.0).efficiency == pytest.approx(5 / 6)
    assert reach(3, CHAIN, 12.0, 100.0, unit_s=1000.0).efficiency == pytest.approx(5 / 6)
    assert reach(3, CHAIN, 13.0, 100.0, unit_s=1000.0).efficiency == pytest.approx(2 / 6)


def test_a_window_ends_before_a_contact():
    assert reach(3, CHAIN, 0.0, 29.0, unit_s=1000.0).efficiency == pytest.approx(2 / 6)


def test_nodes_that_are_gone_neither_speak_nor_carry():
    found = reach(3, CHAIN, 0.0, 100.0, 1.0, frozenset([1]))
    assert (found.efficiency, found.largest) == (0.0, 1)
    assert reach(2, [], 0.0, 1.0, 1.0, frozenset([0, 1])).largest == 0


def test_nobody_and_one_alone():
    assert math.isnan(reach(0, [], 0.0, 1.0, 1.0).efficiency)
    assert math.isnan(reach(1, [], 0.0, 1.0, 1.0).efficiency)
    assert reach(1, [], 0.0, 1.0, 1.0).largest == 1


@pytest.mark.parametrize(("start_s", "end_s", "unit_s"), [(0, 1, 0), (2, 1, 1), (0, 1, -1)])
def test_windows_that_cannot_be(start_s, end_s, unit_s):
    with pytest.raises(InvalidInput):
        reach(2, [], start_s, end_s, unit_s)


def star(leaves):
    return [ContactChange(float(n), 0, n, up=True) for n in range(1, leaves + 1)]


def test_a_star_dies_with_its_centre_and_hardly_with_a_leaf():
    hub_gone = robustness(5, star(4), 10.0, 1.0, [0.0, 0.2], "degree", seed=1, starts=1)
    assert hub_gone[0].robustness == 1.0
    assert hub_gone[0].largest_share == 1.0
    assert (hub_gone[1].robustness, hub_gone[1].largest_share) == (0.0, 0.2)
    assert removal_order(5, star(4), "degree", 1) == [0, 1, 2, 3, 4]
    assert contact_counts(5, star(4)) == [4, 1, 1, 1, 1]


def test_a_random_order_is_the_seed_s():
    assert removal_order(50, [], "random", 3) == removal_order(50, [], "random", 3)
    assert removal_order(50, [], "random", 3) != removal_order(50, [], "random", 4)
    assert sorted(removal_order(50, [], "random", 3)) == list(range(50))


def test_a_network_without_contacts_has_no_robustness():
    (step,) = robustness(4, [], 10.0, 1.0, [0.5], "random", seed=1)
    assert math.isnan(step.robustness)
    assert step.largest_share == 0.25


@pytest.mark.parametrize(("shares", "starts"), [([1.1], 1), ([-0.1], 1), ([0.5], 0)])
def test_removals_that_cannot_be(shares, starts):
    with pytest.raises(InvalidInput):
        robustness(4, [], 10.0, 1.0, shares, "random", 1, starts)


NODES = 6
changes = st.lists(
    st.builds(
        ContactChange,
        st.integers(0, 20).map(float),
        st.integers(0, NODES - 1),
        st.integers(0, NODES - 1),
        st.booleans(),
    ),
    max_size=40,
).map(lambda found: sorted(found, key=lambda change: change.time_s))


@given(changes, st.integers(0, 20))
@settings(max_examples=200, deadline=None)
def test_it_agrees_with_a_message_from_everybody_to_everybody(contacts, start_s):
    pairs = [(a, b) for a in range(NODES) for b in range(NODES) if a != b]
    creations = [Creation(float(start_s), f"{a}-{b}", a, b, 1) for a, b in pairs]
    arrivals = earliest_arrivals(NODES, contacts, creations, math.inf)
    wanted = sum(1 / (1 + (time_s - start_s) // 2.0) for time_s in arrivals.values())
    found = reach(NODES, contacts, float(start_s), 20.0, unit_s=2.0)
    assert found.efficiency == pytest.approx(wanted / len(pairs))
    most = max(sum(name.startswith(f"{a}-") for name in arrivals) for a in range(NODES))
    assert found.largest == most + 1
