"""What the shell's tests run in: a scripted machine, a store that fails on purpose, fake links."""

from __future__ import annotations

import random
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace

import structlog
import trio

from p2p.adapters.memory_link import MemoryWorld
from p2p.adapters.memory_store import MemoryStore
from p2p.core.config import NodeConfig
from p2p.core.effects import (
    Answer,
    ContactView,
    Disconnect,
    Done,
    Effect,
    InviteReused,
    Noted,
    Notify,
    SendFrame,
)
from p2p.core.events import (
    Event,
    FrameReceived,
    InviteRequested,
    LinkOpened,
    SendRequested,
    Started,
    Woken,
)
from p2p.core.trust.events import TrustView
from p2p.errors import InvalidInput, StoreFull
from p2p.node.clock import SteadyClock
from p2p.node.parts import RuntimeParts
from p2p.node.peers import PeerLimits
from p2p.node.runtime import Runtime
from p2p.ports.store import DocumentKind, Store
from p2p.wire.ids import AccountKey, CommandId
from tests.control.fake_trust import NOTHING_TRUSTED

EPOCH_S = 1_800_000_000.0
ALICE = AccountKey(bytes(32))


class SeededEntropy:
    def __init__(self, seed: int = 1) -> None:
        self._random = random.Random(seed)

    def random_bytes(self, size: int) -> bytes:
        return self._random.randbytes(size)

    def uniform(self) -> float:
        return self._random.random()


def virtual_clock() -> SteadyClock:
    return SteadyClock(lambda: EPOCH_S + trio.current_time())


class FailingStore(MemoryStore):
    """Rolls back and raises at the end of as many transactions as it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.failures_left = 0

    @contextmanager
    def transaction(self) -> Iterator[None]:  # type: ignore[override]
        with super().transaction():
            yield
            if self.failures_left:
                self.failures_left -= 1
                raise StoreFull("The device has no room left.")


@dataclass
class Tape:
    """What all machines of one runtime saw, in order, whether or not it was committed."""

    events: list[Event] = field(default_factory=list)
    machines: int = 0
    wake_at_s: float | None = None
    woken_at_s: list[float] = field(default_factory=list)


class ScriptedNode:
    """A machine that answers by simple rules and keeps a count of texts in the store."""

    def __init__(self, store: Store, tape: Tape) -> None:
        self.store = store
        self.tape = tape
        self.tape.machines += 1
        kept = store.document(DocumentKind.SETTING, b"texts")
        self.texts = kept.decode().split() if kept else []
        self.started = False
        self.present: list[str] = []

    def handle(self, event: Event, now_s: float) -> list[Effect]:
        self.tape.events.append(event)
        match event:
            case Started():
                assert not self.started
                self.started = True
            case LinkOpened(peer):
                assert self.started
                self.present.append(peer)
                return [SendFrame(peer, b"hello")]
            case FrameReceived(peer, data):
                assert peer in self.present, "a frame of a link that this machine never saw open"
                return self._frame(peer, data)
            case Woken():
                self.tape.woken_at_s.append(now_s)
                self.tape.wake_at_s = None
            case SendRequested(command, _, text):
                return self._send(command, text)
            case InviteRequested(command):
                return [Noted("invited"), Answer(command, Done()), Notify(InviteReused())]
            case _:
                pass
        return []

    def _frame(self, peer: str, data: bytes) -> list[Effect]:
        if data == b"poison":
            self.store.put_document(DocumentKind.SETTING, b"texts", b"never happened")
            raise ZeroDivisionError(data)
        if data == b"bad":
            return [SendFrame(peer, b"go away"), Disconnect(peer, "malformed", 30.0)]
        if data.startswith(b"flood"):
            return [SendFrame(peer, bytes(60_000))] * int(data[5:])
        return [SendFrame(peer, b"echo:" + data)] if not data.startswith((b"echo", b"bye")) else []

    def _send(self, command: CommandId, text: str) -> list[Effect]:
        if text == "refused":
            return [Answer(command, InvalidInput("Not that."))]
        if text == "bug":
            raise ZeroDivisionError(text)
        self.texts.append(text)
        self.store.put_document(DocumentKind.SETTING, b"texts", " ".join(self.texts).encode())
        return [Answer(command, Done()), *(SendFrame(p, text.encode()) for p in self.present)]

    def settle(self, now_s: float) -> list[Effect]:
        return []

    def farewell(self) -> list[Effect]:
        return [SendFrame(peer, b"bye") for peer in self.present]

    def next_wakeup(self) -> float | None:
        return self.tape.wake_at_s

    def contacts(self) -> list[ContactView]:
        return []

    def custody_counts(self) -> tuple[int, int, int]:
        return (0, 0, 0)

    def trust(self, now_s: float) -> TrustView:
        return NOTHING_TRUSTED


def parts(
    world: MemoryWorld, name: str, *, store: Store | None = None, tape: Tape | None = None
) -> RuntimeParts:
    kept = store or MemoryStore()
    seen = tape or Tape()
    return RuntimeParts(
        store=kept,
        make_node=lambda _now_s: ScriptedNode(kept, seen),
        network=world.network(name),
        clock=virtual_clock(),
        entropy=SeededEntropy(),
        log=structlog.wrap_logger(
            structlog.ReturnLogger(), wrapper_class=structlog.make_filtering_bound_logger(50)
        ),
        account_key=ALICE,
        version="0",
        config=NodeConfig(name=name),
        limits=PeerLimits(),
    )


def runtime(world: MemoryWorld, name: str, **changes: object) -> Runtime:
    store = changes.pop("store", None)
    tape = changes.pop("tape", None)
    return Runtime(replace(parts(world, name, store=store, tape=tape), **changes))


@asynccontextmanager
async def running(*nodes: Runtime) -> AsyncGenerator[None, None]:
    async with trio.open_nursery() as nursery:
        for node in nodes:
            started = trio.Event()
            nursery.start_soon(node.run, started.set)
            await started.wait()
        yield
        for node in nodes:
            node.stop()


def send_text(text: str, command: str = "c") -> SendRequested:
    return SendRequested(CommandId(command), ALICE, text, 3600.0)
