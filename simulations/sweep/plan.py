"""What a sweep is going to run, as the file that its folder keeps."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final, TypeAlias

import msgspec
from msgspec import Struct

from p2p.errors import InvalidInput
from simulations.scenario.model import Scenario
from simulations.sweep.row import run_key

PLAN_FILE_NAME: Final = "sweep.json"
RESULTS_FILE_NAME: Final = "results.parquet"
RESULTS_CSV_FILE_NAME: Final = "results.csv"
CURVES_FILE_NAME: Final = "curves.parquet"
TABLES: Final = (RESULTS_FILE_NAME, RESULTS_CSV_FILE_NAME, CURVES_FILE_NAME)
PLAN_FORMAT: Final = 1
PLAN_SIZE_MAX_BYTES: Final = 64 * 1024**2
_SOURCES: Final = (
    *("p2p/core", "p2p/credentials", "p2p/crypto", "p2p/ports", "p2p/sessions", "p2p/wire"),
    "simulations",
)
_NOT_SOURCES: Final = ("simulations/commands/", "simulations/report/")
"""What only shows results."""

Value: TypeAlias = str | int | float | bool


class Variant(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One scenario of a sweep.

    Attributes:
        number: from 0, in the order of the grid.
        label: its parameters as people read them.
        parameters: what tells it from the others, by dotted key; lists and tables as JSON.
        scenario_sha256: of all that the scenario says, files by their content.
    """

    number: int
    label: str
    parameters: dict[str, Value]
    scenario: Scenario
    scenario_sha256: str


class Plan(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a sweep is going to run.

    Attributes:
        parameters: keys in which variants differ, in the order of the grid.
        seeds: each variant runs with each of them: common random numbers.
        version: of Molva.
        code_sha256: of its sources, since a version changes less often than they do.
    """

    molva_sweep: int = PLAN_FORMAT
    name: str
    description: str
    parameters: tuple[str, ...]
    variants: tuple[Variant, ...]
    seeds: tuple[int, ...]
    version: str
    code_sha256: str

    def runs(self) -> Iterator[tuple[str, Variant, int]]:
        """Give each run's key, variant and seed; runs of one seed follow each other."""
        for seed in self.seeds:
            for variant in self.variants:
                yield run_key(variant.scenario_sha256, seed), variant, seed

    def grid_sha256(self) -> str:
        """Give a hash of what the variants say, seeds and names apart."""
        said = [[one.parameters, one.scenario_sha256] for one in self.variants]
        return hashlib.sha256(msgspec.json.encode(said)).hexdigest()


def plan_of(
    name: str,
    description: str,
    parameters: Sequence[str],
    variants: Sequence[Variant],
    seeds: Sequence[int],
) -> Plan:
    """Give a plan for the code that is running."""
    return Plan(
        name=name,
        description=description,
        parameters=tuple(parameters),
        variants=tuple(variants),
        seeds=tuple(seeds),
        version=code_version(),
        code_sha256=code_sha256(),
    )


def read_plan(folder: Path) -> Plan:
    """Read a sweep's plan.

    Raises:
        InvalidInput: it cannot be read, is damaged, or is of another format.
    """
    path = folder / PLAN_FILE_NAME
    try:
        with path.open("rb") as file:
            data = file.read(PLAN_SIZE_MAX_BYTES + 1)
    except OSError as error:
        raise InvalidInput(f"Cannot read {path}: {error.strerror or error}.") from error
    try:
        plan = msgspec.json.decode(data[:PLAN_SIZE_MAX_BYTES], type=Plan)
    except (msgspec.DecodeError, RecursionError) as error:
        raise InvalidInput(
            f"{path} is damaged, or made by another version of Molva: {error}."
        ) from error
    if plan.molva_sweep != PLAN_FORMAT:
        raise InvalidInput(f"{path} has format {plan.molva_sweep}; allowed is {PLAN_FORMAT}.")
    return plan


def code_version() -> str:
    """Give Molva's version."""
    try:
        return version("molva")
    except PackageNotFoundError:
        return "unreleased"


@cache
def code_sha256() -> str:
    """Give a hash of the sources that a run can depend on."""
    root = Path(__file__).resolve().parents[2]
    digest = hashlib.sha256()
    for folder in _SOURCES:
        for path in sorted((root / folder).rglob("*.py")):
            name = path.relative_to(root).as_posix()
            if not name.startswith(_NOT_SOURCES):
                digest.update(f"{name}\0".encode())
                digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()
