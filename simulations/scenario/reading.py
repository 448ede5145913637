"""Reads a scenario from TOML, or from a table that somebody changed; refuses in one sentence."""

from __future__ import annotations

import contextlib
import hashlib
import math
import tomllib
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import Final, cast

import msgspec
from msgspec import inspect, structs

from p2p.errors import InvalidInput
from simulations.scenario.amounts import first_excess
from simulations.scenario.catalogue import library_file
from simulations.scenario.model import FileLoad, OneTrace, Scenario, SocioPatternsTrace
from simulations.scenario.refusal import Table, first_problem, shown
from simulations.scenario.relations import first_contradiction

SIZE_MAX_BYTES: Final = 4 * 1024**2
DEPTH_MAX: Final = 16
"""Tables in tables that a key may lead through."""
_READ_BYTES: Final = 1 << 20


def load_scenario(name: str) -> Scenario:
    """Read a scenario by the name of its file, or by its name in the library.

    Raises:
        InvalidInput: names the file, the key and what is allowed.
    """
    path = scenario_path(name)
    return scenario_from(read_table(path), path)


def scenario_path(name: str) -> Path:
    """Give the file that a name stands for: a path, or a name of the library without ``.toml``."""
    path = Path(name)
    try:
        is_file = bool(path.suffix) or path.exists() or path.name != name
    except OSError:  # too long, for one; whoever opens it says so
        return path
    return path if is_file else library_file(name)


@contextlib.contextmanager
def refusals_of(name: str) -> Generator[None]:
    """Name the scenario's file in what is refused while its world is made and run.

    Raises:
        InvalidInput: whatever was refused, with the file before it.
    """
    try:
        yield
    except InvalidInput as error:
        raise InvalidInput(f"{scenario_path(name)}: {error}") from error


def read_table(path: Path) -> Table:
    """Read a TOML file.

    Raises:
        InvalidInput: it cannot be read, or is no TOML.
    """
    try:
        with path.open("rb") as file:
            data = file.read(SIZE_MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise InvalidInput(f"Cannot read {path}: {reason}.") from error
    if len(data) > SIZE_MAX_BYTES:
        raise InvalidInput(f"{path} is larger than the {SIZE_MAX_BYTES} bytes allowed.")
    try:
        return toml_table(data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{path} is no UTF-8 text file.") from error
    except InvalidInput as error:
        raise InvalidInput(f"{path} is no TOML file: {error}") from error


def toml_table(text: str) -> Table:
    """Read TOML.

    Raises:
        InvalidInput: it is none, or holds what Python does not read.
    """
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InvalidInput(f"{str(error).rstrip('.')}.") from error
    except RecursionError as error:
        raise InvalidInput("it is nested too deeply.") from error
    except ValueError as error:  # Python's own limit for whole numbers
        raise InvalidInput("a number has thousands of digits.") from error


def scenario_from(table: Table, path: Path) -> Scenario:
    """Give the scenario that a table describes; file names in it become absolute.

    Args:
        path: the file that the table is from. Names of other files start at its folder.

    Raises:
        InvalidInput: names the file, the key and what is allowed.
    """
    problem = first_problem(inspect.type_info(Scenario), table)
    if problem is None:
        try:
            scenario = msgspec.convert(table, Scenario)
        except msgspec.ValidationError as error:
            raise InvalidInput(f"{path}: {error}.") from error
        scenario = _with_absolute_files(scenario, path.parent)
        problem = first_contradiction(scenario) or first_excess(scenario)
        if problem is None:
            return scenario
    raise InvalidInput(f"{path}: {problem}")


def with_value(table: Table, key: str, value: object, path: Path) -> Table:
    """Give the table with one value changed; ``key`` is dotted, lists are counted: ``faults.0.k``.

    Raises:
        InvalidInput: the key leads nowhere.
    """
    if key.count(".") > DEPTH_MAX:
        raise InvalidInput(f"{path}: {shown(key)} leads nowhere; no key is so deep.")
    word, _, rest = key.partition(".")
    changed = dict(table)
    if not rest:
        changed[word] = value
        return changed
    inner = table.get(word, {})
    index, _, below = rest.partition(".")
    if isinstance(inner, list):
        entries = list(cast("list[object]", inner))
        if not (index.isascii() and index.isdigit() and len(index) < 6) or not below:
            raise InvalidInput(
                f"{path}: {shown(key)} leads nowhere; allowed is {word}.NUMBER.KEY, from 0."
            )
        if int(index) >= len(entries) or not isinstance(entries[int(index)], Mapping):
            raise InvalidInput(
                f"{path}: {shown(key)} leads nowhere; {word} has {len(entries)} tables, from 0."
            )
        entry = cast("Table", entries[int(index)])
        entries[int(index)] = with_value(entry, below, value, path)
        changed[word] = entries
        return changed
    if not isinstance(inner, Mapping):
        raise InvalidInput(f"{path}: {shown(key)} leads nowhere; {word} is no table.")
    changed[word] = with_value(cast("Table", inner), rest, value, path)
    return changed


def scenario_hash(scenario: Scenario) -> str:
    """Give the SHA-256 of all that a scenario says; files count by their content, not their name.

    Raises:
        InvalidInput: a file cannot be read.
    """
    contacts, workload = scenario.contacts, scenario.workload
    if isinstance(contacts, OneTrace | SocioPatternsTrace):
        contacts = structs.replace(contacts, file=file_hash(Path(contacts.file)))
    if isinstance(workload, FileLoad):
        workload = structs.replace(workload, file=file_hash(Path(workload.file)))
    bare = structs.replace(scenario, contacts=contacts, workload=workload, description="")
    return hashlib.sha256(msgspec.json.encode(bare, order="deterministic")).hexdigest()


def file_hash(path: Path) -> str:
    """Give the SHA-256 of a file.

    Raises:
        InvalidInput: it cannot be read.
    """
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while block := file.read(_READ_BYTES):
                digest.update(block)
    except OSError as error:
        raise InvalidInput(f"Cannot read {path}: {error.strerror or error}.") from error
    return digest.hexdigest()


def end_of(until_s: float | None) -> float:
    """Give when something ends: infinity where a scenario does not say."""
    return math.inf if until_s is None else until_s


def _with_absolute_files(scenario: Scenario, folder: Path) -> Scenario:
    contacts, workload = scenario.contacts, scenario.workload
    if isinstance(contacts, OneTrace | SocioPatternsTrace):
        contacts = structs.replace(contacts, file=_absolute(folder, contacts.file))
    if isinstance(workload, FileLoad):
        workload = structs.replace(workload, file=_absolute(folder, workload.file))
    return structs.replace(scenario, contacts=contacts, workload=workload)


def _absolute(folder: Path, name: str) -> str:
    return str((folder / name).absolute())
