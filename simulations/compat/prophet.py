"""PRoPHET in the replayed world, with The ONE's parameters.

Kept beside the production policies, because The ONE's recipients are visible and its
predictabilities age from their last use: what is held against The ONE is its own variant.
Source: Lindgren, Doria and Schelen, 2003; parameters as in The ONE's reference runs.
"""

from __future__ import annotations

from typing import Final

from simulations.compat.exchange import COPIES_MAX, deliver_or_request
from simulations.compat.parts import Copy, Host
from simulations.compat.world import World

ENCOUNTER: Final = 0.75
TRANSITIVITY: Final = 0.25
AGING: Final = 0.98
AGING_UNIT_S: Final = 30.0


class Predictabilities:
    """How likely one node meets each other one, aged lazily."""

    __slots__ = ("_aged_s", "_values")

    def __init__(self) -> None:
        self._values: dict[int, float] = {}
        self._aged_s = 0.0

    def factor(self, now_s: float) -> float:
        """Give what stored values have decayed by since they were last aged."""
        if now_s == self._aged_s:
            return 1.0
        return float(AGING ** ((now_s - self._aged_s) / AGING_UNIT_S))

    def stored(self, address: int) -> float:
        """Give a value as of the last aging; multiply it by :meth:`factor`."""
        return self._values.get(address, 0.0)

    def age(self, now_s: float) -> None:
        """Bring all values to the present."""
        factor = self.factor(now_s)
        if factor != 1.0:
            self._values = {address: value * factor for address, value in self._values.items()}
        self._aged_s = now_s

    def met(self, own: int, peer: int, others: Predictabilities) -> None:
        """Learn from a new contact; both sides have been aged to the present."""
        values = self._values
        old = values.get(peer, 0.0)
        direct = values[peer] = old + (1.0 - old) * ENCOUNTER
        for address, value in others._values.items():
            if address != own:
                old = values.get(address, 0.0)
                values[address] = old + (1.0 - old) * direct * value * TRANSITIVITY


class ProphetExchange:
    """Hands a copy to whoever is likelier to meet the recipient, the likeliest pair first."""

    def __init__(self, nodes: int) -> None:
        self.given = [1] * (COPIES_MAX + 1)
        self.kept = [1] * (COPIES_MAX + 1)
        self.first_copies = 1
        self._known = [Predictabilities() for _ in range(nodes)]

    def linked(self, world: World, first: Host, second: Host) -> None:
        """Both learn, the one that opened the contact first; choices around them may change."""
        one, other = self._known[first.address], self._known[second.address]
        one.age(world.now_s)
        other.age(world.now_s)
        one.met(first.address, second.address, other)
        other.met(second.address, first.address, one)
        world.wake(first.near | second.near)

    def offer(self, world: World, host: Host, peers: int) -> None:
        """Try direct deliveries, then the message and peer of the greatest predictability."""
        if deliver_or_request(world, host, peers):
            return
        best: tuple[float, float] | None = None
        choice: tuple[int, Copy] | None = None
        for address in host.links:
            if peers >> address & 1:
                wanted = host.held & world.hosts[address].open
                if wanted:
                    for value, copy in self._likelier(world, host, address, wanted):
                        rank = (-value, copy.received_s)
                        if best is None or rank < best:
                            best, choice = rank, (address, copy)
        if choice is not None:
            world.start(host, *choice)

    def _likelier(
        self, world: World, host: Host, address: int, wanted: int
    ) -> list[tuple[float, Copy]]:
        """Give the copies, in map order, for whose recipients a peer is the better carrier."""
        own, peer = self._known[host.address], self._known[address]
        own_factor, peer_factor = own.factor(world.now_s), peer.factor(world.now_s)
        found: list[tuple[float, Copy]] = []
        while wanted:
            message = world.messages[wanted.bit_length() - 1]
            wanted ^= message.bit
            value = peer.stored(message.recipient) * peer_factor
            if value > own.stored(message.recipient) * own_factor:
                found.append((value, host.copies[message]))
        if len(found) > 1:
            order = {id(copy): n for n, copy in enumerate(host.in_map_order(c for _, c in found))}
            found.sort(key=lambda pair: order[id(pair[1])])
        return found
