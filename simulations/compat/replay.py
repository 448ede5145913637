"""Replays The ONE's files with The ONE's semantics."""

from __future__ import annotations

from collections.abc import Sequence

from p2p.core.config import NodeConfig
from p2p.core.routing.table import router_for
from simulations.compat.exchange import CountedExchange
from simulations.compat.prophet import ProphetExchange
from simulations.compat.world import Exchange, World
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
        return ProphetExchange(nodes)
    return CountedExchange(router_for(NodeConfig(router=router, spray_copies=copies)))
