"""The values that cross the control API, as both sides read and write them in JSON.

Imports nothing but msgspec and the protocol's constants, so that a command line may start fast.
Moments are Unix seconds with a fraction, spans are seconds, keys and ids are lower-case
hexadecimal digits. Requests refuse members that they do not know; answers may grow new ones.
docs/reference/control-api.md explains each.
"""

from __future__ import annotations

from typing import Annotated, Final, TypeAlias

from msgspec import Meta, Struct, field

from p2p import __version__
from p2p.control.credential_schema import CredentialRequest, ProvenClaim
from p2p.wire.limits import (
    ADDRESS_SIZE_MAX_BYTES,
    INVITE_SIZE_MAX_BYTES,
    LIFETIME_DEFAULT_S,
    NAME_SIZE_MAX_BYTES,
)

PRODUCT_VERSION: Final = __version__
API_VERSION: Final = 1
REQUEST_SIZE_MAX_BYTES: Final = 4 * 1_048_576
"""A batch of 256 ordinary messages, with room; a larger one is sent as two."""
UPLOADS: Final = ("/v1/trust/lists", "/v1/trust/status-lists")
"""Addresses that take a whole file, in base64."""
UPLOAD_REQUEST_MAX_BYTES: Final = 6 * 1_048_576
"""What a request to one of them holds: a file of 4 MiB."""
BATCH_MAX: Final = 256
PAGE_MAX: Final = 256
"""A page of the longest messages is then still under 16 MB."""
PAGE_DEFAULT: Final = 100
READ_MAX: Final = 1_000
MESSAGE_PREFIX_MIN: Final = 4
KEY_PREFIX_MIN: Final = 8
HEARTBEAT_S: Final = 15.0
"""A comment goes down a silent event stream this often, so that a dead one is noticed."""
COMMAND_ID_MAX: Final = 64

CommandIdText: TypeAlias = Annotated[str, Meta(max_length=COMMAND_ID_MAX)]
NameText: TypeAlias = Annotated[str, Meta(min_length=1, max_length=NAME_SIZE_MAX_BYTES)]
ReferenceText: TypeAlias = Annotated[str, Meta(min_length=1, max_length=128)]


# --- requests ------------------------------------------------------------------------------------
class Send(Struct, frozen=True, forbid_unknown_fields=True):
    """Write to a contact: ``POST /v1/messages``, and each item of a batch.

    Attributes:
        contact: name, account key, or at least 8 first digits of the key.
        text: at most 60,000 bytes in UTF-8, which the node counts: a bound here counts characters.
        command_id: the client's own name for this command; repeated, it sends nothing again.
        lifetime_s: how long carriers may keep it, at most 30 days.
    """

    contact: ReferenceText
    text: Annotated[str, Meta(min_length=1)]
    command_id: CommandIdText = ""
    lifetime_s: Annotated[float, Meta(gt=0)] = float(LIFETIME_DEFAULT_S)


class SendBatch(Struct, frozen=True, forbid_unknown_fields=True):
    """Write several messages in one request, kept in this order."""

    messages: Annotated[list[Send], Meta(min_length=1, max_length=BATCH_MAX)]


class MarkRead(Struct, frozen=True, forbid_unknown_fields=True):
    """Say that the person has seen these incoming messages; whole ids."""

    ids: Annotated[list[str], Meta(min_length=1, max_length=READ_MAX)]


class AddContact(Struct, frozen=True, forbid_unknown_fields=True):
    """Make a contact of an invite link."""

    link: Annotated[str, Meta(min_length=1, max_length=2 * INVITE_SIZE_MAX_BYTES)]
    name: NameText
    command_id: CommandIdText = ""


class RenameContact(Struct, frozen=True, forbid_unknown_fields=True):
    """Call a contact by another name."""

    name: NameText


class VerifyContact(Struct, frozen=True, forbid_unknown_fields=True):
    """Say that the safety numbers were compared and are equal, or take that back."""

    verified: bool = True


class MakeInvite(Struct, frozen=True, forbid_unknown_fields=True):
    """Ask for a one-time invite."""

    command_id: CommandIdText = ""


class AddPeer(Struct, frozen=True, forbid_unknown_fields=True):
    """Dial a multiaddress that ends in ``/p2p/<peer id>``, now and whenever it is lost."""

    address: Annotated[str, Meta(min_length=1, max_length=ADDRESS_SIZE_MAX_BYTES)]


class Nothing(Struct, frozen=True, forbid_unknown_fields=True):
    """A request without members, and the answer that has nothing to say: ``{}``."""


# --- answers -------------------------------------------------------------------------------------
class Problem(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Why a request was refused (RFC 9457): ``type`` is ``molva:<code>``, ``detail`` a sentence.

    ``rule`` names the rule that something signed breaks, where the code is ``credential-refused``.
    """

    type: str
    title: str
    status: int
    detail: str
    instance: str = ""
    rule: str = ""

    @property
    def code(self) -> str:
        """Give the kebab-case code behind ``type``."""
        return self.type.removeprefix("molva:")


class Message(Struct, frozen=True, kw_only=True):
    """One message; ``direction`` is ``in`` or ``out``, ``state`` as in message-states.md.

    ``order`` grows with each message of this node: page with it. ``carriers`` counts the
    neighbours that said that they hold it.
    """

    id: str
    order: int
    direction: str
    contact: str
    contact_name: str
    state: str
    text: str
    created_s: float
    sent_s: float
    expires_s: float
    carriers: int


class MessagePage(Struct, frozen=True, kw_only=True):
    """Messages in this node's order; ``next_after`` continues, null after the last page."""

    messages: list[Message]
    next_after: int | None = None


class BatchItem(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The outcome of one item of a batch: one of the two is there."""

    message: Message | None = None
    problem: Problem | None = None


class BatchAnswer(Struct, frozen=True, kw_only=True):
    """The outcomes of a batch, in the order of its messages."""

    results: list[BatchItem]


class HistoryEntry(Struct, frozen=True, kw_only=True):
    """One thing that happened to a message."""

    at_s: float
    kind: str
    detail: str


class MessageHistory(Struct, frozen=True, kw_only=True):
    """A message with all that happened to it, oldest first."""

    message: Message
    history: list[HistoryEntry]


class Contact(Struct, frozen=True, kw_only=True):
    """A person: ``state`` is ``waiting`` (for the bundle), ``asked`` or ``active``.

    ``suggested_name`` is what the other side calls itself: never an identity.
    ``last_heard_s`` is 0 before the first sign of life. ``proven`` is what the person has proven to
    us with credentials, the latest last.
    """

    account_key: str
    name: str
    suggested_name: str
    state: str
    verified: bool
    blocked: bool
    safety_number: str
    added_s: float
    last_heard_s: float
    addresses: list[str]
    proven: list[ProvenClaim] = field(default_factory=list[ProvenClaim])


class ContactList(Struct, frozen=True, kw_only=True):
    """All contacts, in the order of their adding."""

    contacts: list[Contact]


class Invite(Struct, frozen=True, kw_only=True):
    """A one-time invite: ``short_link`` is for a QR code; whoever uses either first, has it."""

    link: str
    short_link: str
    expires_s: float


class Peer(Struct, frozen=True, kw_only=True):
    """A peer known: ``state`` is ``neighbour``, ``known``, ``waiting`` or ``banned``.

    ``source`` is ``manual``, ``bootstrap``, ``mdns``, ``dht``, ``contact`` or ``inbound`` (it
    dialled us); ``retry_at_s`` is 0 where nothing is waited for.
    """

    peer_id: str
    addresses: list[str]
    source: str
    state: str
    retry_at_s: float
    last_error: str


class PeerList(Struct, frozen=True, kw_only=True):
    """The peers known, neighbours first."""

    peers: list[Peer]


class Custody(Struct, frozen=True, kw_only=True):
    """What this node carries for others, and how much it would."""

    count: int
    size_bytes: int
    strangers_max_bytes: int
    proofs: int


class Neighbour(Struct, frozen=True, kw_only=True):
    """An open link."""

    peer_id: str
    address: str
    outbound: bool
    since_s: float


class Status(Struct, frozen=True, kw_only=True):
    """The running node at a glance; ``discovery`` says on, off or why it does not work."""

    version: str
    pid: int
    name: str
    account_key: str
    peer_id: str
    addresses: list[str]
    started_s: float
    router: str
    neighbours: list[Neighbour]
    custody: Custody
    counters: dict[str, int]
    discovery: dict[str, str]


class Check(Struct, frozen=True, kw_only=True):
    """One finding of the doctor: ``outcome`` is ``ok``, ``warning`` or ``failed``."""

    name: str
    outcome: str
    detail: str


class Diagnosis(Struct, frozen=True, kw_only=True):
    """All that the doctor found."""

    checks: list[Check]


# --- events --------------------------------------------------------------------------------------
class Event(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One server-sent event. ``event`` names it, ``id`` resumes after it; which of the other
    members are there depends on the name, as control-api.md tells.
    """

    event: str
    id: str
    at_s: float
    message: Message | None = None
    message_id: str = ""
    state: str = ""
    carriers: int | None = None
    contact: Contact | None = None
    contact_key: str = ""
    why: str = ""
    peer_id: str = ""
    present: bool | None = None
    envelope_id: str = ""
    size_bytes: int | None = None
    offset_s: float | None = None
    kind: str = ""
    ref: str = ""
    name: str = ""
    missed: int | None = None
    credential_request: CredentialRequest | None = None


EVENT_NAMES: Final = (
    "stream.opened",
    "stream.missed",
    "message.received",
    "message.changed",
    "contact.changed",
    "neighbour.changed",
    "custody.taken",
    "custody.dropped",
    "invite.reused",
    "clock.disagrees",
    "record.arrived",
    "record.dropped",
    "trust.changed",
    "credential.requested",
    "credential.answered",
    "credential.verdict",
)
"""Every name that an event may have; the first two are about the stream itself."""


class InitAnswer(Struct, frozen=True, kw_only=True):
    """What making a profile prints: the account's words are shown here and nowhere else."""

    account_key: str
    peer_id: str
    device_key: str
    words: list[str] = field(default_factory=list[str])
