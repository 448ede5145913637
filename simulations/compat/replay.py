"""Replays The ONE's files with The ONE's semantics."""

from __future__ import annotations

from collections.abc import Sequence

from simulations.compat.choice import Exchange
from simulations.compat.exchange import CountedExchange
from simulations.compat.world import World
from simulations.policy import counted_policy
from simulations.trace import ContactChange, Creation, Outcome, ReplaySettings


def replay(
    settings: ReplaySettings,
    contacts: Sequence[ContactChange],
    creations: Sequence[Creation],
    router: str,
    copies: int,
) -> Outcome:
    """Run a scenario with one router and give the counters that The ONE would print."""
    exchange = exchange_for(router, copies, settings.nodes)
    return World(settings, contacts, creations, exchange).run()


def exchange_for(router: str, copies: int, nodes: int) -> Exchange:
    """Give a router of the replayed world by name.

    Raises:
        InvalidInput: no router of that name, or a number of copies that cannot be.
    """
    if router == "prophet":
        from simulations.compat.prophet import ProphetExchange

        return ProphetExchange(nodes)
    return CountedExchange(counted_policy(router, copies))
