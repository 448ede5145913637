"""Where this node can be reached: multiaddresses of TCP sockets, spelled out for each interface.

A socket that listens on all interfaces has the address 0.0.0.0, which nobody can dial. What is
announced is the port with the address of each interface, as they are at that moment: a laptop that
changes networks announces its new addresses without listening anew.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import ifaddr

from p2p.errors import InvalidInput

Interfaces = Callable[[], Sequence[str]]
"""Gives the addresses of this machine's interfaces, as text without zone."""

_INTERFACES_MAX: Final = 32
"""More addresses than this are not announced; containers can have hundreds of interfaces."""


@dataclass(frozen=True, slots=True)
class TcpAddress:
    """An IP address, or a DNS name, and a TCP port; ``kind`` is the multiaddress protocol."""

    kind: str
    host: str
    port: int

    def __str__(self) -> str:
        return f"/{self.kind}/{self.host}/tcp/{self.port}"


def tcp_address(host: str, port: int) -> TcpAddress:
    """Give the address of a socket; an IPv6 zone is dropped."""
    plain = host.partition("%")[0]
    return TcpAddress("ip6" if ":" in plain else "ip4", plain, port)


def parse_tcp(text: str) -> TcpAddress:
    """Read ``/ip4|ip6|dns|dns4|dns6/<host>/tcp/<port>``.

    Raises:
        InvalidInput: anything else.
    """
    parts = text.split("/")
    if len(parts) != 5 or parts[0] or parts[3] != "tcp":
        raise InvalidInput(f"{text!r} is no TCP multiaddress such as /ip4/192.0.2.1/tcp/4001.")
    _, kind, host, _, port_text = parts
    if not (port_text.isascii() and port_text.isdecimal() and len(port_text) <= 5):
        raise InvalidInput(f"{text!r} has no TCP port.")
    port = int(port_text)
    if port > 65_535:
        raise InvalidInput(f"{text!r} has no TCP port.")
    if kind in {"ip4", "ip6"}:
        _check_ip(kind, host, text)
    elif kind not in {"dns", "dns4", "dns6"} or not host or len(host) > 253:
        raise InvalidInput(f"{text!r} is no TCP multiaddress such as /ip4/192.0.2.1/tcp/4001.")
    return TcpAddress(kind, host, port)


def _check_ip(kind: str, host: str, text: str) -> None:
    try:
        if kind == f"ip{ipaddress.ip_address(host).version}":
            return
    except ValueError:
        pass
    raise InvalidInput(f"{text!r} has no address of the kind {kind}.")


def split_peer(text: str) -> tuple[str, str]:
    """Give the address before ``/p2p/`` and the peer id after it, the empty string where none."""
    place, _, peer = text.partition("/p2p/")
    return place, peer


def interface_ips() -> list[str]:
    """Give the addresses of this machine's interfaces: reachable ones first, loopback last.

    Link-local IPv6 addresses are left out: without a zone, which a multiaddress for others cannot
    carry, nobody can dial them.
    """
    found: list[str] = []
    for adapter in ifaddr.get_adapters():
        for entry in adapter.ips:
            ip = entry.ip if isinstance(entry.ip, str) else entry.ip[0]
            parsed = ipaddress.ip_address(ip)
            unusable = parsed.is_unspecified or parsed.is_multicast
            if not unusable and not (parsed.version == 6 and parsed.is_link_local):
                found.append(ip)
    return sorted(dict.fromkeys(found), key=_remoteness)[:_INTERFACES_MAX]


def _remoteness(ip: str) -> int:
    parsed = ipaddress.ip_address(ip)
    if parsed.is_loopback:
        return 3
    if parsed.is_link_local:
        return 2
    return 1 if parsed.is_private else 0


def concrete(address: TcpAddress, interfaces: Interfaces) -> list[TcpAddress]:
    """Give what others can dial of an address that a socket is bound to."""
    if not ipaddress.ip_address(address.host).is_unspecified:
        return [address]
    candidates = (tcp_address(ip, address.port) for ip in interfaces())
    return [candidate for candidate in candidates if candidate.kind == address.kind]
