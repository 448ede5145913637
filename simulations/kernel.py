"""A virtual clock: a heap of (time, sequence, node, event), handled in that order.

Time is continuous, in seconds from 0. Two events of the same time are handled in the order in which
they were scheduled, so a run depends on nothing but its inputs.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

from p2p.errors import InvalidInput

EventT = TypeVar("EventT")

EVENTS_MAX = 2_000_000_000
"""A run that handles more is taken for a loop at one moment."""


class Kernel(Generic[EventT]):
    """Keeps what is to happen and hands it out in order.

    Args:
        agenda: (time, node, event) known beforehand, in order of time. They come before events
            scheduled later for the same time.
    """

    def __init__(self, agenda: Iterable[tuple[float, int, EventT]] = ()) -> None:
        self.now_s = 0.0
        self.handled = 0
        self._agenda = list(agenda)
        self._agenda.reverse()
        self._heap: list[tuple[float, int, int, EventT]] = []
        self._sequence = 0
        last_s = math.inf
        for time_s, _, _ in self._agenda:
            if not 0 <= time_s <= last_s:
                raise InvalidInput(f"The agenda is out of order at {time_s} s.")
            last_s = time_s

    def schedule(self, time_s: float, node: int, event: EventT) -> int:
        """Let an event happen to a node at a time that is not past; give its sequence number.

        Raises:
            InvalidInput: the time is past, or no number.
        """
        if not time_s >= self.now_s:
            raise InvalidInput(f"Cannot schedule for {time_s} s; it is {self.now_s} s already.")
        self._sequence += 1
        heapq.heappush(self._heap, (time_s, self._sequence, node, event))
        return self._sequence

    def next_time_s(self) -> float:
        """Give when the next event happens; infinity where none is left."""
        next_s = self._agenda[-1][0] if self._agenda else math.inf
        return min(next_s, self._heap[0][0]) if self._heap else next_s

    def run(self, end_s: float, handle: Callable[[int, EventT], None]) -> None:
        """Hand out all events up to and including ``end_s``, and set the clock to it.

        Raises:
            InvalidInput: more than EVENTS_MAX events were handled.
        """
        agenda, heap, pop = self._agenda, self._heap, heapq.heappop
        handled = self.handled
        try:
            while True:
                if agenda and (not heap or agenda[-1][0] <= heap[0][0]):
                    if agenda[-1][0] > end_s:
                        break
                    self.now_s, node, event = agenda.pop()
                elif heap and heap[0][0] <= end_s:
                    self.now_s, _, node, event = pop(heap)
                else:
                    break
                handled += 1
                if handled > EVENTS_MAX:
                    raise InvalidInput(f"More than {EVENTS_MAX} events; the scenario does not end.")
                handle(node, event)
        finally:
            self.handled = handled
        if end_s < math.inf:
            self.now_s = max(self.now_s, end_s)
