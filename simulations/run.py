"""One run of one scenario: the world is made, run with checkers beside it, and summed up."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, NamedTuple, TextIO

from simulations.checkers.bounds import beyond_the_oracle
from simulations.checkers.finding import Finding
from simulations.checkers.liveness import overdue
from simulations.checkers.safety import Safety
from simulations.event_log import EventLog
from simulations.holdings import Holdings
from simulations.observer import Observer, Observers
from simulations.result import MessageRow, RunResult
from simulations.scenario.assembly import Assembly, assemble
from simulations.scenario.contacts import Progress, silent
from simulations.scenario.model import Scenario
from simulations.scenario.troubles import CopiesLiar
from simulations.timeline import Timeline
from simulations.trace import Creation, Outcome
from simulations.world.contact_cache import cache_folder

TIMELINE_ROWS: Final = 100


class Ran(NamedTuple):
    """What a fidelity gives of a run.

    Attributes:
        outcome: of all messages, flooders' included.
        custody: what each honest node holds at the end, by address, as far as it can be asked.
        suite: who sealed and opened.
        findings: of checkers that belong to the fidelity.
    """

    outcome: Outcome
    custody: dict[int, set[str]]
    suite: str
    findings: tuple[Finding, ...]


def run_scenario(
    scenario: Scenario,
    seed: int,
    progress: Progress = silent,
    *,
    cache: Path | None = None,
    log: TextIO | None = None,
) -> RunResult:
    """Run a scenario under a seed.

    Args:
        progress: is told what is going on.
        cache: folder for contacts of mobility models; None for the usual one.
        log: every line of the event log is written there.

    Raises:
        InvalidInput: files or values that cannot be, or that the fidelity cannot do.
    """
    assembly = assemble(scenario, seed, cache or cache_folder(), progress)
    return run_assembly(assembly, progress, log=log)


def run_assembly(
    assembly: Assembly, progress: Progress = silent, *, log: TextIO | None = None
) -> RunResult:
    """Run a world that is ready."""
    begun_s, begun_cpu_s = time.perf_counter(), time.process_time()
    scenario, creations = assembly.scenario, assembly.creations
    holdings = Holdings(creations)
    safety = _safety(assembly, creations, holdings)
    mail = frozenset(creation.name for creation in assembly.mail)
    step_s = scenario.timeline_step_s or scenario.end_s / TIMELINE_ROWS
    timeline = Timeline(holdings, mail, step_s)
    events = EventLog(log)
    watch = _Watch(progress, scenario.end_s)
    observers: list[Observer] = [timeline, safety, events, watch]
    ran = _fidelity(scenario)(assembly, Observers(observers))
    outcome = _of_mail(ran.outcome, mail, assembly)
    rows = _rows(assembly, outcome, holdings)
    for node, present in ran.custody.items():
        safety.compare(scenario.end_s, node, present)
    return RunResult(
        scenario=scenario,
        seed=assembly.seed,
        outcome=outcome,
        messages=rows,
        timeline=timeline.finish(scenario.end_s),
        event_log_sha256=events.hexdigest(),
        events=events.lines,
        findings=(*safety.findings, *ran.findings, *_verdicts(assembly, outcome)),
        counters=_counters(assembly, holdings),
        wall_s=time.perf_counter() - begun_s,
        cpu_s=time.process_time() - begun_cpu_s,
        suite=ran.suite,
        links=tuple(assembly.links),
    )


def write_run(result: RunResult, out: Path) -> None:
    """Write a run's folder: :func:`simulations.record.write_folder`, which needs pyarrow."""
    from simulations.record import write_folder

    write_folder(result, out)


class _Watch:
    """An observer that tells how far the clock is, now and then."""

    def __init__(self, progress: Progress, end_s: float) -> None:
        self._progress, self._end_s = progress, end_s
        self._lines = 0

    def note(
        self, time_s: float, node: int, kind: str, fields: tuple[str | int | float, ...]
    ) -> None:
        """Count, and tell at times."""
        del node, kind, fields
        self._lines += 1
        if self._lines & 0x3FFF == 1:
            self._progress("running", min(1.0, time_s / self._end_s))


def _fidelity(scenario: Scenario) -> Callable[[Assembly, Observer], Ran]:
    if scenario.fidelity == "protocol":
        from simulations.scenario.protocol_run import run_protocol

        return run_protocol
    from simulations.scenario.abstract_run import run_abstract

    return run_abstract


def _safety(assembly: Assembly, creations: Sequence[Creation], holdings: Holdings) -> Safety:
    scenario = assembly.scenario
    counted = scenario.router.name == "spray" and scenario.fidelity == "abstract"
    # The product counts lifetimes in whole hours, so its nodes may keep mail longer than is said.
    liars = any(isinstance(attacker, CopiesLiar) for attacker in scenario.attackers)
    return Safety(
        creations,
        holdings,
        buffer_bytes=scenario.node.buffer_bytes,
        ttl_s=scenario.workload.ttl_min * 60.0 if scenario.fidelity == "abstract" else math.inf,
        copies=scenario.router.copies if counted and not liars else None,
    )


def _of_mail(outcome: Outcome, mail: frozenset[str], assembly: Assembly) -> Outcome:
    """Leave out what flooders sent; transfers and drops of it still count."""
    if not assembly.floods:
        return outcome
    return Outcome(
        sim_time_s=outcome.sim_time_s,
        created=len(assembly.mail),
        started=outcome.started,
        relayed=outcome.relayed,
        aborted=outcome.aborted,
        dropped=outcome.dropped,
        removed=outcome.removed,
        deliveries=tuple(one for one in outcome.deliveries if one.creation.name in mail),
        buffer_times_s=outcome.buffer_times_s,
    )


def _rows(assembly: Assembly, outcome: Outcome, holdings: Holdings) -> tuple[MessageRow, ...]:
    delivered = {delivery.creation.name: delivery for delivery in outcome.deliveries}
    crossing = assembly.crossing
    rows: list[MessageRow] = []
    for creation in assembly.mail:
        name = creation.name
        delivery, oracle_s = delivered.get(name), assembly.earliest.get(name)
        rows.append(
            MessageRow(
                id=name,
                source=creation.source,
                destination=creation.destination,
                size_bytes=creation.size_bytes,
                created_s=creation.time_s,
                delivered_s=delivery.time_s if delivery else None,
                hops=delivery.hops if delivery else None,
                oracle_s=oracle_s,
                lost_why="" if delivery else _lost_why(name, oracle_s, holdings),
                crosses=name in crossing,
            )
        )
    return tuple(rows)


def _lost_why(name: str, oracle_s: float | None, holdings: Holdings) -> str:
    if oracle_s is None:
        return "unreachable"
    if name in holdings.holders:
        return "under-way"
    return holdings.lost_why.get(name, "unknown")


def _verdicts(assembly: Assembly, outcome: Outcome) -> list[Finding]:
    scenario = assembly.scenario
    found = beyond_the_oracle(outcome.deliveries, assembly.earliest)
    if scenario.check.liveness_budget_s is None:
        return found
    healed_s = scenario.check.healed_s
    failed = {one.node for one in assembly.outages if one.until_s > healed_s}
    forgot = {one.node: one.from_s for one in assembly.outages if one.forgets}
    failed.update(assembly.cast.roles)
    judged = [
        one
        for one in assembly.mail
        if one.source not in failed
        and one.destination not in failed
        and forgot.get(one.source, -1.0) < one.time_s
    ]
    arrived = {one.creation.name: one.time_s for one in outcome.deliveries}
    budget_s, end_s = scenario.check.liveness_budget_s, scenario.end_s
    return [*found, *overdue(judged, arrived, assembly.earliest, healed_s, budget_s, end_s)]


def _counters(assembly: Assembly, holdings: Holdings) -> dict[str, int]:
    counts = {key.replace(" ", "_"): count for key, count in sorted(holdings.counts.items())}
    return {
        **counts,
        "bytes_on_air": holdings.bytes_on_air,
        "unwritten": assembly.unwritten,
        "flood_messages": len(assembly.floods),
        "identities": len(assembly.cast.body),
        "outages": len(assembly.outages),
        "link_changes": len(assembly.links),
    }
