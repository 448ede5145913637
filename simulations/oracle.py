"""The earliest arrival that any router could reach: unlimited buffers, links of no delay.

A message spreads to everybody in reach the moment it can. This bounds every router in every run;
:func:`reachable` says what a fair comparison counts.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

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
    moments: dict[float, _Moment] = {}
    for change in changes:
        moments.setdefault(change.time_s, _Moment([], [])).changes.append(change)
    for creation in creations:
        moments.setdefault(creation.time_s, _Moment([], [])).creations.append(creation)
    for time_s in sorted(moments):
        spread.pass_moment(time_s, moments[time_s])
    return {
        creation.name: time_s
        for creation, time_s in spread.arrivals
        if time_s - creation.time_s <= ttl_s
    }


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


class _Moment(NamedTuple):
    """What happens at one time."""

    changes: list[ContactChange]
    creations: list[Creation]


class _Spread:
    """Who holds what, with a bit for each message, and who is linked to whom."""

    def __init__(self, nodes: int) -> None:
        self._held = [0] * nodes
        self._near: list[dict[int, None]] = [{} for _ in range(nodes)]
        self._bound_for = [0] * nodes
        self._creations: list[Creation] = []
        self.arrivals: list[tuple[Creation, float]] = []

    def pass_moment(self, time_s: float, moment: _Moment) -> None:
        """Let all contacts of a moment begin, then its messages, and only then contacts end."""
        ended: dict[tuple[int, int], bool] = {}
        for change in moment.changes:
            ended[
                min(change.first, change.second), max(change.first, change.second)
            ] = not change.up
            if change.up:
                self._link(change.first, change.second, time_s)
        for creation in moment.creations:
            bit = 1 << len(self._creations)
            self._creations.append(creation)
            self._bound_for[creation.destination] |= bit
            self._give(creation.source, bit, time_s)
        for (first, second), down in ended.items():
            if down:
                self._near[first].pop(second, None)
                self._near[second].pop(first, None)

    def _link(self, first: int, second: int, time_s: float) -> None:
        if first != second and second not in self._near[first]:
            self._near[first][second] = None
            self._near[second][first] = None
            one, other = self._held[first], self._held[second]
            self._give(second, one & ~other, time_s)
            self._give(first, other & ~one, time_s)

    def _give(self, node: int, messages: int, time_s: float) -> None:
        waiting = [(node, messages)]
        while waiting:
            node, messages = waiting.pop()
            fresh = messages & ~self._held[node]
            if fresh:
                self._held[node] |= fresh
                self._arrive(fresh & self._bound_for[node], time_s)
                waiting.extend((peer, fresh) for peer in self._near[node])

    def _arrive(self, messages: int, time_s: float) -> None:
        while messages:
            index = (messages & -messages).bit_length() - 1
            messages &= messages - 1
            self.arrivals.append((self._creations[index], time_s))
