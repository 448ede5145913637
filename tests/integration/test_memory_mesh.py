"""Store and forward through a carrier, with restarts, over links in memory."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from p2p.adapters.memory_link import MemoryWorld
from p2p.ports.store import MessageState
from tests.integration.people import DiskShelf, MemoryShelf, Person, befriend, until
from tests.node.shell_world import virtual_clock


@pytest.fixture(params=["memory", "disk"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[str], Person]:
    world = MemoryWorld(latency_s=0.005)

    def make(name: str) -> Person:
        on_disk = request.param == "disk"
        shelf = DiskShelf(tmp_path / f"{name}.db") if on_disk else MemoryShelf()
        return Person(name, shelf, lambda _: world.network(name), virtual_clock)

    return make


async def introduce(alice: Person, bob: Person) -> None:
    async with bob.online(), alice.online(bob.address):
        await befriend(alice, bob)


async def test_a_carrier_brings_what_was_sent_to_someone_away(
    autojump_clock: MockClock, make: Callable[[str], Person]
) -> None:
    alice, bob, carol = make("alice"), make("bob"), make("carol")
    await introduce(alice, bob)
    async with carol.online(), alice.online(carol.address):
        message = await alice.send("bob", "see you on Sunday")
        await until(lambda: alice.state(message) is MessageState.CARRIED)
    async with carol.online():
        await trio.sleep(3_600)
    async with carol.online(), bob.online(carol.address):
        await until(lambda: bob.received() == ["see you on Sunday"])
        await trio.sleep(60)
    async with carol.online(), alice.online(carol.address):
        await until(lambda: alice.state(message) is MessageState.DELIVERED)
        await trio.sleep(60)
        assert carol.runtime.status().custody.count == 0
    async with carol.online(), bob.online(carol.address), alice.online(carol.address):
        await trio.sleep(600)
        assert bob.received() == ["see you on Sunday"]


async def test_neighbours_answer_each_other_at_once(
    autojump_clock: MockClock, make: Callable[[str], Person]
) -> None:
    alice, bob = make("alice"), make("bob")
    await introduce(alice, bob)
    async with bob.online(), alice.online(bob.address):
        sent = [await alice.send("bob", str(number)) for number in range(50)]
        answer = await bob.send(bob.runtime.contacts()[0].name, "yes")
        await until(lambda: len(bob.received()) == 50 and alice.received() == ["yes"])
        await until(lambda: all(alice.state(one) is MessageState.DELIVERED for one in sent))
        await until(lambda: bob.state(answer) is MessageState.DELIVERED)
        assert sorted(bob.received(), key=int) == [str(number) for number in range(50)]


async def test_contacts_find_each_other_again_by_themselves(
    autojump_clock: MockClock, make: Callable[[str], Person]
) -> None:
    """Nobody names an address: the invite and the sessions carry them."""
    alice, bob = make("alice"), make("bob")
    await introduce(alice, bob)
    async with alice.online(), bob.online():
        await until(lambda: len(alice.runtime.status().neighbours) == 1)
        message = await alice.send("bob", "hello again")
        await until(lambda: alice.state(message) is MessageState.DELIVERED)


async def test_unread_mail_expires_and_says_so(
    autojump_clock: MockClock, make: Callable[[str], Person]
) -> None:
    alice, bob, carol = make("alice"), make("bob"), make("carol")
    await introduce(alice, bob)
    async with carol.online(), alice.online(carol.address):
        message = await alice.send("bob", "too late", lifetime_s=3_600)
        await until(lambda: alice.state(message) is MessageState.CARRIED)
        # Beside it, an answer of the introduction may be under way, which lives for longer.
        held = carol.runtime.status().custody.count
        await until(lambda: alice.state(message) is MessageState.EXPIRED, 3 * 3_600)
        await until(lambda: carol.runtime.status().custody.count < held, 3 * 3_600)
