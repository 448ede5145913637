"""People with real nodes: the production core, suite and stores under the trio runtime."""

from __future__ import annotations

import io
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path

import trio

from p2p.adapters.memory_store import MemoryStore
from p2p.adapters.sqlite.connection import Synchronous
from p2p.adapters.sqlite.store import create_store, open_store
from p2p.adapters.system import SystemEntropy
from p2p.core.config import NodeConfig
from p2p.core.effects import ContactView, InviteMade
from p2p.core.events import ContactAddRequested, InviteRequested, SendRequested
from p2p.core.node import Node
from p2p.core.routing.table import router_for
from p2p.node.engine import NodeMachine
from p2p.node.logs import make_log
from p2p.node.parts import RuntimeParts
from p2p.node.peers import PeerLimits
from p2p.node.profile import Profile, create_profile
from p2p.node.runtime import Runtime
from p2p.ports.clock import Clock
from p2p.ports.link import Network
from p2p.ports.store import Direction, MessageRow, MessageState, Store
from p2p.sessions.book import SessionBook
from p2p.sessions.x3dh_suite import X3dhSuite
from p2p.wire.ids import CommandId, MessageId

_COMMANDS = count(1)
STORE_KEY = bytes(32)


class MemoryShelf:
    """A store in memory that survives its node, as a disk does."""

    def __init__(self) -> None:
        self.store = MemoryStore()

    def open(self) -> Store:
        return self.store

    def close(self, store: Store) -> None:
        pass


class DiskShelf:
    """A store on disk that is closed and opened with its node."""

    def __init__(self, path: Path) -> None:
        self.path = path
        create_store(path, STORE_KEY).close()

    def open(self) -> Store:
        return open_store(self.path, STORE_KEY, Synchronous.NORMAL)

    def close(self, store: Store) -> None:
        store.close()


@dataclass
class Person:
    """One profile; :meth:`online` runs its node for a while."""

    name: str
    shelf: MemoryShelf | DiskShelf
    network: Callable[[Profile], Network]
    clock: Callable[[], Clock]
    config: NodeConfig = field(default_factory=NodeConfig)
    profile: Profile = field(init=False)
    runtime: Runtime = field(init=False)

    def __post_init__(self) -> None:
        self.config = replace(self.config, name=self.name)
        store = self.shelf.open()
        self.profile = create_profile(store, self.name, SystemEntropy(), self.clock().now())
        self.shelf.close(store)

    @asynccontextmanager
    async def online(self, *peers: str) -> AsyncGenerator[None, None]:
        store = self.shelf.open()
        try:
            async with self._running(store, peers):
                yield
        finally:
            self.shelf.close(store)

    @asynccontextmanager
    async def _running(self, store: Store, peers: tuple[str, ...]) -> AsyncGenerator[None, None]:
        def make_node(now_s: float) -> NodeMachine:
            book = SessionBook(self.profile.identity, X3dhSuite(), store, SystemEntropy(), now_s)
            router = router_for(self.config)
            return Node(
                self.profile.identity, book, store, router, SystemEntropy(), self.config, now_s
            )

        self.runtime = Runtime(
            RuntimeParts(
                store=store,
                make_node=make_node,
                network=self.network(self.profile),
                clock=self.clock(),
                entropy=SystemEntropy(),
                log=make_log("error", "json", io.StringIO()),
                account_key=self.profile.identity.account_key,
                version="0",
                config=self.config,
                limits=PeerLimits(),
                manual=peers,
            )
        )
        async with trio.open_nursery() as nursery:
            started = trio.Event()
            nursery.start_soon(self.runtime.run, started.set)
            await started.wait()
            yield
            self.runtime.stop()

    @property
    def address(self) -> str:
        return self.runtime.status().addresses[0]

    async def invite(self) -> str:
        made = await self.runtime.command(InviteRequested(_next()))
        assert isinstance(made, InviteMade)
        return made.link

    async def add(self, link: str, name: str) -> None:
        await self.runtime.command(ContactAddRequested(_next(), link, name))

    def contact(self, name: str) -> ContactView:
        return next(one for one in self.runtime.contacts() if one.name == name)

    async def send(self, name: str, text: str, lifetime_s: float = 86_400.0) -> MessageId:
        key = self.contact(name).account_key
        row = await self.runtime.command(SendRequested(_next(), key, text, lifetime_s))
        assert isinstance(row, MessageRow)
        return row.id

    def state(self, message: MessageId) -> MessageState:
        row = self.runtime.messages.message(message, Direction.OUT)
        assert row is not None
        return row.state

    def received(self) -> list[str]:
        rows = self.runtime.messages.newest_messages(
            direction=Direction.IN, contact=None, limit=100_000
        )
        return [row.text for row in rows]


def _next() -> CommandId:
    return CommandId(str(next(_COMMANDS)))


async def until(condition: Callable[[], bool], patience_s: float = 300.0) -> None:
    """Wait for something that the nodes will bring about by themselves."""
    with trio.fail_after(patience_s):
        while not condition():
            await trio.sleep(patience_s / 3_000)


async def befriend(inviter: Person, guest: Person) -> None:
    """Make contacts of two people who are neighbours; both sides end up active."""
    await guest.add(await inviter.invite(), inviter.name)
    await until(lambda: [one.state for one in guest.runtime.contacts()][-1:] == ["active"])
    await until(lambda: [one.state for one in inviter.runtime.contacts()][-1:] == ["active"])
