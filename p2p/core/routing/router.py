"""The Router protocol: a policy that sees envelopes and neighbours, never recipients."""

from __future__ import annotations

from typing import Protocol

from msgspec import Struct

from p2p.wire.ids import EnvelopeId, PeerId


class Item(Struct, frozen=True):
    """What a router may know of a carried object.

    Attributes:
        copies: copies held here that may still be given away, including the one that stays.
        recipient_hint: empty, or bits of the recipient's mailbox tag where the sender shows them;
            in simulations with visible recipients, their name.
    """

    id: EnvelopeId
    size_bytes: int
    copies: int
    hops: int
    recipient_hint: bytes


class Router(Protocol):
    """Decides what to offer. Pure but for its own bounded memory of encounters.

    Every envelope is offered to every neighbour; :meth:`share` says how many copies go with it,
    and 0 means "only if it is for you", so direct delivery needs no case of its own.
    """

    @property
    def name(self) -> str:
        """The name in configuration, logs and results."""
        ...

    def initial_copies(self) -> int:
        """Give how many copies a message of our own starts with (1 to 255)."""
        ...

    def share(self, item: Item, peer: PeerId, now_s: float) -> int:
        """Give how many copies to offer this neighbour: 0 to ``item.copies``."""
        ...

    def keep(self, item: Item, shared: int) -> int:
        """Give how many copies stay here after ``shared`` were taken by a neighbour."""
        ...

    def met(self, peer: PeerId, hint: bytes, now_s: float) -> None:
        """Take note of a neighbour's Hello and its router's hint (any bytes of up to 4 KiB)."""
        ...

    def hint(self, now_s: float) -> bytes:
        """Give what our Hello tells neighbours' routers; empty for most policies."""
        ...
