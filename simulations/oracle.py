"""The earliest arrival that any router could reach: unlimited buffers, links of no delay.

A message spreads to everybody in reach the moment it can. This bounds every router in every run;
:func:`reachable` says what a fair comparison counts.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from operator import itemgetter

from simulations.trace import ContactChange, Creation


def earliest_arrivals(
    nodes: int, changes: Sequence[ContactChange], creations: Iterable[Creation], ttl_s: float
) -> dict[str, float]:
    """Give, by name, the earliest time at which each message can be at its recipient.

    Messages that cannot arrive within ``ttl_s`` of their creation are missing.

    Args:
        nodes: addresses run from 0 to ``nodes - 1``.
        changes: contacts in order of time; an up of a live contact and a down of a dead one count
            for nothing. A contact's first and last moments count: what is created when a contact
            ends can still use it, so that no order of work within a moment beats the oracle.
        creations: in order of time.
        ttl_s: lifetime; infinity for none.
    """
    spread = _Spread(nodes)
    of_time = itemgetter(0)
    links = iter([*sorted(changes, key=of_time), _NEVER])
    births = iter([*sorted(creations, key=of_time), _UNBORN])
    change, creation = next(links), next(births)
    while (time_s := min(change[0], creation[0])) < math.inf:
        # Within a moment contacts begin, then messages, and only then contacts end.
        ended: dict[tuple[int, int], None] = {}
        while change[0] == time_s:
            _, first, second, up = change
            pair = (first, second) if first < second else (second, first)
            if up:
                ended.pop(pair, None)
                spread.link(first, second, time_s)
            else:
                ended[pair] = None
            change = next(links)
        while creation[0] == time_s:
            spread.create(creation)
            creation = next(births)
        for pair in ended:
            spread.unlink(*pair)
    return {
        creation.name: time_s
        for creation, time_s in spread.arrivals
        if time_s - creation.time_s <= ttl_s
    }


_NEVER = ContactChange(math.inf, 0, 0, up=False)
_UNBORN = Creation(math.inf, "", 0, 0, 0)


def reachable(
    nodes: int,
    changes: Sequence[ContactChange],
    creations: Sequence[Creation],
    ttl_s: float,
    end_s: float,
) -> float:
    """Give the share of messages that can arrive at all before the end; NaN where none exist."""
    if not creations:
        return math.nan
    arrivals = earliest_arrivals(nodes, changes, creations, ttl_s)
    return sum(time_s <= end_s for time_s in arrivals.values()) / len(creations)


class _Spread:
    """Who holds what, with a bit for each message, and who is linked to whom."""

    def __init__(self, nodes: int) -> None:
        self._held = [0] * nodes
        self._near: list[dict[int, None]] = [{} for _ in range(nodes)]
        self._bound_for = [0] * nodes
        self._creations: list[Creation] = []
        self.arrivals: list[tuple[Creation, float]] = []

    def link(self, first: int, second: int, time_s: float) -> None:
        """Let two nodes share all they have, and all that they get while they are linked."""
        near = self._near[first]
        if first == second or second in near:
            return
        near[second] = self._near[second][first] = None
        one, other = self._held[first], self._held[second]
        if one != other:
            self._give(second, one & ~other, time_s)
            self._give(first, other & ~one, time_s)

    def unlink(self, first: int, second: int) -> None:
        """End a contact, if there is one."""
        self._near[first].pop(second, None)
        self._near[second].pop(first, None)

    def create(self, creation: Creation) -> None:
        """Put a message where it is written, and wherever it can be at once."""
        bit = 1 << len(self._creations)
        self._creations.append(creation)
        self._bound_for[creation.destination] |= bit
        self._give(creation.source, bit, creation.time_s)

    def _give(self, node: int, messages: int, time_s: float) -> None:
        waiting = [(node, messages)]
        held = self._held
        while waiting:
            node, messages = waiting.pop()
            fresh = messages & ~held[node]
            if fresh:
                held[node] |= fresh
                arrived = fresh & self._bound_for[node]
                while arrived:
                    index = (arrived & -arrived).bit_length() - 1
                    arrived &= arrived - 1
                    self.arrivals.append((self._creations[index], time_s))
                waiting.extend([(peer, fresh) for peer in self._near[node]])
