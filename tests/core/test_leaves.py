"""Budgets, strikes, credit and routers: the small machines."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2p.core.budget import Budget, TokenBucket
from p2p.core.config import LinkConfig, NodeConfig
from p2p.core.neighbours import Neighbour
from p2p.core.reputation import REMEMBERED_MAX, Reputation
from p2p.core.routing.router import Item
from p2p.core.routing.table import ROUTER_NAMES, router_for
from p2p.errors import InvalidInput, LimitExceeded
from p2p.wire.frames import Credit, OfferEntry, decode_frame
from p2p.wire.ids import EnvelopeId, PeerId
from p2p.wire.limits import OFFERS_OUTSTANDING_MAX, WINDOW_MAX_BYTES

PEER = PeerId("peer")


@given(st.lists(st.tuples(st.floats(0, 20), st.floats(0, 50)), max_size=50))
def test_a_bucket_never_gives_more_than_burst_and_rate(
    spending: list[tuple[float, float]],
) -> None:
    bucket = TokenBucket(rate_per_s=2.0, burst=10.0, tokens=10.0, filled_s=0.0)
    now_s, spent = 0.0, 0.0
    for wait_s, amount in spending:
        now_s += wait_s
        if bucket.spend(amount, now_s):
            spent += amount
        assert spent <= 10.0 + 2.0 * now_s + 1e-6


def test_a_clock_that_runs_backwards_gives_no_tokens() -> None:
    bucket = TokenBucket(1.0, 5.0, 5.0, 100.0)
    assert bucket.spend(5.0, 100.0)
    assert not bucket.spend(1.0, 50.0)
    assert bucket.spend(1.0, 101.0)


def test_a_budget_counts_frames_as_well_as_bytes() -> None:
    budget = Budget.from_config(LinkConfig(burst_frames=2, rate_frames_per_s=1), 0.0)
    assert budget.charge(1, 0.0)
    assert budget.charge(1, 0.0)
    assert not budget.charge(1, 0.0)
    assert budget.charge(1, 1.0)


def test_three_strikes_send_a_peer_away_for_longer_each_time() -> None:
    reputation = Reputation(LinkConfig(strikes_max=3, back_off_first_s=30, back_off_max_s=100))
    waits = [reputation.strike(PEER) for _ in range(12)]
    assert waits == [0, 0, 30, 0, 0, 60, 0, 0, 100, 0, 0, 100]


def test_reputation_remembers_a_bounded_number_of_peers() -> None:
    reputation = Reputation(LinkConfig(strikes_max=2))
    reputation.strike(PEER)
    for number in range(REMEMBERED_MAX):
        reputation.strike(PeerId(f"sybil {number}"))
    assert reputation.strike(PEER) == 0.0


def neighbour(window_bytes: int = 1000) -> Neighbour:
    return Neighbour.opened(PEER, 30.0, LinkConfig(window_bytes=window_bytes), 0.0)


def test_a_neighbour_that_sends_beyond_its_credit_is_refused() -> None:
    one = neighbour()
    one.receive(600, 0.0)
    with pytest.raises(LimitExceeded, match="credit"):
        one.receive(600, 0.0)


def test_credit_comes_back_once_a_quarter_of_the_window_is_used() -> None:
    one = neighbour()
    one.receive(240, 0.0)
    assert one.credit_frame() is None
    one.receive(20, 0.0)
    frame = one.credit_frame()
    assert frame is not None
    assert decode_frame(frame) == Credit(260)
    assert one.credit_in == 1000
    assert one.credit_frame() is None


def test_a_free_frame_costs_budget_but_no_credit() -> None:
    one = neighbour()
    one.receive(900, 0.0)
    one.refund(900)
    assert (one.credit_in, one.to_return) == (1000, 0)


def test_more_credit_than_a_window_holds_is_refused() -> None:
    one = neighbour()
    one.gain(WINDOW_MAX_BYTES)
    with pytest.raises(LimitExceeded, match="credit"):
        one.gain(1)


def test_what_credit_does_not_cover_is_not_paid() -> None:
    one = neighbour()
    one.gain(10)
    assert not one.pay(b"x" * 11)
    assert one.pay(b"x" * 10)
    assert one.credit_out == 0


def test_offers_passed_by_are_remembered_within_a_bound() -> None:
    one = neighbour()
    for number in range(4 * OFFERS_OUTSTANDING_MAX + 1):
        name = number.to_bytes(16, "big")
        one.remember_passed(OfferEntry(name * 2, 0, 0, name, 0))
    assert len(one.passed) == 4 * OFFERS_OUTSTANDING_MAX


def item(copies: int) -> Item:
    return Item(EnvelopeId(bytes(32)), 256, copies, 0, b"")


@pytest.mark.parametrize("name", ROUTER_NAMES)
def test_every_router_has_its_name_and_a_policy_within_bounds(name: str) -> None:
    router = router_for(NodeConfig(router=name))
    assert router.name == name
    assert 1 <= router.initial_copies() <= 255
    router.met(PEER, b"any bytes", 0.0)
    assert router.hint(0.0) == b""
    for copies in range(1, 20):
        shared = router.share(item(copies), PEER, 0.0)
        assert 0 <= shared <= copies
        assert router.keep(item(copies), shared) >= 1


@given(st.integers(1, 255), st.lists(st.booleans(), max_size=30))
def test_binary_spray_never_makes_more_than_its_copies(copies: int, asks: list[bool]) -> None:
    router = router_for(NodeConfig(router="spray", spray_copies=copies))
    held = [router.initial_copies()]
    for first in asks:
        index = 0 if first else len(held) - 1
        shared = router.share(item(held[index]), PEER, 0.0)
        held[index] = router.keep(item(held[index]), shared)
        held.append(shared)
    assert sum(held) == copies


def test_an_unknown_router_is_refused_with_the_choices() -> None:
    with pytest.raises(InvalidInput, match="spray, epidemic, direct"):
        router_for(NodeConfig(router="psychic"))
