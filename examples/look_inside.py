"""Reads everything in a node's store, with the key that lies beside it: for the demo's check.

A running node holds its store alone, so a copy is read.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from p2p.adapters.keystores import keystore_at
from p2p.adapters.sqlite.store import SqliteStore, open_store
from p2p.adapters.system import SystemEntropy
from p2p.ports.store import DocumentKind

OWN = (DocumentKind.SETTING, DocumentKind.PEER, DocumentKind.BUNDLE)
"""What a node keeps about itself: its profile, the addresses that it knows, its own prekeys."""


def no_passphrase() -> str:
    """Refuse: the demo's homes have none."""
    raise AssertionError("the demo's homes have no passphrase")


def everything_in_store(home: Path) -> bytes:
    """Give all bytes that a node without a passphrase holds about others, decrypted."""
    key = keystore_at(home / "store.key", no_passphrase, SystemEntropy()).unlock()
    with tempfile.TemporaryDirectory() as folder:
        for name in ("molva.db", "molva.db-wal"):
            if (home / name).exists():
                shutil.copy2(home / name, folder)
        return _everything_in(open_store(Path(folder, "molva.db"), key))


def _everything_in(store: SqliteStore) -> bytes:
    try:
        kept = [
            key + value
            for kind in DocumentKind
            if kind not in OWN
            for key, value in store.documents(kind)
        ]
        for row in store.custody():
            kept.append(store.envelope(row.id) or b"")
        for message in store.newest_messages(direction=None, contact=None, limit=1_000):
            kept.append(message.text.encode())
        return b"".join(kept)
    finally:
        store.close()
