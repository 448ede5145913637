"""What may stand beside a protocol run: observers that look on, and attackers around a node.

Neither touches a node. An :class:`Interference` sits between one node and its links: it sees each
frame that leaves or arrives, and says which bytes do so instead. With a :class:`Mesh` it adds
frames, commands and alarms of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from p2p.core.effects import Noted, Notice, Result
from p2p.core.events import Command
from p2p.wire.ids import AccountKey, PeerId
from simulations.trace import Creation, Delivery

# --- observers -----------------------------------------------------------------------------------


class Observer:
    """Looks on; all times are world time, in seconds from 0. Each method here does nothing.

    A checker or an event log overrides what it wants to know. It must change nothing.
    """

    def created(self, time_s: float, creation: Creation, *, accepted: bool) -> None:
        """A person wrote a message; not ``accepted`` where the node was off or refused."""

    def delivered(self, delivery: Delivery, *, timely: bool) -> None:
        """A message reached its recipient's inbox; not ``timely`` after its declared lifetime."""

    def noticed(self, time_s: float, node: int, notice: Notice) -> None:
        """A node told whoever listens at it."""

    def noted(self, time_s: float, node: int, note: Noted) -> None:
        """A node wrote to its log."""

    def sent(
        self, time_s: float, sender: int, receiver: int, frame: bytes, size_bytes: int
    ) -> None:
        """A frame was put on a link, where it counts for ``size_bytes``."""

    def arrived(
        self, time_s: float, sender: int, receiver: int, frame: bytes, size_bytes: int
    ) -> None:
        """A frame came out of a link whole, before the receiver has seen it."""

    def linked(self, time_s: float, first: int, second: int, *, up: bool) -> None:
        """Two nodes that run came within reach of each other, or left it."""

    def faulted(self, time_s: float, fault: Fault) -> None:
        """A planned fault took place."""


# --- attackers -----------------------------------------------------------------------------------


class Mesh(Protocol):
    """What an attacker may do to the world."""

    @property
    def now_s(self) -> float:
        """World time, seconds from 0."""
        ...

    def clock_s(self, node: int) -> float:
        """Give what a node's own clock shows (Unix s)."""
        ...

    def neighbours(self, node: int) -> tuple[int, ...]:
        """Give the nodes with an open link to this one, in the order of their coming."""
        ...

    def peer_id(self, node: int) -> PeerId:
        """Give the name by which neighbours know a node."""
        ...

    def account(self, node: int) -> AccountKey:
        """Give the account of the person at a node."""
        ...

    def send(self, sender: int, receiver: int, frame: bytes) -> bool:
        """Put a frame on the link, past the sender's node and its own interference; False where
        there is no link.
        """
        ...

    def command(self, node: int, command: Command) -> Result:
        """Let the person at a node ask for something."""
        ...

    def alarm(self, node: int, time_s: float) -> None:
        """Have the node's interference woken at a time (world time, not past)."""
        ...


class Interference(Protocol):
    """One node's attacker. It is asked in the order of events, so it may keep state and draw from
    a stream of :mod:`simulations.rng` of its own.
    """

    def leaving(self, mesh: Mesh, node: int, neighbour: int, frame: bytes) -> Sequence[bytes]:
        """Give the frames that leave instead of this one of the node's: ``(frame,)`` for none."""
        ...

    def arriving(self, mesh: Mesh, node: int, neighbour: int, frame: bytes) -> Sequence[bytes]:
        """Give the frames that the node gets to see instead of this one of a neighbour's."""
        ...

    def linked(self, mesh: Mesh, node: int, neighbour: int, *, up: bool) -> None:
        """A link opened (before the node knows) or closed (after it knows)."""
        ...

    def woken(self, mesh: Mesh, node: int) -> None:
        """An alarm is due."""
        ...


class Honest:
    """An interference that changes nothing: what attackers are derived from."""

    def leaving(self, mesh: Mesh, node: int, neighbour: int, frame: bytes) -> Sequence[bytes]:
        """Let it leave."""
        del mesh, node, neighbour
        return (frame,)

    def arriving(self, mesh: Mesh, node: int, neighbour: int, frame: bytes) -> Sequence[bytes]:
        """Let it arrive."""
        del mesh, node, neighbour
        return (frame,)

    def linked(self, mesh: Mesh, node: int, neighbour: int, *, up: bool) -> None:
        """Do nothing."""

    def woken(self, mesh: Mesh, node: int) -> None:
        """Do nothing."""


# --- faults --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Crash:
    """A node stops at once, as by kill -9; its links drop, what is in its store stays."""

    time_s: float
    node: int


@dataclass(frozen=True, slots=True)
class Restart:
    """A node that has crashed runs again, and finds its neighbours. Nothing happens to one that
    runs.

    ``with_memory`` False: what it carried, its tombstones, proofs and messages are lost; keys,
    contacts and sessions are not, as after a move to a new device's empty disk.
    """

    time_s: float
    node: int
    with_memory: bool = True


@dataclass(frozen=True, slots=True)
class ClockSet:
    """A node's clock is from now on ``offset_s`` seconds ahead of the true time."""

    time_s: float
    node: int
    offset_s: float


@dataclass(frozen=True, slots=True)
class Jammed:
    """A node's radio is useless from now on (``on``), or works again; contacts go on meanwhile."""

    time_s: float
    node: int
    on: bool


Fault: TypeAlias = Crash | Restart | ClockSet | Jammed
