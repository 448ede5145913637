"""What a protocol run counts: The ONE's counters, and what the protocol itself costs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from simulations.protocol.links import Packet, Parcel
from simulations.trace import Creation, Delivery, Outcome, Trail, addresses, remaining_min


@dataclass(slots=True)
class Tally:
    """Counters of one run; scenario messages only, unless it says otherwise.

    Attributes:
        started, relayed, aborted: transfers begun, completed, broken off.
        dropped: copies lost to a full buffer or a spent lifetime.
        removed: copies deleted because their delivery proof came.
        frames, air_bytes: all frames that arrived, and what they counted for on links.
        control_bytes: that part of it which is no scenario message.
        batches: transactions of all nodes.
        late: first arrivals after the declared lifetime; they are no deliveries.
    """

    created: int = 0
    started: int = 0
    relayed: int = 0
    aborted: int = 0
    dropped: int = 0
    removed: int = 0
    frames: int = 0
    air_bytes: int = 0
    control_bytes: int = 0
    batches: int = 0
    late: int = 0
    deliveries: list[Delivery] = field(default_factory=list[Delivery])
    buffer_times_s: list[float] = field(default_factory=list[float])

    def arrived(self, parcel: Parcel) -> None:
        """Count a frame that came out of a link."""
        self.frames += 1
        self.air_bytes += parcel.size_bytes
        if parcel.trail is None:
            self.control_bytes += parcel.size_bytes
        else:
            self.started += 1
            self.relayed += 1

    def broken_off(self, packets: Iterable[Packet]) -> None:
        """Count what had begun to leave when its link broke."""
        bodies = sum(parcel.trail is not None for each in packets for parcel in each.parcels)
        self.started += bodies
        self.aborted += bodies

    def let_go(self, since_s: float, now_s: float, *, proven: bool) -> None:
        """Count a copy that a node no longer keeps."""
        self.buffer_times_s.append(now_s - since_s)
        if proven:
            self.removed += 1
        else:
            self.dropped += 1

    def outcome(self, end_s: float) -> Outcome:
        """Give the run in The ONE's counters."""
        return Outcome(
            sim_time_s=end_s,
            created=self.created,
            started=self.started,
            relayed=self.relayed,
            aborted=self.aborted,
            dropped=self.dropped,
            removed=self.removed,
            deliveries=tuple(self.deliveries),
            buffer_times_s=tuple(self.buffer_times_s),
        )


def delivery(creation: Creation, trail: Trail, now_s: float, ttl_min: int) -> Delivery:
    """Give the arrival of a copy that came this way to its recipient."""
    left_min = remaining_min(ttl_min, creation.time_s, now_s)
    return Delivery(now_s, creation, addresses(trail), left_min)
