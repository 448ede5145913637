"""The folder of one run: manifest, rows of messages and of time, The ONE's reports, the graph."""

from __future__ import annotations

import csv
import io
import json
import math
import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final, TypeAlias

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from p2p.errors import InvalidInput
from simulations.formats.graphml import graphml_text
from simulations.formats.one_reports import write_reports
from simulations.result import MessageRow, RunResult
from simulations.scenario.reading import scenario_hash
from simulations.timeline import TimelineRow

MANIFEST: Final = "manifest.json"
MESSAGES_PARQUET: Final = "messages.parquet"
MESSAGES_CSV: Final = "messages.csv"
TIMELINE_PARQUET: Final = "timeline.parquet"
GRAPH: Final = "contacts.graphml"
Value: TypeAlias = bool | int | float | str | bytes | None
"""What a cell of a table may hold."""
FORMAT: Final = 1
"""Version of the folder's format."""

_MESSAGES: Final = (
    ("id", pa.string()),
    ("source", pa.int64()),
    ("destination", pa.int64()),
    ("size_bytes", pa.int64()),
    ("created_s", pa.float64()),
    ("delivered_s", pa.float64()),
    ("hops", pa.int64()),
    ("oracle_s", pa.float64()),
    ("lost_why", pa.string()),
    ("crosses", pa.bool_()),
)


def write_folder(result: RunResult, out: Path) -> None:
    """Write a run's folder; it is made where it is missing. The manifest comes last, whole.

    Raises:
        InvalidInput: the folder cannot be written.
    """
    write_reports(out, result.scenario.name, result.outcome)
    try:
        _write_table(out / MESSAGES_PARQUET, _message_table(result.messages))
        _write_whole(out / MESSAGES_CSV, messages_csv(result.messages).encode())
        _write_table(out / TIMELINE_PARQUET, _timeline_table(result.timeline))
        text = json.dumps(manifest_of(result), indent=1, allow_nan=False) + "\n"
        _write_whole(out / MANIFEST, text.encode())
    except OSError as error:
        raise InvalidInput(f"Cannot write to {out}: {error.strerror or error}.") from error


def write_graph(result: RunResult, out: Path) -> None:
    """Write the graph of contacts: how often and how long each pair was linked.

    Raises:
        InvalidInput: the folder cannot be written.
    """
    nodes, end_s = result.scenario.nodes + result.counters["identities"], result.scenario.end_s
    try:
        text = graphml_text(result.scenario.name, nodes, result.links, end_s)
        _write_whole(out / GRAPH, text.encode())
    except OSError as error:
        raise InvalidInput(f"Cannot write to {out}: {error.strerror or error}.") from error


def write_text(path: Path, text: str) -> None:
    """Write a text file that appears whole or not at all.

    Raises:
        InvalidInput: it cannot be written.
    """
    try:
        _write_whole(path, text.encode())
    except OSError as error:
        raise InvalidInput(f"Cannot write {path}: {error.strerror or error}.") from error


def manifest_of(result: RunResult) -> Mapping[str, object]:
    """Give what identifies a run and what came out, as JSON says it; NaN and infinity are null."""
    outcome = result.outcome
    return {
        "program": "molva-sim run",
        "format": FORMAT,
        "version": molva_version(),
        "seed": result.seed,
        "scenario": msgspec.to_builtins(result.scenario),
        "scenario_sha256": scenario_hash(result.scenario),
        "fidelity": result.scenario.fidelity,
        "suite": result.suite,
        "event_log_sha256": result.event_log_sha256,
        "events": result.events,
        "created": outcome.created,
        "delivered": len(outcome.deliveries),
        "metrics": {key: finite(value) for key, value in result.metrics().items()},
        "counters": dict(result.counters),
        "findings": [asdict(finding) for finding in result.findings],
        "wall_s": round(result.wall_s, 3),
        "cpu_s": round(result.cpu_s, 3),
    }


def finite(value: float) -> float | None:
    """Give a number that JSON can say; None for NaN and infinity."""
    return value if math.isfinite(value) else None


def messages_csv(rows: Sequence[MessageRow]) -> str:
    """Give the rows as CSV (RFC 4180) with a header; empty where there is no value."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(MessageRow._fields)
    writer.writerows(rows)
    return text.getvalue()


def molva_version() -> str:
    """Give the version of the program."""
    try:
        return version("molva")
    except PackageNotFoundError:
        return "unreleased"


def _message_table(rows: Sequence[MessageRow]) -> pa.Table:
    columns: dict[str, list[Value]] = {
        name: [row[index] for row in rows] for index, (name, _) in enumerate(_MESSAGES)
    }
    return pa.table(columns, schema=pa.schema(_MESSAGES))


def _timeline_table(rows: Sequence[TimelineRow]) -> pa.Table:
    columns: dict[str, list[Value]] = {
        name: [row[index] for row in rows] for index, name in enumerate(TimelineRow._fields)
    }
    kinds = [
        (name, pa.int64() if index else pa.float64())
        for index, name in enumerate(TimelineRow._fields)
    ]
    return pa.table(columns, schema=pa.schema(kinds))


def _write_table(path: Path, table: pa.Table) -> None:
    buffer = io.BytesIO()
    pq.write_table(table, buffer)
    _write_whole(path, buffer.getvalue())


def _write_whole(path: Path, data: bytes) -> None:
    """Write a file that appears whole or not at all."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
    part = Path(name)
    part.chmod(0o644)
    part.replace(path)
