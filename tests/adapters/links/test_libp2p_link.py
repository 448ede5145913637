"""One neighbour's stream, without py-libp2p: what comes in on it, and when."""

from __future__ import annotations

import pytest
import trio
from trio.testing import MockClock

from p2p.adapters.libp2p.link import FRAME_WAIT_MAX_S, Libp2pLink
from p2p.errors import LimitExceeded
from p2p.wire.ids import PeerId


class FedStream:
    """A stream on which a test says what comes."""

    def __init__(self) -> None:
        self.feed, self._fed = trio.open_memory_channel[bytes](100)

    async def read(self, n: int) -> bytes:
        return await self._fed.receive()

    async def write(self, data: bytes) -> None:
        await trio.lowlevel.checkpoint()

    async def close(self) -> None:
        await trio.lowlevel.checkpoint()


def link_on(stream: FedStream) -> Libp2pLink:
    async def hang_up() -> None:
        await trio.lowlevel.checkpoint()

    return Libp2pLink(
        stream, PeerId("mallory"), "", outbound=False, hang_up=hang_up, ended=lambda _: None
    )


async def test_who_stalls_inside_a_frame_is_dropped(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    stream = FedStream()
    link = link_on(stream)
    nursery.start_soon(link.carry)
    began_s = trio.current_time()
    await stream.feed.send(b"\0\0\0\x09half")
    with pytest.raises(LimitExceeded, match="did not finish"):
        await link.receive()
    assert trio.current_time() - began_s == FRAME_WAIT_MAX_S


async def test_crumbs_of_one_frame_do_not_buy_time(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    stream = FedStream()
    link = link_on(stream)
    nursery.start_soon(link.carry)

    async def drip() -> None:
        await stream.feed.send(b"\0\0\x09\x09")
        while True:
            await trio.sleep(FRAME_WAIT_MAX_S / 4)
            await stream.feed.send(b"x")

    nursery.start_soon(drip)
    with pytest.raises(LimitExceeded, match="did not finish"):
        await link.receive()
    nursery.cancel_scope.cancel()


async def test_who_is_silent_between_frames_may_stay(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    stream = FedStream()
    link = link_on(stream)
    nursery.start_soon(link.carry)
    for _ in range(3):
        await stream.feed.send(b"\0\0\0\x01a\0\0\0\x01")
        assert await link.receive() == [b"a"]
        await trio.sleep(FRAME_WAIT_MAX_S - 1)
        await stream.feed.send(b"b")
        assert await link.receive() == [b"b"]
        await trio.sleep(10 * FRAME_WAIT_MAX_S)
    nursery.cancel_scope.cancel()
