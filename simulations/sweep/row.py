"""One finished run of a sweep as a row of figures, and as a file that tells when it is damaged."""

from __future__ import annotations

import hashlib
from typing import Final

import msgspec
from msgspec import Struct

ROW_FORMAT: Final = 1
CURVE_STEPS: Final = 100
_SEPARATOR: Final = b" "


class Row(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is kept of a run.

    Attributes:
        key: the run's identity (:func:`run_key`).
        figures: by the names of :data:`~simulations.sweep.figures.FIGURES`; None where there is
            nothing to say, such as the latency of no delivery.
        curve: share of all created messages delivered within each delay of
            :func:`curve_delays_s`, so that runs of a scenario can be averaged delay by delay.
        event_log_sha256: of everything that happened; equal in every repetition.
        code_sha256: of the code that ran.
    """

    format: int = ROW_FORMAT
    key: str
    seed: int
    figures: dict[str, float | None]
    curve: tuple[float, ...]
    event_log_sha256: str
    code_sha256: str


def run_key(scenario_sha256: str, seed: int) -> str:
    """Give the identity of a run: the same for the same scenario and seed, whatever the grid."""
    return hashlib.sha256(f"{scenario_sha256} {seed}".encode()).hexdigest()[:24]


def curve_delays_s(end_s: float) -> list[float]:
    """Give the delays of a curve: from 0 to the run's length, closer to each other at the start."""
    return [end_s * (step / CURVE_STEPS) ** 2 for step in range(CURVE_STEPS + 1)]


def row_bytes(row: Row) -> bytes:
    """Give the file of a row: the SHA-256 of the rest, and the rest as JSON."""
    body = msgspec.json.encode(row)
    return hashlib.sha256(body).hexdigest().encode() + _SEPARATOR + body


def read_row(data: bytes) -> Row | None:
    """Give the row of a file; None where the file is not one that :func:`row_bytes` wrote."""
    digest, _, body = data.partition(_SEPARATOR)
    if digest != hashlib.sha256(body).hexdigest().encode():
        return None
    try:
        row = msgspec.json.decode(body, type=Row)
    except (msgspec.DecodeError, RecursionError):
        return None
    return row if row.format == ROW_FORMAT else None
