"""What a world tells about itself while it runs: one line for everything that happens.

Checkers, the event log and the time series all listen to the same lines, in either fidelity. Lines
say what happened, never how: a kind, and fields whose meaning :data:`KINDS` gives.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType
from typing import Final, Protocol, TypeAlias

Field: TypeAlias = str | int | float

KINDS: Final = MappingProxyType(
    {
        "link-up": ("peer",),
        "link-down": ("peer",),
        "created": ("message", "destination", "size_bytes"),
        "sent": ("message", "peer"),
        "aborted": ("message", "peer"),
        "relayed": ("message", "from", "size_bytes"),
        "kept": ("message", "from", "copies", "copies_left"),
        "delivered": ("message", "hops"),
        "dropped": ("message", "why"),
        "refused": ("message",),
        "crashed": (),
        "restarted": (),
        "forgot": (),
        "frame": ("peer", "size_bytes", "kind", "crc32"),
        "noted": ("kind",),
    }
)
"""Kind -> names of its fields.

``sent`` and ``aborted`` are told of the sender; ``relayed`` (the last byte is there), ``kept`` (in
custody) and ``delivered`` of the receiver. ``dropped`` says why: evicted, expired, proven (known to
be delivered), swallowed (by an attacker). ``forgot``: a node lost all that it remembered.
``frame`` (one has arrived; ``kind`` is its number in the specification), ``refused`` (a message
that could not be written), ``crashed``, ``restarted`` and ``noted`` (another fault) exist at
protocol fidelity only, ``sent``, ``aborted`` and ``relayed`` at abstract fidelity only.
"""


class Observer(Protocol):
    """Somebody who is told of everything, in order of time."""

    def note(self, time_s: float, node: int, kind: str, fields: tuple[Field, ...]) -> None:
        """Take note of one line: ``fields`` are those that :data:`KINDS` names, in that order."""
        ...


class Observers:
    """Several observers as one; each is told in the order given."""

    def __init__(self, observers: Sequence[Observer]) -> None:
        self._observers = tuple(observers)

    def note(self, time_s: float, node: int, kind: str, fields: tuple[Field, ...]) -> None:
        """Tell everybody."""
        for observer in self._observers:
            observer.note(time_s, node, kind, fields)
