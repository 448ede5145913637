"""Whether a scenario asks for more than one run may have: rows, cells, meetings, trips, messages.

What is drawn at random is judged by its mean; what a seed then draws above that is refused where it
is drawn.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Final

from simulations.scenario.model import (
    MapWalk,
    RandomContacts,
    RandomWaypoint,
    Scenario,
    StreetGrid,
    WorkingDay,
)
from simulations.scenario.relations import chosen_count
from simulations.scenario.troubles import Attacker, Churn, Flooder, Partition, Replayer, Sybil
from simulations.world.limits import CELLS_MAX

ROWS_MAX: Final = 100_000
"""Rows of a timeline."""
CONTACTS_MAX: Final = 50_000_000
"""Changes of contacts in one run; more would not fit into memory."""
TRIPS_MAX: Final = 100_000
"""Trips of ferries in one partition."""
OUTAGES_MAX: Final = 2_000_000
"""Times at which nodes are switched off."""
FLOOD_MAX: Final = 1_000_000
"""Messages that nobody waits for, and frames that are sent again."""


def first_excess(scenario: Scenario) -> str | None:
    """Give the sentence for the first thing of which there would be too much; None without any."""
    for check in _CHECKS:
        for problem in check(scenario):
            return problem
    return None


def _rows(scenario: Scenario) -> Iterator[str]:
    step_s, end_s = scenario.timeline_step_s, scenario.end_s
    if step_s is not None and end_s / step_s > ROWS_MAX:
        yield (
            f"timeline_step_s = {step_s:g} makes more than {ROWS_MAX} rows; allowed are steps of "
            f"{end_s / ROWS_MAX:g} s and more in a run of {end_s:g} s."
        )


def _cells(scenario: Scenario) -> Iterator[str]:
    contacts = scenario.contacts
    if isinstance(contacts, RandomWaypoint | WorkingDay):
        width_m = max(contacts.area_m)
    elif isinstance(contacts, StreetGrid):
        width_m = (max(contacts.columns, contacts.rows) - 1) * contacts.block_m
    elif isinstance(contacts, MapWalk):
        width_m = max(max(ends) - min(ends) for ends in zip(*contacts.crossings_m, strict=True))
    else:
        return
    if not width_m / contacts.range_m < CELLS_MAX:
        yield (
            f"contacts.range_m = {contacts.range_m:g} in an area that is {width_m:g} m wide; "
            f"allowed are ranges above {width_m / CELLS_MAX:g} m."
        )


def _meetings(scenario: Scenario) -> Iterator[str]:
    contacts, nodes = scenario.contacts, scenario.nodes
    if not isinstance(contacts, RandomContacts):
        return
    pairs = nodes * (nodes - 1) // 2
    changes = pairs * 2 * scenario.end_s / (contacts.gap_mean_s + contacts.length_mean_s)
    if changes > CONTACTS_MAX:
        yield (
            f"contacts.gap_mean_s = {contacts.gap_mean_s:g} makes more than {CONTACTS_MAX} changes "
            "of contacts; allowed are longer gaps, fewer nodes or a shorter run."
        )


def _trips(scenario: Scenario) -> Iterator[str]:
    for number, fault in enumerate(scenario.faults):
        if not isinstance(fault, Partition) or not fault.ferries or not fault.trip_s:
            continue
        length_s = _length_s(fault.from_s, fault.until_s, scenario.end_s)
        if length_s / fault.trip_s > TRIPS_MAX:
            yield (
                f"faults[{number}].trip_s = {fault.trip_s:g} makes more than {TRIPS_MAX} trips of "
                f"ferries; allowed are trips of {length_s / TRIPS_MAX:g} s and more."
            )


def _outages(scenario: Scenario) -> Iterator[str]:
    for number, fault in enumerate(scenario.faults):
        if isinstance(fault, Churn):
            length_s = _length_s(fault.from_s, fault.until_s, scenario.end_s)
            times = length_s / (fault.on_mean_s + fault.off_mean_s)
            if times * chosen_count(fault, scenario.nodes) > OUTAGES_MAX:
                yield (
                    f"faults[{number}].on_mean_s = {fault.on_mean_s:g} switches nodes off more "
                    f"than {OUTAGES_MAX} times; allowed are longer times on and off, or fewer "
                    "nodes."
                )


def _floods(scenario: Scenario) -> Iterator[str]:
    total = 0.0
    for number, attacker in enumerate(scenario.attackers):
        total += chosen_count(attacker, scenario.nodes) * _sent(attacker, scenario.end_s)
        if total > FLOOD_MAX:
            yield (
                f"attackers[{number}].interval_s makes more than {FLOOD_MAX} messages of attackers "
                "in all; allowed are longer intervals, or fewer attackers."
            )


def _sent(attacker: Attacker, end_s: float) -> float:
    """Give how many messages one attacker sends at most."""
    if isinstance(attacker, Flooder):
        return _length_s(attacker.from_s, attacker.until_s, end_s) / attacker.interval_s + 1
    if isinstance(attacker, Replayer):
        return end_s / attacker.interval_s
    if isinstance(attacker, Sybil) and attacker.conduct == "flooder":
        return (attacker.identities + 1) * (end_s / attacker.interval_s + 1)
    return 0.0


def _length_s(from_s: float, until_s: float | None, end_s: float) -> float:
    return max(0.0, min(math.inf if until_s is None else until_s, end_s) - from_s)


_CHECKS: Final[tuple[Callable[[Scenario], Iterator[str]], ...]] = (
    _rows,
    _cells,
    _meetings,
    _trips,
    _outages,
    _floods,
)
