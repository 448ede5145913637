"""What happens in a protocol run, as values on the kernel's clock."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from msgspec import Struct

from p2p.errors import InvalidInput
from simulations.protocol.links import Way
from simulations.protocol.seams import ClockSet, Crash, Fault, Jammed, Restart
from simulations.trace import ContactChange, Creation


class Born(Struct, frozen=True):
    """A message is written at its source."""

    number: int


class PacketDue(Struct, frozen=True):
    """The next packet of a way may be there."""

    way: Way


class WakeDue(Struct, frozen=True):
    """A node wanted to be woken."""


class Alarm(Struct, frozen=True):
    """A node's interference wanted to be woken."""


class Reopening(Struct, frozen=True):
    """Two nodes may be neighbours again after one sent the other away."""

    neighbour: int


Happening: TypeAlias = (
    ContactChange
    | Born
    | PacketDue
    | WakeDue
    | Alarm
    | Reopening
    | Crash
    | Restart
    | ClockSet
    | Jammed
)


def plan(
    nodes: int,
    contacts: Sequence[ContactChange],
    creations: Sequence[Creation],
    faults: Sequence[Fault],
) -> list[tuple[float, int, Happening]]:
    """Give all that is known beforehand, in order of time; of one time, faults come first.

    Raises:
        InvalidInput: it names a node that is not there.
    """
    agenda: list[tuple[float, int, Happening]] = [
        (fault.time_s, fault.node, fault) for fault in faults
    ]
    agenda += [(change.time_s, change.first, change) for change in contacts]
    agenda += [
        (creation.time_s, creation.source, Born(number))
        for number, creation in enumerate(creations)
    ]
    agenda.sort(key=lambda entry: entry[0])
    named = [node for _, node, _ in agenda]
    named += [change.second for change in contacts]
    named += [creation.destination for creation in creations]
    for node in named:
        if not 0 <= node < nodes:
            raise InvalidInput(f"There is no node {node} among {nodes}.")
    return agenda
