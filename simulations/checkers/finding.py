"""What a checker says of a run that went wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

FINDINGS_MAX: Final = 100
"""More of one checker add nothing."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that must never be.

    Attributes:
        time_s: when it was seen.
        node: where.
        checker: who saw it: safety, oracle or liveness.
        sentence: what it is.
    """

    time_s: float
    node: int
    checker: str
    sentence: str

    def __str__(self) -> str:
        return f"{self.checker}, {self.time_s:.3f} s, node {self.node}: {self.sentence}"
