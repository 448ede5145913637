"""What a node asks of its shell: values, in the imperative, performed only after the commit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from msgspec import Struct

from p2p.core.exchange.events import CredentialNotice, CredentialResult, ProvenView
from p2p.core.trust.events import TrustChanged, TrustResult
from p2p.errors import CredentialError, LocalError
from p2p.ports.store import MessageRow, MessageState, RecordRow
from p2p.wire.ids import AccountKey, CommandId, EnvelopeId, MessageId, PeerId


class SendFrame(Struct, frozen=True):
    """Write one frame to a neighbour; dropped where the link is gone."""

    peer: PeerId
    data: bytes


@dataclass(frozen=True, slots=True)
class Disconnect:
    """Close the link, and open none to or from this peer for ``retry_after_s`` seconds."""

    peer: PeerId
    reason: str
    retry_after_s: float


@dataclass(frozen=True, slots=True)
class LearnAddresses:
    """A contact's node listens there: worth a dial when it is no neighbour."""

    peer: PeerId
    addresses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ContactView:
    """A contact as people see it; ``state`` is ``waiting`` (for the invite's bundle), ``asked``
    (our first message is under way) or ``active`` (the other side has answered).
    """

    account_key: AccountKey
    name: str
    suggested_name: str
    state: str
    verified: bool
    blocked: bool
    safety_number: str
    added_s: float
    last_heard_s: float
    addresses: tuple[str, ...]
    proven: tuple[ProvenView, ...] = ()
    """What this contact has proven to us with credentials, the latest last."""


@dataclass(frozen=True, slots=True)
class InviteMade:
    """A new invite: ``link`` carries all, ``short_link`` (for a QR code) names the bundle."""

    link: str
    short_link: str
    expires_s: float


@dataclass(frozen=True, slots=True)
class Done:
    """The command took effect and has nothing to say."""


Result: TypeAlias = (
    MessageRow
    | ContactView
    | InviteMade
    | Done
    | TrustResult
    | CredentialResult
    | LocalError
    | CredentialError
)


class Answer(Struct, frozen=True):
    """The outcome of one command; a :class:`~p2p.errors.LocalError` says why it was refused, a
    :class:`~p2p.errors.CredentialError` which rule something signed breaks.
    """

    command: CommandId
    result: Result


class MessageReceived(Struct, frozen=True):
    """Mail for the person, durable now. Emitted once per message."""

    message: MessageRow


class MessageChanged(Struct, frozen=True):
    """An outgoing message has a new state, or one more carrier."""

    id: MessageId
    contact: AccountKey
    state: MessageState
    carriers: int


@dataclass(frozen=True, slots=True)
class ContactChanged:
    """A contact appeared or changed; ``why`` is kebab-case: ``added``, ``answered``,
    ``session-reset``, ``introduced``, ``verified``, ``blocked``, ``renamed``, ``removed``.
    """

    contact: ContactView
    why: str


@dataclass(frozen=True, slots=True)
class InviteReused:
    """A second person tried to use a one-time invite of ours and was refused."""


class NeighbourChanged(Struct, frozen=True):
    """A neighbour said Hello (``present``) or is gone."""

    peer: PeerId
    present: bool


class CustodyTaken(Struct, frozen=True):
    """An envelope for somebody else is kept here now."""

    id: EnvelopeId
    size_bytes: int


class CustodyDropped(Struct, frozen=True):
    """An envelope kept for somebody else is gone; ``why``: ``proven``, ``expired``, ``evicted``."""

    id: EnvelopeId
    why: str


@dataclass(frozen=True, slots=True)
class ClockDisagrees:
    """A neighbour's clock is ``offset_s`` seconds ahead of ours (negative: behind), over a day."""

    peer: PeerId
    offset_s: float


@dataclass(frozen=True, slots=True)
class RecordArrived:
    """A neighbour's record is kept here now, durably; an older version of it is gone."""

    record: RecordRow


@dataclass(frozen=True, slots=True)
class RecordDropped:
    """A neighbour's record is gone; ``why``: ``expired``, ``evicted``, ``refused``."""

    record: RecordRow
    why: str


Notice: TypeAlias = (
    MessageReceived
    | MessageChanged
    | ContactChanged
    | InviteReused
    | NeighbourChanged
    | CustodyTaken
    | CustodyDropped
    | ClockDisagrees
    | RecordArrived
    | RecordDropped
    | TrustChanged
    | CredentialNotice
)


class Notify(Struct, frozen=True):
    """Tell whoever listens at this node (server-sent events, a simulator's recorder)."""

    notice: Notice


class Noted(Struct, frozen=True):
    """Something for the log and the counters; never content, never keys.

    ``fields`` are (name, value) pairs in the order of writing.
    """

    kind: str
    fields: tuple[tuple[str, str | int | float], ...] = ()


Effect: TypeAlias = SendFrame | Disconnect | LearnAddresses | Answer | Notify | Noted
