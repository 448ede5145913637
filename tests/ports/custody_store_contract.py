"""What every store does with envelopes, tombstones and proofs."""

from __future__ import annotations

import pytest

from p2p.errors import Conflict
from p2p.ports.store import Store, Tier
from tests.ports.store_rows import custody, envelope_id, proof, undone


class CustodyContract:
    def test_comes_back_as_it_was(self, store: Store) -> None:
        data = bytes(range(256)) * 256
        with store.transaction():
            for number, tier in enumerate(Tier):
                store.add_envelope(custody(number, tier=tier), data)
        assert list(store.custody()) == [custody(n, tier=tier) for n, tier in enumerate(Tier)]
        assert store.envelope(envelope_id(0)) == data
        assert store.envelope(envelope_id(9)) is None

    def test_its_id_must_be_new(self, store: Store) -> None:
        with store.transaction():
            store.add_envelope(custody(1), b"first")
            with pytest.raises(Conflict):
                store.add_envelope(custody(1, copies=1), b"second")
        assert store.envelope(envelope_id(1)) == b"first"
        assert list(store.custody()) == [custody(1)]

    def test_in_the_order_of_receipt(self, store: Store) -> None:
        with store.transaction():
            for number in (5, 3, 9, 1):
                store.add_envelope(custody(number), b"")
            store.set_copies(envelope_id(5), 4)
            store.delete_envelope(envelope_id(9))
            store.add_envelope(custody(9), b"")
        with undone(store):
            store.delete_envelope(envelope_id(3))
        assert [row.id for row in store.custody()] == [envelope_id(n) for n in (5, 3, 1, 9)]

    def test_copies(self, store: Store) -> None:
        with store.transaction():
            store.add_envelope(custody(1), b"data")
            store.set_copies(envelope_id(1), 0)
            store.set_copies(envelope_id(2), 4)
        assert list(store.custody()) == [custody(1, copies=0)]
        assert store.envelope(envelope_id(1)) == b"data"

    def test_delete(self, store: Store) -> None:
        with store.transaction():
            store.add_envelope(custody(1), b"data")
            store.delete_envelope(envelope_id(1))
            store.delete_envelope(envelope_id(2))
        assert store.envelope(envelope_id(1)) is None
        assert list(store.custody()) == []

    def test_tombstones(self, store: Store) -> None:
        with store.transaction():
            for number in (3, 1, 2):
                store.add_tombstone(envelope_id(number), 100.0)
            store.add_tombstone(envelope_id(3), 50.0)
            store.add_tombstone(envelope_id(1), 150.0)
            store.delete_tombstone(envelope_id(2))
            store.delete_tombstone(envelope_id(9))
        assert list(store.tombstones()) == [(envelope_id(3), 100.0), (envelope_id(1), 150.0)]

    def test_proofs(self, store: Store) -> None:
        with store.transaction():
            for number in (3, 1, 2):
                store.add_proof(proof(number))
            store.add_proof(proof(3, expires_s=9_999.0))
            store.delete_proof(proof(1).hash)
            store.delete_proof(proof(9).hash)
        assert list(store.proofs()) == [proof(3), proof(2)]

    def test_purge_takes_what_is_over(self, store: Store) -> None:
        with store.transaction():
            for number in range(5):
                store.add_tombstone(envelope_id(number), 100.0 + number)
                store.add_proof(proof(number, expires_s=100.0 + number))
            store.add_envelope(custody(1), b"the node decides about these")
            store.purge_expired(99.0)
            assert len(list(store.proofs())) == 5
            store.purge_expired(102.0)
        assert list(store.tombstones()) == [(envelope_id(3), 103.0), (envelope_id(4), 104.0)]
        assert [row.expires_s for row in store.proofs()] == [103.0, 104.0]
        assert len(list(store.custody())) == 1

    def test_an_undone_purge_does_not_hide_the_next_one(self, store: Store) -> None:
        with store.transaction():
            store.add_proof(proof(1, expires_s=100.0))
        with undone(store):
            store.purge_expired(200.0)
        assert list(store.proofs()) == [proof(1, expires_s=100.0)]
        with store.transaction():
            store.purge_expired(200.0)
        assert list(store.proofs()) == []
