"""Time as the shells read it; nothing below them reads a clock."""

from __future__ import annotations

from typing import Protocol


class Clock(Protocol):
    """The wall clock in Unix seconds, never running backwards within one process."""

    def now(self) -> float:
        """Give the present moment in Unix seconds."""
        ...
