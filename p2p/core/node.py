"""The node: dispatches events to its parts and gathers what they ask of the world."""

from __future__ import annotations

from p2p.core.config import NodeConfig
from p2p.core.effects import ContactView, Effect
from p2p.core.events import Event
from p2p.core.routing.router import Router
from p2p.ports.entropy import Entropy
from p2p.ports.store import Store
from p2p.sessions.book import SessionBook
from p2p.sessions.identity import DeviceIdentity


class Node:
    """One node as a value machine. Seam only: being written.

    The shell's loop, for a batch of events::

        with store.transaction():
            effects = []
            for event in batch:
                effects += node.handle(event, now)
            effects += node.settle(now)     # once per batch: coalesced frames, session states
        perform(effects)

    A failed transaction makes this object worthless: the shell builds a new one from the store.
    """

    def __init__(
        self,
        identity: DeviceIdentity,
        book: SessionBook,
        store: Store,
        router: Router,
        entropy: Entropy,
        config: NodeConfig,
        now_s: float,
    ) -> None: ...

    def handle(self, event: Event, now_s: float) -> list[Effect]:
        """Take in one event; give effects. Never raises for anything that a peer or person did."""
        raise NotImplementedError

    def settle(self, now_s: float) -> list[Effect]:
        """End a batch: give the frames that became due and write session states to the store."""
        raise NotImplementedError

    def next_wakeup(self) -> float | None:
        """Give the Unix second at which the node wants a Woken event, or None."""
        raise NotImplementedError

    def contacts(self) -> list[ContactView]:
        """Give all contacts in the order of their adding."""
        raise NotImplementedError

    def custody_counts(self) -> tuple[int, int, int]:
        """Give what is carried for others: envelopes, their bytes, and proofs remembered."""
        raise NotImplementedError
