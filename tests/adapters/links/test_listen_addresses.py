"""Multiaddresses of TCP sockets."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2p.adapters.listen_addresses import (
    TcpAddress,
    concrete,
    interface_ips,
    parse_tcp,
    split_peer,
    tcp_address,
)
from p2p.errors import InvalidInput


@pytest.mark.parametrize(
    "text",
    [
        "/ip4/192.0.2.1/tcp/4001",
        "/ip6/2001:db8::1/tcp/0",
        "/dns/a.example/tcp/65535",
        "/dns4/a.example/tcp/1",
        "/dns6/a.example/tcp/1",
    ],
)
def test_an_address_reads_as_it_is_written(text: str) -> None:
    assert str(parse_tcp(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "/",
        "192.0.2.1:4001",
        "/ip4/192.0.2.1",
        "/ip4/192.0.2.1/tcp/",
        "/ip4/192.0.2.1/tcp/-1",
        "/ip4/192.0.2.1/tcp/65536",
        "/ip4/192.0.2.1/tcp/4001/ws",
        "/ip4/192.0.2.1/udp/4001",
        "/ip4/2001:db8::1/tcp/1",
        "/ip6/192.0.2.1/tcp/1",
        "/ip4/192.0.2.1/tcp/१",
        "/dns4//tcp/1",
        "/dnsaddr/a.example/tcp/1",
        "/dns4/" + "a" * 254 + "/tcp/1",
    ],
)
def test_no_address(text: str) -> None:
    with pytest.raises(InvalidInput):
        parse_tcp(text)


@given(st.text(max_size=80))
def test_any_text_is_an_address_or_is_refused(text: str) -> None:
    try:
        address = parse_tcp(text)
    except InvalidInput:
        return
    assert parse_tcp(str(address)) == address


def test_the_peer_id_is_split_off() -> None:
    assert split_peer("/ip4/192.0.2.1/tcp/1/p2p/abc") == ("/ip4/192.0.2.1/tcp/1", "abc")
    assert split_peer("/ip4/192.0.2.1/tcp/1") == ("/ip4/192.0.2.1/tcp/1", "")


def test_a_zone_is_dropped() -> None:
    assert str(tcp_address("fe80::1%eth0", 1)) == "/ip6/fe80::1/tcp/1"


def test_all_interfaces_are_spelled_out_by_family() -> None:
    ips = ["198.51.100.1", "2001:db8::1", "127.0.0.1"]
    everywhere = TcpAddress("ip4", "0.0.0.0", 7)
    assert [str(one) for one in concrete(everywhere, lambda: ips)] == [
        "/ip4/198.51.100.1/tcp/7",
        "/ip4/127.0.0.1/tcp/7",
    ]
    assert [str(one) for one in concrete(TcpAddress("ip6", "::", 7), lambda: ips)] == [
        "/ip6/2001:db8::1/tcp/7"
    ]
    assert concrete(TcpAddress("ip4", "10.0.0.1", 7), lambda: ips) == [
        TcpAddress("ip4", "10.0.0.1", 7)
    ]


def test_this_machine_has_a_loopback_interface_and_it_comes_last() -> None:
    ips = interface_ips()
    assert "127.0.0.1" in ips
    others = [ip for ip in ips if not (ip.startswith("127.") or ip == "::1")]
    assert ips[: len(others)] == others
    assert not any(ip.lower().startswith("fe80") for ip in ips)
