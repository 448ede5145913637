"""Randomness and time from the operating system."""

from __future__ import annotations

import os
import time
from typing import Final

_FRACTION_BITS: Final = 53
"""What a float holds exactly."""
_FRACTIONS: Final = float(1 << _FRACTION_BITS)


class SystemEntropy:
    """:class:`p2p.ports.entropy.Entropy` from the kernel's generator."""

    def random_bytes(self, size: int) -> bytes:
        """Give ``size`` unpredictable bytes."""
        return os.urandom(size)

    def uniform(self) -> float:
        """Give a number from 0 (included) to 1 (excluded)."""
        return (int.from_bytes(os.urandom(7)) >> (56 - _FRACTION_BITS)) / _FRACTIONS


class SystemClock:
    """:class:`p2p.ports.clock.Clock` from the wall clock, for use outside of the running node.

    Where the wall clock is set back, this one stands still until it has caught up.
    """

    def __init__(self) -> None:
        self._last_s = 0.0

    def now(self) -> float:
        """Give the present moment in Unix seconds."""
        self._last_s = max(self._last_s, time.time())
        return self._last_s
