"""The node inside its store: a batch of events becomes one commit and a list of effects."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, Protocol

from p2p.core.effects import ContactView, Effect
from p2p.core.events import Event
from p2p.core.trust.events import TrustView
from p2p.errors import MolvaError
from p2p.node.profile import note_clock
from p2p.ports.store import Store

_CLOCK_NOTED_EVERY_S: Final = 600.0
"""How exactly a restart knows when the node last ran; each note is one small write."""


class NodeMachine(Protocol):
    """What the shell asks of :class:`p2p.core.node.Node`; faked in the shell's own tests."""

    def handle(self, event: Event, now_s: float) -> list[Effect]:
        """Take in one event; give effects."""
        ...

    def settle(self, now_s: float) -> list[Effect]:
        """End a batch: write what is dirty, give the frames that became due."""
        ...

    def farewell(self) -> list[Effect]:
        """Give a Bye for every neighbour."""
        ...

    def next_wakeup(self) -> float | None:
        """Give the Unix second at which the node wants to be woken."""
        ...

    def contacts(self) -> Sequence[ContactView]:
        """Give all contacts in the order of their adding; the same value until one changes."""
        ...

    def custody_counts(self) -> tuple[int, int, int]:
        """Give what is carried for others: envelopes, their bytes, and proofs remembered."""
        ...

    def trust(self, now_s: float) -> TrustView:
        """Give what this node trusts, and how old it is."""
        ...


class Unforeseen(Exception):
    """A bug of ours, met while an event was handled; nothing of its batch happened.

    Attributes:
        place: which event of the batch, from 0.
        bug: what was raised.
    """

    def __init__(self, place: int, bug: Exception) -> None:
        super().__init__(f"event {place}: {bug!r}")
        self.place = place
        self.bug = bug


class Engine:
    """Commit, then speak: effects come out only after what they rest on is durable.

    After a failed commit the node is worthless, since it knows of things that never happened:
    :meth:`rebuild` makes a new one from the store.
    """

    def __init__(
        self, store: Store, make_node: Callable[[float], NodeMachine], now_s: float
    ) -> None:
        self._store = store
        self._make_node = make_node
        self._node = make_node(now_s)
        self._clock_noted_s = 0.0

    @property
    def node(self) -> NodeMachine:
        """The present node, for reading between batches; another one after :meth:`rebuild`."""
        return self._node

    def handle(self, events: Sequence[Event], now_s: float) -> list[list[Effect]]:
        """Handle a batch in one transaction.

        Returns:
            One list of effects per event, and one more for the end of the batch.

        Raises:
            StoreFull, StoreDamaged, Unforeseen: nothing of the batch happened, and the node must be
                rebuilt.
        """
        effects: list[list[Effect]] = []
        with self._store.transaction():
            for place, event in enumerate(events):
                try:
                    effects.append(self._node.handle(event, now_s))
                except MolvaError:
                    raise
                except Exception as bug:
                    raise Unforeseen(place, bug) from bug
            effects.append(self._node.settle(now_s))
            noted_s = self._note_clock(now_s)
        self._clock_noted_s = noted_s
        return effects

    def rebuild(self, now_s: float) -> None:
        """Discard the node and load another from what is durable.

        Raises:
            StoreDamaged: the store cannot be read any more.
        """
        self._node = self._make_node(now_s)

    def _note_clock(self, now_s: float) -> float:
        if now_s - self._clock_noted_s < _CLOCK_NOTED_EVERY_S:
            return self._clock_noted_s
        note_clock(self._store, now_s)
        return now_s
