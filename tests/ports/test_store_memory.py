"""The store contract on the store in memory."""

from __future__ import annotations

import pytest

from p2p.adapters.memory_store import MemoryStore
from p2p.ports.store import DocumentKind
from tests.ports.store_contract import StoreContract


class TestMemoryStore(StoreContract):
    @pytest.fixture
    def store(self) -> MemoryStore:
        return MemoryStore()

    def test_survives_its_closing(self, store: MemoryStore) -> None:
        with store.transaction():
            store.put_document(DocumentKind.SETTING, b"k", b"v")
        store.close()
        assert store.document(DocumentKind.SETTING, b"k") == b"v"
