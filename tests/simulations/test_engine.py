"""Kernel, random streams, oracle, statistics."""

import math
import os
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from p2p.errors import InvalidInput
from simulations.kernel import Kernel
from simulations.metrics import (
    mean_interval,
    quantile,
    share_interval,
    student_quantile,
    summarise,
)
from simulations.oracle import earliest_arrivals, reachable
from simulations.rng import stream, stream_seed
from simulations.trace import ContactChange, Creation, Delivery, Outcome


def test_events_of_one_moment_keep_their_order_and_the_agenda_comes_first():
    kernel = Kernel([(1.0, 0, "planned"), (2.0, 1, "later")])
    kernel.schedule(1.0, 5, "a")
    kernel.schedule(1.0, 3, "b")
    kernel.schedule(0.5, 4, "early")
    seen = []

    def handle(node, event):
        seen.append((kernel.now_s, node, event))
        if event == "a":
            kernel.schedule(kernel.now_s, 9, "at once")

    kernel.run(1.5, handle)
    assert seen == [
        (0.5, 4, "early"),
        (1.0, 0, "planned"),
        (1.0, 5, "a"),
        (1.0, 3, "b"),
        (1.0, 9, "at once"),
    ]
    assert (kernel.now_s, kernel.next_time_s(), kernel.handled) == (1.5, 2.0, 5)


@given(st.lists(st.tuples(st.floats(0, 100), st.integers(0, 9)), max_size=40))
def test_events_come_in_order_of_time(events):
    kernel = Kernel()
    for time_s, node in events:
        kernel.schedule(time_s, node, time_s)
    seen = []
    kernel.run(math.inf, lambda node, event: seen.append((event, node)))
    assert seen == sorted(events, key=lambda event: event[0])


@pytest.mark.parametrize("time_s", [-1.0, math.nan])
def test_the_past_is_refused(time_s):
    with pytest.raises(InvalidInput):
        Kernel().schedule(time_s, 0, "x")
    with pytest.raises(InvalidInput, match="out of order"):
        Kernel([(5.0, 0, "x"), (4.0, 0, "y")])


def test_streams_depend_on_their_seed_and_name_only():
    first = [stream(7, "mobility", 3).random() for _ in range(2)]
    assert first[0] == first[1]
    names = [("a",), ("b",), ("a", 1), ("a", "1"), ("a1",), (1,), ("1",)]
    assert len({stream_seed(7, *name) for name in names} | {stream_seed(8, "a")}) == 8
    assert stream_seed(7, "mobility") == 13919126243955562225


TIMES = st.integers(0, 12).map(float)
NODE = st.integers(0, 4)


def brute_force(contacts, creation):
    """Relax over contact intervals until nothing changes."""
    intervals, live = [], {}
    for change in contacts:
        pair = frozenset((change.first, change.second))
        if change.up:
            live.setdefault(pair, change.time_s)
        elif pair in live:
            intervals.append((pair, live.pop(pair), change.time_s))
        if not change.up:
            continue
    intervals += [(pair, start, math.inf) for pair, start in live.items()]
    at = {creation.source: creation.time_s}
    changed = True
    while changed:
        changed = False
        for pair, start, end in intervals:
            for a in pair:
                for b in pair - {a}:
                    when = max(at.get(a, math.inf), start)
                    if when <= end and when < at.get(b, math.inf):
                        at[b] = when
                        changed = True
    return at.get(creation.destination)


@given(
    st.lists(st.builds(ContactChange, TIMES, NODE, NODE, st.booleans()), max_size=40),
    st.lists(st.tuples(TIMES, NODE, NODE), max_size=6),
)
@settings(deadline=None)
def test_the_oracle_equals_brute_force(contacts, messages):
    contacts.sort(key=lambda change: change.time_s)
    creations = [
        Creation(time_s, f"M{n}", a, b, 1) for n, (time_s, a, b) in enumerate(sorted(messages))
    ]
    expected = {c.name: brute_force(contacts, c) for c in creations}
    found = earliest_arrivals(5, contacts, creations, math.inf)
    assert found == {name: time_s for name, time_s in expected.items() if time_s is not None}


def test_the_oracle_counts_lifetimes_and_the_end():
    contacts = [ContactChange(10.0, 0, 1, up=True)]
    creations = [Creation(0.0, "M1", 0, 1, 1), Creation(0.0, "M2", 0, 2, 1)]
    assert earliest_arrivals(3, contacts, creations, 9.0) == {}
    assert reachable(3, contacts, creations, 10.0, 100.0) == 0.5
    assert reachable(3, contacts, creations, 10.0, 9.0) == 0.0
    assert math.isnan(reachable(3, contacts, [], 1.0, 1.0))


@pytest.mark.parametrize(
    ("freedom", "value"), [(1, 12.7062), (2, 4.30265), (9, 2.26216), (29, 2.04523), (999, 1.96234)]
)
def test_student_quantiles_equal_the_tables(freedom, value):
    assert student_quantile(0.975, freedom) == pytest.approx(value, rel=1e-5)


def test_intervals():
    interval = mean_interval([4.0, 6.0, 8.0])
    assert (interval.estimate, interval.low) == (6.0, pytest.approx(6 - 4.302653 * 2 / 3**0.5))
    assert math.isnan(mean_interval([3.0]).low)
    assert math.isnan(mean_interval([]).estimate)
    wilson = share_interval(8, 10)
    assert (wilson.low, wilson.high) == (
        pytest.approx(0.4902, abs=1e-4),
        pytest.approx(0.9433, abs=1e-4),
    )
    assert share_interval(0, 10).low == 0.0
    assert share_interval(10, 10).high == 1.0
    with pytest.raises(InvalidInput):
        share_interval(11, 10)


@given(st.integers(0, 50), st.integers(1, 50))
def test_wilson_stays_in_range_and_holds_its_estimate(successes, more):
    interval = share_interval(successes, successes + more)
    assert 0 <= interval.low <= interval.estimate <= interval.high <= 1


def test_summary_by_hand():
    creation = Creation(10.0, "M1", 0, 2, 500)
    outcome = Outcome(
        99.0,
        4,
        9,
        8,
        1,
        0,
        0,
        (Delivery(30.0, creation, (0, 1, 2), 1), Delivery(50.0, creation, (0, 2), 1)),
        (),
    )
    summary = summarise(outcome)
    assert (summary.delivery_ratio, summary.latency_mean_s, summary.overhead_ratio) == (0.5, 30, 3)
    assert (summary.hops_mean, summary.latency_p95_s) == (1.5, 39.0)
    assert math.isnan(quantile([], 0.5))


SCRIPT = """
from simulations.abstract.replay import replay
from simulations.replay import outcome_hash
from simulations.rng import stream
from simulations.trace import Creation, ReplaySettings
from simulations.world.mobility import RandomWaypoint, walk
from simulations.world.proximity import contacts
model = RandomWaypoint(40, (900.0, 900.0), (1.0, 3.0), (0.0, 30.0), seed=5)
trace = contacts(walk(model, 5.0, 120), 5.0, 80.0)
draws = stream(5, "load")
load = [Creation(n * 4.0, f"M{n}", draws.randrange(40), draws.randrange(40), 20000)
        for n in range(90)]
settings = ReplaySettings(40, 600.0, 9000, 60000, 60, "hash")
outcome = replay(settings, trace, load, "spray", 6)
assert outcome.relayed > 50
print(outcome_hash(settings, outcome))
"""


def test_a_run_does_not_depend_on_the_hash_seed():
    pytest.importorskip("numpy")
    hashes = {
        subprocess.run(
            [sys.executable, "-c", SCRIPT],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
            timeout=120,
        ).stdout
        for seed in ("0", "1", "4242")
    }
    assert len(hashes) == 1
