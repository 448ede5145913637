"""HTTP/1.1 on one accepted stream: requests come in whole, answers go out, all of it bounded.

The parser is h11; here are only the loop around it, the limits and the deadlines. Every wait can
be cancelled, a write to a client that does not read included, so that a node can always stop
(docs/adr/0005-control-api-transport.md).
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, TypeAlias

import h11
import trio

from p2p.control.schema import REQUEST_SIZE_MAX_BYTES, UPLOAD_REQUEST_MAX_BYTES, UPLOADS
from p2p.errors import MolvaError, RequestRefused
from p2p.node.tasks import spawn

HEAD_SIZE_MAX_BYTES: Final = 16_384
READ_SIZE_BYTES: Final = 65_536
REQUEST_WAIT_S: Final = 30.0
"""A request must be here whole so long after its first byte."""
WRITE_WAIT_S: Final = 30.0
"""A client that reads nothing for so long loses its connection."""
LINGER_S: Final = 2.0
JSON: Final = b"application/json"

Headers: TypeAlias = tuple[tuple[bytes, bytes], ...]
Write: TypeAlias = Callable[[bytes], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Request:
    """A whole request. ``path`` and ``query`` are as sent: percent-encoded ASCII."""

    method: str
    path: str
    query: str
    headers: Headers
    body: bytes

    def header(self, name: bytes) -> str:
        """Give a header's value (``name`` in lower case), or the empty string.

        Raises:
            RequestRefused: it is there twice, so that nobody knows which one is meant.
        """
        values = [value for key, value in self.headers if key == name]
        if len(values) > 1:
            raise RequestRefused("invalid-input", 400, f"The header {name.decode()} came twice.")
        return values[0].decode("latin-1") if values else ""


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer. ``afterwards`` is called when its bytes are on their way."""

    status: int
    body: bytes
    content_type: bytes = JSON
    headers: Headers = ()
    afterwards: Callable[[], None] | None = None


@dataclass(frozen=True, slots=True)
class Streaming:
    """An answer whose length nobody knows: ``run`` writes chunks until it returns.

    It may still raise a MolvaError before its first chunk, and is then answered by that.
    """

    run: Callable[[Write], Awaitable[None]]
    content_type: bytes


Respond: TypeAlias = Callable[[Request], Awaitable[Answer | Streaming]]
Refuse: TypeAlias = Callable[[MolvaError], Answer]


class Conversation:
    """All requests of one connection, one after the other.

    Args:
        stream: the accepted connection; the caller closes it.
        respond: answers one request; must not raise what it can answer.
        refuse: puts a refusal into words where there is no whole request to respond to.

    Attributes:
        waits: no request has begun, or only its head: the connection may be ended for another.
    """

    def __init__(self, stream: trio.abc.Stream, respond: Respond, refuse: Refuse) -> None:
        self._stream = stream
        self._respond = respond
        self._refuse = refuse
        self._parser = h11.Connection(h11.SERVER, max_incomplete_event_size=HEAD_SIZE_MAX_BYTES)
        self._patience = trio.move_on_at(math.inf)
        self._ending = False
        self._head_only = False
        self.waits = False

    def end(self) -> None:
        """Take no further request; one that is being answered still is."""
        self._ending = True
        if self.waits:
            self.waits = False
            self._patience.cancel()

    async def run(self) -> None:
        """Answer requests until either side has had enough; never raises what a client causes."""
        try:
            with self._patience:
                while not self._ending and await self._exchange():
                    self._parser.start_next_cycle()
        except* (trio.BrokenResourceError, h11.ProtocolError):
            pass  # The client is gone, or is not one that we can talk to: nothing to tell it.

    async def _exchange(self) -> bool:
        """Answer one request; tell whether the connection can carry another."""
        try:
            self.waits = True
            head = await self._head()
            self.waits = False
            if head is None:
                return False
            self._head_only = head.method == b"HEAD"
            request = await self._whole(head)
            if self._patience.cancel_called:
                return False  # too late: it would be cut off while it is being answered
            self._patience.deadline = math.inf
        except h11.RemoteProtocolError as exc:
            await self._turn_away(RequestRefused("invalid-input", 400, f"No HTTP: {exc}."))
            return False
        except RequestRefused as exc:
            await self._turn_away(exc)
            return False
        answer = await self._respond(request)
        if isinstance(answer, Streaming):
            await self._stream_out(answer)
            return False
        await self._say(answer)
        both_done = self._parser.our_state is h11.DONE and self._parser.their_state is h11.DONE
        return both_done and not self._ending

    async def _head(self) -> h11.Request | None:
        """Wait as long as it takes for a request to begin; None when none will."""
        while (event := self._parser.next_event()) is h11.NEED_DATA:
            if self._parser.trailing_data[0]:
                self._begun()
            await self._read()
        return event if isinstance(event, h11.Request) else None

    def _begun(self) -> None:
        """From its first byte on a request has so long to be here whole."""
        if self._patience.deadline == math.inf:
            self._patience.deadline = trio.current_time() + REQUEST_WAIT_S

    async def _read(self) -> None:
        self._parser.receive_data(await self._stream.receive_some(READ_SIZE_BYTES))

    async def _whole(self, head: h11.Request) -> Request:
        most = _size_max_bytes(head.target)
        _refuse_announced_size(head, most)
        body = bytearray()
        while True:
            if self._parser.they_are_waiting_for_100_continue:
                self._begun()
                proceed = h11.InformationalResponse(status_code=100, headers=[])
                await self._stream.send_all(self._parser.send(proceed))
            event = self._parser.next_event()
            if isinstance(event, h11.Data):
                body += event.data
                if len(body) > most:
                    raise _too_large(most)
            elif isinstance(event, h11.EndOfMessage):
                break
            else:
                self._begun()
                await self._read()
        path, _, query = head.target.decode("ascii").partition("?")
        headers = tuple((bytes(name), bytes(value)) for name, value in head.headers)
        return Request(head.method.decode("ascii"), path, query, headers, bytes(body))

    async def _turn_away(self, refusal: RequestRefused) -> None:
        """Say no, and read on for a moment: a client that is still writing would miss it."""
        if self._parser.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
            return
        await self._say(self._refuse(refusal))
        with trio.move_on_after(LINGER_S):
            while await self._stream.receive_some(READ_SIZE_BYTES):
                pass

    async def _say(self, answer: Answer) -> None:
        headers = [
            (b"content-type", answer.content_type),
            (b"content-length", b"%d" % len(answer.body)),
            (b"cache-control", b"no-store"),
            *answer.headers,
        ]
        head = h11.Response(status_code=answer.status, headers=headers)
        data = self._parser.send(head) or b""
        if not self._head_only:
            data += self._parser.send(h11.Data(data=answer.body)) or b""
        data += self._parser.send(h11.EndOfMessage()) or b""
        try:
            await self._write(data)
        finally:
            if answer.afterwards is not None:
                answer.afterwards()

    async def _stream_out(self, answer: Streaming) -> None:
        headers = [(b"content-type", answer.content_type), (b"cache-control", b"no-store")]
        head = h11.Response(status_code=200, headers=headers)

        async def write(chunk: bytes) -> None:
            begin = b""
            if self._parser.our_state is h11.SEND_RESPONSE:
                begin = self._parser.send(head) or b""
            await self._write(begin + (self._parser.send(h11.Data(data=chunk)) or b""))

        async with trio.open_nursery() as nursery:
            spawn(nursery, self._until_client_leaves, nursery.cancel_scope)
            try:
                await answer.run(write)
                await self._write(self._parser.send(h11.EndOfMessage()) or b"")
            except MolvaError as exc:
                if self._parser.our_state is h11.SEND_RESPONSE:
                    await self._say(self._refuse(exc))
            nursery.cancel_scope.cancel()

    async def _until_client_leaves(self, scope: trio.CancelScope) -> None:
        try:
            while await self._stream.receive_some(READ_SIZE_BYTES):
                pass  # Whatever a client says during a stream has no meaning.
        except trio.BrokenResourceError:
            pass  # Gone, only less politely.
        scope.cancel()

    async def _write(self, data: bytes) -> None:
        self._patience.deadline = trio.current_time() + WRITE_WAIT_S
        await self._stream.send_all(data)
        self._patience.deadline = math.inf


def _size_max_bytes(target: bytes) -> int:
    """Give how large the body of a request to an address may be."""
    path = target.partition(b"?")[0].decode("ascii")
    return UPLOAD_REQUEST_MAX_BYTES if path in UPLOADS else REQUEST_SIZE_MAX_BYTES


def _refuse_announced_size(head: h11.Request, most: int) -> None:
    names = {name for name, _ in head.headers}
    if {b"content-length", b"transfer-encoding"} <= names:
        raise RequestRefused("invalid-input", 400, "Two ways to tell where a body ends are no way.")
    for name, value in head.headers:
        # h11 has checked that it is a number; more digits than these are too many anyway.
        if name == b"content-length" and (len(value) > 9 or int(value) > most):
            raise _too_large(most)


def _too_large(most: int) -> RequestRefused:
    return RequestRefused("too-large", 413, f"A request body holds at most {most} bytes.")
