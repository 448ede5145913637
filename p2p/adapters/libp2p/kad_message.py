"""What a message of the DHT may hold: of each of its lists of peers the first few, and no giants.

py-libp2p compares each peer of an answer with each other: 10,500 peers with names of two bytes,
63 KB in all, kept a node busy for 17 s. So a message is cut to what an honest one holds before
py-libp2p sees it. Pure: it walks protobuf's wire format, and understands nothing else of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from p2p.errors import Malformed

LISTED_PEERS_MAX: Final = 21
"""Kademlia's k, and the one that was asked for."""
LISTED_PEER_MAX_BYTES: Final = 4_096
PEER_ID_MAX_BYTES: Final = 64
"""An Ed25519 peer id has 38 bytes, one of an RSA key 34."""
_FIELDS_MAX: Final = 1_024
_LISTS: Final = (8, 9)  # closerPeers and providerPeers of Message
_ID: Final = 1  # of Message.Peer
_VARINT_MAX_BYTES: Final = 10


def bounded(message: bytes) -> bytes:
    """Give a message of the DHT without the peers that are too many or too large.

    Raises:
        Malformed: no protobuf, or fields without end.
    """
    left = dict.fromkeys(_LISTS, LISTED_PEERS_MAX)
    kept = bytearray()
    for number, start, at, end in _fields(message):
        if number in left:
            if not left[number] or not _is_small(message[at:end]):
                continue
            left[number] -= 1
        kept += message[start:end]
    return bytes(kept)


def _is_small(peer: bytes) -> bool:
    if len(peer) > LISTED_PEER_MAX_BYTES:
        return False
    ids = [end - at for number, _, at, end in _fields(peer) if number == _ID]
    return all(size_bytes <= PEER_ID_MAX_BYTES for size_bytes in ids)


def _fields(message: bytes) -> Iterator[tuple[int, int, int, int]]:
    """Give number, start, start of the value and end of each field."""
    start = 0
    for _ in range(_FIELDS_MAX):
        if start >= len(message):
            return
        tag, at = _varint(message, start)
        at, end = _value(message, tag & 7, at)
        if end > len(message):
            raise Malformed("A field goes beyond its message.")
        yield tag >> 3, start, at, end
        start = end
    raise Malformed("A message of too many fields.")


def _value(message: bytes, kind: int, at: int) -> tuple[int, int]:
    match kind:
        case 0:  # a varint
            return at, _varint(message, at)[1]
        case 1:  # eight bytes
            return at, at + 8
        case 2:  # bytes, with their length before them
            size_bytes, at = _varint(message, at)
            return at, at + size_bytes
        case 5:  # four bytes
            return at, at + 4
        case _:
            raise Malformed(f"No field of a message is of kind {kind}.")


def _varint(message: bytes, at: int) -> tuple[int, int]:
    value = 0
    for index, byte in enumerate(message[at : at + _VARINT_MAX_BYTES]):
        value |= (byte & 127) << (7 * index)
        if byte < 128:
            return value, at + index + 1
    raise Malformed("A number without end.")
