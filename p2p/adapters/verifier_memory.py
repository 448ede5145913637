"""What the stateless verifier remembers in a home: answered sessions, and how new lists were.

A file of its own, so that ``molva credential verify`` works beside a running node and without a
profile. It holds no secret and nobody's name: SHA-256 of each nonce, and SHA-256 of each status
list's name with its newest time of issue. docs/spec/home.md gives the tables.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import sqlite3
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from p2p.adapters.home import Home, check_private
from p2p.adapters.private_files import PRIVATE_FILE_MODE, cannot_write
from p2p.errors import (
    EnvironmentFault,
    StoreDamaged,
    StoreFull,
    StoreLocked,
    VersionUnsupported,
)

DAY_S: Final = 86_400
KEPT_S: Final = 400 * DAY_S
"""How long an answered session is remembered; a request is made anew for each person."""
PAGES_MAX: Final = 32_768
"""128 MiB in pages of 4,096 bytes: well over a million sessions."""
_PAGES_CHECKED_MAX: Final = 4_096
"""A larger file is checked only where it is read, so that a verdict does not wait for it."""
BUSY_WAIT_S: Final = 5.0
"""How long another process may hold the file; it does so for one commit."""
APPLICATION_ID: Final = int.from_bytes(b"MOLv", "big")
VERSION: Final = 1
_TABLES: Final = (
    "CREATE TABLE used (digest BLOB PRIMARY KEY, forget_at INTEGER NOT NULL) WITHOUT ROWID",
    "CREATE INDEX used_by_time ON used (forget_at)",
    "CREATE TABLE lists (digest BLOB PRIMARY KEY, issued_at INTEGER NOT NULL) WITHOUT ROWID",
    f"PRAGMA application_id = {APPLICATION_ID}",
    f"PRAGMA user_version = {VERSION}",
)


class VerifierMemory:
    """One open memory. Use it as a context, which closes it.

    Two processes may have it open at once: each change is one transaction that begins with the
    write lock, so that of two that burn one nonce exactly one is told that it was first.
    """

    def __init__(self, folder: Path, now_s: float) -> None:
        """Open the memory in a home, making both where they are not there.

        Raises:
            StoreDamaged: the file is no memory of a verifier, or was altered.
            StoreLocked: another process holds it for too long.
            StoreFull: no room.
            VersionUnsupported: a newer Molva wrote it.
            EnvironmentFault: the home cannot be written, or others could read it.
        """
        self._path = Home(folder.expanduser().resolve()).verifier_memory
        self._now_s = int(now_s)
        self._folder = _hold(self._path.parent)
        try:
            _make_file(self._path)
            self._connection = self._connect()
        except BaseException:
            os.close(self._folder)
            raise
        try:
            self._prepare()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()
        os.close(self._folder)

    def burn(self, key: str) -> bool:
        """Mark a session as answered, durably; False where it was so already."""
        with self._transaction() as cursor:
            cursor.execute("DELETE FROM used WHERE forget_at < ?", (self._now_s,))
            cursor.execute(
                "INSERT OR IGNORE INTO used VALUES (?, ?)", (_digest(key), self._now_s + KEPT_S)
            )
            return cursor.rowcount == 1

    def newest_issue(self, name: str) -> int:
        """Seconds since 1970 of the newest list seen of that name, 0 where none was."""
        with self._failures():
            found: tuple[int] | None = self._connection.execute(
                "SELECT issued_at FROM lists WHERE digest = ?", (_digest(name),)
            ).fetchone()
        return 0 if found is None else found[0]

    def remember_issue(self, name: str, issued_at: int) -> None:
        """Keep the newer of two times of issue."""
        with self._transaction() as cursor:
            cursor.execute(
                "INSERT INTO lists VALUES (?, ?) ON CONFLICT (digest) DO UPDATE "
                "SET issued_at = excluded.issued_at WHERE excluded.issued_at > issued_at",
                (_digest(name), issued_at),
            )

    def _connect(self) -> sqlite3.Connection:
        with self._failures():
            return sqlite3.connect(self._path, timeout=BUSY_WAIT_S, isolation_level=None)

    def _prepare(self) -> None:
        with self._failures():
            for pragma in ("trusted_schema = OFF", "journal_mode = DELETE", "synchronous = EXTRA"):
                self._connection.execute(f"PRAGMA {pragma}")
            self._connection.execute(f"PRAGMA max_page_count = {PAGES_MAX}")
            if self._number("application_id") == 0 and self._number("schema_version") == 0:
                self._make_tables()
            if self._number("application_id") != APPLICATION_ID:
                raise self._damaged("it is no memory of a verifier")
            if self._number("user_version") > VERSION:
                raise VersionUnsupported(f"{self._path} was written by a newer Molva.")
            self._check_pages()

    def _check_pages(self) -> None:
        if self._number("page_count") > _PAGES_CHECKED_MAX:
            return
        faults: str = self._connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        if faults != "ok":
            raise self._damaged("its pages contradict each other")

    def _make_tables(self) -> None:
        with self._transaction() as cursor:
            if self._number("application_id") == 0:  # nobody was faster
                for statement in _TABLES:
                    cursor.execute(statement)

    def _number(self, pragma: str) -> int:
        number: int = self._connection.execute(f"PRAGMA {pragma}").fetchone()[0]
        return number

    @contextmanager
    def _transaction(self) -> Generator[sqlite3.Cursor, None, None]:
        with self._failures():
            cursor = self._connection.cursor()
            cursor.execute("BEGIN IMMEDIATE")
            try:
                yield cursor
                cursor.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):  # after some faults it is rolled back already
                    cursor.execute("ROLLBACK")
                raise

    @contextmanager
    def _failures(self) -> Generator[None, None, None]:
        try:
            yield
        except sqlite3.DatabaseError as exc:
            raise self._fault(exc) from exc

    def _fault(self, exc: sqlite3.DatabaseError) -> EnvironmentFault:
        code = getattr(exc, "sqlite_errorcode", 0) & 0xFF
        if code == sqlite3.SQLITE_BUSY:
            return StoreLocked(f"{self._path} is held by another process.")
        if code == sqlite3.SQLITE_FULL:
            return StoreFull(
                f"{self._path} is full, or its device has no room left: "
                "this answer could not be remembered, so it does not count."
            )
        if code in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_IOERR):
            return EnvironmentFault(f"{self._path} cannot be written: {exc}.")
        return self._damaged(str(exc))

    def _damaged(self, why: str) -> StoreDamaged:
        return StoreDamaged(
            f"{self._path} is damaged: {why}. Which sessions were answered is not known any more: "
            "delete it, and use no request a second time."
        )


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()


def _hold(folder: Path) -> int:
    """A descriptor of the home under a shared lock: nobody makes a profile of it meanwhile."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileExistsError):
            folder.mkdir(mode=0o700)
        check_private(folder)
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as exc:
        raise cannot_write(folder, exc) from exc
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError as exc:
        os.close(descriptor)
        raise StoreLocked(f"A profile is being made in {folder}.") from exc
    return descriptor


def _make_file(path: Path) -> None:
    """Have the file there, of the owner alone; SQLite would make it readable by others."""
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        descriptor = os.open(path, flags, PRIVATE_FILE_MODE)
    except OSError as exc:
        raise cannot_write(path, exc) from exc
    try:
        mode = os.fstat(descriptor).st_mode
    finally:
        os.close(descriptor)
    if mode & 0o077:
        raise EnvironmentFault(f"{path} is open to other users. Run: chmod 600 {path}")
