"""Links: how bytes reach a neighbour. Flow control, budgets and meaning belong to the core."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from p2p.wire.ids import PeerId


class Link(Protocol):
    """One open, authenticated, encrypted stream to one neighbour; exactly one per neighbour."""

    @property
    def peer(self) -> PeerId:
        """The neighbour, as the transport's handshake proved it."""
        ...

    @property
    def address(self) -> str:
        """The multiaddress at the other end, ending in ``/p2p/<peer id>``."""
        ...

    @property
    def outbound(self) -> bool:
        """Whether this node dialled."""
        ...

    async def send(self, frames: Sequence[bytes]) -> None:
        """Write frames in order, each whole, batched into as few writes as may be.

        Raises:
            LinkFailed: the link is broken or closed; nothing is known of what arrived.
        """
        ...

    async def receive(self) -> list[bytes]:
        """Wait for at least one whole frame and give all that have come.

        Raises:
            LinkFailed: the link ended.
            LimitExceeded: the neighbour announced a frame longer than frames may be.
        """
        ...

    async def aclose(self) -> None:
        """Close the link; safe to call twice."""
        ...


class Network(Protocol):
    """A transport that listens and dials."""

    @property
    def peer_id(self) -> PeerId:
        """This node's own peer id."""
        ...

    def addresses(self) -> tuple[str, ...]:
        """Concrete multiaddresses where this node can be reached, with its peer id."""
        ...

    async def run(
        self, accept: Callable[[Link], Awaitable[None]], started: Callable[[], None]
    ) -> None:
        """Listen until cancelled. Each inbound link is handed to ``accept``, awaited in a task of
        its own; the link closes when ``accept`` returns or raises. ``started`` is called once the
        listeners are up.

        Raises:
            LinkFailed: a listening address cannot be had.
        """
        ...

    async def dial(self, address: str) -> Link:
        """Open a link to ``address``, a multiaddress that may end in ``/p2p/<peer id>``.

        Raises:
            InvalidInput: no multiaddress that this transport can dial.
            LinkFailed: nobody there, another peer id there, no Noise, no link protocol.
        """
        ...


@dataclass(frozen=True, slots=True)
class PeerFound:
    """Somebody was seen: ``source`` is ``mdns`` or ``dht``; addresses end in the peer id."""

    peer: PeerId
    addresses: tuple[str, ...]
    source: str


class Discovery(Protocol):
    """A way to find nodes; runs until cancelled and reports every sighting, repeats included."""

    async def run(self, found: Callable[[PeerFound], None], started: Callable[[], None]) -> None:
        """Announce this node and report others.

        Raises:
            LinkFailed: this way does not work here; the message says why.
        """
        ...
