"""What this node keeps of envelopes, its own and others': quota, eviction, expiry, tombstones.

The index is in memory, the bytes are in the store. Tiers: own mail is never evicted, a contact's
never for a stranger's, and among strangers whoever fills most loses first, so that a flooder
evicts itself.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from p2p.core.config import CustodyConfig
from p2p.ports.store import CustodyRow, CustodyStore, Tier
from p2p.wire.frames import RefusalReason
from p2p.wire.ids import EnvelopeId, PeerId, Tag
from p2p.wire.limits import ENVELOPES_PER_TAG_MAX

# Named once, as the stages of a link are.
_OWN: Final = Tier.OWN
_STRANGER: Final = Tier.STRANGER
_WELCOME: Final = (Tier.CONTACT, Tier.CREDENTIALED)
_RANKS: Final = {tier: rank for rank, tier in enumerate(Tier)}


class Dropped(Struct, frozen=True):
    """An envelope that left custody."""

    row: CustodyRow
    why: str


class Custody:
    """The envelopes at this node. Loads its index from the store on construction."""

    def __init__(self, store: CustodyStore, config: CustodyConfig) -> None:
        self._store = store
        self._config = config
        self._rows: dict[EnvelopeId, CustodyRow] = {}
        self._by_hash: dict[Tag, dict[EnvelopeId, None]] = {}
        self._expiries: list[tuple[float, EnvelopeId]] = []
        self._unanswered: dict[EnvelopeId, int] = {}
        self._tombstones: dict[EnvelopeId, float] = dict(store.tombstones())
        self._tier_bytes: dict[Tier, int] = dict.fromkeys(Tier, 0)
        self._tier_count: dict[Tier, int] = dict.fromkeys(Tier, 0)
        self._depositor_bytes: dict[PeerId, int] = {}
        self._ordered: tuple[EnvelopeId, ...] = ()
        self._is_ordered = False
        for row in store.custody():
            self._index(row)

    def __contains__(self, envelope: EnvelopeId) -> bool:
        return envelope in self._rows

    def row(self, envelope: EnvelopeId) -> CustodyRow | None:
        """Give what is known of an envelope kept here, or None."""
        return self._rows.get(envelope)

    def data(self, envelope: EnvelopeId) -> bytes | None:
        """Give an envelope's bytes, or None."""
        return self._store.envelope(envelope)

    def finished(self, envelope: EnvelopeId) -> bool:
        """Tell whether this envelope was here and is done with."""
        return envelope in self._tombstones

    def matching(self, hash_: Tag) -> list[CustodyRow]:
        """Give the envelopes whose tag or commitment is ``hash_``."""
        return [self._rows[envelope] for envelope in self._by_hash.get(hash_, ())]

    def matched(self, hashes: list[Tag]) -> list[Tag]:
        """Give those of some hashes that are the tag or commitment of an envelope kept here."""
        known = self._by_hash
        return [hash_ for hash_ in hashes if hash_ in known]

    def in_order_of_transfer(self) -> tuple[EnvelopeId, ...]:
        """Give all ids: own first, then contacts', then others; smallest first within each."""
        if not self._is_ordered:
            ranked = sorted(
                self._rows.values(), key=lambda row: (_RANKS[row.tier], self._room_of(row))
            )
            self._ordered = tuple(row.id for row in ranked)
            self._is_ordered = True
        return self._ordered

    def carried_for_others(self) -> tuple[int, int]:
        """Give how many envelopes are kept for others, and their bytes."""
        count = len(self._rows) - self._tier_count[_OWN]
        return count, sum(self._tier_bytes.values()) - self._tier_bytes[_OWN]

    def room_for(self, envelope: EnvelopeId, size_bytes: int) -> int:
        """Give how many bytes of the quotas an envelope of that size takes."""
        return self._config.charge(envelope, size_bytes)

    def refusal(
        self, tag: Tag, size_bytes: int, tier: Tier, depositor: PeerId
    ) -> RefusalReason | None:
        """Give why so many bytes for somebody else cannot be kept, or None where they can."""
        if len(self._by_hash.get(tag, ())) >= ENVELOPES_PER_TAG_MAX:
            return RefusalReason.TAG_CROWDED
        if tier in _WELCOME:
            fits = self._tier_bytes[tier] + size_bytes <= self._config.contacts_max_bytes
            return None if fits else RefusalReason.FULL
        used = self._depositor_bytes.get(depositor, 0)
        limit = min(self._config.depositor_max_bytes, self._config.strangers_max_bytes)
        return RefusalReason.FULL if used + size_bytes > limit else None

    def add(self, row: CustodyRow, data: bytes) -> list[Dropped]:
        """Keep an envelope whose :meth:`refusal` is None; give what had to leave for it."""
        dropped = self._make_room(row) if row.tier is _STRANGER else []
        self._store.add_envelope(row, data)
        self._index(row)
        return dropped

    def set_copies(self, envelope: EnvelopeId, copies: int) -> None:
        """Change how many copies may still be given away."""
        row = self._rows.get(envelope)
        if row is not None and row.copies != copies:
            self._rows[envelope] = replace(row, copies=copies)
            self._store.set_copies(envelope, copies)

    def note_given(self, row: CustodyRow) -> None:
        """Take note that an envelope of ours is on its way to somebody."""
        if row.tier is _OWN:
            self._unanswered[row.id] = self._unanswered.get(row.id, 0) + 1

    def note_refused(self, envelope: EnvelopeId) -> None:
        """Take note that somebody to whom it was given does not have it."""
        count = self._unanswered.pop(envelope, 0)
        if count > 1:
            self._unanswered[envelope] = count - 1

    def is_unanswered(self, envelope: EnvelopeId) -> bool:
        """Tell whether somebody may have an envelope without having said so to this process."""
        return envelope in self._unanswered

    def finish(self, envelope: EnvelopeId, why: str) -> Dropped | None:
        """Drop an envelope and remember until its expiry that it is done with."""
        dropped = self.release(envelope, why)
        if dropped is not None:
            self.bury(envelope, dropped.row.expires_s)
        return dropped

    def release(self, envelope: EnvelopeId, why: str) -> Dropped | None:
        """Drop an envelope that needs no tombstone: the proof of its tag is known."""
        row = self._rows.get(envelope)
        if row is None:
            return None
        self._remove(row)
        return Dropped(row, why)

    def bury(self, envelope: EnvelopeId, expires_s: float) -> None:
        """Remember until ``expires_s`` that an envelope is done with, though it is not kept."""
        if envelope not in self._tombstones:
            self._tombstones[envelope] = expires_s
            self._store.add_tombstone(envelope, expires_s)
            if len(self._tombstones) > self._config.tombstones_max:
                oldest = next(iter(self._tombstones))
                del self._tombstones[oldest]
                self._store.delete_tombstone(oldest)

    def expire(self, now_s: float) -> list[Dropped]:
        """Drop what is over its time, and forget old tombstones."""
        dropped: list[Dropped] = []
        while self._expiries and self._expiries[0][0] <= now_s:
            _, envelope = heapq.heappop(self._expiries)
            row = self._rows.get(envelope)
            if row is not None:
                self._remove(row)
                dropped.append(Dropped(row, "expired"))
        return dropped

    def forget_tombstones(self, now_s: float) -> None:
        """Forget tombstones whose envelopes nobody may carry any more."""
        for envelope in [e for e, expires_s in self._tombstones.items() if expires_s <= now_s]:
            del self._tombstones[envelope]

    def next_expiry(self) -> float | None:
        """Give when the next envelope is over its time (Unix s)."""
        return self._expiries[0][0] if self._expiries else None

    def rows(self) -> Iterator[CustodyRow]:
        """Give what is known of every envelope, in the order of receipt."""
        return iter(self._rows.values())

    def _index(self, row: CustodyRow) -> None:
        self._is_ordered = False
        self._rows[row.id] = row
        self._by_hash.setdefault(row.tag, {})[row.id] = None
        self._by_hash.setdefault(row.commitment, {})[row.id] = None
        heapq.heappush(self._expiries, (row.expires_s, row.id))
        self._count(row, 1)

    def _remove(self, row: CustodyRow) -> None:
        self._is_ordered = False
        self._unanswered.pop(row.id, None)
        del self._rows[row.id]
        for hash_ in (row.tag, row.commitment):
            others = self._by_hash.get(hash_)
            if others is not None:
                others.pop(row.id, None)
                if not others:
                    del self._by_hash[hash_]
        self._count(row, -1)
        self._store.delete_envelope(row.id)

    def _room_of(self, row: CustodyRow) -> int:
        return self._config.charge(row.id, row.size_bytes)

    def _count(self, row: CustodyRow, sign: int) -> None:
        # Our own mail is under no quota, so that what is charged may be decided after it is kept.
        room_bytes = sign * (row.size_bytes if row.tier is _OWN else self._room_of(row))
        self._tier_count[row.tier] += sign
        self._tier_bytes[row.tier] += room_bytes
        if row.tier is _STRANGER:
            used = self._depositor_bytes.get(row.depositor, 0) + room_bytes
            if used:
                self._depositor_bytes[row.depositor] = used
            else:
                self._depositor_bytes.pop(row.depositor, None)

    def _make_room(self, newcomer: CustodyRow) -> list[Dropped]:
        dropped: list[Dropped] = []
        tier = _STRANGER
        room_bytes = self._room_of(newcomer)
        while (
            self._tier_bytes[tier] + room_bytes > self._config.strangers_max_bytes
            or self._tier_count[tier] >= self._config.strangers_max_count
        ):
            greediest = max(self._depositor_bytes, key=self._depositor_bytes.__getitem__)
            dropped += self._evict_from(greediest, newcomer)
        return dropped

    def _evict_from(self, depositor: PeerId, newcomer: CustodyRow) -> list[Dropped]:
        """Evict one depositor's heaviest, by age x size: several, since ranking is a scan."""
        mine = [
            row
            for row in self._rows.values()
            if row.depositor == depositor and row.tier is _STRANGER
        ]
        now_s = newcomer.received_s
        mine.sort(key=lambda row: (now_s - row.received_s + 1.0) * self._room_of(row), reverse=True)
        dropped: list[Dropped] = []
        for row in mine[: max(1, len(mine) // 64)]:
            finished = self.finish(row.id, "evicted")
            if finished is not None:
                dropped.append(finished)
        return dropped
