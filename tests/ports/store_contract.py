"""What every store does; each adapter's test class inherits from :class:`StoreContract`."""

from __future__ import annotations

import pytest

from p2p.ports.store import Direction, DocumentKind, MessageState, RecordTier, Store
from p2p.wire.ids import Tag
from tests.ports.custody_store_contract import CustodyContract
from tests.ports.message_store_contract import MessageContract
from tests.ports.record_store_contract import RecordContract
from tests.ports.store_rows import (
    ALICE,
    BOB,
    custody,
    envelope_id,
    everything,
    history,
    message,
    message_id,
    orders,
    proof,
    record,
    record_id,
    record_key,
    undone,
    version,
)


class Interrupted(BaseException):
    """Like KeyboardInterrupt: no Exception, and still a reason to roll back."""


class TransactionContract:
    def test_commits_on_leaving(self, store: Store) -> None:
        with store.transaction():
            store.put_document(DocumentKind.SETTING, b"k", b"v")
        assert store.document(DocumentKind.SETTING, b"k") == b"v"

    def test_its_reads_see_its_writes(self, store: Store) -> None:
        with store.transaction():
            store.put_document(DocumentKind.SETTING, b"k", b"v")
            store.add_message(message(1))
            store.add_envelope(custody(1), b"data")
            assert store.document(DocumentKind.SETTING, b"k") == b"v"
            assert list(store.documents(DocumentKind.SETTING)) == [(b"k", b"v")]
            assert orders(store) == [1]
            assert store.envelope(envelope_id(1)) == b"data"

    @pytest.mark.parametrize("failure", [ValueError, Interrupted])
    def test_any_exception_rolls_everything_back(
        self, store: Store, failure: type[BaseException]
    ) -> None:
        with store.transaction():
            fill(store)
        before = snapshot(store)
        with undone(store, failure):
            change_everything(store)
        assert snapshot(store) == before

    def test_after_a_roll_back_the_next_one_works(self, store: Store) -> None:
        with undone(store):
            store.add_message(message(1))
        with store.transaction():
            assert store.add_message(message(1))
        assert orders(store) == [1]

    def test_is_not_reentrant(self, store: Store) -> None:
        with pytest.raises(AssertionError), store.transaction(), store.transaction():
            raise NotImplementedError

    def test_a_write_outside_is_a_bug(self, store: Store) -> None:
        with pytest.raises(AssertionError):
            store.put_document(DocumentKind.SETTING, b"k", b"v")
        assert store.document(DocumentKind.SETTING, b"k") is None

    def test_grows(self, store: Store) -> None:
        before = store.size_bytes()
        with store.transaction():
            store.add_envelope(custody(1), bytes(50_000))
            store.add_message(message(1, text="x" * 20_000))
            store.put_document(DocumentKind.SETTING, b"k", bytes(10_000))
        assert store.size_bytes() - before >= 70_000


class DocumentContract:
    def test_none_where_there_is_none(self, store: Store) -> None:
        assert store.document(DocumentKind.CONTACT, b"nobody") is None
        assert list(store.documents(DocumentKind.CONTACT)) == []

    def test_put_replaces(self, store: Store) -> None:
        with store.transaction():
            store.put_document(DocumentKind.CONTACT, b"k", b"old")
            store.put_document(DocumentKind.CONTACT, b"k", b"new")
        assert list(store.documents(DocumentKind.CONTACT)) == [(b"k", b"new")]

    def test_each_kind_has_its_own_keys(self, store: Store) -> None:
        with store.transaction():
            for kind in DocumentKind:
                store.put_document(kind, b"k", kind.value.encode())
        for kind in DocumentKind:
            assert list(store.documents(kind)) == [(b"k", kind.value.encode())]

    def test_in_the_order_of_their_keys(self, store: Store) -> None:
        keys = [b"b", b"", b"a\xff", b"a", b"\xff", b"a\x00", b"B"]
        with store.transaction():
            for key in keys:
                store.put_document(DocumentKind.PEER, key, b"")
            store.put_document(DocumentKind.PEER, b"b", b"again")
        assert [key for key, _ in store.documents(DocumentKind.PEER)] == sorted(keys)

    def test_delete(self, store: Store) -> None:
        with store.transaction():
            store.put_document(DocumentKind.PEER, b"k", b"v")
            store.delete_document(DocumentKind.PEER, b"k")
            store.delete_document(DocumentKind.PEER, b"never there")
        assert store.document(DocumentKind.PEER, b"k") is None

    def test_may_change_while_iterated(self, store: Store) -> None:
        with store.transaction():
            for key in (b"a", b"b", b"c"):
                store.put_document(DocumentKind.PEER, key, b"")
        seen = []
        for key, _ in store.documents(DocumentKind.PEER):
            with store.transaction():
                store.delete_document(DocumentKind.PEER, b"c")
                store.put_document(DocumentKind.PEER, key + b"+", b"")
            seen.append(key)
        assert seen == [b"a", b"b", b"c"]


class StoreContract(
    TransactionContract, DocumentContract, MessageContract, CustodyContract, RecordContract
):
    """Everything a store promises; a subclass has a fixture ``store``, empty and open."""


def fill(store: Store) -> None:
    """Put one of everything into an empty store."""
    store.put_document(DocumentKind.CONTACT, b"kept", b"1")
    store.put_document(DocumentKind.CONTACT, b"replaced", b"1")
    for number in (1, 2):
        store.add_message(message(number), history("queued"))
        store.add_envelope(custody(number), b"data %d" % number)
        store.add_tombstone(envelope_id(10 + number), 100.0)
        store.add_proof(proof(number, expires_s=100.0))
        store.put_record(record(number), b"body %d" % number)
        store.put_version(version(10 + number))
    store.add_message(message(3, contact=BOB))


def change_everything(store: Store) -> None:
    """Use every method that writes."""
    store.put_document(DocumentKind.CONTACT, b"replaced", b"2")
    store.put_document(DocumentKind.CONTACT, b"new", b"2")
    store.delete_document(DocumentKind.CONTACT, b"kept")
    hash_ = Tag(b"h" * 16)
    for number in (1, 3):
        store.update_message(
            message_id(number), Direction.OUT, MessageState.READ, 1, hash_, history("read")
        )
    store.delete_messages(ALICE)
    store.add_message(message(4))
    store.set_copies(envelope_id(1), 1)
    store.delete_envelope(envelope_id(2))
    store.add_envelope(custody(2), b"again")
    store.add_tombstone(envelope_id(11), 300.0)
    store.delete_tombstone(envelope_id(12))
    store.add_tombstone(envelope_id(13), 300.0)
    store.add_proof(proof(3))
    store.delete_proof(proof(1).hash)
    store.purge_expired(250.0)
    store.put_record(record(3, key=record_key(1)), b"newer")
    store.set_record_tier(record_id(3), RecordTier.VERIFIED)
    store.delete_record(record_id(2))
    store.put_version(version(11, number=8))
    store.delete_version(record_key(12))


def snapshot(store: Store) -> object:
    """Give everything that a store tells, for comparison."""
    messages = everything(store)
    envelopes = list(store.custody())
    return (
        [list(store.documents(kind)) for kind in DocumentKind],
        messages,
        [store.message(row.id, row.direction) for row in messages],
        [store.history(row.id, row.direction) for row in messages],
        envelopes,
        [store.envelope(row.id) for row in envelopes],
        list(store.tombstones()),
        list(store.proofs()),
        [(row, store.record_body(row.id), store.record(row.key)) for row in store.records()],
        list(store.versions()),
    )
