"""No room: nothing of the transaction stays, and the store works on when there is room again."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from sqlcipher3 import dbapi2

from p2p.adapters.sqlite import SqliteStore, create_store, open_store
from p2p.errors import Conflict, StoreFull
from p2p.ports.store import DocumentKind, Store
from tests.ports.store_contract import fill, snapshot
from tests.ports.store_rows import custody, message, undone

ROOT = Path(__file__).parents[3]

KEY = bytes(range(32))


@pytest.fixture
def store(tmp_path: Path) -> SqliteStore:
    """A store whose device has room for a few pages more."""
    store = create_store(tmp_path / "molva.db", KEY)
    with store.transaction():
        fill(store)
    pages = store._database.number("PRAGMA page_count")
    store._database.rows(f"PRAGMA max_page_count = {pages + 10}")
    return store


def make_room(store: SqliteStore) -> None:
    store._database.rows("PRAGMA max_page_count = 100000")


def overfill(store: Store) -> None:
    store.put_document(DocumentKind.SETTING, b"k", b"v")
    for number in range(100, 200):
        store.add_envelope(custody(number), bytes(4_000))


def test_everything_is_rolled_back(store: SqliteStore) -> None:
    before = snapshot(store)
    with pytest.raises(StoreFull, match=r"no room left for .*molva\.db"), store.transaction():
        overfill(store)
    assert snapshot(store) == before
    make_room(store)
    with store.transaction():
        overfill(store)
    assert store.document(DocumentKind.SETTING, b"k") == b"v"
    store.close()


def test_a_caught_failure_still_fails_the_transaction(store: SqliteStore) -> None:
    before = snapshot(store)
    transaction = store.transaction()
    transaction.__enter__()
    with pytest.raises(StoreFull):
        overfill(store)
    make_room(store)
    with pytest.raises(StoreFull):  # SQLite has rolled back: this would be half a transaction
        store.add_message(message(9))
    with pytest.raises(StoreFull):
        transaction.__exit__(None, None, None)
    assert snapshot(store) == before
    with store.transaction():
        store.add_message(message(9))
    store.close()


def test_a_small_change_fits_still(store: SqliteStore) -> None:
    with pytest.raises(StoreFull), store.transaction():
        overfill(store)
    with store.transaction():
        store.add_message(message(9))
    with undone(store):
        store.add_message(message(10))
    store.close()


def test_a_conflict_is_no_fault_of_the_device(store: SqliteStore) -> None:
    with store.transaction():
        with pytest.raises(Conflict):
            store.add_envelope(custody(1), b"")
        store.add_envelope(custody(50), b"")
    assert len(list(store.custody())) == 3
    store.close()


def test_a_row_that_cannot_be_is_our_own_bug(store: SqliteStore) -> None:
    with pytest.raises(dbapi2.IntegrityError, match="NOT NULL"), store.transaction():
        store.put_document(DocumentKind.SETTING, b"k", None)
    store.close()


LIMITED = """
import resource, sys
from pathlib import Path
from p2p.adapters.sqlite import open_store
from p2p.errors import StoreFull
from p2p.ports.store import DocumentKind

path = Path(sys.argv[1])
store = open_store(path, bytes(range(32)))
with store.transaction():
    store.put_document(DocumentKind.SETTING, b"before", b"1")
resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, 100_000_000))
try:
    with store.transaction():
        store.put_document(DocumentKind.SETTING, b"large", bytes(100_000))
except StoreFull as exc:
    print(type(exc).__name__, exc)
print(store.document(DocumentKind.SETTING, b"large"))
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000_000, 100_000_000))
with store.transaction():
    store.put_document(DocumentKind.SETTING, b"after", b"1")
store.close()
"""


def test_a_device_that_refuses_the_commit(tmp_path: Path) -> None:
    """The operating system refuses to let the log grow: the commit itself fails."""
    path = tmp_path / "molva.db"
    create_store(path, KEY).close()
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(path)],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stderr == ""
    assert done.stdout == f"StoreFull The device failed at {path}: disk I/O error.\nNone\n"
    store = open_store(path, KEY)
    assert [key for key, _ in store.documents(DocumentKind.SETTING)] == [b"after", b"before"]
    store.close()
