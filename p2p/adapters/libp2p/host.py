"""One libp2p host, set up as docs/adr/0003-libp2p-settings.md has it: for links and for the DHT.

Importing this module imports libp2p, which takes half a second; import it where a host is made.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Final

import trio
from libp2p.abc import INetStream
from libp2p.crypto.ed25519 import create_new_key_pair
from libp2p.crypto.x25519 import create_new_key_pair as create_noise_key_pair
from libp2p.custom_types import StreamHandlerFn, TProtocol
from libp2p.host.basic_host import BasicHost
from libp2p.network.swarm import Swarm
from libp2p.peer.id import ID  # pyright: ignore[reportMissingTypeStubs]
from libp2p.security.noise.transport import PROTOCOL_ID as NOISE
from libp2p.security.noise.transport import Transport as NoiseTransport
from libp2p.stream_muxer.yamux.yamux import PROTOCOL_ID as YAMUX
from libp2p.tools.anyio_service import background_trio_service
from multiaddr import Multiaddr

from p2p.adapters.closing import shielded
from p2p.adapters.libp2p.capped import CappedStream, KadStream
from p2p.adapters.libp2p.health import HealthMonitor
from p2p.adapters.libp2p.identify import IDENTIFY_MAX_BYTES, identify_handlers
from p2p.adapters.libp2p.muxer import BoundedYamux, YamuxOnlyUpgrader
from p2p.adapters.libp2p.negotiation import BriefMultiselect, BriefMultiselectClient
from p2p.adapters.libp2p.swarm import (
    KAD_MESSAGE_MAX_BYTES,
    KAD_OF_LIBRARY,
    KAD_PROTOCOL_ID,
    NEGOTIATION_TIMEOUT_S,
    MolvaSwarm,
)
from p2p.adapters.libp2p.tcp import TcpTransport
from p2p.adapters.listen_addresses import Interfaces, interface_ips, parse_tcp
from p2p.errors import LinkFailed
from p2p.wire.ids import PeerId

SEED_SIZE_BYTES: Final = 32
STREAM_TIMEOUT_S: Final = 5.0
"""For a stream of the DHT, dialling included; a dead peer costs a look-up no more."""
_logger = logging.getLogger(__name__)


def peer_id_of(seed: bytes) -> PeerId:
    """Give the peer id of a node whose Ed25519 seed is ``seed`` (32 bytes)."""
    return PeerId(str(ID.from_pubkey(create_new_key_pair(seed).public_key)))


class MolvaHost(BasicHost):
    """py-libp2p's host, whose DHT speaks our protocol instead of the public one."""

    def __init__(self, swarm: MolvaSwarm) -> None:
        super().__init__(swarm, disable_identify_address_discovery=True)
        self.multiselect = BriefMultiselect(self.multiselect.handlers)
        self.multiselect_client = BriefMultiselectClient()
        for protocol, handler in identify_handlers(self).items():
            self.set_stream_handler(protocol, handler)
        self.unreachable: Callable[[ID], None] = _nobody_cares

    def set_stream_handler(self, protocol_id: TProtocol, stream_handler: StreamHandlerFn) -> None:
        """Serve inbound streams of a protocol."""
        super().set_stream_handler(_ours(protocol_id), stream_handler)

    def remove_stream_handler(self, protocol_id: TProtocol) -> None:
        """Serve a protocol no longer."""
        super().remove_stream_handler(_ours(protocol_id))

    async def new_stream(self, peer_id: ID, protocol_ids: Sequence[TProtocol]) -> INetStream:
        """Open a stream to a peer, dialling it where need be; tells who cannot be reached.

        Raises:
            Exception: one of py-libp2p's; also where it took too long.
        """
        try:
            with trio.fail_after(STREAM_TIMEOUT_S):
                stream = await super().new_stream(peer_id, [_ours(one) for one in protocol_ids])
        except Exception:
            self.unreachable(peer_id)
            raise
        is_kad = stream.get_protocol() == KAD_PROTOCOL_ID
        if is_kad:
            return KadStream(stream, KAD_MESSAGE_MAX_BYTES)
        return CappedStream(stream, IDENTIFY_MAX_BYTES)


def _nobody_cares(peer_id: ID) -> None:
    """Take no notice of an unreachable peer."""


def _ours(protocol: TProtocol) -> TProtocol:
    return KAD_PROTOCOL_ID if protocol == KAD_OF_LIBRARY else protocol


class Libp2pHost:
    """A host that can be run again and again with the same identity.

    Args:
        seed: 32-byte Ed25519 seed of the peer id.
        listen: TCP multiaddresses; 0.0.0.0 and :: stand for all interfaces, port 0 for any.
        interfaces: gives the addresses of this machine's interfaces.

    Raises:
        InvalidInput: an address that is none.
    """

    def __init__(
        self, seed: bytes, listen: Sequence[str], interfaces: Interfaces = interface_ips
    ) -> None:
        assert len(seed) == SEED_SIZE_BYTES, "an Ed25519 seed has 32 bytes"
        self._listen = tuple(str(parse_tcp(address)) for address in listen)
        self._interfaces = interfaces
        self._keys = create_new_key_pair(seed)
        self.peer_id = peer_id_of(seed)
        self._basic: MolvaHost | None = None
        self._swarm: MolvaSwarm | None = None
        self._changed = trio.Event()
        quiet_libp2p()

    @property
    def basic(self) -> MolvaHost:
        """py-libp2p's host.

        Raises:
            LinkFailed: the host is not running.
        """
        if self._basic is None:
            raise LinkFailed("This node is not running.")
        return self._basic

    @property
    def swarm(self) -> MolvaSwarm:
        """py-libp2p's swarm.

        Raises:
            LinkFailed: the host is not running.
        """
        if self._swarm is None:
            raise LinkFailed("This node is not running.")
        return self._swarm

    async def wait_running(self) -> None:
        """Return once the host listens."""
        while self._basic is None:
            await self._changed.wait()

    def addresses(self) -> tuple[str, ...]:
        """Give concrete multiaddresses with the peer id as of now; none while not running."""
        if self._basic is None:
            return ()
        return tuple(f"{place}/p2p/{self.peer_id}" for place in self._basic.get_transport_addrs())

    @asynccontextmanager
    async def running(self, handlers: Mapping[str, StreamHandlerFn]) -> AsyncGenerator[None, None]:
        """Run and listen while the body runs; ``handlers`` serve inbound streams by protocol.

        Raises:
            LinkFailed: a listening address cannot be had, or the host runs already.
        """
        if self._basic is not None:
            raise LinkFailed("This node is running already.")
        transport = TcpTransport(self._interfaces)
        swarm = self._make_swarm(transport)
        basic = MolvaHost(swarm)
        for protocol, handler in handlers.items():
            basic.set_stream_handler(TProtocol(protocol), handler)
        swarm.set_stream_handler(_guarded(swarm.common_stream_handler))
        async with background_trio_service(swarm), trio.open_nursery() as nursery:
            try:
                await self._start_listening(swarm)
                nursery.start_soon(  # pyright: ignore[reportUnknownMemberType]
                    HealthMonitor(swarm).run
                )
                self._basic, self._swarm = basic, swarm
                self._changed.set()
                yield
            finally:
                self._basic, self._swarm = None, None
                self._changed = trio.Event()
                with shielded():
                    await _close_connections(swarm)
                transport.close_now()
                nursery.cancel_scope.cancel()

    def _make_swarm(self, transport: TcpTransport) -> MolvaSwarm:
        noise = NoiseTransport(self._keys, noise_privkey=create_noise_key_pair().private_key)
        upgrader = YamuxOnlyUpgrader(
            {NOISE: noise}, {TProtocol(YAMUX): BoundedYamux}, int(NEGOTIATION_TIMEOUT_S)
        )
        own = ID.from_pubkey(self._keys.public_key)
        return MolvaSwarm(own, self._keys, upgrader, transport)

    async def _start_listening(self, swarm: MolvaSwarm) -> None:
        for address in self._listen:
            if not await swarm.listen(Multiaddr(address)):
                raise LinkFailed(f"Cannot listen at {address}: it is taken, or not ours.")


def _guarded(handler: StreamHandlerFn) -> StreamHandlerFn:
    """Let no exception out of the handling of a stream: one would take down the host."""

    async def guarded(stream: INetStream) -> None:
        try:
            await handler(stream)
        except Exception as error:  # whatever a stranger provokes ends his stream alone
            _logger.debug("stream ended: %r", error)
            await stream.reset()

    return guarded


async def _close_connections(swarm: Swarm) -> None:
    async with trio.open_nursery() as nursery:
        for connections in list(swarm.connections.values()):
            for connection in list(connections):
                nursery.start_soon(  # pyright: ignore[reportUnknownMemberType]
                    connection.close
                )


class _NotFromLibp2p(logging.Filter):
    """py-libp2p logs some of its warnings through the root logger."""

    def filter(self, record: logging.LogRecord) -> bool:
        return f"{_SEPARATOR}libp2p{_SEPARATOR}" not in record.pathname.replace("\\", _SEPARATOR)


_SEPARATOR: Final = "/"


def quiet_libp2p() -> None:
    """Silence py-libp2p's loggers: it warns thousands of times of closed connections."""
    for name in ("libp2p", "multiaddr", "async_service"):
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    root = logging.getLogger()
    if not any(isinstance(one, _NotFromLibp2p) for one in root.filters):
        root.addFilter(_NotFromLibp2p())
