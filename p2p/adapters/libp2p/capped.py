"""A stream of which no more than so many bytes are read."""

from __future__ import annotations

from libp2p.abc import INetStream
from libp2p.custom_types import TProtocol
from libp2p.io.exceptions import IncompleteReadError
from libp2p.network.stream.net_stream import NetStream


class CappedStream(INetStream):
    """For protocols of py-libp2p that take megabytes where kilobytes are honest.

    Its DHT compares each peer of an answer with each other: an answer of four megabytes would keep
    a core busy for minutes.
    """

    metric_send_channel = None

    def __init__(self, stream: INetStream, read_max_bytes: int) -> None:
        assert isinstance(stream, NetStream), "streams come from our own swarm"
        self._stream = stream
        self._left_bytes = read_max_bytes
        self.muxed_conn = stream.muxed_conn

    async def read(self, n: int | None = None) -> bytes:
        """Give up to ``n`` bytes.

        Raises:
            IncompleteReadError: the peer sent more than may be.
        """
        data = await self._stream.read(n)
        self._left_bytes -= len(data)
        if self._left_bytes < 0:
            await self._stream.reset()
            raise IncompleteReadError("the peer sent too much")
        return data

    async def write(self, data: bytes) -> None:
        """Send all of ``data``."""
        await self._stream.write(data)

    async def close(self) -> None:
        """Close for writing."""
        await self._stream.close()

    async def reset(self) -> None:
        """End the stream both ways."""
        await self._stream.reset()

    def get_protocol(self) -> TProtocol | None:
        """Give the protocol that was agreed on."""
        return self._stream.get_protocol()

    def set_protocol(self, protocol_id: TProtocol) -> None:
        """Take note of the protocol that was agreed on."""
        self._stream.set_protocol(protocol_id)

    def get_remote_address(self) -> tuple[str, int] | None:
        """Give host and port of the other end."""
        return self._stream.get_remote_address()
