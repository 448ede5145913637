"""The shell's clock: wall time that never runs backwards."""

from __future__ import annotations

import time
from collections.abc import Callable

import trio


class SteadyClock:
    """Unix seconds from the wall clock, made monotone with trio's clock.

    Follows the wall clock forwards at once (the device slept, or the clock was corrected). Where
    the wall clock is set back, this one runs at half speed until the two meet, so that timers go
    on and nothing below ever sees time run backwards.

    Args:
        wall: gives the wall clock in Unix seconds. Tests under trio's MockClock give one derived
            from :func:`trio.current_time`.
    """

    def __init__(self, wall: Callable[[], float] = time.time) -> None:
        self._wall = wall
        self._last_s = wall()
        self._last_steady_s: float | None = None

    def now(self) -> float:
        """Give the present moment in Unix seconds; must be called inside trio."""
        steady_s = trio.current_time()
        passed_s = 0.0 if self._last_steady_s is None else steady_s - self._last_steady_s
        self._last_s = max(self._wall(), self._last_s + passed_s / 2)
        self._last_steady_s = steady_s
        return self._last_s
