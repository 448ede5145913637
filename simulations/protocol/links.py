"""Links with rate, latency and loss, over which whole frames travel as bytes, in order.

A link is a reliable stream, as in the product. Frames put on it together share packets and come
out together. A lost packet is sent again, so loss costs time, never a frame; what is still under
way when the contact ends never arrives.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from msgspec import Struct

from p2p.errors import InvalidInput
from p2p.wire.ids import EnvelopeId
from p2p.wire.limits import FRAME_LENGTH_PREFIX_BYTES
from simulations.trace import Trail

NO_ENVELOPE: Final = EnvelopeId(b"")
PACKET_BYTES: Final = 1_400
"""Frames that wait together share packets of so many bytes."""


class Parcel(Struct, frozen=True):
    """One frame under way.

    Attributes:
        size_bytes: what it counts for on the link.
        envelope: the scenario's message that it carries, or empty.
        trail: the way of that copy up to the sender.
    """

    frame: bytes
    size_bytes: int
    envelope: EnvelopeId
    trail: Trail | None


class Packet(Struct, frozen=True):
    """Frames that arrive together; ``starts_s`` is when their first byte leaves."""

    starts_s: float
    arrives_s: float
    parcels: tuple[Parcel, ...]


@dataclass(frozen=True, slots=True)
class Medium:
    """What all links of a run are like.

    Attributes:
        loss: share of packets lost, 0 to below 1.
        stream: where losses are drawn from.
    """

    rate_bytes_per_s: float
    latency_s: float
    loss: float
    stream: random.Random

    def __post_init__(self) -> None:
        if not self.rate_bytes_per_s > 0:
            raise InvalidInput(f"A link of {self.rate_bytes_per_s} bytes per second moves nothing.")
        if not self.latency_s >= 0:
            raise InvalidInput(f"A link cannot have a latency of {self.latency_s} s.")
        if not 0 <= self.loss < 1:
            raise InvalidInput(f"A share of lost packets is 0 to below 1, not {self.loss}.")

    def sending_s(self, size_bytes: int) -> float:
        """Give how long so many bytes take, with those that are sent again."""
        return size_bytes / (self.rate_bytes_per_s * (1.0 - self.loss))

    def way_s(self) -> float:
        """Give how long the last packet is under way: a round trip more each time it is lost."""
        delay_s = self.latency_s
        if self.loss:
            while self.stream.random() < self.loss:
                delay_s += 2.0 * self.latency_s
        return delay_s


class Way:
    """One direction of a link.

    Attributes:
        source, target: node addresses.
        up: whether the link exists.
        packets: what is under way, in order of arrival.
    """

    __slots__ = ("_free_s", "_last_s", "_medium", "packets", "source", "target", "up")

    def __init__(self, medium: Medium, source: int, target: int) -> None:
        self._medium = medium
        self.source = source
        self.target = target
        self.up = True
        self.packets: deque[Packet] = deque()
        self._free_s = 0.0
        self._last_s = 0.0

    def put(self, parcels: Iterable[Parcel], now_s: float) -> None:
        """Queue frames behind what is under way."""
        together: list[Parcel] = []
        filled_bytes = 0
        for parcel in parcels:
            size_bytes = parcel.size_bytes
            if together and filled_bytes + size_bytes > PACKET_BYTES:
                self._send(together, filled_bytes, now_s)
                together, filled_bytes = [], 0
            together.append(parcel)
            filled_bytes += size_bytes
        if together:
            self._send(together, filled_bytes, now_s)

    def next_s(self) -> float:
        """Give when the next packet arrives; there must be one."""
        return self.packets[0].arrives_s

    def cut(self, now_s: float) -> list[Packet]:
        """End this way; give what had begun to leave and never arrives."""
        self.up = False
        lost = [packet for packet in self.packets if packet.starts_s <= now_s]
        self.packets.clear()
        return lost

    def _send(self, parcels: list[Parcel], size_bytes: int, now_s: float) -> None:
        starts_s = now_s if now_s > self._free_s else self._free_s
        self._free_s = starts_s + self._medium.sending_s(size_bytes)
        arrives_s = self._free_s + self._medium.way_s()
        if arrives_s > self._last_s:
            self._last_s = arrives_s
        self.packets.append(Packet(starts_s, self._last_s, tuple(parcels)))


def size_on_link(frame: bytes, excess_bytes: int) -> int:
    """Give what a frame counts for: itself, its length before it, and what exists only by name."""
    return FRAME_LENGTH_PREFIX_BYTES + len(frame) + excess_bytes
