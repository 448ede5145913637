"""The tables of a sweep: results as Parquet and CSV, one row a run, and curves as Parquet."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from p2p.errors import InvalidInput
from simulations.sweep.figures import FIGURES
from simulations.sweep.plan import (
    CURVES_FILE_NAME,
    RESULTS_CSV_FILE_NAME,
    RESULTS_FILE_NAME,
    Plan,
    Variant,
)
from simulations.sweep.row import CURVE_STEPS, Row, curve_delays_s

Cell: TypeAlias = bool | int | float | str | None
Run: TypeAlias = tuple[Variant, Row]


def table_files(plan: Plan, rows: Mapping[str, Row]) -> dict[str, bytes]:
    """Give the tables of the runs that are finished, by the names of their files."""
    runs = [
        (variant, rows[key]) for key, variant, _ in sorted(plan.runs(), key=_order) if key in rows
    ]
    results = _results(plan, runs)
    csv = io.BytesIO()
    pyarrow.csv.write_csv(results, csv)
    return {
        RESULTS_FILE_NAME: _parquet(results),
        RESULTS_CSV_FILE_NAME: csv.getvalue(),
        CURVES_FILE_NAME: _parquet(_curves(runs)),
    }


def _order(run: tuple[str, Variant, int]) -> tuple[int, int]:
    return run[1].number, run[2]


def _results(plan: Plan, runs: Sequence[Run]) -> pa.Table:
    columns: dict[str, Sequence[Cell]] = {
        "variant": [variant.number for variant, _ in runs],
        "label": [variant.label for variant, _ in runs],
    }
    for key in plan.parameters:
        columns[key] = _one_kind([variant.parameters[key] for variant, _ in runs])
    columns["seed"] = [row.seed for _, row in runs]
    for figure in FIGURES:
        columns[figure.name] = [_number(row.figures.get(figure.name)) for _, row in runs]
    columns["event_log_sha256"] = [row.event_log_sha256 for _, row in runs]
    columns["code_sha256"] = [row.code_sha256 for _, row in runs]
    fields = [(name, _type(name, plan, cells)) for name, cells in columns.items()]
    return pa.Table.from_pydict(columns, schema=pa.schema(fields))


def _curves(runs: Sequence[Run]) -> pa.Table:
    delays = {v.number: curve_delays_s(v.scenario.end_s) for v, _ in runs}
    steps = CURVE_STEPS + 1
    columns: dict[str, Sequence[Cell]] = {
        "variant": [variant.number for variant, _ in runs for _ in range(steps)],
        "seed": [row.seed for _, row in runs for _ in range(steps)],
        "delay_s": [delay for variant, _ in runs for delay in delays[variant.number]],
        "share": [share for _, row in runs for share in row.curve],
    }
    kinds = (pa.int64(), pa.int64(), pa.float64(), pa.float64())
    return pa.Table.from_pydict(columns, schema=pa.schema(list(zip(columns, kinds, strict=True))))


def _one_kind(values: Sequence[Cell]) -> Sequence[Cell]:
    """Give values of one type, since a column has one: numbers stay numbers, else all are text."""
    kinds = {type(value) for value in values}
    if len(kinds) <= 1:
        return values
    if kinds <= {int, float}:
        return [_number(value) for value in values]
    return [str(value) for value in values]


def _number(value: Cell) -> float | None:
    return None if value is None else float(value)


def _type(name: str, plan: Plan, cells: Sequence[Cell]) -> pa.DataType:
    if name in ("variant", "seed"):
        return pa.int64()
    if name in ("label", "event_log_sha256", "code_sha256"):
        return pa.string()
    if name not in plan.parameters:
        return pa.float64()
    kinds: dict[type, pa.DataType] = {bool: pa.bool_(), int: pa.int64(), float: pa.float64()}
    return kinds.get(type(cells[0]), pa.string()) if cells else pa.string()


def _parquet(table: pa.Table) -> bytes:
    data = io.BytesIO()
    pq.write_table(table, data)
    return data.getvalue()


@dataclass(frozen=True, slots=True)
class Result:
    """One row of results.parquet: a run and its figures."""

    variant: int
    seed: int
    figures: Mapping[str, float | None]
    event_log_sha256: str


def read_results(folder: Path) -> list[Result]:
    """Read the results of a sweep.

    Raises:
        InvalidInput: the file is missing, damaged, or not one of a sweep.
    """
    rows = read_rows(folder / RESULTS_FILE_NAME, ["variant", "seed", "event_log_sha256"])
    names = [figure.name for figure in FIGURES]
    try:
        return [
            Result(
                variant=_whole(row["variant"]),
                seed=_whole(row["seed"]),
                figures={name: _number(row.get(name)) for name in names},
                event_log_sha256=str(row["event_log_sha256"]),
            )
            for row in rows
        ]
    except (TypeError, ValueError) as error:
        raise _no_table(folder / RESULTS_FILE_NAME) from error


def read_curves(folder: Path) -> dict[tuple[int, int], list[tuple[float, float]]]:
    """Read (delay, share) by variant and seed.

    Raises:
        InvalidInput: the file is missing, damaged, or not one of a sweep.
    """
    path = folder / CURVES_FILE_NAME
    curves: dict[tuple[int, int], list[tuple[float, float]]] = {}
    try:
        for row in read_rows(path, ["variant", "seed", "delay_s", "share"]):
            run = (_whole(row["variant"]), _whole(row["seed"]))
            point = (_number(row["delay_s"]), _number(row["share"]))
            if point[0] is None or point[1] is None:
                raise _no_table(path)
            curves.setdefault(run, []).append((point[0], point[1]))
    except (TypeError, ValueError) as error:
        raise _no_table(path) from error
    return curves


def read_rows(path: Path, needed: Sequence[str]) -> list[dict[str, Cell]]:
    """Read a Parquet file of ours.

    Raises:
        InvalidInput: it is missing, damaged, or lacks a column.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InvalidInput(f"Cannot read {path}: {error.strerror or error}.") from error
    try:
        # A thread of Arrow's that outlives a short command aborts the process as it ends.
        table = pq.ParquetFile(io.BytesIO(data), pre_buffer=False).read(use_threads=False)
        if not set(needed) <= set(table.column_names):
            raise _no_table(path)
        return [{name: _plain(cell) for name, cell in row.items()} for row in table.to_pylist()]
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise _no_table(path) from error


def _plain(cell: object) -> Cell:
    return cell if isinstance(cell, bool | int | float | str) else None


def _whole(cell: Cell) -> int:
    if not isinstance(cell, int) or isinstance(cell, bool):
        raise TypeError(cell)
    return cell


def _no_table(path: Path) -> InvalidInput:
    return InvalidInput(
        f"{path} is damaged, or no table of molva-sim; `molva-sim sweep` with its folder as --out "
        "writes a sweep's tables again."
    )
