"""What several commands of ``molva-sim`` share: kinds of arguments, and answers as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, TypeAlias

import click

from simulations.rng import SEED_MAX

JsonValue: TypeAlias = (
    "str | int | float | bool | Sequence[JsonValue] | Mapping[str, JsonValue] | None"
)
"""What JSON can say; NaN and infinities are told as null by :func:`echo_json`'s callers."""

FILE: Final = click.Path(path_type=Path)
NODES_MAX: Final = 1_000_000
WHOLE_MAX: Final = 2**53
SEED: Final = click.IntRange(0, SEED_MAX)


def echo_json(value: JsonValue) -> None:
    """Write one object to standard output."""
    click.echo(json.dumps(value, ensure_ascii=True, allow_nan=False))
