"""Randomness as a value that comes in."""

from __future__ import annotations

from typing import Protocol


class Entropy(Protocol):
    """A source of random bytes: the operating system's in production, a seeded one elsewhere."""

    def random_bytes(self, size: int) -> bytes:
        """Give ``size`` unpredictable bytes."""
        ...

    def uniform(self) -> float:
        """Give a number drawn uniformly from 0 (included) to 1 (excluded), for jitter only."""
        ...
