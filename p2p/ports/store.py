"""What a node keeps, and how it asks for it. Synchronous: a shell wraps each batch of the node's
work in one :meth:`Store.transaction` and lets effects leave only after it has committed.

The values are in :mod:`p2p.ports.rows` and can be had from here. Every adapter passes the same
contract suite, ``tests/ports/``. Iterators give what was there when they were asked for, so the
store may change while they are used.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Protocol

from p2p.ports.rows import (
    CustodyRow,
    Direction,
    DocumentKind,
    HistoryEntry,
    MessageRow,
    MessageState,
    ProofRow,
    RecordRow,
    RecordTier,
    Tier,
    VersionRow,
)
from p2p.wire.ids import AccountKey, EnvelopeId, MessageId, RecordId, Tag
from p2p.wire.record import RecordKey

__all__ = [
    "CustodyRow",
    "CustodyStore",
    "Direction",
    "DocumentKind",
    "DocumentStore",
    "HistoryEntry",
    "MessageRow",
    "MessageState",
    "MessageStore",
    "ProofRow",
    "RecordRow",
    "RecordStore",
    "RecordTier",
    "Store",
    "Tier",
    "VersionRow",
]


class DocumentStore(Protocol):
    """Small keyed values: contacts, sessions, bundles, settings."""

    def put_document(self, kind: DocumentKind, key: bytes, value: bytes) -> None:
        """Keep ``value`` under ``(kind, key)``, replacing what was there."""
        ...

    def delete_document(self, kind: DocumentKind, key: bytes) -> None:
        """Forget the document; nothing happens where there is none."""
        ...

    def document(self, kind: DocumentKind, key: bytes) -> bytes | None:
        """Give one document, or None."""
        ...

    def documents(self, kind: DocumentKind) -> Iterator[tuple[bytes, bytes]]:
        """Give all documents of a kind in the order of their keys."""
        ...


class MessageStore(Protocol):
    """The mail that people see, with its history."""

    def add_message(self, row: MessageRow, *history: HistoryEntry) -> int:
        """Keep a new message with the beginning of its history; give its order, or 0, and keep
        nothing, where its (id, direction) is known.

        An order of 0 becomes one more than the highest order ever given here.

        Raises:
            Conflict: the order it names is taken; nothing was changed.
        """
        ...

    def update_message(
        self,
        message: MessageId,
        direction: Direction,
        state: MessageState,
        carriers: int,
        proof_hash: Tag,
        *history: HistoryEntry,
    ) -> None:
        """Change what may change of a message, and append to its history; nothing happens where
        it is unknown.
        """
        ...

    def message(self, message: MessageId, direction: Direction) -> MessageRow | None:
        """Give one message, or None."""
        ...

    def messages_starting(self, prefix: str, limit: int) -> list[MessageRow]:
        """Give messages whose hexadecimal id starts with ``prefix``, at most ``limit``, in store
        order.
        """
        ...

    def messages(
        self,
        *,
        direction: Direction | None,
        contact: AccountKey | None,
        states: tuple[MessageState, ...],
        after_order: int,
        limit: int,
    ) -> list[MessageRow]:
        """Give messages in store order after ``after_order``; no ``states`` means any state."""
        ...

    def newest_messages(
        self, *, direction: Direction | None, contact: AccountKey | None, limit: int
    ) -> list[MessageRow]:
        """Give the newest messages, in store order."""
        ...

    def delete_messages(self, contact: AccountKey) -> None:
        """Forget a contact's messages and their history."""
        ...

    def history(self, message: MessageId, direction: Direction) -> list[HistoryEntry]:
        """Give a message's history, oldest first; empty where it is unknown."""
        ...


class CustodyStore(Protocol):
    """Envelopes kept for others and for ourselves, tombstones and proofs."""

    def add_envelope(self, row: CustodyRow, data: bytes) -> None:
        """Keep an envelope; its id must be new.

        Raises:
            Conflict: it is not; nothing was changed.
        """
        ...

    def set_copies(self, envelope: EnvelopeId, copies: int) -> None:
        """Change how many copies may still be given away; nothing happens where it is unknown."""
        ...

    def envelope(self, envelope: EnvelopeId) -> bytes | None:
        """Give an envelope's bytes, or None."""
        ...

    def delete_envelope(self, envelope: EnvelopeId) -> None:
        """Forget an envelope; nothing happens where there is none."""
        ...

    def custody(self) -> Iterator[CustodyRow]:
        """Give what is kept of every envelope, in the order of receipt."""
        ...

    def add_tombstone(self, envelope: EnvelopeId, expires_s: float) -> None:
        """Remember, until then, that this envelope was here and is finished; a known one keeps
        its place and the later of the two times.
        """
        ...

    def tombstones(self) -> Iterator[tuple[EnvelopeId, float]]:
        """Give all tombstones with their expiry, in the order of their making."""
        ...

    def delete_tombstone(self, envelope: EnvelopeId) -> None:
        """Forget a tombstone before its time; nothing happens where there is none."""
        ...

    def add_proof(self, row: ProofRow) -> None:
        """Keep a delivery proof; one whose hash is known is ignored."""
        ...

    def proofs(self) -> Iterator[ProofRow]:
        """Give all proofs in the order of their keeping."""
        ...

    def delete_proof(self, hash_: Tag) -> None:
        """Forget a proof; nothing happens where there is none."""
        ...

    def purge_expired(self, now_s: float) -> None:
        """Forget tombstones and proofs whose time is over (envelopes: the node decides)."""
        ...


class RecordStore(Protocol):
    """Public records, and which versions of them were here."""

    def put_record(self, row: RecordRow, body: bytes) -> None:
        """Keep a record, in the place of another version of its key.

        Raises:
            Conflict: this very record is kept already; nothing was changed.
        """
        ...

    def record(self, key: RecordKey) -> RecordRow | None:
        """Give one record without its body, or None."""
        ...

    def record_body(self, record: RecordId) -> bytes | None:
        """Give a whole body, or None."""
        ...

    def record_part(self, record: RecordId, number: int) -> bytes | None:
        """Give part ``number`` of a body, RECORD_PART_SIZE_BYTES or what is left at its end, or
        None; its cost does not depend on the size of the body.
        """
        ...

    def set_record_tier(self, record: RecordId, tier: RecordTier) -> None:
        """Change why a record is kept; nothing happens where it is unknown."""
        ...

    def delete_record(self, record: RecordId) -> None:
        """Forget a record; nothing happens where there is none."""
        ...

    def records(self) -> Iterator[RecordRow]:
        """Give all records, in the order of their keeping."""
        ...

    def put_version(self, row: VersionRow) -> None:
        """Remember a version, in the place of another one of its key, as the newest of all."""
        ...

    def delete_version(self, key: RecordKey) -> None:
        """Forget a version; nothing happens where there is none."""
        ...

    def versions(self) -> Iterator[VersionRow]:
        """Give all versions, in the order of their remembering."""
        ...


class Store(DocumentStore, MessageStore, CustodyStore, RecordStore, Protocol):
    """Everything a node keeps, under one transaction."""

    def transaction(self) -> AbstractContextManager[None]:
        """Open a transaction: commits on leaving, rolls back on any exception. Not reentrant.

        Reads are allowed outside; a write outside is a bug and fails an assertion. On return of
        the context everything written is durable: it survives kill -9 and, with
        ``synchronous=FULL``, loss of power.

        Raises:
            StoreFull: the device has no room; everything is rolled back.
            StoreDamaged: the store cannot be read or written as ours.
        """
        ...

    def size_bytes(self) -> int:
        """Give roughly how much room the store takes."""
        ...

    def close(self) -> None:
        """Release the store; it must not be used after."""
        ...
