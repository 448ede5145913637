"""Binary spray-and-wait (Spyropoulos, Psounis and Raghavendra, 2005)."""

from __future__ import annotations

from p2p.core.routing.router import Item
from p2p.wire.ids import PeerId


class SprayRouter:
    """Half of the copies for each new carrier, until one is left that waits for the recipient.

    Args:
        copies: L, how many copies a message starts with, 1 to 255.
    """

    name: str = "spray"

    def __init__(self, copies: int) -> None:
        self._copies = copies

    def initial_copies(self) -> int:
        """L."""
        return self._copies

    def share(self, item: Item, peer: PeerId, now_s: float) -> int:
        """Half of what is here, rounded down; the last copy is for the recipient alone."""
        del peer, now_s
        return item.copies // 2

    def keep(self, item: Item, shared: int) -> int:
        """The rest."""
        return item.copies - shared

    def met(self, peer: PeerId, hint: bytes, now_s: float) -> None:
        """Nothing to learn."""

    def hint(self, now_s: float) -> bytes:
        """Nothing to tell."""
        del now_s
        return b""
