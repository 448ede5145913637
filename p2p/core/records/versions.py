"""The newest versions of records that have left this node: they outlive the records."""

from __future__ import annotations

from dataclasses import dataclass, field

from p2p.ports.store import RecordRow, RecordStore, RecordTier, VersionRow
from p2p.wire.ids import RecordId
from p2p.wire.record import RecordKey


@dataclass(slots=True)
class RecordVersions:
    """Loads itself from the store. Each tier has its own room, and forgets its oldest first: a
    flood of strangers' records makes nobody forget a verified one.
    """

    store: RecordStore
    per_tier_max: int
    _tiers: dict[RecordKey, RecordTier] = field(default_factory=dict[RecordKey, RecordTier])
    _rows: dict[RecordTier, dict[RecordKey, VersionRow]] = field(
        default_factory=lambda: {tier: {} for tier in RecordTier}
    )

    def __post_init__(self) -> None:
        for row in self.store.versions():
            self._index(row)

    def latest(self, key: RecordKey) -> tuple[int, RecordId] | None:
        """Give the newest version that was here and has left, with its id, or None."""
        tier = self._tiers.get(key)
        if tier is None:
            return None
        row = self._rows[tier][key]
        return row.version, row.id

    def remember(self, left: RecordRow) -> None:
        """Remember a record that leaves."""
        row = VersionRow(left.key, left.version, left.id, left.tier)
        self.store.put_version(row)
        self._index(row)
        known = self._rows[row.tier]
        if len(known) > self.per_tier_max:
            self.forget(next(iter(known)))

    def forget(self, key: RecordKey) -> None:
        """Forget a version, since the record is here again; nothing happens where there is none."""
        tier = self._tiers.pop(key, None)
        if tier is not None:
            del self._rows[tier][key]
            self.store.delete_version(key)

    def _index(self, row: VersionRow) -> None:
        self._tiers[row.key] = row.tier
        self._rows[row.tier][row.key] = row
