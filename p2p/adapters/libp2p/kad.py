"""py-libp2p's Kademlia DHT under our own protocol id, kept within bounds.

Values are not taken: nothing uses them yet, and the original keeps 50,000 of up to a megabyte from
anybody. Provider records are few, and the newest win. A stream has a time, a peer a number of
streams, and a message a size; the original lets twelve idle streams silence the server.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Final

import trio
from libp2p.abc import INetStream
from libp2p.kad_dht.kad_dht import DHTMode, KadDHT
from libp2p.kad_dht.provider_store import ProviderStore
from libp2p.peer.id import ID  # pyright: ignore[reportMissingTypeStubs]
from libp2p.peer.peerinfo import PeerInfo  # pyright: ignore[reportMissingTypeStubs]
from libp2p.records.validator import NamespacedValidator
from multiaddr import Multiaddr

from p2p.adapters.libp2p.capped import KadStream
from p2p.adapters.libp2p.dial import Dialling, parse_peer
from p2p.adapters.libp2p.host import Libp2pHost
from p2p.adapters.libp2p.swarm import (
    KAD_MESSAGE_MAX_BYTES,
    KAD_OF_LIBRARY,
    PEER_ADDRESSES_MAX,
    few_addresses,
)
from p2p.adapters.listen_addresses import parse_tcp, split_peer
from p2p.errors import InvalidInput, LinkFailed
from p2p.ports.link import PeerFound
from p2p.wire.ids import PeerId

PROVIDED_KEYS_MAX: Final = 1_024
PROVIDERS_PER_KEY_MAX: Final = 20
"""Kademlia's k. The original keeps the first twenty for two days, the dead among them."""
STREAM_TIME_MAX_S: Final = 10.0
STREAMS_PER_PEER_MAX: Final = 3
PEER_TTL_S: Final = 3_600


class NewestProviders(ProviderStore):
    """Provider records that others leave here: bounded, and the newest win."""

    def add_provider(self, key: bytes, provider: PeerInfo) -> None:
        """Keep that ``provider`` has what ``key`` stands for."""
        of_key = self.providers.pop(key, {})
        of_key.pop(str(provider.peer_id), None)
        while len(of_key) >= PROVIDERS_PER_KEY_MAX:
            del of_key[next(iter(of_key))]
        while len(self.providers) >= PROVIDED_KEYS_MAX:
            del self.providers[next(iter(self.providers))]
        self.providers[key] = of_key
        super().add_provider(key, PeerInfo(provider.peer_id, few_addresses(provider.addrs)))


class _AmongServers(KadDHT):
    """The original takes in whoever asks, clients too, who answer nobody."""

    async def add_peer(self, peer_id: ID, *, skip_server_mode_check: bool = False) -> bool:
        """Take a peer into the routing table, if it serves the DHT as far as it has told."""
        return await super().add_peer(peer_id)


class MolvaDht:
    """The DHT of a running host.

    The caller sets deadlines: nothing here ends by itself where peers do not answer.
    """

    def __init__(self, host: Libp2pHost) -> None:
        self._host = host
        self._basic = host.basic
        no_values = NamespacedValidator({}, strict_validation=True)
        self.kad = _AmongServers(
            self._basic,
            DHTMode.SERVER,
            validator=no_values,
            validator_changed=True,
            strict_validation=True,
        )
        self.kad.provider_store = NewestProviders(self._basic, self.kad.peer_routing)
        self._serving: Counter[ID] = Counter()
        self._basic.set_stream_handler(KAD_OF_LIBRARY, self._serve)
        self._basic.unreachable = self._forget

    def close(self) -> None:
        """Serve the DHT no longer."""
        self._basic.remove_stream_handler(KAD_OF_LIBRARY)
        self._basic.unreachable = lambda _: None

    def _forget(self, peer: ID) -> None:
        self.kad.routing_table.remove_peer(peer)

    async def _serve(self, stream: INetStream) -> None:
        bounded = KadStream(stream, KAD_MESSAGE_MAX_BYTES)
        peer = bounded.muxed_conn.peer_id
        if self._serving[peer] >= STREAMS_PER_PEER_MAX:
            await stream.reset()
            return
        self._serving[peer] += 1
        try:
            with trio.fail_after(STREAM_TIME_MAX_S):
                await self.kad.handle_stream(bounded)
        finally:
            self._serving[peer] -= 1
            self._serving += Counter()  # drops who has none

    def size(self) -> int:
        """Give how many peers the routing table has."""
        return self.kad.get_routing_table_size()

    async def join(self, address: str) -> None:
        """Enter the network by a node that is in it.

        Raises:
            InvalidInput: no address.
            LinkFailed: nobody there, or nobody who speaks our DHT's protocol.
        """
        place, peer_text = split_peer(address)
        expected = parse_peer(peer_text) if peer_text else None
        if expected == self._host.peer_id:
            return
        peer = await self._connect(str(parse_tcp(place)), expected)
        self._basic.get_peerstore().add_addrs(peer, [Multiaddr(place)], PEER_TTL_S)
        await self.kad.add_peer(peer, skip_server_mode_check=True)

    async def _connect(self, place: str, expected: PeerId | None) -> ID:
        if expected is not None and self._basic.is_peer_connected(ID.from_base58(expected)):
            return ID.from_base58(expected)
        dialling = Dialling(self._host, place)
        secured, found = await dialling.secure(expected)
        if found == self._host.peer_id:
            await secured.close()
            raise LinkFailed("This is the node's own address.")
        await dialling.connect(secured)
        return ID.from_base58(found)

    async def adopt_neighbours(self) -> None:
        """Take peers into the routing table that are connected and speak our DHT's protocol."""
        for peer in self._basic.get_connected_peers():
            if KAD_OF_LIBRARY in self._spoken_by(peer):
                await self.kad.add_peer(peer)

    def _spoken_by(self, peer: ID) -> list[str]:
        store = self._basic.get_peerstore()
        return store.get_protocols(peer) if store.has_peer(peer) else []

    async def refresh(self) -> None:
        """Look for peers all over the key space."""
        await self.kad.refresh_routing_table()

    async def provide(self, key: bytes) -> None:
        """Tell those near ``key`` that this node belongs to it."""
        own = PeerInfo(self._basic.get_id(), self._basic.get_addrs())
        self.kad.provider_store.add_provider(key, own)
        await self._asking().provide(key)

    async def providers(self, key: bytes) -> list[PeerFound]:
        """Ask those near ``key`` who belongs to it."""
        found = await self._asking().find_providers(key, PROVIDERS_PER_KEY_MAX)
        return self._sightings(found)

    def _asking(self) -> ProviderStore:
        """Give an empty store: from a full one it answers without asking, and without end."""
        return ProviderStore(self._basic, self.kad.peer_routing)

    def table(self) -> list[PeerFound]:
        """Give the peers of the routing table."""
        return self._sightings(self.kad.routing_table.get_peer_infos())

    def _sightings(self, infos: Iterable[PeerInfo]) -> list[PeerFound]:
        sightings: list[PeerFound] = []
        for info in infos:
            peer = PeerId(str(info.peer_id))
            addresses = tuple(_dialable(info.addrs, peer))
            if addresses and peer != self._host.peer_id:
                sightings.append(PeerFound(peer, addresses, "dht"))
        return sightings


def _dialable(addresses: Iterable[Multiaddr], peer: PeerId) -> Iterable[str]:
    """Give those addresses that a link can be dialled at."""
    dialable: list[str] = []
    for address in addresses:
        try:
            place, named = split_peer(str(address))
            text = f"{parse_tcp(place)}/p2p/{peer}"
        except (InvalidInput, ValueError):
            continue
        if named in {"", peer} and text not in dialable:
            dialable.append(text)
    return dialable[:PEER_ADDRESSES_MAX]
