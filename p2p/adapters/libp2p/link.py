"""One neighbour's stream: frames out in large writes, frames in from a reader that never rests."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Protocol

import trio

from p2p.adapters.closing import cancel_scope, shielded
from p2p.adapters.framing import UNREAD_MAX_BYTES, FrameSplitter, unread_size, writes
from p2p.adapters.prompt_lock import PromptLock
from p2p.errors import LimitExceeded, LinkFailed, MolvaError
from p2p.wire.ids import PeerId

READ_SIZE_BYTES: Final = 65_536
FRAME_WAIT_MAX_S: Final = 60.0
"""A frame that has begun is here whole within this, at 1.1 KB/s; who stalls in one is dropped."""
FAREWELL_WAIT_S: Final = 0.5
"""How long a closed link waits for the neighbour to read its last frames and close as well."""


class ByteStream(Protocol):
    """What a link needs of a stream of py-libp2p."""

    async def read(self, n: int) -> bytes:
        """Give between 1 and ``n`` bytes."""
        ...

    async def write(self, data: bytes) -> None:
        """Send all of ``data``."""
        ...

    async def close(self) -> None:
        """Close for writing."""
        ...


class Libp2pLink:
    """A link over one stream of a connection of its own.

    :meth:`carry` reads all the time and must run for as long as the link is to live.

    Args:
        hang_up: closes the whole connection.
        ended: told once, when the link can be used no more.
    """

    def __init__(
        self,
        stream: ByteStream,
        peer: PeerId,
        address: str,
        *,
        outbound: bool,
        hang_up: Callable[[], Awaitable[None]],
        ended: Callable[[Libp2pLink], None],
    ) -> None:
        self._stream = stream
        self._peer = peer
        self._address = address
        self._outbound = outbound
        self._hang_up = hang_up
        self._on_end = ended
        self._splitter = FrameSplitter()
        self._frame_due_s = math.inf
        self._frames: list[bytes] = []
        self._frames_bytes = 0
        self._arrived = trio.Event()
        self._writing = PromptLock()
        self._failure: MolvaError | None = None
        self._reading = cancel_scope()
        self._read_out = trio.Event()
        self._closed = trio.Event()

    @property
    def peer(self) -> PeerId:
        """The neighbour, as the Noise handshake proved it."""
        return self._peer

    @property
    def address(self) -> str:
        """The multiaddress at the other end."""
        return self._address

    @property
    def outbound(self) -> bool:
        """Whether this node dialled."""
        return self._outbound

    async def carry(self) -> None:
        """Read until the link ends, then close the connection."""
        try:
            with self._reading:
                await self._read()
        finally:
            self._end(LinkFailed(f"The link to {self._peer} is closed."))
            self._read_out.set()
            with shielded():
                await self._hang_up()
            self._closed.set()

    async def wait_closed(self) -> None:
        """Return once the connection is closed."""
        await self._closed.wait()

    async def _read(self) -> None:
        try:
            while data := await self._read_some():
                frames = self._splitter.feed(data)
                if frames or self._frame_due_s == math.inf:
                    self._frame_due_s = trio.current_time() + FRAME_WAIT_MAX_S
                self._take(frames)
        except LimitExceeded as failure:
            self.fail(failure)
        except Exception as error:  # py-libp2p has a dozen ways to say that a stream is over
            self._end(LinkFailed(f"The link to {self._peer} ended: {_say(error)}."))
        else:
            self._end(LinkFailed(f"{self._peer} closed the link."))

    async def _read_some(self) -> bytes:
        if not self._splitter.unfinished:
            self._frame_due_s = math.inf
            return await self._stream.read(READ_SIZE_BYTES)
        with trio.move_on_at(self._frame_due_s):
            return await self._stream.read(READ_SIZE_BYTES)
        raise LimitExceeded(f"{self._peer} began a frame and did not finish it.")

    def _take(self, frames: list[bytes]) -> None:
        if self._failure is not None or not frames:
            return
        size_bytes = self._frames_bytes + sum(map(unread_size, frames))
        if size_bytes > UNREAD_MAX_BYTES:
            raise LimitExceeded(f"{self._peer} sent more than may be left unread.")
        self._frames += frames
        self._frames_bytes = size_bytes
        self._arrived.set()

    async def send(self, frames: Sequence[bytes]) -> None:
        """Write frames in order, batched into writes of at most 16 KiB."""
        await trio.lowlevel.checkpoint_if_cancelled()
        async with self._writing:
            for piece in writes(frames):
                if self._failure is not None:
                    raise LinkFailed(str(self._failure))
                await self._write(piece)

    async def _write(self, piece: bytes) -> None:
        whole = False
        try:
            await self._stream.write(piece)
            await trio.lowlevel.checkpoint()
            whole = True
        except Exception as error:  # see _read
            failure = LinkFailed(f"The link to {self._peer} broke: {_say(error)}.")
            self.fail(failure)
            raise failure from error
        finally:
            if not whole:  # cancelled inside a frame: nothing more can be said on this stream
                self.fail(LinkFailed(f"A write to {self._peer} was cut off."))

    async def receive(self) -> list[bytes]:
        """Wait for at least one whole frame and give all that have come."""
        if self._frames:
            await trio.lowlevel.checkpoint()
        while not self._frames:
            if self._failure is not None:
                raise self._failure
            self._arrived = trio.Event()
            await self._arrived.wait()
        frames, self._frames, self._frames_bytes = self._frames, [], 0
        return frames

    def fail(self, failure: MolvaError) -> None:
        """End the link now; what was not read is lost."""
        self._end(failure)
        self._frames = []
        self._reading.cancel()

    def _end(self, failure: MolvaError) -> None:
        if self._failure is None:
            self._failure = failure
            self._on_end(self)
            self._arrived.set()

    async def aclose(self) -> None:
        """Close the link: what was sent before still reaches a neighbour that reads."""
        self._end(LinkFailed(f"The link to {self._peer} is closed."))
        self._frames = []
        if not self._read_out.is_set():
            with shielded(FAREWELL_WAIT_S):
                await self._say_farewell()
                await self._read_out.wait()
        self._reading.cancel()
        with shielded():
            await self._closed.wait()

    async def _say_farewell(self) -> None:
        try:
            async with self._writing:
                await self._stream.close()
        except Exception:  # see _read; a broken stream needs no farewell
            self._reading.cancel()


def _say(error: Exception) -> str:
    return str(error).rstrip(".") or type(error).__name__
