"""The store on disk: SQLite, encrypted by SQLCipher (docs/adr/0002-encrypted-store.md)."""

from p2p.adapters.sqlite.connection import Synchronous
from p2p.adapters.sqlite.store import SqliteStore, create_store, open_store

__all__ = ["SqliteStore", "Synchronous", "create_store", "open_store"]
