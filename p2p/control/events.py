"""The event stream: a node's notices as server-sent events that a client can resume.

An event's id is ``<process>.<sequence>``. The first part names the node's process, since numbers
start anew with each; a client that resumes from another process, or from further back than the
node remembers, is told so by ``stream.missed`` and reads the messages again.
"""

from __future__ import annotations

import math
from typing import Final

import msgspec
import trio

from p2p.control import schema, translation
from p2p.control.http import Write
from p2p.errors import InvalidInput
from p2p.node.api import NodeApi, NoticeStream, NumberedNotice
from p2p.node.tasks import spawn
from p2p.wire.ids import AccountKey

CONTENT_TYPE: Final = b"text/event-stream"
NOTICES_PER_WRITE_MAX: Final = 256
"""Notices that arrive while a write is under way leave together in the next one."""
_SEQUENCE_DIGITS_MAX: Final = 15
_HEARTBEAT: Final = b":\n\n"


class EventStream:
    """One client's stream of events.

    Args:
        node: where the notices come from.
        position: ``Last-Event-ID`` or ``after``: an id, ``0`` for everything that is remembered,
            empty for only what is new.
        now_s: when it begins, Unix seconds.
        closing: ends the stream when it is set.

    Raises:
        InvalidInput: ``position`` is no place in a stream.
    """

    def __init__(self, node: NodeApi, position: str, now_s: float, closing: trio.Event) -> None:
        self._node = node
        self._opened_s = now_s
        self._closing = closing
        self._process = f"{int(node.status().started_s * 1000):x}"
        self._after, self._missed = self._place(position)
        self._names: dict[AccountKey, str] = {}
        self._silence = trio.move_on_at(math.inf)

    async def run(self, write: Write) -> None:
        """Write events until the node ends, the node drops a client too slow, or cancellation."""
        async with (
            self._node.subscribe(self._after) as notices,
            trio.open_nursery() as nursery,
        ):
            spawn(nursery, self._watch_closing)
            await write(self._opening())
            while (news := await self._next(notices)) is not None:
                await write(b"".join(map(self._lines, news)) or _HEARTBEAT)
            nursery.cancel_scope.cancel()

    async def _next(self, notices: NoticeStream) -> list[NumberedNotice] | None:
        """Wait for news; none after a long silence, None where there will be no more."""
        at_hand = notices.take(NOTICES_PER_WRITE_MAX)
        if at_hand or self._closing.is_set():
            return at_hand or None
        news: list[NumberedNotice] | None = None
        with trio.move_on_after(schema.HEARTBEAT_S) as self._silence:
            async for first in notices:
                return [first, *notices.take(NOTICES_PER_WRITE_MAX - 1)]
        if self._silence.cancelled_caught and not self._closing.is_set():
            news = []
        return news

    async def _watch_closing(self) -> None:
        await self._closing.wait()
        self._silence.cancel()

    def _place(self, position: str) -> tuple[int, bool]:
        """Give the sequence to begin after, and whether something before it is lost."""
        if not position:
            return self._node.last_sequence, False
        if position == "0":
            return 0, False
        process, _, digits = position.partition(".")
        if not digits.isascii() or not digits.isdigit() or len(digits) > _SEQUENCE_DIGITS_MAX:
            raise InvalidInput(f"{position!r} is no event id.")
        if process != self._process or int(digits) > self._node.last_sequence:
            return 0, True
        return int(digits), False

    def _opening(self) -> bytes:
        id_ = self._id(self._after)
        at_s = self._opened_s
        lines = _encode(schema.Event(event="stream.opened", id=id_, at_s=at_s))
        if self._missed:
            lines += _encode(schema.Event(event="stream.missed", id=id_, at_s=at_s))
        return lines

    def _lines(self, numbered: NumberedNotice) -> bytes:
        id_ = self._id(numbered.sequence)
        event = translation.event(numbered, id_, self._name_of)
        if event.contact is not None:
            self._names[AccountKey(bytes.fromhex(event.contact.account_key))] = event.contact.name
        lost = numbered.sequence - self._after - 1
        self._after = numbered.sequence
        if lost <= 0:
            return _encode(event)
        gap = schema.Event(
            event="stream.missed", id=self._id(numbered.sequence - 1), at_s=event.at_s, missed=lost
        )
        return _encode(gap) + _encode(event)

    def _name_of(self, account_key: AccountKey) -> str:
        if account_key not in self._names:
            self._names = {c.account_key: c.name for c in self._node.contacts()}
        return self._names.setdefault(account_key, "")

    def _id(self, sequence: int) -> str:
        return f"{self._process}.{sequence}"


def _encode(event: schema.Event) -> bytes:
    data = msgspec.json.encode(event)
    return b"id: %s\nevent: %s\ndata: %s\n\n" % (event.id.encode(), event.event.encode(), data)
