"""What every Network and Link must do; run on each adapter by test_links.py.

A harness makes networks that can reach each other. ``running`` starts one and gives what it
accepted.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Protocol

import pytest
import trio
import trio.testing

from p2p.errors import InvalidInput, LimitExceeded, LinkFailed
from p2p.ports.link import Link, Network
from p2p.wire.limits import FRAME_SIZE_MAX_BYTES

PATIENCE_S = 15.0


class Harness(Protocol):
    def network(self, name: str) -> Network: ...

    def nowhere(self) -> str: ...


class Node:
    """A running network whose inbound links wait in a queue."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self._send, self._receive = trio.open_memory_channel[Link](100)
        self.release = trio.Event()

    async def accept(self, link: Link) -> None:
        await self._send.send(link)
        await self.release.wait()

    async def inbound(self) -> Link:
        with trio.fail_after(PATIENCE_S):
            return await self._receive.receive()

    def nothing_waits(self) -> bool:
        return self._receive.statistics().current_buffer_used == 0

    @property
    def address(self) -> str:
        return self.network.addresses()[0]


@asynccontextmanager
async def running(
    network: Network, accept: Callable[[Link], Awaitable[None]] | None = None
) -> AsyncIterator[Node]:
    node = Node(network)
    up = trio.Event()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(network.run, accept or node.accept, up.set)
        with trio.fail_after(PATIENCE_S):
            await up.wait()
        try:
            yield node
        finally:
            nursery.cancel_scope.cancel()


@asynccontextmanager
async def pair(harness: Harness) -> AsyncIterator[tuple[Node, Node]]:
    async with (
        running(harness.network("alice")) as alice,
        running(harness.network("bob")) as bob,
    ):
        yield alice, bob


async def collect(link: Link, count: int) -> list[bytes]:
    frames: list[bytes] = []
    with trio.fail_after(PATIENCE_S):
        while len(frames) < count:
            frames += await link.receive()
    return frames


async def ended(link: Link) -> None:
    """Wait until reading says that the link is over."""
    with trio.fail_after(PATIENCE_S), pytest.raises(LinkFailed):
        await read_on(link)


async def read_on(link: Link) -> None:
    while True:
        await link.receive()


class LinkContract:
    """The contract; a subclass gives the fixture ``harness``."""

    async def test_addresses_end_in_the_peer_id(self, harness: Harness) -> None:
        async with running(harness.network("alice")) as alice:
            addresses = alice.network.addresses()
            assert addresses
            assert all(a.endswith(f"/p2p/{alice.network.peer_id}") for a in addresses)

    async def test_both_ends_know_each_other(self, harness: Harness) -> None:
        async with pair(harness) as (alice, bob):
            out = await alice.network.dial(bob.address)
            back = await bob.inbound()
            assert (out.peer, out.outbound) == (bob.network.peer_id, True)
            assert (back.peer, back.outbound) == (alice.network.peer_id, False)
            assert out.address.endswith(f"/p2p/{bob.network.peer_id}")
            assert back.address.endswith(f"/p2p/{alice.network.peer_id}")

    async def test_frames_arrive_whole_and_in_order_both_ways(self, harness: Harness) -> None:
        frames = [bytes([n % 256]) * n for n in range(0, 3_000, 7)]
        async with pair(harness) as (alice, bob):
            out = await alice.network.dial(bob.address)
            back = await bob.inbound()
            await out.send(frames)
            await back.send(frames[::-1])
            assert await collect(back, len(frames)) == frames
            assert await collect(out, len(frames)) == frames[::-1]

    async def test_the_largest_frames_pass(self, harness: Harness) -> None:
        frames = [bytes([n]) * FRAME_SIZE_MAX_BYTES for n in range(5)]
        async with pair(harness) as (alice, bob):
            out = await alice.network.dial(bob.address)
            back = await bob.inbound()
            async with trio.open_nursery() as nursery:
                nursery.start_soon(out.send, frames)
                assert await collect(back, len(frames)) == frames

    async def test_sends_from_many_tasks_do_not_mix(self, harness: Harness) -> None:
        async with pair(harness) as (alice, bob):
            out = await alice.network.dial(bob.address)
            back = await bob.inbound()
            sent = [[bytes([task]) * 20_000] * 3 for task in range(8)]
            async with trio.open_nursery() as nursery:
                for frames in sent:
                    nursery.start_soon(out.send, frames)
                got = await collect(back, 24)
            assert sorted(got) == sorted(frame for frames in sent for frame in frames)

    async def test_no_frames_is_nothing(self, harness: Harness) -> None:
        async with pair(harness) as (alice, bob):
            out = await alice.network.dial(bob.address)
            back = await bob.inbound()
            await out.send([])
            await out.send([b"after"])
            assert await collect(back, 1) == [b"after"]

    async def test_an_address_without_peer_id_can_be_dialled(self, harness: Harness) -> None:
        async with pair(harness) as (alice, bob):
            out = await alice.network.dial(bob.address.partition("/p2p/")[0])
            assert out.peer == bob.network.peer_id

    async def test_closing_ends_both_sides(self, harness: Harness) -> None:
        async with pair(harness) as (alice, bob):
            out = await alice.network.dial(bob.address)
            back = await bob.inbound()
            await out.send([b"last words"])
            assert await collect(back, 1) == [b"last words"]
            await out.aclose()
            await out.aclose()
            with pytest.raises(LinkFailed):
                await out.send([b"too late"])
            with pytest.raises(LinkFailed):
                await out.receive()
            await ended(back)
            with pytest.raises(LinkFailed):
                await back.send([b"too late"])

    async def test_after_closing_a_new_link_can_be_had(self, harness: Harness) -> None:
        async with pair(harness) as (alice, bob):
            out = await alice.network.dial(bob.address)
            back = await bob.inbound()
            await out.aclose()
            await ended(back)
            again = await alice.network.dial(bob.address)
            await again.send([b"again"])
            assert await collect(await bob.inbound(), 1) == [b"again"]

    async def test_the_link_closes_when_accept_returns(self, harness: Harness) -> None:
        async with pair(harness) as (alice, bob):
            out = await alice.network.dial(bob.address)
            await bob.inbound()
            bob.release.set()
            await ended(out)

    async def test_the_link_closes_when_accept_raises_and_the_node_lives_on(
        self, harness: Harness
    ) -> None:
        async def accept(link: Link) -> None:
            await link.receive()
            raise LinkFailed("the neighbour was sent away")

        async with (
            running(harness.network("alice")) as alice,
            running(harness.network("bob"), accept) as bob,
        ):
            for _ in range(2):
                out = await alice.network.dial(bob.address)
                await out.send([b"hello"])
                await ended(out)

    async def test_when_a_node_ends_its_neighbours_notice(self, harness: Harness) -> None:
        async with running(harness.network("alice")) as alice:
            async with running(harness.network("bob")) as bob:
                out = await alice.network.dial(bob.address)
                await bob.inbound()
            await ended(out)

    async def test_an_ended_node_can_run_again(self, harness: Harness) -> None:
        async with running(harness.network("alice")) as alice:
            async with running(harness.network("bob")):
                pass
            async with running(harness.network("bob")) as bob:
                out = await alice.network.dial(bob.address)
                assert out.peer == bob.network.peer_id

    async def test_nobody_there(self, harness: Harness) -> None:
        async with running(harness.network("alice")) as alice:
            with trio.fail_after(PATIENCE_S), pytest.raises(LinkFailed, match="answer"):
                await alice.network.dial(harness.nowhere())

    async def test_another_peer_id_there(self, harness: Harness) -> None:
        async with pair(harness) as (alice, bob):
            place = bob.address.partition("/p2p/")[0]
            stranger = harness.network("carol").peer_id
            with pytest.raises(LinkFailed, match="omebody else"):
                await alice.network.dial(f"{place}/p2p/{stranger}")
            assert bob.nothing_waits()

    async def test_the_own_address(self, harness: Harness) -> None:
        async with running(harness.network("alice")) as alice:
            with pytest.raises(LinkFailed, match="own"):
                await alice.network.dial(alice.address)
            with pytest.raises(LinkFailed, match="own"):
                await alice.network.dial(alice.address.partition("/p2p/")[0])

    @pytest.mark.parametrize("address", ["", "hello", "/ip4/1.2.3.4", "/p2p/x", "/memory/x/y"])
    async def test_no_address(self, harness: Harness, address: str) -> None:
        async with running(harness.network("alice")) as alice:
            with pytest.raises(InvalidInput):
                await alice.network.dial(address)

    async def test_a_node_that_does_not_run_dials_nobody(self, harness: Harness) -> None:
        async with running(harness.network("bob")) as bob:
            with pytest.raises(LinkFailed, match="not running"):
                await harness.network("alice").dial(bob.address)

    async def test_a_second_dial_is_refused_while_the_link_lives(self, harness: Harness) -> None:
        async with pair(harness) as (alice, bob):
            out = await alice.network.dial(bob.address)
            back = await bob.inbound()
            for address in (bob.address, bob.address.partition("/p2p/")[0]):
                with pytest.raises(LinkFailed, match="already"):
                    await alice.network.dial(address)
            with pytest.raises(LinkFailed, match="already"):
                await bob.network.dial(alice.address)
            await out.send([b"still there"])
            assert await collect(back, 1) == [b"still there"]

    async def test_two_dials_at_once_leave_one_link(self, harness: Harness) -> None:
        """Whatever the race does, exactly one link per neighbour lives, the same on both sides."""
        dialled: list[Link] = []

        async def dial(node: Node, address: str) -> None:
            try:
                dialled.append(await node.network.dial(address))
            except LinkFailed:
                return

        async with pair(harness) as (alice, bob):
            async with trio.open_nursery() as nursery:
                for _ in range(2):
                    nursery.start_soon(dial, alice, bob.address)
                    nursery.start_soon(dial, bob, alice.address)
            await trio.testing.wait_all_tasks_blocked(0.3)
            alive: dict[str, list[Link]] = {alice.network.peer_id: [], bob.network.peer_id: []}
            for node in (alice, bob):
                while not node.nothing_waits():
                    dialled.append(await node.inbound())
            for link in dialled:
                if await _survives(link):
                    alive[link.peer].append(link)
            assert [len(links) for links in alive.values()] == [1, 1]
            (to_alice,), (to_bob,) = alive.values()
            assert to_alice.outbound != to_bob.outbound
            await to_alice.send([b"one"])
            assert await collect(to_bob, 1) == [b"one"]

    async def test_who_floods_an_idle_reader_is_dropped(self, harness: Harness) -> None:
        async with pair(harness) as (alice, bob):
            out = await alice.network.dial(bob.address)
            back = await bob.inbound()

            async def flood() -> None:
                while True:
                    await out.send([bytes(50_000)])

            with trio.fail_after(PATIENCE_S), pytest.raises(LinkFailed):
                await flood()
            with trio.fail_after(PATIENCE_S), pytest.raises(LimitExceeded):
                await read_on(back)


async def _survives(link: Link) -> bool:
    """Tell whether a link is quiet rather than broken after the dust has settled."""
    with trio.move_on_after(1.0):
        try:
            await link.receive()
        except LinkFailed:
            return False
    return True
