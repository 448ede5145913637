"""One connection's multiplexer and a link's stream on it, with a peer that sends what it likes."""

from __future__ import annotations

import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest
import trio
import trio.testing
from libp2p.network.stream.exceptions import StreamError
from libp2p.network.stream.net_stream import NetStream
from libp2p.peer.id import ID
from libp2p.stream_muxer.exceptions import MuxedStreamEOF
from libp2p.stream_muxer.yamux.yamux import (
    DEFAULT_WINDOW_SIZE,
    FLAG_ACK,
    FLAG_FIN,
    FLAG_RST,
    FLAG_SYN,
    TYPE_DATA,
    TYPE_GO_AWAY,
    TYPE_PING,
    TYPE_WINDOW_UPDATE,
    YAMUX_HEADER_FORMAT,
)

from p2p.adapters.libp2p.link import Libp2pLink
from p2p.adapters.libp2p.metered import READS_PER_TURN
from p2p.adapters.libp2p.muxer import (
    LINK_WINDOW_BYTES,
    URGENT_MAX_BYTES,
    BoundedYamux,
    LinkStream,
)
from p2p.errors import LinkFailed
from p2p.wire.ids import PeerId


def frame(kind: int, flags: int, stream_id: int, body: bytes = b"", value: int = 0) -> bytes:
    header = struct.pack(YAMUX_HEADER_FORMAT, 0, kind, flags, stream_id, len(body) or value)
    return header + body


class Wire:
    """A secured connection in memory: a test says what comes, and when what is written leaves."""

    is_initiator = True

    def __init__(self) -> None:
        self._coming = bytearray()
        self._more = trio.Event()
        self._ended = False
        self.room = trio.Event()
        self.room.set()
        self.written = bytearray()

    def comes(self, data: bytes) -> None:
        self._coming += data
        self._more.set()

    async def read(self, n: int | None = None) -> bytes:
        while not self._coming and not self._ended:
            self._more = trio.Event()
            await self._more.wait()
        data = bytes(self._coming[:n])
        del self._coming[:n]
        return data

    async def write(self, data: bytes) -> None:
        """Take half of it at once, and the rest when there is room."""
        self.written += data[: len(data) // 2]
        if not self.room.is_set():
            await self.room.wait()
        self.written += data[len(data) // 2 :]

    async def close(self) -> None:
        self._ended = True
        self._more.set()

    def took(self) -> list[tuple[int, int, int, int]]:
        """Give kind, flags, stream and length of each frame that was written."""
        frames: list[tuple[int, int, int, int]] = []
        at = 0
        while at < len(self.written):
            _, kind, flags, stream_id, length = struct.unpack_from(
                YAMUX_HEADER_FORMAT, self.written, at
            )
            frames.append((kind, flags, stream_id, length))
            at += 12 + (length if kind == TYPE_DATA else 0)
        assert at == len(self.written), "a frame was cut off"
        return frames


@asynccontextmanager
async def connection() -> AsyncIterator[tuple[Wire, BoundedYamux, LinkStream]]:
    """A running connection with one stream that we opened, number 1."""
    wire = Wire()
    muxed = BoundedYamux(wire, ID(b"peer"))  # type: ignore[arg-type]
    async with trio.open_nursery() as nursery:
        nursery.start_soon(muxed.start)
        await muxed.event_started.wait()
        stream = await muxed.open_stream()
        yield wire, muxed, LinkStream(NetStream(stream, None, None))
        nursery.cancel_scope.cancel()


FIN = frame(TYPE_WINDOW_UPDATE, FLAG_FIN, 1)
RST = frame(TYPE_WINDOW_UPDATE, FLAG_RST, 1)
GO_AWAY = frame(TYPE_GO_AWAY, 0, 0)
PING = frame(TYPE_PING, FLAG_SYN, 0, value=7)


@pytest.mark.parametrize(
    "tail",
    [FIN, RST, GO_AWAY, FIN + GO_AWAY, PING + FIN + PING + GO_AWAY, FIN + RST, RST + FIN + PING],
    ids=["fin", "rst", "go-away", "fin-go-away", "pings-fin-go-away", "fin-rst", "rst-fin"],
)
@pytest.mark.parametrize("reader_waits", [True, False])
async def test_what_came_before_the_end_is_read_before_it(
    autojump_clock: trio.abc.Clock, tail: bytes, reader_waits: bool
) -> None:
    """All of it came together: this node had no time for the connection until then."""
    got: list[bytes] = []

    async def read_on(stream: LinkStream) -> None:
        while True:
            got.append(await stream.read(1_000))

    async def read_all(stream: LinkStream) -> None:
        with pytest.raises(MuxedStreamEOF):
            await read_on(stream)

    async with connection() as (wire, _, stream), trio.open_nursery() as nursery:
        if reader_waits:
            nursery.start_soon(read_all, stream)
            await trio.testing.wait_all_tasks_blocked()
        data = bytes(range(250)) * 12
        wire.comes(frame(TYPE_DATA, 0, 1, data[:1]) + frame(TYPE_DATA, 0, 1, data[1:]) + tail)
        await trio.testing.wait_all_tasks_blocked()
        if not reader_waits:
            nursery.start_soon(read_all, stream)
    assert b"".join(got) == data


async def test_who_reads_does_not_wait_to_answer(autojump_clock: trio.abc.Clock) -> None:
    """Both ends write more than the sockets hold, and both ping: who stops reading to answer
    waits for the other, which waits for the same."""
    async with connection() as (wire, _, stream), trio.open_nursery() as nursery:
        await trio.testing.wait_all_tasks_blocked()
        wire.room = trio.Event()
        nursery.start_soon(stream.write, bytes(10_000))
        await trio.testing.wait_all_tasks_blocked()
        wire.comes(PING + frame(TYPE_PING, FLAG_SYN, 0, value=8) + frame(TYPE_DATA, 0, 1, b"on"))
        with trio.fail_after(1):
            assert await stream.read(10) == b"on"
        wire.room.set()
        await trio.testing.wait_all_tasks_blocked()
        assert wire.took()[1:] == [
            (TYPE_DATA, 0, 1, 10_000),
            (TYPE_WINDOW_UPDATE, 0, 1, LINK_WINDOW_BYTES - DEFAULT_WINDOW_SIZE),
            (TYPE_PING, FLAG_ACK, 0, 7),
            (TYPE_PING, FLAG_ACK, 0, 8),
        ]


async def test_a_ping_that_nobody_answers_in_time_is_not_cut_off(
    autojump_clock: trio.abc.Clock,
) -> None:
    """Half a message on the wire would cost a link that is only slow."""
    async with connection() as (wire, muxed, stream):
        await trio.testing.wait_all_tasks_blocked()
        wire.room = trio.Event()
        assert not await muxed.answers(0.2)
        wire.room.set()
        await stream.write(b"after")
        assert [kind for kind, *_ in wire.took()[-2:]] == [TYPE_PING, TYPE_DATA]


async def test_a_new_stream_is_acknowledged_before_it_is_used(
    autojump_clock: trio.abc.Clock,
) -> None:
    async with connection() as (wire, muxed, _):
        wire.comes(frame(TYPE_WINDOW_UPDATE, FLAG_SYN, 2))
        stream = await muxed.accept_stream()
        await stream.write(b"x")
        await trio.testing.wait_all_tasks_blocked()
        assert wire.took()[-2:] == [(TYPE_WINDOW_UPDATE, FLAG_ACK, 2, 0), (TYPE_DATA, 0, 2, 1)]


async def test_who_asks_on_and_takes_no_answer_is_not_read_either(
    autojump_clock: trio.abc.Clock,
) -> None:
    async with connection() as (wire, muxed, stream):
        await trio.testing.wait_all_tasks_blocked()
        wire.room = trio.Event()
        wire.comes(PING * 2_000 + frame(TYPE_DATA, 0, 1, b"the end"))
        await trio.testing.wait_all_tasks_blocked()
        assert len(muxed._urgent) <= URGENT_MAX_BYTES + len(PING)
        wire.room.set()
        assert await stream.read(10) == b"the end"
        await trio.testing.wait_all_tasks_blocked()
        assert wire.took().count((TYPE_PING, FLAG_ACK, 0, 7)) == 2_000


async def test_others_run_while_what_has_come_is_taken_apart() -> None:
    """One Noise message holds thousands of frames; each is charged, and none may hold the rest."""
    counts: list[int] = []

    async with connection() as (wire, muxed, _):
        charge = muxed._before_read
        charged = 0

        def count(size_bytes: int | None) -> None:
            nonlocal charged
            charged += 1
            charge(size_bytes)

        wire.comes(b"")
        await trio.testing.wait_all_tasks_blocked()
        muxed.secured_conn._before_read = count  # type: ignore[attr-defined]
        wire.comes(frame(TYPE_DATA, 0, 99) * 1_000)
        while not counts or counts[-1] < 1_000:
            await trio.lowlevel.checkpoint()
            counts.append(charged)
    assert max(b - a for a, b in zip([0, *counts], counts, strict=False)) <= 2 * READS_PER_TURN


async def test_others_run_while_a_long_buffer_is_read() -> None:
    async with connection() as (wire, _, stream):
        wire.comes(frame(TYPE_DATA, 0, 1, bytes(60_000)) * 4)
        assert len(await stream.read(1_000)) == 1_000
        for _ in range(10):
            with trio.testing.assert_checkpoints():
                assert len(await stream.read(1_000)) == 1_000


@pytest.mark.parametrize("at_hand", [True, False])
async def test_a_read_that_is_cancelled_loses_nothing(
    autojump_clock: trio.abc.Clock, at_hand: bool
) -> None:
    got = b""
    async with connection() as (wire, _, stream):
        for number in range(20):
            if at_hand:
                wire.comes(frame(TYPE_DATA, 0, 1, bytes([number])))
                await trio.testing.wait_all_tasks_blocked()
            with trio.move_on_after(0):
                got += await stream.read(1)
            if not at_hand:
                wire.comes(frame(TYPE_DATA, 0, 1, bytes([number])))
        wire.comes(FIN)
        with suppress(MuxedStreamEOF):
            while True:
                got += await stream.read(3)
    assert got == bytes(range(20))


@pytest.mark.parametrize("tail", [FIN, RST, GO_AWAY, b""], ids=["fin", "rst", "go-away", "we"])
async def test_an_end_while_both_sides_write(autojump_clock: trio.abc.Clock, tail: bytes) -> None:
    """Who waits to write and who waits to read are told, whoever ends it and however."""
    async with connection() as (wire, muxed, stream):
        muxed.streams[1].send_window = 100
        wire.comes(frame(TYPE_DATA, 0, 1, b"before"))
        with trio.fail_after(10):
            async with trio.open_nursery() as nursery:
                told: list[str] = []

                async def write() -> None:
                    with suppress(StreamError):
                        await stream.write(bytes(50_000))
                    told.append("writer")

                async def read() -> None:
                    assert await stream.read(10) == b"before"
                    with suppress(MuxedStreamEOF):
                        await stream.read(10)
                    told.append("reader")

                nursery.start_soon(write)
                nursery.start_soon(read)
                await trio.testing.wait_all_tasks_blocked()
                wire.comes(tail)
                if not tail:
                    await muxed.close()
        assert sorted(told) == ["reader", "writer"]


async def test_a_window_that_is_used_up_is_opened_by_what_was_read() -> None:
    async with connection() as (wire, _, stream):
        sent = read = 0
        while sent < 3 * LINK_WINDOW_BYTES:
            wire.comes(frame(TYPE_DATA, 0, 1, bytes(50_000)))
            sent += 50_000
            while read < sent:
                read += len(await stream.read(65_536))
        updates = [length for kind, _, _, length in wire.took() if kind == TYPE_WINDOW_UPDATE]
        granted = sum(updates) + DEFAULT_WINDOW_SIZE
        assert LINK_WINDOW_BYTES // 2 <= granted - sent <= LINK_WINDOW_BYTES
        assert len(updates) <= 8


async def test_a_window_without_end_is_no_more_than_a_large_one() -> None:
    async with connection() as (wire, muxed, stream):
        most = frame(TYPE_WINDOW_UPDATE, 0, 1, value=2**32 - 1)
        wire.comes(most * 3 + frame(TYPE_DATA, 0, 1, b"read"))
        assert await stream.read(10) == b"read"
        await stream.write(bytes(16_384))
        assert wire.took()[-1] == (TYPE_DATA, 0, 1, 16_384)
        assert muxed.streams[1].send_window == DEFAULT_WINDOW_SIZE + 3 * (2**32 - 1) - 16_384


async def test_what_the_window_has_no_room_for_waits_until_it_has(
    autojump_clock: trio.abc.Clock,
) -> None:
    async with connection() as (wire, muxed, stream), trio.open_nursery() as nursery:
        muxed.streams[1].send_window = 1_000
        nursery.start_soon(stream.write, bytes(2_500))
        await trio.testing.wait_all_tasks_blocked()
        assert wire.took()[-1] == (TYPE_DATA, 0, 1, 1_000)
        wire.comes(frame(TYPE_WINDOW_UPDATE, 0, 1, value=5_000))
        await trio.sleep(0.1)
        await stream.write(b"after")
        assert wire.took()[-2:] == [(TYPE_DATA, 0, 1, 1_500), (TYPE_DATA, 0, 1, 5)]


async def test_a_stream_of_the_same_number_is_another_stream(
    autojump_clock: trio.abc.Clock,
) -> None:
    async with connection() as (wire, _, stream):
        data = frame(TYPE_DATA, 0, 1, b"of the first")
        wire.comes(data + RST + frame(TYPE_DATA, FLAG_SYN, 1, b"of the second"))
        assert await stream.read(100) == b"of the first"
        with pytest.raises(MuxedStreamEOF):
            await stream.read(100)


class Pieces:
    """A stream that cancels a scope when a piece is written."""

    def __init__(self, scope: trio.CancelScope, at: int) -> None:
        self._scope = scope
        self._at = at
        self.written: list[bytes] = []

    async def read(self, n: int) -> bytes:
        await trio.sleep_forever()
        return bytes(n)

    async def write(self, data: bytes) -> None:
        self.written.append(data)
        if len(self.written) == self._at:
            self._scope.cancel()

    async def close(self) -> None:
        self.written.append(b"closed")


@pytest.mark.parametrize("at", [1, 2, 3])
async def test_a_send_cut_off_between_two_pieces_ends_the_link(at: int) -> None:
    """A frame may be cut over two pieces: what is sent next would be read as its rest."""

    async def hang_up() -> None:
        await trio.lowlevel.checkpoint()

    scope = trio.CancelScope()
    pieces = Pieces(scope, at)
    link = Libp2pLink(
        pieces, PeerId("peer"), "", outbound=True, hang_up=hang_up, ended=lambda _: None
    )
    with scope:
        await link.send([bytes(20_000), bytes(20_000)])
    assert scope.cancelled_caught
    with pytest.raises(LinkFailed):
        await link.send([b"next"])
    assert len(pieces.written) == at
