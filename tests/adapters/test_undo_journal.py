"""Tables in memory: rows with an end, across deletions and undone transactions."""

from __future__ import annotations

import pytest

from p2p.adapters.undo_journal import ExpiringTable, UndoJournal

ROWS = 500


class Failure(Exception):
    """Has a transaction undone."""


def _churn_and_fail(table: ExpiringTable[int, float]) -> None:
    table.drop_over(100.0)
    for number in range(10, ROWS):
        table.append(number, 200.0)
        table.drop(number)
    raise Failure


@pytest.fixture
def journal() -> UndoJournal:
    return UndoJournal()


@pytest.fixture
def table(journal: UndoJournal) -> ExpiringTable[int, float]:
    return ExpiringTable[int, float](journal, lambda end_s: end_s)


def test_rows_that_are_deleted_leave_nothing_for_long(
    journal: UndoJournal, table: ExpiringTable[int, float]
) -> None:
    with journal:
        table.append(-1, 50.0)
        for number in range(ROWS):
            table.append(number, 100.0 + number)
            table.drop(number)
        assert table.entries() < ROWS
        table.drop_over(49.0)
        assert table.in_order() == [50.0]
        table.drop_over(50.0)
        assert table.in_order() == []


def test_a_row_that_lives_on_is_not_dropped_at_its_first_end(
    journal: UndoJournal, table: ExpiringTable[int, float]
) -> None:
    with journal:
        table.append(1, 10.0)
        table.put(1, (1, 30.0))
        table.drop_over(20.0)
        assert table.in_order() == [30.0]
        table.drop_over(30.0)
        assert table.in_order() == []


def test_what_is_undone_still_finds_its_end(
    journal: UndoJournal, table: ExpiringTable[int, float]
) -> None:
    with journal:
        for number in range(10):
            table.append(number, 100.0)
    with pytest.raises(Failure), journal:
        _churn_and_fail(table)
    assert len(table.in_order()) == 10
    with journal:
        table.drop_over(99.0)
        assert len(table.in_order()) == 10
        table.drop_over(100.0)
    assert table.in_order() == []
