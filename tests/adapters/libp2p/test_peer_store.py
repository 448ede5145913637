"""What a node remembers of peers that say more of themselves than anybody needs to."""

from __future__ import annotations

import pytest
from libp2p.crypto.ed25519 import create_new_key_pair
from libp2p.identity.identify.pb.identify_pb2 import Identify
from libp2p.identity.update import update_peerstore_from_identify
from libp2p.peer.id import ID
from multiaddr import Multiaddr

from p2p.adapters.libp2p.swarm import (
    PEER_ADDRESS_MAX_BYTES,
    PEER_ADDRESSES_MAX,
    PEER_PROTOCOL_MAX_BYTES,
    PEER_PROTOCOLS_MAX,
    BoundedPeerStore,
    few_addresses,
)
from tests.adapters.libp2p.strangers import seed

KEYS = create_new_key_pair(seed("own"))
PEER = ID(bytes.fromhex("1220") + bytes(32))


@pytest.fixture
def store() -> BoundedPeerStore:
    return BoundedPeerStore(ID.from_pubkey(KEYS.public_key), KEYS)


def addresses(count: int) -> list[Multiaddr]:
    return [Multiaddr(f"/ip4/192.0.2.1/tcp/{port}") for port in range(1, count + 1)]


@pytest.mark.parametrize("count", [1, 8, 9, 20, 1_000])
async def test_of_many_addresses_the_first_are_known(store: BoundedPeerStore, count: int) -> None:
    """With nine, a peer was remembered by the ninth alone."""
    told = Identify(listen_addrs=[address.to_bytes() for address in addresses(count)])
    for _ in range(2):
        await update_peerstore_from_identify(store, PEER, told)
        assert store.addrs(PEER) == addresses(min(count, PEER_ADDRESSES_MAX))


async def test_new_addresses_replace_the_old(store: BoundedPeerStore) -> None:
    old = Identify(listen_addrs=[address.to_bytes() for address in addresses(9)])
    await update_peerstore_from_identify(store, PEER, old)
    moved = Multiaddr("/ip4/198.51.100.1/tcp/4001")
    await update_peerstore_from_identify(store, PEER, Identify(listen_addrs=[moved.to_bytes()]))
    assert store.addrs(PEER) == [moved]


async def test_protocols_without_end_are_not_kept(store: BoundedPeerStore) -> None:
    told = Identify(protocols=["/" + "x" * PEER_PROTOCOL_MAX_BYTES, "/ping"])
    told.protocols.extend(f"/{number}" for number in range(10_000))
    for _ in range(2):
        await update_peerstore_from_identify(store, PEER, told)
        assert len(store.protocols_heard(PEER)) < PEER_PROTOCOLS_MAX
        assert "/ping" in store.protocols_heard(PEER)


def test_addresses_too_long_to_be_true_are_left_out() -> None:
    short = Multiaddr(f"/dns4/{'a' * 60}.example/tcp/4001/p2p/{PEER}")
    long = Multiaddr("/ip4/192.0.2.1/tcp/1" + "/tcp/1" * 100)
    assert len(short.to_bytes()) <= PEER_ADDRESS_MAX_BYTES < len(long.to_bytes())
    assert few_addresses([long, short]) == [short]
