"""Who plays which attacker in a run, under how many names, and what flooders send."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from simulations.rng import stream
from simulations.scenario.choice import chosen_nodes
from simulations.scenario.model import Scenario
from simulations.scenario.reading import end_of
from simulations.scenario.troubles import Attacker, Flooder, Sybil
from simulations.trace import ContactChange, Creation

FLOOD_PREFIX: Final = "flood-"
"""Names of messages that nobody waits for begin with this."""


@dataclass(frozen=True, slots=True)
class Cast:
    """The attackers of one run.

    Attributes:
        nodes: nodes and identities; identities have the addresses after the nodes'.
        roles: what each attacker and each identity is, by address.
        body: the node behind each identity.
    """

    nodes: int
    roles: Mapping[int, tuple[Attacker, ...]]
    body: Mapping[int, int]


def cast_of(scenario: Scenario, contacts: Sequence[ContactChange], seed: int) -> Cast:
    """Choose the attackers of a scenario.

    Args:
        contacts: who meets whom, for attackers chosen by degree.
    """
    roles: dict[int, tuple[Attacker, ...]] = {}
    body: dict[int, int] = {}
    for number, attacker in enumerate(scenario.attackers):
        label = f"attacker {attacker.__struct_config__.tag} {number}"
        for node in chosen_nodes(attacker, scenario.nodes, contacts, seed, label):
            roles[node] = (*roles.get(node, ()), attacker)
            if isinstance(attacker, Sybil):
                for _ in range(attacker.identities):
                    identity = scenario.nodes + len(body)
                    body[identity] = node
                    roles[identity] = (attacker,)
    return Cast(scenario.nodes + len(body), roles, body)


def with_identities(links: Sequence[ContactChange], cast: Cast) -> list[ContactChange]:
    """Let identities meet whoever their node meets, at the same moments."""
    if not cast.body:
        return list(links)
    names: dict[int, list[int]] = {}
    for identity, node in cast.body.items():
        names.setdefault(node, [node]).append(identity)
    changes: list[ContactChange] = []
    for link in links:
        seconds = names.get(link.second, (link.second,))
        for first in names.get(link.first, (link.first,)):
            for second in seconds:
                changes.append(ContactChange(link.time_s, first, second, link.up))
    return changes


def floods(scenario: Scenario, cast: Cast, seed: int) -> list[Creation]:
    """Give what flooders send, in order of time, to nodes drawn anew for each message."""
    found: list[Creation] = []
    for node, roles in cast.roles.items():
        for number, role in enumerate(roles):
            label = f"{node}-{number}"
            if isinstance(role, Flooder):
                until_s = min(end_of(role.until_s), scenario.end_s)
                found += _flood(scenario, node, role, (role.from_s, until_s), label, seed)
            elif isinstance(role, Sybil) and role.conduct == "flooder":
                found += _flood(scenario, node, role, (0.0, scenario.end_s), label, seed)
    return sorted(found)


def _flood(
    scenario: Scenario,
    node: int,
    role: Flooder | Sybil,
    span_s: tuple[float, float],
    label: str,
    seed: int,
) -> list[Creation]:
    if scenario.nodes < 2:
        return []
    draws = stream(seed, "flood", label)
    found: list[Creation] = []
    time_s = span_s[0] + draws.random() * role.interval_s
    while time_s < span_s[1]:
        destination = draws.randrange(scenario.nodes - 1)
        destination += destination >= node
        name = f"{FLOOD_PREFIX}{label}-{len(found)}"
        found.append(Creation(time_s, name, node, destination, role.size_bytes))
        time_s += role.interval_s
    return found
