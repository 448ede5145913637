"""PRoPHET (RFC 6693): a copy goes to whoever is likelier to meet the recipient than we are.

Nodes tell each other at Hello whom they meet, and how likely. That needs names of recipients: a
message whose sender shows none is given away as by spray-and-wait. The functions are pure; a
simulator that follows another paper's parameters calls the same ones.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Final

from p2p.core.routing.router import Item
from p2p.core.routing.spray import SprayRouter
from p2p.wire.ids import PeerId

HINT_SIZE_MAX_BYTES: Final = 4_096
"""What a Hello holds."""
NAMES_MAX: Final = 1_024
"""Recipients remembered; a hint holds fewer. The unlikeliest is forgotten first."""
PEERS_MAX: Final = 64
"""Neighbours whose hints are remembered; the one met longest ago is forgotten first."""
NAME_SIZE_MAX_BYTES: Final = 32
LIKELIHOOD_MIN: Final = 1.0 / 65_535
"""Less than this cannot be told, and is forgotten."""
_HINT_VERSION: Final = 1
_LIKELIHOOD = struct.Struct(">H")
_SCALE: Final = 65_535


# --- the policy ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ProphetParameters:
    """The numbers of RFC 6693, table 1; time units are the application's to choose.

    Attributes:
        encounter_first: of a node met for the first time.
        encounter_max: of a node met again after the typical interval or longer.
        delta: keeps likelihoods below 1.
        beta: how much a neighbour's acquaintance is worth.
        gamma, unit_s: a likelihood is multiplied by gamma in each unit of time; with these it is
            halved in 5.8 hours.
        typical_interval_s: meeting again sooner counts for less, in proportion.
    """

    encounter_first: float = 0.5
    encounter_max: float = 0.7
    delta: float = 0.01
    beta: float = 0.9
    gamma: float = 0.999
    unit_s: float = 30.0
    typical_interval_s: float = 1_800.0


RFC_6693: Final = ProphetParameters()


def encountered(old: float, encounter: float, delta: float) -> float:
    """Give the likelihood of meeting a node after it was met (section 2.1.2, equation 1)."""
    return old + (1.0 - delta - old) * encounter


def aging(elapsed_s: float, gamma: float, unit_s: float) -> float:
    """Give by what a likelihood is multiplied after a time (section 2.1.2, equation 2)."""
    return math.pow(gamma, elapsed_s / unit_s)


def through(old: float, meeting: float, onward: float, beta: float) -> float:
    """Give the likelihood of reaching a node that one we meet meets (equation 3)."""
    return max(old, meeting * onward * beta)


def encounter_after(interval_s: float, parameters: ProphetParameters) -> float:
    """Give how much meeting a known node counts for, so long after the last time."""
    share = min(max(interval_s, 0.0) / parameters.typical_interval_s, 1.0)
    return parameters.encounter_max * share


# --- what neighbours tell each other -------------------------------------------------------------


def encode_hint(name: bytes, likelihoods: Mapping[bytes, float]) -> bytes:
    """Give a hint: version, own name, and the likeliest names that fit, likeliest first.

    Each name has its length before it, 1 byte; a likelihood is 2 bytes after its name, in parts of
    65,535.
    """
    parts = [bytes((_HINT_VERSION, len(name))), name]
    size_bytes = 2 + len(name)
    for other, likelihood in sorted(likelihoods.items(), key=lambda pair: (-pair[1], pair[0])):
        size_bytes += 1 + len(other) + _LIKELIHOOD.size
        if size_bytes > HINT_SIZE_MAX_BYTES:
            break
        parts += (
            bytes((len(other),)),
            other,
            _LIKELIHOOD.pack(min(max(round(likelihood * _SCALE), 0), _SCALE)),
        )
    return b"".join(parts)


def decode_hint(hint: bytes) -> tuple[bytes, dict[bytes, float]]:
    """Read a neighbour's hint, as far as it goes; any bytes give something.

    Gives its name, empty where it tells none, and likelihoods from 0 to 1 by name.
    """
    if len(hint) < 2 or hint[0] != _HINT_VERSION or not _is_name(hint[2 : 2 + hint[1]], hint[1]):
        return b"", {}
    at = 2 + hint[1]
    return hint[2:at], dict(islice(_entries(hint, at), NAMES_MAX))


def _entries(hint: bytes, at: int) -> Iterator[tuple[bytes, float]]:
    while at < len(hint):
        end = at + 1 + hint[at]
        name = hint[at + 1 : end]
        if not _is_name(name, hint[at]) or end + _LIKELIHOOD.size > len(hint):
            return
        (parts,) = _LIKELIHOOD.unpack_from(hint, end)
        yield name, parts / _SCALE
        at = end + _LIKELIHOOD.size


def _is_name(name: bytes, size_bytes: int) -> bool:
    return 0 < size_bytes <= NAME_SIZE_MAX_BYTES and len(name) == size_bytes


# --- the router ----------------------------------------------------------------------------------


class ProphetRouter:
    """Gives a copy to each neighbour that is likelier to meet the recipient, and keeps its own.

    Args:
        copies: L of spray-and-wait, for messages whose recipient is not shown.
        own_name: what senders show for messages to this node; empty where they show nothing.
        parameters: of the policy.
    """

    name: str = "prophet"

    def __init__(
        self, copies: int, own_name: bytes = b"", parameters: ProphetParameters = RFC_6693
    ) -> None:
        self._spray = SprayRouter(copies)
        self._own_name = own_name
        self._parameters = parameters
        self._likelihoods: dict[bytes, float] = {}
        self._met_s: dict[bytes, float] = {}
        self._aged_s = 0.0
        self._told: dict[PeerId, tuple[float, dict[bytes, float]]] = {}

    def initial_copies(self) -> int:
        """L: whether the recipient is shown is not known yet."""
        return self._spray.initial_copies()

    def share(self, item: Item, peer: PeerId, now_s: float) -> int:
        """One copy for a neighbour that is likelier to meet the recipient (section 3.6, GRTR)."""
        if not item.recipient_hint:
            return self._spray.share(item, peer, now_s)
        told_s, told = self._told.get(peer, (now_s, {}))
        theirs = told.get(item.recipient_hint, 0.0) * self._aging(told_s, now_s)
        ours = self._likelihoods.get(item.recipient_hint, 0.0) * self._aging(self._aged_s, now_s)
        return min(1, item.copies) if theirs > ours else 0

    def keep(self, item: Item, shared: int) -> int:
        """All copies, where the recipient is shown."""
        return item.copies if item.recipient_hint else self._spray.keep(item, shared)

    def met(self, peer: PeerId, hint: bytes, now_s: float) -> None:
        """Learn from a neighbour's hint; one that tells no name teaches nothing."""
        name, told = decode_hint(hint)
        if not name or name == self._own_name:
            return
        self._told.pop(peer, None)
        self._told[peer] = (now_s, told)
        if len(self._told) > PEERS_MAX:
            del self._told[next(iter(self._told))]
        self._age(now_s)
        meeting = self._meet(name, now_s)
        for other, onward in told.items():
            if other != self._own_name and other != name:
                old = self._likelihoods.get(other, 0.0)
                self._likelihoods[other] = through(old, meeting, onward, self._parameters.beta)
        self._forget_unlikely()

    def hint(self, now_s: float) -> bytes:
        """Our name and whom we are likely to meet; nothing where senders show no recipients."""
        if not self._own_name:
            return b""
        self._age(now_s)
        return encode_hint(self._own_name, self._likelihoods)

    def _meet(self, name: bytes, now_s: float) -> float:
        parameters, last_s = self._parameters, self._met_s.get(name)
        first = parameters.encounter_first
        encounter = first if last_s is None else encounter_after(now_s - last_s, parameters)
        old = self._likelihoods.get(name, 0.0)
        likelihood = encountered(old, encounter, parameters.delta)
        self._likelihoods[name] = likelihood
        self._met_s[name] = now_s
        return likelihood

    def _aging(self, since_s: float, now_s: float) -> float:
        elapsed_s = max(now_s - since_s, 0.0)
        return aging(elapsed_s, self._parameters.gamma, self._parameters.unit_s)

    def _age(self, now_s: float) -> None:
        factor = self._aging(self._aged_s, now_s)
        self._aged_s = max(self._aged_s, now_s)
        if factor < 1.0:
            aged = {name: factor * value for name, value in self._likelihoods.items()}
            self._likelihoods = {n: value for n, value in aged.items() if value >= LIKELIHOOD_MIN}

    def _forget_unlikely(self) -> None:
        excess = len(self._likelihoods) - NAMES_MAX
        if excess > 0:
            ranked = sorted(self._likelihoods.items(), key=lambda pair: (pair[1], pair[0]))
            for name, _ in ranked[:excess]:
                del self._likelihoods[name]
        if len(self._met_s) > 2 * NAMES_MAX:
            self._met_s = {n: at for n, at in self._met_s.items() if n in self._likelihoods}
