"""The node inside its store: a batch of events becomes one commit and a list of effects."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, Protocol

from p2p.core.effects import ContactView, Effect
from p2p.core.events import Event
from p2p.errors import ClockDoubtful
from p2p.ports.store import DocumentKind, DocumentStore, Store

_CLOCK_KEY: Final = b"shell/clock"
_CLOCK_NOTED_EVERY_S: Final = 600.0
"""How exactly a restart knows when the node last ran; each note is one small write."""
CLOCK_BACK_MAX_S: Final = 7 * 86_400.0
"""A clock further back than this is taken for a dead battery, not for a correction."""


class NodeMachine(Protocol):
    """What the shell asks of :class:`p2p.core.node.Node`; faked in the shell's own tests."""

    def handle(self, event: Event, now_s: float) -> list[Effect]:
        """Take in one event; give effects."""
        ...

    def settle(self, now_s: float) -> list[Effect]:
        """End a batch: write what is dirty, give the frames that became due."""
        ...

    def next_wakeup(self) -> float | None:
        """Give the Unix second at which the node wants to be woken."""
        ...

    def contacts(self) -> list[ContactView]:
        """Give all contacts in the order of their adding."""
        ...

    def custody_counts(self) -> tuple[int, int, int]:
        """Give what is carried for others: envelopes, their bytes, and proofs remembered."""
        ...


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
            StoreFull, StoreDamaged: nothing of the batch happened, and the node must be rebuilt.
        """
        with self._store.transaction():
            effects = [self._node.handle(event, now_s) for event in events]
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
        self._store.put_document(
            DocumentKind.SETTING, _CLOCK_KEY, int(max(now_s, 0)).to_bytes(8, "big")
        )
        return now_s


def check_clock(store: DocumentStore, now_s: float) -> None:
    """Make sure that the clock is not far behind what this store has seen.

    Keys and mail are destroyed by age; a node that trusted a clock of 1970 would count wrongly,
    and one that then trusts the right clock again would destroy what is not old.

    Raises:
        ClockDoubtful: it is more than a week behind.
    """
    noted = store.document(DocumentKind.SETTING, _CLOCK_KEY)
    if noted is None:
        return
    behind_s = int.from_bytes(noted, "big") - now_s
    if behind_s > CLOCK_BACK_MAX_S:
        raise ClockDoubtful(
            f"The clock is {behind_s / 86_400:.0f} days behind the time at which this node last "
            "ran: set the clock, or run once with --accept-clock if the clock was wrong then."
        )
