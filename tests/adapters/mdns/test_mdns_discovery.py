"""mDNS between nodes of this machine, over the loopback interface alone."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import trio
import trio.testing
from zeroconf import DNSOutgoing, DNSPointer, DNSText

from p2p.adapters import mdns_discovery
from p2p.adapters.mdns_discovery import SIGHTINGS_WAITING_MAX, MdnsDiscovery
from p2p.adapters.mdns_record import SERVICE, encode_txt
from p2p.adapters.memory_link import MemoryWorld
from p2p.errors import LinkFailed
from p2p.ports.link import Network, PeerFound
from p2p.wire.ids import PeerId

PATIENCE_S = 15.0
FLAGS_RESPONSE = 0x8400
CLASS_IN = 1
TYPE_PTR, TYPE_TXT = 12, 16


class CountingEntropy:
    def __init__(self, first: int) -> None:
        self._next = first

    def random_bytes(self, size: int) -> bytes:
        self._next += 1
        return self._next.to_bytes(size, "big")

    def uniform(self) -> float:
        return 0.5


class Addressed:
    """A network as discovery sees it: a peer id and addresses."""

    def __init__(self, name: str, port: int) -> None:
        self._inner = MemoryWorld().network(name)
        self.port = port

    def __getattr__(self, name: str) -> object:
        return getattr(self._inner, name)

    @property
    def peer_id(self) -> PeerId:
        return self._inner.peer_id

    def addresses(self) -> tuple[str, ...]:
        return (f"/ip4/127.0.0.1/tcp/{self.port}/p2p/{self.peer_id}",)


def loopback() -> list[str]:
    return ["127.0.0.1"]


class Finder:
    def __init__(self) -> None:
        self._send, self._receive = trio.open_memory_channel[PeerFound](10_000)

    def found(self, sighting: PeerFound) -> None:
        self._send.send_nowait(sighting)

    async def sees(self, network: Network) -> PeerFound:
        with trio.fail_after(PATIENCE_S):
            async for sighting in self._receive:
                if sighting.peer == network.peer_id and sighting.addresses == network.addresses():
                    return sighting
        raise AssertionError


@asynccontextmanager
async def discovering(network: Network, first: int) -> AsyncIterator[Finder]:
    finder = Finder()
    up = trio.Event()
    discovery = MdnsDiscovery(network, CountingEntropy(first), loopback)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(discovery.run, finder.found, up.set)
        with trio.fail_after(PATIENCE_S):
            await up.wait()
        yield finder
        nursery.cancel_scope.cancel()


async def test_two_nodes_find_each_other() -> None:
    alice, bob = Addressed("alice", 4001), Addressed("bob", 4002)
    async with discovering(alice, 100) as by_alice, discovering(bob, 200) as by_bob:
        assert (await by_alice.sees(bob)).source == "mdns"
        await by_bob.sees(alice)


async def test_new_addresses_are_announced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mdns_discovery, "LOOK_INTERVAL_S", 0.2)
    alice, bob = Addressed("alice", 4001), Addressed("bob", 4002)
    async with discovering(alice, 300) as by_alice, discovering(bob, 400):
        await by_alice.sees(bob)
        bob.port = 4_999
        await by_alice.sees(bob)


async def test_an_answer_without_srv_is_seen() -> None:
    """js-libp2p answers with PTR and TXT alone."""
    alice, carol = Addressed("alice", 4001), Addressed("carol", 4003)
    async with discovering(alice, 500) as by_alice:
        instance = f"{'c' * 40}.{SERVICE}"
        answer = DNSOutgoing(FLAGS_RESPONSE)
        answer.add_answer_at_time(DNSPointer(SERVICE, TYPE_PTR, CLASS_IN, 120, instance), 0)
        text = encode_txt(carol.addresses())
        answer.add_answer_at_time(DNSText(instance, TYPE_TXT, CLASS_IN, 120, text), 0)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.setsockopt(
                socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton("127.0.0.1")
            )
            sender.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 0)
            for packet in answer.packets():
                sender.sendto(packet, ("224.0.0.251", 5353))
            await by_alice.sees(carol)


async def test_a_flood_of_records_is_bounded() -> None:
    """zeroconf's thread offers while trio is busy: what does not fit is lost."""
    seen: list[PeerFound] = []
    sightings = mdns_discovery._Sightings(PeerId("own"), seen.append)
    text = encode_txt(Addressed("bob", 4002).addresses())
    for _ in range(10 * SIGHTINGS_WAITING_MAX):
        sightings._offer(text)
    await trio.sleep(0)
    await trio.testing.wait_all_tasks_blocked()
    assert len(seen) == SIGHTINGS_WAITING_MAX


async def test_nothing_is_reported_after_the_end() -> None:
    seen: list[PeerFound] = []
    sightings = mdns_discovery._Sightings(PeerId("own"), seen.append)
    sightings._offer(encode_txt(Addressed("bob", 4002).addresses()))
    sightings.stop()
    await trio.testing.wait_all_tasks_blocked()
    assert seen == []


@pytest.mark.parametrize("interfaces", [[], ["192.0.2.1"]])
async def test_no_interface_is_said(interfaces: list[str]) -> None:
    discovery = MdnsDiscovery(Addressed("alice", 1), CountingEntropy(0), lambda: interfaces)
    with pytest.raises(LinkFailed, match="mDNS does not work here"):
        await discovery.run(lambda _: None, lambda: None)
