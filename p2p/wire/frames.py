"""What two neighbours say on their stream (docs/spec/link.md).

Each frame is one MessagePack array whose first element is the frame's number. On a stream it is
preceded by its length, 4 bytes big-endian. Numbers 16 to 23 are reserved for range-based
reconciliation, which replaces the bulk of Offer when sets are large.
"""

from __future__ import annotations

from enum import IntEnum, IntFlag
from typing import Annotated, TypeAlias

from msgspec import Meta, Struct

from p2p.errors import Malformed
from p2p.wire.codec import pack, unpack_boxed
from p2p.wire.limits import (
    BUNDLE_SIZE_MAX_BYTES,
    COPIES_MAX,
    ENVELOPE_ID_SIZE_BYTES,
    ENVELOPE_SIZE_MAX_BYTES,
    ENVELOPE_SIZE_MIN_BYTES,
    FRAME_SIZE_MAX_BYTES,
    HOPS_MAX,
    IDS_PER_FRAME_MAX,
    OFFERS_PER_FRAME_MAX,
    PROOF_SIZE_BYTES,
    PROOFS_PER_FRAME_MAX,
    RECORD_BODY_MAX_BYTES,
    RECORD_HEADER_MAX_BYTES,
    RECORD_ID_SIZE_BYTES,
    RECORD_OFFERS_PER_FRAME_MAX,
    RECORD_PART_SIZE_BYTES,
    RECORD_PARTS_PER_WANT_MAX,
    RECORD_WANTS_PER_FRAME_MAX,
    SIZE_CLASS_MAX,
    TAG_SIZE_BYTES,
    WINDOW_MAX_BYTES,
    WINDOW_MIN_BYTES,
)

Id32: TypeAlias = Annotated[
    bytes, Meta(min_length=ENVELOPE_ID_SIZE_BYTES, max_length=ENVELOPE_ID_SIZE_BYTES)
]
Tag16: TypeAlias = Annotated[bytes, Meta(min_length=TAG_SIZE_BYTES, max_length=TAG_SIZE_BYTES)]
Proof32: TypeAlias = Annotated[
    bytes, Meta(min_length=PROOF_SIZE_BYTES, max_length=PROOF_SIZE_BYTES)
]
Copies: TypeAlias = Annotated[int, Meta(ge=0, le=COPIES_MAX)]
Hops: TypeAlias = Annotated[int, Meta(ge=0, le=HOPS_MAX)]
RecordId32: TypeAlias = Annotated[
    bytes, Meta(min_length=RECORD_ID_SIZE_BYTES, max_length=RECORD_ID_SIZE_BYTES)
]
PartNumber: TypeAlias = Annotated[
    int, Meta(ge=0, le=RECORD_BODY_MAX_BYTES // RECORD_PART_SIZE_BYTES - 1)
]
UnixHour: TypeAlias = Annotated[int, Meta(ge=0, le=2**32 - 1)]
UnixSecond: TypeAlias = Annotated[int, Meta(ge=0, le=2**40)]


class RefusalReason(IntEnum):
    """Why an offer or an envelope is not taken; unknown numbers read as OTHER."""

    OTHER = 0
    HAVE = 1
    """It is here already."""
    EXPIRED = 2
    TOO_FAR = 3
    """Its expiry lies more than 30 days ahead."""
    FULL = 4
    """The quota is used up and nothing lighter can go."""
    TAG_CROWDED = 5
    """As many envelopes of this tag are here as a carrier keeps."""
    PROVEN = 6
    """Its delivery proof is known: it has arrived."""
    NOT_CARRYING = 7
    """This node carries nothing for strangers."""
    MALFORMED = 8


class Accepts(IntFlag):
    """What a node asks its neighbour for."""

    MAIL = 1
    """Envelopes to carry, and its own among them."""
    RECORDS = 2
    """Public records, to keep and to pass on."""


class RecordReason(IntEnum):
    """What became of a record that was offered or wanted; unknown numbers read as OTHER."""

    OTHER = 0
    TAKEN = 1
    """It is durable here now."""
    HAVE = 2
    """It was here already, or what it says was."""
    WAITING = 3
    """It will be wanted later, or is on its way from somebody else."""
    OLDER = 4
    """A newer version was here: it is never taken again."""
    EXPIRED = 5
    TOO_NEW = 6
    """It was issued more than a day ahead of this node's clock."""
    FULL = 7
    """The quota is used up, or the neighbour has offered too many."""
    REFUSED = 8
    """Its body does not hold: forged under a trust anchor of this node."""
    GONE = 9
    """Wanted, and not here any more."""
    BUSY = 10
    """Wanted more often than this node serves."""


class Hello(Struct, frozen=True, array_like=True, tag=0):
    """First frame of either side; nothing else may precede it.

    Attributes:
        versions: link versions spoken, newest first; the highest common one is used.
        clock_s: the node's clock, Unix seconds.
        window_bytes: how many frame bytes the neighbour may have in flight before it gets Credit.
        accepts: an :class:`Accepts` set; unknown bits are ignored.
        hint: what the node's router wants neighbours' routers to know (docs/spec/link.md).
    """

    versions: Annotated[tuple[Annotated[int, Meta(ge=1, le=255)], ...], Meta(max_length=8)]
    clock_s: UnixSecond
    window_bytes: Annotated[int, Meta(ge=WINDOW_MIN_BYTES, le=WINDOW_MAX_BYTES)]
    accepts: Annotated[int, Meta(ge=0, le=2**32 - 1)]
    hint: Annotated[bytes, Meta(max_length=4_096)]


class OfferEntry(Struct, frozen=True, array_like=True):
    """One envelope on offer; ``copies`` 0 means: only if it is for you."""

    id: Id32
    size_class: Annotated[int, Meta(ge=0, le=SIZE_CLASS_MAX)]
    expiry_hour: UnixHour
    tag: Tag16
    copies: Copies


class Offer(Struct, frozen=True, array_like=True, tag=1):
    """Envelopes that this node would hand over; each is answered by Want or Refused."""

    entries: Annotated[tuple[OfferEntry, ...], Meta(min_length=1, max_length=OFFERS_PER_FRAME_MAX)]


class Want(Struct, frozen=True, array_like=True, tag=2):
    """Ids out of the neighbour's offers that it should Carry over."""

    ids: Annotated[tuple[Id32, ...], Meta(min_length=1, max_length=IDS_PER_FRAME_MAX)]


class Carry(Struct, frozen=True, array_like=True, tag=3):
    """One envelope, with the copies that go with it and the hops it has made."""

    envelope: Annotated[
        bytes, Meta(min_length=ENVELOPE_SIZE_MIN_BYTES, max_length=ENVELOPE_SIZE_MAX_BYTES)
    ]
    copies: Copies
    hops: Hops


class Taken(Struct, frozen=True, array_like=True, tag=4):
    """These envelopes are durable here: the neighbour may forget them."""

    ids: Annotated[tuple[Id32, ...], Meta(min_length=1, max_length=IDS_PER_FRAME_MAX)]


class Refusal(Struct, frozen=True, array_like=True):
    """One id with the number of a :class:`RefusalReason`."""

    id: Id32
    reason: Annotated[int, Meta(ge=0, le=255)]


class Refused(Struct, frozen=True, array_like=True, tag=5):
    """These offers, or carried envelopes, are not taken."""

    refusals: Annotated[tuple[Refusal, ...], Meta(min_length=1, max_length=IDS_PER_FRAME_MAX)]


class ProofFrame(Struct, frozen=True, array_like=True, tag=6):
    """Delivery proofs: whoever holds an envelope that one of them opens drops it."""

    proofs: Annotated[tuple[Proof32, ...], Meta(min_length=1, max_length=PROOFS_PER_FRAME_MAX)]


class Credit(Struct, frozen=True, array_like=True, tag=7):
    """The neighbour may send so many bytes more."""

    size_bytes: Annotated[int, Meta(ge=1, le=WINDOW_MAX_BYTES)]


class Seek(Struct, frozen=True, array_like=True, tag=8):
    """Asks for the prekey bundle of that hash (BLAKE2b-256)."""

    bundle_hash: Id32


class Found(Struct, frozen=True, array_like=True, tag=9):
    """The bundle that was sought."""

    bundle: Annotated[bytes, Meta(min_length=1, max_length=BUNDLE_SIZE_MAX_BYTES)]


class Bye(Struct, frozen=True, array_like=True, tag=10):
    """The sender closes the link; ``reason`` is a code of :mod:`p2p.errors`, for its logs."""

    reason: Annotated[str, Meta(max_length=64)]


class RecordOffer(Struct, frozen=True, array_like=True, tag=11):
    """Headers of records that this node would hand over (docs/spec/record.md)."""

    headers: Annotated[
        tuple[Annotated[bytes, Meta(min_length=1, max_length=RECORD_HEADER_MAX_BYTES)], ...],
        Meta(min_length=1, max_length=RECORD_OFFERS_PER_FRAME_MAX),
    ]


class RecordWish(Struct, frozen=True, array_like=True):
    """``parts`` parts of one record's body, from part ``first`` on; part n begins at n x 16 KiB."""

    id: RecordId32
    first: PartNumber
    parts: Annotated[int, Meta(ge=1, le=RECORD_PARTS_PER_WANT_MAX)]


class RecordWant(Struct, frozen=True, array_like=True, tag=12):
    """Parts out of the neighbour's offers that it should send."""

    wishes: Annotated[
        tuple[RecordWish, ...], Meta(min_length=1, max_length=RECORD_WANTS_PER_FRAME_MAX)
    ]


class RecordPart(Struct, frozen=True, array_like=True, tag=13):
    """One part of a body: 16 KiB, or what is left of it at its end."""

    id: RecordId32
    number: PartNumber
    data: Annotated[bytes, Meta(min_length=1, max_length=RECORD_PART_SIZE_BYTES)]


class RecordFate(Struct, frozen=True, array_like=True):
    """One id with the number of a :class:`RecordReason`."""

    id: RecordId32
    reason: Annotated[int, Meta(ge=0, le=255)]


class RecordAnswer(Struct, frozen=True, array_like=True, tag=14):
    """What became of records that were offered, or that were wanted and are not sent."""

    fates: Annotated[tuple[RecordFate, ...], Meta(min_length=1, max_length=IDS_PER_FRAME_MAX)]


MailFrame: TypeAlias = Offer | Want | Carry | Taken | Refused | ProofFrame
RecordFrame: TypeAlias = RecordOffer | RecordWant | RecordPart | RecordAnswer
Frame: TypeAlias = Hello | MailFrame | RecordFrame | Credit | Seek | Found | Bye


class _Box(Struct, frozen=True, array_like=True):
    """Makes msgspec compile the union once: converting to a bare union does it at each call."""

    value: Frame


def encode_frame(frame: Frame) -> bytes:
    """Give the frame's bytes, without the length prefix of the stream."""
    return pack(frame)


def decode_frame(data: bytes) -> Frame:
    """Read one frame.

    Raises:
        Malformed: no frame of this protocol, or out of its bounds.
    """
    if not data:
        raise Malformed("An empty frame.")
    return unpack_boxed(data, _Box, FRAME_SIZE_MAX_BYTES).value
