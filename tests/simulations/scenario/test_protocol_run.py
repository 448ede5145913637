"""What stands beside production nodes, and which broken nodes it catches."""

import pytest
from msgspec import structs

pytest.importorskip("numpy")

from p2p.core.custody import Custody
from p2p.core.delivery import Delivery
from p2p.core.introductions import Outcome
from p2p.ports.store import Tier
from simulations.run import run_scenario
from simulations.scenario.model import RandomContacts, RandomLoad, Scenario
from simulations.scenario.troubles import BlackHole

CALM = Scenario(
    name="calm",
    fidelity="protocol",
    nodes=6,
    end_s=900.0,
    contacts=RandomContacts(gap_mean_s=200.0, length_mean_s=30.0),
    workload=RandomLoad(messages=6, until_s=300.0),
)


def findings(scenario=CALM):
    return [finding.sentence for finding in run_scenario(scenario, 1).findings]


def says_taken_and_keeps_nothing(self, neighbour, envelope, carry, now_s):
    del carry, now_s
    self.sync.settled(neighbour, envelope.id, None)
    return Outcome()


def test_a_sound_world_keeps_what_it_says_it_took():
    assert findings() == []


def test_who_says_taken_and_keeps_nothing_is_caught(monkeypatch):
    monkeypatch.setattr(Delivery, "_keep", says_taken_and_keeps_nothing)
    found = findings()
    assert found
    assert {said.partition(" of ")[0] for said in found} == {"Taken was said"}
    assert {said.partition(", ")[2] for said in found} == {"which was never in custody."}


def test_who_loses_what_it_told_its_shell_of_is_caught(monkeypatch):
    add = Custody.add
    monkeypatch.setattr(
        Custody,
        "add",
        lambda self, row, data: add(self, row, data) if row.tier is Tier.OWN else [],
    )
    found = findings()
    assert found
    assert all(said.endswith("was taken, and is gone without cause.") for said in found)


def test_what_an_attacker_says_is_no_finding_about_our_nodes():
    assert findings(structs.replace(CALM, attackers=(BlackHole(count=3),))) == []
