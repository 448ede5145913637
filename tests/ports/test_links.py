"""The link contract on every adapter."""

from __future__ import annotations

import hashlib
import socket

import pytest
import trio.testing

from p2p.adapters.libp2p.network import Libp2pNetwork
from p2p.adapters.memory_link import MemoryWorld
from p2p.ports.link import Network
from tests.ports.link_contract import LinkContract


class MemoryHarness:
    def __init__(self, latency_s: float) -> None:
        self._world = MemoryWorld(latency_s)

    def network(self, name: str) -> Network:
        return self._world.network(name)

    def nowhere(self) -> str:
        return "/memory/999"


class TestMemoryLink(LinkContract):
    @pytest.fixture(params=[0.0, 0.05], ids=["at-once", "50-ms"])
    def harness(
        self,
        request: pytest.FixtureRequest,
        autojump_clock: trio.testing.MockClock,
    ) -> MemoryHarness:
        return MemoryHarness(request.param)


class Libp2pHarness:
    def network(self, name: str) -> Network:
        seed = hashlib.sha256(name.encode()).digest()
        return Libp2pNetwork(seed, ["/ip4/127.0.0.1/tcp/0"])

    def nowhere(self) -> str:
        with socket.socket() as sock:
            sock.bind(("127.0.0.1", 0))
            port = sock.getsockname()[1]
        return f"/ip4/127.0.0.1/tcp/{port}"


class TestLibp2pLink(LinkContract):
    @pytest.fixture
    def harness(self) -> Libp2pHarness:
        return Libp2pHarness()
