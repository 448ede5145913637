"""When a node looks for expired messages, worked out without stepping through idle time.

A node looks at its first update at least CHECK_INTERVAL_S after it last did, if it is not sending.
Updates happen at every whole second and after every external event.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterable
from typing import Final

CHECK_INTERVAL_S: Final = 60.0


class Checks:
    """The times at which idle nodes check, for one list of external events.

    Args:
        event_times: in order; only those off the grid of whole seconds matter.
    """

    def __init__(self, event_times: Iterable[float]) -> None:
        self._between = [time_s for time_s in event_times if time_s % 1.0]

    def after(self, last_s: float) -> float:
        """Give the first update at which a node that checked at ``last_s`` checks again."""
        whole = math.floor(last_s) + CHECK_INTERVAL_S
        if whole - last_s < CHECK_INTERVAL_S:
            whole += 1.0
        if last_s.is_integer():
            return whole
        index = bisect_left(self._between, last_s + CHECK_INTERVAL_S - 1e-6)
        while index < len(self._between) and self._between[index] < whole:
            if self._between[index] - last_s >= CHECK_INTERVAL_S:
                return self._between[index]
            index += 1
        return whole

    def last(self, checked_s: float, now_s: float) -> float:
        """Give an idle node's last check at or before ``now_s``, from an earlier one."""
        while now_s - checked_s >= CHECK_INTERVAL_S:
            if checked_s.is_integer():
                return checked_s + CHECK_INTERVAL_S * ((now_s - checked_s) // CHECK_INTERVAL_S)
            due_s = self.after(checked_s)
            if due_s > now_s:
                break
            checked_s = due_s
        return checked_s

    def last_before(self, checked_s: float, now_s: float) -> float:
        """Give an idle node's last check strictly before ``now_s``, from an earlier one."""
        while now_s - checked_s > CHECK_INTERVAL_S:
            if checked_s.is_integer():
                span_s = now_s - checked_s
                steps = span_s // CHECK_INTERVAL_S
                if steps * CHECK_INTERVAL_S == span_s:
                    steps -= 1
                return checked_s + CHECK_INTERVAL_S * steps
            due_s = self.after(checked_s)
            if due_s >= now_s:
                break
            checked_s = due_s
        return checked_s
