"""What the control service asks of a running node; implemented by the shell, faked in tests."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from p2p.core.effects import ContactView, Notice, Result
from p2p.core.events import Command
from p2p.core.trust.events import TrustView
from p2p.errors import EnvironmentFault
from p2p.ports.store import MessageStore
from p2p.wire.ids import AccountKey, PeerId


@dataclass(frozen=True, slots=True)
class NumberedNotice:
    """A notice with its place in this process's stream, from 1, and the moment (Unix seconds)."""

    sequence: int
    at_s: float
    notice: Notice


@dataclass(frozen=True, slots=True)
class NeighbourView:
    """An open link."""

    peer: PeerId
    address: str
    outbound: bool
    since_s: float


@dataclass(frozen=True, slots=True)
class PeerView:
    """A peer that this node knows how to dial or refuses to: ``source`` is ``manual``,
    ``bootstrap``, ``mdns``, ``dht``, ``contact`` or ``inbound`` (it dialled us); ``state``:
    ``neighbour``, ``known``, ``waiting`` (backing off until ``retry_at_s``) or ``banned``.
    """

    peer: PeerId
    addresses: tuple[str, ...]
    source: str
    state: str
    retry_at_s: float
    last_error: str


@dataclass(frozen=True, slots=True)
class CustodyView:
    """What is carried for others."""

    count: int
    size_bytes: int
    strangers_max_bytes: int
    proofs: int


@dataclass(frozen=True, slots=True)
class NodeStatus:
    """A running node at a glance."""

    version: str
    name: str
    account_key: AccountKey
    peer_id: PeerId
    addresses: tuple[str, ...]
    started_s: float
    router: str
    neighbours: tuple[NeighbourView, ...]
    custody: CustodyView
    counters: tuple[tuple[str, int], ...]
    discovery: tuple[tuple[str, str], ...]
    """(``mdns`` or ``dht``, ``on``, ``off`` or why it does not work)"""


@dataclass(frozen=True, slots=True)
class Check:
    """One finding of the doctor: ``outcome`` is ``ok``, ``warning`` or ``failed``."""

    name: str
    outcome: str
    detail: str


class NoticeStream(Protocol):
    """What one subscriber has not read yet, and then what comes; ends where it is too far behind
    and where the node ends."""

    def __aiter__(self) -> AsyncIterator[NumberedNotice]:
        """Give one after the other."""
        ...

    async def __anext__(self) -> NumberedNotice:
        """Wait for the next one."""
        ...

    def take(self, most: int) -> list[NumberedNotice]:
        """Give what is there already, at most ``most``; never waits."""
        ...


class NodeApi(Protocol):
    """A running node, as seen by its local API."""

    @property
    def messages(self) -> MessageStore:
        """The mail, for reading only."""
        ...

    def contacts(self) -> Sequence[ContactView]:
        """Give all contacts in the order of their adding; the same value until one changes."""
        ...

    async def command(self, event: Command) -> Result:
        """Have the node handle a command; returns once its outcome is durable.

        Raises:
            LocalError, CredentialError: the node refused it.
            StoreFull, StoreDamaged: it could not be kept; nothing of it happened.
        """
        ...

    async def commands(self, events: Sequence[Command]) -> list[Result | EnvironmentFault]:
        """Have the node handle several commands in this order, in as few transactions as it can.

        Returns once all outcomes are durable: one for each command, refusals and faults among
        them as values, so that one refused message does not hold up the others.
        """
        ...

    @property
    def last_sequence(self) -> int:
        """The number of the newest notice of this process; 0 before the first."""
        ...

    def subscribe(self, after: int) -> AbstractAsyncContextManager[NoticeStream]:
        """Stream notices with a sequence above ``after`` (as far as they are remembered), and then
        new ones. A subscriber that falls too far behind is ended, and resumes with ``after``.
        """
        ...

    def status(self) -> NodeStatus:
        """Give the node at a glance."""
        ...

    def trust(self) -> TrustView:
        """Give what this node trusts, and how old it is."""
        ...

    def peers(self) -> list[PeerView]:
        """Give the peers known, neighbours first."""
        ...

    async def add_peer(self, address: str) -> PeerView:
        """Dial an address now and keep it: it is dialled again whenever it is lost.

        Raises:
            InvalidInput: no multiaddress with a peer id.
        """
        ...

    async def remove_peer(self, peer: PeerId) -> None:
        """Stop dialling a peer, and lift a ban.

        Raises:
            UnknownName: no such peer.
        """
        ...

    async def ban_peer(self, peer: PeerId) -> None:
        """Close its link and refuse all further ones until it is removed."""
        ...

    async def doctor(self) -> list[Check]:
        """Find out what works here: addresses, mDNS, DHT, clock, disk."""
        ...

    def stop(self) -> None:
        """End the node cleanly, soon."""
        ...
