"""What a worker does: one run, summed up in a row."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from p2p.errors import InvalidInput
from simulations.result import RunResult
from simulations.run import run_scenario, write_run
from simulations.scenario.model import Scenario
from simulations.sweep.figures import LOSSES
from simulations.sweep.plan import code_sha256
from simulations.sweep.row import Row, curve_delays_s

_KNOWN_LOSSES: Final = frozenset(name for name, _, _ in LOSSES)


@dataclass(frozen=True, slots=True)
class Job:
    """One run to be done; ``keep`` says whether its own folder is wanted beside its row."""

    key: str
    variant: int
    scenario: Scenario
    seed: int
    keep: Literal["row", "folder"]


@dataclass(frozen=True, slots=True)
class Done:
    """A finished run: its row, and the files of its folder by name, if they were wanted."""

    row: Row
    files: Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class Refused:
    """A run that cannot be; ``why`` is a sentence."""

    why: str


def perform(job: Job) -> Done | Refused:
    """Do a run."""
    try:
        result = run_scenario(job.scenario, job.seed)
        files = _folder(result) if job.keep == "folder" else {}
    except InvalidInput as error:
        return Refused(str(error))
    row = Row(
        key=job.key,
        seed=job.seed,
        figures=figures_of(result),
        curve=curve_of(result),
        event_log_sha256=result.event_log_sha256,
        code_sha256=code_sha256(),
    )
    return Done(row, files)


def figures_of(result: RunResult) -> dict[str, float | None]:
    """Give a run's figures, by the names of :data:`~simulations.sweep.figures.FIGURES`."""
    metrics = result.metrics()
    healing = metrics["healing_s"]
    known = [_cause(row.lost_why) for row in result.messages if row.lost_why]
    losses = Counter(known)
    figures: dict[str, float | None] = {
        "created": float(len(result.messages)),
        "delivered": float(len(result.outcome.deliveries)),
        **{name: _known(value) for name, value in metrics.items()},
        **{f"lost_{name}": float(losses[name]) for name, _, _ in LOSSES},
        "healed": None if healing != healing else float(healing < float("inf")),
        "findings": float(len(result.findings)),
        "cpu_s": result.cpu_s,
    }
    return figures


def curve_of(result: RunResult) -> tuple[float, ...]:
    """Give the share of all messages delivered within each delay of a curve."""
    delays = sorted(
        row.delivered_s - row.created_s for row in result.messages if row.delivered_s is not None
    )
    shares: list[float] = []
    place = 0
    for limit_s in curve_delays_s(result.scenario.end_s):
        while place < len(delays) and delays[place] <= limit_s:
            place += 1
        shares.append(place / len(result.messages) if result.messages else 0.0)
    return tuple(shares)


def _cause(why: str) -> str:
    name = why.replace("-", "_")
    return name if name in _KNOWN_LOSSES else "otherwise"


def _known(value: float) -> float | None:
    return value if abs(value) < float("inf") else None


def _folder(result: RunResult) -> dict[str, bytes]:
    with tempfile.TemporaryDirectory(prefix="molva-run-") as name:
        folder = Path(name)
        write_run(result, folder)
        return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}
