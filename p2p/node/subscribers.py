"""Notices for whoever listens at this node: one short memory that every subscriber reads from."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Final

import trio

from p2p.core.effects import Notice
from p2p.errors import Conflict
from p2p.node.api import NoticeStream, NumberedNotice

REMEMBERED_MAX: Final = 4_096
"""Notices remembered for those who come back, and for those who are behind: one commit may bring
more than a thousand, when mail that waited is opened."""
SUBSCRIBERS_MAX: Final = 64


class Subscribers:
    """Numbers notices from 1; subscribers read them at their own pace; never waits for one.

    ``listening`` counts the subscribers.
    """

    def __init__(self) -> None:
        self._remembered: deque[NumberedNotice] = deque(maxlen=REMEMBERED_MAX)
        self._last_sequence = 0
        self.listening = 0
        self._news = trio.Event()
        self._ended = False

    @property
    def last_sequence(self) -> int:
        """The newest number; 0 before the first."""
        return self._last_sequence

    def publish(self, notice: Notice, now_s: float) -> None:
        """Number a notice, remember it, and wake those who listen."""
        self._last_sequence += 1
        self._remembered.append(NumberedNotice(self._last_sequence, now_s, notice))
        self._news.set()

    @asynccontextmanager
    async def subscribe(self, after: int) -> AsyncGenerator[NoticeStream, None]:
        """Stream what is remembered above ``after``, then what comes.

        The stream ends with the node, or where the subscriber is so slow that what it has not read
        is forgotten. A number that was not given yet belongs to an earlier run of this node: then
        everything remembered is streamed.

        Raises:
            Conflict: there are too many subscribers.
        """
        if self.listening >= SUBSCRIBERS_MAX:
            raise Conflict(f"{SUBSCRIBERS_MAX} clients listen already.")
        self.listening += 1
        try:
            yield _Stream(self, 0 if after > self._last_sequence else after)
        finally:
            self.listening -= 1

    def end_all(self) -> None:
        """End every subscriber: the node stops."""
        self._ended = True
        self._news.set()

    @property
    def oldest_sequence(self) -> int:
        """The number of the oldest notice remembered; one above the newest where there is none."""
        return self._last_sequence - len(self._remembered) + 1

    async def next_after(self, sequence: int) -> NumberedNotice | None:
        """Wait for the notice that follows; None where the node ends or it is forgotten."""
        while sequence >= self._last_sequence:
            if self._ended:
                return None
            if self._news.is_set():
                self._news = trio.Event()
            await self._news.wait()
        return self.after(sequence)

    def after(self, sequence: int) -> NumberedNotice | None:
        """Give the notice that follows; None where it is forgotten or yet to come."""
        place = sequence + 1 - self.oldest_sequence
        return self._remembered[place] if 0 <= place < len(self._remembered) else None


class _Stream:
    """One subscriber's place; a plain iterator, so that nobody has to close it.

    It waits only where there is nothing to give: who reads in bulk does something else in between.
    """

    def __init__(self, subscribers: Subscribers, after: int) -> None:
        self._subscribers = subscribers
        self._sequence = max(after, subscribers.oldest_sequence - 1)

    def __aiter__(self) -> _Stream:
        return self

    async def __anext__(self) -> NumberedNotice:
        numbered = await self._subscribers.next_after(self._sequence)
        if numbered is None:
            raise StopAsyncIteration
        self._sequence = numbered.sequence
        return numbered

    def take(self, most: int) -> list[NumberedNotice]:
        """Give what is there already, at most ``most``; never waits."""
        taken: list[NumberedNotice] = []
        while len(taken) < most and (numbered := self._subscribers.after(self._sequence)):
            self._sequence = numbered.sequence
            taken.append(numbered)
        return taken
