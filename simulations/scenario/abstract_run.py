"""Runs a world at abstract fidelity."""

from __future__ import annotations

from simulations.abstract.world import AbstractWorld, Conduct
from simulations.attackers.conduct import conduct_of
from simulations.observer import Observer
from simulations.policy import policy_for
from simulations.run import Ran
from simulations.scenario.assembly import Assembly

SUITE = "none: nothing is sealed at abstract fidelity"


def run_abstract(assembly: Assembly, observer: Observer) -> Ran:
    """Run a world with production's router and rules of custody.

    Raises:
        InvalidInput: the router cannot be run at this fidelity.
    """
    scenario = assembly.scenario
    policy = policy_for(scenario.router.name, scenario.router.copies)
    conduct: dict[int, Conduct] = {}
    for node, roles in assembly.cast.roles.items():
        behaviour = conduct_of(roles, assembly.seed, node)
        if behaviour is not None:
            conduct[node] = behaviour
    world = AbstractWorld(
        assembly.settings,
        assembly.links,
        assembly.creations,
        policy,
        conduct=conduct,
        forgets=[(one.from_s, one.node) for one in assembly.outages if one.forgets],
        observer=observer,
    )
    outcome = world.run()
    names = world.names
    custody = {node.address: {names[row] for row in node.rows} for node in world.nodes}
    return Ran(outcome, custody, SUITE, ())
