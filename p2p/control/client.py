"""A blocking client of the control API over its unix socket, as the command line uses it.

Stdlib only besides msgspec: importing an HTTP library costs more than a whole command may take
(docs/adr/0005-control-api-transport.md).
"""

from __future__ import annotations

import http.client
import os
import socket
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Final, Self, TypeVar
from urllib.parse import quote, urlencode

import msgspec

from p2p.control import schema
from p2p.control.credential_client import CredentialClient
from p2p.control.folder import check_private_folder
from p2p.control.socket_path import socket_path, why_nobody_answers
from p2p.control.trust_client import TrustClient
from p2p.errors import (
    EnvironmentFault,
    InvalidInput,
    MolvaError,
    NodeNotRunning,
    RequestRefused,
    TimedOut,
)

__all__ = [
    "ControlClient",
    "EnvironmentFault",
    "InvalidInput",
    "MolvaError",
    "NodeNotRunning",
    "RequestRefused",
    "TimedOut",
]

ANSWER_WAIT_S: Final = 60.0
"""The slowest endpoint is the doctor, which tries things for 15 seconds."""
_EVENT_LINE_MAX_BYTES: Final = 1_048_576
_EVENT_READ_MAX_BYTES: Final = 65_536
_JSON: Final = {"Content-Type": "application/json"}
_EMPTY: Final[Mapping[str, str]] = {}

Answer = TypeVar("Answer", bound=msgspec.Struct)


class ControlClient:
    """One connection to a running node; use it as a context manager, from one thread.

    Every method may raise:

    - NodeNotRunning: nothing answers, or the node went away before it answered.
    - RequestRefused: the node refused; ``code`` and the message say why.
    - TimedOut: no answer in time; the request may still take effect.
    - EnvironmentFault: the socket's folder is not private, so nobody is asked anything.

    Args:
        home: the profile's folder.
        wait_s: how long one answer may take.
    """

    def __init__(self, home: Path, wait_s: float = ANSWER_WAIT_S) -> None:
        self._socket_path = socket_path(home.expanduser().resolve(), os.getuid())
        self._connection = _UnixConnection(self._socket_path, wait_s)
        self.trust = TrustClient(self)
        self.credentials = CredentialClient(self)

    def __enter__(self) -> Self:
        """Give itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the connection."""
        self.close()

    def close(self) -> None:
        """Close the connection; the next request opens another."""
        self._connection.close()

    # --- messages ---
    def send(self, request: schema.Send) -> schema.Message:
        """Write to a contact."""
        return self.ask("POST", "/v1/messages", schema.Message, body=request)

    def send_batch(self, messages: Sequence[schema.Send]) -> list[schema.BatchItem]:
        """Write up to 256 messages, kept in this order; give the outcome of each."""
        batch = schema.SendBatch(messages=list(messages))
        return self.ask("POST", "/v1/messages/batch", schema.BatchAnswer, body=batch).results

    def messages(
        self,
        *,
        direction: str = "",
        contact: str = "",
        state: str = "",
        after: int = 0,
        limit: int = schema.PAGE_DEFAULT,
    ) -> schema.MessagePage:
        """Give the first ``limit`` messages after ``after``; empty filters fit everything."""
        query = {
            "direction": direction,
            "contact": contact,
            "state": state,
            "after": str(after),
            "limit": str(limit),
        }
        return self.ask("GET", "/v1/messages", schema.MessagePage, query=query)

    def newest_messages(
        self, *, direction: str = "", contact: str = "", limit: int = schema.PAGE_DEFAULT
    ) -> list[schema.Message]:
        """Give the newest messages, oldest of them first."""
        query = {
            "direction": direction,
            "contact": contact,
            "limit": str(limit),
            "newest": "true",
        }
        return self.ask("GET", "/v1/messages", schema.MessagePage, query=query).messages

    def message(self, reference: str) -> schema.Message:
        """Give a message by its id or the beginning of it."""
        return self.ask("GET", f"/v1/messages/{_segment(reference)}", schema.Message)

    def history(self, reference: str) -> schema.MessageHistory:
        """Give a message with all that happened to it."""
        path = f"/v1/messages/{_segment(reference)}/history"
        return self.ask("GET", path, schema.MessageHistory)

    def mark_read(self, ids: Sequence[str]) -> None:
        """Mark incoming messages as read."""
        body = schema.MarkRead(ids=list(ids))
        self.ask("POST", "/v1/messages/read", schema.Nothing, body=body)

    # --- contacts ---
    def contacts(self) -> list[schema.Contact]:
        """Give all contacts."""
        return self.ask("GET", "/v1/contacts", schema.ContactList).contacts

    def contact(self, reference: str) -> schema.Contact:
        """Give one contact by name, key or the beginning of the key."""
        return self.ask("GET", f"/v1/contacts/{_segment(reference)}", schema.Contact)

    def add_contact(self, request: schema.AddContact) -> schema.Contact:
        """Make a contact of an invite link."""
        return self.ask("POST", "/v1/contacts", schema.Contact, body=request)

    def rename_contact(self, reference: str, name: str) -> schema.Contact:
        """Call a contact by another name."""
        path = f"/v1/contacts/{_segment(reference)}"
        return self.ask("PATCH", path, schema.Contact, body=schema.RenameContact(name=name))

    def verify_contact(self, reference: str, request: schema.VerifyContact) -> schema.Contact:
        """Note that the safety numbers are equal, or take that back."""
        path = f"/v1/contacts/{_segment(reference)}/verify"
        return self.ask("POST", path, schema.Contact, body=request)

    def block_contact(self, reference: str) -> schema.Contact:
        """Drop this contact's mail unread."""
        return self.ask("POST", f"/v1/contacts/{_segment(reference)}/block", schema.Contact)

    def unblock_contact(self, reference: str) -> schema.Contact:
        """Let a blocked contact write again."""
        return self.ask("POST", f"/v1/contacts/{_segment(reference)}/unblock", schema.Contact)

    def remove_contact(self, reference: str) -> None:
        """Forget a contact with its messages."""
        self.ask("DELETE", f"/v1/contacts/{_segment(reference)}", schema.Nothing)

    def invite(self) -> schema.Invite:
        """Make a one-time invite."""
        return self.ask("POST", "/v1/invites", schema.Invite, body=schema.MakeInvite())

    # --- the mesh ---
    def status(self) -> schema.Status:
        """Give the node at a glance."""
        return self.ask("GET", "/v1/status", schema.Status)

    def custody(self) -> schema.Custody:
        """Give what the node carries for others."""
        return self.ask("GET", "/v1/custody", schema.Custody)

    def peers(self) -> list[schema.Peer]:
        """Give the peers known."""
        return self.ask("GET", "/v1/peers", schema.PeerList).peers

    def add_peer(self, address: str) -> schema.Peer:
        """Dial an address, now and whenever it is lost."""
        body = schema.AddPeer(address=address)
        return self.ask("POST", "/v1/peers", schema.Peer, body=body)

    def remove_peer(self, peer_id: str) -> None:
        """Stop dialling a peer, and lift a ban."""
        self.ask("DELETE", f"/v1/peers/{_segment(peer_id)}", schema.Nothing)

    def ban_peer(self, peer_id: str) -> None:
        """Refuse a peer's links."""
        self.ask("POST", f"/v1/peers/{_segment(peer_id)}/ban", schema.Nothing)

    def doctor(self) -> list[schema.Check]:
        """Find out what works where the node runs."""
        return self.ask("GET", "/v1/doctor", schema.Diagnosis).checks

    def stop(self) -> None:
        """Have the node end itself."""
        self.ask("POST", "/v1/stop", schema.Nothing)

    @contextmanager
    def events(self, *, after: str = "", wait_s: float | None = None) -> Generator[EventSource]:
        """Open the event stream on a connection of its own.

        Args:
            after: id of the last event seen; ``0`` for all that is remembered; empty for new ones.
            wait_s: the iterator raises TimedOut so long after now; None waits as long as it takes.
        """
        # Between events comes a heartbeat; a connection without any is dead.
        silence_s = 4 * schema.HEARTBEAT_S
        connection = _UnixConnection(self._socket_path, silence_s)
        try:
            with _in_utf8():
                target = _target("/v1/events", {"after": after} if after else _EMPTY)
            response = _request(connection, "GET", target, b"")
            if response.status != 200:
                raise _refusal(response, response.read())
            deadline = None if wait_s is None else time.monotonic() + wait_s
            yield EventSource(connection, response, silence_s, deadline)
        finally:
            connection.close()

    def ask(
        self,
        method: str,
        path: str,
        answer: type[Answer],
        *,
        query: Mapping[str, str] = _EMPTY,
        body: msgspec.Struct | None = None,
    ) -> Answer:
        """Ask for one address; the clients of trust and credentials stand on this."""
        with _in_utf8():
            target = _target(path, query)
            data = b"" if body is None else msgspec.json.encode(body)
        response = _request(self._connection, method, target, data)
        try:
            content = response.read()
        except (OSError, http.client.HTTPException) as exc:
            self.close()
            raise NodeNotRunning("The node went away before it had answered.") from exc
        if response.status >= 400:
            raise _refusal(response, content)
        return msgspec.json.decode(content, type=answer)


class EventSource:
    """The events of one stream, as an iterator that ends when the node ends the stream."""

    def __init__(
        self,
        connection: _UnixConnection,
        response: http.client.HTTPResponse,
        silence_s: float,
        deadline: float | None,
    ) -> None:
        self._connection = connection
        self._response = response
        self._silence_s = silence_s
        self._deadline = deadline

    def __iter__(self) -> Iterator[schema.Event]:
        """Give events as they come.

        Raises:
            TimedOut: the time given is over, or the node has not even shown a heartbeat.
            NodeNotRunning: the connection broke.
        """
        decoder = msgspec.json.Decoder(schema.Event)
        rest = b""
        while part := self._read():
            *lines, rest = (rest + part).split(b"\n")
            if len(rest) > _EVENT_LINE_MAX_BYTES:
                raise NodeNotRunning("What answers there is no node: its events have no end.")
            for line in lines:
                if line.startswith(b"data: "):
                    yield decoder.decode(line[6:])

    def _read(self) -> bytes:
        """Wait for more of the stream; empty at its end."""
        wait_s = self._silence_s
        if self._deadline is not None:
            wait_s = min(wait_s, self._deadline - time.monotonic())
        if wait_s <= 0:
            raise TimedOut("The time is over.")
        self._connection.set_wait(wait_s)
        try:
            return self._response.read1(_EVENT_READ_MAX_BYTES)
        except TimeoutError as exc:
            raise TimedOut("Nothing came in time.") from exc
        except (OSError, http.client.HTTPException) as exc:
            raise NodeNotRunning("The node ended the event stream.") from exc


class _UnixConnection(http.client.HTTPConnection):
    """http.client's connection over a unix socket in a private folder."""

    def __init__(self, path: Path, wait_s: float) -> None:
        super().__init__("molva")
        self._path = path
        self._wait_s = wait_s
        # http.client drops its own reference once an answer ends with the connection.
        self._socket: socket.socket | None = None

    def connect(self) -> None:
        """Open the socket, once it is sure whose it is."""
        check_private_folder(self._path.parent)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.settimeout(self._wait_s)
        self._socket.connect(str(self._path))
        self.sock = self._socket

    def set_wait(self, wait_s: float) -> None:
        """Change how long the next read may take."""
        assert self._socket is not None, "not connected"
        self._socket.settimeout(wait_s)

    def close(self) -> None:
        """Close the socket too."""
        super().close()
        if self._socket is not None:
            self._socket.close()
            self._socket = None


def _request(
    connection: _UnixConnection, method: str, target: str, body: bytes
) -> http.client.HTTPResponse:
    headers = _JSON if body else _EMPTY
    # A node may close an idle connection just as we use it: then, and only where nothing could
    # have taken effect, once more on a new one.
    tries = 2 if connection.sock is not None and method == "GET" else 1
    while True:
        tries -= 1
        try:
            connection.request(method, target, body, dict(headers))
            return connection.getresponse()
        except TimeoutError as exc:
            connection.close()
            raise TimedOut("The node has not answered in time.") from exc
        except (FileNotFoundError, ConnectionRefusedError, PermissionError) as exc:
            connection.close()
            raise NodeNotRunning(why_nobody_answers(exc)) from exc
        except (OSError, http.client.HTTPException) as exc:
            connection.close()
            if not tries:
                raise NodeNotRunning("The node went away before it had answered.") from exc


def _refusal(response: http.client.HTTPResponse, content: bytes) -> RequestRefused:
    try:
        problem = msgspec.json.decode(content, type=schema.Problem)
    except msgspec.DecodeError:
        return RequestRefused(
            "internal-error", response.status, f"The node answered {response.status}, and not why."
        )
    return RequestRefused(problem.code, response.status, problem.detail, problem.rule)


def _target(path: str, query: Mapping[str, str]) -> str:
    given = {name: value for name, value in query.items() if value}
    return f"{path}?{urlencode(given)}" if given else path


def _segment(text: str) -> str:
    """Give one part of a path; an empty one would name another endpoint."""
    if not text:
        raise InvalidInput("A name must not be empty.")
    with _in_utf8():
        return quote(text, safe="")


@contextmanager
def _in_utf8() -> Generator[None]:
    """Refuse what cannot be sent: a shell hands over bytes that are no text as half characters."""
    try:
        yield
    except UnicodeEncodeError as exc:
        raise InvalidInput("What was written holds bytes that are no text in UTF-8.") from exc
