"""The link contract on every adapter."""

from __future__ import annotations

import pytest
import trio.testing

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
