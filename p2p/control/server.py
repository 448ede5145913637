"""The control API's listeners: a private unix socket, and loopback TCP where it is asked for."""

from __future__ import annotations

import errno
import socket
import stat
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import msgspec
import trio

from p2p.control.access import Access, keep_tokens
from p2p.control.call import Call
from p2p.control.events import CONTENT_TYPE, EventStream
from p2p.control.folder import make_private_folder
from p2p.control.http import Answer, Conversation, Request, Respond, Streaming
from p2p.control.problem import internal_problem, problem_of
from p2p.control.routes import EVENTS, STOP, find_endpoint
from p2p.control.schema import Problem
from p2p.control.service import ControlService
from p2p.errors import EnvironmentFault, MolvaError, RequestRefused, StoreLocked
from p2p.node.tasks import spawn

CONNECTIONS_MAX: Final = 128
"""More than any sensible number of bots on one machine; each costs some kilobytes."""
GRACE_S: Final = 2.0
"""Requests under way get so long when the node stops."""
_BACKLOG: Final = 64
_LOOPBACK: Final = "127.0.0.1"
_PROBLEM: Final = b"application/problem+json"


@dataclass(frozen=True, slots=True)
class ControlConfig:
    """Where the API listens.

    Attributes:
        socket: path of the unix socket (:func:`p2p.control.socket_path.socket_path`).
        tcp_port: loopback port, 0 for any free one; None for no TCP at all.
        token_folder: where the two tokens of the TCP listener are kept; a private folder.
    """

    socket: Path
    tcp_port: int | None
    token_folder: Path


@dataclass(frozen=True, slots=True)
class Listening:
    """What the server has opened; ``tcp_port`` is None without TCP."""

    socket: Path
    tcp_port: int | None


class ControlServer:
    """Serves the control API of one node.

    Args:
        service: what the endpoints do.
        config: where to listen.
        clock: Unix seconds.
        report: told of each bug of ours that a request has met, for the log.
    """

    def __init__(
        self,
        service: ControlService,
        config: ControlConfig,
        clock: Callable[[], float],
        report: Callable[[Exception], None],
    ) -> None:
        self._service = service
        self._config = config
        self._clock = clock
        self._report = report
        self._closing = trio.Event()
        self._conversations: dict[Conversation, None] = {}

    def close(self) -> None:
        """End event streams, take no further request, let those under way end: then
        :meth:`serve` returns, within ``GRACE_S``.
        """
        self._closing.set()

    async def serve(self, listening: Callable[[Listening], None]) -> None:
        """Listen and answer until :meth:`close`, or cancellation.

        ``listening`` is called as soon as clients can connect.

        Raises:
            EnvironmentFault: it cannot listen there, or somebody else prepared the place.
            StoreLocked: another node answers at this socket.
        """
        with _unix_listener(self._config.socket) as unix, _tcp_listener(self._config) as tcp:
            async with trio.open_nursery() as handlers, trio.open_nursery() as nursery:
                spawn(nursery, self._accept, handlers, unix, Access.of_socket())
                port: int | None = None
                if tcp is not None:
                    port = int(tcp.getsockname()[1])
                    tokens = keep_tokens(self._config.token_folder)
                    spawn(nursery, self._accept, handlers, tcp, Access.of_loopback(port, tokens))
                listening(Listening(self._config.socket, port))
                await self._closing.wait()
                nursery.cancel_scope.cancel()
                handlers.cancel_scope.deadline = trio.current_time() + GRACE_S
                for conversation in tuple(self._conversations):
                    conversation.end()

    async def _accept(self, handlers: trio.Nursery, sock: socket.socket, access: Access) -> None:
        listener = trio.SocketListener(trio.socket.from_stdlib_socket(sock))
        handler = partial(self._converse, access)
        await trio.serve_listeners(handler, [listener], handler_nursery=handlers)

    async def _converse(self, access: Access, stream: trio.SocketStream) -> None:
        respond: Respond = partial(self._respond, access) if self._has_room() else _too_busy
        conversation = Conversation(stream, respond, _refusal)
        self._conversations[conversation] = None
        try:
            await conversation.run()
        except Exception as exc:  # As in _respond, for what streams and answers may raise.
            self._report(exc)
        finally:
            del self._conversations[conversation]
            await trio.aclose_forcefully(stream)

    def _has_room(self) -> bool:
        """Tell whether one more client can be served; the one that waits longest makes room.

        Who may not even ask could otherwise shut out the owner, by connections that say nothing.
        """
        if len(self._conversations) < CONNECTIONS_MAX:
            return True
        waiting = next((one for one in self._conversations if one.waits), None)
        if waiting is None:
            return False
        waiting.end()
        return True

    async def _respond(self, access: Access, request: Request) -> Answer | Streaming:
        try:
            access.check_origin(request)
            endpoint, call = find_endpoint(request)
            access.check(request, endpoint.right)
            if endpoint is EVENTS:
                return self._events(call)
            assert endpoint.run is not None, "only the event stream has no single answer"
            value = await endpoint.run(self._service, call)
            body = msgspec.json.encode(value)
        except MolvaError as exc:
            return _problem(problem_of(exc, request.path))
        except Exception as exc:  # The last resort: one bug of an endpoint must not end the node.
            self._report(exc)
            return _problem(internal_problem(request.path))
        after = self._service.stop if endpoint is STOP else None
        return Answer(endpoint.status, body, afterwards=after)

    def _events(self, call: Call) -> Streaming:
        call.allow_query("after")
        position = call.request.header(b"last-event-id") or call.text("after")
        stream = EventStream(self._service.node, position, self._clock(), self._closing)
        return Streaming(stream.run, CONTENT_TYPE)


async def _too_busy(_request: Request) -> Answer:
    sentence = f"This node talks to at most {CONNECTIONS_MAX} clients at once."
    return _refusal(RequestRefused("busy", 503, sentence))


def _refusal(error: MolvaError) -> Answer:
    return _problem(problem_of(error))


def _problem(problem: Problem) -> Answer:
    headers = ((b"www-authenticate", b"Bearer"),) if problem.status == 401 else ()
    return Answer(problem.status, msgspec.json.encode(problem), _PROBLEM, headers)


@contextmanager
def _unix_listener(path: Path) -> Generator[socket.socket]:
    make_private_folder(path.parent)
    _remove_stale(path)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        try:
            listener.bind(str(path))
            path.chmod(0o600)
            listener.listen(_BACKLOG)
        except OSError as exc:
            raise EnvironmentFault(f"No control socket at {path}: {exc.strerror}.") from exc
        listener.settimeout(0)
        try:
            yield listener
        finally:
            path.unlink(missing_ok=True)


def _remove_stale(path: Path) -> None:
    """Remove the socket that a killed node left; the folder is ours alone, so nobody races."""
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise EnvironmentFault(f"{path} is no socket: move it away.")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        if probe.connect_ex(str(path)) != errno.ECONNREFUSED:
            raise StoreLocked(f"Another node answers at {path}.")
    path.unlink()


@contextmanager
def _tcp_listener(config: ControlConfig) -> Generator[socket.socket | None]:
    if config.tcp_port is None:
        yield None
        return
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((_LOOPBACK, config.tcp_port))
            listener.listen(_BACKLOG)
        except OSError as exc:
            raise EnvironmentFault(
                f"The control API cannot listen on port {config.tcp_port}: {exc.strerror}."
            ) from exc
        listener.settimeout(0)
        yield listener
