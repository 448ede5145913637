"""What may happen to a node: values, in the past tense.

Commands of the person at the node carry a :class:`~p2p.wire.ids.CommandId`; each is answered by
exactly one :class:`~p2p.core.effects.Answer` in the same batch of effects.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from msgspec import Struct

from p2p.core.exchange.events import CredentialCommand
from p2p.core.trust.events import TrustCommand
from p2p.wire.ids import AccountKey, CommandId, MessageId, PeerId


@dataclass(frozen=True, slots=True)
class Started:
    """The shell runs and will deliver events; ``addresses`` are the node's own multiaddresses."""

    addresses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AddressesChanged:
    """The node can now be reached at other multiaddresses, each ending in its peer id."""

    addresses: tuple[str, ...]


class LinkOpened(Struct, frozen=True):
    """A neighbour is there; the shell keeps at most one link per peer.

    Attributes:
        latency_s: how long an answer may take on this kind of link (30 for a stream).
    """

    peer: PeerId
    latency_s: float


class LinkClosed(Struct, frozen=True):
    """The link is gone; frames in flight may or may not have arrived."""

    peer: PeerId


class FrameReceived(Struct, frozen=True):
    """One whole frame from a neighbour, not decoded, at most FRAME_SIZE_MAX_BYTES long."""

    peer: PeerId
    data: bytes


class Woken(Struct, frozen=True):
    """The time that ``next_wakeup`` named has come."""


class SendRequested(Struct, frozen=True):
    """Write to a contact.

    ``idempotency_key`` is the client's own name for the message, empty for none: repeated, even
    after a crash, it gives the message that is there and sends nothing again.
    """

    command: CommandId
    contact: AccountKey
    text: str
    lifetime_s: float
    idempotency_key: str = ""


@dataclass(frozen=True, slots=True)
class MessagesRead:
    """The person has seen these incoming messages."""

    command: CommandId
    messages: tuple[MessageId, ...]


@dataclass(frozen=True, slots=True)
class InviteRequested:
    """Make a one-time invite."""

    command: CommandId


@dataclass(frozen=True, slots=True)
class ContactAddRequested:
    """Make a contact out of an invite link."""

    command: CommandId
    link: str
    name: str


@dataclass(frozen=True, slots=True)
class ContactVerified:
    """The person compared safety numbers and found them equal (or takes that back)."""

    command: CommandId
    contact: AccountKey
    verified: bool


@dataclass(frozen=True, slots=True)
class ContactBlocked:
    """Mail of this contact is dropped unread, and none is sent to it (or it may write again)."""

    command: CommandId
    contact: AccountKey
    blocked: bool


@dataclass(frozen=True, slots=True)
class ContactRenamed:
    """The person calls this contact by another name."""

    command: CommandId
    contact: AccountKey
    name: str


@dataclass(frozen=True, slots=True)
class ContactRemoved:
    """Forget a contact with its sessions and messages."""

    command: CommandId
    contact: AccountKey


Command: TypeAlias = (
    SendRequested
    | MessagesRead
    | InviteRequested
    | ContactAddRequested
    | ContactVerified
    | ContactBlocked
    | ContactRenamed
    | ContactRemoved
    | TrustCommand
    | CredentialCommand
)
Event: TypeAlias = (
    Started | AddressesChanged | LinkOpened | LinkClosed | FrameReceived | Woken | Command
)
