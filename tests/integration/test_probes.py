"""What the doctor tries from outside: each finding in its good and its bad case."""

from __future__ import annotations

import socket
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
import trio

from p2p.adapters.mdns_discovery import MdnsDiscovery
from p2p.adapters.memory_link import memory_peer_id
from p2p.adapters.system import SystemEntropy
from p2p.daemon.disk import check_disk, check_socket
from p2p.daemon.doctor import check_listen
from p2p.daemon.probes import check_mdns
from p2p.errors import LinkFailed
from p2p.ports.link import Link


class Announced:
    """A network somewhere on the loopback interface."""

    peer_id = memory_peer_id("announced")

    def addresses(self) -> tuple[str, ...]:
        return (f"/ip4/127.0.0.1/tcp/4001/p2p/{self.peer_id}",)

    async def run(
        self, accept: Callable[[Link], Awaitable[None]], started: Callable[[], None]
    ) -> None:
        await trio.sleep_forever()

    async def dial(self, address: str) -> Link:
        raise LinkFailed(address)


def loopback() -> list[str]:
    return ["127.0.0.1"]


async def test_an_announcement_is_seen() -> None:
    network = Announced()
    async with trio.open_nursery() as nursery:
        announced = trio.Event()
        discovery = MdnsDiscovery(network, SystemEntropy(), loopback)
        nursery.start_soon(discovery.run, lambda _: None, announced.set)
        await announced.wait()
        check = await check_mdns(network, loopback)
        nursery.cancel_scope.cancel()
    assert check.outcome == "ok", check.detail


async def test_silence_is_a_warning() -> None:
    check = await check_mdns(Announced(), loopback, 0.2)
    assert check.outcome == "warning"
    assert "peer add" in check.detail


async def test_no_interface_is_a_failure() -> None:
    with pytest.raises(LinkFailed):
        await check_mdns(Announced(), list)


def test_the_disk_has_room(tmp_path: Path) -> None:
    assert check_disk(tmp_path).name == "disk"


def test_a_socket_must_be_there_private_and_a_socket(tmp_path: Path) -> None:
    path = tmp_path / "s"
    assert check_socket(path).outcome == "failed"
    path.write_text("")
    assert check_socket(path).outcome == "failed"
    path.unlink()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        path.chmod(0o666)
        assert check_socket(path).outcome == "failed"
        path.chmod(0o600)
        assert check_socket(path).outcome == "ok"


def test_addresses_to_listen_at() -> None:
    assert check_listen("/ip4/127.0.0.1/tcp/0").outcome == "ok"
    assert check_listen("/ip6/::1/tcp/0").name == "listen"
    assert check_listen("/ip4/203.0.113.1/tcp/0").outcome == "failed"
    assert check_listen("/dns4/example/udp/1").outcome == "failed"
