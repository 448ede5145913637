"""What no single key can say: whether a scenario's values go together."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from simulations.scenario.model import (
    FileLoad,
    Graph,
    MapWalk,
    Mobile,
    OneTrace,
    RandomLoad,
    RandomWaypoint,
    Scenario,
    SocioPatternsTrace,
    StreetGrid,
)
from simulations.scenario.troubles import (
    Attacker,
    Chosen,
    Churn,
    ClockError,
    Crash,
    Fault,
    Flooder,
    Jamming,
    MassFailure,
    Partition,
    ProofLiar,
    Replayer,
    Shutdown,
    Sybil,
)

STEPS_MAX: Final = 2_000_000
COMPLETE_NODES_MAX: Final = 5_000
"""Graphs and meetings of every pair grow with the square of the nodes."""
IDENTITIES_MAX: Final = 100_000


def first_contradiction(scenario: Scenario) -> str | None:
    """Give the sentence for the first thing that cannot be; None where all is well."""
    for check in _CHECKS:
        for problem in check(scenario):
            return problem
    return None


def _files(scenario: Scenario) -> Iterator[str]:
    for key, part in (("contacts", scenario.contacts), ("workload", scenario.workload)):
        if isinstance(part, OneTrace | SocioPatternsTrace | FileLoad):
            path = Path(part.file)
            try:
                problem = "" if path.is_file() else "is no file"
                if problem and not path.exists():
                    problem = "does not exist"
            except OSError as error:
                problem = f"cannot be read ({error.strerror})"
            if problem:
                yield f"{key}.file = {path} {problem}; allowed is a file that can be read."


def _mobility(scenario: Scenario) -> Iterator[str]:
    contacts = scenario.contacts
    if not isinstance(contacts, Mobile):
        return
    if scenario.end_s / contacts.step_s > STEPS_MAX:
        yield (
            f"contacts.step_s = {contacts.step_s:g} makes more than {STEPS_MAX} steps; allowed are "
            f"steps of {scenario.end_s / STEPS_MAX:g} s and more in a run of {scenario.end_s:g} s."
        )
    if isinstance(contacts, RandomWaypoint | MapWalk | StreetGrid):
        yield from _ascending("contacts.speeds_m_per_s", contacts.speeds_m_per_s)
        yield from _ascending("contacts.pauses_s", contacts.pauses_s)
    if isinstance(contacts, MapWalk):
        yield from _streets(contacts)
    if isinstance(contacts, StreetGrid) and contacts.columns * contacts.rows < 2:
        yield "contacts.columns and contacts.rows make one crossing; allowed are 2 and more."


def _streets(contacts: MapWalk) -> Iterator[str]:
    last = len(contacts.crossings_m) - 1
    near: dict[int, list[int]] = {}
    for number, (a, b) in enumerate(contacts.streets):
        if not (0 <= a <= last and 0 <= b <= last):
            yield (
                f"contacts.streets[{number}] = [{a}, {b}]; allowed are crossings from 0 to {last}."
            )
            return
        near.setdefault(a, []).append(b)
        near.setdefault(b, []).append(a)
    seen, waiting = {0}, [0]
    while waiting:
        for other in near.get(waiting.pop(), []):
            if other not in seen:
                seen.add(other)
                waiting.append(other)
    if len(seen) <= last:
        lost = next(crossing for crossing in range(last + 1) if crossing not in seen)
        yield (
            f"contacts.streets lead from crossing 0 not to crossing {lost}; allowed are maps in "
            "one piece."
        )


def _graphs(scenario: Scenario) -> Iterator[str]:
    contacts, nodes = scenario.contacts, scenario.nodes
    if isinstance(contacts, Graph):
        if contacts.shape == "grid" and nodes % contacts.columns:
            yield (
                f"contacts.columns = {contacts.columns} does not divide nodes = {nodes}; allowed "
                "is a divisor."
            )
        if contacts.shape == "ring" and nodes < 3:
            yield f"nodes = {nodes} for a ring; allowed are 3 and more."
        every_pair = contacts.shape in {"complete", "random"}
    else:
        every_pair = contacts.__struct_config__.tag == "random-contacts"
    if every_pair and nodes > COMPLETE_NODES_MAX:
        yield (
            f"nodes = {nodes} where every pair counts; allowed are at most {COMPLETE_NODES_MAX}."
        )


def _link(scenario: Scenario) -> Iterator[str]:
    if scenario.fidelity == "abstract":
        for name, value in (("latency_s", scenario.link.latency_s), ("loss", scenario.link.loss)):
            if value:
                yield (
                    f'link.{name} = {value:g} needs fidelity = "protocol"; at abstract fidelity '
                    "it must be 0."
                )
        if scenario.suite == "real":
            yield 'suite = "real" needs fidelity = "protocol"; abstract nodes seal nothing.'


def _workload(scenario: Scenario) -> Iterator[str]:
    load = scenario.workload
    if not isinstance(load, RandomLoad):
        return
    if scenario.nodes < 2 and load.messages:
        yield "workload.messages needs 2 nodes at least; allowed is nodes = 2 and more."
    yield from _ascending("workload.size_bytes", load.size_bytes)
    yield from _span("workload", load.from_s, load.until_s, scenario.end_s)
    partitions = [fault for fault in scenario.faults if isinstance(fault, Partition)]
    if load.destinations == "other-side" and not partitions:
        yield (
            'workload.destinations = "other-side" needs a fault of kind "partition"; without one '
            'allowed is "any".'
        )


def _faults(scenario: Scenario) -> Iterator[str]:
    for number, fault in enumerate(scenario.faults):
        key = f"faults[{number}]"
        if isinstance(fault, Partition | Shutdown | Churn | Jamming):
            yield from _span(key, fault.from_s, fault.until_s, scenario.end_s)
        elif isinstance(fault, MassFailure):
            yield from _span(key, fault.at_s, fault.until_s, scenario.end_s, "at_s")
        elif isinstance(fault, Crash) or fault.at_s:
            yield from _span(key, fault.at_s, None, scenario.end_s, "at_s")
        if isinstance(fault, Chosen):
            yield from _choice(key, fault, scenario.nodes)
        yield from _fault_needs(key, fault, scenario)


def _fault_needs(key: str, fault: Fault, scenario: Scenario) -> Iterator[str]:
    if isinstance(fault, Partition):
        if fault.sides > scenario.nodes:
            yield f"{key}.sides = {fault.sides}; allowed are at most as many as nodes."
        if fault.ferries > scenario.nodes:
            yield f"{key}.ferries = {fault.ferries}; allowed are at most as many as nodes."
    if isinstance(fault, Shutdown) and scenario.infrastructure is None:
        yield f"{key} shuts an internet down that is not there; allowed with [infrastructure]."
    if isinstance(fault, Jamming) and not isinstance(scenario.contacts, Mobile):
        yield (
            f"{key} needs to know where nodes are; allowed where contacts.source is a "
            "mobility model."
        )
    if isinstance(fault, ClockError) and scenario.fidelity == "abstract":
        yield f'{key}: "clock-error" needs fidelity = "protocol"; abstract nodes have no clocks.'


def _attackers(scenario: Scenario) -> Iterator[str]:
    identities = scenario.nodes
    for number, attacker in enumerate(scenario.attackers):
        key = f"attackers[{number}]"
        yield from _choice(key, attacker, scenario.nodes)
        if isinstance(attacker, Flooder):
            yield from _span(key, attacker.from_s, attacker.until_s, scenario.end_s)
        if isinstance(attacker, ProofLiar | Replayer) and scenario.fidelity == "abstract":
            kind = attacker.__struct_config__.tag
            yield (
                f'{key}: "{kind}" needs fidelity = "protocol"; abstract nodes exchange no frames '
                "that could be forged."
            )
        if isinstance(attacker, Sybil):
            identities += attacker.identities * chosen_count(attacker, scenario.nodes)
    if identities > IDENTITIES_MAX:
        yield (
            f"attackers make {identities} identities; allowed are at most {IDENTITIES_MAX} nodes "
            "and identities."
        )


def chosen_count(chosen: Chosen, nodes: int) -> int:
    """Give how many nodes a choice means."""
    if chosen.nodes is not None:
        return len(chosen.nodes)
    if chosen.count is not None:
        return chosen.count
    return round((chosen.share or 0.0) * nodes)


def _choice(key: str, chosen: Fault | Attacker, nodes: int) -> Iterator[str]:
    if not isinstance(chosen, Chosen):
        return
    given = [
        name
        for name, value in (
            ("nodes", chosen.nodes),
            ("count", chosen.count),
            ("share", chosen.share),
        )
        if value is not None
    ]
    if len(given) != 1:
        said = " and ".join(given) or "none"
        yield f"{key} says {said} of nodes, count and share; allowed is exactly one of them."
        return
    if chosen.count is not None and chosen.count > nodes:
        yield f"{key}.count = {chosen.count}; allowed are at most nodes = {nodes}."
    for address in chosen.nodes or ():
        if address >= nodes:
            yield f"{key}.nodes has {address}; allowed are addresses from 0 to {nodes - 1}."
            return
    if chosen.nodes is not None and len(set(chosen.nodes)) < len(chosen.nodes):
        yield f"{key}.nodes names a node twice; allowed is each one once."


def _span(
    key: str, from_s: float, until_s: float | None, end_s: float, first: str = "from_s"
) -> Iterator[str]:
    if from_s > end_s:
        yield f"{key}.{first} = {from_s:g} is after the end of the run, end_s = {end_s:g}."
    if until_s is not None and until_s <= from_s and (from_s or until_s):
        yield f"{key}.until_s = {until_s:g}; allowed is a time after {first} = {from_s:g}."


def _ascending(key: str, pair: tuple[float, float]) -> Iterator[str]:
    if pair[0] > pair[1]:
        yield f"{key} = [{pair[0]:g}, {pair[1]:g}]; allowed is the lower one first."


_CHECKS: Final[tuple[Callable[[Scenario], Iterator[str]], ...]] = (
    _files,
    _mobility,
    _graphs,
    _link,
    _workload,
    _faults,
    _attackers,
)
