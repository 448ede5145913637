"""What every store does with public records and their versions."""

from __future__ import annotations

import pytest

from p2p.errors import Conflict
from p2p.ports.store import RecordTier, Store
from p2p.wire.limits import RECORD_BODY_MAX_BYTES, RECORD_PART_SIZE_BYTES
from tests.ports.store_rows import record, record_id, record_key, undone, version


class RecordContract:
    def test_comes_back_with_its_body(self, store: Store) -> None:
        with store.transaction():
            for number, tier in enumerate(RecordTier):
                store.put_record(record(number, tier=tier), b"body %d" % number)
        assert list(store.records()) == [record(n, tier=tier) for n, tier in enumerate(RecordTier)]
        assert store.record(record_key(2)) == record(2, tier=RecordTier.CONTACT)
        assert store.record_body(record_id(2)) == b"body 2"
        assert store.record(record_key(9)) is None
        assert store.record_body(record_id(9)) is None
        assert store.record_part(record_id(9), 0) is None

    @pytest.mark.parametrize("size", [1, RECORD_PART_SIZE_BYTES, RECORD_PART_SIZE_BYTES + 1])
    def test_parts(self, store: Store, size: int) -> None:
        body = (bytes(range(251)) * 70)[:size]
        with store.transaction():
            store.put_record(record(1), body)
        parts = [store.record_part(record_id(1), number) for number in range(3)]
        assert b"".join(part for part in parts if part) == body
        assert parts[0] == body[:RECORD_PART_SIZE_BYTES]
        assert parts[2] is None

    def test_the_largest(self, store: Store) -> None:
        body = bytes(range(256)) * (RECORD_BODY_MAX_BYTES // 256)
        with store.transaction():
            store.put_record(record(1), body)
        assert store.record_body(record_id(1)) == body
        assert store.size_bytes() >= RECORD_BODY_MAX_BYTES

    def test_another_version_takes_its_place(self, store: Store) -> None:
        with store.transaction():
            store.put_record(record(1), bytes(3 * RECORD_PART_SIZE_BYTES))
            store.put_record(record(2), b"other")
            store.put_record(record(3, key=record_key(1), version=8), b"newer")
        assert [row.id for row in store.records()] == [record_id(2), record_id(3)]
        kept = store.record(record_key(1))
        assert kept is not None
        assert kept.version == 8
        assert store.record_body(record_id(1)) is None
        assert store.record_part(record_id(1), 1) is None

    def test_the_same_again_is_a_conflict(self, store: Store) -> None:
        with store.transaction():
            store.put_record(record(1), b"first")
            with pytest.raises(Conflict):
                store.put_record(record(1, version=9), b"second")
            with pytest.raises(Conflict):
                store.put_record(record(1, key=record_key(5)), b"second")
        assert list(store.records()) == [record(1)]
        assert store.record_body(record_id(1)) == b"first"

    def test_tier(self, store: Store) -> None:
        with store.transaction():
            store.put_record(record(1), b"body")
            store.set_record_tier(record_id(1), RecordTier.VERIFIED)
            store.set_record_tier(record_id(9), RecordTier.VERIFIED)
        assert list(store.records()) == [record(1, tier=RecordTier.VERIFIED)]
        assert store.record_body(record_id(1)) == b"body"

    def test_delete(self, store: Store) -> None:
        with store.transaction():
            store.put_record(record(1), bytes(2 * RECORD_PART_SIZE_BYTES))
            store.delete_record(record_id(1))
            store.delete_record(record_id(9))
        assert list(store.records()) == []
        assert store.record(record_key(1)) is None
        assert store.record_part(record_id(1), 1) is None
        with store.transaction():
            store.put_record(record(1), b"again")
        assert store.record_body(record_id(1)) == b"again"

    def test_an_undone_replacement_leaves_the_older_one(self, store: Store) -> None:
        with store.transaction():
            store.put_record(record(1), b"older")
            store.put_version(version(4))
        with undone(store):
            store.put_record(record(3, key=record_key(1)), b"newer")
            store.put_version(version(4, number=9))
            store.delete_version(record_key(4))
        assert list(store.records()) == [record(1)]
        assert store.record_body(record_id(1)) == b"older"
        assert list(store.versions()) == [version(4)]

    def test_versions_outlive_their_records(self, store: Store) -> None:
        with store.transaction():
            store.put_record(record(1), b"body")
            store.put_version(version(1))
            store.delete_record(record_id(1))
        assert list(store.versions()) == [version(1)]

    def test_versions_in_the_order_of_remembering(self, store: Store) -> None:
        with store.transaction():
            for number in (3, 1, 2):
                store.put_version(version(number))
            store.put_version(version(3, number=2**63 - 1))
            store.delete_version(record_key(1))
            store.delete_version(record_key(9))
        assert list(store.versions()) == [version(2), version(3, number=2**63 - 1)]
