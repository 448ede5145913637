"""Peers that use the DHT to keep a node busy, or to make its answers unreadable."""

from __future__ import annotations

from contextlib import AsyncExitStack

import pytest
import trio
from libp2p.kad_dht.pb.kademlia_pb2 import Message
from libp2p.network.stream.exceptions import StreamEOF, StreamReset
from libp2p.network.stream.net_stream import NetStream
from libp2p.peer.id import ID
from libp2p.peer.peerstore import create_signed_peer_record
from libp2p.utils.varint import encode_varint_prefixed
from multiaddr import Multiaddr

from p2p.adapters.libp2p.kad import PROVIDERS_PER_KEY_MAX, MolvaDht
from p2p.adapters.libp2p.kad_message import LISTED_PEERS_MAX, PEER_ID_MAX_BYTES
from p2p.adapters.libp2p.swarm import (
    KAD_MESSAGE_MAX_BYTES,
    KAD_PROTOCOL_ID,
    PEER_ADDRESS_MAX_BYTES,
    PEER_ADDRESSES_MAX,
)
from tests.adapters.libp2p.strangers import connect, network, stranger
from tests.ports.link_contract import running

KEY = bytes(32)
PATIENCE_S = 20.0
LONG_ADDRESS = Multiaddr("/ip4/192.0.2.1/tcp/1" + "/tcp/1" * 1_500)


def test_the_largest_answer_can_be_read() -> None:
    peer = PEER_ID_MAX_BYTES + PEER_ADDRESSES_MAX * (PEER_ADDRESS_MAX_BYTES + 3) + 16
    own_record = 4_096
    assert (LISTED_PEERS_MAX + PROVIDERS_PER_KEY_MAX) * peer + own_record < KAD_MESSAGE_MAX_BYTES


@pytest.mark.parametrize(("peers", "believed"), [(500, LISTED_PEERS_MAX), (10_500, 0)])
async def test_an_answer_of_thousands_of_peers_costs_little(peers: int, believed: int) -> None:
    """Each was compared with each other: 17 s of a core for 63 KB."""

    async def answer(stream: NetStream) -> None:
        message = Message(type=Message.MessageType.FIND_NODE)
        for number in range(peers):
            message.closerPeers.add().id = number.to_bytes(2, "big")
        await stream.write(encode_varint_prefixed(message.SerializeToString()))

    async with running(network("alice")) as alice, stranger() as mallory:
        mallory.set_stream_handler(KAD_PROTOCOL_ID, answer)
        dht = MolvaDht(alice.network.host)
        await dht.join(str(mallory.get_addrs()[0]))
        told = await dht.kad.peer_routing._query_peer_for_closest(mallory.get_id(), KEY)
        assert told == [ID(bytes([0, number])) for number in range(believed)]


async def test_giant_provider_records_hide_nobody() -> None:
    """Three of 36 KB made the answer about their key longer than anybody reads."""
    async with running(network("alice")) as alice, running(network("bob")) as bob:
        by_alice, by_bob = MolvaDht(alice.network.host), MolvaDht(bob.network.host)
        await by_alice.join(bob.address)
        await by_bob.join(alice.address)
        async with AsyncExitStack() as strangers:
            for name in ("mallory", "mallet", "marvin"):
                mallory = await strangers.enter_async_context(stranger(name))
                connection = await connect(mallory, alice.address)
                message = Message(type=Message.MessageType.ADD_PROVIDER, key=KEY)
                own = message.providerPeers.add(id=mallory.get_id().to_bytes())
                own.addrs.extend([LONG_ADDRESS.to_bytes()] * 3)
                await _ask(mallory, connection.muxed_conn.peer_id, message)
            await by_alice.provide(KEY)
            assert alice.network.peer_id in {one.peer for one in await by_bob.providers(KEY)}


async def test_a_giant_signed_record_is_not_passed_on() -> None:
    async with running(network("alice")) as alice, stranger() as mallory:
        dht = MolvaDht(alice.network.host)
        connection = await connect(mallory, alice.address)
        addresses = [Multiaddr(f"/ip4/192.0.2.1/tcp/{port}") for port in range(1, 1_001)]
        record = create_signed_peer_record(mallory.get_id(), addresses, mallory.get_private_key())
        message = Message(type=Message.MessageType.FIND_NODE, key=mallory.get_id().to_bytes())
        message.senderRecord = record.marshal_envelope()
        await _ask(mallory, connection.muxed_conn.peer_id, message)
        store = dht._basic.get_peerstore()
        assert store.addrs(mallory.get_id()) == addresses[:PEER_ADDRESSES_MAX]
        assert store.get_peer_record(mallory.get_id()) is None


async def test_who_only_asks_is_told_to_nobody() -> None:
    """A client of the DHT answers nobody; js-libp2p begins as one."""
    async with running(network("alice")) as alice, stranger("client") as client:
        dht = MolvaDht(alice.network.host)
        connection = await connect(client, alice.address)
        store = dht._basic.get_peerstore()
        with trio.fail_after(PATIENCE_S):
            while not (store.has_peer(client.get_id()) and store.get_protocols(client.get_id())):
                await trio.sleep(0.01)
        message = Message(type=Message.MessageType.FIND_NODE, key=KEY)
        await _ask(client, connection.muxed_conn.peer_id, message)
        assert dht.size() == 0


@pytest.mark.parametrize("said", [b"\x05\x0a\x7fabc", b"\x80\x80\x08", b"\xff" * 11])
async def test_what_is_no_message_ends_its_stream_alone(said: bytes) -> None:
    async with running(network("alice")) as alice, stranger() as mallory:
        dht = MolvaDht(alice.network.host)
        connection = await connect(mallory, alice.address)
        peer = connection.muxed_conn.peer_id
        stream = await mallory.new_stream(peer, [KAD_PROTOCOL_ID])
        await stream.write(said)
        with trio.fail_after(PATIENCE_S), pytest.raises((StreamEOF, StreamReset)):
            await stream.read(1)
        await _ask(mallory, peer, Message(type=Message.MessageType.PING))
        assert dht.size() <= 1


async def _ask(host, peer: ID, message: Message) -> None:
    """Send one message of the DHT and wait for the answer."""
    stream = await host.new_stream(peer, [KAD_PROTOCOL_ID])
    await stream.write(encode_varint_prefixed(message.SerializeToString()))
    with trio.fail_after(PATIENCE_S):
        assert await stream.read(1)
    await stream.close()
