"""The same over libp2p on the loopback interface, in real time."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from p2p.adapters.libp2p.network import Libp2pNetwork
from p2p.node.clock import SteadyClock
from p2p.ports.store import MessageState
from tests.integration.people import DiskShelf, Person, befriend, until

LISTEN = ["/ip4/127.0.0.1/tcp/0"]


@pytest.fixture
def make(tmp_path: Path) -> Callable[[str], Person]:
    def make(name: str) -> Person:
        return Person(
            name,
            DiskShelf(tmp_path / f"{name}.db"),
            lambda profile: Libp2pNetwork(profile.libp2p_seed, LISTEN),
            SteadyClock,
        )

    return make


async def test_a_carrier_brings_what_was_sent_to_someone_away(
    make: Callable[[str], Person],
) -> None:
    alice, bob, carol = make("alice"), make("bob"), make("carol")
    async with bob.online(), alice.online(bob.address):
        await befriend(alice, bob)
    async with carol.online(), alice.online(carol.address):
        message = await alice.send("bob", "see you on Sunday")
        await until(lambda: alice.state(message) is MessageState.CARRIED, 30)
    async with carol.online():
        async with bob.online(carol.address):
            await until(lambda: bob.received() == ["see you on Sunday"], 30)
            await until(lambda: carol.runtime.status().custody.count == 0, 30)
        async with alice.online(carol.address):
            await until(lambda: alice.state(message) is MessageState.DELIVERED, 30)
