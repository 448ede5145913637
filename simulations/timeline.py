"""A run in time: what stood how at each step."""

from __future__ import annotations

from typing import NamedTuple

from simulations.holdings import Holdings
from simulations.observer import Field


class TimelineRow(NamedTuple):
    """How things stood at a time; counts are of everything since the start.

    Attributes:
        created, delivered: messages of the workload, each once.
        relayed, dropped: transfers completed; copies that left custody.
        bytes_on_air: bytes of completed transfers (abstract) or of frames (protocol).
        copies, buffered_bytes: what is in custody now, flooders' mail included.
        links: links that exist now.
        nodes_down: nodes that are off now.
    """

    time_s: float
    created: int
    delivered: int
    relayed: int
    dropped: int
    bytes_on_air: int
    copies: int
    buffered_bytes: int
    links: int
    nodes_down: int


class Timeline:
    """An observer that takes a row every ``step_s``, from time 0 on to the end."""

    def __init__(self, holdings: Holdings, mail: frozenset[str], step_s: float) -> None:
        self.rows: list[TimelineRow] = []
        self._holdings = holdings
        self._mail = mail
        self._step_s = step_s
        self._created = 0
        self._arrived: set[str] = set()

    def note(self, time_s: float, node: int, kind: str, fields: tuple[Field, ...]) -> None:
        """Take the rows that are due, then count."""
        del node
        while time_s > len(self.rows) * self._step_s:
            self._take(len(self.rows) * self._step_s)
        if kind == "created" and fields[0] in self._mail:
            self._created += 1
        elif kind == "delivered" and fields[0] in self._mail:
            self._arrived.add(str(fields[0]))

    def finish(self, end_s: float) -> tuple[TimelineRow, ...]:
        """Take the rows up to the end, and one at the end."""
        while len(self.rows) * self._step_s < end_s:
            self._take(len(self.rows) * self._step_s)
        self._take(end_s)
        return tuple(self.rows)

    def _take(self, time_s: float) -> None:
        seen = self._holdings
        self.rows.append(
            TimelineRow(
                time_s=time_s,
                created=self._created,
                delivered=len(self._arrived),
                relayed=seen.counts["relayed"],
                dropped=seen.counts["dropped"],
                bytes_on_air=seen.bytes_on_air,
                copies=sum(seen.holders.values()),
                buffered_bytes=seen.buffered_bytes,
                links=seen.links,
                nodes_down=seen.nodes_down,
            )
        )
