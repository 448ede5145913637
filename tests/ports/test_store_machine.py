"""The same random work on the store in memory and on the one on disk gives the same."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from msgspec.structs import replace

from p2p.adapters.memory_store import MemoryStore
from p2p.adapters.sqlite import Synchronous, create_store, open_store
from p2p.errors import Conflict
from p2p.ports.store import Direction, DocumentKind, MessageState, RecordTier, Store
from p2p.wire.ids import Tag
from tests.ports.store_contract import snapshot
from tests.ports.store_rows import (
    ALICE,
    BOB,
    custody,
    envelope_id,
    history,
    message,
    message_id,
    proof,
    record,
    record_id,
    record_key,
)
from tests.ports.store_rows import version as version_row

KEY = bytes(32)

few = st.integers(0, 3)
kinds = st.sampled_from(DocumentKind)
directions = st.sampled_from(Direction)
states = st.sampled_from(MessageState)
contacts = st.sampled_from([ALICE, BOB])
moments = st.integers(0, 20).map(float)
anything = st.binary(max_size=6)
texts = st.text(st.characters(exclude_categories=("Cs",)), max_size=6)


class SameStores(RuleBasedStateMachine):
    """Both stores, one transaction open on both or on neither."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.memory = MemoryStore()
        self.sqlite = create_store(self.folder / "molva.db", KEY, Synchronous.NORMAL)
        self.work = ExitStack()
        self.working = False

    def teardown(self) -> None:
        if self.working:
            self.commit()
        self.sqlite.close()
        shutil.rmtree(self.folder)

    def same(self, write: Callable[[Store], object]) -> None:
        """Do it to both, beginning a transaction where none is open; compare what comes out."""
        if not self.working:
            self.work = ExitStack()
            self.work.enter_context(self.memory.transaction())
            self.work.enter_context(self.sqlite.transaction())
            self.working = True
        results = []
        for store in (self.memory, self.sqlite):
            try:
                results.append(write(store))
            except Conflict:
                results.append(Conflict)
        assert results[0] == results[1]

    @precondition(lambda self: self.working)
    @rule()
    def commit(self) -> None:
        self.working = False
        self.work.close()

    @precondition(lambda self: self.working)
    @rule()
    def roll_back(self) -> None:
        self.working = False
        failure = ValueError()
        assert not self.work.__exit__(ValueError, failure, None)

    @precondition(lambda self: not self.working)
    @rule()
    def reopen(self) -> None:
        self.sqlite.close()
        self.sqlite = open_store(self.folder / "molva.db", KEY, Synchronous.NORMAL)

    @rule(kind=kinds, key=anything, value=anything)
    def put_document(self, kind: DocumentKind, key: bytes, value: bytes) -> None:
        self.same(lambda store: store.put_document(kind, key, value))

    @rule(kind=kinds, key=anything)
    def delete_document(self, kind: DocumentKind, key: bytes) -> None:
        self.same(lambda store: store.delete_document(kind, key))

    @rule(number=few, direction=directions, contact=contacts, state=states, text=texts, order=few)
    def add_message(
        self,
        number: int,
        direction: Direction,
        contact: bytes,
        state: MessageState,
        text: str,
        order: int,
    ) -> None:
        row = message(
            number, direction=direction, contact=contact, state=state, text=text, order=order
        )
        self.same(lambda store: store.add_message(row, history(text)))

    @rule(number=few, direction=directions, state=states, carriers=few, kinds=st.lists(texts))
    def update_message(
        self,
        number: int,
        direction: Direction,
        state: MessageState,
        carriers: int,
        kinds: list[str],
    ) -> None:
        hash_ = Tag(bytes([carriers]) * 16)
        entries = [history(kind) for kind in kinds]
        self.same(
            lambda store: store.update_message(
                message_id(number), direction, state, carriers, hash_, *entries
            )
        )

    @rule(contact=contacts)
    def delete_messages(self, contact: bytes) -> None:
        self.same(lambda store: store.delete_messages(contact))

    @rule(
        direction=st.none() | directions,
        contact=st.none() | contacts,
        of=st.lists(states, max_size=2, unique=True),
        after=st.integers(0, 5),
        limit=st.integers(-1, 4),
        prefix=st.sampled_from(["", "0", "0" * 31, "0" * 31 + "2", "1", "g", "00 0"]),
    )
    def look(
        self,
        direction: Direction | None,
        contact: bytes | None,
        of: list[MessageState],
        after: int,
        limit: int,
        prefix: str,
    ) -> None:
        def found(store: Store) -> object:
            return (
                store.messages(
                    direction=direction,
                    contact=contact,
                    states=tuple(of),
                    after_order=after,
                    limit=limit,
                ),
                store.newest_messages(direction=direction, contact=contact, limit=limit),
                store.messages_starting(prefix, limit),
            )

        assert found(self.memory) == found(self.sqlite)

    @rule(number=few, data=anything)
    def add_envelope(self, number: int, data: bytes) -> None:
        row = replace(custody(number), size_bytes=len(data))
        self.same(lambda store: store.add_envelope(row, data))

    @rule(number=few, copies=few)
    def set_copies(self, number: int, copies: int) -> None:
        self.same(lambda store: store.set_copies(envelope_id(number), copies))

    @rule(number=few)
    def delete_envelope(self, number: int) -> None:
        self.same(lambda store: store.delete_envelope(envelope_id(number)))

    @rule(number=few, expires_s=moments)
    def add_tombstone(self, number: int, expires_s: float) -> None:
        self.same(lambda store: store.add_tombstone(envelope_id(number), expires_s))

    @rule(number=few)
    def delete_tombstone(self, number: int) -> None:
        self.same(lambda store: store.delete_tombstone(envelope_id(number)))

    @rule(number=few, expires_s=moments)
    def add_proof(self, number: int, expires_s: float) -> None:
        self.same(lambda store: store.add_proof(proof(number, expires_s=expires_s)))

    @rule(number=few)
    def delete_proof(self, number: int) -> None:
        self.same(lambda store: store.delete_proof(proof(number).hash))

    @rule(number=few, of=few, version=few, body=anything)
    def put_record(self, number: int, of: int, version: int, body: bytes) -> None:
        row = record(number, key=record_key(of), version=version)
        self.same(lambda store: store.put_record(row, b"b" + body))

    @rule(number=few, tier=st.sampled_from(RecordTier))
    def set_record_tier(self, number: int, tier: RecordTier) -> None:
        self.same(lambda store: store.set_record_tier(record_id(number), tier))

    @rule(number=few)
    def delete_record(self, number: int) -> None:
        self.same(lambda store: store.delete_record(record_id(number)))

    @rule(of=few, number=few)
    def put_version(self, of: int, number: int) -> None:
        self.same(lambda store: store.put_version(version_row(of, number=number)))

    @rule(of=few)
    def delete_version(self, of: int) -> None:
        self.same(lambda store: store.delete_version(record_key(of)))

    @rule(now_s=moments)
    def purge_expired(self, now_s: float) -> None:
        self.same(lambda store: store.purge_expired(now_s))

    @invariant()
    def they_tell_the_same(self) -> None:
        assert snapshot(self.memory) == snapshot(self.sqlite)


TestSameStores = SameStores.TestCase
TestSameStores.settings = settings(
    max_examples=60,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
