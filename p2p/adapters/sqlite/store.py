"""The whole store on one SQLCipher file: making one, and opening one."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager
from pathlib import Path

from p2p.adapters.sqlite.connection import (
    APPLICATION_ID,
    PAGE_SIZE_BYTES,
    WHAT_TO_DO,
    Database,
    Synchronous,
)
from p2p.adapters.sqlite.custody import Custody
from p2p.adapters.sqlite.documents import Documents
from p2p.adapters.sqlite.messages import Messages
from p2p.adapters.sqlite.migrations import migrate
from p2p.adapters.sqlite.records import Records
from p2p.errors import Conflict, EnvironmentFault, HomeMissing, StoreDamaged


class SqliteStore(Documents, Messages, Custody, Records):
    """Everything a node keeps, on disk. Made by :func:`create_store` and :func:`open_store`.

    Iterators give what was there when they were asked for. A write outside of a transaction is a
    bug of the caller and fails an assertion. To be used from one thread.
    """

    def transaction(self) -> AbstractContextManager[None]:
        """Open a transaction; see :class:`p2p.ports.store.Store`."""
        return self._database.transaction()

    def size_bytes(self) -> int:
        """Give the size of the pages in use; pages freed by deletion are used again first."""
        pages = self._database.number("PRAGMA page_count")
        free = self._database.number("PRAGMA freelist_count")
        return (pages - free) * self._database.number("PRAGMA page_size")

    def close(self) -> None:
        """Close the file; what was committed stays."""
        self._database.close()


def create_store(
    path: Path, key: bytes, synchronous: Synchronous = Synchronous.FULL
) -> SqliteStore:
    """Make an empty store in a new file of mode 0600.

    Args:
        path: where no file is yet.
        key: 32 random bytes, used as they are (no key derivation).
        synchronous: when a commit counts as durable.

    Raises:
        Conflict: there is a file already.
        StoreFull: no room for it.
        EnvironmentFault: the folder cannot be written.
    """
    try:
        # Before SQLite does, so that the store and its log are never readable for others.
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except FileExistsError as exc:
        raise Conflict(f"{path} is there already.") from exc
    except OSError as exc:
        raise EnvironmentFault(f"{path} cannot be made: {exc.strerror}.") from exc
    database = Database(path, key)
    try:
        database.use_log(synchronous)
        migrate(database)
    except BaseException:
        database.close()
        raise
    return SqliteStore(database)


def open_store(path: Path, key: bytes, synchronous: Synchronous = Synchronous.FULL) -> SqliteStore:
    """Open a store, check every page that is in use, and bring its tables up to date.

    The check reads the whole file. It authenticates each page and walks each table, so that
    damage shows now and not in the middle of a conversation.

    Raises:
        HomeMissing: there is no file.
        StoreDamaged: it is empty, cut, altered, under another key, or not of Molva.
        StoreLocked: another process has it open.
        VersionUnsupported: a newer Molva wrote it.
        EnvironmentFault: it cannot be opened for writing.
    """
    try:
        size_bytes = path.stat().st_size
    except FileNotFoundError as exc:
        raise HomeMissing(f"There is no store at {path}.") from exc
    except OSError as exc:
        raise EnvironmentFault(f"{path} cannot be opened: {exc.strerror}.") from exc
    if size_bytes < PAGE_SIZE_BYTES:
        # SQLite would take what is shorter for a new, empty database, and write into it.
        raise StoreDamaged(f"{path} is empty, or cut short. {WHAT_TO_DO}")
    database = Database(path, key)
    try:
        _check(database)
        database.use_log(synchronous)
        migrate(database)
    except BaseException:
        database.close()
        raise
    return SqliteStore(database)


def _check(database: Database) -> None:
    if database.number("PRAGMA application_id") != APPLICATION_ID:
        raise StoreDamaged(f"{database.path} is no store of Molva. {WHAT_TO_DO}")
    if database.rows("PRAGMA quick_check(1)") != [("ok",)]:
        raise StoreDamaged(f"{database.path} is damaged. {WHAT_TO_DO}")
