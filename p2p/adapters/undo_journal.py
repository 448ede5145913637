"""Dictionaries whose changes can be taken back: what makes a transaction in memory cheap."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from types import TracebackType
from typing import Final, Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")

_DUE_SLACK: Final = 64


class UndoJournal(AbstractContextManager[None, None]):
    """How to take back what the open transaction has done; refuses writes outside of one.

    It is its own transaction, since a simulation opens hundreds of thousands of them.
    """

    __slots__ = ("_open", "_undo")

    def __init__(self) -> None:
        self._undo: list[Callable[[], object]] = []
        self._open = False

    def __enter__(self) -> None:
        assert not self._open, "a transaction is open already"
        self._open = True

    def note(self, undo: Callable[[], object]) -> None:
        """Remember how to undo the change that is about to be made."""
        assert self._open, "writing needs a transaction"
        self._undo.append(undo)

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._open = False
        if exc_type is None:
            self._undo.clear()
        while self._undo:
            self._undo.pop()()


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


class ExpiringTable(NumberedTable[K, V]):
    """A table whose rows have an end, found without looking at all of them.

    The heap says when a row may be over, what the row says counts: entries of rows that are gone
    stay until their time, or until they are more than the rows.
    """

    __slots__ = ("_due", "_end_of")

    def __init__(self, journal: UndoJournal, end_of: Callable[[V], float]) -> None:
        super().__init__(journal)
        self._end_of = end_of
        self._due: list[tuple[float, K]] = []

    def put(self, key: K, value: tuple[int, V]) -> None:
        """Set a row."""
        super().put(key, value)
        if len(self._due) > 2 * len(self.rows) + _DUE_SLACK:
            self._journal.note(partial(self._set_due, self._due))
            self._set_due(sorted((self._end_of(row), each) for each, (_, row) in self.rows.items()))
        else:
            heapq.heappush(self._due, (self._end_of(value[1]), key))

    def drop_over(self, now_s: float) -> None:
        """Delete the rows whose time is over."""
        while self._due and self._due[0][0] <= now_s:
            due = heapq.heappop(self._due)
            self._journal.note(partial(heapq.heappush, self._due, due))
            entry = self.rows.get(due[1])
            if entry is not None and self._end_of(entry[1]) <= now_s:
                self.drop(due[1])

    def entries(self) -> int:
        """Give how many ends are remembered: with those of rows that are gone."""
        return len(self._due)

    def _set_due(self, due: list[tuple[float, K]]) -> None:
        self._due = due


def by_number(entry: tuple[int, object]) -> int:
    """Give what to sort by."""
    return entry[0]
