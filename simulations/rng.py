"""Random streams by name, all from one seed.

A stream depends on the seed and its own name only: a model that draws more, or a model that is
added, changes no other's numbers. Variants of a scenario thus share their common random numbers.
"""

from __future__ import annotations

import hashlib
import random

SEED_MAX = 2**63 - 1


def stream_seed(seed: int, *names: str | int) -> int:
    """Give a 64-bit seed of the stream called ``names`` under a run's seed."""
    label = "\x1f".join([str(seed), *(f"{type(name).__name__}:{name}" for name in names)])
    return int.from_bytes(hashlib.sha256(label.encode()).digest()[:8], "big")


def stream(seed: int, *names: str | int) -> random.Random:
    """Give the stream called ``names``, at its beginning.

    Python's Mersenne Twister gives the same numbers on every platform.
    """
    return random.Random(stream_seed(seed, *names))  # noqa: S311 - simulation, not secrets
