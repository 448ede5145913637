"""The DHT between nodes on loopback, without mDNS and without a server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress

import pytest
import trio
from libp2p.kad_dht.common import PROTOCOL_ID as PUBLIC_KAD
from libp2p.kad_dht.kad_dht import DHTMode, KadDHT
from libp2p.kad_dht.pb.kademlia_pb2 import Message
from libp2p.peer.id import ID
from libp2p.peer.peerinfo import PeerInfo
from multiaddr import Multiaddr

from p2p.adapters.dht_discovery import DAY_S, DhtDiscovery, DhtTimes, rendezvous_key
from p2p.adapters.libp2p.kad import (
    PROVIDED_KEYS_MAX,
    PROVIDERS_PER_KEY_MAX,
    STREAMS_PER_PEER_MAX,
    MolvaDht,
    NewestProviders,
)
from p2p.adapters.libp2p.swarm import KAD_MESSAGE_MAX_BYTES, KAD_PROTOCOL_ID, PEER_ADDRESSES_MAX
from p2p.ports.link import PeerFound
from p2p.wire.ids import PeerId
from tests.adapters.libp2p.strangers import connect, network, stranger
from tests.ports.link_contract import Node, running

PATIENCE_S = 60.0
QUICK = DhtTimes(round_first_s=0.5, round_max_s=2.0, provide_s=2.0, look_up_max_s=5.0)
NOON = 20_000 * DAY_S + DAY_S / 2


class HalfEntropy:
    def random_bytes(self, size: int) -> bytes:
        return bytes(size)

    def uniform(self) -> float:
        return 0.5


class FixedClock:
    def __init__(self, now_s: float = NOON) -> None:
        self._now_s = now_s

    def now(self) -> float:
        return self._now_s


class Seeker:
    """A node with the DHT, and whom it has found."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.found: dict[PeerId, PeerFound] = {}
        self._changed = trio.Event()

    def see(self, sighting: PeerFound) -> None:
        self.found[sighting.peer] = sighting
        self._changed.set()
        self._changed = trio.Event()

    async def finds(self, others: list[Seeker]) -> None:
        with trio.fail_after(PATIENCE_S):
            while not all(other.peer in self.found for other in others if other is not self):
                await self._changed.wait()

    @property
    def peer(self) -> PeerId:
        return self.node.network.peer_id


@asynccontextmanager
async def seeking(name: str, bootstrap: list[str], now_s: float = NOON) -> AsyncIterator[Seeker]:
    async with running(network(name)) as node:
        seeker = Seeker(node)
        up = trio.Event()
        discovery = DhtDiscovery(
            node.network.host, bootstrap, HalfEntropy(), FixedClock(now_s), times=QUICK
        )
        async with trio.open_nursery() as nursery:
            nursery.start_soon(discovery.run, seeker.see, up.set)
            with trio.fail_after(PATIENCE_S):
                await up.wait()
            yield seeker
            nursery.cancel_scope.cancel()


async def _live(
    name: str, end: trio.Event, task_status: trio.TaskStatus[Seeker] = trio.TASK_STATUS_IGNORED
) -> None:
    async with seeking(name, []) as seeker:
        task_status.started(seeker)
        await end.wait()


async def test_five_nodes_find_each_other_and_outlive_their_bootstrap() -> None:
    async with trio.open_nursery() as lives, AsyncExitStack() as others:
        end_of_first = trio.Event()
        first: Seeker = await lives.start(_live, "node-0", end_of_first)
        entry = [first.node.address]
        rest = [
            await others.enter_async_context(seeking(f"node-{number}", entry))
            for number in range(1, 5)
        ]
        await _all_find([first, *rest], [first, *rest])
        end_of_first.set()
        async with seeking("newcomer", [rest[2].node.address]) as newcomer:
            await newcomer.finds(rest)
            await _all_find(rest, [newcomer])
            sighting = rest[0].found[newcomer.peer]
            assert sighting.source == "dht"
            assert newcomer.node.address in sighting.addresses
            link = await rest[0].node.network.dial(sighting.addresses[0])
            assert link.peer == newcomer.peer


async def _all_find(seekers: list[Seeker], others: list[Seeker]) -> None:
    async with trio.open_nursery() as nursery:
        for seeker in seekers:
            nursery.start_soon(seeker.finds, others)


async def test_a_neighbour_met_otherwise_is_an_entry() -> None:
    async with seeking("alice", []) as alice, seeking("bob", []) as bob:
        await alice.node.network.dial(bob.node.address)
        await alice.finds([bob])
        await bob.finds([alice])


@pytest.mark.parametrize(
    "entry", ["/ip4/127.0.0.1/tcp/1", "nonsense", "/ip4/127.0.0.1/tcp/1/p2p/x"]
)
async def test_an_entry_that_is_none_does_no_harm(entry: str) -> None:
    async with seeking("alice", []) as alice, seeking("bob", [entry, alice.node.address]) as bob:
        await bob.finds([alice])


async def test_a_clock_a_day_ahead_finds_the_others() -> None:
    async with (
        seeking("alice", []) as alice,
        seeking("bob", [alice.node.address], NOON + DAY_S) as bob,
    ):
        await bob.finds([alice])
        await alice.finds([bob])


@asynccontextmanager
async def two_dhts() -> AsyncIterator[tuple[MolvaDht, MolvaDht]]:
    """Two nodes in each other's routing tables, with nothing running by itself."""
    async with running(network("alice")) as alice, running(network("bob")) as bob:
        by_alice, by_bob = MolvaDht(alice.network.host), MolvaDht(bob.network.host)
        await by_alice.join(bob.address)
        await by_bob.join(alice.address)
        yield by_alice, by_bob


async def test_who_provides_is_found_and_the_answer_comes_from_the_network() -> None:
    key = rendezvous_key("molva", 1)
    async with two_dhts() as (alice, bob):
        await alice.provide(key)
        await bob.provide(key)
        assert PeerId(str(bob.kad.local_peer_id)) in {
            one.peer for one in await alice.providers(key)
        }
        bob.kad.provider_store.providers.clear()
        assert await alice.providers(key) == []


async def test_a_peer_of_the_public_network_is_not_mixed_in() -> None:
    """py-libp2p's DHT takes peers in that speak the public protocol, and no others."""
    async with two_dhts() as (alice, bob), stranger("public") as public:
        theirs = KadDHT(public, DHTMode.SERVER)
        (address, *_) = alice._host.addresses()
        await connect(public, address)
        await _until_identified(alice, public.get_id())
        assert PUBLIC_KAD in alice._basic.get_peerstore().protocols_heard(public.get_id())
        await alice.adopt_neighbours()
        assert not await alice.kad.add_peer(public.get_id())
        await theirs.add_peer(ID.from_base58(alice._host.peer_id), skip_server_mode_check=True)
        await theirs.refresh_routing_table()
        assert [one.peer for one in alice.table()] == [PeerId(str(bob.kad.local_peer_id))]
        assert theirs.get_routing_table_size() == 0


async def _until_identified(dht: MolvaDht, peer: ID) -> None:
    store = dht._basic.get_peerstore()
    with trio.fail_after(PATIENCE_S):
        while not (store.has_peer(peer) and store.protocols_heard(peer)):
            await trio.sleep(0.01)


async def test_a_dead_peer_leaves_the_table() -> None:
    async with running(network("alice")) as alice:
        dht = MolvaDht(alice.network.host)
        async with running(network("bob")) as bob:
            other = MolvaDht(bob.network.host)
            await dht.join(bob.address)
            assert dht.size() == 1
            assert other.size() <= 1
        with trio.fail_after(PATIENCE_S):
            while dht.size():
                await dht.refresh()


async def test_values_are_not_taken() -> None:
    async with two_dhts() as (alice, bob):
        stored = await bob.kad.value_store._store_at_peer(
            alice.kad.local_peer_id, b"/molva/key", b"value"
        )
        assert not stored
        stored = await bob.kad.value_store._store_at_peer(
            alice.kad.local_peer_id, b"no namespace", b"value"
        )
        assert not stored
        assert alice.kad.get_value_store_size() == 0


async def test_provider_records_are_bounded_and_the_newest_win() -> None:
    async with two_dhts() as (alice, _):
        store = NewestProviders(alice._basic, alice.kad.peer_routing)
        peers = [ID(b"\x12\x20" + bytes([number]) * 32) for number in range(30)]
        addresses = [Multiaddr(f"/ip4/192.0.2.1/tcp/{port}") for port in range(1, 50)]
        for peer in peers:
            store.add_provider(b"key", PeerInfo(peer, addresses))
        kept = store.get_providers(b"key")
        assert [info.peer_id for info in kept] == peers[-PROVIDERS_PER_KEY_MAX:]
        assert len(kept[0].addrs) == PEER_ADDRESSES_MAX
        for number in range(2 * PROVIDED_KEYS_MAX):
            store.add_provider(number.to_bytes(4, "big"), PeerInfo(peers[0], addresses))
        assert len(store.providers) == PROVIDED_KEYS_MAX


async def test_idle_streams_of_one_peer_do_not_silence_the_server() -> None:
    async with two_dhts() as (alice, bob), stranger() as mallory:
        (address, *_) = alice._host.addresses()
        connection = await connect(mallory, address)
        for _ in range(4 * STREAMS_PER_PEER_MAX):
            with suppress(Exception):  # refused
                await mallory.new_stream(connection.muxed_conn.peer_id, [KAD_PROTOCOL_ID])
        with trio.fail_after(5):
            await bob.provide(b"key")
            while b"key" not in alice.kad.provider_store.providers:
                await trio.sleep(0.01)


async def test_an_answer_of_megabytes_is_not_read() -> None:
    """py-libp2p compares each peer of it with each other."""
    sent = 0

    async def answer(stream) -> None:
        nonlocal sent
        message = Message(type=Message.MessageType.FIND_NODE)
        for number in range(40_000):
            message.closerPeers.add().id = number.to_bytes(34, "big")
        body = message.SerializeToString()
        length = len(body)
        prefix = bytearray()
        while length > 127:
            prefix.append(length & 127 | 128)
            length >>= 7
        await stream.write(bytes(prefix) + bytes([length]) + body[: 4 * KAD_MESSAGE_MAX_BYTES])
        sent = len(body)

    async with running(network("alice")) as alice, stranger() as mallory:
        mallory.set_stream_handler(KAD_PROTOCOL_ID, answer)
        dht = MolvaDht(alice.network.host)
        await dht.join(str(mallory.get_addrs()[0]))
        with trio.fail_after(5):
            found = await dht.kad.peer_routing.find_closest_peers_network(bytes(34))
        assert sent > KAD_MESSAGE_MAX_BYTES
        assert set(found) <= {mallory.get_id()}


async def test_a_thousand_peers_told_of_do_not_cost_us_our_keys() -> None:
    """py-libp2p's peer store makes room by dropping who has no addresses: ourselves."""
    async with running(network("alice")) as alice:
        basic = alice.network.host.basic
        store = basic.get_peerstore()
        for number in range(1_500):
            peer = ID(b"\x12\x20" + number.to_bytes(32, "big"))
            store.add_addrs(peer, [Multiaddr("/ip4/192.0.2.1/tcp/1")] * 100, 60)
        assert basic.get_private_key() is not None
        assert len(store.peer_ids()) <= 1_001
        assert len(store.addrs(peer)) <= PEER_ADDRESSES_MAX
