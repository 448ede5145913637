"""Production routers for the nodes of a run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from p2p.core.config import NodeConfig
from p2p.core.routing.prophet import ProphetRouter
from p2p.core.routing.router import Item, Router
from p2p.core.routing.table import router_for
from p2p.wire.ids import PeerId
from simulations.protocol.ledger import Ledger

_NAME_BYTES: Final = 3


def recipient_name(node: int) -> bytes:
    """Give what a visible recipient is called: as short as can be, since neighbours tell it."""
    return node.to_bytes(_NAME_BYTES, "big").lstrip(b"\0") or b"\0"


class VisibleRecipients:
    """A router that is told for whom a scenario's message is; it decides as it always does."""

    def __init__(self, router: Router, ledger: Ledger) -> None:
        self._router = router
        self._ledger = ledger

    @property
    def name(self) -> str:
        """The router's own name."""
        return self._router.name

    def initial_copies(self) -> int:
        """The router's choice."""
        return self._router.initial_copies()

    def share(self, item: Item, peer: PeerId, now_s: float) -> int:
        """The router's choice, knowing the recipient."""
        return self._router.share(self._shown(item), peer, now_s)

    def keep(self, item: Item, shared: int) -> int:
        """The router's choice, knowing the recipient."""
        return self._router.keep(self._shown(item), shared)

    def met(self, peer: PeerId, hint: bytes, now_s: float) -> None:
        """Tell the router."""
        self._router.met(peer, hint, now_s)

    def hint(self, now_s: float) -> bytes:
        """The router's hint."""
        return self._router.hint(now_s)

    def _shown(self, item: Item) -> Item:
        creation = self._ledger.creation_of(item.id)
        if creation is None:
            return item
        name = recipient_name(creation.destination)
        return Item(item.id, item.size_bytes, item.copies, item.hops, name)


def make_routers(router: str, copies: int) -> Callable[[int], Router]:
    """Give what makes each node's router by a name of the product's.

    Raises:
        InvalidInput: no router of that name.
    """
    config = NodeConfig(router=router, spray_copies=copies)
    router_for(config)

    def make(node: int) -> Router:
        if router == ProphetRouter.name:
            return ProphetRouter(copies, recipient_name(node))
        return router_for(config)

    return make
