"""What two people's nodes say inside a session, after decryption (docs/spec/content.md).

One MessagePack array; the first element is the kind. A kind that this version does not know is
:class:`~p2p.errors.Malformed` for the caller to count, and the session goes on.
"""

from __future__ import annotations

from typing import Annotated, TypeAlias

from msgspec import Meta, Struct

from p2p.wire.codec import check_text_size, pack, unpack_boxed
from p2p.wire.limits import (
    ADDRESS_SIZE_MAX_BYTES,
    ADDRESSES_MAX,
    BUNDLE_SIZE_MAX_BYTES,
    ENVELOPE_SIZE_MAX_BYTES,
    MESSAGE_ID_SIZE_BYTES,
    NAME_SIZE_MAX_BYTES,
    TEXT_SIZE_MAX_BYTES,
)

MessageId16: TypeAlias = Annotated[
    bytes, Meta(min_length=MESSAGE_ID_SIZE_BYTES, max_length=MESSAGE_ID_SIZE_BYTES)
]
Address: TypeAlias = Annotated[str, Meta(min_length=1, max_length=ADDRESS_SIZE_MAX_BYTES)]


class Text(Struct, frozen=True, array_like=True, tag=1):
    """A message for the person to read; ``message_id`` makes it one, however often it arrives."""

    message_id: MessageId16
    sent_at_s: Annotated[int, Meta(ge=0, le=2**40)]
    text: Annotated[str, Meta(max_length=TEXT_SIZE_MAX_BYTES)]


class Introduction(Struct, frozen=True, array_like=True, tag=2):
    """What a node tells its contact about itself; the newest ``issued_at_s`` holds.

    Attributes:
        name: what the sender calls herself; a suggestion, never trusted as identity.
        bundle: her newest rotating prekey bundle (wire bytes).
        lookup_secret: 16 bytes from which first-contact tags to that bundle are derived.
        addresses: multiaddresses, each ending in ``/p2p/<peer id>``, where her node listens.
    """

    issued_at_s: Annotated[int, Meta(ge=0, le=2**40)]
    name: Annotated[str, Meta(max_length=NAME_SIZE_MAX_BYTES)]
    bundle: Annotated[bytes, Meta(max_length=BUNDLE_SIZE_MAX_BYTES)]
    lookup_secret: Annotated[bytes, Meta(min_length=16, max_length=16)]
    addresses: Annotated[tuple[Address, ...], Meta(max_length=ADDRESSES_MAX)]


class Acknowledgement(Struct, frozen=True, array_like=True, tag=3):
    """Nothing but a sign of life: it ends the repeated handshake and moves the ratchet on."""


Content: TypeAlias = Text | Introduction | Acknowledgement


class _Box(Struct, frozen=True, array_like=True):
    """Makes msgspec compile the union once: converting to a bare union does it at each call."""

    value: Content


def encode_content(content: Content) -> bytes:
    """Give the content's bytes, to be sealed."""
    return pack(content)


def decode_content(data: bytes) -> Content:
    """Read decrypted content.

    Raises:
        Malformed: no content of this version, or out of its bounds.
    """
    content = unpack_boxed(data, _Box, ENVELOPE_SIZE_MAX_BYTES).value
    if isinstance(content, Text):
        check_text_size(content.text, TEXT_SIZE_MAX_BYTES)
    elif isinstance(content, Introduction):
        check_self_description(content.name, content.addresses)
    return content


def check_self_description(name: str, addresses: tuple[str, ...]) -> None:
    """Hold what a node says about itself to the limits in bytes.

    Raises:
        Malformed: a name or an address is longer in UTF-8.
    """
    check_text_size(name, NAME_SIZE_MAX_BYTES)
    for address in addresses:
        check_text_size(address, ADDRESS_SIZE_MAX_BYTES)
