"""What routers do in the replayed world, once the rules of links and buffers leave a choice."""

from __future__ import annotations

from simulations.compat.parts import Copy, Host
from simulations.compat.world import World
from simulations.policy import CountedPolicy


def deliver_or_request(world: World, host: Host, peers: int) -> bool:
    """Try the first steps of every router: own mail for a peer, then a peer's mail for this host.

    Args:
        peers: idle peers.
    """
    if host.cargo & peers:
        cargo = 0
        first: Copy | None = None
        for message, copy in host.copies.items():
            recipient = message.recipient_bit & message.open_to
            cargo |= recipient
            if first is None and recipient & peers & ~message.holders:
                first = copy
        host.cargo = cargo
        if first is not None:
            world.start(host, first.message.recipient, first)
            return True
    expected = world.expected[host.address]
    carriers = 0
    for message in expected:
        carriers |= message.holders
    if not carriers & peers:
        return False
    for address in host.links:
        if not carriers & peers & 1 << address:
            continue
        peer = world.hosts[address]
        held = [peer.copies[message] for message in expected if message.bit & peer.held & host.open]
        if held:
            world.start(peer, host.address, peer.in_map_order(held)[0])
            return True
    return False


class CountedExchange:
    """Routers whose choice depends on the count of copies alone, with production's own policy.

    The policy is asked once for every count; The ONE and the product agree on what it means: the
    count is read when the transfer begins, the receiver gets ``share``, the sender keeps ``keep``.

    """

    def __init__(self, policy: CountedPolicy) -> None:
        self.given = policy.given
        self.kept = policy.kept
        self.first_copies = policy.first
        self.everyone_asks = False
        self._counts = not all(self.given)

    def linked(self, world: World, first: Host, second: Host) -> None:
        """Encounters teach these routers nothing."""

    def rested(self, world: World, first_s: float, last_s: float) -> None:
        """Time teaches them nothing either."""

    def offer(self, world: World, host: Host, peers: int) -> None:
        """Try direct deliveries, then connection by connection what the router would share."""
        if deliver_or_request(world, host, peers):
            return
        held = host.held
        if self._counts:
            held = self._shareable(host)
            if not held:
                return
        hosts = world.hosts
        for address in host.links:
            if peers >> address & 1:
                wanted = held & hosts[address].open
                if wanted:
                    world.start(host, address, first_in_queue(world, host, wanted))
                    return

    def _shareable(self, host: Host) -> int:
        given = self.given
        messages = 0
        for message, copy in host.copies.items():
            if given[copy.copies]:
                messages |= message.bit
        return messages


def first_in_queue(world: World, host: Host, wanted: int) -> Copy:
    """Give the copy that is first in a host's queue, of some that it holds by their bits."""
    if not wanted & (wanted - 1):
        return host.copies[world.messages[wanted.bit_length() - 1]]
    for message, copy in host.copies.items():
        if wanted & message.bit:
            return copy
    raise AssertionError("a wanted message is not in the queue")
