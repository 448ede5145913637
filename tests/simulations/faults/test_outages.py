"""When nodes are off: drawn from the seed, joined where they touch, and who is chosen."""

import math

import pytest

from p2p.errors import InvalidInput
from simulations.faults import outages as outages_module
from simulations.faults.cuts import TRIPS_MAX, Cut, cut_of
from simulations.faults.outages import Outage, outages
from simulations.scenario.choice import by_degree, chosen_nodes
from simulations.scenario.model import Graph, RandomLoad, Scenario
from simulations.scenario.troubles import BlackHole, Churn, Crash, MassFailure, Partition
from simulations.trace import ContactChange


def scenario(*faults):
    return Scenario(
        name="x",
        nodes=20,
        end_s=10_000.0,
        contacts=Graph(shape="ring"),
        workload=RandomLoad(messages=0),
        faults=faults,
    )


def test_crashes_that_touch_are_one_and_forget_if_one_does():
    faults = (
        Crash(at_s=10, down_s=20, nodes=(3,)),
        Crash(at_s=30, down_s=5, nodes=(3,), memory="lost"),
        MassFailure(at_s=90, nodes=(3,)),
        Crash(at_s=95, down_s=1, nodes=(3, 4)),
    )
    assert outages(scenario(*faults), [], seed=1) == [
        Outage(10, 3, 35, forgets=True),
        Outage(90, 3, math.inf, forgets=False),
        Outage(95, 4, 96, forgets=False),
    ]


def test_churn_has_its_means_and_ends_when_it_says():
    churn = Churn(share=1.0, on_mean_s=30, off_mean_s=10, from_s=100, until_s=9000)
    found = outages(scenario(churn), [], seed=5)
    lengths = [one.until_s - one.from_s for one in found]
    assert sum(lengths) / len(lengths) == pytest.approx(10, rel=0.1)
    assert sum(lengths) / (20 * 8900) == pytest.approx(0.25, rel=0.1)
    assert min(one.from_s for one in found) > 100
    assert max(one.until_s for one in found) <= 9000
    assert outages(scenario(churn), [], seed=5) == found
    assert outages(scenario(churn), [], seed=6) != found


def test_too_much_churn_is_refused(monkeypatch):
    monkeypatch.setattr(outages_module, "OUTAGES_MAX", 50)
    with pytest.raises(InvalidInput, match=r"faults\[0\] switches nodes off more than"):
        outages(scenario(Churn(share=1.0, on_mean_s=0.1, off_mean_s=0.1)), [], seed=1)


def test_a_larger_share_takes_everybody_whom_a_smaller_one_takes():
    before = []
    for share in (0.0, 0.1, 0.35, 0.8, 1.0):
        chosen = chosen_nodes(BlackHole(share=share), 20, [], 7, "label")
        assert chosen[: len(before)] == before
        assert len(set(chosen)) == len(chosen) == round(share * 20)
        before = chosen
    few = set(cut_of(Partition(ferries=2), 20, 7, "f").ferries)
    assert few < set(cut_of(Partition(ferries=5), 20, 7, "f").ferries)


def test_the_best_connected_are_those_with_the_most_contacts():
    contacts = [ContactChange(t, a, b, up=True) for t, a, b in ((0, 2, 1), (1, 2, 3), (2, 3, 2))]
    assert by_degree(4, contacts) == [2, 3, 1, 0]
    chosen = BlackHole(count=2, choose="degree")
    assert chosen_nodes(chosen, 4, contacts, 1, "x") == [2, 3]


def test_ferries_that_turn_too_often_are_refused():
    cut = Cut(0, math.inf, 2, {0: 0}, 1e-3)
    with pytest.raises(InvalidInput, match=f"at most {TRIPS_MAX}"):
        list(cut.turns_s(1000.0))
