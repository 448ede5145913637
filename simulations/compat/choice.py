"""What a router of the replayed world is asked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from simulations.compat.parts import Host

if TYPE_CHECKING:
    from simulations.compat.world import World


class Exchange(Protocol):
    """What a router of the replayed world decides."""

    @property
    def first_copies(self) -> int:
        """The count that a new message starts with."""
        ...

    @property
    def kept(self) -> Sequence[int]:
        """The sender's count after a transfer, by the count with which it began."""
        ...

    @property
    def given(self) -> Sequence[int]:
        """The receiver's count after a transfer, by the count with which it began."""
        ...

    @property
    def everyone_asks(self) -> bool:
        """Whether being asked changes something, so that no idle host is left out of a round."""
        ...

    def linked(self, world: World, first: Host, second: Host) -> None:
        """Take note of a new connection."""
        ...

    def rested(self, world: World, first_s: float, last_s: float) -> None:
        """Take note of rounds, one each second, in which nothing could begin or end."""
        ...

    def offer(self, world: World, host: Host, peers: int) -> None:
        """Start a transfer from or to an idle host, if any of the idle ``peers`` allows one."""
        ...
