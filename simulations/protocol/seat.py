"""One node of a run with its store and its clock: batches of events in, effects out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from p2p.core.contacts import Contacts
from p2p.core.effects import Effect
from p2p.core.events import Event
from p2p.core.node import Node
from p2p.sessions.book import SessionBook
from p2p.wire.ids import AccountKey, EnvelopeId
from simulations.protocol.ledger import LedgerStore, carried_envelope
from simulations.protocol.links import NO_ENVELOPE, Parcel, Way, size_on_link
from simulations.protocol.makers import Makers
from simulations.protocol.people import (
    Party,
    StreamEntropy,
    address_of,
    identity_of,
    name_of,
    peer_of,
)
from simulations.rng import stream
from simulations.trace import Trail

NEVER_S: Final = float("inf")


class Seat:
    """A node, running or not.

    Attributes:
        ways: open ways to neighbours, by their address.
        wake_s: world time for which a wake-up is scheduled.
        incoming: scenario messages in the packet just received, and the way of each copy.
        held: scenario messages carried here: the way of each copy, and since when (world s).
        running: whether there is a node; :meth:`start` makes one.
    """

    __slots__ = (
        "_base_s",
        "_last_s",
        "_makers",
        "_starts",
        "address",
        "book",
        "config",
        "held",
        "identity",
        "incoming",
        "index",
        "node",
        "peer",
        "running",
        "store",
        "wake_s",
        "ways",
    )

    node: Node
    book: SessionBook

    def __init__(self, index: int, makers: Makers, epoch_s: float, offset_s: float) -> None:
        self.index = index
        self._makers = makers
        self.config = replace(makers.config, name=name_of(index))
        self.identity = identity_of(makers.seed, index, epoch_s)
        self.peer = peer_of(makers.seed, index)
        self.address = address_of(index, self.peer)
        self.store = LedgerStore(makers.ledger)
        self.ways: dict[int, Way] = {}
        self.held: dict[EnvelopeId, tuple[Trail, float]] = {}
        self.incoming: dict[EnvelopeId, Trail] = {}
        self.running = False
        self.wake_s = NEVER_S
        self._base_s = epoch_s + offset_s
        self._last_s = 0.0
        self._starts = 0

    @property
    def account(self) -> AccountKey:
        """The account of the person here."""
        return self.identity.account_key

    # --- time ------------------------------------------------------------------------------------

    def clock_s(self, now_s: float) -> float:
        """Give what the node's clock shows (Unix s). Set back, it stands still until caught up."""
        clock_s = self._base_s + now_s
        if clock_s > self._last_s:
            self._last_s = clock_s
        return self._last_s

    def set_clock(self, base_s: float) -> None:
        """Let the clock show ``base_s`` plus world time from now on."""
        self._base_s = base_s

    def world_s(self, clock_s: float) -> float:
        """Give the first world time at which the clock shows at least that."""
        time_s = clock_s - self._base_s
        while self._base_s + time_s < clock_s:
            time_s += clock_s * 2.0**-52
        return time_s

    # --- the node --------------------------------------------------------------------------------

    def start(self, now_s: float) -> None:
        """Build the node from its store."""
        makers = self._makers
        self._starts += 1
        entropy = StreamEntropy(stream(makers.seed, "entropy", self.index, self._starts))
        clock_s = self.clock_s(now_s)
        with self.store.transaction():
            self.book = SessionBook(
                self.identity, makers.suite(entropy), self.store, entropy, clock_s
            )
            self.node = Node(
                self.identity,
                self.book,
                self.store,
                makers.router(self.index),
                entropy,
                self.config,
                clock_s,
            )
        self.running = True

    def stop(self) -> None:
        """Be without a node."""
        self.running = False
        self.wake_s = NEVER_S

    def lose_memory(self) -> None:
        """Keep keys, contacts and sessions, and nothing else."""
        self.store = self.store.without_mail()
        self.held.clear()

    def step(self, events: Sequence[Event], now_s: float) -> list[Effect]:
        """Handle a batch in one transaction, as the product's shell does."""
        node, clock_s = self.node, self.clock_s(now_s)
        with self.store.transaction():
            effects: list[Effect] = []
            for event in events:
                effects += node.handle(event, clock_s)
            effects += node.settle(clock_s)
        return effects

    def next_wakeup(self) -> float | None:
        """Give when the node wants to be woken, by its own clock; None where there is no node."""
        return self.node.next_wakeup() if self.running else None

    def parcel(self, frame: bytes) -> Parcel:
        """Give a frame of this node's as its links carry it."""
        ledger = self._makers.ledger
        envelope = carried_envelope(frame)
        if envelope is None or ledger.index(envelope) is None:
            return Parcel(frame, size_on_link(frame, 0), NO_ENVELOPE, None)
        held = self.held.get(envelope)
        trail: Trail = (self.index, None) if held is None else held[0]
        size_bytes = size_on_link(frame, ledger.excess(envelope, len(frame)))
        return Parcel(frame, size_bytes, envelope, trail)

    # --- before the run --------------------------------------------------------------------------

    def party(self, book: SessionBook) -> Party:
        """Give this person as one who meets others, before the node is built."""
        return Party(
            self.account,
            book,
            Contacts(self.store, self.account),
            self.config.name,
            (self.address,) if self.config.share_addresses else (),
        )

    def prepared_book(self, now_s: float) -> SessionBook:
        """Give a session book in which meetings before the run are entered."""
        entropy = StreamEntropy(stream(self._makers.seed, "meeting", self.index))
        suite = self._makers.suite(entropy)
        clock_s = self.clock_s(now_s)
        return SessionBook(self.identity, suite, self.store, entropy, clock_s)
