"""The blocking client: what it gives, and what it makes of a node that misbehaves."""

from __future__ import annotations

import errno
import os
import socket
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec
import pytest

from p2p.control import schema
from p2p.control.client import (
    ControlClient,
    EnvironmentFault,
    InvalidInput,
    NodeNotRunning,
    RequestRefused,
    TimedOut,
)
from p2p.core.effects import NeighbourChanged
from p2p.wire.ids import MessageId, PeerId
from tests.cli.command_line import RunningNode, running_node
from tests.control.fake_node import BOB, FakeNodeApi


@pytest.fixture
def running(tmp_path: Path) -> Generator[RunningNode, None, None]:
    with running_node(tmp_path) as node:
        yield node


@pytest.fixture
def client(running: RunningNode) -> Generator[ControlClient, None, None]:
    with ControlClient(running.home) as opened:
        yield opened


def test_every_endpoint_has_its_method(client: ControlClient) -> None:
    assert client.status().discovery == {"mdns": "on", "dht": "off"}
    sent = client.send(schema.Send(contact="bob", text="x"))
    assert client.message(sent.id[:8]) == sent
    assert client.history(sent.id).history[0].kind == "queued"
    batch = client.send_batch([schema.Send(contact=name, text="y") for name in ("bob", "nobody")])
    assert batch[0].message is not None
    assert batch[1].problem is not None
    assert batch[1].problem.code == "unknown-name"
    assert [m.text for m in client.messages(direction="out", contact="bob").messages] == ["x", "y"]
    assert [m.text for m in client.newest_messages(limit=1)] == ["y"]
    assert len(client.invite().link) > 10
    added = client.add_contact(schema.AddContact(link="molva:1:x", name="Zoë / ?#%"))
    assert client.contact("Zoë / ?#%") == added
    assert client.rename_contact("Zoë / ?#%", "zoe").name == "zoe"
    assert client.verify_contact("zoe", schema.VerifyContact()).verified
    assert client.block_contact("zoe").blocked
    assert not client.unblock_contact("zoe").blocked
    client.remove_contact("zoe")
    assert [c.name for c in client.contacts()] == ["bob", "carol"]
    peer = client.add_peer("/ip4/192.0.2.1/tcp/1/p2p/12D3KooWX")
    assert client.peers() == [peer]
    client.ban_peer(peer.peer_id)
    client.remove_peer(peer.peer_id)
    assert client.custody().count == 3
    assert client.doctor()[0].outcome == "ok"


def test_marking_as_read(client: ControlClient, running: RunningNode) -> None:
    message = running.call(lambda node: node.receive(BOB, "x"))
    client.mark_read([message.hex()])
    assert client.message(message.hex()).state == "read"


def test_a_refusal_keeps_its_code(client: ControlClient) -> None:
    with pytest.raises(RequestRefused, match="There is no contact 'nobody'") as caught:
        client.contact("nobody")
    assert (caught.value.code, caught.value.status) == ("unknown-name", 404)


def test_an_empty_reference_asks_for_nothing_else(client: ControlClient) -> None:
    # "/v1/contacts/" would not be a contact, and "DELETE /v1/peers/" no peer.
    for ask in (client.contact, client.remove_peer, client.message):
        with pytest.raises(InvalidInput):
            ask("")


def test_stop(client: ControlClient, running: RunningNode) -> None:
    client.stop()
    running.stop()
    assert running.node.stopped
    with pytest.raises(NodeNotRunning):
        client.status()


def test_events_come_until_the_time_is_up(client: ControlClient, running: RunningNode) -> None:
    with client.events(wait_s=0.5) as stream:
        events = iter(stream)
        assert next(events).event == "stream.opened"
        message = running.call(lambda node: node.receive(BOB, "x"))
        received = next(events)
        assert received.message is not None
        assert received.message.id == message.hex()
        with pytest.raises(TimedOut):
            next(events)


def test_events_resume(client: ControlClient, running: RunningNode) -> None:
    for present in (True, False):
        running.call(lambda node, p=present: node.publish(NeighbourChanged(PeerId("x"), present=p)))
    with client.events(after="0") as stream:
        first = [event for event, _ in zip(stream, range(2), strict=False)][1]
    with client.events(after=first.id) as stream:
        events = iter(stream)
        next(events)
        assert next(events).present is False


def test_events_end_with_the_node(client: ControlClient, running: RunningNode) -> None:
    with client.events() as stream:
        running.call(lambda node: node.end_streams())
        assert [event.event for event in stream] == ["stream.opened"]


def test_a_refused_stream_says_why(client: ControlClient) -> None:
    with pytest.raises(RequestRefused, match="is no event id"), client.events(after="x"):
        pass


def test_without_a_node(tmp_path: Path) -> None:
    with pytest.raises(NodeNotRunning, match="molva node start"):
        ControlClient(tmp_path).status()


def test_a_killed_nodes_socket(tmp_path: Path) -> None:
    with _impostor(tmp_path, lambda _: None):
        pass
    assert (tmp_path / "control" / "molva.sock").exists()
    with pytest.raises(NodeNotRunning, match="is not running"):
        ControlClient(tmp_path).status()


@contextmanager
def _impostor(
    home: Path, behave: Callable[[socket.socket], None], mode: int = 0o700
) -> Generator[list[bytes], None, None]:
    """Listen where the node would; gives what was received."""
    folder = home / "control"
    folder.mkdir(exist_ok=True)
    folder.chmod(mode)
    received: list[bytes] = []
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(folder / "molva.sock"))
        listener.listen()
        listener.settimeout(5)

        def serve() -> None:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                received.append(connection.recv(65_536))
                behave(connection)

        thread = threading.Thread(target=serve)
        thread.start()
        yield received
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


def test_a_socket_in_a_folder_open_to_others_is_not_trusted(tmp_path: Path) -> None:
    with _impostor(tmp_path, lambda _: None, mode=0o777) as received:
        with pytest.raises(EnvironmentFault, match="open to other users"):
            ControlClient(tmp_path).send(schema.Send(contact="bob", text="secret"))
        assert not received


def test_a_socket_in_somebody_elses_folder_is_not_trusted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = os.getuid()
    monkeypatch.setattr("p2p.control.folder.os.getuid", lambda: user + 1)
    with _impostor(tmp_path, lambda _: None) as received:
        with pytest.raises(EnvironmentFault, match="belongs to another user"):
            ControlClient(tmp_path).send(schema.Send(contact="bob", text="secret"))
        assert not received


def test_a_socket_behind_a_link_is_not_trusted(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    with _impostor(tmp_path, lambda _: None):
        (tmp_path / "home" / "control").symlink_to(tmp_path / "control")
        with pytest.raises(EnvironmentFault, match="symbolic link"):
            ControlClient(tmp_path / "home").status()


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"SSH-2.0-OpenSSH\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
)
def test_a_node_that_breaks_off(tmp_path: Path, answer: bytes) -> None:
    with (
        _impostor(tmp_path, lambda connection: connection.sendall(answer)),
        pytest.raises(NodeNotRunning, match="went away"),
    ):
        ControlClient(tmp_path).status()


STREAM = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


@pytest.mark.parametrize("size", [1, 7, 1_000])
def test_events_cut_anywhere_come_whole(tmp_path: Path, size: int) -> None:
    events = [schema.Event(event="x", id=f"1.{n}", at_s=float(n)) for n in range(5)]
    lines = b"".join(
        b"id: %d\nevent: x\ndata: %s\n\n:\n\n" % (n, msgspec.json.encode(event))
        for n, event in enumerate(events)
    )
    parts = [_chunk(lines[at : at + size]) for at in range(0, len(lines), size)]
    answer = STREAM + b"".join(parts) + _chunk(b"")
    with (
        _impostor(tmp_path, lambda connection: connection.sendall(answer)),
        ControlClient(tmp_path) as client,
        client.events() as stream,
    ):
        assert list(stream) == events


def test_an_event_without_end_is_given_up(tmp_path: Path) -> None:
    def behave(connection: socket.socket) -> None:
        with suppress(OSError):
            connection.sendall(STREAM)
            for _ in range(64):
                connection.sendall(_chunk(bytes(65_536)))

    with (
        _impostor(tmp_path, behave),
        ControlClient(tmp_path) as client,
        client.events() as stream,
        pytest.raises(NodeNotRunning, match="have no end"),
    ):
        next(iter(stream))


def test_an_error_without_a_reason(tmp_path: Path) -> None:
    answer = b"HTTP/1.1 502 Bad\r\nContent-Length: 4\r\n\r\noops"
    with (
        _impostor(tmp_path, lambda connection: connection.sendall(answer)),
        ControlClient(tmp_path) as client,
        pytest.raises(RequestRefused, match="answered 502, and not why"),
    ):
        client.status()


def test_a_node_that_says_nothing(tmp_path: Path) -> None:
    done = threading.Event()
    with _impostor(tmp_path, lambda _: done.wait(5) and None):
        with pytest.raises(TimedOut):
            ControlClient(tmp_path, wait_s=0.2).status()
        done.set()


def test_a_send_is_never_repeated_by_itself(tmp_path: Path) -> None:
    with (
        _impostor(tmp_path, lambda _: None) as received,
        ControlClient(tmp_path) as client,
        pytest.raises(NodeNotRunning),
    ):
        client.send(schema.Send(contact="bob", text="once"))
    assert len(received) == 1


def test_an_idle_connection_that_the_node_closed_is_opened_anew(tmp_path: Path) -> None:
    with running_node(tmp_path) as first, ControlClient(tmp_path) as client:
        client.status()
        first.stop()
        with running_node(tmp_path):
            assert client.status().name == "alice"


def test_the_fake_gives_ids_of_its_own(running: RunningNode) -> None:
    def twice(node: FakeNodeApi) -> set[MessageId]:
        return {node.receive(BOB, "a"), node.receive(BOB, "b")}

    assert len(running.call(twice)) == 2


def test_another_users_home_is_told_as_such(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr("p2p.control.client._UnixConnection.connect", denied)
    with (
        ControlClient(tmp_path) as client,
        pytest.raises(NodeNotRunning, match="belongs to another user"),
    ):
        client.status()
