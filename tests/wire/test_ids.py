"""Names of things, and addresses."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2p.errors import InvalidInput
from p2p.wire.addresses import peer_of, peers_of
from p2p.wire.ids import MessageId, message_id_text, parse_hex
from tests.wire import strategies as wire

PEER = "12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN"


@given(wire.fixed(16))
def test_hexadecimal_goes_there_and_back(value: bytes) -> None:
    text = message_id_text(MessageId(value))
    assert parse_hex(text, 16, "message id") == value
    assert parse_hex(text.upper(), 16, "message id") == value


@pytest.mark.parametrize(
    "text", ["", "00", "0" * 31, "0" * 33, "zz" * 16, "00 " * 16, "\u0660" * 32]
)
def test_what_is_not_hexadecimal_of_that_length_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="message id"):
        parse_hex(text, 16, "message id")


def test_a_refusal_quotes_little() -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_hex("x" * 100_000, 16, "message id")
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize(
    "head", ["/ip4/192.0.2.7/tcp/4001", "/ip6/2001:db8::1/tcp/4001", "/dns/example.org/tcp/1"]
)
def test_an_address_names_its_peer(head: str) -> None:
    assert peer_of(f"{head}/p2p/{PEER}") == PEER


@pytest.mark.parametrize(
    "address",
    [
        "",
        PEER,
        f"/p2p/{PEER}",
        "/ip4/192.0.2.7/tcp/4001",
        "/ip4/192.0.2.7/tcp/4001/p2p/",
        f"/ip4/192.0.2.7/tcp/4001/p2p/{PEER}/p2p-circuit",
        f"ip4/192.0.2.7/tcp/4001/p2p/{PEER}",
        "/ip4/192.0.2.7/tcp/4001/p2p/" + PEER.replace("K", "0"),
        "/ip4/192.0.2.7/tcp/4001/p2p/" + "1" * 39,
        "/ip4/192.0.2.7/tcp/4001/p2p/" + "1" * 66,
        f"/{'x' * 256}/p2p/{PEER}",
    ],
)
def test_what_names_no_peer_is_refused(address: str) -> None:
    with pytest.raises(InvalidInput):
        peer_of(address)


@given(st.text(max_size=300))
def test_any_text_names_a_peer_or_is_refused(text: str) -> None:
    with contextlib.suppress(InvalidInput):
        assert text.endswith(peer_of(text))


def test_addresses_are_gathered_by_peer_in_their_order() -> None:
    other = PEER.replace("D3", "D4")
    first, second = f"/ip4/192.0.2.1/tcp/1/p2p/{PEER}", f"/ip4/192.0.2.2/tcp/1/p2p/{PEER}"
    third = f"/ip4/192.0.2.3/tcp/1/p2p/{other}"
    assert peers_of((first, "nowhere", third, second)) == {PEER: (first, second), other: (third,)}
