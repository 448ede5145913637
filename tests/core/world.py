"""A deterministic world: production nodes joined by fake links, on a virtual clock."""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import count

from p2p.adapters.memory_store import MemoryStore
from p2p.core.config import NodeConfig
from p2p.core.effects import (
    Answer,
    Disconnect,
    Effect,
    InviteMade,
    LearnAddresses,
    MessageReceived,
    Noted,
    Notice,
    Notify,
    Result,
    SendFrame,
)
from p2p.core.events import (
    Command,
    ContactAddRequested,
    Event,
    FrameReceived,
    InviteRequested,
    LinkClosed,
    LinkOpened,
    SendRequested,
    Started,
    Woken,
)
from p2p.core.node import Node
from p2p.core.routing.table import router_for
from p2p.crypto.account import account_key_of, certify_device, device_key_of
from p2p.errors import LocalError
from p2p.ports.store import Direction, MessageRow
from p2p.sessions.book import SessionBook
from p2p.sessions.identity import DeviceIdentity
from p2p.sessions.suite import Suite
from p2p.wire.ids import AccountKey, CommandId, MessageId, PeerId

START_S = 1_800_000_000.0
LATENCY_S = 0.01
LINK_LATENCY_S = 30.0


class SeededEntropy:
    """A stream of bytes from a name; the same in every run."""

    def __init__(self, seed: str) -> None:
        self._seed = seed.encode()
        self._counter = count()

    def random_bytes(self, size: int) -> bytes:
        out = b""
        while len(out) < size:
            out += hashlib.blake2b(self._seed + next(self._counter).to_bytes(8, "big")).digest()
        return out[:size]

    def uniform(self) -> float:
        return int.from_bytes(self.random_bytes(6), "big") / 2**48


def identity_for(name: str, device: str = "") -> DeviceIdentity:
    account_seed = hashlib.blake2b(b"account" + name.encode(), digest_size=32).digest()
    device_seed = hashlib.blake2b(b"device" + (device or name).encode(), digest_size=32).digest()
    device_key = device_key_of(device_seed)
    return DeviceIdentity(
        account_key=account_key_of(account_seed),
        device_key=device_key,
        device_seed=device_seed,
        certificate=certify_device(account_seed, device_key, int(START_S)),
    )


def peer_for(name: str) -> PeerId:
    return PeerId(("12D3KooW" + name.encode().hex().replace("0", "z") + "1" * 44)[:52])


@dataclass
class Seat:
    """One node with its store and what it has said."""

    name: str
    config: NodeConfig
    suite: Suite
    now_s: float
    store: MemoryStore = field(default_factory=MemoryStore)
    notices: list[Notice] = field(default_factory=list[Notice])
    notes: list[Noted] = field(default_factory=list[Noted])
    answers: dict[CommandId, Result] = field(default_factory=dict[CommandId, Result])
    starts: int = 0

    def __post_init__(self) -> None:
        self.identity = identity_for(self.name)
        self.peer = peer_for(self.name)
        self.boot(self.now_s)

    @property
    def account(self) -> AccountKey:
        return self.identity.account_key

    @property
    def address(self) -> str:
        return f"/ip4/127.0.0.1/tcp/4001/p2p/{self.peer}"

    def boot(self, now_s: float) -> None:
        """Build the node from its store, as after a restart."""
        self.starts += 1
        entropy = SeededEntropy(f"{self.name}/{self.starts}")
        with self.store.transaction():
            self.book = SessionBook(self.identity, self.suite, self.store, entropy, now_s)
            self.node = Node(
                self.identity,
                self.book,
                self.store,
                router_for(self.config),
                entropy,
                self.config,
                now_s,
            )

    def step(self, events: list[Event], now_s: float) -> list[Effect]:
        """One batch in one transaction, as a shell does it."""
        with self.store.transaction():
            effects: list[Effect] = []
            for event in events:
                effects += self.node.handle(event, now_s)
            effects += self.node.settle(now_s)
        return effects

    def received(self) -> list[MessageRow]:
        return [n.message for n in self.notices if isinstance(n, MessageReceived)]

    def sent(self, message: MessageId) -> MessageRow:
        row = self.store.message(message, Direction.OUT)
        assert row is not None
        return row


class World:
    """Seats, links and time. Frames take ``LATENCY_S``; order on a link is kept."""

    def __init__(self, make_suite: Callable[[str], Suite], **config: object) -> None:
        self.now_s = START_S
        self.seats: dict[str, Seat] = {}
        self.trace = hashlib.blake2b()
        self.frames: list[tuple[str, str, bytes]] = []
        self._by_peer: dict[PeerId, str] = {}
        self._links: set[tuple[str, str]] = set()
        self._heap: list[tuple[float, int, str, Event]] = []
        self._sequence = count()
        self._commands = count(1)
        self._make_suite = make_suite
        self._config = replace(NodeConfig(), **config)  # type: ignore[arg-type]
        self.lose: Callable[[str, str, bytes], bool] = lambda *_: False

    # --- people ---

    def add(self, name: str, **config: object) -> Seat:
        seat_config = replace(self._config, name=name, **config)  # type: ignore[arg-type]
        seat = Seat(name, seat_config, self._make_suite(name), self.now_s)
        self.seats[name] = seat
        self._by_peer[seat.peer] = name
        self.post(name, Started((seat.address,)))
        return seat

    def command(self, name: str, command: Command) -> Result:
        self.post(name, command)
        return self.seats[name].answers[command.command]

    def next_command(self) -> CommandId:
        return CommandId(f"c{next(self._commands)}")

    def invite(self, name: str) -> InviteMade:
        made = self.command(name, InviteRequested(self.next_command()))
        assert isinstance(made, InviteMade)
        return made

    def befriend(self, host: str, guest: str) -> None:
        """The guest adds an invite of the host's."""
        made = self.invite(host)
        command = ContactAddRequested(self.next_command(), made.link, host)
        result = self.command(guest, command)
        assert not isinstance(result, LocalError), result

    def send(self, name: str, to: str, text: str, lifetime_s: float = 7 * 86_400.0) -> MessageRow:
        account = self.seats[to].account
        result = self.command(name, SendRequested(self.next_command(), account, text, lifetime_s))
        assert isinstance(result, MessageRow), result
        return result

    # --- links and time ---

    def connect(self, a: str, b: str) -> None:
        self._links |= {(a, b), (b, a)}
        self.post(a, LinkOpened(self.seats[b].peer, LINK_LATENCY_S))
        self.post(b, LinkOpened(self.seats[a].peer, LINK_LATENCY_S))

    def disconnect(self, a: str, b: str) -> None:
        if (a, b) in self._links:
            self._links -= {(a, b), (b, a)}
            self.post(a, LinkClosed(self.seats[b].peer))
            self.post(b, LinkClosed(self.seats[a].peer))

    def crash(self, name: str) -> None:
        """kill -9: links drop, memory is gone, the store stays."""
        for other in list(self.seats):
            if (name, other) in self._links:
                self._links -= {(name, other), (other, name)}
                self.post(other, LinkClosed(self.seats[name].peer))
        self._heap = [entry for entry in self._heap if entry[2] != name]
        heapq.heapify(self._heap)
        self.seats[name].boot(self.now_s)
        self.post(name, Started((self.seats[name].address,)))

    def post(self, name: str, *events: Event) -> None:
        """Have a node handle events now, in one batch."""
        seat = self.seats[name]
        for effect in seat.step(list(events), self.now_s):
            self._perform(seat, effect)

    def run(self, seconds: float) -> None:
        """Let time pass, with everything that happens in it."""
        end_s = self.now_s + seconds
        while True:
            wake = [(at, name) for name, s in self.seats.items() if (at := s.node.next_wakeup())]
            next_wake = min(wake, default=(end_s + 1.0, ""))
            next_event = self._heap[0][0] if self._heap else end_s + 1.0
            if min(next_wake[0], next_event) > end_s:
                break
            if next_event <= next_wake[0]:
                self.now_s, _, name, event = heapq.heappop(self._heap)
                batch = [event]
                while self._heap and self._heap[0][0] == self.now_s and self._heap[0][2] == name:
                    batch.append(heapq.heappop(self._heap)[3])
                self.post(name, *batch)
            else:
                self.now_s = max(self.now_s, next_wake[0])
                self.post(next_wake[1], Woken())
        self.now_s = end_s

    def _perform(self, seat: Seat, effect: Effect) -> None:
        self.trace.update(f"{self.now_s:.6f} {seat.name} {type(effect).__name__}".encode())
        match effect:
            case SendFrame(peer, data):
                self._carry(seat.name, self._by_peer.get(peer, ""), data)
            case Disconnect(peer, _, _):
                other = self._by_peer.get(peer, "")
                if (seat.name, other) in self._links:
                    self._links -= {(seat.name, other), (other, seat.name)}
                    self.schedule(LATENCY_S, other, LinkClosed(seat.peer))
            case Notify(notice):
                seat.notices.append(notice)
            case Noted():
                seat.notes.append(effect)
            case Answer(command, result):
                assert command not in seat.answers
                seat.answers[command] = result
            case LearnAddresses():
                pass

    def _carry(self, sender: str, receiver: str, data: bytes) -> None:
        self.trace.update(data)
        self.frames.append((sender, receiver, data))
        if (sender, receiver) in self._links and not self.lose(sender, receiver, data):
            event = FrameReceived(self.seats[sender].peer, data)
            self.schedule(LATENCY_S, receiver, event)

    def schedule(self, delay_s: float, name: str, event: Event) -> None:
        heapq.heappush(self._heap, (self.now_s + delay_s, next(self._sequence), name, event))
