"""A sweep from its plan to its tables: what is finished is kept, the rest is done and summed up."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from typing import Literal, Protocol

from p2p.errors import Conflict
from simulations.sweep.engine import Engine
from simulations.sweep.folder import Found, SweepFolder
from simulations.sweep.plan import Plan
from simulations.sweep.row import Row
from simulations.sweep.tables import table_files
from simulations.sweep.tally import Tally
from simulations.sweep.work import Done, Job, perform


class Watcher(Protocol):
    """Somebody who is told how far a sweep is."""

    def begun(self, found: Found, runs: int, kept: int, workers: int) -> None:
        """Take note of what is finished already, and of how many runs there are in all."""
        ...

    def ran(self, job: Job, why: str) -> None:
        """Take note of one more run: finished if ``why`` is empty, else why it failed."""
        ...


def run_sweep(
    plan: Plan,
    folder: SweepFolder,
    engine: Engine,
    watcher: Watcher,
    keep: Literal["row", "folder"] = "row",
) -> Tally:
    """Do every run of the plan that is not finished, and write the tables of those that are.

    Broken off by an exception (Ctrl-C is one), the folder holds what was finished, and the tables
    say so much; the same call goes on from there. The caller holds the folder.

    Raises:
        Conflict: the folder's results, or a worker's, come from other code.
        InvalidInput: the folder cannot be read or written.
        StoreFull: there is no room left.
    """
    found = folder.begin(plan)
    rows = dict(found.rows)
    groups = _groups(plan, rows, keep)
    tally = Tally(
        runs=len(plan.variants) * len(plan.seeds),
        kept=0,
        damaged=found.damaged,
        other_grid=found.other_grid,
    )
    tally.kept = tally.runs - sum(len(group) for group in groups)
    watcher.begun(found, tally.runs, tally.kept, engine.workers())
    labels = {variant.number: variant.label for variant in plan.variants}
    try:
        with closing(engine.run(perform, groups)) as answers:
            for job, answer in answers:
                why = "" if isinstance(answer, Done) else answer.why
                if isinstance(answer, Done):
                    _refuse_other_code(answer.row, plan)
                    folder.keep(answer.row, job.variant, answer.files)
                    rows[job.key] = answer.row
                    tally.done += 1
                else:
                    tally.failed.append((labels[job.variant], job.seed, why))
                watcher.ran(job, why)
    finally:
        for name, data in table_files(plan, rows).items():
            folder.write(name, data)
    tally.unsound = [
        (variant.label, seed)
        for key, variant, seed in plan.runs()
        if key in rows and rows[key].figures.get("findings")
    ]
    return tally


def _groups(
    plan: Plan, rows: dict[str, Row], keep: Literal["row", "folder"]
) -> Sequence[Sequence[Job]]:
    """Give the runs to be done, those of a seed together: they share their contacts."""
    groups: dict[int, list[Job]] = {}
    planned: dict[str, None] = {}
    for key, variant, seed in plan.runs():
        if key not in rows and key not in planned:
            planned[key] = None
            job = Job(key, variant.number, variant.scenario, seed, keep)
            groups.setdefault(seed, []).append(job)
    return list(groups.values())


def _refuse_other_code(row: Row, plan: Plan) -> None:
    if row.code_sha256 != plan.code_sha256:
        raise Conflict(
            "A run was made by other sources of Molva than this sweep's: a worker elsewhere has "
            "another version installed, or the sources changed meanwhile."
        )
