"""The folder of a sweep: what was planned, a file for each finished run, and the tables at the end.

::

    sweep.json        the plan: variants, seeds, the code's version and hash
    rows/KEY.json     one finished run each, written whole or not at all
    runs/V-S/         a run's own folder, where it was asked for
    results.parquet   one row a run (also results.csv)
    curves.parquet    share delivered within a delay, 101 rows a run

One process writes. A sweep that was broken off goes on from its rows; a damaged row is done again.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
from collections.abc import Generator, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from p2p.errors import Conflict, EnvironmentFault, InvalidInput, StoreFull
from simulations.sweep.plan import PLAN_FILE_NAME, TABLES, Plan, read_plan
from simulations.sweep.row import Row, read_row, row_bytes

_ROWS: Final = "rows"
_RUNS: Final = "runs"
_LOCK: Final = ".lock"
_BEFORE_A_PLAN: Final = frozenset({_ROWS, _RUNS, "report", *TABLES})
"""What a sweep leaves behind that was ended before it wrote its plan, or that begins anew."""
_ROW_SIZE_MAX_BYTES: Final = 1024**2


@dataclass(frozen=True, slots=True)
class Found:
    """What a folder already held.

    Attributes:
        rows: finished runs of this plan, by key.
        damaged: how many files of finished runs cannot be read.
        other_grid: whether the folder held a plan that differs.
    """

    rows: Mapping[str, Row]
    damaged: int
    other_grid: bool


class SweepFolder:
    """A sweep's folder, held by one process at a time."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @contextlib.contextmanager
    def held(self) -> Generator[None]:
        """Make the folder if need be, and keep other sweeps out of it meanwhile.

        Raises:
            InvalidInput: it cannot be made or written, or holds something else.
            Conflict: another sweep is at work there.
        """
        with _sentences(self.path):
            self.path.mkdir(parents=True, exist_ok=True)
            strange = {one.name for one in self.path.glob("[!.]*")} - _BEFORE_A_PLAN
            if strange and not (self.path / PLAN_FILE_NAME).is_file():
                raise InvalidInput(
                    f"{self.path} holds no sweep, but {min(strange)!r}; name an empty or a new "
                    "folder with --out."
                )
            (self.path / _ROWS).mkdir(exist_ok=True)
            descriptor = os.open(self.path / _LOCK, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(descriptor)
            raise Conflict(f"Another sweep is at work in {self.path}.") from error
        try:
            yield
        finally:
            os.close(descriptor)

    def begin(self, plan: Plan) -> Found:
        """Compare with what is there, write the plan, and give the runs that are finished.

        Raises:
            Conflict: the folder's results come from other code.
            InvalidInput: its plan cannot be read.
        """
        before = read_plan(self.path) if (self.path / PLAN_FILE_NAME).exists() else plan
        if before.code_sha256 != plan.code_sha256:
            made = f"Molva {before.version}"
            if before.version == plan.version:
                made = f"other sources of {made}"
            raise Conflict(
                f"{self.path} holds results made by {made}; results of one sweep come from one "
                "code. Name another folder, or begin anew with --restart."
            )
        rows, damaged = self._rows((key for key, _, _ in plan.runs()), plan.code_sha256)
        self.write(PLAN_FILE_NAME, msgspec.json.format(msgspec.json.encode(plan), indent=1))
        return Found(rows, damaged, before.grid_sha256() != plan.grid_sha256())

    def clear(self) -> None:
        """Throw the finished runs and the plan away: a sweep begins anew.

        Raises:
            InvalidInput: they cannot be removed.
        """
        with _sentences(self.path):
            for path in [*(self.path / _ROWS).glob("*.json"), self.path / PLAN_FILE_NAME]:
                path.unlink(missing_ok=True)

    def keep(self, row: Row, variant: int, files: Mapping[str, bytes]) -> None:
        """Make a finished run durable, its own folder first."""
        for name, data in files.items():
            self.write(f"{_RUNS}/{variant}-{row.seed}/{name}", data)
        self.write(f"{_ROWS}/{row.key}.json", row_bytes(row))

    def write(self, name: str, data: bytes) -> None:
        """Write a file whole or not at all.

        Raises:
            InvalidInput: it cannot be written.
            StoreFull: there is no room.
        """
        path = self.path / name
        partial = path.with_name(f".{path.name}.part")
        with _sentences(self.path):
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                with partial.open("wb") as file:
                    file.write(data)
                    file.flush()
                    os.fsync(file.fileno())
                partial.replace(path)
            except OSError:
                partial.unlink(missing_ok=True)
                raise

    def _rows(self, keys: Iterable[str], code_sha256: str) -> tuple[dict[str, Row], int]:
        rows: dict[str, Row] = {}
        damaged = 0
        for key in keys:
            data = _read(self.path / _ROWS / f"{key}.json")
            row = read_row(data) if data is not None else None
            if row is not None and row.key == key and row.code_sha256 == code_sha256:
                rows[key] = row
            elif data is not None:
                damaged += 1
        return rows, damaged


def _read(path: Path) -> bytes | None:
    """Give a finished run's file, empty where it is larger than one can be; None without one."""
    try:
        with path.open("rb") as file:
            data = file.read(_ROW_SIZE_MAX_BYTES + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise InvalidInput(f"Cannot read {path}: {error.strerror or error}.") from error
    return data if len(data) <= _ROW_SIZE_MAX_BYTES else b""


@contextlib.contextmanager
def _sentences(folder: Path) -> Generator[None]:
    """Turn what the disk says into one sentence."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StoreFull(
                f"The disk of {folder} is full. What was finished is kept; with more room, the "
                "same command goes on."
            ) from error
        if error.errno == errno.EIO:
            raise EnvironmentFault(f"The disk of {folder} fails: {error.strerror}.") from error
        raise InvalidInput(f"Cannot write to {folder}: {error.strerror or error}.") from error
