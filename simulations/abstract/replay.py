"""Replays The ONE's files at abstract fidelity."""

from __future__ import annotations

from collections.abc import Sequence

from simulations.abstract.world import AbstractWorld
from simulations.policy import policy_for
from simulations.trace import ContactChange, Creation, Outcome, ReplaySettings


def replay(
    settings: ReplaySettings,
    contacts: Sequence[ContactChange],
    creations: Sequence[Creation],
    router: str,
    copies: int,
) -> Outcome:
    """Run a scenario with a production router.

    Raises:
        InvalidInput: the product has no router of that name.
    """
    return AbstractWorld(settings, contacts, creations, policy_for(router, copies)).run()
