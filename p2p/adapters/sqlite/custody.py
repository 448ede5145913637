"""Envelopes, tombstones and proofs in SQLite."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias, cast

from p2p.adapters.sqlite.connection import Area
from p2p.ports.store import CustodyRow, ProofRow, Tier
from p2p.wire.ids import EnvelopeId, PeerId, Proof, Tag

_Columns: TypeAlias = tuple[EnvelopeId, Tag, Tag, int, float, str, PeerId, int, int, float]
_ADD = """
INSERT INTO envelopes (id, tag, commitment, size_bytes, expires_s, tier, depositor, copies, hops,
    received_s, data)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_SET_COPIES = "UPDATE envelopes SET copies = ? WHERE id = ?"
_DATA = "SELECT data FROM envelopes WHERE id = ?"
_DELETE = "DELETE FROM envelopes WHERE id = ?"
_ALL = """
SELECT id, tag, commitment, size_bytes, expires_s, tier, depositor, copies, hops, received_s
FROM envelopes ORDER BY number
"""
_ADD_TOMBSTONE = """
INSERT INTO tombstones (envelope, expires_s) VALUES (?, ?)
ON CONFLICT (envelope) DO UPDATE SET expires_s = max(expires_s, excluded.expires_s)
"""
_TOMBSTONES = "SELECT envelope, expires_s FROM tombstones ORDER BY number"
_DELETE_TOMBSTONE = "DELETE FROM tombstones WHERE envelope = ?"
_ADD_PROOF = """
INSERT INTO proofs (hash, proof, expires_s) VALUES (?, ?, ?) ON CONFLICT (hash) DO NOTHING
"""
_PROOFS = "SELECT hash, proof, expires_s FROM proofs ORDER BY number"
_DELETE_PROOF = "DELETE FROM proofs WHERE hash = ?"
_PURGE_TOMBSTONES = "DELETE FROM tombstones WHERE expires_s <= ?"
_PURGE_PROOFS = "DELETE FROM proofs WHERE expires_s <= ?"


class Custody(Area):
    """:class:`p2p.ports.store.CustodyStore` on one database."""

    def add_envelope(self, row: CustodyRow, data: bytes) -> None:
        """Keep an envelope; its id must be new."""
        values = (
            row.id,
            row.tag,
            row.commitment,
            row.size_bytes,
            row.expires_s,
            row.tier.value,
            row.depositor,
            row.copies,
            row.hops,
            row.received_s,
            data,
        )
        self._database.write(_ADD, values)

    def set_copies(self, envelope: EnvelopeId, copies: int) -> None:
        """Change how many copies may still be given away."""
        self._database.write(_SET_COPIES, (copies, envelope))

    def envelope(self, envelope: EnvelopeId) -> bytes | None:
        """Give an envelope's bytes, or None."""
        found = cast("list[tuple[bytes]]", self._database.rows(_DATA, (envelope,)))
        return found[0][0] if found else None

    def delete_envelope(self, envelope: EnvelopeId) -> None:
        """Forget an envelope."""
        self._database.write(_DELETE, (envelope,))

    def custody(self) -> Iterator[CustodyRow]:
        """Give what is kept of every envelope, in the order of receipt."""
        found = cast("list[_Columns]", self._database.rows(_ALL))
        return iter([_custody(row) for row in found])

    def add_tombstone(self, envelope: EnvelopeId, expires_s: float) -> None:
        """Remember that this envelope is finished; a known one keeps its place."""
        self._database.write(_ADD_TOMBSTONE, (envelope, expires_s))

    def tombstones(self) -> Iterator[tuple[EnvelopeId, float]]:
        """Give all tombstones with their expiry, in the order of their making."""
        return iter(cast("list[tuple[EnvelopeId, float]]", self._database.rows(_TOMBSTONES)))

    def delete_tombstone(self, envelope: EnvelopeId) -> None:
        """Forget a tombstone before its time."""
        self._database.write(_DELETE_TOMBSTONE, (envelope,))

    def add_proof(self, row: ProofRow) -> None:
        """Keep a delivery proof; one whose hash is known is ignored."""
        self._database.write(_ADD_PROOF, (row.hash, row.proof, row.expires_s))

    def proofs(self) -> Iterator[ProofRow]:
        """Give all proofs in the order of their keeping."""
        found = cast("list[tuple[Tag, Proof, float]]", self._database.rows(_PROOFS))
        return iter([ProofRow(*row) for row in found])

    def delete_proof(self, hash_: Tag) -> None:
        """Forget a proof."""
        self._database.write(_DELETE_PROOF, (hash_,))

    def purge_expired(self, now_s: float) -> None:
        """Forget tombstones and proofs whose time is over."""
        self._database.write(_PURGE_TOMBSTONES, (now_s,))
        self._database.write(_PURGE_PROOFS, (now_s,))


def _custody(row: _Columns) -> CustodyRow:
    id_, tag, commitment, size, expires_s, tier, depositor, copies, hops, received_s = row
    return CustodyRow(
        id_, tag, commitment, size, expires_s, Tier(tier), depositor, copies, hops, received_s
    )
