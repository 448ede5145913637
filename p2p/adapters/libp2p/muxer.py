"""Yamux with bounds: what one connection may cost this node.

py-libp2p's Yamux buffers whatever a peer sends and opens whatever streams a peer asks for (its
receive window is only logged). Here a peer that goes beyond what any honest one needs loses its
connection. Closing is bounded too: theirs waits for ever on a peer that does not read.
"""

from __future__ import annotations

import struct
from typing import Final, cast

import trio
from libp2p.abc import IMuxedConn, IMuxedStream, INetStream, ISecureConn
from libp2p.custom_types import TMuxerOptions, TSecurityOptions
from libp2p.io.exceptions import IOException
from libp2p.network.stream.net_stream import NetStream
from libp2p.peer.id import ID  # pyright: ignore[reportMissingTypeStubs]
from libp2p.protocol_muxer.exceptions import MultiselectClientError, MultiselectError
from libp2p.stream_muxer.exceptions import MuxedConnUnavailable, MuxedStreamEOF
from libp2p.stream_muxer.yamux.yamux import (
    DEFAULT_WINDOW_SIZE,
    FLAG_ACK,
    FLAG_SYN,
    GO_AWAY_NORMAL,
    HEADER_SIZE,
    TYPE_DATA,
    TYPE_PING,
    TYPE_WINDOW_UPDATE,
    YAMUX_HEADER_FORMAT,
    Yamux,
    YamuxStream,
)
from libp2p.transport.exceptions import MuxerUpgradeFailure
from libp2p.transport.upgrader import TransportUpgrader

from p2p.adapters.closing import shielded
from p2p.adapters.framing import UNREAD_MAX_BYTES
from p2p.adapters.libp2p.metered import Allowance, MeteredConn
from p2p.adapters.libp2p.negotiation import BriefMuxerMultistream, BriefSecurityMultistream
from p2p.adapters.prompt_lock import PromptLock

STREAMS_INBOUND_MAX: Final = 128
"""Streams that a peer has open towards us: one link, one ping, one identify, at most 12 of the
DHT, and those half closed. A stream costs about 8 KB."""
STREAMS_BURST_MAX: Final = 256
STREAMS_RATE_PER_S: Final = 50.0
"""A fresh stream costs 2.6 ms of CPU, so a peer that opens and resets them could keep a core busy;
an honest one opens a handful at the start, a ping every few seconds and a few for the DHT."""
BUFFERED_MAX_BYTES: Final = UNREAD_MAX_BYTES
"""Bytes received on all streams of a connection and not yet read by their handlers."""
SMALL_FRAME_BYTES: Final = 32
SMALL_FRAMES_BURST_MAX: Final = 4_000
SMALL_FRAMES_RATE_PER_S: Final = 1_000.0
"""Yamux frames of 12 bytes (pings, window updates, data in crumbs) take 25 us each, an answer 35,
so that 300 KB/s of them could keep a core busy. Of an honest neighbour only Hello, Credit, pings
and window updates are so small: a few a second."""
URGENT_MAX_BYTES: Final = 256 * HEADER_SIZE
"""Pings, window updates and answers that wait to be sent. An honest peer causes a handful; who asks
on and does not read the answers is not read either."""
LINK_WINDOW_BYTES: Final = 1_048_576
"""What a neighbour may have under way on a link's stream: 10 MB/s over 100 ms."""


class ConnectionAbused(trio.TooSlowError):
    """A peer went beyond a bound. py-libp2p's reader closes a connection on TooSlowError alone;
    on most others it goes on reading in the middle of a frame."""


class BoundedYamux(Yamux):
    """A Yamux connection whose peer cannot make it large.

    Attributes:
        heard_s: the last sign of life, in trio's time; health monitoring leaves busy links alone.
    """

    def __init__(self, secured_conn: ISecureConn, peer_id: ID) -> None:
        metered = MeteredConn(secured_conn, self._before_read)
        super().__init__(metered, peer_id, is_initiator=secured_conn.is_initiator)
        self.heard_s = trio.current_time()
        self._new_streams = Allowance(STREAMS_BURST_MAX, STREAMS_RATE_PER_S)
        self._small_frames = Allowance(SMALL_FRAMES_BURST_MAX, SMALL_FRAMES_RATE_PER_S)
        self.streams_lock = cast("trio.Lock", PromptLock())
        self._write_lock = cast("trio.Lock", PromptLock())
        self._urgent = bytearray()
        self._urgent_waits = trio.Event()

    async def start(self) -> None:
        """Run until the connection ends."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(  # pyright: ignore[reportUnknownMemberType]
                self._send_urgent
            )
            await super().start()
            nursery.cancel_scope.cancel()

    async def accept_stream(self) -> IMuxedStream:
        """Give the next stream that the peer opens.

        Raises:
            MuxedConnUnavailable: the connection is closed, or the peer opened too many streams.
        """
        stream = await super().accept_stream()
        if self._inbound_count() > STREAMS_INBOUND_MAX or not self._new_streams.take():
            await self._cleanup_on_error()
            raise MuxedConnUnavailable("The peer opened too many streams.")
        return stream

    def _inbound_count(self) -> int:
        own_parity = 1 if self.is_initiator else 0
        return sum(1 for stream_id in self.streams if stream_id % 2 != own_parity)

    def _before_read(self, size_bytes: int | None) -> None:
        """Charge a frame when its header is read."""
        if size_bytes == HEADER_SIZE and not self._small_frames.take():
            raise ConnectionAbused

    async def _read_data_body(self, length: int) -> bytes:
        if length + sum(map(len, self.stream_buffers.values())) > BUFFERED_MAX_BYTES:
            raise ConnectionAbused
        if length >= SMALL_FRAME_BYTES:
            self._small_frames.give_back()
        body = await super()._read_data_body(length)
        self.heard_s = trio.current_time()
        return body

    async def _write_frame(self, data: bytes) -> None:
        """Send one Yamux frame; theirs formats two lines for the log, and always waits a turn.

        Who reads frames must not wait to answer one: both ends could wait for the other to read.
        """
        if not data[3] & FLAG_ACK:
            await self._send(data)
            return
        if data[1] == TYPE_PING:
            self.heard_s = trio.current_time()  # it answers a ping, which is a sign of life
        self.send_soon(data)
        if len(self._urgent) > URGENT_MAX_BYTES:
            await self._send()

    async def _send(self, frame: bytes = b"") -> None:
        """Send what is urgent, and a frame."""
        async with self._write_lock:
            urgent = bytes(self._urgent)
            self._urgent.clear()
            if urgent or frame:
                await self.secured_conn.write(urgent + frame)

    def send_soon(self, frame: bytes) -> None:
        """Send a frame before whatever comes next; never waits, and is never cut off."""
        self._urgent += frame
        self._urgent_waits.set()

    async def _send_urgent(self) -> None:
        try:
            while True:
                await self._urgent_waits.wait()
                self._urgent_waits = trio.Event()
                await self._send()
        except IOException:
            return  # the connection is over, and its reader sees to that

    async def send_data(self, stream_id: int, data: bytes) -> None:
        """Send data of a stream whose window has room for it."""
        header = struct.pack(YAMUX_HEADER_FORMAT, 0, TYPE_DATA, 0, stream_id, len(data))
        await self._send(header + data)

    def open_window(self, stream_id: int, size_bytes: int) -> None:
        """Let the peer send so much more on a stream."""
        self.send_soon(
            struct.pack(YAMUX_HEADER_FORMAT, 0, TYPE_WINDOW_UPDATE, 0, stream_id, size_bytes)
        )

    async def answers(self, wait_s: float) -> bool:
        """Send a ping of Yamux, and tell whether an answer came within ``wait_s`` seconds.

        Twelve bytes each way; libp2p's ping protocol needs a stream, a hundred times as dear.
        """
        self._ping_id += 1
        self._ping_event = answered = trio.Event()
        header = struct.pack(YAMUX_HEADER_FORMAT, 0, TYPE_PING, FLAG_SYN, 0, self._ping_id)
        self._ping_sent_time = trio.current_time()
        self.send_soon(header)
        with trio.move_on_after(wait_s):
            await answered.wait()
        if answered.is_set():
            self.heard_s = trio.current_time()
        return answered.is_set()

    async def close(self, error_code: int = GO_AWAY_NORMAL) -> None:
        """Say that we go, and close; a peer that does not take the word is closed without."""
        try:
            with shielded():
                await super().close(error_code)
            if not self.event_closed.is_set():
                await self._cleanup_on_error()
        finally:
            await self.secured_conn.close()  # a second time does no harm


class YamuxOnlyUpgrader(TransportUpgrader):
    """Upgrades connections to :class:`BoundedYamux`, whatever the options say."""

    def __init__(
        self, security: TSecurityOptions, muxers: TMuxerOptions, negotiate_timeout: int
    ) -> None:
        super().__init__(security, muxers, negotiate_timeout)
        self.security_multistream = BriefSecurityMultistream(security)
        self.muxer_multistream = BriefMuxerMultistream(muxers, negotiate_timeout)

    async def upgrade_connection(self, conn: ISecureConn, peer_id: ID) -> IMuxedConn:
        """Negotiate Yamux and give the connection.

        Raises:
            MuxerUpgradeFailure: the peer does not speak Yamux.
        """
        try:
            await self.muxer_multistream.select_transport(conn)
        except (MultiselectError, MultiselectClientError) as error:
            raise MuxerUpgradeFailure("the peer does not offer Yamux") from error
        return BoundedYamux(conn, peer_id)


class LinkStream:
    """A stream for one reader and one writer that costs no more turns of the scheduler than needed.

    py-libp2p answers each read with a window update: a Noise message, a system call and a wake-up
    at the other end, as dear as the data. Here the window is fixed, and opened again by half. And
    it takes six locks in turn for a read and a write of a stream that has one user each; here what
    is at hand is read, and what the window has room for is written, at once; a full window is left
    to theirs. And theirs forgets what was not read when the connection ends; here it is kept.
    """

    def __init__(self, stream: INetStream) -> None:
        assert isinstance(stream, NetStream), "streams come from our own swarm"
        muxed = stream.muxed_stream
        assert isinstance(muxed, YamuxStream), "connections are multiplexed by Yamux alone"
        self._stream = stream
        self._muxed = muxed
        assert isinstance(muxed.conn, BoundedYamux), "connections come from our own upgrader"
        self._conn = muxed.conn
        self._id = muxed.stream_id
        self._unread = self._conn.stream_buffers.get(self._id, bytearray())
        self._consumed_bytes = LINK_WINDOW_BYTES - DEFAULT_WINDOW_SIZE

    async def read(self, n: int) -> bytes:
        """Wait for data and give at most ``n`` bytes of it.

        What came before the end is given before the end is told, whatever the end was.

        Raises:
            MuxedStreamEOF: nothing more will come.
        """
        if self._consumed_bytes >= LINK_WINDOW_BYTES // 2:
            self._muxed.recv_window += self._consumed_bytes
            self._conn.open_window(self._id, self._consumed_bytes)
            self._consumed_bytes = 0
        if self._unread:
            await trio.lowlevel.checkpoint()
        while not self._unread:
            await self._wait_for_more()
        data = bytes(self._unread[:n])
        del self._unread[:n]
        self._consumed_bytes += len(data)
        return data

    async def _wait_for_more(self) -> None:
        muxed = self._muxed
        news = self._conn.stream_events.get(self._id)
        if news is None or muxed.recv_closed or muxed.closed:
            how = "reset" if muxed.reset_received else "closed"
            raise MuxedStreamEOF(f"the stream was {how}")
        await news.wait()
        if self._conn.stream_events.get(self._id) is news:
            self._conn.stream_events[self._id] = trio.Event()

    async def write(self, data: bytes) -> None:
        """Send all of ``data``."""
        muxed = self._muxed
        if muxed.send_closed or muxed.closed or muxed.send_window < len(data):
            await self._stream.write(data)
            return
        muxed.send_window -= len(data)
        await self._conn.send_data(self._id, data)

    async def close(self) -> None:
        """Close for writing."""
        await self._stream.close()
