"""A single run as a report sees it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from p2p.errors import InvalidInput
from simulations.scenario.model import Scenario
from simulations.sweep.tables import Cell, read_rows

MANIFEST_FILE_NAME: Final = "manifest.json"
MANIFEST_SIZE_MAX_BYTES: Final = 16 * 1024**2
_MESSAGES: Final = ("id", "created_s", "delivered_s", "oracle_s", "lost_why")
_TIMELINE: Final = ("time_s", "created", "delivered", "copies", "buffered_bytes", "bytes_on_air")


class Manifest(Struct, frozen=True, kw_only=True):
    """What a report needs of a run's manifest; it says more."""

    program: str
    version: str
    seed: int
    scenario: Scenario
    suite: str
    event_log_sha256: str
    metrics: dict[str, float | None]
    findings: list[object]


class _Program(Struct, frozen=True):
    """What every manifest of ours says."""

    program: str


class Single(Struct, frozen=True):
    """A run.

    Attributes:
        messages: rows with created_s, delivered_s, oracle_s (None where never) and lost_why.
        timeline: rows with time_s and what stood how then.
    """

    manifest: Manifest
    messages: list[dict[str, Cell]]
    timeline: list[dict[str, Cell]]

    def losses(self) -> dict[str, int]:
        """Give how many messages were lost, by cause, the most frequent first."""
        counts: dict[str, int] = {}
        for row in self.messages:
            why = row["lost_why"]
            if isinstance(why, str) and why:
                counts[why] = counts.get(why, 0) + 1
        return dict(sorted(counts.items(), key=_count))

    def delays(self, until: str) -> list[float]:
        """Give the delays from creation ``until`` a column's time, ascending."""
        found = [
            end - begin
            for row in self.messages
            if isinstance(end := row[until], float) and isinstance(begin := row["created_s"], float)
        ]
        return sorted(found)

    def pairs(self) -> list[tuple[float, float]]:
        """Give (the oracle's delay, the run's delay) of each delivered message."""
        return [
            (best - begin, end - begin)
            for row in self.messages
            if isinstance(best := row["oracle_s"], float)
            and isinstance(end := row["delivered_s"], float)
            and isinstance(begin := row["created_s"], float)
        ]

    def course(self, column: str) -> list[float]:
        """Give a column of the timeline."""
        return [_number(row[column]) for row in self.timeline]


def read_single(folder: Path) -> Single:
    """Read a run's folder.

    Raises:
        InvalidInput: something there is missing, damaged, or of another program.
    """
    manifest = _manifest(folder / MANIFEST_FILE_NAME)
    return Single(
        manifest,
        read_rows(folder / "messages.parquet", _MESSAGES),
        read_rows(folder / "timeline.parquet", _TIMELINE),
    )


def _manifest(path: Path) -> Manifest:
    try:
        with path.open("rb") as file:
            data = file.read(MANIFEST_SIZE_MAX_BYTES)
    except OSError as error:
        raise InvalidInput(f"Cannot read {path}: {error.strerror or error}.") from error
    try:
        program = msgspec.json.decode(data, type=_Program).program
        if program != "molva-sim run":
            raise InvalidInput(
                f"{path} was made by {program[:40]!r}; reports are made of runs and sweeps."
            )
        return msgspec.json.decode(data, type=Manifest)
    except (msgspec.DecodeError, RecursionError) as error:
        raise InvalidInput(
            f"{path} is damaged, or made by another version of Molva: {error}."
        ) from error


def share_curve(delays: Sequence[float], messages: int) -> tuple[list[float], list[float]]:
    """Give the points of a distribution: delay, and the share of all messages within it."""
    xs = [0.0, *delays]
    return xs, [number / messages if messages else 0.0 for number in range(len(xs))]


def _number(cell: Cell) -> float:
    return float(cell) if isinstance(cell, int | float) else 0.0


def _count(entry: tuple[str, int]) -> int:
    return -entry[1]
