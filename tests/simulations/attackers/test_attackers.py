"""What attackers do, in both fidelities, in small worlds; and that the product withstands it."""

import pytest

pytest.importorskip("numpy")

from simulations.attackers.cast import cast_of, floods, with_identities
from simulations.attackers.conduct import Boasting, Dropping, Together
from simulations.run import run_scenario
from simulations.scenario.model import (
    Graph,
    Link,
    NodeSettings,
    RandomLoad,
    RouterSettings,
    Scenario,
)
from simulations.scenario.troubles import (
    BlackHole,
    CopiesLiar,
    Flooder,
    GreyHole,
    ProofLiar,
    Replayer,
    Sybil,
)
from simulations.trace import ContactChange

FIDELITIES = pytest.mark.parametrize("fidelity", ["abstract", "protocol"])


def line(fidelity, *attackers, nodes=5, router="epidemic", messages=12, **changes):
    """A line of nodes: whoever is in the middle is on everybody's way."""
    return Scenario(
        name="line",
        fidelity=fidelity,
        nodes=nodes,
        end_s=900.0,
        contacts=Graph(shape="line"),
        router=RouterSettings(name=router),
        workload=RandomLoad(messages=messages, until_s=200.0),
        attackers=attackers,
        link=Link(),
        **changes,
    )


def fates(scenario, seed=3):
    result = run_scenario(scenario, seed)
    assert result.findings == ()
    return result


def passes(row, middle):
    low, high = sorted((row.source, row.destination))
    return low < middle < high


@FIDELITIES
def test_nothing_gets_past_a_black_hole_and_its_own_mail_does(fidelity):
    for row in fates(line(fidelity, BlackHole(nodes=(2,)))).messages:
        assert (row.delivered_s is None) == passes(row, 2), row


@FIDELITIES
def test_a_grey_hole_lets_some_past(fidelity):
    rows = fates(line(fidelity, GreyHole(nodes=(2,), drop_share=0.5), messages=40)).messages
    behind = [row.delivered_s is not None for row in rows if passes(row, 2)]
    assert 0 < sum(behind) < len(behind)
    assert all(row.delivered_s is not None for row in rows if not passes(row, 2))


@FIDELITIES
def test_a_flood_counts_for_no_result_and_honest_mail_still_arrives(fidelity):
    flooder = Flooder(nodes=(4,), interval_s=5.0, size_bytes=20_000, until_s=300.0)
    small = NodeSettings(buffer_bytes=60_000)
    result = fates(line(fidelity, flooder, node=small))
    assert result.counters["flood_messages"] == 60
    assert len(result.messages) == result.outcome.created == 12
    assert all(row.delivered_s is not None for row in result.messages)


@FIDELITIES
def test_sybils_swallow_copies(fidelity):
    honest = fates(line(fidelity, nodes=4, router="spray", messages=20))
    result = fates(line(fidelity, Sybil(nodes=(1,), identities=8), nodes=4, messages=20))
    assert result.counters["identities"] == 8
    assert len(result.outcome.deliveries) < len(honest.outcome.deliveries)


@FIDELITIES
def test_a_liar_about_copies_spreads_more_and_breaks_nothing(fidelity):
    liar = CopiesLiar(nodes=(3,), claim=255)
    plain = line(fidelity, nodes=8, router="spray", messages=30)
    boasted = line(fidelity, liar, nodes=8, router="spray", messages=30)
    assert fates(boasted).counters["kept"] > fates(plain).counters["kept"]


def test_forged_proofs_convince_nobody():
    """The liar is on the way of everything that crosses the middle; the rest must arrive."""
    rows = fates(line("protocol", ProofLiar(nodes=(2,)))).messages
    for row in rows:
        if not passes(row, 2) and 2 not in (row.source, row.destination):
            assert row.delivered_s is not None
    assert any(row.lost_why == "under-way" for row in rows if passes(row, 2))


def test_what_is_sent_again_changes_nothing():
    rows = fates(line("protocol", Replayer(nodes=(2,), interval_s=2.0))).messages
    for row in rows:
        if 2 not in (row.source, row.destination) and not passes(row, 2):
            assert row.delivered_s is not None


def test_identities_meet_whoever_their_node_meets():
    scenario = line("abstract", Sybil(nodes=(1,), identities=2), nodes=3)
    cast = cast_of(scenario, [], seed=1)
    assert (cast.nodes, dict(cast.body)) == (5, {3: 1, 4: 1})
    met = with_identities([ContactChange(5.0, 0, 1, up=True)], cast)
    assert [tuple(one) for one in met] == [(5.0, 0, n, True) for n in (1, 3, 4)]


def test_floods_are_named_once_and_go_to_others():
    both = Flooder(nodes=(0, 1), interval_s=7.0), Flooder(nodes=(0,), interval_s=9.0)
    scenario = line("abstract", *both, Sybil(nodes=(2,), identities=2, conduct="flooder"))
    sent = floods(scenario, cast_of(scenario, [], 1), 1)
    assert len({one.name for one in sent}) == len(sent) > 300
    assert all(one.source != one.destination < 5 for one in sent)
    assert [one.time_s for one in sent] == sorted(one.time_s for one in sent)


def test_conduct_is_the_same_for_a_message_however_often_it_comes():
    names = [f"M{number}" for number in range(400)]
    grey = Dropping(0.3, seed=1, node=5)
    kept = [grey.keeps(name) for name in names]
    assert kept == [grey.keeps(name) for name in names]
    assert 0.6 < sum(kept) / 400 < 0.8
    more = Dropping(0.5, seed=1, node=5)
    assert all(one for one, other in zip(kept, map(more.keeps, names), strict=True) if other)
    both = Together([grey, Boasting(9)])
    assert [both.keeps(name) for name in names] == kept
    assert (both.copies(3), both.copies(30)) == (9, 30)
