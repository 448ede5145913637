"""The records' part of the store in memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from p2p.adapters.undo_journal import NumberedTable, UndoableTable, UndoJournal
from p2p.errors import Conflict
from p2p.ports.store import RecordRow, RecordTier, VersionRow
from p2p.wire.ids import RecordId
from p2p.wire.limits import RECORD_PART_SIZE_BYTES
from p2p.wire.record import RecordKey


class MemoryRecords:
    """:class:`p2p.ports.store.RecordStore` on dictionaries."""

    __slots__ = ("_record_ids", "_records", "_versions")

    def __init__(self, journal: UndoJournal) -> None:
        self._records = NumberedTable[RecordId, tuple[RecordRow, bytes]](journal)
        self._record_ids = UndoableTable[RecordKey, RecordId](journal)
        self._versions = NumberedTable[RecordKey, VersionRow](journal)

    def records_size_bytes(self) -> int:
        """Give the bytes of all headers and bodies."""
        kept = self._records.rows.values()
        return sum(len(row.header) + len(body) for _, (row, body) in kept)

    def put_record(self, row: RecordRow, body: bytes) -> None:
        """Keep a record, in the place of another version of its key."""
        if row.id in self._records.rows:
            raise Conflict("This record is kept already.")
        older = self._record_ids.rows.get(row.key)
        if older is not None:
            self._records.drop(older)
        self._records.append(row.id, (row, body))
        self._record_ids.put(row.key, row.id)

    def record(self, key: RecordKey) -> RecordRow | None:
        """Give one record without its body, or None."""
        record = self._record_ids.rows.get(key)
        return None if record is None else self._records.rows[record][1][0]

    def record_body(self, record: RecordId) -> bytes | None:
        """Give a whole body, or None."""
        entry = self._records.rows.get(record)
        return None if entry is None else entry[1][1]

    def record_part(self, record: RecordId, number: int) -> bytes | None:
        """Give one part of a body, or None."""
        entry = self._records.rows.get(record)
        if entry is None:
            return None
        start = number * RECORD_PART_SIZE_BYTES
        return entry[1][1][start : start + RECORD_PART_SIZE_BYTES] or None

    def set_record_tier(self, record: RecordId, tier: RecordTier) -> None:
        """Change why a record is kept."""
        entry = self._records.rows.get(record)
        if entry is not None:
            number, (row, body) = entry
            self._records.put(record, (number, (replace(row, tier=tier), body)))

    def delete_record(self, record: RecordId) -> None:
        """Forget a record."""
        entry = self._records.rows.get(record)
        if entry is not None:
            self._record_ids.drop(entry[1][0].key)
            self._records.drop(record)

    def records(self) -> Iterator[RecordRow]:
        """Give all records, in the order of their keeping."""
        return iter([row for row, _ in self._records.in_order()])

    def put_version(self, row: VersionRow) -> None:
        """Remember a version, as the newest of all."""
        self._versions.append(row.key, row)

    def delete_version(self, key: RecordKey) -> None:
        """Forget a version."""
        self._versions.drop(key)

    def versions(self) -> Iterator[VersionRow]:
        """Give all versions, in the order of their remembering."""
        return iter(self._versions.in_order())
