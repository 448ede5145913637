"""The story on the product's trio runtime: real sessions, links in memory, a virtual clock."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from typing import Final

import trio
from trio.testing import MockClock

from p2p.adapters.memory_link import MemoryWorld
from p2p.adapters.memory_store import MemoryStore
from p2p.adapters.system import SystemEntropy
from p2p.core.config import NodeConfig
from p2p.core.effects import InviteMade
from p2p.core.events import ContactAddRequested, InviteRequested, SendRequested
from p2p.core.node import Node
from p2p.core.routing.table import router_for
from p2p.errors import InvalidInput
from p2p.node.clock import SteadyClock
from p2p.node.logs import make_log
from p2p.node.parts import RuntimeParts
from p2p.node.peers import PeerLimits
from p2p.node.profile import create_profile
from p2p.node.runtime import Runtime
from p2p.node.tasks import spawn
from p2p.ports.store import Direction
from p2p.sessions.book import SessionBook
from p2p.sessions.x3dh_suite import X3dhSuite
from p2p.wire.ids import CommandId, PeerId
from simulations.fidelity.story import Deliveries, Meets, Story, told
from simulations.protocol.options import EPOCH_S

MEETING_S: Final = 200.0
LIFETIME_S: Final = 86_400.0
_LATENCY_S: Final = 0.01
_PATIENCE_S: Final = 600.0
_MESSAGES_MAX: Final = 1_000
_COMMAND: Final = CommandId("fidelity")


def run_on_trio(story: Story) -> Deliveries:
    """Give what arrives.

    Raises:
        InvalidInput: nodes that should have met did not.
    """

    async def tell() -> Deliveries:
        return await _tell(story)

    clock = MockClock(autojump_threshold=0)
    return trio.run(tell, clock=clock)  # pyright: ignore[reportUnknownMemberType]


async def _tell(story: Story) -> Deliveries:
    stage = _Stage(story)
    async with trio.open_nursery() as nursery:
        for runtime in stage.runtimes:
            started = trio.Event()
            spawn(nursery, runtime.run, started.set)
            await started.wait()
        for inviter, guest in story.pairs():
            await stage.befriend(inviter, guest)
        for step in story.steps:
            if isinstance(step, Meets):
                await stage.meet(step.first, step.second)
            else:
                await stage.write(step.source, step.destination, step.name)
        arrived = stage.arrived()
        for runtime in stage.runtimes:
            runtime.stop()
    return arrived


class _Stage:
    """The nodes, each on an island of its own until it meets somebody."""

    def __init__(self, story: Story) -> None:
        self._names = story.people
        self._world = MemoryWorld(latency_s=_LATENCY_S)
        self._stores = [MemoryStore() for _ in story.people]
        self._accounts: list[bytes] = []
        self.runtimes = [self._runtime(n, story.copies) for n in range(len(story.people))]
        self._part()

    async def befriend(self, inviter: int, guest: int) -> None:
        """Let two make contacts of each other."""
        self._join(inviter, guest)
        made = await self.runtimes[inviter].command(InviteRequested(_COMMAND))
        if not isinstance(made, InviteMade):
            raise InvalidInput(f"No invite was made: {made}.")
        name = self._names[inviter]
        await self.runtimes[guest].command(ContactAddRequested(_COMMAND, made.link, name))
        await self._dial(inviter, guest)
        await self._until(lambda: self._active(inviter, guest) and self._active(guest, inviter))
        await self._leave(inviter, guest)

    async def meet(self, first: int, second: int) -> None:
        """Let two be neighbours until they have nothing left to say."""
        self._join(first, second)
        await self._dial(first, second)
        await trio.sleep(MEETING_S)
        await self._leave(first, second)

    async def write(self, source: int, destination: int, text: str) -> None:
        """Let somebody write."""
        views = self.runtimes[source].contacts()
        (contact,) = [v for v in views if v.account_key == self._accounts[destination]]
        command = SendRequested(_COMMAND, contact.account_key, text, LIFETIME_S)
        await self.runtimes[source].command(command)

    def arrived(self) -> Deliveries:
        """Give what is in the inboxes."""
        return frozenset(
            told(row.text, name)
            for name, store in zip(self._names, self._stores, strict=True)
            for row in store.newest_messages(
                direction=Direction.IN, contact=None, limit=_MESSAGES_MAX
            )
        )

    # --- inside ----------------------------------------------------------------------------------

    def _runtime(self, number: int, copies: int) -> Runtime:
        name, store = self._names[number], self._stores[number]
        config = NodeConfig(name=name, spray_copies=copies, share_addresses=0)
        profile = create_profile(store, name, SystemEntropy(), EPOCH_S)
        self._accounts.append(profile.identity.account_key)

        def make_node(now_s: float) -> Node:
            book = SessionBook(profile.identity, X3dhSuite(), store, SystemEntropy(), now_s)
            router = router_for(config)
            return Node(profile.identity, book, store, router, SystemEntropy(), config, now_s)

        return Runtime(
            RuntimeParts(
                store=store,
                make_node=make_node,
                network=self._world.network(name),
                clock=SteadyClock(lambda: EPOCH_S + trio.current_time()),
                entropy=SystemEntropy(),
                log=make_log("error", "json", io.StringIO()),
                account_key=profile.identity.account_key,
                version="simulation",
                config=config,
                limits=PeerLimits(),
            )
        )

    def _peer(self, number: int) -> PeerId:
        return self._world.network(self._names[number]).peer_id

    def _islands(self, *joined: int) -> Sequence[Sequence[PeerId]]:
        alone = [[self._peer(n)] for n in range(len(self._names)) if n not in joined]
        return [[self._peer(n) for n in joined], *alone] if joined else alone

    def _part(self) -> None:
        self._world.partition(*self._islands())

    def _join(self, first: int, second: int) -> None:
        self._world.partition(*self._islands(first, second))

    async def _dial(self, first: int, second: int) -> None:
        (address, *_) = self._world.network(self._names[second]).addresses()
        await self.runtimes[first].add_peer(address)
        await self._until(lambda: self._are_neighbours(first, second))

    def _are_neighbours(self, first: int, second: int) -> bool:
        links = self._world.network(self._names[first]).links()
        return any(link.peer == self._peer(second) for link in links)

    async def _leave(self, first: int, second: int) -> None:
        await self.runtimes[first].remove_peer(self._peer(second))
        self._part()
        await trio.sleep(1.0)

    def _active(self, one: int, other: int) -> bool:
        views = self.runtimes[one].contacts()
        return any(v.account_key == self._accounts[other] and v.state == "active" for v in views)

    async def _until(self, holds: Callable[[], bool]) -> None:
        with trio.move_on_after(_PATIENCE_S):
            while not holds():
                await trio.sleep(0.1)
            return
        raise InvalidInput("What should have happened between two nodes did not.")
