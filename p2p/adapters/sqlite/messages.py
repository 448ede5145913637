"""The mail that people see, in SQLite."""

from __future__ import annotations

from string import hexdigits
from typing import TypeAlias, cast

import msgspec

from p2p.adapters.sqlite.connection import Area, Row, Value
from p2p.errors import Conflict
from p2p.ports.store import Direction, HistoryEntry, MessageRow, MessageState
from p2p.wire.ids import AccountKey, MessageId, Tag
from p2p.wire.limits import MESSAGE_ID_SIZE_BYTES

_Columns: TypeAlias = tuple[
    int, MessageId, str, AccountKey, str, str, float, float, float, int, Tag
]
_ADD = """
INSERT INTO messages (number, id, direction, contact, state, text, created_s, sent_s, expires_s,
    carriers, proof_hash, history)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_SELECT = """
SELECT number, id, direction, contact, state, text, created_s, sent_s, expires_s,
    carriers, proof_hash
FROM messages
"""
_UPDATE = """
UPDATE messages SET state = ?, carriers = ?, proof_hash = ?, history = history || ?
WHERE id = ? AND direction = ?
"""
_ONE = f"{_SELECT} WHERE id = ? AND direction = ?"
_STARTING = f"{_SELECT} WHERE id BETWEEN ? AND ? ORDER BY number LIMIT ?"
_DELETE = "DELETE FROM messages WHERE contact = ?"
_HISTORY = "SELECT history FROM messages WHERE id = ? AND direction = ?"

_ID_DIGITS = 2 * MESSAGE_ID_SIZE_BYTES
_read_line = msgspec.json.Decoder(tuple[float, str, str]).decode


class Messages(Area):
    """:class:`p2p.ports.store.MessageStore` on one database."""

    def add_message(self, row: MessageRow, *history: HistoryEntry) -> int:
        """Keep a new message and its history; 0 where its (id, direction) is known."""
        values = (
            row.order or None,
            row.id,
            row.direction.value,
            row.contact,
            row.state.value,
            row.text,
            row.created_s,
            row.sent_s,
            row.expires_s,
            row.carriers,
            row.proof_hash,
            _lines(history),
        )
        try:
            return self._database.insert(_ADD, values)
        except Conflict:
            if self.message(row.id, row.direction) is None:
                raise
            return 0

    def update_message(
        self,
        message: MessageId,
        direction: Direction,
        state: MessageState,
        carriers: int,
        proof_hash: Tag,
        *history: HistoryEntry,
    ) -> None:
        """Change what may change of a message, and append to its history."""
        values = (state.value, carriers, proof_hash, _lines(history), message, direction.value)
        self._database.write(_UPDATE, values)

    def message(self, message: MessageId, direction: Direction) -> MessageRow | None:
        """Give one message, or None."""
        found = self._database.rows(_ONE, (message, direction.value))
        return _message(found[0]) if found else None

    def messages_starting(self, prefix: str, limit: int) -> list[MessageRow]:
        """Give messages whose hexadecimal id starts with ``prefix``, in store order."""
        if len(prefix) > _ID_DIGITS or not set(prefix) <= set(hexdigits):
            return []
        low = bytes.fromhex(prefix.ljust(_ID_DIGITS, "0"))
        high = bytes.fromhex(prefix.ljust(_ID_DIGITS, "f"))
        found = self._database.rows(_STARTING, (low, high, max(0, limit)))
        return [_message(row) for row in found]

    def messages(
        self,
        *,
        direction: Direction | None,
        contact: AccountKey | None,
        states: tuple[MessageState, ...],
        after_order: int,
        limit: int,
    ) -> list[MessageRow]:
        """Give messages in store order after ``after_order``."""
        where, values = _where(direction, contact)
        if states:
            # Written out and not bound: only so can SQLite see that an index covers these states.
            where += f" AND state IN ({', '.join(repr(state.value) for state in states)})"
        values += (after_order, max(0, limit))
        sql = f"{_SELECT} WHERE {where} AND number > ? ORDER BY number LIMIT ?"
        return [_message(row) for row in self._database.rows(sql, values)]

    def newest_messages(
        self, *, direction: Direction | None, contact: AccountKey | None, limit: int
    ) -> list[MessageRow]:
        """Give the newest messages, in store order."""
        where, values = _where(direction, contact)
        values.append(max(0, limit))
        sql = f"{_SELECT} WHERE {where} ORDER BY number DESC LIMIT ?"
        return [_message(row) for row in reversed(self._database.rows(sql, values))]

    def delete_messages(self, contact: AccountKey) -> None:
        """Forget a contact's messages and their history."""
        self._database.write(_DELETE, (contact,))

    def history(self, message: MessageId, direction: Direction) -> list[HistoryEntry]:
        """Give a message's history, oldest first."""
        found = self._database.rows(_HISTORY, (message, direction.value))
        lines = cast("str", found[0][0]) if found else ""
        return [HistoryEntry(*_read_line(line)) for line in lines.split("\n") if line]


def _where(direction: Direction | None, contact: AccountKey | None) -> tuple[str, list[Value]]:
    """Give a condition of fixed fragments and the values of its question marks."""
    where = "TRUE"
    values: list[Value] = []
    if direction is not None:
        where += " AND direction = ?"
        values.append(direction.value)
    if contact is not None:
        where += " AND contact = ?"
        values.append(contact)
    return where, values


def _lines(history: tuple[HistoryEntry, ...]) -> str:
    """Give a history as it is kept in its message's row: a JSON array and a line feed each.

    In the row and not in a table of its own, since every entry goes with a change of its message,
    and each page that a commit touches costs an encryption.
    """
    return "".join(
        msgspec.json.encode((entry.at_s, entry.kind, entry.detail)).decode() + "\n"
        for entry in history
    )


def _message(row: Row) -> MessageRow:
    values = cast("_Columns", row)
    return MessageRow(
        values[0],
        values[1],
        Direction(values[2]),
        values[3],
        MessageState(values[4]),
        *values[5:],
    )
