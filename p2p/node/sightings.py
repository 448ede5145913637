"""Runs the ways to find nodes, and tells how each of them is doing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import trio
from structlog.typing import FilteringBoundLogger

from p2p.errors import LinkFailed
from p2p.node.tasks import spawn
from p2p.ports.link import Discovery, PeerFound

RETRY_S: Final = 300.0
"""A way that did not work is tried again after this: networks come and go under a laptop."""


class Sightings:
    """Every configured :class:`~p2p.ports.link.Discovery`, kept running.

    Args:
        ways: name (``mdns`` or ``dht``) and how to find.
        found: takes every sighting.
    """

    def __init__(
        self,
        ways: Sequence[tuple[str, Discovery]],
        found: Callable[[PeerFound], None],
        log: FilteringBoundLogger,
    ) -> None:
        self._ways = tuple(ways)
        self._found = found
        self._log = log
        self._states = {"mdns": "off", "dht": "off"} | dict.fromkeys(
            (name for name, _ in ways), "starting"
        )

    def states(self) -> tuple[tuple[str, str], ...]:
        """Give (name, ``on``, ``off``, ``starting`` or why it does not work)."""
        return tuple(self._states.items())

    async def run(self) -> None:
        """Run all of them until cancelled."""
        async with trio.open_nursery() as nursery:
            for name, way in self._ways:
                spawn(nursery, self._keep_running, name, way)

    async def _keep_running(self, name: str, way: Discovery) -> None:
        while True:
            try:
                await way.run(self._found, lambda: self._set(name, "on"))
            except LinkFailed as exc:
                self._set(name, str(exc))
            else:
                self._set(name, "off")
                return
            await trio.sleep(RETRY_S)

    def _set(self, name: str, state: str) -> None:
        if self._states[name] != state:
            self._states[name] = state
            self._log.info("discovery", way=name, state=state)
