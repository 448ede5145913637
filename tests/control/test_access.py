"""Who may not ask, and cannot get in."""

from __future__ import annotations

import os
import socket
import stat
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
import trio

from p2p.control.access import READ_TOKEN_FILE, WRITE_TOKEN_FILE, keep_tokens
from p2p.control.routes import ENDPOINTS
from p2p.control.socket_path import SOCKET_PATH_MAX_BYTES, socket_path
from p2p.errors import EnvironmentFault, StoreLocked
from tests.control.api_server import Api, Reply, exchange, serving
from tests.control.fake_node import BOB, FakeNodeApi, contact_view


@pytest.mark.parametrize(
    "header",
    [
        {"Origin": "http://localhost"},
        {"Origin": "null"},
        {"Referer": "http://localhost/"},
        {"Sec-Fetch-Site": "none"},
        {"Sec-Fetch-Mode": "no-cors"},
    ],
)
async def test_a_web_page_is_refused(api: Api, header: dict[str, str]) -> None:
    for method, target in (("GET", "/v1/status"), ("POST", "/v1/stop"), ("GET", "/nowhere")):
        reply = await api.ask(method, target, headers={"Host": "molva", **header})
        assert (reply.status, reply.code) == (403, "access-denied")
    assert not api.node.stopped


@pytest.mark.parametrize("host", ["evil.example", "molva.evil.example", "127.0.0.1", "localhost:1"])
async def test_another_host_is_refused(api: Api, host: str) -> None:
    reply = await api.ask("GET", "/v1/status", headers={"Host": host})
    assert (reply.status, reply.code) == (403, "access-denied")


async def test_localhost_is_the_name_that_curl_uses(api: Api) -> None:
    assert (await api.ask("GET", "/v1/status", headers={"Host": "LOCALHOST"})).status == 200


# --- the socket ---
async def test_the_socket_is_private(api: Api) -> None:
    path = api.listening.socket
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


async def test_a_folder_open_to_others_is_closed(tmp_path: Path) -> None:
    (tmp_path / "control").mkdir(mode=0o755)
    async with serving(FakeNodeApi(), tmp_path) as api:
        assert stat.S_IMODE(api.listening.socket.parent.stat().st_mode) == 0o700


async def _refusal(home: Path, kind: type[Exception]) -> str:
    with pytest.RaisesGroup(kind, flatten_subgroups=True) as caught:
        async with serving(FakeNodeApi(), home):
            pass
    return str(caught.value.exceptions[0])


async def test_a_link_in_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "control").symlink_to(tmp_path / "elsewhere")
    assert "symbolic link" in await _refusal(tmp_path, EnvironmentFault)
    assert not list((tmp_path / "elsewhere").iterdir())


async def test_a_file_in_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "control").touch()
    assert "cannot be made" in await _refusal(tmp_path, EnvironmentFault)


async def test_somebody_elses_folder_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "control").mkdir()
    monkeypatch.setattr("p2p.control.folder.os.getuid", lambda: os.geteuid() + 1)
    assert "another user" in await _refusal(tmp_path, EnvironmentFault)


async def test_a_file_in_place_of_the_socket_is_kept(tmp_path: Path) -> None:
    (tmp_path / "control").mkdir()
    (tmp_path / "control" / "molva.sock").write_text("precious")
    assert "is no socket" in await _refusal(tmp_path, EnvironmentFault)
    assert (tmp_path / "control" / "molva.sock").read_text() == "precious"


async def test_the_socket_of_a_killed_node_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "control").mkdir()
    with socket.socket(socket.AF_UNIX) as killed:
        killed.bind(str(tmp_path / "control" / "molva.sock"))
    async with serving(FakeNodeApi(), tmp_path) as api:
        assert (await api.ask("GET", "/v1/status")).status == 200
    assert not (tmp_path / "control" / "molva.sock").exists()


async def test_the_socket_of_a_living_node_is_left_alone(api: Api) -> None:
    assert "Another node answers" in await _refusal(api.home, StoreLocked)
    assert (await api.ask("GET", "/v1/status")).status == 200


def test_a_long_home_has_its_socket_elsewhere() -> None:
    home = Path("/home/somebody/" + "deep/" * 30)
    path = socket_path(home, 1000)
    assert len(bytes(path)) <= SOCKET_PATH_MAX_BYTES
    assert path.parent.name.startswith("molva-1000-")
    assert path != socket_path(home / "x", 1000)
    assert path != socket_path(home, 1001)
    assert socket_path(Path("/h"), 1000) == Path("/h/control/molva.sock")


async def test_a_node_with_a_long_home_answers(tmp_path: Path) -> None:
    home = tmp_path / ("x" * 120)
    home.mkdir()
    async with serving(FakeNodeApi(), home) as api:
        folder = api.listening.socket.parent
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert (await api.ask("GET", "/v1/status")).status == 200
    folder.rmdir()


# --- TCP with tokens ---
@pytest.fixture
async def tcp(tmp_path: Path) -> AsyncGenerator[Api, None]:
    async with serving(FakeNodeApi([contact_view(BOB, "bob")]), tmp_path, tcp_port=0) as api:
        yield api


async def _ask_tcp(api: Api, method: str, target: str, token: str, **more: str) -> Reply:
    port = api.listening.tcp_port
    headers = {"Host": f"localhost:{port}", **more}
    if token:
        headers["Authorization"] = token
    stream = await trio.open_tcp_stream("127.0.0.1", port)
    async with stream:
        return await exchange(stream, method, target, b"", headers)


def _token(api: Api, name: str) -> str:
    return (api.home / "control" / name).read_text().strip()


async def test_tokens_tell_reading_and_writing_apart(tcp: Api) -> None:
    read, write = _token(tcp, READ_TOKEN_FILE), _token(tcp, WRITE_TOKEN_FILE)
    assert read != write
    assert (await _ask_tcp(tcp, "GET", "/v1/status", f"Bearer {read}")).status == 200
    assert (await _ask_tcp(tcp, "GET", "/v1/status", f"bearer {write}")).status == 200
    refused = await _ask_tcp(tcp, "POST", "/v1/stop", f"Bearer {read}")
    assert (refused.status, refused.code) == (403, "access-denied")
    assert not tcp.node.stopped
    assert (await _ask_tcp(tcp, "POST", "/v1/stop", f"Bearer {write}")).status == 202
    assert tcp.node.stopped


@pytest.mark.parametrize("token", ["", "Bearer", "Bearer wrong", "Basic abc", "Bearer \xfc"])
async def test_without_a_token_nothing_is_told(tcp: Api, token: str) -> None:
    for method, target in (("GET", "/v1/status"), ("GET", "/v1/events"), ("POST", "/v1/stop")):
        reply = await _ask_tcp(tcp, method, target, token)
        assert (reply.status, reply.code) == (401, "access-denied")
        assert reply.headers["www-authenticate"] == "Bearer"
    assert not tcp.node.stopped


async def test_a_rebound_name_is_refused_even_with_a_token(tcp: Api) -> None:
    token = f"Bearer {_token(tcp, WRITE_TOKEN_FILE)}"
    for host in ("evil.example", f"evil.example:{tcp.listening.tcp_port}", "localhost", "molva"):
        reply = await _ask_tcp(tcp, "GET", "/v1/status", token, Host=host)
        assert (reply.status, reply.code) == (403, "access-denied")
    reply = await _ask_tcp(tcp, "GET", "/v1/status", token, Origin="http://localhost")
    assert reply.code == "access-denied"


async def test_the_listener_is_on_loopback_only(tcp: Api) -> None:
    port = tcp.listening.tcp_port
    listening = Path("/proc/net/tcp").read_text().splitlines()
    found = [line.split()[1] for line in listening if f":{port:04X} " in line.split()[1] + " "]
    assert set(found) == {f"0100007F:{port:04X}"}


async def test_a_port_in_use_is_told(tcp: Api, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    with pytest.RaisesGroup(EnvironmentFault, flatten_subgroups=True) as caught:
        async with serving(FakeNodeApi(), other, tcp_port=tcp.listening.tcp_port):
            pass
    assert "cannot listen on port" in str(caught.value.exceptions[0])


def test_tokens_outlive_the_process(tmp_path: Path) -> None:
    tokens = keep_tokens(tmp_path)
    assert keep_tokens(tmp_path) == tokens
    for name in (READ_TOKEN_FILE, WRITE_TOKEN_FILE):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600
    (tmp_path / READ_TOKEN_FILE).unlink()
    assert keep_tokens(tmp_path).read != tokens.read


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o666])
def test_a_token_that_others_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    keep_tokens(tmp_path)
    (tmp_path / READ_TOKEN_FILE).chmod(mode)
    with pytest.raises(EnvironmentFault, match="yours alone"):
        keep_tokens(tmp_path)


def test_a_token_behind_a_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text("x" * 43)
    (tmp_path / WRITE_TOKEN_FILE).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(EnvironmentFault, match="cannot be used"):
        keep_tokens(tmp_path)


@pytest.mark.parametrize("content", ["short", "x" * 300])
def test_a_weak_or_endless_token_is_refused(tmp_path: Path, content: str) -> None:
    keep_tokens(tmp_path)
    (tmp_path / READ_TOKEN_FILE).write_text(content)
    with pytest.raises(EnvironmentFault, match="holds no token"):
        keep_tokens(tmp_path)


def test_reading_rights_go_with_get_and_nothing_else() -> None:
    for endpoint in ENDPOINTS:
        assert (endpoint.right.value == "read") == (endpoint.method == "GET"), endpoint.path
