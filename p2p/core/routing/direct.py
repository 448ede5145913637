"""Direct delivery: keep it until the recipient is a neighbour."""

from __future__ import annotations

from p2p.core.routing.router import Item
from p2p.wire.ids import PeerId


class DirectRouter:
    """Gives copies to nobody but the recipient; the lower bound for every other policy."""

    name: str = "direct"

    def initial_copies(self) -> int:
        """One: ours."""
        return 1

    def share(self, item: Item, peer: PeerId, now_s: float) -> int:
        """Nothing, ever: the offer says "only if it is for you"."""
        del item, peer, now_s
        return 0

    def keep(self, item: Item, shared: int) -> int:
        """All of it."""
        del shared
        return item.copies

    def met(self, peer: PeerId, hint: bytes, now_s: float) -> None:
        """Nothing to learn."""

    def hint(self, now_s: float) -> bytes:
        """Nothing to tell."""
        del now_s
        return b""
