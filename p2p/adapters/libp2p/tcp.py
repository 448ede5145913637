"""TCP under libp2p, with what py-libp2p's own transport lacks.

- A second process cannot listen on the same port unnoticed (theirs sets SO_REUSEPORT).
- Sockets are read in large pieces; theirs costs two system calls a Noise message.
- Writing to a closed socket fails; theirs says nothing.
- Connections that do not get through their handshake are few: beyond a bound the oldest is closed.
- When a connection ends, the task that accepted it ends; theirs stays until the host stops and
  holds one of its places for inbound connections, so that a host goes deaf after a few hundred.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Sequence
from typing import Final

import trio
from libp2p.abc import IListener, IRawConnection
from libp2p.custom_types import THandler
from libp2p.io.abc import ReadWriteCloser
from libp2p.io.exceptions import ConnectionClosedError
from libp2p.network.connection.raw_connection import RawConnection
from libp2p.transport.exceptions import OpenConnectionError
from libp2p.transport.tcp.tcp import TCP
from multiaddr import Multiaddr

from p2p.adapters.closing import cancel_scope, innermost
from p2p.adapters.listen_addresses import Interfaces, concrete, parse_tcp, split_peer, tcp_address
from p2p.errors import InvalidInput

READ_SIZE_BYTES: Final = 65_536
HALF_OPEN_MAX: Final = 128
"""Inbound connections that have not finished their handshake; one takes about 20 ms of ours."""
_logger = logging.getLogger(__name__)


class TcpStream(ReadWriteCloser):
    """One TCP connection, for one reader and one writer at a time."""

    def __init__(self, stream: trio.SocketStream) -> None:
        self._stream = stream
        self._held: bytes = b""
        self._at = 0
        self._on_close: list[Callable[[], None]] = []
        self._on_settled: list[Callable[[], None]] = []
        try:
            host, port = stream.socket.getpeername()[:2]
            self._remote: tuple[str, int] | None = (str(host).partition("%")[0], int(port))
        except OSError:
            self._remote = None

    def when_closed(self, tell: Callable[[], None]) -> None:
        """Have ``tell`` called when the connection is closed."""
        self._on_close.append(tell)

    def when_settled(self, tell: Callable[[], None]) -> None:
        """Have ``tell`` called when the handshake is over."""
        self._on_settled.append(tell)

    def settled(self) -> None:
        """Take note that the handshake is over."""
        for tell in self._on_settled:
            tell()

    async def read(self, n: int | None = None) -> bytes:
        """Give at least one and at most ``n`` bytes; none where the connection has ended.

        Raises:
            ConnectionClosedError: it broke.
        """
        if self._at == len(self._held):
            if n == 0:
                return b""
            self._held, self._at = await self._receive(), 0
        end = len(self._held) if n is None else self._at + n
        data = self._held[self._at : end]
        self._at += len(data)
        return data

    async def _receive(self) -> bytes:
        try:
            data: bytes = await self._stream.receive_some(READ_SIZE_BYTES)
            return bytes(data)
        except trio.BrokenResourceError as error:
            raise ConnectionClosedError("TCP connection reset", transport="tcp") from error
        except trio.ClosedResourceError:
            return b""

    async def write(self, data: bytes) -> None:
        """Send all of ``data``; no checkpoint where the socket takes it at once.

        Who is cut off in the middle closes the connection: what is sent next would be read as the
        rest of this.

        Raises:
            ConnectionClosedError: the connection broke or is closed.
        """
        try:
            sent = self._send_now(data)
            if sent < len(data):
                await self._stream.send_all(memoryview(data)[sent:])
        except trio.Cancelled:
            self.close_now()
            raise
        except (OSError, trio.BrokenResourceError, trio.ClosedResourceError) as error:
            raise ConnectionClosedError("TCP connection closed", transport="tcp") from error

    def _send_now(self, data: bytes) -> int:
        try:
            return os.write(self._stream.socket.fileno(), data)
        except BlockingIOError:
            return 0

    async def close(self) -> None:
        """Close the connection; safe to call twice."""
        self.close_now()

    def close_now(self) -> None:
        """Close without a chance to be cancelled in the middle."""
        self._stream.socket.close()
        for tell in self._on_close:
            tell()

    def get_remote_address(self) -> tuple[str, int] | None:
        """Give host and port of the other end."""
        return self._remote


class TcpListener(IListener):
    """Listening sockets of one multiaddress."""

    background_nursery: trio.Nursery | None = None
    """The swarm sets it before it calls :meth:`listen`."""

    def __init__(self, handler: THandler, transport: TcpTransport) -> None:
        self._handler = handler
        self._transport = transport
        self._listeners: Sequence[trio.SocketListener] = ()
        self._half_open: dict[TcpStream, trio.CancelScope] = {}
        self._scope = cancel_scope()

    async def listen(self, maddr: Multiaddr) -> None:
        """Bind and accept connections in the background.

        Raises:
            OpenConnectionError: the address cannot be had; the message says why.
        """
        assert self.background_nursery is not None, "the swarm runs before it listens"
        try:
            address = parse_tcp(split_peer(str(maddr))[0])
            self._listeners = await trio.open_tcp_listeners(address.port, host=address.host)
        except (InvalidInput, OSError) as error:
            raise OpenConnectionError(str(error)) from error
        self.background_nursery.start_soon(self._run)  # pyright: ignore[reportUnknownMemberType]

    async def _run(self) -> None:
        with self._scope:
            await trio.serve_listeners(self._serve, self._listeners)

    async def _serve(self, stream: trio.SocketStream) -> None:
        tcp = self._transport.wrap(stream)
        with cancel_scope() as scope:
            self._half_open[tcp] = scope
            tcp.when_closed(scope.cancel)
            tcp.when_settled(lambda: self._leave_half_open(tcp))
            if len(self._half_open) > HALF_OPEN_MAX:
                oldest = next(iter(self._half_open))
                self._half_open.pop(oldest).cancel()
            try:
                await self._handler(tcp)
            except Exception as error:  # whatever a stranger provokes ends his connection alone
                _logger.debug("inbound connection failed: %r", error)
            finally:
                self._leave_half_open(tcp)
                tcp.close_now()

    def _leave_half_open(self, tcp: TcpStream) -> None:
        self._half_open.pop(tcp, None)

    def get_addrs(self) -> tuple[Multiaddr, ...]:
        """Give what others can dial, spelled out for each interface as of now."""
        bound = (tcp_address(*listener.socket.getsockname()[:2]) for listener in self._listeners)
        spelled = (
            one for address in bound for one in concrete(address, self._transport.interfaces)
        )
        return tuple(Multiaddr(str(address)) for address in spelled)

    async def close(self) -> None:
        """Stop listening, and close what was accepted here."""
        self._scope.cancel()
        for listener in self._listeners:
            await listener.aclose()
        self._listeners = ()


class TcpTransport(TCP):
    """Dials and listens with :class:`TcpStream`."""

    def __init__(self, interfaces: Interfaces) -> None:
        super().__init__()
        self.interfaces = interfaces
        self._open: dict[TcpStream, None] = {}

    def wrap(self, stream: trio.SocketStream) -> TcpStream:
        """Give the connection of a socket, and remember it while it is open."""
        tcp = TcpStream(stream)
        self._open[tcp] = None
        tcp.when_closed(lambda: self._open.pop(tcp, None))
        return tcp

    def close_now(self) -> None:
        """Close every connection that is still open."""
        for tcp in list(self._open):
            tcp.close_now()

    async def dial(self, maddr: Multiaddr) -> IRawConnection:
        """Connect to ``maddr``; DNS names are resolved by the operating system.

        Raises:
            OpenConnectionError: nobody answers, or no TCP address; the message says what.
        """
        try:
            address = parse_tcp(split_peer(str(maddr))[0])
            stream = await trio.open_tcp_stream(address.host, address.port)
        except (InvalidInput, OSError) as error:
            raise OpenConnectionError(_reason(error)) from error
        return RawConnection(self.wrap(stream), initiator=True)

    def create_listener(self, handler_function: THandler) -> TcpListener:  # type: ignore[override]
        """Give a listener whose connections go to ``handler_function``."""
        return TcpListener(handler_function, self)


def _reason(error: Exception) -> str:
    """Give the operating system's reason where trio wrapped several attempts."""
    for cause in (error.__cause__, error):
        leaf = innermost(cause)
        if isinstance(leaf, OSError) and leaf.strerror:
            return leaf.strerror
    return str(error)
