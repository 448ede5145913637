"""Mobility, proximity and graphs."""

import math
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

np = pytest.importorskip("numpy")

from p2p.errors import InvalidInput  # noqa: E402
from simulations.world import graphs  # noqa: E402
from simulations.world.compiled import (  # noqa: E402
    NODES_MIN,
    NUMPY,
    compiled,
    loop_steps,
    steps_for,
)
from simulations.world.mobility import (  # noqa: E402
    MapWalk,
    RandomWaypoint,
    StreetMap,
    WorkingDay,
    WorkingDaySettings,
    walk,
)
from simulations.world.proximity import contacts, pairs_in_range  # noqa: E402


@given(
    st.lists(st.tuples(st.floats(-500, 500), st.floats(-500, 500)), max_size=40),
    st.floats(5, 300),
)
@settings(deadline=None)
def test_the_grid_finds_the_pairs_that_comparing_all_finds(points, range_m):
    positions = np.array(points, dtype=float).reshape(-1, 2)
    n = len(points)
    gaps = [((positions[a] - positions[b]) ** 2).sum() for a in range(n) for b in range(a + 1, n)]
    pairs = [a * n + b for a in range(n) for b in range(a + 1, n)]
    expected = [p for p, g in zip(pairs, gaps, strict=True) if g <= range_m * range_m]
    assert pairs_in_range(positions, range_m).tolist() == expected


PLAIN = loop_steps("plain", lambda loop: loop)
"""The loops that numba compiles, run by Python itself."""


@given(
    st.lists(st.tuples(st.floats(-500, 500), st.floats(-500, 500)), min_size=2, max_size=60),
    st.sampled_from([5.0, 60.0, 100.0, 2000.0]),
)
@settings(deadline=None, max_examples=50)
def test_the_loops_find_the_pairs_that_numpy_finds(points, range_m):
    positions = np.array(points)
    expected = pairs_in_range(positions, range_m, NUMPY).tolist()
    assert pairs_in_range(positions, range_m, PLAIN).tolist() == expected


def waypoints(nodes):
    return RandomWaypoint(nodes, (700.0, 300.0), (0.5, 2.0), (0.0, 20.0), seed=8)


def test_the_loops_walk_as_numpy_does_to_the_last_bit():
    frames = list(walk(waypoints(50), 2.0, 300, NUMPY))
    again = list(walk(waypoints(50), 2.0, 300, PLAIN))
    assert all((a == b).all() for a, b in zip(frames, again, strict=True))
    assert contacts(frames, 2.0, 40.0, NUMPY) == contacts(frames, 2.0, 40.0, PLAIN)


def test_compiled_steps_equal_numpy_to_the_last_bit():
    pytest.importorskip("numba")
    nodes = NODES_MIN
    fast = steps_for(nodes)
    assert (fast.how, steps_for(nodes - 1).how) == ("numba", "numpy")
    assert (steps_for(100, 3600).how, steps_for(100, 3700).how) == ("numpy", "numba")
    frames = list(walk(waypoints(nodes), 2.0, 60, NUMPY))
    again = list(walk(waypoints(nodes), 2.0, 60, fast))
    assert all((a == b).all() for a, b in zip(frames, again, strict=True))
    changes = contacts(frames, 2.0, 15.0, NUMPY)
    assert contacts(frames, 2.0, 15.0, fast) == changes
    assert len(changes) > 5000


def test_without_numba_numpy_does_the_work(monkeypatch):
    monkeypatch.setitem(sys.modules, "numba", None)
    assert compiled.__wrapped__() is None


def test_a_wide_and_empty_grid_takes_no_table_of_cells():
    positions = np.array([[0.0, 0.0], [9e5, 9e5], [9e5, 9e5 + 0.5]])
    assert pairs_in_range(positions, 1.0, PLAIN).tolist() == [5]
    assert pairs_in_range(positions[:, ::-1].copy(), 1.0, PLAIN).tolist() == [5]
    everybody = np.zeros((9, 2))
    everybody[0] = 9e5
    assert len(pairs_in_range(everybody, 1.0, PLAIN)) == 28


@given(
    st.lists(st.tuples(st.integers(0, 40), st.integers(0, 9)), min_size=2, max_size=12),
    st.booleans(),
)
@settings(deadline=None, max_examples=50)
def test_few_in_a_wide_area_are_paired_as_numpy_pairs_them(points, upright):
    """Whole metres, so that many are exactly a range apart or share a place on the axis."""
    positions = np.array(points, dtype=float) * (10.0, 1.0)
    if upright:
        positions = positions[:, ::-1].copy()
    positions = np.vstack((positions, [[3000.0, 3000.0]]))
    expected = pairs_in_range(positions, 10.0, NUMPY).tolist()
    assert pairs_in_range(positions, 10.0, PLAIN).tolist() == expected


def test_contacts_by_hand():
    frames = [np.array([[0.0, 0.0], [x, 0.0]]) for x in (50.0, 9.0, 10.0, 11.0)]
    assert [(c.time_s, c.first, c.second, c.up) for c in contacts(frames, 2.0, 10.0)] == [
        (2.0, 0, 1, True),
        (6.0, 0, 1, False),
    ]


def test_random_waypoint_stays_inside_and_keeps_to_its_speeds():
    model = RandomWaypoint(30, (400.0, 200.0), (1.0, 2.0), (0.0, 10.0), seed=4)
    frames = list(walk(model, 1.0, 300))
    again = list(walk(RandomWaypoint(30, (400.0, 200.0), (1.0, 2.0), (0.0, 10.0), 4), 1.0, 300))
    assert all((a == b).all() for a, b in zip(frames, again, strict=True))
    stacked = np.stack(frames)
    assert stacked.min() >= 0
    assert stacked[..., 0].max() <= 400
    assert stacked[..., 1].max() <= 200
    steps = np.hypot(*np.moveaxis(np.diff(stacked, axis=0), -1, 0))
    assert steps.max() <= 2.0 + 1e-9
    assert (steps.sum(axis=0) > 100).all()


def test_walkers_on_a_map_stay_on_its_streets():
    crossings = np.array([[x * 100.0, y * 100.0] for y in range(4) for x in range(4)])
    streets = StreetMap(crossings, graphs.grid(4, 4))
    model = MapWalk(20, streets, (1.0, 3.0), (0.0, 5.0), seed=9)
    stacked = np.stack(list(walk(model, 2.0, 400)))
    on_street = np.isclose(stacked % 100, 0, atol=1e-6) | np.isclose(stacked % 100, 100, atol=1e-6)
    assert on_street.any(axis=-1).all()
    assert len({tuple(p) for p in np.round(stacked[-1]).tolist()}) > 5


def test_ways_are_shortest():
    crossings = np.array([[0.0, 0.0], [10.0, 0.0], [10.0, 10.0], [0.0, 100.0]])
    streets = StreetMap(crossings, [(0, 1), (1, 2), (0, 3), (3, 2)])
    assert streets.way(0, 2) == [1, 2]
    assert streets.way(2, 2) == []
    lonely = StreetMap(crossings, [(0, 1)])
    with pytest.raises(InvalidInput, match="No way leads"):
        lonely.way(0, 3)


def test_a_working_day_is_at_home_by_night_and_at_the_office_by_day():
    settings_ = WorkingDaySettings(24, (2000.0, 2000.0), 3, 2, 5.0)
    model = WorkingDay(settings_, seed=2)
    frames = list(walk(model, 60.0, 2 * 24 * 60))
    home = model.begin()
    offices = model._offices[np.arange(24) % 3]
    night, noon = frames[24 * 60 + 4 * 60], frames[24 * 60 + 12 * 60 + 30]
    assert (np.hypot(*(night - home).T) < 1).mean() > 0.9
    assert (np.hypot(*(noon - offices).T) < 1).mean() > 0.9


def test_graphs():
    assert graphs.line(3) == [(0, 1), (1, 2)]
    assert graphs.ring(3) == [(0, 1), (1, 2), (2, 0)]
    assert sorted(graphs.grid(2, 2)) == [(0, 1), (0, 2), (1, 3), (2, 3)]
    assert len(graphs.complete(5)) == 10
    assert 300 < len(graphs.random_graph(50, 0.3, seed=1)) < 440
    assert [c.up for c in graphs.always_up(graphs.line(2))] == [True]
    with pytest.raises(InvalidInput):
        graphs.ring(2)
    with pytest.raises(InvalidInput):
        graphs.random_graph(3, math.nan, 1)


def test_impossible_models_are_refused():
    with pytest.raises(InvalidInput):
        RandomWaypoint(3, (10.0, 10.0), (0.0, 1.0), (0.0, 0.0), seed=1)
    with pytest.raises(InvalidInput):
        pairs_in_range(np.zeros((3, 2)), 0.0)
    with pytest.raises(InvalidInput):
        pairs_in_range(np.array([[0.0, 0.0], [1e12, 0.0]]), 1.0)
