"""Notices for whoever listens at this node: a short memory, and subscribers that keep up."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import trio

from p2p.core.effects import Notice
from p2p.errors import Conflict
from p2p.node.api import NumberedNotice

REMEMBERED_MAX: Final = 1_000
"""Notices remembered for those who come back; memory stays in the order of a megabyte."""
BUFFER_MAX: Final = 250
"""Notices that wait for one subscriber. Less than what is remembered, so that one who was ended
for slowness still finds what it missed."""
SUBSCRIBERS_MAX: Final = 64

assert BUFFER_MAX < REMEMBERED_MAX


class Subscribers:
    """Numbers notices from 1 and hands them to every subscriber; never waits for one."""

    def __init__(self) -> None:
        self._remembered: deque[NumberedNotice] = deque(maxlen=REMEMBERED_MAX)
        self._last_sequence = 0
        self._channels: list[trio.MemorySendChannel[NumberedNotice]] = []

    @property
    def last_sequence(self) -> int:
        """The newest number; 0 before the first."""
        return self._last_sequence

    def publish(self, notice: Notice, now_s: float) -> None:
        """Number a notice, remember it, and hand it on; whoever has no room left is ended."""
        self._last_sequence += 1
        numbered = NumberedNotice(self._last_sequence, now_s, notice)
        self._remembered.append(numbered)
        for channel in list(self._channels):
            try:
                channel.send_nowait(numbered)
            except (trio.WouldBlock, trio.BrokenResourceError):
                self._end(channel)

    @asynccontextmanager
    async def subscribe(self, after: int) -> AsyncGenerator[AsyncIterator[NumberedNotice], None]:
        """Stream what is remembered above ``after``, then what comes.

        A number that was not given yet belongs to an earlier run of this node: then everything
        remembered is streamed.

        Raises:
            Conflict: there are too many subscribers.
        """
        if len(self._channels) >= SUBSCRIBERS_MAX:
            raise Conflict(f"{SUBSCRIBERS_MAX} clients listen already.")
        start = 0 if after > self._last_sequence else after
        past = [one for one in self._remembered if one.sequence > start]
        send, receive = trio.open_memory_channel[NumberedNotice](BUFFER_MAX)
        self._channels.append(send)
        try:
            yield _Stream(past, receive)
        finally:
            self._end(send)
            receive.close()

    def end_all(self) -> None:
        """End every subscriber: the node stops."""
        for channel in list(self._channels):
            self._end(channel)

    def _end(self, channel: trio.MemorySendChannel[NumberedNotice]) -> None:
        channel.close()
        if channel in self._channels:
            self._channels.remove(channel)


class _Stream:
    """What is remembered, then what comes; a plain iterator, so that nobody has to close it."""

    def __init__(
        self, past: list[NumberedNotice], receive: trio.MemoryReceiveChannel[NumberedNotice]
    ) -> None:
        self._past = deque(past)
        self._receive = receive

    def __aiter__(self) -> _Stream:
        return self

    async def __anext__(self) -> NumberedNotice:
        if self._past:
            await trio.lowlevel.checkpoint()
            return self._past.popleft()
        try:
            return await self._receive.receive()
        except (trio.EndOfChannel, trio.ClosedResourceError):
            raise StopAsyncIteration from None
