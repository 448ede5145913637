"""Records: public, signed, versioned by (author, kind, name); docs/spec/record.md.

A record is a header and a body. The header is signed and holds the body's hash, so that a carrier
judges a record before its body is on the way. A header has exactly one encoding: every other one
is refused, so that its hash names it.
"""

from __future__ import annotations

import hashlib
from enum import IntEnum
from typing import Annotated, NamedTuple, TypeAlias

from msgspec import Meta, Struct

from p2p.errors import Malformed, NotAuthentic
from p2p.wire.codec import pack, unpack_versioned
from p2p.wire.ids import AuthorKey, RecordId
from p2p.wire.limits import (
    CLOCK_TOLERANCE_S,
    RECORD_BODY_MAX_BYTES,
    RECORD_FORMAT_VERSION,
    RECORD_HEADER_MAX_BYTES,
    RECORD_ID_SIZE_BYTES,
    RECORD_LIFETIME_MAX_S,
    RECORD_NAME_MAX_BYTES,
    RECORD_VERSION_MAX,
)

SIGNATURE_LABEL = b"molva record 1"
"""What is signed begins with it, so that no other signature of ours can be one of a record."""

Key32: TypeAlias = Annotated[bytes, Meta(min_length=32, max_length=32)]
Hash32: TypeAlias = Annotated[
    bytes, Meta(min_length=RECORD_ID_SIZE_BYTES, max_length=RECORD_ID_SIZE_BYTES)
]
Signature64: TypeAlias = Annotated[bytes, Meta(min_length=64, max_length=64)]
UnixSecond: TypeAlias = Annotated[int, Meta(ge=0, le=2**40)]


class RecordKind(IntEnum):
    """What a body is. Other numbers are carried as well, within the strangers' quota."""

    VICAL = 1
    """A trust list of ISO 18013-5: COSE, signed by its provider."""
    LOTE = 2
    """A trust list of ETSI TS 119 602."""
    STATUS_LIST = 3
    """A Token Status List: JWT or CWT, signed by its issuer."""


SELF_SIGNED_KINDS = (RecordKind.VICAL, RecordKind.LOTE, RecordKind.STATUS_LIST)
"""Kinds whose body is signed by somebody else: who made a record of it says nothing."""


class RecordKey(NamedTuple):
    """What a newer version replaces an older one of."""

    author: AuthorKey
    kind: int
    name: bytes


class RecordHeader(Struct, frozen=True, array_like=True):
    """All of a record but its body.

    Attributes:
        format: version of this format, 1.
        kind: a :class:`RecordKind`, or a number that means nothing here.
        author: Ed25519 public key; whoever has the secret may replace the record.
        name: the author's name for it, any bytes.
        version: the newest one replaces all others.
        issued_s, expires_s: Unix seconds; nobody keeps the record after the second.
        size_bytes, body_hash: of the body; BLAKE2b-256.
        signature: Ed25519 by ``author`` over :meth:`signed_bytes`.
    """

    format: Annotated[int, Meta(ge=1, le=255)]
    kind: Annotated[int, Meta(ge=1, le=255)]
    author: Key32
    name: Annotated[bytes, Meta(min_length=1, max_length=RECORD_NAME_MAX_BYTES)]
    version: Annotated[int, Meta(ge=0, le=RECORD_VERSION_MAX)]
    issued_s: UnixSecond
    expires_s: UnixSecond
    size_bytes: Annotated[int, Meta(ge=1, le=RECORD_BODY_MAX_BYTES)]
    body_hash: Hash32
    signature: Signature64

    @property
    def key(self) -> RecordKey:
        """What this record is a version of."""
        return RecordKey(AuthorKey(self.author), self.kind, self.name)

    def signed_bytes(self) -> bytes:
        """Give what ``signature`` signs: a label and every other field, encoded."""
        fields = (
            self.format,
            self.kind,
            self.author,
            self.name,
            self.version,
            self.issued_s,
            self.expires_s,
            self.size_bytes,
            self.body_hash,
        )
        return SIGNATURE_LABEL + pack(fields)


def encode_record_header(header: RecordHeader) -> bytes:
    """Give the header's bytes, as they travel."""
    return pack(header)


def decode_record_header(data: bytes) -> RecordHeader:
    """Read a header; its signature is checked by :mod:`p2p.crypto.record_signature`.

    Raises:
        Malformed: no header, out of its bounds, encoded otherwise than a writer does, or with a
            life that is empty or longer than 366 days.
        WrongVersion: made by another version of the format.
    """
    header = unpack_versioned(data, RecordHeader, RECORD_HEADER_MAX_BYTES, RECORD_FORMAT_VERSION)
    if encode_record_header(header) != data:
        raise Malformed("A record's header in another encoding than the one it has.")
    if not 0 < header.expires_s - header.issued_s <= RECORD_LIFETIME_MAX_S:
        raise Malformed("A record that lives for less than a second, or longer than 366 days.")
    return header


def record_id(header: RecordHeader) -> RecordId:
    """Give the name of a record: BLAKE2b-256 of what is signed.

    The signature is left out: an author can make many for the same record.
    """
    signed = header.signed_bytes()
    return RecordId(hashlib.blake2b(signed, digest_size=RECORD_ID_SIZE_BYTES).digest())


def body_hash(body: bytes | bytearray) -> bytes:
    """Give the hash of a body as its header holds it: BLAKE2b-256."""
    return hashlib.blake2b(body, digest_size=RECORD_ID_SIZE_BYTES).digest()


def check_body(header: RecordHeader, body: bytes | bytearray) -> None:
    """Hold a body to its header.

    Raises:
        NotAuthentic: it is another body.
    """
    if len(body) != header.size_bytes or body_hash(body) != header.body_hash:
        raise NotAuthentic("A record's body is not the one that its author signed.")


def is_too_new(header: RecordHeader, now_s: float) -> bool:
    """Tell whether the record was issued later than clocks can differ."""
    return header.issued_s > now_s + CLOCK_TOLERANCE_S
