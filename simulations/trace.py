"""What a scenario is made of once files and models are read: contacts and creations, as values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, TypeAlias


class ContactChange(NamedTuple):
    """Two nodes come within reach of each other, or leave it.

    Attributes:
        time_s: seconds since the start of the run, 0 or more.
        first, second: node addresses, from 0; ``first`` opened the contact.
        up: whether the contact begins.
    """

    time_s: float
    first: int
    second: int
    up: bool


class Creation(NamedTuple):
    """A message comes into being.

    Attributes:
        time_s: seconds since the start of the run, 0 or more.
        name: the message's name, unique in a run.
        source, destination: node addresses, from 0.
        size_bytes: its declared size on links and in buffers, 0 or more.
    """

    time_s: float
    name: str
    source: int
    destination: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class ReplaySettings:
    """What a replay needs to know beside its contacts and creations.

    Attributes:
        nodes: how many; addresses run from 0 to ``nodes - 1``.
        end_s: the run stops there.
        rate_bytes_per_s: speed of every link.
        buffer_bytes: room of every node.
        ttl_min: lifetime of every message in minutes; 0 is spent at once.
        name: what reports call the scenario.
    """

    nodes: int
    end_s: float
    rate_bytes_per_s: int
    buffer_bytes: int
    ttl_min: int
    name: str


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message reached its recipient for the first time.

    Attributes:
        time_s: when.
        creation: the message.
        path: addresses from source to recipient, both included.
        remaining_ttl_min: whole minutes left of its lifetime.
    """

    time_s: float
    creation: Creation
    path: tuple[int, ...]
    remaining_ttl_min: int

    @property
    def hops(self) -> int:
        """Links it went over."""
        return len(self.path) - 1


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run amounted to, in the counters that The ONE uses.

    Attributes:
        sim_time_s: the clock at the end.
        created: messages created.
        started, relayed, aborted: transfers begun, completed, broken off.
        dropped: copies lost to a full buffer or a spent lifetime.
        removed: copies deleted for any other reason.
        deliveries: first arrivals at recipients, in order of time.
        buffer_times_s: how long each copy that was dropped or removed had been held.
    """

    sim_time_s: float
    created: int
    started: int
    relayed: int
    aborted: int
    dropped: int
    removed: int
    deliveries: tuple[Delivery, ...]
    buffer_times_s: tuple[float, ...]


Trail: TypeAlias = "tuple[int, Trail | None]"
"""The way of a copy: the address where it is, and the trail of the copy that it was made from."""


def addresses(trail: Trail) -> tuple[int, ...]:
    """Give the nodes that a copy passed, source first."""
    passed: list[int] = []
    step: Trail | None = trail
    while step is not None:
        passed.append(step[0])
        step = step[1]
    return tuple(reversed(passed))


def remaining_min(ttl_min: int, created_s: float, now_s: float) -> int:
    """Give the whole minutes left of a lifetime, cut towards 0 as The ONE does."""
    return int(((ttl_min * 60) - (now_s - created_s)) / 60.0)
