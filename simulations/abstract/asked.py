"""Production's PRoPHET in an abstract run: one router a node, asked about every recipient.

Its answer hangs on the recipient and on what both sides learned, never on the count of copies, and
likelihoods of both sides age alike; so an answer holds until the asked node meets somebody.
"""

from __future__ import annotations

from collections.abc import Sequence

from p2p.core.routing.router import Item, Router
from p2p.wire.ids import EnvelopeId, PeerId
from simulations.abstract.parts import Node
from simulations.protocol.routers import make_routers, recipient_name
from simulations.trace import Creation

_NOBODY = EnvelopeId(bytes(32))


class AskedRouters:
    """Every node's router, and the answers that still hold.

    Args:
        creations: by the number that rows of custody give them.
    """

    def __init__(self, router: str, copies: int, nodes: int, creations: Sequence[Creation]) -> None:
        self._make = make_routers(router, copies)
        self._routers: list[Router] = [self._make(address) for address in range(nodes)]
        self._answers: list[dict[tuple[int, int], bool]] = [{} for _ in range(nodes)]
        self._destinations = [creation.destination for creation in creations]

    def meet(self, first: Node, second: Node, now_s: float) -> None:
        """Let both exchange hints, as in a Hello."""
        one, other = self._routers[first.address], self._routers[second.address]
        hint, answer = one.hint(now_s), other.hint(now_s)
        one.met(PeerId(str(second.address)), answer, now_s)
        other.met(PeerId(str(first.address)), hint, now_s)
        self._answers[first.address].clear()
        self._answers[second.address].clear()

    def forget(self, node: Node) -> None:
        """Let a node begin anew."""
        self._routers[node.address] = self._make(node.address)
        self._answers[node.address].clear()

    def first(self, node: Node, peer: Node, messages: int, now_s: float) -> int:
        """Give the bit of the first of some messages that a node's router shares with a peer."""
        answers = self._answers[node.address]
        while messages:
            bit = messages & -messages
            destination = self._destinations[bit.bit_length() - 1]
            shares = answers.get((peer.address, destination))
            if shares is None:
                item = Item(_NOBODY, 0, 1, 0, recipient_name(destination))
                router = self._routers[node.address]
                shares = router.share(item, PeerId(str(peer.address)), now_s) > 0
                answers[peer.address, destination] = shares
            if shares:
                return bit
            messages ^= bit
        return 0
