"""Draws a whole world from a seed: topology, faults, attackers and load, all at once.

Every world has two halves. Until ``healed_s`` anything may go wrong. Then everything works, every
node is linked to every other over the internet, and mail that its author still has must arrive.
"""

from __future__ import annotations

import random
from typing import Final, Literal, TypeAlias

from simulations.rng import stream
from simulations.scenario.model import (
    Checks,
    Contacts,
    Graph,
    Infrastructure,
    Link,
    Mobile,
    NodeSettings,
    RandomContacts,
    RandomLoad,
    RandomWaypoint,
    RouterSettings,
    Scenario,
    StreetGrid,
)
from simulations.scenario.section import Section
from simulations.scenario.troubles import (
    Attacker,
    BlackHole,
    Churn,
    ClockError,
    CopiesLiar,
    Crash,
    Fault,
    Flooder,
    GreyHole,
    Jamming,
    MassFailure,
    Partition,
    ProofLiar,
    Replayer,
    Shutdown,
    Sybil,
)

Fidelity: TypeAlias = Literal["abstract", "protocol"]
RouterName: TypeAlias = Literal["spray", "epidemic", "direct", "prophet"]
BUDGET_S: Final = 1200.0
"""After the healing, all mail must arrive within this; slow links take a while."""
_NODES: Final[dict[str, tuple[int, int]]] = {"abstract": (2, 40), "protocol": (2, 12)}
_MESSAGES: Final[dict[str, int]] = {"abstract": 120, "protocol": 40}
_TTL_LONG_MIN: Final = 7 * 24 * 60


def drawn_scenario(seed: int, fidelity: Fidelity) -> Scenario:
    """Give the world of a seed; at most 40 nodes (abstract) or 12 (protocol)."""
    draws = stream(seed, "drawn world", fidelity)
    nodes = draws.randint(*_NODES[fidelity])
    healed_s = round(draws.uniform(300.0, 3600.0), 1)
    lasting = draws.random() < 0.7
    contacts = _contacts(draws, nodes)
    return Scenario(
        name=f"seed {seed}",
        description="Drawn by molva-sim check.",
        fidelity=fidelity,
        nodes=nodes,
        end_s=healed_s + BUDGET_S + 1.0,
        contacts=contacts,
        infrastructure=Infrastructure(share=1.0, links=nodes),
        link=_link(draws, fidelity),
        node=NodeSettings(buffer_bytes=draws.choice((0, 20_000, 200_000, 10_000_000))),
        router=_router(draws),
        workload=RandomLoad(
            messages=draws.randint(1, _MESSAGES[fidelity]),
            until_s=healed_s,
            size_bytes=(0, draws.choice((1000, 20_000))),
            ttl_min=_TTL_LONG_MIN if lasting else draws.randint(1, 60),
        ),
        faults=_faults(draws, nodes, healed_s, _kinds(contacts, fidelity)),
        attackers=_attackers(draws, nodes, healed_s, fidelity),
        check=Checks(liveness_budget_s=BUDGET_S if lasting else None, healed_s=healed_s),
    )


def _contacts(draws: random.Random, nodes: int) -> Contacts:
    kind = draws.choice(("graph", "meetings", "waypoint", "streets"))
    if kind == "graph":
        shapes: list[Literal["line", "ring", "complete", "random"]] = ["line", "complete", "random"]
        if nodes >= 3:
            shapes.append("ring")
        return Graph(shape=draws.choice(shapes), share=draws.uniform(0.05, 0.6))
    if kind == "meetings":
        gap_s = draws.uniform(100.0, 3000.0) * max(1, nodes // 4)
        return RandomContacts(gap_mean_s=gap_s, length_mean_s=draws.choice((0.5, 10.0, 120.0)))
    if kind == "waypoint":
        side = draws.uniform(50.0, 500.0)
        return RandomWaypoint(
            area_m=(side, side), range_m=draws.uniform(10.0, 60.0), step_s=draws.choice((1.0, 5.0))
        )
    return StreetGrid(columns=draws.randint(2, 5), rows=draws.randint(2, 5), range_m=30.0, step_s=5)


def _link(draws: random.Random, fidelity: Fidelity) -> Link:
    rate = draws.choice((20_000, 250_000, 10_000_000))
    if fidelity == "abstract":
        return Link(rate_bytes_per_s=rate)
    latency_s, loss = draws.choice((0.0, 0.01, 0.5)), draws.choice((0.0, 0.0, 0.1, 0.3))
    return Link(rate_bytes_per_s=rate, latency_s=latency_s, loss=loss)


def _router(draws: random.Random) -> RouterSettings:
    name: RouterName = draws.choice(("spray", "epidemic", "direct", "prophet"))
    return RouterSettings(name=name, copies=draws.choice((1, 2, 8, 255)))


def _kinds(contacts: Contacts, fidelity: Fidelity) -> list[str]:
    """Give the faults that this world can have."""
    kinds = ["partition", "churn", "crash", "failure"]
    if isinstance(contacts, Mobile):
        kinds.append("jamming")
    if fidelity == "protocol":
        kinds.append("clock")
    return kinds


def _faults(
    draws: random.Random, nodes: int, healed_s: float, kinds: list[str]
) -> tuple[Fault, ...]:
    # The internet of the second half does not exist in the first.
    found: list[Fault] = [Shutdown(from_s=0.0, until_s=healed_s)]
    for kind in draws.sample(kinds, draws.randint(0, min(3, len(kinds)))):
        from_s = draws.uniform(0.0, healed_s / 2)
        until_s = draws.uniform(from_s + 1.0, healed_s)
        found.append(_fault(draws, kind, nodes, (from_s, until_s)))
    return tuple(found)


def _fault(draws: random.Random, kind: str, nodes: int, span_s: tuple[float, float]) -> Fault:
    from_s, until_s = span_s
    memory: Literal["kept", "lost"] = draws.choice(("kept", "lost"))
    if kind == "partition":
        sides, ferries = draws.randint(2, max(2, nodes // 3)), draws.randint(0, nodes // 4)
        trip_s = draws.choice((0.0, 60.0))
        return Partition(
            from_s=from_s, until_s=until_s, sides=sides, ferries=ferries, trip_s=trip_s
        )
    if kind == "churn":
        on_s, off_s = draws.uniform(30.0, 600.0), draws.uniform(10.0, 300.0)
        return Churn(
            from_s=from_s,
            until_s=until_s,
            on_mean_s=on_s,
            off_mean_s=off_s,
            memory=memory,
            share=draws.random(),
        )
    if kind == "crash":
        count = draws.randint(0, nodes)
        return Crash(at_s=from_s, down_s=until_s - from_s, memory=memory, count=count)
    if kind == "failure":
        choose: Literal["random", "degree"] = draws.choice(("random", "degree"))
        return MassFailure(at_s=from_s, until_s=until_s, share=draws.random(), choose=choose)
    if kind == "clock":
        offset_s = draws.uniform(-600.0, 600.0)
        return ClockError(at_s=from_s, offset_s=offset_s, share=draws.random() / 2)
    centre = draws.uniform(0.0, 200.0), draws.uniform(0.0, 200.0)
    return Jamming(from_s=from_s, until_s=until_s, center_m=centre, radius_m=80.0)


def _attackers(
    draws: random.Random, nodes: int, healed_s: float, fidelity: Fidelity
) -> tuple[Attacker, ...]:
    share = draws.choice((0.1, 0.25, 0.5))
    kinds: list[type[Section]] = [BlackHole, GreyHole, Flooder, Sybil, CopiesLiar]
    if fidelity == "protocol":
        kinds += [ProofLiar, Replayer]
    found: list[Attacker] = []
    for kind in draws.sample(kinds, draws.choice((0, 0, 1, 2))):
        if kind is BlackHole:
            found.append(BlackHole(share=share))
        elif kind is GreyHole:
            found.append(GreyHole(share=share, drop_share=draws.random()))
        elif kind is Flooder:
            interval_s, size_bytes = draws.uniform(20.0, 200.0), draws.choice((0, 5000, 30_000))
            found.append(
                Flooder(count=1, interval_s=interval_s, size_bytes=size_bytes, until_s=healed_s)
            )
        elif kind is Sybil:
            found.append(Sybil(count=1, identities=draws.randint(1, 4)))
        elif kind is CopiesLiar:
            found.append(CopiesLiar(share=share))
        elif kind is ProofLiar:
            found.append(ProofLiar(share=share))
        else:
            found.append(Replayer(count=min(2, nodes), interval_s=draws.uniform(2.0, 60.0)))
    return tuple(found)
