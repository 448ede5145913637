"""PRoPHET: RFC 6693's equations, hints of any bytes, bounded memory, and who gets a copy."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2p.core.routing.prophet import (
    HINT_SIZE_MAX_BYTES,
    NAMES_MAX,
    PEERS_MAX,
    RFC_6693,
    ProphetRouter,
    aging,
    decode_hint,
    encode_hint,
    encounter_after,
    encountered,
    through,
)
from p2p.core.routing.router import Item
from p2p.core.routing.spray import SprayRouter
from p2p.wire.ids import EnvelopeId, PeerId

likelihood = st.floats(0.0, 1.0)
name = st.binary(min_size=1, max_size=32)
BOB, CAROL = PeerId("bob"), PeerId("carol")


def item(hint: bytes, copies: int = 1) -> Item:
    return Item(EnvelopeId(bytes(32)), 256, copies, 0, hint)


def test_the_equations_give_what_the_rfc_says() -> None:
    assert encountered(0.0, 0.5, 0.01) == pytest.approx(0.495)
    assert encountered(0.5, 0.7, 0.01) == pytest.approx(0.5 + 0.49 * 0.7)
    assert through(0.1, 0.5, 0.8, 0.9) == pytest.approx(0.36)
    assert through(0.5, 0.5, 0.8, 0.9) == 0.5
    assert aging(60.0, 0.98, 30.0) == pytest.approx(0.98**2)
    assert encounter_after(900.0, RFC_6693) == pytest.approx(0.35)
    assert encounter_after(1e9, RFC_6693) == 0.7


@given(old=likelihood, encounter=likelihood, onward=likelihood, beta=likelihood)
def test_likelihoods_stay_likelihoods(
    old: float, encounter: float, onward: float, beta: float
) -> None:
    met = encountered(min(old, 0.99), encounter, 0.01)
    assert 0.0 <= met <= 0.99 + 1e-12
    assert old <= through(old, met, onward, beta) <= 1.0
    assert 0.0 < aging(1e6 * old, 0.999, 30.0) <= 1.0


@given(own=name, known=st.dictionaries(name, likelihood, max_size=1_500))
def test_a_hint_holds_the_likeliest_that_fit(own: bytes, known: dict[bytes, float]) -> None:
    hint = encode_hint(own, known)
    assert len(hint) <= HINT_SIZE_MAX_BYTES
    told_name, told = decode_hint(hint)
    assert told_name == own
    assert all(math.isclose(known[n], p, abs_tol=1e-5) for n, p in told.items())
    left = [p for n, p in known.items() if n not in told]
    if left and len(told) < NAMES_MAX:
        assert max(left) <= min(told.values(), default=1.0) + 1e-4


@given(hint=st.binary(max_size=HINT_SIZE_MAX_BYTES), at=st.lists(st.floats(0, 1e6), min_size=1))
def test_any_bytes_of_a_neighbour_leave_a_router_that_works(hint: bytes, at: list[float]) -> None:
    router = ProphetRouter(8, b"me")
    for moment in at:
        router.met(BOB, b"\x01\x03bob" + hint, moment)
        router.met(CAROL, hint, moment)
        assert len(router.hint(moment)) <= HINT_SIZE_MAX_BYTES
        _, told = decode_hint(router.hint(moment))
        assert all(0.0 <= value <= 1.0 for value in told.values())
        assert b"me" not in told
        assert 0 <= router.share(item(b"x", 3), BOB, moment) <= 1


def test_a_copy_goes_to_whoever_is_likelier_to_meet_the_recipient() -> None:
    alice, bob = ProphetRouter(8, b"a"), ProphetRouter(8, b"b")
    bob.met(CAROL, encode_hint(b"c", {}), 0.0)
    alice.met(BOB, bob.hint(10.0), 10.0)
    bob.met(PeerId("alice"), alice.hint(10.0), 10.0)
    assert alice.share(item(b"c"), BOB, 10.0) == 1
    assert bob.share(item(b"c"), PeerId("alice"), 10.0) == 0
    assert alice.keep(item(b"c"), 1) == 1
    assert alice.share(item(b"nobody"), BOB, 10.0) == 0
    assert alice.share(item(b"c", copies=0), BOB, 10.0) == 0


def test_likelihoods_fade_until_they_are_forgotten() -> None:
    router = ProphetRouter(8, b"a")
    router.met(BOB, encode_hint(b"b", {}), 0.0)
    _, at_once = decode_hint(router.hint(0.0))
    _, later = decode_hint(router.hint(6 * 3_600.0))
    assert at_once[b"b"] == pytest.approx(0.495, abs=1e-4)
    assert later[b"b"] < at_once[b"b"] / 2 + 0.01
    assert decode_hint(router.hint(30 * 86_400.0)) == (b"a", {})


def test_a_clock_that_goes_back_does_no_harm() -> None:
    router = ProphetRouter(8, b"a")
    router.met(BOB, encode_hint(b"b", {b"c": 1.0}), 1_000.0)
    router.met(BOB, encode_hint(b"b", {b"c": 1.0}), 10.0)
    assert router.share(item(b"c"), BOB, 0.0) == 1


@given(copies=st.integers(0, 255), shared=st.integers(0, 255))
def test_a_message_that_shows_nobody_is_given_away_as_by_spray(copies: int, shared: int) -> None:
    prophet, spray = ProphetRouter(8, b"a"), SprayRouter(8)
    shown = item(b"", copies)
    assert prophet.initial_copies() == spray.initial_copies()
    assert prophet.share(shown, BOB, 0.0) == spray.share(shown, BOB, 0.0)
    assert prophet.keep(shown, shared) == spray.keep(shown, shared)


def test_a_node_without_a_name_tells_nothing() -> None:
    router = ProphetRouter(8)
    router.met(BOB, encode_hint(b"b", {b"c": 1.0}), 0.0)
    assert router.hint(0.0) == b""


def test_a_liar_with_many_names_fills_a_bounded_memory() -> None:
    router = ProphetRouter(8, b"a")
    for round_ in range(40):
        names = {f"{round_}/{n}".encode(): 1.0 for n in range(900)}
        router.met(PeerId(f"liar {round_}"), encode_hint(f"l{round_}".encode(), names), 0.0)
    for number in range(2 * PEERS_MAX):
        router.met(PeerId(f"p{number}"), encode_hint(f"p{number}".encode(), {}), 0.0)
    assert len(decode_hint(router.hint(0.0))[1]) <= NAMES_MAX
    first = router.share(item(b"0/0"), PeerId("liar 0"), 0.0)
    assert first == 0, "the neighbour met longest ago is forgotten"
