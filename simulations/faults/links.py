"""Which links exist: contacts and internet links, less what faults take away.

A link exists while at least one of its two carriers does: the radio contact, unless one end is
jammed, or the internet link, unless the internet is off; and only while both ends are on and no
partition separates them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias, assert_never

from simulations.faults.cuts import Cut
from simulations.faults.outages import Outage
from simulations.trace import ContactChange

Pair: TypeAlias = tuple[int, int]


class Switched(NamedTuple):
    """A node goes off, or on."""

    node: int
    on: bool


class JammedAt(NamedTuple):
    """A node enters a jammed disc, or leaves it (or the disc begins or ends around it)."""

    node: int
    on: bool


class InternetTurned(NamedTuple):
    """A shutdown begins or ends."""

    on: bool


class CutTurned(NamedTuple):
    """A partition begins, ends, or its ferries change sides."""

    cut: Cut
    on: bool


Trouble: TypeAlias = Switched | JammedAt | InternetTurned | CutTurned


@dataclass(frozen=True, slots=True)
class Troubles:
    """All that happens to links.

    Attributes:
        outages: nodes that are off.
        cuts: partitions.
        shutdowns: (from, until) of each.
        jammed: (time, node, on) of each disc, in order of time.
        edges: links over the internet.
    """

    outages: Sequence[Outage] = ()
    cuts: Sequence[Cut] = ()
    shutdowns: Sequence[tuple[float, float]] = ()
    jammed: Sequence[tuple[float, int, bool]] = ()
    edges: Sequence[Pair] = field(default=())

    @property
    def none(self) -> bool:
        """Whether contacts are links as they are."""
        return not (self.outages or self.cuts or self.shutdowns or self.jammed or self.edges)


def links(
    nodes: int, contacts: Iterable[ContactChange], troubles: Troubles, end_s: float
) -> list[ContactChange]:
    """Give the links that exist, as contacts in order of time.

    What troubles do at a moment comes before what contacts do. Contacts without troubles are given
    as they are.
    """
    if troubles.none:
        return list(contacts)
    seen = _Links(nodes, troubles.edges)
    waiting = sorted(_agenda(troubles, end_s), key=lambda entry: entry[0])
    waiting.reverse()
    for change in contacts:
        while waiting and waiting[-1][0] <= change.time_s:
            seen.suffer(*waiting.pop())
        if change.time_s <= end_s:
            seen.meet(change)
    while waiting:
        seen.suffer(*waiting.pop())
    seen.begin()
    return seen.changes


def _agenda(troubles: Troubles, end_s: float) -> list[tuple[float, Trouble]]:
    found: list[tuple[float, Trouble]] = []
    for outage in troubles.outages:
        found.append((outage.from_s, Switched(outage.node, on=False)))
        found.append((outage.until_s, Switched(outage.node, on=True)))
    for cut in troubles.cuts:
        found.append((cut.from_s, CutTurned(cut, on=True)))
        found += [(time_s, CutTurned(cut, on=True)) for time_s in cut.turns_s(end_s)]
        found.append((cut.until_s, CutTurned(cut, on=False)))
    for from_s, until_s in troubles.shutdowns:
        found.append((from_s, InternetTurned(on=False)))
        found.append((until_s, InternetTurned(on=True)))
    found += [(time_s, JammedAt(node, on)) for time_s, node, on in troubles.jammed]
    return [entry for entry in found if entry[0] <= end_s]


class _Links:
    """Who could be linked to whom, and who is."""

    def __init__(self, nodes: int, edges: Iterable[Pair]) -> None:
        self.changes: list[ContactChange] = []
        self._radio: set[Pair] = set()
        self._near: list[dict[int, None]] = [{} for _ in range(nodes)]
        self._live: dict[Pair, Pair] = {}
        self._off = [0] * nodes
        self._jammed = [0] * nodes
        self._shutdowns = 0
        self._cuts: list[Cut] = []
        self._edges: dict[Pair, None] = {}
        for first, second in edges:
            pair = min(first, second), max(first, second)
            self._edges[pair] = None
            self._near[first][second] = self._near[second][first] = None
        # What troubles do at time 0 comes first, so links over the internet wait for it.
        self._begun = False

    def meet(self, change: ContactChange) -> None:
        """Let a contact begin or end."""
        self.begin()
        first, second = change.first, change.second
        if first == second:
            return
        pair = min(first, second), max(first, second)
        if change.up:
            self._radio.add(pair)
            self._near[first][second] = self._near[second][first] = None
        else:
            self._radio.discard(pair)
            if pair not in self._edges:
                self._near[first].pop(second, None)
                self._near[second].pop(first, None)
        self._settle(change.time_s, first, second)

    def suffer(self, time_s: float, trouble: Trouble) -> None:
        """Let trouble begin or end."""
        if time_s > 0:
            self.begin()
        match trouble:
            case Switched(node, on):
                self._off[node] += -1 if on else 1
                self._settle_around(time_s, (node,))
            case JammedAt(node, on):
                self._jammed[node] += 1 if on else -1
                self._settle_around(time_s, (node,))
            case InternetTurned(on):
                self._shutdowns += -1 if on else 1
                for first, second in self._edges:
                    self._settle(time_s, first, second)
            case CutTurned(cut, on):
                self._turn(time_s, cut, on=on)
            case _:
                assert_never(trouble)

    def begin(self) -> None:
        """Let the links over the internet exist, unless trouble at time 0 forbids them."""
        if not self._begun:
            self._begun = True
            for first, second in self._edges:
                self._settle(0.0, first, second)

    def _turn(self, time_s: float, cut: Cut, *, on: bool) -> None:
        if not on:
            self._cuts.remove(cut)
        elif cut not in self._cuts:
            self._cuts.append(cut)
        else:
            self._settle_around(time_s, tuple(cut.ferries))
            return
        self._settle_around(time_s, range(len(self._near)))

    def _settle_around(self, time_s: float, nodes: Iterable[int]) -> None:
        if not self._begun:
            return
        for node in nodes:
            for peer in tuple(self._near[node]):
                self._settle(time_s, node, peer)

    def _settle(self, time_s: float, first: int, second: int) -> None:
        """Let the link between two nodes be as it must."""
        pair = min(first, second), max(first, second)
        exists = self._exists(pair, time_s)
        if exists and pair not in self._live:
            self._live[pair] = (first, second)
            self.changes.append(ContactChange(time_s, first, second, up=True))
        elif not exists and pair in self._live:
            first, second = self._live.pop(pair)
            self.changes.append(ContactChange(time_s, first, second, up=False))

    def _exists(self, pair: Pair, time_s: float) -> bool:
        first, second = pair
        if self._off[first] or self._off[second]:
            return False
        radio = pair in self._radio and not (self._jammed[first] or self._jammed[second])
        wired = not self._shutdowns and pair in self._edges
        if not (radio or wired):
            return False
        return not any(cut.separates(first, second, time_s) for cut in self._cuts)
