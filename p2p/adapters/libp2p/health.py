"""Notices connections that have gone dark, and closes those that nobody uses.

py-libp2p's own monitor asks one connection after the other, so that ten dark ones are noticed only
after half a minute; opens a stream for each question; and dials again what it finds unwell. This
one asks all at once, by a ping of Yamux, only where there was silence, and only closes.
"""

from __future__ import annotations

import logging
from typing import Final

import trio
from libp2p.abc import INetConn
from libp2p.network.swarm import Swarm

from p2p.adapters.libp2p.muxer import BoundedYamux
from p2p.adapters.libp2p.swarm import CONNECTIONS_MAX
from p2p.adapters.libp2p.tcp import HALF_OPEN_MAX
from p2p.wire.limits import LINK_PROTOCOL_ID

LOOK_INTERVAL_S: Final = 1.0
SILENCE_MAX_S: Final = 4.0
PING_TIMEOUT_S: Final = 2.0
"""A dark link is noticed within about the sum of these; without pings it takes over a minute."""
UNUSED_MAX_S: Final = 60.0
"""A connection without streams is closed after this: a place for somebody else."""
ESTABLISHED_MAX: Final = CONNECTIONS_MAX - 2 * HALF_OPEN_MAX
"""Beyond so many, those without a link are closed, the oldest first. A stranger could otherwise
hold every place with connections on which he pings, and nobody would be let in any more."""
GRACE_S: Final = 0.2
"""A pong may have come in while this process was busy: it is read before the verdict."""
_logger = logging.getLogger(__name__)


class HealthMonitor:
    """Watches over the connections of one swarm."""

    def __init__(self, swarm: Swarm) -> None:
        self._swarm = swarm
        self._used_s: dict[INetConn, float] = {}
        self._since_s: dict[INetConn, float] = {}

    async def run(self) -> None:
        """Watch until cancelled."""
        while True:
            await trio.sleep(LOOK_INTERVAL_S)
            connections = [
                connection
                for of_peer in list(self._swarm.connections.values())
                for connection in of_peer
            ]
            self._note_use(connections)
            async with trio.open_nursery() as nursery:
                for connection in self._to_make_room(connections):
                    nursery.start_soon(  # pyright: ignore[reportUnknownMemberType]
                        connection.close
                    )
                for connection in connections:
                    nursery.start_soon(  # pyright: ignore[reportUnknownMemberType]
                        self._check, connection
                    )

    def _note_use(self, connections: list[INetConn]) -> None:
        now_s = trio.current_time()
        used_s = self._used_s
        self._used_s = {
            connection: now_s if connection.get_streams() else used_s.get(connection, now_s)
            for connection in connections
        }

    def _to_make_room(self, connections: list[INetConn]) -> list[INetConn]:
        """Give those that must go for others to come: the oldest that carry no link."""
        self._since_s = {
            connection: self._since_s.get(connection, trio.current_time())
            for connection in connections
        }
        without_link = [one for one in connections if not _carries_link(one)]
        without_link.sort(key=self._since_s.__getitem__)
        return without_link[: max(0, len(connections) - ESTABLISHED_MAX)]

    async def _check(self, connection: INetConn) -> None:
        if trio.current_time() - self._used_s[connection] > UNUSED_MAX_S:
            _logger.debug("closing an unused connection")
            await connection.close()
        elif not await self._alive(connection):
            _logger.debug("closing a connection that has gone dark")
            await connection.close()

    async def _alive(self, connection: INetConn) -> bool:
        muxed = connection.muxed_conn
        assert isinstance(muxed, BoundedYamux), "connections are multiplexed by Yamux alone"
        asked_s = trio.current_time()
        if asked_s - muxed.heard_s < SILENCE_MAX_S or await muxed.answers(PING_TIMEOUT_S):
            return True
        await trio.sleep(GRACE_S)
        return muxed.heard_s >= asked_s


def _carries_link(connection: INetConn) -> bool:
    return any(stream.get_protocol() == LINK_PROTOCOL_ID for stream in connection.get_streams())
