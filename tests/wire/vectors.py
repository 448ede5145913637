"""The frozen known answers in ``vectors.json``, as values."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias

from p2p.wire.bundle import decode_bundle
from p2p.wire.contact_uri import decode_invite
from p2p.wire.content import decode_content
from p2p.wire.envelope import parse_envelope
from p2p.wire.frames import decode_frame
from p2p.wire.record import decode_record_header

Json: TypeAlias = "str | int | list[Json] | dict[str, Json]"

DECODERS = {
    "frame": decode_frame,
    "content": decode_content,
    "bundle": decode_bundle,
    "invite": decode_invite,
    "envelope": parse_envelope,
    "record": decode_record_header,
}
VECTORS = json.loads((Path(__file__).parent / "vectors.json").read_text("utf-8"))


def of_format(format_: str) -> dict[str, dict[str, Json]]:
    """Give the vectors of one format, by name."""
    return VECTORS[format_]


def refusals() -> list[tuple[str, str, dict[str, str]]]:
    """Give (format, name, refusal) of everything that must be refused."""
    return [
        (format_, name, refusal)
        for format_, by_name in VECTORS["refusals"].items()
        for name, refusal in by_name.items()
    ]


def wire_form(vector: dict[str, Json]) -> bytes | str:
    """Give what travels: bytes, or the text of a link."""
    return vector["link"] if "link" in vector else bytes.fromhex(str(vector["hex"]))


def agrees(value: object, expected: Json) -> bool:
    """Tell whether a decoded value is what the vector says, field by field."""
    match expected:
        case dict():
            names = getattr(value, "__struct_fields__", ())
            return set(names) == set(expected) and all(
                agrees(getattr(value, name), part) for name, part in expected.items()
            )
        case list():
            return (
                isinstance(value, Sequence)
                and len(value) == len(expected)
                and all(agrees(a, b) for a, b in zip(value, expected, strict=True))
            )
        case str() if expected.startswith("0x"):
            return value == bytes.fromhex(expected[2:])
        case _:
            return type(value) is type(expected) and value == expected
