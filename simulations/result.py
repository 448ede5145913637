"""What one run gives: values that reports, sweeps and checks read."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from simulations.checkers.finding import Finding
from simulations.metrics import healing_time_s, summarise, time_mean
from simulations.scenario.model import Scenario
from simulations.scenario.troubles import Partition
from simulations.timeline import TimelineRow
from simulations.trace import ContactChange, Outcome


class MessageRow(NamedTuple):
    """The fate of one message of the workload; flooders' mail has no rows.

    Attributes:
        created_s, delivered_s, oracle_s: seconds from the start; None where it never was, or never
            could be.
        hops: links it went over.
        lost_why: empty if it was delivered; ``unreachable`` (the oracle could not either),
            ``under-way`` (somebody still holds it), else why the last copy went: ``evicted``,
            ``expired``, ``forgotten``, ``proven`` or ``unknown``.
        crosses: whether its ends are on two sides of the first partition.
    """

    id: str
    source: int
    destination: int
    size_bytes: int
    created_s: float
    delivered_s: float | None
    hops: int | None
    oracle_s: float | None
    lost_why: str
    crosses: bool


@dataclass(frozen=True, slots=True)
class RunResult:
    """One run.

    Attributes:
        outcome: counters and deliveries of the workload's messages; transfers count flooders' too.
        messages: one row each, in order of creation.
        timeline: one row each step.
        event_log_sha256: equal for equal runs.
        events: lines in that log.
        findings: what checkers say; empty for a run that is sound.
        counters: everything else that was counted.
        wall_s, cpu_s: what the run took.
        suite: who seals and opens; a stand-in is named as such.
        links: the links that existed, for the graph of contacts.
    """

    scenario: Scenario
    seed: int
    outcome: Outcome
    messages: tuple[MessageRow, ...]
    timeline: tuple[TimelineRow, ...]
    event_log_sha256: str
    events: int
    findings: tuple[Finding, ...]
    counters: Mapping[str, int]
    wall_s: float
    cpu_s: float
    suite: str
    links: tuple[ContactChange, ...]

    def metrics(self) -> dict[str, float]:
        """Give the run's figures by name; NaN where there is nothing to say.

        ``oracle_delivery_ratio`` is the share that any router could deliver, and
        ``delivered_of_possible`` the share of that which this one did. ``behind_oracle_s`` is the
        mean time that delivered messages came after the oracle.
        """
        summary = summarise(self.outcome)
        created = len(self.messages)
        possible = sum(row.oracle_s is not None for row in self.messages)
        late = [
            row.delivered_s - row.oracle_s
            for row in self.messages
            if row.delivered_s is not None and row.oracle_s is not None
        ]
        held = [(row.time_s, float(row.buffered_bytes)) for row in self.timeline]
        return {
            "delivery_ratio": summary.delivery_ratio,
            "latency_mean_s": summary.latency_mean_s,
            "latency_median_s": summary.latency_median_s,
            "latency_p95_s": summary.latency_p95_s,
            "overhead_ratio": summary.overhead_ratio,
            "hops_mean": summary.hops_mean,
            "oracle_delivery_ratio": possible / created if created else math.nan,
            "delivered_of_possible": summary.delivered / possible if possible else math.nan,
            "behind_oracle_s": math.fsum(late) / len(late) if late else math.nan,
            "buffered_bytes_mean": time_mean(held, self.scenario.end_s),
            "bytes_on_air": float(self.counters["bytes_on_air"]),
            "healing_s": self._healing_s(),
        }

    def _healing_s(self) -> float:
        """Give how long after the first partition its mail needed to get across."""
        ends = [one.until_s for one in self.scenario.faults if isinstance(one, Partition)]
        if not ends or ends[0] is None:
            return math.nan
        crossings = [(row.created_s, row.delivered_s) for row in self.messages if row.crosses]
        return healing_time_s(crossings, ends[0])
