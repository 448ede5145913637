"""py-libp2p's swarm and peer store, bounded, and dialling as we want it."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Final

import trio
from libp2p.abc import IMuxedConn, INetConn, IRawConnection
from libp2p.crypto.keys import KeyPair
from libp2p.custom_types import TProtocol
from libp2p.network.auto_connector import AutoConnector
from libp2p.network.config import ConnectionConfig
from libp2p.network.connection.raw_connection import RawConnection
from libp2p.network.connection.swarm_connection import SwarmConn
from libp2p.network.exceptions import SwarmException
from libp2p.network.swarm import Swarm
from libp2p.peer.envelope import Envelope  # pyright: ignore[reportMissingTypeStubs]
from libp2p.peer.id import ID  # pyright: ignore[reportMissingTypeStubs]
from libp2p.peer.peerstore import (  # pyright: ignore[reportMissingTypeStubs]
    PeerStore,
    PeerStoreError,
)
from libp2p.transport.upgrader import TransportUpgrader
from multiaddr import Multiaddr

from p2p.adapters.closing import shielded
from p2p.adapters.libp2p.tcp import TcpStream, TcpTransport
from p2p.adapters.one_link import DIAL_TIMEOUT_S

CONNECTIONS_MAX: Final = 512
"""In both directions, the DHT's included; an idle one takes about 0.1 MB."""
CONNECTIONS_PER_PEER_MAX: Final = 4
"""Two links while both sides dial at once, and one of the DHT's each way."""
NEGOTIATION_TIMEOUT_S: Final = 10.0
"""A peer names its protocols within this, on connections and on streams."""
ADDRESS_TIMEOUT_S: Final = 3.0
"""How long one of several addresses of a peer may take to answer."""
PEER_ADDRESSES_MAX: Final = 8
PEER_ADDRESS_MAX_BYTES: Final = 128
"""An IPv6 address with port and peer id has 62 bytes; a name of 60 characters fits."""
PEER_PROTOCOLS_MAX: Final = 64
PEER_PROTOCOL_MAX_BYTES: Final = 128
KAD_MESSAGE_MAX_BYTES: Final = 65_536
"""Twenty providers and twenty-one closer peers with all the addresses that they may have take
46 KB at most; what is told of them must fit, or nobody could read the answer."""
_logger = logging.getLogger(__name__)
KAD_OF_LIBRARY: Final = TProtocol("/ipfs/kad/1.0.0")
KAD_PROTOCOL_ID: Final = TProtocol("/molva/kad/1.0.0")
"""py-libp2p's DHT knows one protocol id alone; at our borders it is exchanged for our own."""


def few_addresses(addresses: Iterable[Multiaddr]) -> list[Multiaddr]:
    """Give the first of the addresses that a peer names, without those too long to be true."""
    short = (one for one in addresses if len(one.to_bytes()) <= PEER_ADDRESS_MAX_BYTES)
    return list(islice(short, PEER_ADDRESSES_MAX))


class BoundedPeerStore(PeerStore):
    """What is known of peers: no more than anybody needs to say of himself.

    The original makes room by dropping who has no addresses, and that is this node with its keys,
    as soon as somebody tells of a thousand peers.
    """

    def __init__(self, own: ID, keys: KeyPair) -> None:
        super().__init__()
        self._own = own
        self._keys = keys
        self.add_key_pair(own, keys)

    def add_addrs(self, peer_id: ID, addrs: Sequence[Multiaddr], ttl: int = 0) -> None:
        """Take note of addresses of a peer, the newest few of them."""
        few = few_addresses(addrs)
        known = self.peer_data_map.get(peer_id)
        if known is not None and len(known.get_addrs()) + len(few) > PEER_ADDRESSES_MAX:
            known.clear_addrs()
        super().add_addrs(peer_id, few, ttl)
        if self._own not in self.peer_data_map:
            self.add_key_pair(self._own, self._keys)

    def add_addr(self, peer_id: ID, addr: Multiaddr, ttl: int = 0) -> None:
        """Take note of one more address, where there is room: identify tells them one by one."""
        known = self.peer_data_map.get(peer_id)
        if known is None or len(known.get_addrs()) < PEER_ADDRESSES_MAX:
            self.add_addrs(peer_id, [addr], ttl)

    def consume_peer_record(self, envelope: Envelope, ttl: int) -> bool:
        """Take the addresses of a signed record, in its order, and forget the record.

        Nobody here needs the signature, and the original passes records of any size on: with three
        of 36 KB in it, an answer of the DHT is longer than anybody reads.
        """
        if not super().consume_peer_record(envelope, ttl):
            return False
        record = envelope.record()
        self.peer_record_map.pop(record.peer_id, None)
        self.clear_addrs(record.peer_id)
        self.add_addrs(record.peer_id, record.addrs, ttl)
        return True

    def add_protocols(self, peer_id: ID, protocols: Sequence[str]) -> None:
        """Take note of what a peer speaks, as far as it is short enough to be true."""
        known = self.peer_data_map.get(peer_id)
        room = PEER_PROTOCOLS_MAX - (0 if known is None else len(known.get_protocols()))
        short = [name for name in protocols[:room] if len(name) <= PEER_PROTOCOL_MAX_BYTES]
        super().add_protocols(peer_id, short)

    def set_protocols(self, peer_id: ID, protocols: Sequence[str]) -> None:
        """Take note of what a peer speaks, and forget what it spoke."""
        self.clear_protocol_data(peer_id)
        self.add_protocols(peer_id, protocols)

    def get_protocols(self, peer_id: ID) -> list[str]:
        """Give what a peer speaks; the DHT's id of others is not ours."""
        spoken = [name for name in self.protocols_heard(peer_id) if name != KAD_OF_LIBRARY]
        return [KAD_OF_LIBRARY if name == KAD_PROTOCOL_ID else name for name in spoken]

    def protocols_heard(self, peer_id: ID) -> list[str]:
        """Give what a peer said that it speaks, in its own words."""
        return super().get_protocols(peer_id)


class MolvaSwarm(Swarm):
    """A swarm that lets nobody have many connections, and tries every address of a peer once."""

    def __init__(self, own: ID, keys: KeyPair, upgrader: TransportUpgrader, tcp: TcpTransport):
        peers = BoundedPeerStore(own, keys)
        super().__init__(own, peers, upgrader, [tcp], connection_config=_connections())
        self.auto_connector = _NoAutoConnector(self)
        self._tcp = tcp
        self._dials: dict[ID, trio.Lock] = {}

    async def add_conn(self, muxed_conn: IMuxedConn, direction: str = "unknown") -> SwarmConn:
        """Take up a new connection.

        Raises:
            SwarmException: the peer has enough of them.
        """
        if len(self._alive(muxed_conn.peer_id)) >= CONNECTIONS_PER_PEER_MAX:
            await muxed_conn.close()
            raise SwarmException("The peer has enough connections.")
        return await super().add_conn(muxed_conn, direction)

    async def upgrade_inbound_raw_conn(
        self, raw_conn: IRawConnection, maddr: Multiaddr
    ) -> IMuxedConn:
        """Secure and multiplex an accepted connection, and let its socket know."""
        muxed = await super().upgrade_inbound_raw_conn(raw_conn, maddr)
        if isinstance(raw_conn, RawConnection) and isinstance(raw_conn.stream, TcpStream):
            raw_conn.stream.settled()
        return muxed

    async def dial_peer(self, peer_id: ID) -> list[INetConn]:
        """Give the connections to a peer, a new one where there is none.

        For the DHT; links dial by themselves. The original tries one address of a peer, several
        times, and none for a minute after.

        Raises:
            SwarmException: none of its addresses answers as this peer.
        """
        lock = self._dials.setdefault(peer_id, trio.Lock())
        try:
            async with lock:
                return self._alive(peer_id) or [await self._dial_any(peer_id)]
        finally:
            if not lock.statistics().tasks_waiting:
                self._dials.pop(peer_id, None)

    def _alive(self, peer_id: ID) -> list[INetConn]:
        """Give a peer's connections without those that are being closed."""
        return [one for one in self.get_connections(peer_id) if not one.is_closed]

    async def _dial_any(self, peer_id: ID) -> INetConn:
        try:
            addresses = self.peerstore.addrs(peer_id)
        except PeerStoreError:
            addresses = []
        for address in addresses[:PEER_ADDRESSES_MAX]:
            with trio.move_on_after(ADDRESS_TIMEOUT_S):
                try:
                    return await self._dial_one(address, peer_id)
                except Exception as error:  # whatever is wrong with one, another may do
                    _logger.debug("no connection to %s: %r", address, error)
        raise SwarmException(f"No address of {peer_id} answers.")

    async def _dial_one(self, address: Multiaddr, peer_id: ID) -> INetConn:
        raw = await self._tcp.dial(address)
        try:
            return await self.upgrade_outbound_raw_conn(raw, peer_id)
        except BaseException:
            with shielded():
                await raw.close()
            raise


class _NoAutoConnector(AutoConnector):
    """Dials nobody. The original dials everybody it hears of, up to half the connections that may
    be, whatever the low watermark says."""

    async def maybe_connect(self) -> None:
        """Do nothing."""


def _connections() -> ConnectionConfig:
    return ConnectionConfig(
        max_connections=CONNECTIONS_MAX,
        high_watermark=CONNECTIONS_MAX,
        min_connections=0,
        low_watermark=0,
        dial_timeout=DIAL_TIMEOUT_S,
        inbound_upgrade_timeout=NEGOTIATION_TIMEOUT_S,
        outbound_upgrade_timeout=NEGOTIATION_TIMEOUT_S,
        inbound_stream_protocol_negotiation_timeout=NEGOTIATION_TIMEOUT_S,
        outbound_stream_protocol_negotiation_timeout=NEGOTIATION_TIMEOUT_S,
    )
