"""Dictionaries whose changes can be taken back: what makes a transaction in memory cheap."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from types import TracebackType
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class UndoJournal:
    """How to take back what the open transaction has done; refuses writes outside of one."""

    __slots__ = ("_open", "_undo")

    def __init__(self) -> None:
        self._undo: list[Callable[[], object]] = []
        self._open = False

    def begin(self) -> None:
        """Open the transaction."""
        assert not self._open, "a transaction is open already"
        self._open = True

    def note(self, undo: Callable[[], object]) -> None:
        """Remember how to undo the change that is about to be made."""
        assert self._open, "writing needs a transaction"
        self._undo.append(undo)

    def commit(self) -> None:
        """Keep everything since :meth:`begin`."""
        self._open = False
        self._undo.clear()

    def roll_back(self) -> None:
        """Undo everything since :meth:`begin`, the newest change first."""
        self._open = False
        while self._undo:
            self._undo.pop()()


class UndoableTransaction(AbstractContextManager[None, None]):
    """One per store, used again and again: a simulation opens millions of transactions."""

    __slots__ = ("_journal",)

    def __init__(self, journal: UndoJournal) -> None:
        self._journal = journal

    def __enter__(self) -> None:
        self._journal.begin()

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if exc_type is None:
            self._journal.commit()
        else:
            self._journal.roll_back()


class UndoableTable(Generic[K, V]):
    """A dictionary whose changes can be undone."""

    __slots__ = ("_journal", "rows")

    def __init__(self, journal: UndoJournal) -> None:
        self.rows: dict[K, V] = {}
        self._journal = journal

    def put(self, key: K, value: V) -> None:
        """Set a row."""
        if key in self.rows:
            self._journal.note(partial(self.rows.__setitem__, key, self.rows[key]))
        else:
            self._journal.note(partial(self.rows.__delitem__, key))
        self.rows[key] = value

    def drop(self, key: K) -> None:
        """Delete a row; nothing happens where there is none."""
        if key in self.rows:
            self._journal.note(partial(self.rows.__setitem__, key, self.rows[key]))
            del self.rows[key]


class NumberedTable(UndoableTable[K, tuple[int, V]]):
    """A table that remembers the order of making, also across an undone deletion."""

    __slots__ = ("_next",)

    def __init__(self, journal: UndoJournal) -> None:
        super().__init__(journal)
        self._next = 1

    def append(self, key: K, value: V) -> None:
        """Set a row at the end of the order."""
        self.put(key, (self._next, value))
        self._next += 1

    def in_order(self) -> list[V]:
        """Give all rows in the order of their making."""
        return [value for _, value in sorted(self.rows.values(), key=by_number)]


def by_number(entry: tuple[int, object]) -> int:
    """Give what to sort by."""
    return entry[0]
