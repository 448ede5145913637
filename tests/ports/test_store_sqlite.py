"""The store contract on SQLCipher, and what it promises across reopening."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from p2p.adapters.sqlite import SqliteStore, Synchronous, create_store, open_store
from tests.ports.store_contract import StoreContract, fill, snapshot
from tests.ports.store_rows import message, undone

KEY = bytes(range(32))


class TestSqliteStore(StoreContract):
    @pytest.fixture(params=Synchronous)
    def store(self, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[SqliteStore]:
        store = create_store(tmp_path / "molva.db", KEY, request.param)
        yield store
        store.close()


def test_what_was_committed_is_there_after_reopening(tmp_path: Path) -> None:
    path = tmp_path / "molva.db"
    store = create_store(path, KEY)
    with store.transaction():
        fill(store)
    before = snapshot(store)
    with undone(store):
        store.add_message(message(9))
    store.close()
    again = open_store(path, KEY)
    assert snapshot(again) == before
    with again.transaction():
        again.add_message(message(9))
    assert max(row.order for row in again.messages_starting("", 10)) == 4
    again.close()
