"""Partitions: who is on which side when, and which links that leaves."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from p2p.errors import InvalidInput
from simulations.rng import stream
from simulations.scenario.amounts import TRIPS_MAX
from simulations.scenario.reading import end_of
from simulations.scenario.troubles import Partition


@dataclass(frozen=True, slots=True, eq=False)
class Cut:
    """One partition; two of the same shape are still two.

    Attributes:
        from_s, until_s: when it holds; infinity for good.
        sides: how many.
        ferries: its ferries, each with its number.
        trip_s: time that a ferry spends on each side in turn; 0 where it reaches all at once.
    """

    from_s: float
    until_s: float
    sides: int
    ferries: dict[int, int]
    trip_s: float

    def side(self, node: int) -> int | None:
        """Give the side of a node that stays on one; None for ferries."""
        return None if node in self.ferries else node % self.sides

    def separates(self, first: int, second: int, time_s: float) -> bool:
        """Tell whether no link between two nodes can exist at a time within the cut."""
        one, other = self._side_at(first, time_s), self._side_at(second, time_s)
        return one is not None and other is not None and one != other

    def turns_s(self, end_s: float) -> Iterator[float]:
        """Give the times at which ferries change sides.

        Raises:
            InvalidInput: too many.
        """
        if not self.trip_s or not self.ferries:
            return
        until_s = min(self.until_s, end_s)
        trips = math.ceil((until_s - self.from_s) / self.trip_s)
        if trips > TRIPS_MAX:
            raise InvalidInput(
                f"trip_s = {self.trip_s:g} makes {trips} trips of ferries; allowed are at most "
                f"{TRIPS_MAX}."
            )
        for number in range(1, trips):
            yield self.from_s + number * self.trip_s

    def _side_at(self, node: int, time_s: float) -> int | None:
        number = self.ferries.get(node)
        if number is None:
            return node % self.sides
        if not self.trip_s:
            return None
        return (number + round_down((time_s - self.from_s) / self.trip_s)) % self.sides


def round_down(trips: float) -> int:
    """Give the trips that are over; a moment lost to rounding does not count."""
    return math.floor(trips + 1e-9)


def cut_of(fault: Partition, nodes: int, seed: int, label: str) -> Cut:
    """Give a scenario's partition with its ferries drawn; more ferries include the fewer."""
    order = stream(seed, "ferries", label).sample(range(nodes), nodes)
    ferries = {node: number for number, node in enumerate(order[: fault.ferries])}
    return Cut(fault.from_s, end_of(fault.until_s), fault.sides, ferries, fault.trip_s)
