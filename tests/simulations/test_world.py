"""Mobility, proximity and graphs."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

np = pytest.importorskip("numpy")

from p2p.errors import InvalidInput  # noqa: E402
from simulations.world import graphs  # noqa: E402
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
