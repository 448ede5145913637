"""Who understands what is in records: the hook by which trust looks at each before it is kept."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from p2p.core.effects import Effect
from p2p.ports.store import RecordRow
from p2p.wire.record import RecordHeader


class Verdict(Enum):
    """What a reader says of a record."""

    KEEP_VERIFIED = "keep-verified"
    """Its body is signed by somebody whom the person here trusts for it: the preferred tier."""
    KEEP = "keep"
    """Nothing speaks for it or against it: it is a contact's or a stranger's."""
    REFUSE = "refuse"
    """It does not hold: not kept, not passed on, and not asked for again."""


@dataclass(frozen=True, slots=True)
class Record:
    """A record whose signature and body hold."""

    header: RecordHeader
    body: bytes


class RecordReader(Protocol):
    """Judges bodies. Any bytes are to be expected; nothing may be raised because of them."""

    def judge(self, record: Record, now_s: float) -> Verdict:
        """Say what to do with a record that has come here; nothing is changed yet."""
        ...

    def arrived(self, record: Record, row: RecordRow, now_s: float) -> list[Effect]:
        """Take in a record of a neighbour's that is kept from now on."""
        ...


class CarriesAll:
    """The reader of a node that understands no record: everything is a stranger's."""

    def judge(self, record: Record, now_s: float) -> Verdict:
        """Keep it."""
        return Verdict.KEEP

    def arrived(self, record: Record, row: RecordRow, now_s: float) -> list[Effect]:
        """Have nothing to say."""
        return []
