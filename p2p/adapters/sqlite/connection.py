"""One open SQLCipher file: its pragmas, its transaction, and its failures as our exceptions."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, suppress
from enum import IntEnum, StrEnum
from pathlib import Path
from types import TracebackType
from typing import TypeAlias

from sqlcipher3 import dbapi2

from p2p.errors import (
    Conflict,
    EnvironmentFault,
    MolvaError,
    StoreDamaged,
    StoreFull,
    StoreLocked,
)

Value: TypeAlias = bytes | str | int | float | None
"""What a column holds."""
Row: TypeAlias = tuple[Value, ...]

KEY_SIZE_BYTES = 32
PAGE_SIZE_BYTES = 4_096
"""SQLCipher's own choice; no store is smaller."""
APPLICATION_ID = int.from_bytes(b"MOLV", "big")
"""What ``PRAGMA application_id`` says of a store of ours."""

_STATEMENTS_CACHED = 128
"""More than this package has, so that each statement is compiled once per process."""
_WAL_KEPT_BYTES = 8 * 1_048_576
"""The log file is cut back to this after a burst."""


WHAT_TO_DO = (
    "Nothing was changed or deleted. Put back a backup of the whole home, "
    "or set this home aside and recover the account from its 24 words."
)


class _Code(IntEnum):
    """Primary result codes, https://www.sqlite.org/rescode.html."""

    BUSY = 5
    READONLY = 8
    IOERR = 10
    CORRUPT = 11
    FULL = 13
    CANTOPEN = 14
    CONSTRAINT = 19
    NOTADB = 26


class Synchronous(StrEnum):
    """When a commit is durable.

    FULL: when it returns, also against loss of power, as far as the device keeps its word on
    fsync. NORMAL: when it returns against kill -9, some seconds later against loss of power; what
    is lost is then a whole number of the last transactions.
    """

    FULL = "FULL"
    NORMAL = "NORMAL"


class Database:
    """One connection with its single transaction.

    A fault of the device inside a transaction poisons it: SQLite may have rolled back by itself,
    so every later write of that transaction fails likewise, and so does its end, even where the
    caller caught the first failure.
    """

    __slots__ = ("_connection", "_cursor", "_fault", "_in_transaction", "_path", "_transaction")

    def __init__(self, path: Path, key: bytes) -> None:
        """Connect to the existing file ``path``; its bytes are not changed before
        :meth:`use_log`.

        Raises:
            StoreDamaged: no SQLCipher file, or one under another key.
            StoreLocked: another process has it open.
        """
        assert len(key) == KEY_SIZE_BYTES
        self._path = path
        self._fault: MolvaError | None = None
        self._in_transaction = False
        self._transaction = _Transaction(self)
        self._connection = self._connect()
        self._cursor = self._connection.cursor()
        try:
            for pragma in (
                "cipher_log_level = NONE",  # it would write to the process's standard error
                f"key = \"x'{key.hex()}'\"",
                "cipher_hmac_algorithm = HMAC_SHA256",  # a third less per page than with SHA-512
                "trusted_schema = OFF",
                "locking_mode = EXCLUSIVE",
            ):
                self.rows(f"PRAGMA {pragma}")
            self.rows("SELECT count(*) FROM sqlite_schema")  # reads the first page, with its MAC
        except BaseException:
            self.close()
            raise

    def _connect(self) -> dbapi2.Connection:
        try:
            return dbapi2.connect(
                str(self._path),
                timeout=0.0,
                isolation_level=None,
                cached_statements=_STATEMENTS_CACHED,
            )
        except dbapi2.DatabaseError as exc:
            raise EnvironmentFault(f"{self._path} cannot be opened: {exc}.") from exc

    def use_log(self, synchronous: Synchronous) -> None:
        """Make commits append to a write-ahead log.

        Raises:
            EnvironmentFault: the folder cannot be written.
        """
        for pragma in (
            "journal_mode = WAL",
            f"synchronous = {synchronous.value}",
            f"journal_size_limit = {_WAL_KEPT_BYTES}",
            "secure_delete = ON",
        ):
            self.rows(f"PRAGMA {pragma}")

    @property
    def path(self) -> Path:
        """The file."""
        return self._path

    def transaction(self) -> AbstractContextManager[None]:
        """Open the transaction; see :class:`p2p.ports.store.Store`."""
        return self._transaction

    def write(self, sql: str, parameters: Sequence[Value] = ()) -> int:
        """Run one statement that changes something; give how many rows it changed.

        Raises:
            Conflict: a key is there already; nothing was changed.
            StoreFull: the device has no room; the transaction is lost.
            StoreDamaged: the file cannot be used.
        """
        assert self._in_transaction, "writing needs a transaction"
        if self._fault is not None:
            raise self._fault
        try:
            return self._cursor.execute(sql, _bound(parameters)).rowcount
        except dbapi2.DatabaseError as exc:
            if exc.sqlite_errorcode == _Code.CONSTRAINT and str(exc).startswith("UNIQUE"):
                raise Conflict(f"It is kept already: {exc}.") from exc
            self._fault = self._translate(exc, StoreFull)
            raise self._fault from exc

    def insert(self, sql: str, parameters: Sequence[Value]) -> int:
        """Run one statement that adds a row; give its number. Raises what :meth:`write` does."""
        self.write(sql, parameters)
        number = self._cursor.lastrowid
        assert number is not None, "an INSERT has a last row"
        return number

    def rows(self, sql: str, parameters: Sequence[Value] = ()) -> list[Row]:
        """Run one statement that reads; give all its rows.

        Raises:
            StoreDamaged: the file cannot be read.
        """
        try:
            return self._cursor.execute(sql, _bound(parameters)).fetchall()
        except dbapi2.DatabaseError as exc:
            raise self._translate(exc, StoreDamaged) from exc

    def number(self, sql: str) -> int:
        """Give the one number that a statement asks for."""
        [[value]] = self.rows(sql)
        assert isinstance(value, int | str)  # SQLCipher gives its page size as text
        return int(value)

    def begin(self) -> None:
        """Begin; :meth:`transaction` calls it."""
        assert not self._in_transaction, "a transaction is open already"
        self._cursor.execute("BEGIN")  # touches nothing yet: the file is ours alone anyway
        self._in_transaction = True

    def commit(self) -> None:
        """Make everything since :meth:`begin` durable, or undo it and raise.

        Raises:
            StoreFull, StoreDamaged: it could not be kept; nothing of it happened.
        """
        if self._fault is not None:
            fault = self._fault
            self.roll_back()
            raise fault
        try:
            self._cursor.execute("COMMIT")
        except dbapi2.DatabaseError as exc:
            self.roll_back()
            raise self._translate(exc, StoreFull) from exc
        self._in_transaction = False

    def roll_back(self) -> None:
        """Undo everything since :meth:`begin`."""
        self._in_transaction = False
        self._fault = None
        if self._connection.in_transaction:
            # A failing device can fail here too. The log is then without its commit mark, and
            # the reason that made us roll back is the one worth telling.
            with suppress(dbapi2.DatabaseError):
                self._cursor.execute("ROLLBACK")

    def close(self) -> None:
        """Close the file; what was committed stays."""
        self._connection.close()

    def _translate(self, exc: dbapi2.DatabaseError, io_fault: type[EnvironmentFault]) -> MolvaError:
        match exc.sqlite_errorcode:
            case _Code.FULL:
                return StoreFull(f"The device has no room left for {self._path}.")
            case _Code.IOERR:
                return io_fault(f"The device failed at {self._path}: {exc}.")
            case _Code.BUSY:
                return StoreLocked(f"Another process has {self._path} open.")
            case _Code.NOTADB:
                return StoreDamaged(
                    f"{self._path} does not open with this home's store key: "
                    f"it is damaged, or of another home. {WHAT_TO_DO}"
                )
            case _Code.CORRUPT:
                return StoreDamaged(f"{self._path} is damaged. {WHAT_TO_DO}")
            case _Code.CANTOPEN | _Code.READONLY:
                return EnvironmentFault(f"{self._path} cannot be opened for writing: {exc}.")
            case _:
                raise exc


def _bound(parameters: Sequence[Value]) -> list[Value | bytearray]:
    """Give parameters as the driver binds them at once.

    For ``bytes`` it first looks for an adapter of ours, at ten times the cost of a copy.
    """
    return [bytearray(value) if type(value) is bytes else value for value in parameters]


class _Transaction(AbstractContextManager[None, None]):
    """One per database, used again and again."""

    __slots__ = ("_database",)

    def __init__(self, database: Database) -> None:
        self._database = database

    def __enter__(self) -> None:
        self._database.begin()

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if exc_type is None:
            self._database.commit()
        else:
            self._database.roll_back()


class Area:
    """One part of the store's methods; all parts of a store share one database."""

    def __init__(self, database: Database) -> None:
        self._database = database
