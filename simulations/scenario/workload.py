"""The mail that people write in a scenario."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from p2p.errors import InvalidInput
from simulations.formats.one_events import read_creations
from simulations.rng import stream
from simulations.scenario.model import FileLoad, RandomLoad, Scenario
from simulations.trace import Creation


def written(scenario: Scenario, seed: int, sides: Sequence[int | None]) -> list[Creation]:
    """Give the messages in order of time; nobody writes to themselves.

    Args:
        sides: each node's side of the first partition; None for ferries, and where there is none.

    Raises:
        InvalidInput: a file that cannot be, or nobody on the other side.
    """
    load = scenario.workload
    if isinstance(load, FileLoad):
        creations = read_creations(Path(load.file), scenario.nodes)
        return [creation for creation in creations if creation.time_s <= scenario.end_s]
    until_s = scenario.end_s if load.until_s is None else min(load.until_s, scenario.end_s)
    draws = stream(seed, "workload")
    mail: list[tuple[float, int, int, int]] = []
    for _ in range(load.messages):
        time_s = draws.uniform(load.from_s, until_s)
        source, destination = _pair(load, scenario.nodes, sides, draws.random(), draws.random())
        mail.append((time_s, source, destination, draws.randint(*load.size_bytes)))
    mail.sort()
    return [Creation(row[0], f"M{number}", *row[1:]) for number, row in enumerate(mail, start=1)]


def _pair(
    load: RandomLoad, nodes: int, sides: Sequence[int | None], one: float, other: float
) -> tuple[int, int]:
    """Turn two numbers of 0 to below 1 into two different nodes."""
    if load.destinations == "any":
        source = int(one * nodes)
        destination = int(other * (nodes - 1))
        return source, destination + (destination >= source)
    grounded = [node for node in range(nodes) if sides[node] is not None]
    source = grounded[int(one * len(grounded))] if grounded else 0
    beyond = [node for node in grounded if sides[node] != sides[source]]
    if not beyond:
        raise InvalidInput(
            'workload.destinations = "other-side" finds nobody there; allowed are partitions with '
            "nodes on two sides that are no ferries."
        )
    return source, beyond[int(other * len(beyond))]
