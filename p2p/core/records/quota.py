"""How much of others' records is kept, and who loses first when there is no room.

Each tier has its own room, so that strangers cannot push out what is verified. Inside a tier the
neighbour that filled most loses first: a flooder evicts itself.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from p2p.core.config import RecordConfig
from p2p.ports.store import RecordRow, RecordTier
from p2p.wire.ids import AuthorKey, PeerId
from p2p.wire.record import SELF_SIGNED_KINDS

OTHER_KINDS: Final = 0
"""Stands for all kinds that mean nothing here: they share one quota."""


@dataclass(slots=True)
class Used:
    """So many records of so many bytes."""

    count: int = 0
    size_bytes: int = 0

    def add(self, size_bytes: int, sign: int) -> None:
        """Count one record in (1) or out (-1)."""
        self.count += sign
        self.size_bytes += sign * size_bytes


@dataclass(slots=True)
class RecordQuota:
    """Counts what is kept, and says what fits."""

    config: RecordConfig
    _tiers: dict[RecordTier, Used] = field(
        default_factory=lambda: {tier: Used() for tier in RecordTier}
    )
    _authors: dict[AuthorKey, Used] = field(default_factory=dict[AuthorKey, Used])
    _kinds: dict[int, Used] = field(default_factory=dict[int, Used])

    def used(self, tier: RecordTier) -> Used:
        """Give what a tier holds."""
        return self._tiers[tier]

    def count(self, row: RecordRow, sign: int) -> None:
        """Count a record in (1) or out (-1)."""
        self._tiers[row.tier].add(row.size_bytes, sign)
        if row.tier in (RecordTier.CONTACT, RecordTier.STRANGER):
            author = self._authors.setdefault(row.key.author, Used())
            author.add(row.size_bytes, sign)
            if not author.count:
                del self._authors[row.key.author]
        if row.tier is RecordTier.STRANGER:
            self._kinds.setdefault(_kind(row), Used()).add(row.size_bytes, sign)

    def fits(self, row: RecordRow, replaced: RecordRow | None) -> bool:
        """Tell whether a record can be kept at all, in the place of an older one or beside all.

        Records of the author and our own are never evicted for it; others of its tier may be.
        """
        if not self.is_possible(row):
            return False
        if row.tier is RecordTier.OWN:
            max_bytes, max_count = self.limits(row.tier)
            return self._fits_beside(self._tiers[row.tier], row, replaced, max_bytes, max_count)
        if row.tier is RecordTier.VERIFIED:
            return True
        author = self._authors.get(row.key.author, Used())
        max_bytes, max_count = self.config.author_max_bytes, self.config.author_max_count
        return self._fits_beside(author, row, replaced, max_bytes, max_count)

    def is_possible(self, row: RecordRow) -> bool:
        """Tell whether the tier of a record could hold it if nothing else were there."""
        max_bytes, max_count = self.limits(row.tier)
        if row.tier is RecordTier.STRANGER:
            max_bytes = min(max_bytes, self.config.kind_max_bytes)
        return row.size_bytes <= max_bytes and max_count > 0

    def victims(self, row: RecordRow, rows: Iterable[RecordRow]) -> list[RecordRow]:
        """Give what of ``rows`` has to go for a neighbour's record that is possible."""
        rivals = [other for other in rows if other.tier is row.tier and other.key != row.key]
        gone: list[RecordRow] = []
        if row.tier is RecordTier.STRANGER:
            same = [other for other in rivals if _kind(other) == _kind(row)]
            gone = _heaviest(same, row, self.config.kind_max_bytes, self.config.strangers_max_count)
            rivals = [other for other in rivals if other not in gone]
        return gone + _heaviest(rivals, row, *self.limits(row.tier))

    def limits(self, tier: RecordTier) -> tuple[int, int]:
        """Give how many bytes and how many records a tier may hold."""
        config = self.config
        match tier:
            case RecordTier.OWN:
                return config.own_max_bytes, config.own_max_count
            case RecordTier.VERIFIED:
                return config.verified_max_bytes, config.verified_max_count
            case RecordTier.CONTACT:
                return config.contacts_max_bytes, config.contacts_max_count
            case RecordTier.STRANGER:
                return config.strangers_max_bytes, config.strangers_max_count

    def _fits_beside(
        self, used: Used, row: RecordRow, replaced: RecordRow | None, max_bytes: int, max_count: int
    ) -> bool:
        freed = 0 if replaced is None else replaced.size_bytes
        room = used.size_bytes - freed + row.size_bytes <= max_bytes
        return room and used.count - (replaced is not None) < max_count


def _kind(row: RecordRow) -> int:
    return row.key.kind if row.key.kind in SELF_SIGNED_KINDS else OTHER_KINDS


def _heaviest(
    rivals: list[RecordRow], newcomer: RecordRow, max_bytes: int, max_count: int
) -> list[RecordRow]:
    """Give whom to evict: the heaviest (age x size) of whoever holds most.

    Most bytes where bytes are short, most records where these are: a thousand small records do
    not push out another neighbour's large one.
    """
    size_bytes, count = sum(row.size_bytes for row in rivals), len(rivals)
    if size_bytes + newcomer.size_bytes <= max_bytes and count < max_count:
        return []
    held: dict[PeerId, list[RecordRow]] = {}
    used: dict[PeerId, Used] = {}
    now_s = newcomer.received_s
    for row in sorted(rivals, key=lambda row: (now_s - row.received_s + 1.0) * row.size_bytes):
        held.setdefault(row.depositor, []).append(row)
        used.setdefault(row.depositor, Used()).add(row.size_bytes, 1)
    gone: list[RecordRow] = []
    while (crowded := size_bytes + newcomer.size_bytes > max_bytes) or count >= max_count:
        greediest = max(used, key=lambda peer: _measure(used[peer], by_bytes=crowded))
        row = held[greediest].pop()
        used[greediest].add(row.size_bytes, -1)
        if not held[greediest]:
            del used[greediest]
        size_bytes, count = size_bytes - row.size_bytes, count - 1
        gone.append(row)
    return gone


def _measure(used: Used, *, by_bytes: bool) -> int:
    return used.size_bytes if by_bytes else used.count
