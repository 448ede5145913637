"""What the network in memory adds to the contract: latency, cuts and partitions."""

from __future__ import annotations

import pytest
import trio
import trio.testing

from p2p.adapters.memory_link import MemoryWorld, memory_peer_id
from p2p.errors import LinkFailed
from tests.ports.link_contract import collect, ended, running


def test_peer_ids_look_real_and_repeat() -> None:
    assert memory_peer_id("alice") == memory_peer_id("alice")
    assert memory_peer_id("alice") != memory_peer_id("bob")
    assert memory_peer_id("alice").startswith("12D3KooW")
    assert len(memory_peer_id("alice")) == 52


async def test_frames_take_the_latency(autojump_clock: trio.testing.MockClock) -> None:
    world = MemoryWorld(latency_s=2.0)
    async with running(world.network("a")) as a, running(world.network("b")) as b:
        link = await a.network.dial(b.address)
        back = await b.inbound()
        sent_s = trio.current_time()
        await link.send([b"one"])
        assert await collect(back, 1) == [b"one"]
        assert trio.current_time() - sent_s == pytest.approx(2.0)


async def test_a_cut_breaks_the_link_and_refuses_dials(
    autojump_clock: trio.testing.MockClock,
) -> None:
    world = MemoryWorld(latency_s=1.0)
    async with running(world.network("a")) as a, running(world.network("b")) as b:
        link = await a.network.dial(b.address)
        back = await b.inbound()
        await link.send([b"under way"])
        world.cut(a.network.peer_id, b.network.peer_id)
        await ended(link)
        await ended(back)
        with pytest.raises(LinkFailed, match="answers"):
            await a.network.dial(b.address)
        world.heal()
        again = await a.network.dial(b.address)
        await again.send([b"healed"])
        assert await collect(await b.inbound(), 1) == [b"healed"]


async def test_a_partition_leaves_islands(autojump_clock: trio.testing.MockClock) -> None:
    world = MemoryWorld()
    async with (
        running(world.network("a")) as a,
        running(world.network("b")) as b,
        running(world.network("c")) as c,
    ):
        to_b = await a.network.dial(b.address)
        to_c = await a.network.dial(c.address)
        world.partition([a.network.peer_id, b.network.peer_id], [c.network.peer_id])
        await ended(to_c)
        await to_b.send([b"same island"])
        assert await collect(await b.inbound(), 1) == [b"same island"]
        with pytest.raises(LinkFailed):
            await b.network.dial(c.address)
