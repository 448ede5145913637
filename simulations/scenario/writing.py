"""Writes a scenario as TOML, so that a drawn world can be kept, changed and run again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import cast

import msgspec

from simulations.scenario.model import Scenario


def scenario_toml(scenario: Scenario) -> str:
    """Give a scenario as a file that reads back as the same; what is absent is left out."""
    lines: list[str] = []
    _write_table(lines, "", msgspec.json.decode(msgspec.json.encode(scenario)))
    return "\n".join(lines).lstrip("\n") + "\n"


def _write_table(lines: list[str], name: str, table: Mapping[str, object]) -> None:
    below: list[tuple[str, Mapping[str, object]]] = []
    for key, value in table.items():
        place = f"{name}.{key}" if name else key
        if isinstance(value, dict):
            below.append((f"[{place}]", cast("Mapping[str, object]", value)))
        elif tables := _tables(value):
            below += [(f"[[{place}]]", one) for one in tables]
        elif value is not None:
            lines.append(f"{key} = {_value(value)}")
    for head, inner in below:
        lines += ["", head]
        _write_table(lines, head.strip("[]"), inner)


def _tables(value: object) -> list[Mapping[str, object]]:
    if not isinstance(value, list):
        return []
    entries = cast("list[object]", value)
    return [cast("Mapping[str, object]", one) for one in entries if isinstance(one, dict)]


def _value(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=True)
    if isinstance(value, list):
        return "[" + ", ".join(_value(one) for one in cast("list[object]", value)) + "]"
    return repr(value)
