"""The one way in: a bounded queue of events, from links and people alike, taken in batches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias

import trio

from p2p.core.effects import Result
from p2p.core.events import Event, FrameReceived
from p2p.errors import EnvironmentFault, NodeNotRunning
from p2p.node.links import OpenLink

INBOX_MAX: Final = 256
"""Events that wait; whoever posts more waits too. 256 of the largest frames are 17 MB."""

BATCH_MIN: Final = 16
"""So many are committed together, where so many wait."""

Outcome: TypeAlias = Result | EnvironmentFault


class Waiter:
    """Where the outcome of one command is left for the task that waits for it."""

    def __init__(self) -> None:
        self._outcome: Outcome = NodeNotRunning("The node is stopping.")
        self._settled = trio.Event()

    def settle(self, outcome: Outcome) -> None:
        """Leave the outcome; the first one counts."""
        if not self._settled.is_set():
            self._outcome = outcome
            self._settled.set()

    def give_up(self) -> None:
        """Settle with the news that the node stops."""
        self._settled.set()

    async def wait(self) -> Outcome:
        """Wait for the outcome; no checkpoint where it is there."""
        if not self._settled.is_set():
            await self._settled.wait()
        return self._outcome


@dataclass(frozen=True, slots=True)
class FromShell:
    """The shell itself has something to say."""

    event: Event


@dataclass(frozen=True, slots=True)
class FromLink:
    """Something happened on a link."""

    event: Event
    link: OpenLink

    def is_stale(self) -> bool:
        """Tell whether the node must not hear of it any more."""
        return self.link.muted or (self.link.closing and isinstance(self.event, FrameReceived))


@dataclass(frozen=True, slots=True)
class FromPerson:
    """A command, and who waits for its outcome."""

    event: Event
    waiter: Waiter


Posted: TypeAlias = FromShell | FromLink | FromPerson


class Inbox:
    """First in, first out, at most :data:`INBOX_MAX`."""

    def __init__(self) -> None:
        self._send, self._receive = trio.open_memory_channel[Posted](INBOX_MAX)

    async def post(self, posted: Posted) -> None:
        """Queue, after waiting for room where there is none; once closed, nothing is kept.

        No checkpoint where there is room, so that what comes together is committed together.
        """
        try:
            self._send.send_nowait(posted)
        except trio.WouldBlock:
            await self._post_when_there_is_room(posted)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            _give_up(posted)

    async def _post_when_there_is_room(self, posted: Posted) -> None:
        try:
            await self._send.send(posted)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            _give_up(posted)

    async def next_batch(self, wait_max_s: float) -> list[Posted]:
        """Wait that long for something, and give what is to be committed together.

        That is half of what is there, or :data:`BATCH_MIN` if that is more. What a commit brings
        goes out before the rest is handled, so that a neighbour has work meanwhile: all at once
        would have the two take turns (docs/adr/0017-half-of-what-waits.md).
        """
        batch: list[Posted] = []
        with trio.move_on_after(wait_max_s):
            batch.append(await self._receive.receive())
        waiting = self._receive.statistics().current_buffer_used
        room = max(BATCH_MIN, (len(batch) + waiting) // 2) - len(batch) if batch else 0
        batch += [self._receive.receive_nowait() for _ in range(min(room, waiting))]
        return batch

    def close(self) -> None:
        """Take nothing more, and tell those who wait."""
        self._send.close()
        while True:
            try:
                _give_up(self._receive.receive_nowait())
            except (trio.WouldBlock, trio.EndOfChannel, trio.ClosedResourceError):
                break
        self._receive.close()


def _give_up(posted: Posted) -> None:
    if isinstance(posted, FromPerson):
        posted.waiter.give_up()
