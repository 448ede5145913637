"""Which nodes a fault or an attacker means.

A larger share takes everybody whom a smaller one takes, so that variants differ in nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence

from simulations.rng import stream
from simulations.scenario.relations import chosen_count
from simulations.scenario.troubles import Chosen
from simulations.trace import ContactChange


def chosen_nodes(
    chosen: Chosen, nodes: int, contacts: Sequence[ContactChange], seed: int, label: str
) -> list[int]:
    """Give the addresses that a choice means.

    Args:
        contacts: who meets whom, for a choice by degree: contacts that a node had in the run.
        label: of the random stream, one for each fault or attacker.
    """
    if chosen.nodes is not None:
        return list(chosen.nodes)
    if chosen.choose == "degree":
        order = by_degree(nodes, contacts)
    else:
        order = stream(seed, "chosen", label).sample(range(nodes), nodes)
    return order[: chosen_count(chosen, nodes)]


def by_degree(nodes: int, contacts: Sequence[ContactChange]) -> list[int]:
    """Give all nodes, those with the most contacts first; equals by address."""
    counts = [0] * nodes
    for change in contacts:
        if change.up:
            counts[change.first] += 1
            counts[change.second] += 1
    return sorted(range(nodes), key=lambda node: -counts[node])
