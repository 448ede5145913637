"""What a store keeps, as plain values; their meaning belongs to :mod:`p2p.core`."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

from p2p.wire.ids import AccountKey, EnvelopeId, MessageId, PeerId, Proof, RecordId, Tag
from p2p.wire.record import RecordKey


class DocumentKind(StrEnum):
    """What a keyed document is; each kind has its own key space."""

    SETTING = "setting"
    CONTACT = "contact"
    SESSION = "session"
    BUNDLE = "bundle"
    INVITE = "invite"
    PEER = "peer"
    RECORD = "record"
    TRUST = "trust"
    CREDENTIAL = "credential"
    CREDENTIAL_REQUEST = "credential-request"
    PROVEN = "proven"


class Direction(StrEnum):
    """Whether this device wrote the message or received it."""

    OUT = "out"
    IN = "in"


class MessageState(StrEnum):
    """The truth about a message; see docs/reference/message-states.md."""

    QUEUED = "queued"
    """Durable on this device; nobody else has it."""
    CARRIED = "carried"
    """At least one other node said that it holds it durably."""
    DELIVERED = "delivered"
    """The delivery proof was seen: the recipient's device opened it."""
    EXPIRED = "expired"
    """Its lifetime ended before a proof was seen."""
    RECEIVED = "received"
    """Incoming: opened here and durable."""
    READ = "read"
    """Incoming: shown to the person."""


class Tier(StrEnum):
    """For whom an envelope is kept; the order of eviction is the reverse of this one."""

    OWN = "own"
    CONTACT = "contact"
    CREDENTIALED = "credentialed"
    STRANGER = "stranger"


class MessageRow(Struct, frozen=True):
    """One message between this device and a contact.

    Attributes:
        order: place in this store's order of arrival, from 1; 0 lets the store assign it.
        contact: account key of the other side.
        created_s: when it was written (out) or opened here (in), Unix seconds.
        sent_s: the sender's clock when it was written.
        expires_s: end of its lifetime on the mesh.
        carriers: how many neighbours said that they hold it durably.
        proof_hash: BLAKE2b-128 of the delivery proof of its present envelope (out); 16 zero bytes
            for incoming mail.
    """

    order: int
    id: MessageId
    direction: Direction
    contact: AccountKey
    state: MessageState
    text: str
    created_s: float
    sent_s: float
    expires_s: float
    carriers: int
    proof_hash: Tag

    def placed(self, order: int) -> MessageRow:
        """Give the same message with the order that the store gave it."""
        return replace(self, order=order)

    def sealed(self, proof_hash: Tag, expires_s: float) -> MessageRow:
        """Give the same message in a new envelope."""
        return replace(self, proof_hash=proof_hash, expires_s=expires_s)


class HistoryEntry(Struct, frozen=True):
    """One thing that happened to a message: ``kind`` is kebab-case, ``detail`` for a person."""

    at_s: float
    kind: str
    detail: str


class CustodyRow(Struct, frozen=True):
    """What is kept about one envelope besides its bytes.

    Attributes:
        commitment: bytes 22 to 38 of the envelope: a first contact's commitment.
        depositor: the neighbour that brought it; the empty string for our own.
        copies: copies that may still be given away (binary spray); meaning belongs to the router.
        received_s: Unix seconds.
    """

    id: EnvelopeId
    tag: Tag
    commitment: Tag
    size_bytes: int
    expires_s: float
    tier: Tier
    depositor: PeerId
    copies: int
    hops: int
    received_s: float


class ProofRow(Struct, frozen=True):
    """A delivery proof worth passing on until ``expires_s``; ``hash`` is BLAKE2b-128 of it."""

    hash: Tag
    proof: Proof
    expires_s: float


class RecordTier(StrEnum):
    """Why a record is kept; the order of eviction is the reverse of this one."""

    OWN = "own"
    """Published here."""
    VERIFIED = "verified"
    """Signed by somebody whom the person here trusts for such lists."""
    CONTACT = "contact"
    """A contact's node brought it."""
    STRANGER = "stranger"


@dataclass(frozen=True, slots=True)
class RecordRow:
    """What is kept about one record besides its body.

    Attributes:
        id: the hash that names it.
        key: author, kind and name: of each key one record is kept.
        header: its signed header's bytes, as received.
        depositor: the neighbour that brought it; the empty string for our own.
        issued_s, expires_s: Unix seconds, as its author says.
        received_s: Unix seconds.
    """

    id: RecordId
    key: RecordKey
    version: int
    size_bytes: int
    body_hash: bytes
    issued_s: int
    expires_s: int
    header: bytes
    tier: RecordTier
    depositor: PeerId
    received_s: float


@dataclass(frozen=True, slots=True)
class VersionRow:
    """The newest version of a record that was here, which outlives the record."""

    key: RecordKey
    version: int
    id: RecordId
    tier: RecordTier
