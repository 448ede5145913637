"""A grid file: a base scenario, and lists of values for its keys; every combination is a variant.

::

    name = "partition-lengths"
    scenario = "partition-ferries"        # a file beside this one, or a name of the library

    [set]                                  # the same for every variant
    end_s = 86400

    [vary]                                 # each with each
    "faults.0.until_s" = [7200, 21600, 43200]

    [[case]]                               # settings that belong together, with a name
    label = "spray, L = 8"
    set = { router.name = "spray", router.copies = 8 }

``scenario`` may be a list of several. Each variant is read as a scenario of its own, so whatever a
scenario file may not say, a grid may not say either.
"""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Final, TypeAlias, cast

from p2p.errors import InvalidInput
from simulations.scenario.reading import (
    read_table,
    scenario_from,
    scenario_hash,
    scenario_path,
    with_value,
)
from simulations.scenario.refusal import Table, shown
from simulations.sweep.plan import Value, Variant

VARIANTS_MAX: Final = 10_000
VALUES_MAX: Final = 1_000
LABEL_SIZE_MAX: Final = 60
SCENARIO_KEY: Final = "scenario"
CASE_KEY: Final = "case"
_KEYS: Final = ("name", "description", SCENARIO_KEY, "set", "vary", CASE_KEY)
_CASE_KEYS: Final = ("label", "set")
_RESERVED: Final = ("name", "description")
"""Keys of a scenario that change nothing about a run."""

Settings: TypeAlias = Mapping[str, object]
"""Dotted key -> value."""


@dataclass(frozen=True, slots=True)
class Grid:
    """What a grid file says; ``parameters`` are the keys that differ, in the order of the file."""

    name: str
    description: str
    parameters: tuple[str, ...]
    variants: tuple[Variant, ...]


def load_grid(path: Path) -> Grid:
    """Read a grid file and every scenario that it makes.

    Raises:
        InvalidInput: names the file, the key and what is allowed.
    """
    table = read_table(path)
    _refuse_unknown(table, _KEYS, "at the top of a grid", path)
    name = _text(table, "name", path, path.stem)
    description = _text(table, "description", path, "")
    common = _settings(table.get("set", {}), "set", path)
    axes = list(_axes(table, path))
    count = math.prod(len(choices) for _, choices in axes)
    if count > VARIANTS_MAX:
        raise InvalidInput(f"{path}: {count} variants; allowed are at most {VARIANTS_MAX}.")
    _refuse_twice(common, axes, path)
    several = [axis for axis, choices in axes if len(choices) > 1] or [axes[0][0]]
    variants = [
        _variant(path, number, common, [axis for axis, _ in axes], combination, several)
        for number, combination in enumerate(itertools.product(*(c for _, c in axes)))
    ]
    return Grid(name, description, tuple(several), tuple(variants))


@dataclass(frozen=True, slots=True)
class _Choice:
    """One value of one axis: what reports call it, and what it sets."""

    value: Value
    settings: Settings


_Axis: TypeAlias = tuple[str, Sequence[_Choice]]


def _axes(table: Table, path: Path) -> Iterator[_Axis]:
    names = table.get(SCENARIO_KEY)
    listed = [names] if isinstance(names, str) else _entries(names)
    if not listed or not all(isinstance(one, str) and one for one in listed):
        said = "is missing" if names is None else f"= {shown(names)}"
        raise InvalidInput(
            f"{path}: {SCENARIO_KEY} {said}; allowed is a scenario's file or its name in the "
            "library, or a list of such."
        )
    _refuse_many(listed, SCENARIO_KEY, path)
    yield SCENARIO_KEY, [_Choice(str(one), {}) for one in listed]
    if CASE_KEY in table:
        yield CASE_KEY, _cases(table[CASE_KEY], path)
    for key, values in _flat(table.get("vary", {}), "vary", path):
        entries = _entries(values)
        if not entries:
            raise InvalidInput(
                f"{path}: vary.{key} = {shown(values)}; allowed is a list of values, one or more."
            )
        _refuse_many(entries, f"vary.{key}", path)
        yield key, [_Choice(_as_value(entry), {key: entry}) for entry in entries]


def _cases(found: object, path: Path) -> list[_Choice]:
    entries = _entries(found)
    if not entries:
        raise InvalidInput(f"{path}: {CASE_KEY} = {shown(found)}; allowed are tables [[case]].")
    choices: list[_Choice] = []
    for number, entry in enumerate(entries):
        where = f"{CASE_KEY}[{number}]"
        if not isinstance(entry, Mapping):
            raise InvalidInput(f"{path}: {where} = {shown(entry)}; allowed is a table.")
        case = cast("Table", entry)
        _refuse_unknown(case, _CASE_KEYS, f"in {where}", path)
        label = case.get("label")
        if not isinstance(label, str) or not 1 <= len(label) <= LABEL_SIZE_MAX:
            raise InvalidInput(
                f"{path}: {where}.label = {shown(label)}; allowed is a text of 1 to "
                f"{LABEL_SIZE_MAX} characters."
            )
        choices.append(_Choice(label, _settings(case.get("set", {}), f"{where}.set", path)))
    _refuse_many([choice.value for choice in choices], f"{CASE_KEY}.label", path)
    return choices


def _variant(
    path: Path,
    number: int,
    common: Settings,
    axes: Sequence[str],
    choices: Sequence[_Choice],
    several: Sequence[str],
) -> Variant:
    values = {axis: choice.value for axis, choice in zip(axes, choices, strict=True)}
    parameters = {axis: values[axis] for axis in several}
    base = _base_path(path, str(values[SCENARIO_KEY]))
    settings = dict(common)
    for choice in choices:
        settings.update(choice.settings)
    said = ", ".join(f"{key} = {shown(value)}" for key, value in settings.items())
    try:
        table = read_table(base)
        for key, value in settings.items():
            table = with_value(table, key, value, base)
        scenario = scenario_from(table, base)
        return Variant(
            number=number,
            label=_label(parameters),
            parameters=parameters,
            scenario=scenario,
            scenario_sha256=scenario_hash(scenario),
        )
    except InvalidInput as error:
        raise InvalidInput(f"{path}: with {said}: {error}" if said else str(error)) from error


def _label(parameters: Mapping[str, Value]) -> str:
    return ", ".join(
        str(value) if key in (SCENARIO_KEY, CASE_KEY) else f"{key} = {value}"
        for key, value in parameters.items()
    )


def _base_path(path: Path, name: str) -> Path:
    beside = path.parent / name
    try:
        return beside if beside.is_file() else scenario_path(name)
    except InvalidInput as error:
        raise InvalidInput(f"{path}: {SCENARIO_KEY}: {error}") from error
    except OSError:  # too long, for one; whoever opens it says so
        return beside


def _entries(found: object) -> list[object]:
    """Give a list's entries; none where it is no list."""
    return cast("list[object]", found) if isinstance(found, list) else []


def _settings(found: object, where: str, path: Path) -> dict[str, object]:
    return dict(_flat(found, where, path))


def _flat(found: object, where: str, path: Path, above: str = "") -> Iterator[tuple[str, object]]:
    """Give dotted keys: ``router.name = 1`` and ``"router.name" = 1`` say the same here."""
    if not isinstance(found, Mapping):
        raise InvalidInput(f"{path}: {where} = {shown(found)}; allowed is a table of keys.")
    for word, value in cast("Table", found).items():
        key = f"{above}{word}"
        if key in _RESERVED:
            raise InvalidInput(f"{path}: {where}.{key} changes nothing about a run; leave it out.")
        if isinstance(value, Mapping):
            yield from _flat(cast("Table", value), where, path, f"{key}.")
        else:
            yield key, value


def _as_value(entry: object) -> Value:
    return entry if isinstance(entry, str | int | float | bool) else json.dumps(entry, default=str)


def _text(table: Table, key: str, path: Path, otherwise: str) -> str:
    value = table.get(key, otherwise)
    if not isinstance(value, str) or len(value) > 2000:
        raise InvalidInput(f"{path}: {key} = {shown(value)}; allowed is a text.")
    return value


def _refuse_unknown(table: Table, known: Sequence[str], place: str, path: Path) -> None:
    for key in table:
        if key not in known:
            near = get_close_matches(key, known, n=1)
            hint = f"did you mean {near[0]}? " if near else ""
            raise InvalidInput(
                f"{path}: unknown key {shown(key)} {place}; {hint}allowed are {', '.join(known)}."
            )


def _refuse_many(values: Sequence[object], key: str, path: Path) -> None:
    if len(values) > VALUES_MAX:
        raise InvalidInput(f"{path}: {key} has {len(values)} values; allowed are {VALUES_MAX}.")
    for number, value in enumerate(values):
        if value in values[:number]:
            raise InvalidInput(f"{path}: {key} names {shown(value)} twice; once is enough.")


def _refuse_twice(common: Settings, axes: Sequence[_Axis], path: Path) -> None:
    """A key is set in one place only, or the file would not say what a run did."""
    places = [("[set]", list(common))]
    for axis, choices in axes:
        named = {key: None for choice in choices for key in choice.settings}
        places.append(("[[case]]" if axis == CASE_KEY else "[vary]", list(named)))
    for number, (place, keys) in enumerate(places):
        for other, others in places[:number]:
            for key in keys:
                if key in others:
                    raise InvalidInput(f"{path}: {key} stands in {other} and in {place}.")
