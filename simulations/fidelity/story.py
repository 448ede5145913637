"""The story: people write and meet, one step after the other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias


@dataclass(frozen=True, slots=True)
class Writes:
    """Somebody writes to somebody; ``name`` is the text."""

    source: int
    destination: int
    name: str


@dataclass(frozen=True, slots=True)
class Meets:
    """Two are neighbours for as long as it takes, and then are not."""

    first: int
    second: int


Step: TypeAlias = Writes | Meets
Deliveries: TypeAlias = frozenset[str]
"""Names of the messages that arrived, each as ``name@recipient``."""


@dataclass(frozen=True, slots=True)
class Story:
    """Steps in their order; every node sprays that many copies."""

    people: tuple[str, ...]
    copies: int
    steps: tuple[Step, ...]

    def pairs(self) -> list[tuple[int, int]]:
        """Give who writes to whom, smaller address first, each pair once."""
        written = [step for step in self.steps if isinstance(step, Writes)]
        pairs = ((min(w.source, w.destination), max(w.source, w.destination)) for w in written)
        return list(dict.fromkeys(pairs))


FERRIES: Final = Story(
    people=("alice", "bob", "carol", "dave"),
    copies=2,
    steps=(
        Writes(0, 2, "brought by bob"),
        Writes(0, 3, "whose carriers never meet dave"),
        Writes(3, 0, "brought back by carol"),
        Meets(0, 1),
        Meets(1, 2),
        Meets(2, 3),
        Writes(2, 1, "too late"),
        Meets(0, 2),
        Writes(0, 2, "from hand to hand"),
        Meets(0, 2),
    ),
)
"""Three arrive, two do not: one's carriers never meet its recipient, one is written too late."""


def told(name: str, recipient: str) -> str:
    """Give how a delivery is written."""
    return f"{name}@{recipient}"
