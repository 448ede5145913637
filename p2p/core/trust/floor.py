"""What this release knew when it was made: a fresh node has no memory of its own.

Whoever installs a node today must not be shown a list of two years ago as the newest one, nor be
told that it is 1970. The date is moved forward with every release; a list that many will import
may be named here with its lowest sequence.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final


@dataclass(frozen=True, slots=True)
class FloorEntry:
    """The oldest issue of one list that is still believed.

    ``name`` is the list's name (:func:`p2p.core.trust.names.list_name`), ``sequence`` its number
    (0 where it has none), ``issued_s`` its time of issue in Unix seconds.
    """

    name: bytes
    sequence: int
    issued_s: int


@dataclass(frozen=True, slots=True)
class TrustFloor:
    """``released_s``: it is certainly later than this, Unix seconds."""

    released_s: int
    lists: tuple[FloorEntry, ...] = ()


RELEASED: Final = datetime(2026, 11, 21, tzinfo=UTC)
SHIPPED: Final = TrustFloor(int(RELEASED.timestamp()))
"""No list is named yet: no issuer publishes one to everybody that we could vouch for."""
