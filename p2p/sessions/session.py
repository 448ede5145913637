"""One pairwise session of this device: what it knows, and how it is kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final, TypeAlias

from msgspec import Meta, Struct

from p2p.errors import RemoteError, StoreDamaged
from p2p.sessions.expected_tags import IncomingTags, OutgoingTags, SeenDay
from p2p.sessions.handshake import Handshake, SessionKeys, decode_handshake
from p2p.sessions.suite import NOTHING_MISSING
from p2p.sessions.tags import TagTable, day_of
from p2p.wire.bundle import Key32
from p2p.wire.codec import pack, unpack_versioned
from p2p.wire.ids import AccountKey, BundleHash, DeviceKey, SessionId

IN_USE: Final = -1
"""``retired_day`` of a session that is not retired."""
_RECORD_VERSION: Final = 1
_RECORD_SIZE_MAX_BYTES: Final = 1_048_576
Unsigned: TypeAlias = Annotated[int, Meta(ge=0)]


class _Record(Struct, frozen=True, array_like=True):
    """A session in the store."""

    version: int
    id: Annotated[bytes, Meta(min_length=16, max_length=16)]
    contact: Key32
    device: Key32
    initiated: bool
    generation: int
    begun_s: int
    since_s: float
    associated: Key32
    header_out: Key32
    header_in: Key32
    out: tuple[Unsigned, Key32, Unsigned]
    incoming: tuple[Unsigned, Key32, tuple[SeenDay, ...]]
    unacknowledged: Unsigned
    received: bool
    confirmed: bool
    retired_day: int
    bundle: Key32
    handshake: bytes
    first_contacts_sent: Unsigned
    first_contacts_opened: bytes
    missing_since_day: Unsigned
    ratchet: bytes


@dataclass(slots=True, eq=False)
class Session:
    """A session with one device of a contact; its live ratchet is the roster's.

    Attributes:
        initiated: this device began it.
        generation: orders a contact's sessions here: sending prefers the highest.
        begun_s: begin by the initiator's clock.
        since_s: by our clock, since when both sides are known to have it (or since its begin).
        associated: bound to every ratchet message.
        header_out, header_in: keys of the outer cipher.
        unacknowledged: messages sent since the last sign of life.
        received: something was opened in it, so the other side has it.
        confirmed: the other side is known to use it without its handshake.
        retired_day: since when another session is sent on; IN_USE while this one is.
        bundle: hash of the bundle with which it began.
        handshake: what the initiator repeats until the first reply; None before and after.
        first_contacts_sent: how many envelopes repeated it.
        first_contacts_opened: bit n is set once first contact n was opened here.
        missing_since_day: day of the oldest key kept for a missing message.
        ratchet_data: the ratchet at rest, as of the last dump.
    """

    id: SessionId
    contact: AccountKey
    device: DeviceKey
    initiated: bool
    generation: int
    begun_s: int
    since_s: float
    associated: bytes
    header_out: bytes
    header_in: bytes
    outgoing: OutgoingTags
    incoming: IncomingTags
    bundle: BundleHash
    handshake: Handshake | None
    unacknowledged: int = 0
    received: bool = False
    confirmed: bool = False
    retired_day: int = IN_USE
    first_contacts_sent: int = 0
    first_contacts_opened: int = 0
    missing_since_day: int = NOTHING_MISSING
    ratchet_data: bytes = b""

    def note_received(self, now_s: float) -> None:
        """Take note that something of the other side was opened in this session."""
        if not self.received:
            self.received = True
            self.since_s = now_s
        self.unacknowledged = 0
        if self.initiated:
            self.confirmed = True
            self.handshake = None

    def encode(self) -> bytes:
        """Give what :func:`decode_session` reads."""
        mask = self.first_contacts_opened
        record = _Record(
            _RECORD_VERSION,
            self.id,
            self.contact,
            self.device,
            self.initiated,
            self.generation,
            self.begun_s,
            self.since_s,
            self.associated,
            self.header_out,
            self.header_in,
            (self.outgoing.day, self.outgoing.key, self.outgoing.number),
            self.incoming.record(),
            self.unacknowledged,
            self.received,
            self.confirmed,
            self.retired_day,
            self.bundle,
            b"" if self.handshake is None else self.handshake.encode(),
            self.first_contacts_sent,
            mask.to_bytes((mask.bit_length() + 7) // 8, "big"),
            self.missing_since_day,
            self.ratchet_data,
        )
        return pack(record)


def new_session(
    keys: SessionKeys,
    handshake: Handshake,
    bundle: BundleHash,
    *,
    contact: AccountKey,
    device: DeviceKey,
    initiated: bool,
    generation: int,
    now_s: float,
    table: TagTable,
) -> Session:
    """Give the session that a handshake begins; tags of both directions start on its first day."""
    out, into = (keys.tags_forward, keys.tags_back)[:: 1 if initiated else -1]
    header_out, header_in = (keys.header_forward, keys.header_back)[:: 1 if initiated else -1]
    day = day_of(handshake.begun_s)
    return Session(
        id=keys.session,
        contact=contact,
        device=device,
        initiated=initiated,
        generation=generation,
        begun_s=handshake.begun_s,
        since_s=now_s,
        associated=keys.associated,
        header_out=header_out,
        header_in=header_in,
        outgoing=OutgoingTags(day, out, 0),
        incoming=IncomingTags(table, keys.session, day, into, ()),
        bundle=bundle,
        handshake=handshake if initiated else None,
    )


def decode_session(data: bytes, table: TagTable) -> Session:
    """Read a session from the store; it expects no tags before ``incoming.advance``.

    Raises:
        StoreDamaged: these bytes are no session of this version.
    """
    try:
        record = unpack_versioned(data, _Record, _RECORD_SIZE_MAX_BYTES, _RECORD_VERSION)
        handshake = decode_handshake(record.handshake) if record.handshake else None
    except RemoteError as exc:
        raise StoreDamaged("A session cannot be read.") from exc
    return Session(
        id=SessionId(record.id),
        contact=AccountKey(record.contact),
        device=DeviceKey(record.device),
        initiated=record.initiated,
        generation=record.generation,
        begun_s=record.begun_s,
        since_s=record.since_s,
        associated=record.associated,
        header_out=record.header_out,
        header_in=record.header_in,
        outgoing=OutgoingTags(*record.out),
        incoming=IncomingTags(table, record.id, *record.incoming),
        bundle=BundleHash(record.bundle),
        handshake=handshake,
        unacknowledged=record.unacknowledged,
        received=record.received,
        confirmed=record.confirmed,
        retired_day=record.retired_day,
        first_contacts_sent=record.first_contacts_sent,
        first_contacts_opened=int.from_bytes(record.first_contacts_opened, "big"),
        missing_since_day=record.missing_since_day,
        ratchet_data=record.ratchet,
    )
