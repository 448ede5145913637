"""What every part of a scenario is made of: limits, and tables that know their meaning."""

from __future__ import annotations

from typing import Annotated, Final, TypeAlias

from msgspec import Meta, Struct

NODES_MAX: Final = 100_000
TIME_MAX_S: Final = 1e9
SPAN_MIN_S: Final = 1e-3
"""A clock of 1e9 s still moves by it; shorter spans would make a run of endless moments."""
METRES_MAX: Final = 1e6
BYTES_MAX: Final = 2**53
LIST_MAX: Final = 10_000
MESSAGES_MAX: Final = 1_000_000

Time: TypeAlias = Annotated[float, Meta(ge=0, le=TIME_MAX_S)]
Span: TypeAlias = Annotated[float, Meta(ge=SPAN_MIN_S, le=TIME_MAX_S)]
Metres: TypeAlias = Annotated[float, Meta(gt=0, le=METRES_MAX)]
Coordinate: TypeAlias = Annotated[float, Meta(ge=-METRES_MAX, le=METRES_MAX)]
Speed: TypeAlias = Annotated[float, Meta(gt=0, le=1000)]
Share: TypeAlias = Annotated[float, Meta(ge=0, le=1)]
Address: TypeAlias = Annotated[int, Meta(ge=0, le=NODES_MAX - 1)]
SizeBytes: TypeAlias = Annotated[int, Meta(ge=0, le=2**31 - 1)]
FileName: TypeAlias = Annotated[str, Meta(min_length=1, max_length=4096)]


def about(text: str) -> Meta:
    """Give what the reference says of a key."""
    return Meta(description=text)


class Section(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of a scenario file."""
