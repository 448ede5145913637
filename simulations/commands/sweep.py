"""``molva-sim sweep``: every combination of a grid's values, with every seed."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Generator
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Final

import click
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from simulations.commands.options import FILE, SEED, echo_json
from simulations.rng import SEED_MAX
from simulations.sweep.engine import Engine, LocalPool
from simulations.sweep.folder import Found, SweepFolder
from simulations.sweep.plan import Plan
from simulations.sweep.tally import Tally

if TYPE_CHECKING:
    from simulations.sweep.work import Job

SEEDS_MAX: Final = 10_000
RUNS_MAX: Final = 100_000
WORKERS_MAX: Final = 1024
FAILURES_SHOWN: Final = 3
_INTERRUPTED: Final = 130


@click.command(epilog="Example: molva-sim sweep grid.toml --seeds 30 --out out/grid")
@click.argument("grid", type=FILE)
@click.option(
    "--seeds",
    type=click.IntRange(1, SEEDS_MAX),
    default=30,
    show_default=True,
    help="How many seeds each variant runs with; the same ones for all.",
)
@click.option(
    "--first-seed", type=SEED, default=1, show_default=True, help="The first of these seeds."
)
@click.option(
    "--workers",
    type=click.IntRange(1, WORKERS_MAX),
    help="Processes on this machine; one for each core, unless told.",
)
@click.option(
    "--dask",
    "address",
    metavar="ADDRESS",
    help="Run on the Dask cluster whose scheduler is there, as tcp://HOST:8786.",
)
@click.option("--out", type=FILE, required=True, help="Folder for the results; goes on from it.")
@click.option("--keep-runs", is_flag=True, help="Keep each run's own folder too, under runs/.")
@click.option("--restart", is_flag=True, help="Throw finished runs in the folder away first.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_context
def sweep(
    context: click.Context,
    grid: Path,
    seeds: int,
    first_seed: int,
    workers: int | None,
    address: str | None,
    out: Path,
    *,
    keep_runs: bool,
    restart: bool,
    as_json: bool,
) -> None:
    """Run a grid of parameters x seeds; broken off, the same command goes on.

    GRID names a base scenario and lists values for its keys (docs/how-to/run-a-sweep.md). Each
    seed gives all variants the same contacts and messages. OUT gets results.parquet and
    results.csv with one row a run, and curves.parquet.
    """
    if workers is not None and address is not None:
        raise click.UsageError("--workers and --dask exclude each other.")
    if first_seed + seeds - 1 > SEED_MAX:
        raise click.UsageError(f"--first-seed and --seeds go beyond {SEED_MAX}.")
    plan, runs = _plan(grid, range(first_seed, first_seed + seeds))
    folder = SweepFolder(out)
    bar = _Bar()
    with folder.held(), _heard_like_ctrl_c(signal.SIGTERM):
        if restart:
            folder.clear()
        try:
            tally = _run(plan, folder, _engine(workers, address), bar, keep_runs=keep_runs)
        except KeyboardInterrupt:
            click.echo(
                f"molva-sim: Interrupted: {bar.finished} of {runs} runs are kept in {out}; the "
                "same command goes on.",
                err=True,
            )
            context.exit(_INTERRUPTED)
    if as_json:
        echo_json(_answer(plan, tally, out))
    else:
        again = f" ({tally.kept} were there already)" if tally.kept else ""
        click.echo(
            f"{tally.kept + tally.done} of {runs} runs are in {out}{again}; "
            f"next: molva-sim report {out}"
        )
    if tally.failed or tally.unsound:
        _tell_failures(tally)
        context.exit(1)


def _run(plan: Plan, folder: SweepFolder, engine: Engine, bar: _Bar, *, keep_runs: bool) -> Tally:
    from simulations.sweep.sweep import run_sweep

    with bar.progress:
        return run_sweep(plan, folder, engine, bar, "folder" if keep_runs else "row")


def _answer(plan: Plan, tally: Tally, out: Path) -> dict[str, object]:
    failed = [{"variant": label, "seed": seed, "why": why} for label, seed, why in tally.failed]
    return {
        "out": str(out),
        "grid": plan.name,
        "variants": len(plan.variants),
        "seeds": len(plan.seeds),
        "runs": tally.runs,
        "kept": tally.kept,
        "done": tally.done,
        "damaged": tally.damaged,
        "failed": failed,
        "unsound": [{"variant": label, "seed": seed} for label, seed in tally.unsound],
    }


def _plan(path: Path, seeds: range) -> tuple[Plan, int]:
    """Give what is to be run, and how many runs that is."""
    from simulations.sweep.grid import load_grid
    from simulations.sweep.plan import plan_of

    grid = load_grid(path)
    plan = plan_of(grid.name, grid.description, grid.parameters, grid.variants, seeds)
    runs = len(plan.variants) * len(seeds)
    if runs > RUNS_MAX:
        raise click.UsageError(f"{runs} runs; allowed are at most {RUNS_MAX}.")
    return plan, runs


def _engine(workers: int | None, address: str | None) -> Engine:
    if address is None:
        return LocalPool(workers or _cores())
    from simulations.sweep.cluster import DaskCluster

    return DaskCluster(address)


def _cores() -> int:
    """Give the cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _tell_failures(tally: Tally) -> None:
    for label, seed, why in tally.failed[:FAILURES_SHOWN]:
        click.echo(f"molva-sim: {label}, seed {seed}, failed: {why}", err=True)
    if len(tally.failed) > FAILURES_SHOWN:
        click.echo(f"molva-sim: {len(tally.failed) - FAILURES_SHOWN} more runs failed.", err=True)
    if tally.unsound:
        label, seed = tally.unsound[0]
        click.echo(
            f"molva-sim: Checkers found what no run may do in {len(tally.unsound)} runs; the first "
            f"is {label}, seed {seed}.",
            err=True,
        )


class _Bar:
    """The progress bar on standard error."""

    def __init__(self) -> None:
        self.finished = 0
        self.progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("left:"),
            TimeRemainingColumn(),
            console=Console(stderr=True),
        )
        self._task = self.progress.add_task("runs", total=None, start=False)

    def begun(self, found: Found, runs: int, kept: int, workers: int) -> None:
        """Say what is there already."""
        if found.damaged:
            self.progress.console.print(
                f"{found.damaged} finished runs cannot be read, and are done again."
            )
        if found.other_grid:
            self.progress.console.print(
                "The grid is not the one of before: runs that both have are kept, and the tables "
                "hold this one's."
            )
        self.finished = kept
        self.progress.reset(
            self._task, total=runs, completed=kept, description=f"runs, {workers} at a time"
        )

    def ran(self, job: Job, why: str) -> None:
        """Move on by one."""
        del job
        self.finished += not why
        self.progress.advance(self._task)


@contextlib.contextmanager
def _heard_like_ctrl_c(number: signal.Signals) -> Generator[None]:
    """Let a request to end be as good as Ctrl-C."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        del number, frame
        raise KeyboardInterrupt

    before = signal.signal(number, interrupt)
    try:
        yield
    finally:
        signal.signal(number, before)
