"""Multiaddresses as far as the core reads them: text that ends in the peer id it leads to."""

from __future__ import annotations

from typing import Final

from p2p.errors import InvalidInput
from p2p.wire.ids import PeerId
from p2p.wire.limits import ADDRESS_SIZE_MAX_BYTES

_PEER_PART: Final = "/p2p/"
_BASE58: Final = frozenset("123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz")
_PEER_ID_LENGTHS: Final = range(40, 65)


def peer_of(address: str) -> PeerId:
    """Give the peer id at the end of a multiaddress such as ``/ip4/…/tcp/…/p2p/12D3Koo…``.

    Raises:
        InvalidInput: no multiaddress, too long, or without a peer id at its end.
    """
    head, found, peer = address.rpartition(_PEER_PART)
    if not address.startswith("/") or len(address) > ADDRESS_SIZE_MAX_BYTES:
        raise InvalidInput(f"{address[:80]!r} is no multiaddress such as /ip4/192.0.2.1/tcp/4001.")
    if not found or not head or not _is_peer_id(peer):
        raise InvalidInput(f"{address[:80]!r} does not end in /p2p/ and a peer id.")
    return PeerId(peer)


def check_peer_id(text: str) -> PeerId:
    """Give a peer id that somebody wrote.

    Raises:
        InvalidInput: it is none.
    """
    if not _is_peer_id(text):
        raise InvalidInput(f"{text[:80]!r} is no peer id such as molva peer list shows.")
    return PeerId(text)


def _is_peer_id(text: str) -> bool:
    return len(text) in _PEER_ID_LENGTHS and _BASE58.issuperset(text)


def peers_of(addresses: tuple[str, ...]) -> dict[PeerId, tuple[str, ...]]:
    """Give addresses by the peer they lead to; those that lead to none are left out."""
    found: dict[PeerId, tuple[str, ...]] = {}
    for address in addresses:
        try:
            peer = peer_of(address)
        except InvalidInput:
            continue
        found[peer] = (*found.get(peer, ()), address)
    return found
