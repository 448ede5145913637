"""What peers of libp2p are told of a node, and how much of what they tell is read."""

from __future__ import annotations

import pytest
import trio
from libp2p.custom_types import TProtocol
from libp2p.identity.identify.identify import ID as IDENTIFY
from libp2p.identity.identify.pb.identify_pb2 import Identify
from libp2p.identity.identify_push.identify_push import ID_PUSH
from libp2p.peer.envelope import consume_envelope
from libp2p.utils.varint import encode_varint_prefixed, read_varint_prefixed_bytes_limited
from multiaddr import Multiaddr

from p2p import __version__
from p2p.adapters.libp2p.identify import IDENTIFY_MAX_BYTES
from p2p.wire.limits import LINK_PROTOCOL_ID
from tests.adapters.libp2p.strangers import connect, network, stranger
from tests.ports.link_contract import running

PATIENCE_S = 20.0
PING = "/ipfs/ping/1.0.0"
JS_LIBP2P_MAX_BYTES = 8_192


async def test_a_peer_is_told_who_we_are() -> None:
    async with running(network("alice")) as alice, stranger("js") as asker:
        connection = await connect(asker, alice.address)
        stream = await asker.new_stream(connection.muxed_conn.peer_id, [IDENTIFY])
        with trio.fail_after(PATIENCE_S):
            said = await read_varint_prefixed_bytes_limited(stream, JS_LIBP2P_MAX_BYTES)
        told = Identify.FromString(said)
        place = alice.address.split("/p2p/")[0]
        assert told.agent_version == f"molva/{__version__}"
        assert told.protocol_version == "ipfs/0.1.0"
        assert [str(Multiaddr(address)) for address in told.listen_addrs] == [place]
        assert str(Multiaddr(told.observed_addr)).startswith("/ip4/127.0.0.1/tcp/")
        assert {LINK_PROTOCOL_ID, str(IDENTIFY), PING} <= set(told.protocols)
        _, record = consume_envelope(told.signedPeerRecord, "libp2p-peer-record")
        assert str(record.peer_id) == alice.network.peer_id


async def test_a_peer_is_known_by_what_it_pushed_last() -> None:
    async with running(network("alice")) as alice, stranger("js") as peer:
        connection = await connect(peer, alice.address)
        told = Identify(protocols=["/chat/1"]).SerializeToString()
        stream = await peer.new_stream(connection.muxed_conn.peer_id, [ID_PUSH])
        await stream.write(encode_varint_prefixed(told))
        store = alice.network.host.basic.get_peerstore()
        with trio.fail_after(PATIENCE_S):
            while not (
                store.has_peer(peer.get_id()) and "/chat/1" in store.get_protocols(peer.get_id())
            ):
                await trio.sleep(0.01)


@pytest.mark.parametrize("protocol", [IDENTIFY, ID_PUSH])
async def test_who_says_too_much_is_not_read_to_the_end(protocol: TProtocol) -> None:
    words = ["/chat/1", *("/" + "x" * 100 for _ in range(2_000))]
    said = encode_varint_prefixed(Identify(protocols=words).SerializeToString())
    ended = trio.Event()

    async def say(stream) -> None:
        try:
            await stream.write(said)
            await stream.read(1)
        except Exception:
            ended.set()

    assert len(said) > IDENTIFY_MAX_BYTES
    async with running(network("alice")) as alice, stranger("talker") as talker:
        if protocol == IDENTIFY:
            talker.set_stream_handler(IDENTIFY, say)
        connection = await connect(talker, alice.address)
        if protocol == ID_PUSH:
            await say(await talker.new_stream(connection.muxed_conn.peer_id, [ID_PUSH]))
        with trio.fail_after(PATIENCE_S):
            await ended.wait()
        store = alice.network.host.basic.get_peerstore()
        known = store.get_protocols(talker.get_id()) if store.has_peer(talker.get_id()) else []
        assert "/chat/1" not in known
