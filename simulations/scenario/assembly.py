"""A scenario and a seed become one world: links, mail, outages, attackers, and what is possible.

Everything here is the same for both fidelities and for every router, so that variants of a scenario
share their random numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from simulations.attackers.cast import Cast, cast_of, floods, with_identities
from simulations.faults.cuts import Cut, cut_of
from simulations.faults.links import Troubles, links
from simulations.faults.outages import Outage, Switches, outages
from simulations.oracle import earliest_arrivals
from simulations.scenario.contacts import Progress, infrastructure_edges, radio_contacts, silent
from simulations.scenario.model import Scenario
from simulations.scenario.reading import end_of
from simulations.scenario.troubles import Jamming, Partition, Shutdown
from simulations.scenario.workload import written
from simulations.trace import ContactChange, Creation, ReplaySettings


@dataclass(frozen=True, slots=True)
class Assembly:
    """One world, ready to run.

    Attributes:
        settings: as every replay takes them; ``nodes`` counts attackers' identities too.
        links: the links that exist, in order of time.
        mail: what people write, in order of time.
        floods: what flooders send.
        unwritten: messages that nobody could write, for their author's node was off.
        outages: which nodes are off when.
        cast: the attackers.
        cuts: partitions.
        earliest: by message, the earliest arrival that any router could reach; absent where none.
    """

    scenario: Scenario
    seed: int
    settings: ReplaySettings
    links: list[ContactChange]
    mail: list[Creation]
    floods: list[Creation]
    unwritten: int
    outages: list[Outage]
    cast: Cast
    cuts: list[Cut]
    earliest: Mapping[str, float]

    @property
    def creations(self) -> list[Creation]:
        """Mail and floods, in order of time."""
        return sorted((*self.mail, *self.floods), key=lambda creation: creation.time_s)

    @property
    def crossing(self) -> frozenset[str]:
        """Messages whose ends are on two sides of the first partition."""
        if not self.cuts:
            return frozenset()
        side = self.cuts[0].side
        return frozenset(
            one.name
            for one in self.mail
            if side(one.source) != side(one.destination)
            and None not in (side(one.source), side(one.destination))
        )


def assemble(
    scenario: Scenario, seed: int, cache: Path | None, progress: Progress = silent
) -> Assembly:
    """Give the world of a scenario under a seed.

    Args:
        cache: folder for contacts of mobility models; None keeps none.

    Raises:
        InvalidInput: files or values that cannot be.
    """
    radio = radio_contacts(scenario, seed, cache, progress)
    progress("faults", 0.0)
    off = outages(scenario, radio, seed)
    cuts = _cuts(scenario, seed)
    cast = cast_of(scenario, radio, seed)
    joined = links(
        scenario.nodes, radio, _troubles(scenario, seed, off, cuts, cache), scenario.end_s
    )
    present = with_identities(joined, cast)
    mail = written(scenario, seed, _sides(scenario, cuts))
    switches = Switches(off)
    kept = [one for one in mail if switches.on(one.source, one.time_s)]
    body = cast.body
    flooding = [
        one
        for one in floods(scenario, cast, seed)
        if switches.on(body.get(one.source, one.source), one.time_s)
    ]
    settings = _settings(scenario, cast.nodes)
    progress("oracle", 0.0)
    earliest = earliest_arrivals(cast.nodes, present, kept, settings.ttl_min * 60.0)
    within = {name: time_s for name, time_s in earliest.items() if time_s <= scenario.end_s}
    return Assembly(
        scenario=scenario,
        seed=seed,
        settings=settings,
        links=present,
        mail=kept,
        floods=flooding,
        unwritten=len(mail) - len(kept),
        outages=off,
        cast=cast,
        cuts=cuts,
        earliest=within,
    )


def scenario_links(scenario: Scenario, seed: int, cache: Path | None) -> list[ContactChange]:
    """Give the links of a scenario after its faults, without attackers' identities."""
    radio = radio_contacts(scenario, seed, cache)
    off, cuts = outages(scenario, radio, seed), _cuts(scenario, seed)
    return links(scenario.nodes, radio, _troubles(scenario, seed, off, cuts, cache), scenario.end_s)


def _settings(scenario: Scenario, nodes: int) -> ReplaySettings:
    return ReplaySettings(
        nodes=nodes,
        end_s=scenario.end_s,
        rate_bytes_per_s=scenario.link.rate_bytes_per_s,
        buffer_bytes=scenario.node.buffer_bytes,
        ttl_min=scenario.workload.ttl_min,
        name=scenario.name,
    )


def _cuts(scenario: Scenario, seed: int) -> list[Cut]:
    return [
        cut_of(fault, scenario.nodes, seed, f"fault {number}")
        for number, fault in enumerate(scenario.faults)
        if isinstance(fault, Partition)
    ]


def _sides(scenario: Scenario, cuts: list[Cut]) -> list[int | None]:
    if not cuts:
        return [None] * scenario.nodes
    return [cuts[0].side(node) for node in range(scenario.nodes)]


def _troubles(
    scenario: Scenario, seed: int, off: list[Outage], cuts: list[Cut], cache: Path | None
) -> Troubles:
    inside: list[tuple[float, int, bool]] = []
    if any(isinstance(fault, Jamming) for fault in scenario.faults):
        from simulations.faults.jamming import jammed

        inside = jammed(scenario, seed, cache)
    return Troubles(
        outages=off,
        cuts=cuts,
        shutdowns=[
            (fault.from_s, end_of(fault.until_s))
            for fault in scenario.faults
            if isinstance(fault, Shutdown)
        ],
        jammed=inside,
        edges=infrastructure_edges(scenario.infrastructure, scenario.nodes, seed),
    )
