"""The envelope as a carrier sees it: sizes, expiry and tag, nothing else (docs/spec/envelope.md).

Two bodies exist behind the same 22-byte header, and a carrier cannot tell them apart:

- session: ``nonce 24 | AEAD text`` (:data:`SESSION_BODY_AT`),
- first contact: ``commitment 16 | HPKE encapsulated key 1120 | HPKE text``.

Both end in an 8-byte stamp that is outside the id.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

from msgspec import Struct

from p2p.errors import Malformed, WrongVersion
from p2p.wire.ids import EnvelopeId, Tag, envelope_id
from p2p.wire.limits import (
    CLOCK_TOLERANCE_S,
    ENVELOPE_HEADER_BYTES,
    ENVELOPE_SIZE_MIN_BYTES,
    ENVELOPE_VERSION,
    LIFETIME_MAX_S,
    SIZE_CLASS_MAX,
    STAMP_SIZE_BYTES,
    TAG_SIZE_BYTES,
)

HOUR_S: Final = 3_600
NONCE_AT: Final = ENVELOPE_HEADER_BYTES
NONCE_SIZE_BYTES: Final = 24
SESSION_BODY_AT: Final = NONCE_AT + NONCE_SIZE_BYTES
COMMITMENT_AT: Final = ENVELOPE_HEADER_BYTES
ENCAPSULATED_AT: Final = COMMITMENT_AT + TAG_SIZE_BYTES
ENCAPSULATED_SIZE_BYTES: Final = 1_120
"""X-Wing: an ML-KEM-768 ciphertext (1088) and an X25519 public key (32)."""
FIRST_CONTACT_BODY_AT: Final = ENCAPSULATED_AT + ENCAPSULATED_SIZE_BYTES
EMPTY_STAMP: Final = bytes(STAMP_SIZE_BYTES)
_AHEAD_MAX_S: Final = LIFETIME_MAX_S + CLOCK_TOLERANCE_S + HOUR_S

_HEADER = struct.Struct(">BBI16s")
assert _HEADER.size == ENVELOPE_HEADER_BYTES


class EnvelopeHeader(Struct, frozen=True):
    """What every carrier reads.

    Attributes:
        size_class: the envelope has ``256 << size_class`` bytes.
        expiry_hour: hours since the Unix epoch; the envelope is dead once that hour has begun.
        tag: recipient tag, 16 bytes.
    """

    size_class: int
    expiry_hour: int
    tag: Tag

    @property
    def expires_at(self) -> float:
        """Moment of expiry in Unix seconds."""
        return float(self.expiry_hour * HOUR_S)

    def encode(self) -> bytes:
        """Give the 22 header bytes, which are also the associated data of the body."""
        return _HEADER.pack(ENVELOPE_VERSION, self.size_class, self.expiry_hour, self.tag)


@dataclass(frozen=True, slots=True)
class Envelope:
    """One envelope's bytes with what was read from them once."""

    data: bytes
    id: EnvelopeId
    header: EnvelopeHeader
    commitment: Tag
    """First-contact commitment, if it is a first contact; random bytes of a nonce otherwise."""


def size_of_class(size_class: int) -> int:
    """Give the number of bytes of an envelope of that class."""
    return ENVELOPE_SIZE_MIN_BYTES << size_class


def class_for(size_bytes: int) -> int | None:
    """Give the smallest class that holds ``size_bytes`` in all, or None where none does."""
    size_class = max(0, (size_bytes - 1) // ENVELOPE_SIZE_MIN_BYTES).bit_length()
    return size_class if size_class <= SIZE_CLASS_MAX else None


def parse_header(data: bytes) -> EnvelopeHeader:
    """Read and check the header of an envelope against its length.

    Raises:
        WrongVersion: made by another version.
        Malformed: unknown class, or a length other than the class says.
    """
    if len(data) < ENVELOPE_SIZE_MIN_BYTES:
        raise Malformed(f"An envelope of {len(data)} bytes is shorter than the smallest class.")
    version, size_class, expiry_hour, tag = _HEADER.unpack_from(data)
    if version != ENVELOPE_VERSION:
        raise WrongVersion(f"An envelope of version {version}; this node reads {ENVELOPE_VERSION}.")
    if size_class > SIZE_CLASS_MAX or len(data) != size_of_class(size_class):
        raise Malformed(f"An envelope of class {size_class} cannot have {len(data)} bytes.")
    return EnvelopeHeader(size_class, expiry_hour, Tag(tag))


def parse_envelope(data: bytes) -> Envelope:
    """Read an envelope as carriers do.

    Raises:
        WrongVersion, Malformed: as :func:`parse_header`.
    """
    header = parse_header(data)
    return Envelope(data, envelope_id(data), header, Tag(data[COMMITMENT_AT:ENCAPSULATED_AT]))


def expiry_hour_for(now_s: float, lifetime_s: float, fuzz: float) -> int:
    """Give the expiry to write: rounded up to an hour and stretched, so that it tells no send time.

    Args:
        now_s: Unix seconds.
        lifetime_s: how long the sender wants it to live, at most 30 days.
        fuzz: drawn uniformly from 0 to 1; stretches the lifetime by up to a quarter.
    """
    stretched = min(lifetime_s * (1.0 + fuzz / 4.0), float(LIFETIME_MAX_S))
    return int(-(-(now_s + stretched) // HOUR_S))


def is_expired(header: EnvelopeHeader, now_s: float) -> bool:
    """Tell whether the envelope's hour has come."""
    return now_s >= header.expiry_hour * HOUR_S


def is_too_far(header: EnvelopeHeader, now_s: float) -> bool:
    """Tell whether the expiry lies beyond what any honest sender may write."""
    return header.expiry_hour * HOUR_S > now_s + _AHEAD_MAX_S
