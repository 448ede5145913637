"""What libp2p nodes say of themselves on the local network: the TXT record of ``_p2p._udp.local``.

Pure, by libp2p's mDNS discovery specification: one string ``dnsaddr=<multiaddress>/p2p/<peer id>``
per address. Whatever comes from the network gives a sighting or nothing, and never raises.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from p2p.adapters.listen_addresses import parse_tcp, split_peer
from p2p.errors import InvalidInput
from p2p.ports.link import PeerFound
from p2p.wire.ids import PeerId
from p2p.wire.limits import ADDRESS_SIZE_MAX_BYTES, ADDRESSES_MAX

SERVICE: Final = "_p2p._udp.local."
TXT_SIZE_MAX_BYTES: Final = 1_300
"""Fits, with the other records, into one packet of Ethernet."""
_STRING_SIZE_MAX_BYTES: Final = 255
_STRINGS_MAX: Final = 64
_KEY: Final = b"dnsaddr="
_PEER_ID: Final = re.compile(r"[1-9A-HJ-NP-Za-km-z]{40,64}")


def encode_txt(addresses: Sequence[str]) -> bytes:
    """Give the TXT data for ``addresses``, which end in the peer id: as many as fit, in order."""
    data = b""
    for address in addresses[:ADDRESSES_MAX]:
        string = _KEY + address.encode()
        if len(string) > _STRING_SIZE_MAX_BYTES:
            continue
        if len(data) + 1 + len(string) > TXT_SIZE_MAX_BYTES:
            break
        data += bytes([len(string)]) + string
    return data


def decode_txt(data: bytes) -> PeerFound | None:
    """Give who announces itself with ``data``; None where nobody does whom we could dial.

    The first peer id named counts; addresses of others, and all that are not TCP, are left out.
    """
    found: PeerId | None = None
    addresses: list[str] = []
    for string in _strings(data):
        address, peer = _dialable(string)
        if not address or (found is not None and peer != found):
            continue
        found = peer
        if address not in addresses and len(addresses) < ADDRESSES_MAX:
            addresses.append(address)
    return None if found is None else PeerFound(found, tuple(addresses), "mdns")


def _strings(data: bytes) -> Iterator[bytes]:
    at = 0
    for _ in range(_STRINGS_MAX):
        if at >= len(data):
            return
        end = at + 1 + data[at]
        if end > len(data):
            return
        yield data[at + 1 : end]
        at = end


def _dialable(string: bytes) -> tuple[str, PeerId]:
    """Give address and peer of one string, the empty address where it names none."""
    nobody = "", PeerId("")
    if not string.startswith(_KEY):
        return nobody
    try:
        place, peer = split_peer(string[len(_KEY) :].decode("ascii"))
        place = str(parse_tcp(place))
    except (UnicodeDecodeError, InvalidInput):
        return nobody
    if not _PEER_ID.fullmatch(peer) or len(place) + len(peer) + 5 > ADDRESS_SIZE_MAX_BYTES:
        return nobody
    return f"{place}/p2p/{peer}", PeerId(peer)
