"""Open links: one per neighbour, each with a bounded queue of frames on their way out."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final

import trio

from p2p.errors import LimitExceeded, LinkFailed
from p2p.node.api import NeighbourView
from p2p.node.tasks import spawn
from p2p.ports.link import Link
from p2p.wire.ids import PeerId
from p2p.wire.limits import FRAME_SIZE_MAX_BYTES, WINDOW_MAX_BYTES

OUT_QUEUE_MAX_BYTES: Final = WINDOW_MAX_BYTES + 2 * FRAME_SIZE_MAX_BYTES
"""The core sends no more than the neighbour granted, so a longer queue is a neighbour that grants
and does not read."""
OUT_QUEUE_MAX_FRAMES: Final = 65_536
WRITE_MAX_BYTES: Final = 262_144
"""Frames are handed to the transport in batches of about this size."""
WRITE_WAIT_MAX_S: Final = 60.0
"""A neighbour that takes none of a batch for so long is gone, whatever its socket says."""
FAREWELL_WAIT_S: Final = 1.0
"""How long a link that we close may take to send what is queued, a Bye among it."""


class OpenLink:
    """One link with its queue, its reader's scope, and what the node knows about it.

    ``muted`` links deliver nothing more to the node: not their frames, nor their end. ``closing``
    links deliver only their end. ``abused`` ones ended because the neighbour went beyond a bound.
    """

    def __init__(self, link: Link, since_s: float) -> None:
        self.link = link
        self.peer: PeerId = link.peer
        self.since_s = since_s
        self.muted = False
        self.closing = False
        self.abused = False
        self.gone = trio.Event()
        self._frames: deque[bytes] = deque()
        self._size_bytes = 0
        self._changed = trio.Event()
        self._scope = trio.move_on_at(math.inf)

    def view(self) -> NeighbourView:
        """Give the link as people see it."""
        return NeighbourView(self.peer, self.link.address, self.link.outbound, self.since_s)

    def push(self, frame: bytes) -> bool:
        """Queue a frame; False where the queue is full, and the link must be aborted."""
        if self.closing:
            return True
        if (
            self._size_bytes + len(frame) > OUT_QUEUE_MAX_BYTES
            or len(self._frames) >= OUT_QUEUE_MAX_FRAMES
        ):
            return False
        self._frames.append(frame)
        self._size_bytes += len(frame)
        self._changed.set()
        return True

    def finish(self) -> None:
        """Close the link once what is queued has left, or after a second."""
        self.closing = True
        self._changed.set()
        self._scope.deadline = min(self._scope.deadline, trio.current_time() + FAREWELL_WAIT_S)

    def abort(self) -> None:
        """Close the link now."""
        self.closing = True
        self._scope.cancel()

    async def carry(self, deliver: Callable[[bytes], Awaitable[None]]) -> str:
        """Read and write until the link ends or is given up; closing it is the caller's.

        Args:
            deliver: takes each frame in turn; awaiting it is the back-pressure on the neighbour.

        Returns:
            Why it ended: ``closed`` where that was our own doing, else what the transport said.
        """
        ends: list[str] = []
        with self._scope:
            async with trio.open_nursery() as nursery:
                spawn(nursery, self._until_end, partial(self._read, deliver), nursery, ends)
                spawn(nursery, self._until_end, self._write, nursery, ends)
        return ends[0] if ends and not self.closing else "closed"

    async def _until_end(
        self, half: Callable[[], Awaitable[None]], nursery: trio.Nursery, ends: list[str]
    ) -> None:
        try:
            await half()
        except (LinkFailed, LimitExceeded) as exc:
            self.abused = self.abused or isinstance(exc, LimitExceeded)
            ends.append(str(exc))
        nursery.cancel_scope.cancel()

    async def _read(self, deliver: Callable[[bytes], Awaitable[None]]) -> None:
        while True:
            for frame in await self.link.receive():
                await deliver(frame)

    async def _write(self) -> None:
        with trio.move_on_at(math.inf) as patience:
            while self._frames or not self.closing:
                if not self._frames:
                    await self._changed.wait()
                    self._changed = trio.Event()
                    continue
                patience.deadline = trio.current_time() + WRITE_WAIT_MAX_S
                await self.link.send(self._take())
                patience.deadline = math.inf
        if patience.cancelled_caught:
            raise LinkFailed("The neighbour takes nothing any more.")

    def _take(self) -> list[bytes]:
        batch: list[bytes] = []
        size_bytes = 0
        while self._frames and size_bytes < WRITE_MAX_BYTES:
            frame = self._frames.popleft()
            size_bytes += len(frame)
            batch.append(frame)
        self._size_bytes -= size_bytes
        return batch
