"""The records at this node: published here, kept for others, newest version only.

The index is in memory, bodies are in the store. What a version was of a record that has left is
remembered, so that no neighbour can bring back an older one.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from p2p.core.config import RecordConfig
from p2p.core.effects import Effect, Noted, Notify, RecordArrived, RecordDropped
from p2p.core.records.quota import RecordQuota, Used
from p2p.core.records.reader import CarriesAll, Record, RecordReader, Verdict
from p2p.core.records.versions import RecordVersions
from p2p.crypto.record_signature import author_key_of, sign_record
from p2p.errors import Conflict, InvalidInput, TooLarge
from p2p.ports.store import RecordRow, RecordStore, RecordTier
from p2p.wire.frames import RecordReason
from p2p.wire.ids import AuthorKey, PeerId, RecordId
from p2p.wire.limits import (
    RECORD_BODY_MAX_BYTES,
    RECORD_FORMAT_VERSION,
    RECORD_LIFETIME_MAX_S,
    RECORD_NAME_MAX_BYTES,
    RECORD_VERSION_MAX,
)
from p2p.wire.record import (
    SELF_SIGNED_KINDS,
    RecordHeader,
    RecordKey,
    body_hash,
    decode_record_header,
    encode_record_header,
    is_too_new,
    record_id,
)

OWN_PEER: Final = PeerId("")
LONGER_S: Final = 86_400
"""The same list under another author is worth having if it may be carried a day longer."""
UNWANTED_MAX: Final = 4_096
"""Records remembered that were refused or evicted, so that they are not fetched again."""
_RANKS: Final = {tier: rank for rank, tier in enumerate(RecordTier)}


class Records:
    """All records at this node. Loads its index from the store on construction.

    Attributes:
        author: the key under which this device publishes.
        reader: judges what comes in; set once, before the first event.
    """

    def __init__(self, store: RecordStore, author_seed: bytes, config: RecordConfig) -> None:
        self.author = author_key_of(author_seed)
        self.reader: RecordReader = CarriesAll()
        self._seed = author_seed
        self._store = store
        self._quota = RecordQuota(config)
        self._versions = RecordVersions(store, config.versions_max)
        self._rows: dict[RecordId, RecordRow] = {}
        self._ids: dict[RecordKey, RecordId] = {}
        self._same: dict[tuple[int, bytes], dict[RecordId, None]] = {}
        self._expiries: list[tuple[int, RecordId]] = []
        self._unwanted: dict[RecordId, RecordReason] = {}
        self._fresh: list[RecordId] = []
        for row in store.records():
            self._index(row)

    def __contains__(self, record: RecordId) -> bool:
        return record in self._rows

    # --- what is here ----------------------------------------------------------------------------

    def row(self, record: RecordId) -> RecordRow | None:
        """Give what is known of a record kept here, or None."""
        return self._rows.get(record)

    def get(self, author: AuthorKey, kind: int, name: bytes) -> Record | None:
        """Give a record with its body, or None."""
        record = self._ids.get(RecordKey(author, kind, name))
        return None if record is None else self._read(self._rows[record])

    def all(self, kind: int) -> list[RecordRow]:
        """Give all records of a kind in the order of their keeping, without their bodies."""
        return [row for row in self._rows.values() if row.key.kind == kind]

    def body(self, record: RecordId) -> bytes | None:
        """Give a body, or None."""
        return self._store.record_body(record)

    def part(self, record: RecordId, number: int) -> bytes | None:
        """Give one part of a body, or None."""
        return self._store.record_part(record, number)

    def same_body(self, header: RecordHeader) -> bytes | None:
        """Give the body that a header names, where another record here has the same."""
        for record in self._same.get((header.kind, header.body_hash), ()):
            return self._store.record_body(record)
        return None

    def used(self, tier: RecordTier) -> Used:
        """Give how many records a tier holds, and their bytes."""
        return self._quota.used(tier)

    def in_order_of_transfer(self) -> list[RecordId]:
        """Give all ids: own first, then verified, contacts', strangers'; smallest first in each."""
        rows = self._rows.values()
        ranked = sorted(rows, key=lambda row: (_RANKS[row.tier], row.size_bytes))
        return [row.id for row in ranked]

    def drain_fresh(self) -> list[RecordId]:
        """Give what has come to be here since the last call, to be offered to neighbours."""
        fresh, self._fresh = self._fresh, []
        return fresh

    # --- the person's side -----------------------------------------------------------------------

    def next_version(self, kind: int, name: bytes) -> int:
        """Give the lowest version that this node can publish next under a name."""
        latest = self._latest(RecordKey(self.author, kind, name))
        return 0 if latest is None else latest[0] + 1

    def publish(
        self, kind: int, name: bytes, version: int, body: bytes, expires_s: float, now_s: float
    ) -> RecordRow:
        """Publish a record of this device's, or a newer version of it.

        The very same version again, with the same body, gives what is there.

        Raises:
            Conflict: a version that is not newer was published under this name.
            InvalidInput: a field is out of its bounds, or the expiry is not ahead within 366 days.
            TooLarge: the body, or all own records together, take more than this node keeps.
        """
        _check_fields(kind, name, version, expires_s, now_s)
        if not 0 < len(body) <= RECORD_BODY_MAX_BYTES:
            raise TooLarge(f"A record's body has 1 to {RECORD_BODY_MAX_BYTES:,} bytes.")
        key = RecordKey(self.author, kind, name)
        older = self._row_of(key)
        if older is not None and older.version == version and older.body_hash == body_hash(body):
            return older
        if version < self.next_version(kind, name):
            raise Conflict("A newer version of this record was published already.")
        header = RecordHeader(
            RECORD_FORMAT_VERSION,
            kind,
            self.author,
            name,
            version,
            int(now_s),
            int(expires_s),
            len(body),
            body_hash(body),
            bytes(64),
        )
        row = _row(sign_record(self._seed, header), RecordTier.OWN, OWN_PEER, now_s)
        if not self._quota.fits(row, older):
            raise TooLarge("There is no room for one more record of one's own: withdraw another.")
        self._keep(row, body)
        return row

    def withdraw(self, kind: int, name: bytes) -> bool:
        """Stop publishing a record of one's own; others keep it until it expires.

        Returns:
            False where there is none.
        """
        row = self._row_of(RecordKey(self.author, kind, name))
        if row is None:
            return False
        self._remove(row)
        return True

    def rejudge(self, now_s: float) -> list[Effect]:
        """Have the reader judge all lists again: what it trusts has changed.

        What was refused or evicted may be fetched again from now on.
        """
        self._unwanted.clear()
        effects: list[Effect] = []
        for record in list(self._rows):
            row = self._rows.get(record)  # room for another one may have been made with it
            if row is not None and row.key.kind in SELF_SIGNED_KINDS:
                effects += self._rejudge(row, now_s) if row.tier is not RecordTier.OWN else []
        return effects

    # --- the mesh's side -------------------------------------------------------------------------

    def refusal(
        self, record: RecordId, header: RecordHeader, tier: RecordTier, now_s: float
    ) -> RecordReason | None:
        """Give why a record is not fetched, judged by its header, or None where it is.

        Lists that others have signed are fetched although their tier is full: they may turn out
        to be verified.
        """
        if record in self._rows:
            return RecordReason.HAVE
        if header.expires_s <= now_s:
            return RecordReason.EXPIRED
        if is_too_new(header, now_s):
            return RecordReason.TOO_NEW
        if header.author == self.author or self._is_old(record, header):
            return RecordReason.OLDER
        reason = self._unwanted.get(record)
        if reason is not None:
            return reason
        if header.kind in SELF_SIGNED_KINDS:
            return RecordReason.HAVE if self._has_same(header) else None
        row = _row(header, tier, OWN_PEER, now_s)
        return None if self._quota.fits(row, self._row_of(row.key)) else RecordReason.FULL

    def take(
        self, header: RecordHeader, body: bytes, tier: RecordTier, giver: PeerId, now_s: float
    ) -> tuple[RecordReason, list[Effect]]:
        """Take in a whole record whose signature and body hold; say what became of it."""
        record = record_id(header)
        reason = self.refusal(record, header, tier, now_s)
        if reason is not None:
            return reason, []
        found = Record(header, body)
        verdict = self.reader.judge(found, now_s)
        older = self._row_of(header.key)
        displaces = older is not None and older.tier is RecordTier.VERIFIED
        if verdict is Verdict.REFUSE or (verdict is Verdict.KEEP and displaces):
            self._remember_unwanted(record, RecordReason.REFUSED)
            return RecordReason.REFUSED, [Noted("record-refused")]
        if verdict is Verdict.KEEP_VERIFIED and not self._is_verified(header):
            tier = RecordTier.VERIFIED
        row = _row(header, tier, giver, now_s)
        if not self._quota.fits(row, older):
            self._remember_unwanted(record, RecordReason.FULL)
            return RecordReason.FULL, []
        effects = self._make_room(row)
        self._keep(row, body)
        effects += [Notify(RecordArrived(row)), Noted("record-taken")]
        return RecordReason.TAKEN, effects + self.reader.arrived(found, row, now_s)

    def expire(self, now_s: float) -> list[Effect]:
        """Drop what is over its time."""
        effects: list[Effect] = []
        while self._expiries and self._expiries[0][0] <= now_s:
            _, record = heapq.heappop(self._expiries)
            row = self._rows.get(record)
            if row is not None:
                effects += self._drop(row, "expired")
        return effects

    def next_expiry(self) -> float | None:
        """Give when the next record is over its time (Unix s)."""
        return float(self._expiries[0][0]) if self._expiries else None

    # --- inside ----------------------------------------------------------------------------------

    def _row_of(self, key: RecordKey) -> RecordRow | None:
        record = self._ids.get(key)
        return None if record is None else self._rows[record]

    def _latest(self, key: RecordKey) -> tuple[int, RecordId] | None:
        row = self._row_of(key)
        return self._versions.latest(key) if row is None else (row.version, row.id)

    def _is_old(self, record: RecordId, header: RecordHeader) -> bool:
        """Tell whether a newer version was here; of the same version the smaller id is newer."""
        latest = self._latest(header.key)
        if latest is None:
            return False
        version, id_ = latest
        return header.version < version or (header.version == version and record > id_)

    def _twins(self, kind: int, hash_: bytes) -> Iterator[RecordRow]:
        return (self._rows[record] for record in self._same.get((kind, hash_), ()))

    def _has_same(self, header: RecordHeader) -> bool:
        """Tell whether the same list is here under another author, for about as long."""
        twins = self._twins(header.kind, header.body_hash)
        return any(
            row.expires_s + LONGER_S >= header.expires_s and row.key != header.key for row in twins
        )

    def _is_verified(self, header: RecordHeader) -> bool:
        """Tell whether the list is in the verified tier already: its copies are strangers'."""
        twins = self._twins(header.kind, header.body_hash)
        return any(row.tier is RecordTier.VERIFIED and row.key != header.key for row in twins)

    def _read(self, row: RecordRow) -> Record:
        body = self._store.record_body(row.id)
        assert body is not None
        return Record(decode_record_header(row.header), body)

    def _rejudge(self, row: RecordRow, now_s: float) -> list[Effect]:
        record = self._read(row)
        verdict = self.reader.judge(record, now_s)
        if verdict is Verdict.REFUSE:
            self._remember_unwanted(row.id, RecordReason.REFUSED)
            return self._drop(row, "refused")
        verified = verdict is Verdict.KEEP_VERIFIED and not self._is_verified(record.header)
        if verified is (row.tier is RecordTier.VERIFIED):
            return []
        tier = RecordTier.VERIFIED if verified else RecordTier.STRANGER
        moved = replace(row, tier=tier)
        if not self._quota.is_possible(moved):
            if verified:
                return []
            self._remember_unwanted(row.id, RecordReason.FULL)
            return self._drop(row, "evicted")
        effects = self._make_room(replace(moved, received_s=now_s))
        self._quota.count(row, -1)
        self._quota.count(moved, 1)
        self._rows[row.id] = moved
        self._store.set_record_tier(row.id, tier)
        return effects

    def _make_room(self, row: RecordRow) -> list[Effect]:
        effects: list[Effect] = []
        for victim in self._quota.victims(row, self._rows.values()):
            self._remember_unwanted(victim.id, RecordReason.FULL)
            effects += self._drop(victim, "evicted")
        return effects

    def _remember_unwanted(self, record: RecordId, reason: RecordReason) -> None:
        self._unwanted[record] = reason
        if len(self._unwanted) > UNWANTED_MAX:
            del self._unwanted[next(iter(self._unwanted))]

    def _keep(self, row: RecordRow, body: bytes) -> None:
        older = self._row_of(row.key)
        if older is not None:
            self._forget(older)
        self._versions.forget(row.key)
        self._store.put_record(row, body)
        self._index(row)
        self._fresh.append(row.id)

    def _drop(self, row: RecordRow, why: str) -> list[Effect]:
        self._remove(row)
        if row.tier is RecordTier.OWN:
            return []
        return [Notify(RecordDropped(row, why)), Noted(f"record-{why}")]

    def _remove(self, row: RecordRow) -> None:
        self._forget(row)
        self._store.delete_record(row.id)
        self._versions.remember(row)

    def _index(self, row: RecordRow) -> None:
        self._rows[row.id] = row
        self._ids[row.key] = row.id
        self._same.setdefault((row.key.kind, row.body_hash), {})[row.id] = None
        heapq.heappush(self._expiries, (row.expires_s, row.id))
        self._quota.count(row, 1)

    def _forget(self, row: RecordRow) -> None:
        del self._rows[row.id]
        del self._ids[row.key]
        same = self._same[row.key.kind, row.body_hash]
        del same[row.id]
        if not same:
            del self._same[row.key.kind, row.body_hash]
        self._quota.count(row, -1)


def _row(header: RecordHeader, tier: RecordTier, giver: PeerId, now_s: float) -> RecordRow:
    return RecordRow(
        id=record_id(header),
        key=header.key,
        version=header.version,
        size_bytes=header.size_bytes,
        body_hash=header.body_hash,
        issued_s=header.issued_s,
        expires_s=header.expires_s,
        header=encode_record_header(header),
        tier=tier,
        depositor=giver,
        received_s=now_s,
    )


def _check_fields(kind: int, name: bytes, version: int, expires_s: float, now_s: float) -> None:
    if not 1 <= kind <= 255:
        raise InvalidInput("A record's kind is a number from 1 to 255.")
    if not 1 <= len(name) <= RECORD_NAME_MAX_BYTES:
        raise InvalidInput(f"A record's name has 1 to {RECORD_NAME_MAX_BYTES} bytes.")
    if not 0 <= version <= RECORD_VERSION_MAX:
        raise InvalidInput("A record's version is a number from 0 to 2^63 - 1.")
    if not now_s + 1.0 <= expires_s <= int(now_s) + RECORD_LIFETIME_MAX_S:
        raise InvalidInput("A record expires within 366 days, and not before now.")
