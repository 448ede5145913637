"""One link per neighbour, although both sides may dial at once.

Pure. Two nodes that dial each other at the same moment get two connections. Both keep the one
that the smaller peer id opened, so they need not talk about it. A register of the links that are
open applies the rule; memory and libp2p networks share it.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, Generic, Protocol, TypeVar

from p2p.errors import LinkFailed
from p2p.wire.ids import PeerId

DIAL_TIMEOUT_S: Final = 10.0
"""From the call of ``dial`` to an open link; what takes longer is not there."""
SIMULTANEOUS_MAX_S: Final = 2 * DIAL_TIMEOUT_S
"""Two links can be born of simultaneous dials only if they are less than this apart."""

assert SIMULTANEOUS_MAX_S > DIAL_TIMEOUT_S


def keep_which(own: PeerId, peer: PeerId, *, outbound: bool) -> bool:
    """Tell whether a link stays when both sides dialled at once.

    True for the link that the smaller peer id opened: both sides come to the same answer, since
    what is outbound for one is inbound for the other. Peer ids compare as text.
    """
    return outbound == (own < peer)


class Registered(Protocol):
    """What the register needs to know of a link."""

    @property
    def peer(self) -> PeerId:
        """The neighbour."""
        ...

    @property
    def outbound(self) -> bool:
        """Whether this node dialled."""
        ...


LinkT = TypeVar("LinkT", bound=Registered)


@dataclass(frozen=True, slots=True)
class Admitted(Generic[LinkT]):
    """The new link is the neighbour's link now; those in ``replaced`` are to be closed."""

    replaced: tuple[LinkT, ...]


@dataclass(frozen=True, slots=True)
class Refused:
    """The neighbour has a better link; the new one is to be closed unseen."""


@dataclass(frozen=True, slots=True)
class _Entry(Generic[LinkT]):
    link: LinkT
    since_s: float


class LinkRegister(Generic[LinkT]):
    """The open links of one node, at most one per neighbour.

    Invariant: of all links handed out for a neighbour, only the newest is alive.
    """

    def __init__(self, own: PeerId) -> None:
        self._own = own
        self._entries: dict[PeerId, _Entry[LinkT]] = {}
        self._dialling: set[PeerId] = set()

    @contextmanager
    def dialling(self, peer: PeerId) -> Generator[None, None, None]:
        """Hold the one place for a dial to ``peer`` while the body runs.

        Two dials of this node to one peer would otherwise replace each other: the peer keeps the
        newer, this node the older.

        Raises:
            LinkFailed: there is a link, or another dial under way.
        """
        if peer in self._entries:
            raise LinkFailed(f"There is a link to {peer} already.")
        if peer in self._dialling:
            raise LinkFailed(f"{peer} is being dialled already.")
        self._dialling.add(peer)
        try:
            yield
        finally:
            self._dialling.discard(peer)

    def admit(self, link: LinkT, now_s: float) -> Admitted[LinkT] | Refused:
        """Decide about a link that has just opened; ``now_s`` is any clock that runs forward.

        A second link that the neighbour opened replaces its first: it would not dial if it did
        not believe the first one dead. So does one that comes too late to be simultaneous.
        """
        entry = self._entries.get(link.peer)
        if entry is None:
            self._entries[link.peer] = _Entry(link, now_s)
            return Admitted(())
        if not self._replaces(entry, link, now_s):
            return Refused()
        self._entries[link.peer] = _Entry(link, now_s)
        return Admitted((entry.link,))

    def _replaces(self, entry: _Entry[LinkT], link: LinkT, now_s: float) -> bool:
        if entry.link.outbound == link.outbound:
            return not link.outbound
        if now_s - entry.since_s > SIMULTANEOUS_MAX_S:
            return True
        return keep_which(self._own, link.peer, outbound=link.outbound)

    def remove(self, link: LinkT) -> None:
        """Forget a link that has ended; nothing happens where another one has taken its place."""
        entry = self._entries.get(link.peer)
        if entry is not None and entry.link is link:
            del self._entries[link.peer]

    def links(self) -> list[LinkT]:
        """Give the open links, oldest first."""
        return [entry.link for entry in self._entries.values()]
