"""Streams of which no more is read than honest peers send."""

from __future__ import annotations

from libp2p.abc import INetStream
from libp2p.custom_types import TProtocol
from libp2p.io.exceptions import IncompleteReadError
from libp2p.network.stream.net_stream import NetStream
from libp2p.utils.varint import encode_varint_prefixed, read_varint_prefixed_bytes_limited

from p2p.adapters.libp2p.kad_message import bounded
from p2p.errors import Malformed


class CappedStream(INetStream):
    """For protocols of py-libp2p that take megabytes where kilobytes are honest."""

    metric_send_channel = None

    def __init__(self, stream: INetStream, read_max_bytes: int) -> None:
        assert isinstance(stream, NetStream), "streams come from our own swarm"
        self._stream = stream
        self._read_max_bytes = read_max_bytes
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


class KadStream(CappedStream):
    """A stream of the DHT: of each message only what an honest one holds is passed on."""

    def __init__(self, stream: INetStream, read_max_bytes: int) -> None:
        super().__init__(stream, read_max_bytes)
        self._capped = CappedStream(stream, read_max_bytes)
        self._whole = b""

    async def read(self, n: int | None = None) -> bytes:
        """Give up to ``n`` bytes of a message that is here whole.

        Raises:
            IncompleteReadError: the peer sent too much, what is no message, or half of one.
        """
        if not self._whole:
            self._whole = await self._next()
        end = len(self._whole) if n is None else n
        data, self._whole = self._whole[:end], self._whole[end:]
        return data

    async def _next(self) -> bytes:
        message = await read_varint_prefixed_bytes_limited(self._capped, self._read_max_bytes)
        try:
            return encode_varint_prefixed(bounded(message))
        except Malformed as error:
            await self.reset()
            raise IncompleteReadError(str(error)) from error
