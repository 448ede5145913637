"""The TXT record: what we say, and what others may say."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2p.adapters.mdns_record import TXT_SIZE_MAX_BYTES, decode_txt, encode_txt
from p2p.wire.limits import ADDRESSES_MAX

PEER = "12D3KooWQK1wnefoLrcVHbbnf5tLzbopUd3K3bFAoJpA7YJgL5pV"
OTHER = "12D3KooWHVurXaFZuSsatpuT8ih5jhoiYYExxbbuYaRZA44s7fXg"
ADDRESS = f"/ip4/192.0.2.7/tcp/4001/p2p/{PEER}"


def txt(*strings: bytes) -> bytes:
    return b"".join(bytes([len(string)]) + string for string in strings)


def test_an_address_as_it_is_on_the_wire() -> None:
    expected = b"\x5cdnsaddr=/ip4/192.0.2.7/tcp/4001/p2p/" + PEER.encode()
    expected = bytes([len(expected) - 1]) + expected[1:]
    assert encode_txt([ADDRESS]) == expected


def test_what_we_announce_is_what_we_read() -> None:
    addresses = [
        ADDRESS,
        f"/ip6/2001:db8::1/tcp/4001/p2p/{PEER}",
        f"/dns4/a.example/tcp/1/p2p/{PEER}",
    ]
    found = decode_txt(encode_txt(addresses))
    assert found is not None
    assert (found.peer, found.addresses, found.source) == (PEER, tuple(addresses), "mdns")


def test_more_addresses_than_fit_are_left_out() -> None:
    many = [f"/dns4/{'x' * 150}.example/tcp/{port}/p2p/{PEER}" for port in range(1, 30)]
    data = encode_txt(many)
    assert len(data) <= TXT_SIZE_MAX_BYTES
    found = decode_txt(data)
    assert found is not None
    assert list(found.addresses) == many[: len(found.addresses)]


def test_only_the_first_peer_named_counts() -> None:
    foreign = f"dnsaddr=/ip4/192.0.2.8/tcp/1/p2p/{OTHER}".encode()
    found = decode_txt(txt(f"dnsaddr={ADDRESS}".encode(), foreign))
    assert found is not None
    assert found.addresses == (ADDRESS,)


def test_addresses_of_other_transports_are_left_out() -> None:
    quic = f"dnsaddr=/ip4/192.0.2.7/udp/4001/quic-v1/p2p/{PEER}".encode()
    relay = f"dnsaddr=/ip4/192.0.2.7/tcp/4001/p2p/{OTHER}/p2p-circuit/p2p/{PEER}".encode()
    assert decode_txt(txt(quic, relay)) is None
    found = decode_txt(txt(quic, relay, f"dnsaddr={ADDRESS}".encode(), b"other=1"))
    assert found is not None
    assert found.addresses == (ADDRESS,)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x00" * 1_000,
        b"\xff" + b"dnsaddr=",
        txt(b"dnsaddr="),
        txt(b"dnsaddr=/ip4/192.0.2.7/tcp/4001"),
        txt(b"dnsaddr=/ip4/192.0.2.7/tcp/4001/p2p/"),
        txt(b"dnsaddr=/ip4/192.0.2.7/tcp/4001/p2p/" + b"0" * 46),
        txt(b"dnsaddr=/ip4/192.0.2.300/tcp/4001/p2p/" + PEER.encode()),
        txt(b"dnsaddr=/ip4/192.0.2.7/tcp/99999/p2p/" + PEER.encode()),
        txt(b"dnsaddr=/ip4/\xff\xfe/tcp/1/p2p/" + PEER.encode()),
    ],
)
def test_nonsense_is_nobody(data: bytes) -> None:
    assert decode_txt(data) is None


def test_a_record_of_thousands_of_strings_costs_little() -> None:
    strings = [f"dnsaddr=/ip4/192.0.2.7/tcp/{port}/p2p/{PEER}".encode() for port in range(1, 900)]
    found = decode_txt(txt(*strings))
    assert found is not None
    assert len(found.addresses) == ADDRESSES_MAX


@given(st.binary(max_size=2_000))
def test_any_bytes_give_a_sighting_or_nothing(data: bytes) -> None:
    decode_txt(data)


@given(st.lists(st.binary(max_size=120).map(lambda tail: b"dnsaddr=" + tail), max_size=8))
def test_any_strings_give_a_sighting_or_nothing(strings: list[bytes]) -> None:
    decode_txt(txt(*strings))
