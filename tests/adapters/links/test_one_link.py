"""One link per neighbour: the rule, and the register on both sides."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2p.adapters.one_link import (
    SIMULTANEOUS_MAX_S,
    Admitted,
    LinkRegister,
    Refused,
    keep_which,
)
from p2p.errors import LinkFailed
from p2p.wire.ids import PeerId

ALICE, BOB = PeerId("12D3alice"), PeerId("12D3bob")
IDS = st.text(alphabet="123ABCabc", min_size=1, max_size=6).map(PeerId)


@dataclass(eq=False)
class FakeLink:
    peer: PeerId
    outbound: bool


@given(IDS, IDS)
def test_both_sides_keep_the_link_of_the_smaller_id(own: PeerId, peer: PeerId) -> None:
    if own == peer:
        return
    for outbound in (True, False):
        here = keep_which(own, peer, outbound=outbound)
        assert here == keep_which(peer, own, outbound=not outbound)
        assert here != keep_which(own, peer, outbound=not outbound)


@given(st.permutations(["ao", "ai", "bo", "bi"]))
def test_whatever_the_order_of_arrival_the_same_link_stays_on_both_sides(order: list[str]) -> None:
    """a: the connection that Alice opened, b: Bob's; each arrives at its two ends at any time."""
    registers = {"alice": LinkRegister[FakeLink](ALICE), "bob": LinkRegister[FakeLink](BOB)}
    ends = {
        "ao": ("alice", FakeLink(BOB, outbound=True)),
        "ai": ("bob", FakeLink(ALICE, outbound=False)),
        "bo": ("bob", FakeLink(ALICE, outbound=True)),
        "bi": ("alice", FakeLink(BOB, outbound=False)),
    }
    for name in order:
        side, link = ends[name]
        registers[side].admit(link, 0.0)
    assert registers["alice"].links() == [ends["ao"][1]]
    assert registers["bob"].links() == [ends["ai"][1]]


def test_the_newer_of_two_that_the_neighbour_opened_stays() -> None:
    register = LinkRegister[FakeLink](ALICE)
    first, second = FakeLink(BOB, outbound=False), FakeLink(BOB, outbound=False)
    assert register.admit(first, 0.0) == Admitted(())
    assert register.admit(second, 1.0) == Admitted((first,))
    assert register.links() == [second]


def test_a_second_of_our_own_is_refused() -> None:
    register = LinkRegister[FakeLink](ALICE)
    register.admit(FakeLink(BOB, outbound=True), 0.0)
    assert register.admit(FakeLink(BOB, outbound=True), 1.0) == Refused()


def test_after_a_while_a_link_of_the_other_side_is_no_race_but_a_return() -> None:
    register = LinkRegister[FakeLink](ALICE)
    old = FakeLink(BOB, outbound=True)
    register.admit(old, 0.0)
    assert register.admit(FakeLink(BOB, outbound=False), SIMULTANEOUS_MAX_S) == Refused()
    new = FakeLink(BOB, outbound=False)
    assert register.admit(new, SIMULTANEOUS_MAX_S + 1) == Admitted((old,))


def test_the_end_of_a_replaced_link_does_not_end_its_successor() -> None:
    register = LinkRegister[FakeLink](ALICE)
    first, second = FakeLink(BOB, outbound=False), FakeLink(BOB, outbound=False)
    register.admit(first, 0.0)
    register.admit(second, 1.0)
    register.remove(first)
    assert register.links() == [second]
    register.remove(second)
    register.remove(second)
    assert register.links() == []


def test_one_dial_per_peer() -> None:
    register = LinkRegister[FakeLink](ALICE)
    with (
        register.dialling(BOB),
        pytest.raises(LinkFailed, match="being dialled"),
        register.dialling(BOB),
    ):
        raise AssertionError
    with register.dialling(BOB):
        register.admit(FakeLink(BOB, outbound=True), 0.0)
    with pytest.raises(LinkFailed, match="already"), register.dialling(BOB):
        raise AssertionError
