"""Small keyed values in SQLite."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

from p2p.adapters.sqlite.connection import Area
from p2p.ports.store import DocumentKind

_PUT = """
INSERT INTO documents (kind, key, value) VALUES (?, ?, ?)
ON CONFLICT (kind, key) DO UPDATE SET value = excluded.value
"""
_DELETE = "DELETE FROM documents WHERE kind = ? AND key = ?"
_ONE = "SELECT value FROM documents WHERE kind = ? AND key = ?"
_ALL = "SELECT key, value FROM documents WHERE kind = ? ORDER BY key"


class Documents(Area):
    """:class:`p2p.ports.store.DocumentStore` on one database."""

    def put_document(self, kind: DocumentKind, key: bytes, value: bytes) -> None:
        """Keep ``value`` under ``(kind, key)``."""
        self._database.write(_PUT, (kind.value, key, value))

    def delete_document(self, kind: DocumentKind, key: bytes) -> None:
        """Forget the document."""
        self._database.write(_DELETE, (kind.value, key))

    def document(self, kind: DocumentKind, key: bytes) -> bytes | None:
        """Give one document, or None."""
        found = cast("list[tuple[bytes]]", self._database.rows(_ONE, (kind.value, key)))
        return found[0][0] if found else None

    def documents(self, kind: DocumentKind) -> Iterator[tuple[bytes, bytes]]:
        """Give all documents of a kind in the order of their keys."""
        return iter(cast("list[tuple[bytes, bytes]]", self._database.rows(_ALL, (kind.value,))))
