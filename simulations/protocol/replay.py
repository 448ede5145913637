"""Replays The ONE's files at protocol fidelity."""

from __future__ import annotations

from collections.abc import Sequence

from simulations.protocol.options import ProtocolOptions
from simulations.protocol.routers import make_routers
from simulations.protocol.world import ProtocolWorld
from simulations.trace import ContactChange, Creation, Outcome, ReplaySettings


def replay(
    settings: ReplaySettings,
    contacts: Sequence[ContactChange],
    creations: Sequence[Creation],
    router: str,
    copies: int,
) -> Outcome:
    """Run a scenario on production nodes.

    Raises:
        InvalidInput: the product has no router of that name.
    """
    options = ProtocolOptions(visible_recipients=router == "prophet")
    return ProtocolWorld(settings, contacts, creations, make_routers(router, copies), options).run()
