"""What routers do in the replayed world, once the rules of links and buffers leave a choice."""

from __future__ import annotations

from typing import Final

from p2p.core.routing.router import Item, Router
from p2p.wire.ids import EnvelopeId, PeerId
from simulations.compat.parts import Copy, Host
from simulations.compat.world import World

COPIES_MAX: Final = 255
"""The largest count of copies that the Router protocol knows."""


def deliver_or_request(world: World, host: Host, peers: int, own: list[Copy]) -> bool:
    """Try the first steps of every router: own mail for a peer, then a peer's mail for this host.

    Args:
        peers: idle peers.
        own: copies for one of these peers that it may still want, in the order of the queue.
    """
    for copy in own:
        if world.start(host, copy.message.recipient, copy):
            return True
    expected = world.expected[host.address]
    carriers = 0
    for message in expected:
        carriers |= message.holders
    if carriers & peers:
        for address in host.links:
            bit = 1 << address
            if not carriers & peers & bit:
                continue
            peer = world.hosts[address]
            held = (peer.copies[message] for message in expected if message.holders & bit)
            for copy in peer.in_map_order(held):
                if world.start(peer, host.address, copy):
                    return True
    return False


class CountedExchange:
    """Routers whose choice depends on the count of copies alone, with production's own policy.

    The policy is asked once for every count; The ONE and the product agree on what it means: the
    count is read when the transfer begins, the receiver gets ``share``, the sender keeps ``keep``.

    Args:
        router: a production router without a memory of encounters.
    """

    def __init__(self, router: Router) -> None:
        peer = PeerId(b"")
        items = [Item(EnvelopeId(bytes(32)), 0, copies, 0, b"") for copies in range(COPIES_MAX + 1)]
        self._given = [router.share(item, peer, 0.0) for item in items]
        self._kept = [
            router.keep(item, given) for item, given in zip(items, self._given, strict=True)
        ]
        self._first = router.initial_copies()

    def first_copies(self) -> int:
        """Give the router's own start."""
        return self._first

    def kept(self, copies: int) -> int:
        """Give what the router keeps."""
        return self._kept[copies]

    def given(self, copies: int) -> int:
        """Give what the router shares."""
        return self._given[copies]

    def linked(self, world: World, first: Host, second: Host) -> None:
        """Encounters teach these routers nothing."""

    def offer(self, world: World, host: Host, peers: int) -> None:
        """Try direct deliveries, then connection by connection what the router would share."""
        given = self._given
        anyone = 0
        own: list[Copy] = []
        for message, copy in host.copies.items():
            takers = peers & message.wanting
            if takers:
                if takers & message.recipient_bit:
                    own.append(copy)
                if given[copy.copies]:
                    anyone |= takers
        if deliver_or_request(world, host, peers, own) or not anyone:
            return
        for address in host.links:
            bit = 1 << address
            if anyone & bit:
                for message, copy in host.copies.items():
                    if (
                        message.wanting & bit
                        and given[copy.copies]
                        and world.start(host, address, copy)
                    ):
                        return
