"""When which node is off, and what it forgets by that."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from p2p.errors import InvalidInput
from simulations.rng import stream
from simulations.scenario.amounts import OUTAGES_MAX
from simulations.scenario.choice import chosen_nodes
from simulations.scenario.model import Scenario
from simulations.scenario.reading import end_of
from simulations.scenario.troubles import Churn, Crash, MassFailure
from simulations.trace import ContactChange


@dataclass(frozen=True, slots=True, order=True)
class Outage:
    """A node is off.

    Attributes:
        from_s, until_s: seconds from the start; infinity for good.
        node: its address.
        forgets: whether it comes back without its memory.
    """

    from_s: float
    node: int
    until_s: float
    forgets: bool


def outages(scenario: Scenario, contacts: Sequence[ContactChange], seed: int) -> list[Outage]:
    """Give all times at which nodes are off, in order; those of one node do not touch.

    Raises:
        InvalidInput: more of them than a run may have.
    """
    found: list[Outage] = []
    for number, fault in enumerate(scenario.faults):
        if not isinstance(fault, Churn | Crash | MassFailure):
            continue
        label = f"fault {number}"
        nodes = chosen_nodes(fault, scenario.nodes, contacts, seed, label)
        if isinstance(fault, Churn):
            for node in nodes:
                found += _churned(fault, node, scenario.end_s, seed, label)
                if len(found) > OUTAGES_MAX:
                    raise InvalidInput(
                        f"faults[{number}] switches nodes off more than {OUTAGES_MAX} times; "
                        "allowed are longer times on and off, or fewer nodes."
                    )
        elif isinstance(fault, Crash):
            ends_s, forgets = fault.at_s + fault.down_s, fault.memory == "lost"
            found += [Outage(fault.at_s, node, ends_s, forgets) for node in nodes]
        else:
            ends_s = end_of(fault.until_s)
            found += [Outage(fault.at_s, node, ends_s, forgets=False) for node in nodes]
    return _merged(found)


class Switches:
    """Says who is on when."""

    def __init__(self, outages: Iterable[Outage]) -> None:
        self._begins: dict[int, list[float]] = {}
        self._ends: dict[int, list[float]] = {}
        for outage in outages:
            self._begins.setdefault(outage.node, []).append(outage.from_s)
            self._ends.setdefault(outage.node, []).append(outage.until_s)

    def on(self, node: int, time_s: float) -> bool:
        """Tell whether a node is on; it is off from the first moment of an outage to its last."""
        begins = self._begins.get(node)
        if begins is None:
            return True
        last = bisect_right(begins, time_s) - 1
        return last < 0 or time_s > self._ends[node][last]


def _churned(fault: Churn, node: int, end_s: float, seed: int, label: str) -> list[Outage]:
    draws = stream(seed, "churn", label, node)
    until_s = min(end_of(fault.until_s), end_s)
    found: list[Outage] = []
    time_s = fault.from_s + draws.expovariate(1.0 / fault.on_mean_s)
    while time_s < until_s and len(found) <= OUTAGES_MAX:
        ends_s = time_s + draws.expovariate(1.0 / fault.off_mean_s)
        if ends_s > until_s:
            ends_s = end_of(fault.until_s)
        found.append(Outage(time_s, node, ends_s, fault.memory == "lost"))
        time_s = ends_s + draws.expovariate(1.0 / fault.on_mean_s)
    return found


def _merged(found: list[Outage]) -> list[Outage]:
    """Join the outages of a node that touch: it forgets if any of them says so."""
    by_node: dict[int, list[Outage]] = {}
    for outage in sorted(found):
        joined = by_node.setdefault(outage.node, [])
        if joined and outage.from_s <= joined[-1].until_s:
            before = joined.pop()
            ends_s = max(before.until_s, outage.until_s)
            forgets = before.forgets or outage.forgets
            outage = Outage(before.from_s, outage.node, ends_s, forgets)  # noqa: PLW2901
        joined.append(outage)
    return sorted(outage for joined in by_node.values() for outage in joined if _lasts(outage))


def _lasts(outage: Outage) -> bool:
    return outage.until_s > outage.from_s and not math.isnan(outage.until_s)
