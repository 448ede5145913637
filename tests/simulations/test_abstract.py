"""Abstract fidelity: small worlds by hand, and bounds on random ones."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from p2p.core.config import NodeConfig
from p2p.core.routing.router import Item
from p2p.core.routing.table import ROUTER_NAMES, router_for
from simulations.abstract.asked import AskedRouters
from simulations.abstract.world import AbstractWorld
from simulations.oracle import earliest_arrivals
from simulations.policy import COUNTED_ROUTERS, counted_policy, policy_for
from simulations.rng import stream
from simulations.trace import ContactChange, Creation, ReplaySettings

ENDLESS_MIN = 10**9


def world(contacts, creations, router="epidemic", black_holes=frozenset(), **changes):
    values = {
        "nodes": 4,
        "end_s": 1000.0,
        "rate_bytes_per_s": 100,
        "buffer_bytes": 10**9,
        "ttl_min": ENDLESS_MIN,
        "name": "abstract",
    }
    scenario = ReplaySettings(**{**values, **changes})
    return AbstractWorld(scenario, contacts, creations, policy_for(router, 8), black_holes)


def up(time_s, first, second):
    return ContactChange(time_s, first, second, up=True)


def down(time_s, first, second):
    return ContactChange(time_s, first, second, up=False)


def arrivals(outcome):
    return [(d.time_s, d.creation.name, d.path) for d in outcome.deliveries]


def encounters(nodes, rate_per_pair, end_s, seed):
    """Well-mixed: every pair meets for a moment as a Poisson process."""
    draws = stream(seed, "encounters")
    time_s, changes = 0.0, []
    total = rate_per_pair * nodes * (nodes - 1) / 2
    while (time_s := time_s + draws.expovariate(total)) < end_s:
        first, second = draws.sample(range(nodes), 2)
        changes += [up(time_s, first, second), down(time_s + 1e-7, first, second)]
    changes.sort(key=lambda change: change.time_s)
    return changes


def test_the_recipient_comes_first_and_then_the_smallest():
    creations = [
        Creation(0.0, "big", 0, 2, 300),
        Creation(0.0, "small", 0, 2, 100),
        Creation(0.0, "mine", 0, 1, 500),
    ]
    seen = world([up(10, 0, 1), up(50, 1, 2)], creations)
    assert arrivals(seen.run()) == [
        (15.0, "mine", (0, 1)),
        (51.0, "small", (0, 1, 2)),
        (54.0, "big", (0, 1, 2)),
    ]


def test_a_body_is_asked_of_one_neighbour_and_of_another_when_that_breaks_off():
    contacts = [up(0, 0, 1), up(0, 0, 2), up(10, 1, 3), up(10, 2, 3), down(12, 1, 3)]
    outcome = world(contacts, [Creation(1.0, "M1", 0, 3, 300)]).run()
    assert arrivals(outcome) == [(15.0, "M1", (0, 2, 3))]
    assert outcome.aborted == 1


def test_a_proof_purges_everybody_in_reach():
    contacts = [up(0, 0, 1), up(0, 0, 2), up(10, 1, 3)]
    outcome = world(contacts, [Creation(1.0, "M1", 0, 3, 100)]).run()
    assert arrivals(outcome) == [(11.0, "M1", (0, 1, 3))]
    assert outcome.removed == 3


def test_whoever_fills_most_loses_the_heaviest_and_own_mail_stays():
    contacts = [up(0, 0, 1), down(9, 0, 1), up(10, 2, 1)]
    creations = [
        Creation(0.0, "own", 1, 3, 900),
        Creation(0.0, "a", 0, 3, 100),
        Creation(0.0, "b", 0, 3, 300),
        Creation(0.0, "c", 2, 3, 200),
    ]
    seen = world(contacts, creations, buffer_bytes=500, end_s=20.0)
    outcome = seen.run()
    held = {seen._creations[number].name for number in seen.nodes[1].rows}
    assert held == {"own", "a", "c"}
    assert outcome.dropped == 1


def test_lifetimes_end_everywhere():
    outcome = world([up(0, 0, 1), up(200, 1, 2)], [Creation(0.0, "M1", 0, 2, 100)], ttl_min=3).run()
    assert (arrivals(outcome), outcome.dropped) == ([], 2)


@pytest.mark.parametrize("name", COUNTED_ROUTERS)
def test_the_policies_depend_on_the_count_alone(name):
    router = router_for(NodeConfig(router=name, spray_copies=8))
    policy = counted_policy(name, 8)
    draws = stream(1, "items")
    for _ in range(200):
        item = Item(
            draws.randbytes(32),
            draws.randrange(10**6),
            draws.randrange(1, 256),
            draws.randrange(64),
            draws.randbytes(2),
        )
        share = router.share(item, f"peer{draws.random()}", draws.random() * 1e9)
        assert share == policy.given[item.copies]
        assert router.keep(item, share) == policy.kept[item.copies]


def test_prophet_gives_to_whom_the_recipient_meets_and_asks_anew_after_each_meeting():
    contacts = [up(0, 1, 3), down(5, 1, 3)]  # 1 knows 3
    contacts += [up(10, 0, 2), down(20, 0, 2), up(21, 0, 1), down(25, 0, 1)]
    contacts += [up(30, 2, 3), down(35, 2, 3), up(40, 1, 2), down(45, 1, 2), up(50, 1, 3)]
    outcome = world(contacts, [Creation(1.0, "M1", 0, 3, 100)], "prophet").run()
    # Node 2 gets none at 10; by 40 it has met node 3 more lately than node 1 has.
    assert [d.path for d in outcome.deliveries] == [(0, 1, 3)]
    assert outcome.started == 3


def test_prophet_remembers_answers_only_as_long_as_they_hold(monkeypatch):
    contacts = encounters(12, 0.002, 900.0, seed=6)
    contacts = sorted(
        up(c.time_s, c.first, c.second) if c.up else down(c.time_s + 20.0, c.first, c.second)
        for c in contacts
    )
    creations = [Creation(n * 8.0, f"M{n}", n % 12, (n * 5 + 1) % 12, n * 10) for n in range(60)]
    first = world(contacts, creations, "prophet", nodes=12, buffer_bytes=2000).run()
    asked_anew = AskedRouters.first

    def forgetful(self, node, *rest):
        self._answers[node.address].clear()
        return asked_anew(self, node, *rest)

    monkeypatch.setattr(AskedRouters, "first", forgetful)
    assert world(contacts, creations, "prophet", nodes=12, buffer_bytes=2000).run() == first
    assert first.relayed > 60


class CountingWorld(AbstractWorld):
    """Counts a message's copies after every event."""

    most = 0

    def _handle(self, node, event):
        super()._handle(node, event)
        for number in range(len(self._creations)):
            held = (seen.rows[number].copies for seen in self.nodes if number in seen.rows)
            self.most = max(self.most, sum(held))


@given(st.integers(0, 2**32))
@settings(max_examples=25, deadline=None)
def test_sprayed_copies_are_never_more_than_they_began_with(seed):
    contacts = encounters(12, 0.01, 60.0, seed)
    creations = [Creation(float(n), f"M{n}", n, 11 - n, n) for n in range(5)]
    scenario = ReplaySettings(12, 60.0, 10**8, 10**6, ENDLESS_MIN, "spray")
    seen = CountingWorld(scenario, contacts, creations, counted_policy("spray", 8))
    seen.run()
    assert seen.most == 8


@given(st.integers(0, 2**32), st.sampled_from(ROUTER_NAMES))
@settings(max_examples=30, deadline=None)
def test_no_router_beats_the_oracle(seed, router):
    draws = stream(seed, "world")
    contacts = []
    for _ in range(60):
        start = draws.uniform(0, 100)
        pair = draws.sample(range(8), 2)
        contacts += [up(start, *pair), down(start + draws.uniform(0, 20), *pair)]
    contacts.sort(key=lambda change: change.time_s)
    creations = [Creation(n * 5.0, f"M{n}", n % 8, (n + 3) % 8, n * 20) for n in range(20)]
    outcome = world(contacts, creations, router, nodes=8, end_s=150.0, buffer_bytes=500).run()
    earliest = earliest_arrivals(8, contacts, creations, math.inf)
    names = [d.creation.name for d in outcome.deliveries]
    assert len(names) == len(set(names))
    for delivery in outcome.deliveries:
        assert delivery.time_s >= earliest[delivery.creation.name]
