"""A scenario's contacts, before anything goes wrong: from files, graphs, meetings and mobility."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import msgspec

from p2p.errors import InvalidInput
from simulations.formats.one_events import read_contacts
from simulations.formats.sociopatterns import read_sociopatterns
from simulations.rng import stream
from simulations.scenario.amounts import CONTACTS_MAX
from simulations.scenario.model import (
    Graph,
    Infrastructure,
    MapWalk,
    Mobile,
    OneTrace,
    RandomContacts,
    RandomWaypoint,
    Scenario,
    SocioPatternsTrace,
    StreetGrid,
    WorkingDay,
)
from simulations.trace import ContactChange
from simulations.world import graphs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from simulations.world.mobility import Mobility
    from simulations.world.proximity import Positions

Progress: TypeAlias = Callable[[str, float], None]
"""Is told what is going on, and which share of it is done, 0 to 1."""


def silent(what: str, share: float) -> None:
    """Tell nobody."""


def radio_contacts(
    scenario: Scenario, seed: int, cache: Path | None, progress: Progress = silent
) -> list[ContactChange]:
    """Give the contacts of a scenario's source, in order of time.

    Raises:
        InvalidInput: a file that cannot be, or a model that makes too much.
    """
    source = scenario.contacts
    if isinstance(source, OneTrace):
        return read_contacts(Path(source.file), scenario.nodes)
    if isinstance(source, SocioPatternsTrace):
        return _sociopatterns(source, scenario.nodes)
    if isinstance(source, Graph):
        return graphs.always_up(_edges(source, scenario.nodes, seed))
    if isinstance(source, RandomContacts):
        return random_contacts(source, scenario.nodes, scenario.end_s, seed)
    from simulations.world.contact_cache import cached_contacts

    parameters = {
        "model": msgspec.to_builtins(source),
        "nodes": scenario.nodes,
        "end_s": scenario.end_s,
        "seed": seed,
    }
    return cached_contacts(parameters, lambda: _walked(scenario, source, seed, progress), cache)


def positions(scenario: Scenario, seed: int) -> Iterator[Positions]:
    """Give where everybody is at each step of a mobility model, from time 0."""
    from simulations.world.mobility import walk

    source = scenario.contacts
    if not isinstance(source, Mobile):
        raise InvalidInput("Only mobility models know where nodes are.")
    steps = int(scenario.end_s / source.step_s) + 1
    return walk(_model(source, scenario.nodes, seed), source.step_s, steps)


def infrastructure_edges(
    infrastructure: Infrastructure | None, nodes: int, seed: int
) -> list[tuple[int, int]]:
    """Give the links over the internet: each node that has it opens some to random others.

    Whoever is online at a small share is online at a larger one.
    """
    if infrastructure is None:
        return []
    draws = stream(seed, "infrastructure")
    order = draws.sample(range(nodes), nodes)
    online = order[: round(infrastructure.share * nodes)]
    edges: dict[tuple[int, int], None] = {}
    for node in online:
        draws = stream(seed, "infrastructure", node)
        others = [peer for peer in online if peer != node]
        for peer in draws.sample(others, min(infrastructure.links, len(others))):
            edges[min(node, peer), max(node, peer)] = None
    return list(edges)


def random_contacts(
    source: RandomContacts, nodes: int, end_s: float, seed: int
) -> list[ContactChange]:
    """Give the meetings of a well-mixed world; at time 0 nobody is in contact.

    Raises:
        InvalidInput: more contacts than a run may have.
    """
    draws = stream(seed, "random-contacts")
    gap, length = 1.0 / source.gap_mean_s, 1.0 / source.length_mean_s
    changes: list[ContactChange] = []
    for first, second in graphs.complete(nodes):
        time_s = draws.expovariate(gap)
        while time_s < end_s:
            changes.append(ContactChange(time_s, first, second, up=True))
            time_s += draws.expovariate(length)
            changes.append(ContactChange(time_s, first, second, up=False))
            time_s += draws.expovariate(gap)
        if len(changes) > CONTACTS_MAX:
            raise InvalidInput(
                f"contacts.gap_mean_s = {source.gap_mean_s:g} makes more than {CONTACTS_MAX} "
                "changes of contacts; allowed are longer gaps, fewer nodes or a shorter run."
            )
    changes.sort(key=lambda change: change.time_s)
    return [change for change in changes if change.time_s <= end_s]


def _sociopatterns(source: SocioPatternsTrace, nodes: int) -> list[ContactChange]:
    read = read_sociopatterns(Path(source.file), source.interval_s)
    if len(read.people) > nodes:
        raise InvalidInput(
            f"{source.file} has {len(read.people)} people; allowed is nodes = {len(read.people)} "
            f"and more, not {nodes}."
        )
    return list(read.changes)


def _edges(source: Graph, nodes: int, seed: int) -> list[tuple[int, int]]:
    if source.shape == "line":
        return graphs.line(nodes)
    if source.shape == "ring":
        return graphs.ring(nodes)
    if source.shape == "grid":
        return graphs.grid(source.columns, nodes // source.columns)
    if source.shape == "complete":
        return graphs.complete(nodes)
    return graphs.random_graph(nodes, source.share, seed)


def _walked(
    scenario: Scenario, source: Mobile, seed: int, progress: Progress
) -> list[ContactChange]:
    from simulations.world.compiled import steps_for
    from simulations.world.proximity import contacts

    steps = int(scenario.end_s / source.step_s) + 1

    def frames() -> Iterator[Positions]:
        for number, frame in enumerate(positions(scenario, seed)):
            if number % 64 == 0:
                progress("walking", number / steps)
            yield frame

    how = steps_for(scenario.nodes, steps)
    changes = contacts(frames(), source.step_s, source.range_m, how)
    return [change for change in changes if change.time_s <= scenario.end_s]


def _model(source: Mobile, nodes: int, seed: int) -> Mobility:
    import numpy as np

    from simulations.world import mobility

    if isinstance(source, RandomWaypoint):
        return mobility.RandomWaypoint(
            nodes, source.area_m, source.speeds_m_per_s, source.pauses_s, seed
        )
    if isinstance(source, WorkingDay):
        day = mobility.WorkingDaySettings(
            nodes=nodes,
            area_m=source.area_m,
            offices=source.offices,
            meeting_places=source.meeting_places,
            speed_m_per_s=source.speed_m_per_s,
            leave_s=source.leave_s,
            leave_spread_s=source.leave_spread_s,
            work_s=source.work_s,
            evening_share=source.evening_share,
            evening_s=source.evening_s,
        )
        return mobility.WorkingDay(day, seed)
    if isinstance(source, StreetGrid):
        points = [
            (column * source.block_m, row * source.block_m)
            for row in range(source.rows)
            for column in range(source.columns)
        ]
        streets = graphs.grid(source.columns, source.rows)
    elif isinstance(source, MapWalk):
        points, streets = list(source.crossings_m), list(source.streets)
    else:
        raise InvalidInput(f"{type(source).__name__} is no mobility model.")
    town = mobility.StreetMap(np.array(points, dtype=np.float64), streets)
    return mobility.MapWalk(nodes, town, source.speeds_m_per_s, source.pauses_s, seed)
