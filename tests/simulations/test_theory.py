"""Controls from theory: laws that a right simulator obeys, each also tried on one made wrong.

Every control gives a list of (measured, expected, tolerance). Seeds are fixed, so a control holds
or fails for good; tolerances are four standard errors or more of what is measured.
"""

import math
from dataclasses import replace
from functools import cache

import pytest

from simulations.abstract.world import AbstractWorld
from simulations.policy import counted_policy
from simulations.rng import stream
from simulations.trace import ContactChange, Creation, ReplaySettings
from tests.simulations import protocol_worlds

ENDLESS_MIN = 10**9


def encounters(nodes, rate_per_pair, end_s, seed, length_s=1e-7):
    """Well-mixed: every pair meets for a moment as a Poisson process."""
    draws = stream(seed, "theory")
    time_s, changes = 0.0, []
    total = rate_per_pair * nodes * (nodes - 1) / 2
    while (time_s := time_s + draws.expovariate(total)) < end_s:
        pair = draws.sample(range(nodes), 2)
        changes.append(ContactChange(time_s, *pair, up=True))
        changes.append(ContactChange(time_s + length_s, *pair, up=False))
    return sorted(changes, key=lambda change: change.time_s)


def run(world, contacts, creations, router="epidemic", *, nodes, end_s, policy=None, holes=()):
    settings = ReplaySettings(nodes, end_s, 10**8, 10**12, ENDLESS_MIN, "theory")
    policy = policy or counted_policy(router, 8)
    seen = world(settings, contacts, creations, policy, frozenset(holes))
    return seen, seen.run()


def delays(outcome):
    return [one.time_s - one.creation.time_s for one in outcome.deliveries]


def mean(values):
    return math.fsum(values) / len(values)


def harmonic(count):
    return math.fsum(1.0 / n for n in range(1, count + 1))


def holds(control):
    return all(abs(measured - expected) <= tolerance for measured, expected, tolerance in control)


# --- worlds made wrong ---------------------------------------------------------------------------


class Deaf(AbstractWorld):
    """Misses every fourth contact."""

    links = 0

    def _link(self, first, second):
        self.links += 1
        if self.links % 4:
            super()._link(first, second)


class Wasteful(AbstractWorld):
    """Loses every fifth message that a stranger gives."""

    taken = 0

    def _take(self, node, way, sent):
        self.taken += 1
        if self.taken % 5:
            super()._take(node, way, sent)


class Slow(AbstractWorld):
    """Lets every other chance to send pass."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.chances = {}

    def _send(self, way):
        pair = way.source.address, way.target.address
        self.chances[pair] = self.chances.get(pair, 0) + 1
        if self.chances[pair] % 2 == 0:
            super()._send(way)


class Trusting(AbstractWorld):
    """Knows no black holes."""

    def __init__(self, settings, contacts, creations, policy, holes):
        super().__init__(settings, contacts, creations, policy)


# --- the controls --------------------------------------------------------------------------------


def waiting_for_a_contact(world):
    """Two nodes with exponential gaps: the delay is exponential too, at any time of creation.

    Its mean is 1 / rate, and the share of messages that wait longer than t is exp(-rate t).
    """
    rate, count = 1 / 50, 2500
    contacts = encounters(2, rate, 200_000.0, seed=3)
    draws = stream(3, "creations")
    creations = sorted(Creation(draws.uniform(0, 190_000), f"M{n}", 0, 1, 0) for n in range(count))
    seen = delays(run(world, contacts, creations, "direct", nodes=2, end_s=200_000.0)[1])
    error = 1 / math.sqrt(count)
    laws = [(len(seen), count, 0), (mean(seen), 1 / rate, 4 * error / rate)]
    for wait_s in (10.0, 50.0, 150.0):
        longer = sum(delay > wait_s for delay in seen) / count
        laws.append((longer, math.exp(-rate * wait_s), 2 * error))
    return laws


def direct_delivery_among_many(world):
    """Direct delivery waits for one pair's contact, however many others there are."""
    nodes, rate, count = 12, 1 / 400, 1200
    contacts = encounters(nodes, rate, 60_000.0, seed=5)
    draws = stream(5, "creations")
    creations = sorted(
        Creation(draws.uniform(0, 50_000), f"M{n}", *draws.sample(range(nodes), 2), 0)
        for n in range(count)
    )
    _, outcome = run(world, contacts, creations, "direct", nodes=nodes, end_s=60_000.0)
    seen = delays(outcome)
    hops = max(one.hops for one in outcome.deliveries)
    return [
        (len(seen), count, 2),
        (mean(seen), 1 / rate, 4 / rate / math.sqrt(count)),
        (hops, 1, 0),
        (outcome.relayed, len(seen), 0),
    ]


def spreading(world):
    """I' = b I (N - I), from 20 of 200: the solution is logistic (Zhang and others, 2007).

    The first spread by chance: the logarithm of the odds varies by 1 / sqrt(20) at most.
    """
    nodes, first, rate, seeds = 200, 20, 1e-4, 24
    seeding = [
        ContactChange(time_s, 0, peer, up=time_s == 0)
        for time_s in (0.0, 1e-6)
        for peer in range(1, first)
    ]
    laws = []
    for time_s in (30.0, 80.0, 130.0, 200.0):
        share = 1 / (1 + (nodes / first - 1) * math.exp(-rate * nodes * time_s))
        holders = []
        for seed in range(seeds):
            contacts = sorted(
                seeding + encounters(nodes - 1, rate, time_s, seed), key=lambda one: one.time_s
            )
            creations = [Creation(0.0, "M1", 0, nodes - 1, 0)]
            seen, _ = run(world, contacts, creations, nodes=nodes, end_s=time_s)
            holders.append(sum(node.held for node in seen.nodes))
        error = nodes * share * (1 - share) / math.sqrt(first * seeds)
        laws.append((mean(holders), nodes * share, 4 * error))
    return laws


def epidemic_delay(world):
    """The mean delay in a well-mixed population is H(N - 1) / (rate (N - 1)), about ln N."""
    nodes, rate, count = 30, 1 / 3000, 400
    contacts = encounters(nodes, rate, 30_000.0, seed=7)
    draws = stream(7, "creations")
    creations = sorted(
        Creation(draws.uniform(0, 28_000), f"M{n}", *draws.sample(range(nodes), 2), 0)
        for n in range(count)
    )
    seen = delays(run(world, contacts, creations, nodes=nodes, end_s=30_000.0)[1])
    expected = harmonic(nodes - 1) / (rate * (nodes - 1))
    return [(len(seen), count, 0), (mean(seen), expected, 4 * 0.5 * expected / math.sqrt(count))]


def copies_of_spray(world, policy=None):
    """The copies of a message never add up to more than L, and reach L nodes in the end."""
    policy = policy or counted_policy("spray", 8)

    class Counting(world):
        most = 0

        def _handle(self, node, event):
            super()._handle(node, event)
            for number in range(len(self._creations)):
                held = (one.rows[number].copies for one in self.nodes if number in one.rows)
                self.most = max(self.most, sum(held))

    laws = []
    for seed in range(6):
        contacts = encounters(14, 0.01, 400.0, seed)
        # Nobody meets node 14, the recipient.
        creations = [Creation(float(n), f"M{n}", n, 14, 0) for n in range(5)]
        seen, _ = run(Counting, contacts, creations, nodes=15, end_s=400.0, policy=policy)
        carriers = [sum(number in node.rows for node in seen.nodes) for number in range(5)]
        laws += [(seen.most, 8, 0), *((carrying, 8, 0) for carrying in carriers)]
    return laws


def black_holes(world):
    """Delivery falls with their share: 0 at the mean of differences that are at least 0.05."""
    ratios = []
    for share in (0.0, 0.3, 0.6):
        delivered = 0
        for seed in range(6):
            contacts = encounters(40, 2e-4, 1500.0, seed)
            creations = [Creation(0.0, f"M{n}", n % 10, 10 + n % 6, 0) for n in range(30)]
            holes = range(16, 16 + round(share * 40))
            _, outcome = run(
                world, contacts, creations, "spray", nodes=40, end_s=1500.0, holes=holes
            )
            delivered += len(outcome.deliveries)
        ratios.append(delivered / 180)
    falls = [ratios[0] - ratios[1], ratios[1] - ratios[2]]
    return [(fall > 0.05, True, 0) for fall in falls]


@cache
def in_the_right_world(control):
    return control(AbstractWorld)


@pytest.mark.parametrize(
    ("control", "wrong"),
    [
        (waiting_for_a_contact, Deaf),
        (waiting_for_a_contact, Slow),
        (direct_delivery_among_many, Deaf),
        (direct_delivery_among_many, Slow),
        (spreading, Deaf),
        (spreading, Wasteful),
        (epidemic_delay, Deaf),
        (epidemic_delay, Wasteful),
        (copies_of_spray, Wasteful),
        (black_holes, Trusting),
    ],
)
def test_a_law_holds_here_and_fails_in_a_world_made_wrong(control, wrong):
    right = in_the_right_world(control)
    assert holds(right), right
    assert not holds(control(wrong))


def test_copies_that_are_not_taken_off_are_seen():
    fair = counted_policy("spray", 8)
    generous = replace(fair, kept=tuple(range(len(fair.kept))))
    assert not holds(copies_of_spray(AbstractWorld, generous))


# --- production's nodes --------------------------------------------------------------------------


def at_protocol(contacts, creations, router, nodes, end_s):
    return protocol_worlds.world(
        contacts, creations, router=router, nodes=nodes, end_s=end_s, rate=10**7, ttl_min=10**6
    ).run()


def test_production_nodes_wait_for_a_contact_as_two_poisson_nodes_do():
    rate, count = 1 / 500, 150
    contacts = encounters(2, rate, 90_000.0, seed=3, length_s=5.0)
    draws = stream(3, "creations")
    creations = sorted(Creation(draws.uniform(0, 80_000), f"M{n}", 0, 1, 10) for n in range(count))
    seen = delays(at_protocol(contacts, creations, "direct", 2, 90_000.0))
    assert len(seen) == count
    # Some 180 contacts are behind these delays, fewer than there are messages.
    assert mean(seen) == pytest.approx(1 / rate, rel=4 / math.sqrt(len(contacts) / 2))


def test_production_nodes_spread_as_a_well_mixed_population_does():
    nodes, rate, count = 6, 1 / 3000, 60
    contacts = encounters(nodes, rate, 60_000.0, seed=11, length_s=4.0)
    draws = stream(11, "creations")
    creations = sorted(
        Creation(draws.uniform(0, 50_000), f"M{n}", *draws.sample(range(nodes), 2), 10)
        for n in range(count)
    )
    seen = delays(at_protocol(contacts, creations, "epidemic", nodes, 60_000.0))
    assert len(seen) == count
    expected = harmonic(nodes - 1) / (rate * (nodes - 1))
    assert mean(seen) == pytest.approx(expected, rel=4 * 0.6 / math.sqrt(count))
