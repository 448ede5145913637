"""A sweep of 64 runs on one core and on two: how much of the second core arrives.

Efficiency is speed-up over cores. Other work on the machine takes from it: the figure also says
how much processor time the sweep itself got, so that a busy machine is told from a bad pool.
"""

from __future__ import annotations

import os
import resource
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from simulations.sweep.engine import LocalPool
from simulations.sweep.folder import Found, SweepFolder
from simulations.sweep.grid import load_grid
from simulations.sweep.plan import Plan, plan_of
from simulations.sweep.sweep import run_sweep
from simulations.sweep.work import Job

RUNS = 64
BUSY_LOAD = 0.5
GRID = """
scenario = "black-holes"
[set]
workload.messages = 600
[vary]
router.copies = [4, 8, 16, 32]
"""


@dataclass(frozen=True)
class Sweep:
    """What a sweep took.

    Attributes:
        wall_s: from its first worker's start to its last row.
        cpu_s: of all its processes.
        work_s: of its runs alone, without the start of workers and the writing of rows.
    """

    wall_s: float
    cpu_s: float
    work_s: float


@dataclass(frozen=True)
class Efficiency:
    """One core against several."""

    cores: int
    one: Sweep
    several: Sweep

    @property
    def speed_up(self) -> float:
        """Give how much sooner several cores are done."""
        return self.one.wall_s / self.several.wall_s

    @property
    def efficiency(self) -> float:
        """Give the speed-up as a share of the cores."""
        return self.speed_up / self.cores

    @property
    def got(self) -> float:
        """Give the share of the cores' time that the sweep got."""
        return self.several.cpu_s / (self.several.wall_s * self.cores)


class _Nobody:
    """A watcher that does nothing."""

    def begun(self, found: Found, runs: int, kept: int, workers: int) -> None:
        """Nothing."""

    def ran(self, job: Job, why: str) -> None:
        """Nothing."""


def measure(folder: Path, cores: int = 2, runs: int = RUNS) -> Efficiency:
    """Run the same sweep twice."""
    path = folder / "grid.toml"
    path.write_text(GRID)
    grid = load_grid(path)
    seeds = range(1, runs // len(grid.variants) + 1)
    plan = plan_of(grid.name, "", grid.parameters, grid.variants, seeds)
    return Efficiency(cores, _sweep(plan, folder / "one", 1), _sweep(plan, folder / "all", cores))


def _sweep(plan: Plan, out: Path, workers: int) -> Sweep:
    begun_s, cpu_s = time.perf_counter(), _cpu_s()
    folder = SweepFolder(out)
    with folder.held():
        tally = run_sweep(plan, folder, LocalPool(workers), _Nobody())
    assert tally.done == tally.runs
    wall_s = time.perf_counter() - begun_s
    rows = folder.begin(plan).rows.values()
    work_s = sum(row.figures["cpu_s"] or 0.0 for row in rows)
    return Sweep(wall_s, _cpu_s() - cpu_s, work_s)


def _cpu_s() -> float:
    mine = resource.getrusage(resource.RUSAGE_SELF)
    theirs = resource.getrusage(resource.RUSAGE_CHILDREN)
    return mine.ru_utime + mine.ru_stime + theirs.ru_utime + theirs.ru_stime


def rows() -> list[tuple[str, str, str, str]]:
    """Give the figure; on a machine that was busy before it is understated, and says so."""
    before = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="molva-bench-") as folder:
        found = measure(Path(folder))
    busy = f"; the machine was busy (load {before:.1f})" if before > BUSY_LOAD else ""
    what = f"a sweep of {RUNS} runs"
    times = f"{found.one.wall_s:.1f} / {found.several.wall_s:.1f} s"
    used = f"{found.efficiency:.0%}, got {found.got:.0%} of the cores' time{busy}"
    return [
        (f"{what}: on 1 / {found.cores} cores", "", "printed", times),
        ("  efficiency (speed-up / cores)", "", "both cores used", used),
    ]
