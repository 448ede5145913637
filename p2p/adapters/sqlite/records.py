"""Records and their versions in SQLite. Bodies lie in parts, so that serving one reads no other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias, cast

from p2p.adapters.sqlite.connection import Area
from p2p.ports.store import RecordRow, RecordTier, VersionRow
from p2p.wire.ids import AuthorKey, PeerId, RecordId
from p2p.wire.limits import RECORD_PART_SIZE_BYTES
from p2p.wire.record import RecordKey

_Columns: TypeAlias = tuple[
    RecordId, AuthorKey, int, bytes, int, int, bytes, int, int, bytes, str, PeerId, float
]
_ADD = """
INSERT INTO records (id, author, kind, name, version, size_bytes, body_hash, issued_s, expires_s,
    header, tier, depositor, received_s)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_ALL = """
SELECT id, author, kind, name, version, size_bytes, body_hash, issued_s, expires_s,
    header, tier, depositor, received_s
FROM records ORDER BY number
"""
_ONE = """
SELECT id, author, kind, name, version, size_bytes, body_hash, issued_s, expires_s,
    header, tier, depositor, received_s
FROM records WHERE author = ? AND kind = ? AND name = ?
"""
_ID_OF = "SELECT id FROM records WHERE author = ? AND kind = ? AND name = ?"
_IS_THERE = "SELECT number FROM records WHERE id = ?"
_SET_TIER = "UPDATE records SET tier = ? WHERE id = ?"
_DELETE = "DELETE FROM records WHERE id = ?"
_ADD_PART = "INSERT INTO record_parts (record, place, data) VALUES (?, ?, ?)"
_PART = "SELECT data FROM record_parts WHERE record = ? AND place = ?"
_PARTS = "SELECT data FROM record_parts WHERE record = ? ORDER BY place"
_DELETE_PARTS = "DELETE FROM record_parts WHERE record = ?"
_ADD_VERSION = """
INSERT INTO record_versions (author, kind, name, version, id, tier) VALUES (?, ?, ?, ?, ?, ?)
"""
_DELETE_VERSION = "DELETE FROM record_versions WHERE author = ? AND kind = ? AND name = ?"
_VERSIONS = "SELECT author, kind, name, version, id, tier FROM record_versions ORDER BY number"


class Records(Area):
    """:class:`p2p.ports.store.RecordStore` on one database."""

    def put_record(self, row: RecordRow, body: bytes) -> None:
        """Keep a record, in the place of another version of its key."""
        if not self._database.rows(_IS_THERE, (row.id,)):
            older = cast("list[tuple[RecordId]]", self._database.rows(_ID_OF, row.key))
            for (record,) in older:
                self.delete_record(record)
        values = (
            row.id,
            *row.key,
            row.version,
            row.size_bytes,
            row.body_hash,
            row.issued_s,
            row.expires_s,
            row.header,
            row.tier.value,
            row.depositor,
            row.received_s,
        )
        self._database.write(_ADD, values)
        for start in range(0, len(body), RECORD_PART_SIZE_BYTES):
            part = body[start : start + RECORD_PART_SIZE_BYTES]
            self._database.write(_ADD_PART, (row.id, start // RECORD_PART_SIZE_BYTES, part))

    def record(self, key: RecordKey) -> RecordRow | None:
        """Give one record without its body, or None."""
        found = cast("list[_Columns]", self._database.rows(_ONE, key))
        return _row(found[0]) if found else None

    def record_body(self, record: RecordId) -> bytes | None:
        """Give a whole body, or None."""
        parts = cast("list[tuple[bytes]]", self._database.rows(_PARTS, (record,)))
        return b"".join(data for (data,) in parts) or None

    def record_part(self, record: RecordId, number: int) -> bytes | None:
        """Give one part of a body, or None."""
        found = cast("list[tuple[bytes]]", self._database.rows(_PART, (record, number)))
        return found[0][0] if found else None

    def set_record_tier(self, record: RecordId, tier: RecordTier) -> None:
        """Change why a record is kept."""
        self._database.write(_SET_TIER, (tier.value, record))

    def delete_record(self, record: RecordId) -> None:
        """Forget a record."""
        self._database.write(_DELETE_PARTS, (record,))
        self._database.write(_DELETE, (record,))

    def records(self) -> Iterator[RecordRow]:
        """Give all records, in the order of their keeping."""
        return iter([_row(found) for found in cast("list[_Columns]", self._database.rows(_ALL))])

    def put_version(self, row: VersionRow) -> None:
        """Remember a version, as the newest of all."""
        self._database.write(_DELETE_VERSION, row.key)
        self._database.write(_ADD_VERSION, (*row.key, row.version, row.id, row.tier.value))

    def delete_version(self, key: RecordKey) -> None:
        """Forget a version."""
        self._database.write(_DELETE_VERSION, key)

    def versions(self) -> Iterator[VersionRow]:
        """Give all versions, in the order of their remembering."""
        found = cast(
            "list[tuple[AuthorKey, int, bytes, int, RecordId, str]]",
            self._database.rows(_VERSIONS),
        )
        return iter(
            [
                VersionRow(RecordKey(author, kind, name), version, id_, RecordTier(tier))
                for author, kind, name, version, id_, tier in found
            ]
        )


def _row(columns: _Columns) -> RecordRow:
    id_, author, kind, name, version, size_bytes, hash_, issued_s, expires_s = columns[:9]
    header, tier, depositor, received_s = columns[9:]
    return RecordRow(
        id_,
        RecordKey(author, kind, name),
        version,
        size_bytes,
        hash_,
        issued_s,
        expires_s,
        header,
        RecordTier(tier),
        depositor,
        received_s,
    )
