"""A secured connection that asks before it reads, so that who sends too much can be dropped."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import trio
from libp2p.abc import ISecureConn
from libp2p.connection_types import ConnectionType
from libp2p.crypto.keys import PrivateKey, PublicKey
from libp2p.peer.id import ID  # pyright: ignore[reportMissingTypeStubs]
from multiaddr import Multiaddr


class Allowance:
    """So many at once, and so many a second after that; in trio's time.

    Args:
        burst: how many at once.
        rate_per_s: how many are added each second.
    """

    def __init__(self, burst: int, rate_per_s: float) -> None:
        self._burst = burst
        self._rate_per_s = rate_per_s
        self._left = float(burst)
        self._counted_s = trio.current_time()

    def take(self) -> bool:
        """Take one; False where none is left."""
        now_s = trio.current_time()
        refill = (now_s - self._counted_s) * self._rate_per_s
        self._counted_s = now_s
        self._left = min(self._left + refill, self._burst) - 1
        return self._left >= 0

    def give_back(self) -> None:
        """Count the last one as not taken."""
        self._left += 1


READS_PER_TURN: Final = 4
"""Reads served out of what has come before other tasks run: 0.1 ms. Twenty neighbours that flood
this node keep its other tasks waiting for twenty times as long."""


class MeteredConn(ISecureConn):
    """Asks before each read whether it may be.

    Args:
        conn: the connection.
        before_read: told how many bytes are asked for; raises to end it.
    """

    def __init__(self, conn: ISecureConn, before_read: Callable[[int | None], None]) -> None:
        self._conn = conn
        self._before_read = before_read
        self._reads = 0
        self.is_initiator = conn.is_initiator

    async def read(self, n: int | None = None) -> bytes:
        """Give ``n`` bytes."""
        self._before_read(n)
        self._reads += 1
        if self._reads % READS_PER_TURN == 0:
            await trio.lowlevel.checkpoint()
        return await self._conn.read(n)

    async def write(self, data: bytes) -> None:
        """Send all of ``data``."""
        await self._conn.write(data)

    async def close(self) -> None:
        """Close the connection."""
        await self._conn.close()

    def get_local_peer(self) -> ID:
        """Give our own peer id."""
        return self._conn.get_local_peer()

    def get_local_private_key(self) -> PrivateKey:
        """Give our own key."""
        return self._conn.get_local_private_key()

    def get_remote_peer(self) -> ID:
        """Give who is at the other end."""
        return self._conn.get_remote_peer()

    def get_remote_public_key(self) -> PublicKey:
        """Give the key of who is at the other end."""
        return self._conn.get_remote_public_key()

    def get_transport_addresses(self) -> list[Multiaddr]:
        """Give where the other end is."""
        return self._conn.get_transport_addresses()

    def get_connection_type(self) -> ConnectionType:
        """Tell whether it is direct."""
        return self._conn.get_connection_type()

    def get_remote_address(self) -> tuple[str, int] | None:
        """Give host and port of the other end."""
        return self._conn.get_remote_address()
