"""What several commands of ``molva-sim`` share: kinds of arguments, and answers as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import click

from simulations.rng import SEED_MAX

FILE: Final = click.Path(path_type=Path)
NODES_MAX: Final = 1_000_000
WHOLE_MAX: Final = 2**53
SEED: Final = click.IntRange(0, SEED_MAX)


def echo_json(value: Mapping[str, object]) -> None:
    """Write one object to standard output."""
    click.echo(json.dumps(value, ensure_ascii=True, allow_nan=False))
