"""Whom to dial and whom to let in: a pure policy without clock, tasks or sockets."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, Final

from msgspec import Meta, Struct

from p2p.errors import Malformed, StoreDamaged, UnknownName
from p2p.node.api import PeerView
from p2p.ports.entropy import Entropy
from p2p.wire.codec import pack, unpack
from p2p.wire.ids import PeerId
from p2p.wire.limits import ADDRESS_SIZE_MAX_BYTES, ADDRESSES_MAX

_RECORD_VERSION: Final = 1
_RECORD_SIZE_MAX_BYTES: Final = 8_192


class Source(StrEnum):
    """How a peer became known, in the order of preference."""

    CONTACT = "contact"
    MANUAL = "manual"
    BOOTSTRAP = "bootstrap"
    MDNS = "mdns"
    DHT = "dht"
    INBOUND = "inbound"
    """It dialled us, and nothing else is known of it."""


_RANKS: Final = {
    Source.CONTACT: 0,
    Source.MANUAL: 1,
    Source.BOOTSTRAP: 2,
    Source.MDNS: 3,
    Source.DHT: 3,
    Source.INBOUND: 4,
}
_LASTING: Final = frozenset({Source.CONTACT, Source.MANUAL, Source.BOOTSTRAP})


@dataclass(frozen=True, slots=True)
class PeerLimits:
    """Bounds of the policy.

    Attributes:
        neighbours_max: links at most; a preferred peer takes the place of a lesser one.
        seek_max: peers seen by mDNS or DHT are dialled only below so many links, so that room
            stays for those who dial us.
        dials_max: dials under way at once.
        known_max: peers remembered that only mDNS, DHT or their own dial made known.
        back_off_first_s, back_off_max_s: pause after a failure; doubles, with jitter.
        settled_s: a link that lasted so long clears the back-off.
        failures_max: a peer of mDNS or DHT is forgotten after so many failures in a row.
    """

    neighbours_max: int = 24
    seek_max: int = 12
    dials_max: int = 4
    known_max: int = 512
    back_off_first_s: float = 1.0
    back_off_max_s: float = 300.0
    settled_s: float = 60.0
    failures_max: int = 8


@dataclass(frozen=True, slots=True)
class Dial:
    """Try these addresses in order until one answers."""

    peer: PeerId
    addresses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Admitted:
    """The link may stay; ``evicted`` names the neighbour that makes room, or is empty."""

    evicted: PeerId


@dataclass(frozen=True, slots=True)
class NotAdmitted:
    """The link must be closed; ``reason`` is kebab-case."""

    reason: str


@dataclass(slots=True)
class _Entry:
    addresses: dict[Source, tuple[str, ...]] = field(default_factory=dict[Source, tuple[str, ...]])
    failures: int = 0
    retry_at_s: float = 0.0
    refused_until_s: float = 0.0
    banned: bool = False
    dialling: bool = False
    linked: bool = False
    linked_at_s: float = 0.0
    seen_s: float = 0.0
    last_error: str = ""

    def source(self) -> Source:
        return min(self.addresses, key=_RANKS.__getitem__, default=Source.INBOUND)

    def rank(self) -> int:
        return _RANKS[self.source()]

    def is_lasting(self) -> bool:
        return self.banned or not _LASTING.isdisjoint(self.addresses)

    def ready_at_s(self) -> float:
        return max(self.retry_at_s, self.refused_until_s)

    def may_be_dialled(self) -> bool:
        return bool(self.addresses) and not (self.banned or self.dialling or self.linked)

    def all_addresses(self) -> tuple[str, ...]:
        ordered = sorted(self.addresses, key=_RANKS.__getitem__)
        return tuple(dict.fromkeys(one for source in ordered for one in self.addresses[source]))


class PeerRecord(Struct, frozen=True, array_like=True):
    """What is kept of a peer across restarts: manual addresses and a ban (a PEER document)."""

    version: Annotated[int, Meta(ge=1, le=255)]
    addresses: Annotated[
        tuple[Annotated[str, Meta(max_length=ADDRESS_SIZE_MAX_BYTES)], ...],
        Meta(max_length=ADDRESSES_MAX),
    ]
    banned: Annotated[int, Meta(ge=0, le=1)]


class PeerBook:
    """All peers that this node knows of, and what it may do about each of them.

    Addresses are kept per source, so that somebody who announces false ones on the local network
    cannot displace those that a contact or a person gave.
    """

    def __init__(self, own: PeerId, limits: PeerLimits, entropy: Entropy) -> None:
        self._own = own
        self._limits = limits
        self._entropy = entropy
        self._entries: dict[PeerId, _Entry] = {}

    # --- what becomes known ----------------------------------------------------------------------
    def learn(self, peer: PeerId, addresses: tuple[str, ...], source: Source, now_s: float) -> None:
        """Take note that ``source`` says ``peer`` is at ``addresses``; the newest word replaces.

        A peer in back-off whose addresses changed is tried again soon.
        """
        kept = tuple(one for one in addresses if len(one) <= ADDRESS_SIZE_MAX_BYTES)
        if peer == self._own or not kept:
            return
        entry = self._entry(peer)
        fresh = kept[:ADDRESSES_MAX]
        if not set(fresh) <= set(entry.all_addresses()):
            entry.retry_at_s = min(entry.retry_at_s, now_s + self._limits.back_off_first_s)
        entry.addresses[source] = fresh
        entry.seen_s = now_s
        self._trim(peer)

    def unlearn(self, peer: PeerId, source: Source) -> None:
        """Forget what ``source`` said of a peer; an open link stays."""
        entry = self._entries.get(peer)
        if entry is not None and entry.addresses.pop(source, None) is not None:
            self._drop_if_hopeless(peer, entry)

    def add_manual(self, peer: PeerId, address: str, now_s: float) -> None:
        """Keep an address that the person gave, before the others, and allow a dial at once."""
        entry = self._entry(peer)
        held = entry.addresses.get(Source.MANUAL, ())
        merged = tuple(dict.fromkeys((address, *held)))[:ADDRESSES_MAX]
        entry.addresses[Source.MANUAL] = merged
        entry.seen_s = now_s
        entry.failures, entry.retry_at_s, entry.refused_until_s = 0, 0.0, 0.0
        entry.banned = False

    def remove(self, peer: PeerId) -> None:
        """Forget addresses and ban of a peer; an open link stays.

        Raises:
            UnknownName: no such peer.
        """
        if peer not in self._entries:
            raise UnknownName(f"No peer {peer} is known.")
        entry = self._entries.pop(peer)
        if entry.linked:
            self._entries[peer] = _Entry(linked=True, linked_at_s=entry.linked_at_s)

    def ban(self, peer: PeerId) -> None:
        """Refuse all links to and from a peer until it is removed or added by hand."""
        self._entry(peer).banned = True

    def refuse(self, peer: PeerId, until_s: float, reason: str) -> None:
        """Have no link to or from a peer until then."""
        entry = self._entry(peer)
        entry.refused_until_s = max(entry.refused_until_s, until_s)
        entry.last_error = reason

    # --- links -----------------------------------------------------------------------------------
    def admit(self, peer: PeerId, now_s: float) -> Admitted | NotAdmitted:
        """Judge a new link, whoever opened it."""
        if peer == self._own:
            return NotAdmitted("self")
        entry = self._entries.get(peer, _Entry())
        if entry.banned:
            return NotAdmitted("banned")
        if entry.refused_until_s > now_s:
            return NotAdmitted("sent-away")
        neighbours = [(name, one) for name, one in self._entries.items() if one.linked]
        if entry.linked or len(neighbours) < self._limits.neighbours_max:
            return Admitted(PeerId(""))
        name, least = max(neighbours, key=lambda pair: (pair[1].rank(), pair[1].linked_at_s))
        return Admitted(name) if least.rank() > entry.rank() else NotAdmitted("full")

    def opened(self, peer: PeerId, now_s: float) -> None:
        """Take note of a link that was admitted."""
        entry = self._entry(peer)
        entry.linked, entry.linked_at_s, entry.seen_s = True, now_s, now_s
        entry.last_error = ""
        self._trim(peer)

    def closed(self, peer: PeerId, now_s: float) -> None:
        """Take note that the link is gone; a short one counts as a failure."""
        entry = self._entries.get(peer)
        if entry is None or not entry.linked:
            return
        entry.linked = False
        if now_s - entry.linked_at_s >= self._limits.settled_s:
            entry.failures = 0
        self._back_off(entry, now_s)
        self._drop_if_hopeless(peer, entry)

    # --- dials -----------------------------------------------------------------------------------
    def due(self, now_s: float) -> list[Dial]:
        """Give the dials to begin now and count them as under way: each must be followed by
        :meth:`dial_ended`.
        """
        dials: list[Dial] = []
        for peer, entry in self._candidates():
            if entry.ready_at_s() <= now_s and self._has_room_for(entry):
                entry.dialling = True
                dials.append(Dial(peer, entry.all_addresses()))
        return dials

    def begin(self, peer: PeerId) -> Dial | None:
        """Give the dial of one peer that is to be reached now, unless one is under way or open."""
        entry = self._entry(peer)
        if not entry.may_be_dialled():
            return None
        entry.dialling = True
        return Dial(peer, entry.all_addresses())

    def dial_ended(self, peer: PeerId, error: str, now_s: float) -> None:
        """Take note of a dial's outcome; an empty ``error`` is success."""
        entry = self._entries.get(peer)
        if entry is None:
            return
        entry.dialling = False
        if not error:
            return
        entry.last_error = error
        self._back_off(entry, now_s)
        self._drop_if_hopeless(peer, entry)

    def next_due_s(self) -> float | None:
        """Give when :meth:`due` will next have something, if nothing else happens before."""
        moments = [one.ready_at_s() for _, one in self._candidates() if self._has_room_for(one)]
        return min(moments, default=None)

    # --- views and persistence -------------------------------------------------------------------
    def views(self, now_s: float) -> list[PeerView]:
        """Give all peers: neighbours first, then by preference."""
        ordered = sorted(
            self._entries.items(), key=lambda pair: (not pair[1].linked, pair[1].rank(), pair[0])
        )
        return [_view(peer, entry, now_s) for peer, entry in ordered]

    def view(self, peer: PeerId, now_s: float) -> PeerView:
        """Give one peer.

        Raises:
            UnknownName: no such peer.
        """
        entry = self._entries.get(peer)
        if entry is None:
            raise UnknownName(f"No peer {peer} is known.")
        return _view(peer, entry, now_s)

    def record(self, peer: PeerId) -> bytes | None:
        """Give the PEER document to keep of a peer, or None where none is needed."""
        entry = self._entries.get(peer)
        if entry is None or not (entry.banned or Source.MANUAL in entry.addresses):
            return None
        return pack(
            PeerRecord(_RECORD_VERSION, entry.addresses.get(Source.MANUAL, ()), int(entry.banned))
        )

    def load(self, documents: Iterator[tuple[bytes, bytes]]) -> None:
        """Take over the PEER documents of an earlier run.

        Raises:
            StoreDamaged: one of them is no record of ours.
        """
        for key, value in documents:
            try:
                record = unpack(value, PeerRecord, _RECORD_SIZE_MAX_BYTES)
                peer = PeerId(key.decode("ascii"))
            except (Malformed, UnicodeDecodeError) as exc:
                raise StoreDamaged("The store holds a peer that cannot be read.") from exc
            entry = self._entry(peer)
            entry.banned = bool(record.banned)
            if record.addresses:
                entry.addresses[Source.MANUAL] = record.addresses

    # --- inside ----------------------------------------------------------------------------------
    def _entry(self, peer: PeerId) -> _Entry:
        return self._entries.setdefault(peer, _Entry())

    def _candidates(self) -> list[tuple[PeerId, _Entry]]:
        possible = [pair for pair in self._entries.items() if pair[1].may_be_dialled()]
        return sorted(possible, key=lambda pair: (pair[1].rank(), pair[1].retry_at_s, pair[0]))

    def _has_room_for(self, entry: _Entry) -> bool:
        busy = [one for one in self._entries.values() if one.linked or one.dialling]
        if sum(one.dialling for one in busy) >= self._limits.dials_max:
            return False
        if not entry.is_lasting():
            return len(busy) < min(self._limits.seek_max, self._limits.neighbours_max)
        firm = sum(one.rank() <= entry.rank() for one in busy)
        return firm < self._limits.neighbours_max

    def _back_off(self, entry: _Entry, now_s: float) -> None:
        limits = self._limits
        doubled_s = limits.back_off_first_s * 2.0 ** min(entry.failures, 32)
        pause_s = min(doubled_s * (1 + self._entropy.uniform() / 2), limits.back_off_max_s)
        entry.failures += 1
        entry.retry_at_s = now_s + pause_s

    def _drop_if_hopeless(self, peer: PeerId, entry: _Entry) -> None:
        if entry.is_lasting() or entry.linked or entry.dialling or entry.refused_until_s > 0:
            return
        if not entry.addresses or entry.failures >= self._limits.failures_max:
            del self._entries[peer]

    def _trim(self, newest: PeerId) -> None:
        """Forget the passing acquaintance not seen for longest where there are too many."""
        passing = [
            (one.seen_s, name)
            for name, one in self._entries.items()
            if not (one.is_lasting() or one.linked or one.dialling or name == newest)
        ]
        if len(passing) >= self._limits.known_max:
            del self._entries[min(passing)[1]]


def _view(peer: PeerId, entry: _Entry, now_s: float) -> PeerView:
    if entry.linked:
        state = "neighbour"
    elif entry.banned:
        state = "banned"
    else:
        state = "waiting" if entry.ready_at_s() > now_s else "known"
    retry_at_s = entry.ready_at_s() if state == "waiting" else 0.0
    return PeerView(
        peer, entry.all_addresses(), entry.source(), state, retry_at_s, entry.last_error
    )
