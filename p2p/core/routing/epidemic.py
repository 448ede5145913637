"""Epidemic routing (Vahdat and Becker, 2000): everyone gets a copy, within everyone's quota."""

from __future__ import annotations

from typing import Final

from p2p.core.routing.router import Item
from p2p.wire.ids import PeerId

_EACH: Final = 1
"""Copies are not counted down; any number above 0 says "carry it"."""


class EpidemicRouter:
    """Offers everything to everybody: the fastest way while buffers and links are idle."""

    name: str = "epidemic"

    def initial_copies(self) -> int:
        """One, which never runs out."""
        return _EACH

    def share(self, item: Item, peer: PeerId, now_s: float) -> int:
        """One copy for every neighbour."""
        del item, peer, now_s
        return _EACH

    def keep(self, item: Item, shared: int) -> int:
        """At least one: giving away costs nothing."""
        del shared
        return max(item.copies, _EACH)

    def met(self, peer: PeerId, hint: bytes, now_s: float) -> None:
        """Nothing to learn."""

    def hint(self, now_s: float) -> bytes:
        """Nothing to tell."""
        del now_s
        return b""
