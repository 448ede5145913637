"""What is left of a message of the DHT before py-libp2p sees it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from libp2p.kad_dht.pb.kademlia_pb2 import Message

from p2p.adapters.libp2p.kad_message import (
    LISTED_PEER_MAX_BYTES,
    LISTED_PEERS_MAX,
    PEER_ID_MAX_BYTES,
    bounded,
)
from p2p.errors import Malformed

ADDRESS = bytes.fromhex("04c0000201060fa1")


def message_of(peers: int, id_size: int = 38) -> Message:
    message = Message(type=Message.MessageType.GET_PROVIDERS, key=b"key", clusterLevelRaw=1)
    for number in range(peers):
        for listed in (message.closerPeers, message.providerPeers):
            peer = listed.add(id=number.to_bytes(id_size, "big"))
            peer.addrs.append(ADDRESS)
    message.senderRecord = b"record"
    return message


def test_an_honest_message_is_passed_on_as_it_is() -> None:
    honest = message_of(20).SerializeToString()
    assert bounded(honest) == honest
    assert bounded(b"") == b""


def test_of_many_peers_the_first_are_left() -> None:
    left = Message.FromString(bounded(message_of(500).SerializeToString()))
    assert left == message_of(LISTED_PEERS_MAX)


def test_giants_are_left_out_and_cost_nobody_a_place() -> None:
    message = message_of(2)
    message.closerPeers[0].id = bytes(PEER_ID_MAX_BYTES + 1)
    message.providerPeers[1].addrs.append(bytes(LISTED_PEER_MAX_BYTES))
    left = Message.FromString(bounded(message.SerializeToString()))
    assert [peer.id for peer in left.closerPeers] == [message.closerPeers[1].id]
    assert [peer.id for peer in left.providerPeers] == [message.providerPeers[0].id]


def test_fields_that_nobody_knows_are_passed_over() -> None:
    strange = bytes.fromhex("a006 8101  a106 0102030405060708  a506 01020304  a206 02 6162")
    assert bounded(strange) == strange


@pytest.mark.parametrize(
    "said",
    [
        b"\x0a",  # no length
        b"\x0a\x05abc",  # cut off
        b"\x09" + bytes(7),
        b"\x0d" + bytes(3),
        b"\x0b\x0c",  # a group, long out of use
        b"\xff" * 11,
        b"\x0a" + b"\xff" * 9 + b"\x01",
        b"\x08\x00" * 1_025,
        b"\x42\x02\x0a\x05",  # a peer whose id is cut off
    ],
)
def test_what_is_no_message_is_refused(said: bytes) -> None:
    with pytest.raises(Malformed):
        bounded(said)


@given(st.binary(max_size=200))
def test_any_bytes_give_a_message_or_malformed(said: bytes) -> None:
    try:
        left = bounded(said)
    except Malformed:
        return
    assert bounded(left) == left
    assert len(left) <= len(said)
