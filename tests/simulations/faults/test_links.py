"""Which links exist under faults: by hand, and against the plainest way to say it."""

import math

from hypothesis import given, settings
from hypothesis import strategies as st

from simulations.faults.cuts import Cut
from simulations.faults.links import Troubles, links
from simulations.faults.outages import Outage, Switches
from simulations.trace import ContactChange

END_S = 100.0


def up(time_s, first, second):
    return ContactChange(time_s, first, second, up=True)


def down(time_s, first, second):
    return ContactChange(time_s, first, second, up=False)


def said(changes):
    return [(c.time_s, c.first, c.second, c.up) for c in changes]


def test_without_troubles_contacts_are_links_as_they_are():
    contacts = [up(1, 1, 0), up(1, 1, 0), down(2, 0, 1), down(2, 0, 1)]
    assert links(2, contacts, Troubles(), END_S) == contacts


def test_a_node_that_is_off_has_no_links_and_gets_them_back():
    contacts = [up(1, 0, 1), up(2, 1, 2), down(40, 1, 2)]
    troubles = Troubles(outages=[Outage(10, 1, 50, forgets=False)])
    assert said(links(3, contacts, troubles, END_S)) == [
        (1, 0, 1, True),
        (2, 1, 2, True),
        (10, 0, 1, False),
        (10, 1, 2, False),
        (50, 1, 0, True),
    ]


def test_a_partition_lets_only_ferries_through():
    cut = Cut(10, 60, 2, {3: 0}, trip_s=0)
    contacts = [up(0, 0, 1), up(0, 0, 2), up(0, 0, 3), up(20, 1, 2)]
    assert said(links(4, contacts, Troubles(cuts=[cut]), END_S)) == [
        (0, 0, 1, True),
        (0, 0, 2, True),
        (0, 0, 3, True),
        (10, 0, 1, False),
        (60, 0, 1, True),
        (60, 1, 2, True),
    ]


def test_a_ferry_is_on_one_side_after_the_other():
    cut = Cut(0, math.inf, 2, {2: 0}, trip_s=30)
    contacts = [up(0, 0, 2), up(0, 1, 2)]
    assert said(links(3, contacts, Troubles(cuts=[cut]), END_S)) == [
        (0, 0, 2, True),
        (30, 0, 2, False),
        (30, 2, 1, True),
        (60, 2, 0, True),
        (60, 2, 1, False),
        (90, 2, 0, False),
        (90, 2, 1, True),
    ]


def test_two_partitions_of_one_shape_are_two():
    cuts = [Cut(10, 30, 2, {}, 0), Cut(20, 40, 2, {}, 0)]
    assert said(links(2, [up(0, 0, 1)], Troubles(cuts=cuts), END_S)) == [
        (0, 0, 1, True),
        (10, 0, 1, False),
        (40, 0, 1, True),
    ]


def test_a_shutdown_leaves_the_radio():
    troubles = Troubles(shutdowns=[(10, 20)], edges=[(1, 0), (0, 2)])
    contacts = [up(5, 0, 1), down(15, 0, 1)]
    assert said(links(3, contacts, troubles, END_S)) == [
        (0, 0, 1, True),
        (0, 0, 2, True),
        (10, 0, 2, False),
        (15, 0, 1, False),
        (20, 0, 1, True),
        (20, 0, 2, True),
    ]


def test_an_internet_that_is_off_from_the_start_begins_when_it_is_on():
    troubles = Troubles(shutdowns=[(0, 20)], edges=[(0, 1)])
    assert said(links(2, [], troubles, END_S)) == [(20, 0, 1, True)]
    assert said(links(2, [], Troubles(edges=[(0, 1)]), END_S)) == [(0, 0, 1, True)]


def test_jamming_takes_the_radio_and_not_the_internet():
    jammed = [(10, 0, True), (10, 1, True), (20, 0, False), (30, 1, False)]
    troubles = Troubles(jammed=jammed, edges=[(0, 2)])
    assert said(links(3, [up(0, 0, 1), up(0, 0, 2)], troubles, END_S)) == [
        (0, 0, 2, True),
        (0, 0, 1, True),
        (10, 0, 1, False),
        (30, 1, 0, True),
    ]


spans = st.tuples(st.integers(0, 60), st.integers(1, 60)).map(lambda p: (p[0], p[0] + p[1]))


@given(
    st.lists(st.tuples(spans, st.integers(0, 4), st.integers(0, 4)), max_size=12),
    st.lists(st.tuples(spans, st.integers(0, 4)), max_size=4),
    st.lists(spans, max_size=2),
    st.lists(spans, max_size=2),
    st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), max_size=3),
    st.integers(0, 2),
)
@settings(max_examples=200, deadline=None)
def test_a_link_exists_exactly_when_nothing_forbids_it(
    meetings, crashes, partitions, shutdowns, edges, trip
):
    """Asked in the middle of every second: only whole seconds change anything."""
    merged = {}
    for (begin, end), a, b in meetings:
        if a != b:
            for second in range(begin, end):
                merged.setdefault((min(a, b), max(a, b)), set()).add(second)
    contacts = []
    for (a, b), seconds in merged.items():
        for s in seconds:
            contacts += [up(s, a, b)] if s - 1 not in seconds else []
            contacts += [down(s + 1, b, a)] if s + 1 not in seconds else []
    contacts.sort(key=lambda c: c.time_s)
    off = sorted(Outage(b, node, e, forgets=False) for (b, e), node in crashes)
    cuts = [Cut(b, e, 2, {4: 0}, trip * 10) for b, e in partitions]
    edges = [(a, b) for a, b in edges if a != b]
    troubles = Troubles(outages=off, cuts=cuts, shutdowns=shutdowns, edges=edges)
    found = links(5, contacts, troubles, 130.0)
    assert [c.time_s for c in found] == sorted(c.time_s for c in found)
    live, waiting = set(), list(found)
    for second in range(130):
        while waiting and waiting[0].time_s <= second:
            change = waiting.pop(0)
            pair = (min(change.first, change.second), max(change.first, change.second))
            assert (pair in live) != change.up
            live.symmetric_difference_update({pair})
        for a in range(5):
            for b in range(a + 1, 5):
                wired = (a, b) in edges or (b, a) in edges
                wired = wired and not any(s <= second < e for s, e in shutdowns)
                radio = second in merged.get((a, b), ())
                on = not any(o.from_s <= second < o.until_s for o in off if o.node in (a, b))
                cut = any(
                    c.from_s <= second < c.until_s and c.separates(a, b, second + 0.5) for c in cuts
                )
                assert ((a, b) in live) == ((wired or radio) and on and not cut), (second, a, b)


def test_switches_say_who_is_on():
    switches = Switches([Outage(10, 1, 20, forgets=False), Outage(30, 1, math.inf, forgets=True)])
    assert [switches.on(1, t) for t in (9, 10, 20, 21, 30, 99)] == [
        True,
        False,
        False,
        True,
        False,
        False,
    ]
    assert switches.on(0, 15)
