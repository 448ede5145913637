"""Links over libp2p: TCP, Noise, Yamux, one connection and one stream per neighbour.

See docs/spec/link-transport.md for what is on the wire.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractContextManager, ExitStack
from functools import partial
from typing import TYPE_CHECKING

import trio

from p2p.adapters.closing import innermost, shielded
from p2p.adapters.libp2p.link import Libp2pLink
from p2p.adapters.listen_addresses import parse_tcp, split_peer
from p2p.adapters.one_link import DIAL_TIMEOUT_S, LinkRegister, Refused
from p2p.errors import LinkFailed, MolvaError
from p2p.ports.link import Link
from p2p.wire.ids import PeerId
from p2p.wire.limits import LINK_PROTOCOL_ID

if TYPE_CHECKING:
    from libp2p.abc import INetConn, INetStream
    from libp2p.network.connection.swarm_connection import SwarmConn

    from p2p.adapters.libp2p.dial import Dialling

_logger = logging.getLogger(__name__)


class Libp2pNetwork:
    """The network of one node.

    Args:
        seed: 32-byte Ed25519 seed of the peer id.
        listen: TCP multiaddresses; 0.0.0.0 and :: stand for all interfaces, port 0 for any.

    Raises:
        InvalidInput: an address that is none.
    """

    def __init__(self, seed: bytes, listen: Sequence[str]) -> None:
        from p2p.adapters.libp2p.host import Libp2pHost

        self.host = Libp2pHost(seed, listen)
        self._register: LinkRegister[Libp2pLink] = LinkRegister(self.host.peer_id)
        self._linked: dict[INetConn, Libp2pLink] = {}
        self._nursery: trio.Nursery | None = None
        self._accept: Callable[[Link], Awaitable[None]] | None = None

    @property
    def peer_id(self) -> PeerId:
        """This node's own peer id."""
        return self.host.peer_id

    def addresses(self) -> tuple[str, ...]:
        """Give concrete multiaddresses where this node can be reached now."""
        return self.host.addresses()

    async def run(
        self, accept: Callable[[Link], Awaitable[None]], started: Callable[[], None]
    ) -> None:
        """Listen until cancelled."""
        try:
            async with trio.open_nursery() as nursery:
                if self._nursery is not None:
                    raise LinkFailed("This node is running already.")
                self._nursery, self._accept = nursery, accept
                try:
                    async with self.host.running({LINK_PROTOCOL_ID: self._on_stream}):
                        started()
                        await trio.sleep_forever()
                finally:
                    self._nursery, self._accept = None, None
        except BaseExceptionGroup as group:
            raise _only_link_failed(group) from group

    async def dial(self, address: str) -> Link:
        """Open a link to ``address``."""
        from p2p.adapters.libp2p.dial import Dialling, parse_peer

        await trio.lowlevel.checkpoint()
        place, peer_text = split_peer(address)
        place = str(parse_tcp(place))
        peer = parse_peer(peer_text) if "/p2p/" in address else None
        if self._nursery is None:
            raise LinkFailed("This node is not running.")
        try:
            with trio.fail_after(DIAL_TIMEOUT_S):
                return await self._dial(Dialling(self.host, place), place, peer)
        except trio.TooSlowError as error:
            late = f"{place} did not answer within {DIAL_TIMEOUT_S:.0f} s."
            raise LinkFailed(late) from error

    async def _dial(self, dialling: Dialling, place: str, peer: PeerId | None) -> Link:
        with ExitStack() as held:
            if peer is not None:
                held.enter_context(self._place_for(peer))
            secured, remote = await dialling.secure(peer)
            if peer is None:
                try:
                    held.enter_context(self._place_for(remote))
                except LinkFailed:
                    with shielded():
                        await secured.close()
                    raise
            connection = await dialling.connect(secured)
            stream = await dialling.open_stream(connection, LINK_PROTOCOL_ID)
            link = self._link(stream, connection, f"{place}/p2p/{remote}", outbound=True)
            if self._nursery is None or not self._admit(link, connection):
                with shielded():
                    await connection.close()
                raise LinkFailed(f"{remote} keeps the link that it opened itself.")
            self._nursery.start_soon(link.carry)  # pyright: ignore[reportUnknownMemberType]
            return link

    def _place_for(self, peer: PeerId) -> AbstractContextManager[None]:
        if peer == self.peer_id:
            raise LinkFailed("This is the node's own address.")
        return self._register.dialling(peer)

    async def _on_stream(self, stream: INetStream) -> None:
        """Serve a stream that a peer opened for the link protocol.

        Only who dialled a connection opens the link. Stacks that use what connections they have
        try it on one that we dialled, too: js-libp2p does as soon as it is there. That stream
        alone ends. A second link of who dialled is an attack, or has lost sight of the first, and
        ends the connection.
        """
        connection = _connection_of(stream)
        if connection is None or self._nursery is None or self._accept is None:
            await stream.reset()
            return
        if _we_dialled(connection):
            await stream.reset()
            return
        if connection in self._linked:
            await connection.close()
            return
        peer = str(connection.muxed_conn.peer_id)
        link = self._link(stream, connection, _remote(connection, peer), outbound=False)
        if not self._admit(link, connection):
            await connection.close()
            return
        self._nursery.start_soon(  # pyright: ignore[reportUnknownMemberType]
            self._serve, link, self._accept
        )
        await link.wait_closed()

    def _link(
        self, stream: INetStream, connection: INetConn, address: str, *, outbound: bool
    ) -> Libp2pLink:
        from p2p.adapters.libp2p.muxer import LinkStream

        return Libp2pLink(
            LinkStream(stream),
            PeerId(str(connection.muxed_conn.peer_id)),
            address,
            outbound=outbound,
            hang_up=connection.close,
            ended=partial(self._forget, connection),
        )

    def _admit(self, link: Libp2pLink, connection: INetConn) -> bool:
        decision = self._register.admit(link, trio.current_time())
        if isinstance(decision, Refused):
            return False
        self._linked[connection] = link
        for old in decision.replaced:
            old.fail(LinkFailed(f"A newer link to {link.peer} replaced this one."))
        return True

    def _forget(self, connection: INetConn, link: Libp2pLink) -> None:
        self._register.remove(link)
        self._linked.pop(connection, None)

    async def _serve(self, link: Libp2pLink, accept: Callable[[Link], Awaitable[None]]) -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(link.carry)  # pyright: ignore[reportUnknownMemberType]
            try:
                await accept(link)
            except MolvaError as error:
                _logger.debug("link to %s ended: %s", link.peer, error)
            except Exception:  # our own mistake must not cost the other neighbours their links
                _logger.exception("serving %s failed", link.peer)
            finally:
                await link.aclose()


def _connection_of(stream: INetStream) -> SwarmConn | None:
    from libp2p.network.stream.net_stream import NetStream

    return stream.swarm_conn if isinstance(stream, NetStream) else None


def _we_dialled(connection: SwarmConn) -> bool:
    return str(connection.direction) == "outbound"


def _remote(connection: INetConn, peer: str) -> str:
    addresses = connection.get_transport_addresses()
    place = str(addresses[0]) if addresses else ""
    return f"{place}/p2p/{peer}"


def _only_link_failed(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """Give the LinkFailed in a group that holds nothing else of interest, or the group."""
    failures, rest = group.split(LinkFailed)
    if failures is None or (rest is not None and rest.split(trio.Cancelled)[1] is not None):
        return group
    return innermost(failures) or group
