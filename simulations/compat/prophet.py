"""PRoPHET in the replayed world, with The ONE's parameters.

Kept beside the production policies, because The ONE's recipients are visible, its
predictabilities age whenever they are read, and its transitivity adds where RFC 6693 takes the
greater. Meeting and aging are the production policy's own functions.
Source: Lindgren, Doria and Schelen, 2003; parameters as in The ONE's reference runs.
"""

from __future__ import annotations

from array import array
from typing import Final

import numpy as np
from numpy.typing import NDArray

from p2p.core.routing.prophet import aging, encountered
from simulations.compat.exchange import deliver_or_request
from simulations.compat.parts import Copy, Host
from simulations.compat.world import World
from simulations.policy import COPIES_MAX

ENCOUNTER: Final = 0.75
TRANSITIVITY: Final = 0.25
AGING: Final = 0.98
AGING_UNIT_S: Final = 30.0


_CHUNK: Final = 4096
"""Multiplications done in one call."""


class Predictabilities:
    """How likely one node meets each other one.

    The ONE ages all values whenever one is asked for, and near ties hang on the last bit; so the
    same multiplications are done in the same order here.

    Attributes:
        values: by address.
        read: the same memory, faster to read one by one.
        aged_s: the moment that they belong to.
    """

    __slots__ = ("aged_s", "read", "values")

    def __init__(self, nodes: int) -> None:
        self.read = array("d", bytes(8 * nodes))
        self.values: NDArray[np.float64] = np.frombuffer(self.read, dtype=np.float64)
        self.aged_s = 0.0

    def age(self, now_s: float) -> None:
        """Bring all values to the present."""
        if now_s != self.aged_s:
            self.values *= aging(now_s - self.aged_s, AGING, AGING_UNIT_S)
            self.aged_s = now_s

    def age_each_second(self, first_s: float, last_s: float) -> None:
        """Age at ``first_s`` and at every second after it, up to ``last_s``."""
        self.age(first_s)
        left = round(last_s - first_s)
        factor = aging(1.0, AGING, AGING_UNIT_S)
        while left > 0:
            count = min(left, _CHUNK)
            left -= count
            factors = np.broadcast_to(factor, (count, len(self.values)))
            self.values[:] = np.multiply.reduce(np.vstack((self.values, factors)), axis=0)
        self.aged_s = last_s

    def met(self, own: int, peer: int, others: Predictabilities) -> None:
        """Learn from a new contact; both sides have been aged to the present."""
        values = self.values
        direct = encountered(float(values[peer]), ENCOUNTER, 0.0)
        values[peer] = direct
        kept = values[own]
        values += (1.0 - values) * direct * others.values * TRANSITIVITY
        values[own] = kept


class ProphetExchange:
    """Hands a copy to whoever is likelier to meet the recipient, the likeliest pair first."""

    def __init__(self, nodes: int) -> None:
        self.given = [1] * (COPIES_MAX + 1)
        self.kept = [1] * (COPIES_MAX + 1)
        self.first_copies = 1
        self.everyone_asks = True
        self._known = [Predictabilities(nodes) for _ in range(nodes)]

    def linked(self, world: World, first: Host, second: Host) -> None:
        """Both learn, the one that opened the contact first; choices around them may change."""
        one, other = self._known[first.address], self._known[second.address]
        one.age(world.now_s)
        other.age(world.now_s)
        one.met(first.address, second.address, other)
        other.met(second.address, first.address, one)

    def rested(self, world: World, first_s: float, last_s: float) -> None:
        """Idle hosts with something that a peer lacks ask for predictabilities every second."""
        asking = 0
        for host in world.hosts:
            peers = host.near & world.idle
            if host.held and peers and world.idle & host.bit:
                for address in host.links:
                    if peers >> address & 1 and host.held & ~world.hosts[address].held:
                        asking |= host.bit | 1 << address
        for host in world.hosts:
            if asking & host.bit:
                self._known[host.address].age_each_second(first_s, last_s)

    def offer(self, world: World, host: Host, peers: int) -> None:
        """Try direct deliveries, then the message and peer of the greatest predictability."""
        if deliver_or_request(world, host, peers):
            return
        choice = self._choose(world, host, peers)
        if choice is not None:
            world.start(host, *choice)

    def _choose(self, world: World, host: Host, peers: int) -> tuple[int, Copy] | None:
        """Give the idle peer and the copy of the greatest predictability.

        Equals: the copy that came first; then the earlier connection; then the hash map's order.
        """
        own = self._known[host.address]
        best, best_s = 0.0, 0.0
        choice = -1
        equals: list[Copy] = []
        for address in host.links:
            peer = world.hosts[address]
            if not peers >> address & 1 or not host.held & ~peer.held:
                continue
            known = self._known[address]
            if known.aged_s != world.now_s:
                known.age(world.now_s)
            if own.aged_s != world.now_s:
                own.age(world.now_s)
            value, copies = _likeliest(world, host, host.held & peer.open, known, own, best)
            if copies and (value > best or copies[0].received_s < best_s):
                best, best_s, choice, equals = value, copies[0].received_s, address, copies
        if not equals:
            return None
        return choice, equals[0] if len(equals) == 1 else host.in_map_order(equals)[0]


def _likeliest(
    world: World,
    host: Host,
    wanted: int,
    peer: Predictabilities,
    own: Predictabilities,
    at_least: float,
) -> tuple[float, list[Copy]]:
    """Give the greatest predictability of a peer that beats the host's own, and its copies.

    Of copies with that predictability those that came first; none where it is below ``at_least``.
    """
    messages, theirs, mine = world.messages, peer.read, own.read
    best, best_s = at_least, 0.0
    found: list[Copy] = []
    while wanted:
        message = messages[wanted.bit_length() - 1]
        wanted ^= message.bit
        recipient = message.recipient
        value = theirs[recipient]
        if value >= best and value > mine[recipient]:
            copy = host.copies[message]
            received_s = copy.received_s
            if not found or value > best or received_s < best_s:
                best, best_s, found = value, received_s, [copy]
            elif received_s == best_s:
                found.append(copy)
    return best, found
