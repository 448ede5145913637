"""What a network that changes in time connects: temporal efficiency, reach, and robustness.

Information passes a contact at any moment of its life, at no cost in time; a way through the
network goes forward in time only. Definitions: temporal efficiency and robustness after Scellato,
Leontiadis, Mascolo, Basu and Zafer (INFOCOM 2011), components after Nicosia et al. (Chaos, 2012).
The strong temporal component is NP-hard to find; the largest *out-component*, the most nodes that
one node reaches, is not, and is what a message from there can hope for.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from p2p.errors import InvalidInput
from simulations.rng import stream
from simulations.trace import ContactChange

RemovalOrder: TypeAlias = Literal["random", "degree"]
"""Who fails first: anybody, or whoever has the most contacts."""


@dataclass(frozen=True, slots=True)
class Reach:
    """What can pass between whom from one moment on.

    Attributes:
        efficiency: the mean over ordered pairs of 1 / (1 + delay in whole units), 0 where nothing
            can pass; NaN below two nodes.
        largest: the most nodes that one node reaches, itself included.
    """

    efficiency: float
    largest: int


@dataclass(frozen=True, slots=True)
class Step:
    """A network of which a share of nodes is gone.

    Attributes:
        removed_share: 0 to 1.
        robustness: efficiency left, as a share of the whole network's; NaN where that is 0.
        largest_share: nodes in the largest out-component, as a share of all nodes.
    """

    removed_share: float
    robustness: float
    largest_share: float


def reach(
    nodes: int,
    changes: Sequence[ContactChange],
    start_s: float,
    end_s: float,
    unit_s: float,
    removed: frozenset[int] = frozenset(),
) -> Reach:
    """Let every node tell everybody something at ``start_s``; see who heard it when.

    Args:
        nodes: addresses run from 0 to ``nodes - 1``.
        changes: contacts in order of time.
        start_s, end_s: the window.
        unit_s: delays below it count as none.
        removed: nodes that take no part. Pairs with them count, as pairs that nothing can pass.

    Raises:
        InvalidInput: a unit of 0 or less, or an end before the start.
    """
    if not (unit_s > 0 and end_s >= start_s):
        raise InvalidInput("Allowed are a unit above 0 and an end that is not before the start.")
    flood = _Flood(nodes, removed, start_s, unit_s)
    started = False
    place = 0
    while place < len(changes) and changes[place].time_s <= end_s:
        time_s = changes[place].time_s
        if not started and time_s >= start_s:
            flood.begin()
            started = True
        beyond = place
        while beyond < len(changes) and changes[beyond].time_s == time_s:
            beyond += 1
        flood.pass_moment(changes[place:beyond])
        place = beyond
    if not started:
        flood.begin()
    pairs = nodes * (nodes - 1)
    return Reach(flood.nearness / pairs if pairs else math.nan, flood.largest())


def robustness(
    nodes: int,
    changes: Sequence[ContactChange],
    end_s: float,
    unit_s: float,
    removed_shares: Sequence[float],
    order: RemovalOrder,
    seed: int,
    starts: int = 3,
) -> list[Step]:
    """Give what is left of a network as a growing share of its nodes is gone from the start.

    Figures are means over ``starts`` windows that begin at equal distances and end at ``end_s``.

    Raises:
        InvalidInput: a share outside 0 to 1, or no start.
    """
    if starts < 1 or not all(0 <= share <= 1 for share in removed_shares):
        raise InvalidInput("Allowed are shares from 0 to 1, and one start or more.")
    failing = removal_order(nodes, changes, order, seed)
    begins = [end_s * number / starts for number in range(starts)]
    whole = _mean_reach(nodes, changes, begins, end_s, unit_s, frozenset())
    steps: list[Step] = []
    for share in removed_shares:
        gone = frozenset(failing[: round(share * nodes)])
        left = _mean_reach(nodes, changes, begins, end_s, unit_s, gone) if gone else whole
        efficiency = left[0] / whole[0] if whole[0] else math.nan
        steps.append(Step(share, efficiency, left[1] / nodes if nodes else math.nan))
    return steps


def removal_order(
    nodes: int, changes: Sequence[ContactChange], order: RemovalOrder, seed: int
) -> list[int]:
    """Give all nodes in the order in which they fail; equal degrees by address."""
    addresses = list(range(nodes))
    if order == "random":
        stream(seed, "removal-order").shuffle(addresses)
        return addresses
    degrees = contact_counts(nodes, changes)
    return sorted(addresses, key=lambda node: -degrees[node])


def contact_counts(nodes: int, changes: Sequence[ContactChange]) -> list[int]:
    """Give how many contacts began at each node."""
    counts = [0] * nodes
    for change in changes:
        if change.up:
            counts[change.first] += 1
            counts[change.second] += 1
    return counts


def _mean_reach(
    nodes: int,
    changes: Sequence[ContactChange],
    begins: Sequence[float],
    end_s: float,
    unit_s: float,
    removed: frozenset[int],
) -> tuple[float, float]:
    found = [reach(nodes, changes, start_s, end_s, unit_s, removed) for start_s in begins]
    efficiency = math.fsum(one.efficiency for one in found) / len(found)
    return efficiency, sum(one.largest for one in found) / len(found)


class _Flood:
    """Who has heard from whom, with a bit for each node that speaks."""

    def __init__(self, nodes: int, removed: frozenset[int], start_s: float, unit_s: float) -> None:
        self._near: list[dict[int, None]] = [{} for _ in range(nodes)]
        self._heard = [0] * nodes
        self._alive = [node not in removed for node in range(nodes)]
        self._start_s, self._unit_s = start_s, unit_s
        self._running = False
        self._weight = 1.0
        self.nearness = 0.0

    def begin(self) -> None:
        """Let every live node speak, over the contacts that are there."""
        self._running = True
        for node, alive in enumerate(self._alive):
            if alive:
                self._hear(node, 1 << node)
        self.nearness -= sum(self._alive)  # nobody counts as their own listener

    def pass_moment(self, changes: Sequence[ContactChange]) -> None:
        """Let a moment's contacts begin; contacts end only after that."""
        delay = max(0.0, changes[0].time_s - self._start_s)
        self._weight = 1.0 / (1 + delay // self._unit_s)
        last: dict[tuple[int, int], bool] = {}
        for change in changes:
            pair = (min(change.first, change.second), max(change.first, change.second))
            last[pair] = change.up
            if change.up and change.first != change.second:
                self._link(*pair)
        for (first, second), up in last.items():
            if not up:
                self._near[first].pop(second, None)
                self._near[second].pop(first, None)

    def largest(self) -> int:
        """Give the most listeners that one speaker has, the speaker included."""
        counts = [0] * len(self._heard)
        for speakers in self._heard:
            left = speakers
            while left:
                counts[(left & -left).bit_length() - 1] += 1
                left &= left - 1
        return max(counts, default=0)

    def _link(self, first: int, second: int) -> None:
        if not (self._alive[first] and self._alive[second]):
            return
        self._near[first][second] = None
        self._near[second][first] = None
        if self._running:
            one, other = self._heard[first], self._heard[second]
            self._hear(second, one & ~other)
            self._hear(first, other & ~one)

    def _hear(self, node: int, speakers: int) -> None:
        waiting = [(node, speakers)]
        while waiting:
            node, speakers = waiting.pop()
            fresh = speakers & ~self._heard[node]
            if fresh:
                self._heard[node] |= fresh
                self.nearness += fresh.bit_count() * self._weight
                waiting.extend((peer, fresh) for peer in self._near[node])
