"""The real server on a real unix socket, with a fake node behind it."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import h11
import trio

from p2p.control.server import ControlConfig, ControlServer, Listening
from p2p.control.service import ControlService
from p2p.control.socket_path import socket_path
from tests.control.fake_node import START_S, FakeNodeApi

UNIX_HOST = {"Host": "molva"}


@dataclass
class Reply:
    """A whole answer."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, object]:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        assert self.headers["content-type"] == "application/problem+json"
        assert self.json["status"] == self.status
        return str(self.json["type"]).removeprefix("molva:")


@dataclass
class Api:
    """A running server, and ways to talk to it."""

    node: FakeNodeApi
    server: ControlServer
    home: Path
    listening: Listening
    faults: list[Exception] = field(default_factory=list)
    headers: Mapping[str, str] = field(default_factory=lambda: dict(UNIX_HOST))

    async def connect(self) -> trio.abc.HalfCloseableStream:
        return await trio.open_unix_socket(str(self.listening.socket))

    async def ask(
        self,
        method: str,
        target: str,
        body: object = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """Give the answer to one request on a connection of its own."""
        data = b"" if body is None else json.dumps(body).encode()
        given = dict(self.headers if headers is None else headers)
        if data:
            given.setdefault("Content-Type", "application/json")
        async with await self.connect() as stream:
            return await exchange(stream, method, target, data, given)


async def exchange(
    stream: trio.abc.Stream,
    method: str,
    target: str,
    data: bytes,
    headers: Mapping[str, str],
) -> Reply:
    """Send one request and read one answer."""
    client = h11.Connection(h11.CLIENT)
    given = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    given.append((b"Content-Length", b"%d" % len(data)))
    request = client.send(h11.Request(method=method, target=target, headers=given))
    assert request is not None
    await stream.send_all(request + (client.send(h11.Data(data=data)) or b""))
    client.send(h11.EndOfMessage())
    return await read_reply(client, stream)


async def read_reply(client: h11.Connection, stream: trio.abc.Stream) -> Reply:
    """Read one whole answer."""
    status, found, content = 0, {}, b""
    while True:
        event = client.next_event()
        if event is h11.NEED_DATA:
            client.receive_data(await stream.receive_some(65_536))
        elif isinstance(event, h11.Response):
            status = event.status_code
            found = {k.decode(): v.decode() for k, v in event.headers}
        elif isinstance(event, h11.Data):
            content += event.data
        elif isinstance(event, h11.EndOfMessage):
            return Reply(status, found, content)
        elif isinstance(event, h11.ConnectionClosed):
            raise trio.BrokenResourceError("no answer")


@asynccontextmanager
async def serving(
    node: FakeNodeApi, home: Path, tcp_port: int | None = None
) -> AsyncGenerator[Api, None]:
    """Serve ``node`` at the socket of ``home``; closes the server at the end."""
    faults: list[Exception] = []
    path = socket_path(home, home.stat().st_uid)
    config = ControlConfig(path, tcp_port, home / "control")
    service = ControlService(node, lambda: START_S)
    server = ControlServer(service, config, lambda: START_S, faults.append)
    opened: list[Listening] = []
    ready = trio.Event()

    def listening(at: Listening) -> None:
        opened.append(at)
        ready.set()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(server.serve, listening)
        with trio.fail_after(10):
            await ready.wait()
        yield Api(node, server, home, opened[0], faults)
        server.close()
