"""Write ``docs/reference/scenario.md`` out of the types that read scenario files."""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec
from msgspec import inspect

from simulations.scenario.model import Scenario
from simulations.scenario.refusal import allowed

PAGE = Path(__file__).parents[1] / "docs" / "reference" / "scenario.md"
HEAD = """# Scenario files

A scenario is one TOML file: a world, up to its seed. `molva-sim run FILE` runs it, and
[how to simulate](../how-to/simulate.md) explains the ones of the library, which
`molva-sim scenarios` lists and prints. A key that is not named here, a file that is missing, or a
value that cannot be is refused in one sentence that names the file, the key and what is allowed.

Times are seconds from the start of the run, distances metres, sizes bytes. Nodes have the
addresses 0 to `nodes` - 1. Everything random comes from the seed, from streams by name: a variant
that changes one key changes nothing else, and a larger share of nodes takes everybody whom a
smaller one takes. What faults, attackers and fidelities mean is said in
[scenarios: what was decided](../adr/0013-scenarios.md). This page is generated: `make docs` writes
it, and a test holds it to the code.
"""
_TITLES = {
    "contacts": "Where contacts come from: `[contacts]`",
    "infrastructure": "The internet: `[infrastructure]`",
    "link": "Links: `[link]`",
    "node": "Nodes: `[node]`",
    "router": "Routing: `[router]`",
    "workload": "Mail: `[workload]`",
    "faults": "What goes wrong: `[[faults]]`",
    "attackers": "Who means harm: `[[attackers]]`",
    "check": "What the checkers ask: `[check]`",
}


def _bare(kind: inspect.Type) -> inspect.Type:
    while isinstance(kind, inspect.Metadata):
        kind = kind.type
    return kind


def _structs(kind: inspect.Type) -> list[inspect.StructType]:
    """Give the tables that a key may be."""
    kind = _bare(kind)
    if isinstance(kind, inspect.VarTupleType):
        return _structs(kind.item_type)
    if isinstance(kind, inspect.StructType):
        return [kind]
    if isinstance(kind, inspect.UnionType):
        return [struct for one in kind.types for struct in _structs(one)]
    return []


def _about(kind: inspect.Type) -> str:
    while isinstance(kind, inspect.Metadata):
        said = (kind.extra_json_schema or {}).get("description")
        if said:
            return str(said)
        kind = kind.type
    return ""


def _default(field: inspect.Field) -> str:
    if field.required:
        return "required"
    value: object = field.default
    if value is None or value == ():
        return "absent"
    return f"`{msgspec.json.encode(value).decode()}`"


def _rows(struct: inspect.StructType) -> list[str]:
    rows = [
        f"| `{field.encode_name}` | {allowed(field.type)} | {_default(field)} | "
        f"{_about(field.type)} |"
        for field in struct.fields
        if not _structs(field.type)
    ]
    return ["| key | allowed | default | |", "|---|---|---|---|", *rows] if rows else []


def _doc(struct: inspect.StructType) -> str:
    return " ".join((struct.cls.__doc__ or "").split())


def render() -> str:
    """Give the page."""
    whole = inspect.type_info(Scenario)
    assert isinstance(whole, inspect.StructType)
    lines = [HEAD, "## At the top", "", *_rows(whole), ""]
    for field in whole.fields:
        structs = _structs(field.type)
        if not structs:
            continue
        lines += [f"## {_TITLES[field.encode_name]}", ""]
        for struct in structs:
            if struct.tag_field is not None:
                lines += [f'### {struct.tag_field} = "{struct.tag}"', ""]
            lines += [_doc(struct), "", *_rows(struct), ""]
    return "\n".join(lines).replace("\n\n\n", "\n\n").rstrip("\n") + "\n"


def main() -> int:
    """Write the page."""
    PAGE.write_text(render(), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
