"""A store in memory, for the simulator and for tests: the same behaviour as the one on disk.

It is light, since a simulation holds a thousand of them: plain dictionaries, and a transaction
writes down how to undo each change instead of copying anything.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from functools import partial

from msgspec.structs import replace

from p2p.adapters.memory_records import MemoryRecords
from p2p.adapters.undo_journal import (
    ExpiringTable,
    NumberedTable,
    UndoableTable,
    UndoJournal,
    by_number,
)
from p2p.errors import Conflict
from p2p.ports.store import (
    CustodyRow,
    Direction,
    DocumentKind,
    HistoryEntry,
    MessageRow,
    MessageState,
    ProofRow,
)
from p2p.wire.ids import AccountKey, EnvelopeId, MessageId, Tag


class MemoryStore(MemoryRecords):
    """Everything a node keeps, for as long as the process lives.

    Iterators give what was there when they were asked for. A write outside of a transaction is a
    bug of the caller and fails an assertion, as in the store on disk.
    """

    __slots__ = (
        "_documents",
        "_envelopes",
        "_history",
        "_journal",
        "_messages",
        "_orders",
        "_proofs",
        "_sequence",
        "_tombstones",
    )

    def __init__(self) -> None:
        journal = UndoJournal()
        super().__init__(journal)
        self._journal = journal
        self._documents = UndoableTable[tuple[DocumentKind, bytes], bytes](journal)
        self._messages = UndoableTable[int, MessageRow](journal)
        self._orders = UndoableTable[tuple[MessageId, Direction], int](journal)
        self._history = UndoableTable[int, tuple[HistoryEntry, ...]](journal)
        self._envelopes = NumberedTable[EnvelopeId, tuple[CustodyRow, bytes]](journal)
        self._tombstones = ExpiringTable[EnvelopeId, tuple[EnvelopeId, float]](
            journal, _end_of_tombstone
        )
        self._proofs = ExpiringTable[Tag, ProofRow](journal, _end_of_proof)
        self._sequence = 0

    def transaction(self) -> AbstractContextManager[None]:
        """Open a transaction; see :class:`p2p.ports.store.Store`."""
        return self._journal

    def size_bytes(self) -> int:
        """Give the bytes of documents, texts, envelopes and records, with nothing for overhead."""
        documents = sum(len(key) + len(value) for (_, key), value in self._documents.rows.items())
        texts = sum(len(row.text.encode()) for row in self._messages.rows.values())
        envelopes = sum(len(data) for _, (_, data) in self._envelopes.rows.values())
        return documents + texts + envelopes + self.records_size_bytes()

    def close(self) -> None:
        """Do nothing: what is here stays readable, so that a simulated node can restart."""

    def put_document(self, kind: DocumentKind, key: bytes, value: bytes) -> None:
        """Keep ``value`` under ``(kind, key)``."""
        self._documents.put((kind, key), value)

    def delete_document(self, kind: DocumentKind, key: bytes) -> None:
        """Forget the document."""
        self._documents.drop((kind, key))

    def document(self, kind: DocumentKind, key: bytes) -> bytes | None:
        """Give one document, or None."""
        return self._documents.rows.get((kind, key))

    def documents(self, kind: DocumentKind) -> Iterator[tuple[bytes, bytes]]:
        """Give all documents of a kind in the order of their keys."""
        found = [(key, value) for (of, key), value in self._documents.rows.items() if of is kind]
        found.sort()
        return iter(found)

    def add_message(self, row: MessageRow, *history: HistoryEntry) -> int:
        """Keep a new message and its history; 0 where its (id, direction) is known."""
        if (row.id, row.direction) in self._orders.rows:
            return 0
        order = row.order or self._sequence + 1
        if order in self._messages.rows:
            raise Conflict(f"There is a message number {order} already.")
        self._journal.note(partial(self._set_sequence, self._sequence))
        self._set_sequence(max(order, self._sequence))
        self._messages.put(order, row if row.order else row.placed(order))
        self._orders.put((row.id, row.direction), order)
        self._history.put(order, history)
        return order

    def _set_sequence(self, sequence: int) -> None:
        self._sequence = sequence

    def update_message(
        self,
        message: MessageId,
        direction: Direction,
        state: MessageState,
        carriers: int,
        proof_hash: Tag,
        *history: HistoryEntry,
    ) -> None:
        """Change what may change of a message, and append to its history."""
        order = self._orders.rows.get((message, direction))
        if order is not None:
            old = self._messages.rows[order]
            row = replace(old, state=state, carriers=carriers, proof_hash=proof_hash)
            self._messages.put(order, row)
            if history:
                self._history.put(order, (*self._history.rows[order], *history))

    def message(self, message: MessageId, direction: Direction) -> MessageRow | None:
        """Give one message, or None."""
        order = self._orders.rows.get((message, direction))
        return None if order is None else self._messages.rows[order]

    def messages_starting(self, prefix: str, limit: int) -> list[MessageRow]:
        """Give messages whose hexadecimal id starts with ``prefix``, in store order."""
        start = prefix.lower()
        found = (row for row in self._ordered() if row.id.hex().startswith(start))
        return _first(found, limit)

    def messages(
        self,
        *,
        direction: Direction | None,
        contact: AccountKey | None,
        states: tuple[MessageState, ...],
        after_order: int,
        limit: int,
    ) -> list[MessageRow]:
        """Give messages in store order after ``after_order``."""
        found = (
            row
            for row in self._ordered()
            if row.order > after_order
            and (direction is None or row.direction is direction)
            and (contact is None or row.contact == contact)
            and (not states or row.state in states)
        )
        return _first(found, limit)

    def newest_messages(
        self, *, direction: Direction | None, contact: AccountKey | None, limit: int
    ) -> list[MessageRow]:
        """Give the newest messages, in store order."""
        found = (
            row
            for row in reversed(self._ordered())
            if (direction is None or row.direction is direction)
            and (contact is None or row.contact == contact)
        )
        return _first(found, limit)[::-1]

    def _ordered(self) -> list[MessageRow]:
        # Rows are nearly always in order already, which sorting finds out in one pass.
        return [row for _, row in sorted(self._messages.rows.items(), key=by_number)]

    def delete_messages(self, contact: AccountKey) -> None:
        """Forget a contact's messages and their history."""
        gone = [row for row in self._messages.rows.values() if row.contact == contact]
        for row in gone:
            self._messages.drop(row.order)
            self._orders.drop((row.id, row.direction))
            self._history.drop(row.order)

    def history(self, message: MessageId, direction: Direction) -> list[HistoryEntry]:
        """Give a message's history, oldest first."""
        order = self._orders.rows.get((message, direction))
        return [] if order is None else list(self._history.rows[order])

    def add_envelope(self, row: CustodyRow, data: bytes) -> None:
        """Keep an envelope; its id must be new."""
        if row.id in self._envelopes.rows:
            raise Conflict("This envelope is kept already.")
        self._envelopes.append(row.id, (row, data))

    def set_copies(self, envelope: EnvelopeId, copies: int) -> None:
        """Change how many copies may still be given away."""
        entry = self._envelopes.rows.get(envelope)
        if entry is not None:
            number, (row, data) = entry
            self._envelopes.put(envelope, (number, (replace(row, copies=copies), data)))

    def envelope(self, envelope: EnvelopeId) -> bytes | None:
        """Give an envelope's bytes, or None."""
        entry = self._envelopes.rows.get(envelope)
        return None if entry is None else entry[1][1]

    def delete_envelope(self, envelope: EnvelopeId) -> None:
        """Forget an envelope."""
        self._envelopes.drop(envelope)

    def custody(self) -> Iterator[CustodyRow]:
        """Give what is kept of every envelope, in the order of receipt."""
        return iter([row for row, _ in self._envelopes.in_order()])

    def add_tombstone(self, envelope: EnvelopeId, expires_s: float) -> None:
        """Remember that this envelope is finished; a known one keeps its place."""
        entry = self._tombstones.rows.get(envelope)
        if entry is None:
            self._tombstones.append(envelope, (envelope, expires_s))
        else:
            number, (_, until_s) = entry
            self._tombstones.put(envelope, (number, (envelope, max(until_s, expires_s))))

    def tombstones(self) -> Iterator[tuple[EnvelopeId, float]]:
        """Give all tombstones with their expiry, in the order of their making."""
        return iter(self._tombstones.in_order())

    def delete_tombstone(self, envelope: EnvelopeId) -> None:
        """Forget a tombstone before its time."""
        self._tombstones.drop(envelope)

    def add_proof(self, row: ProofRow) -> None:
        """Keep a delivery proof; one whose hash is known is ignored."""
        if row.hash not in self._proofs.rows:
            self._proofs.append(row.hash, row)

    def proofs(self) -> Iterator[ProofRow]:
        """Give all proofs in the order of their keeping."""
        return iter(self._proofs.in_order())

    def delete_proof(self, hash_: Tag) -> None:
        """Forget a proof."""
        self._proofs.drop(hash_)

    def purge_expired(self, now_s: float) -> None:
        """Forget tombstones and proofs whose time is over."""
        self._tombstones.drop_over(now_s)
        self._proofs.drop_over(now_s)


def _first(rows: Iterator[MessageRow], limit: int) -> list[MessageRow]:
    return [row for _, row in zip(range(limit), rows, strict=False)]


def _end_of_tombstone(row: tuple[EnvelopeId, float]) -> float:
    return row[1]


def _end_of_proof(row: ProofRow) -> float:
    return row.expires_s
