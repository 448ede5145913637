"""What became of a sweep."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Tally:
    """What became of a sweep.

    Attributes:
        runs: of the plan.
        kept: finished before.
        done: finished now.
        damaged: files of finished runs that could not be read; those runs were done again.
        failed: (label, seed, why) of runs that could not be done.
        unsound: (label, seed) of runs in which a checker found what no run may do.
    """

    runs: int
    kept: int
    damaged: int
    other_grid: bool
    done: int = 0
    failed: list[tuple[str, int, str]] = field(default_factory=list[tuple[str, int, str]])
    unsound: list[tuple[str, int]] = field(default_factory=list[tuple[str, int]])
