"""Who is inside a jammed disc, and when; to the step of the mobility model."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np

from simulations.scenario.contacts import positions
from simulations.scenario.model import Mobile, Scenario
from simulations.scenario.reading import end_of
from simulations.scenario.troubles import Jamming
from simulations.trace import ContactChange
from simulations.world.contact_cache import cached_contacts


def jammed(scenario: Scenario, seed: int, cache: Path | None) -> list[tuple[float, int, bool]]:
    """Give (time, node, on) for everybody who enters or leaves a disc, in order of time.

    Discs count one by one: a node inside two of them leaves twice.
    """
    discs = [fault for fault in scenario.faults if isinstance(fault, Jamming)]
    if not discs:
        return []
    parameters = {
        "jammed": msgspec.to_builtins(discs),
        "model": msgspec.to_builtins(scenario.contacts),
        "nodes": scenario.nodes,
        "end_s": scenario.end_s,
        "seed": seed,
    }
    rows = cached_contacts(parameters, lambda: _passages(scenario, discs, seed), cache)
    return [(row.time_s, row.first, row.up) for row in rows]


def _passages(scenario: Scenario, discs: list[Jamming], seed: int) -> list[ContactChange]:
    """Give passages as rows of the contact cache: the node is ``first``, the disc ``second``."""
    source = scenario.contacts
    step_s = source.step_s if isinstance(source, Mobile) else scenario.end_s
    before = np.zeros((len(discs), scenario.nodes), dtype=np.bool_)
    rows: list[ContactChange] = []
    for number, frame in enumerate(positions(scenario, seed)):
        time_s = number * step_s
        for index, disc in enumerate(discs):
            inside = np.zeros(scenario.nodes, dtype=np.bool_)
            if disc.from_s <= time_s < end_of(disc.until_s):
                gap = frame - np.array(disc.center_m)
                inside = (gap * gap).sum(axis=1) <= disc.radius_m**2
            for node in np.flatnonzero(inside != before[index]).tolist():
                rows.append(ContactChange(time_s, node, index, bool(inside[node])))
            before[index] = inside
    return rows
