"""What this node has counted since it started."""

from __future__ import annotations

from typing import Final

NAMES_MAX: Final = 256
"""Names come from our own code alone; more than this many is a bug, not a load."""


class Counters:
    """Named totals that only grow."""

    def __init__(self) -> None:
        self._totals: dict[str, int] = {}

    def add(self, name: str, amount: int = 1) -> None:
        """Count."""
        self._totals[name] = self._totals.get(name, 0) + amount
        assert len(self._totals) <= NAMES_MAX, "counter names must not come from peers"

    def view(self) -> tuple[tuple[str, int], ...]:
        """Give all totals by name."""
        return tuple(sorted(self._totals.items()))
