"""What the person asks about credentials, and how they are shown: values.

Questions (``...Listed``) are commands too: a wallet is read in the same transaction as all else.
Moments are Unix seconds; 0 stands for "not set". Values of claims are ready for JSON: dates are
texts, bytes are base64url, a number beyond 64 bits is its digits; images are never looked into.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from p2p.core.trust.trust import Use
from p2p.credentials.policy import StatusPolicy
from p2p.wire.ids import AccountKey, CommandId

NOBODY_YET = AccountKey(b"")
"""In place of an account: a question face to face, which has no contact."""


class RequestState(StrEnum):
    """Where a question stands."""

    OPEN = "open"
    """No answer was given, or none has come."""
    ANSWERED = "answered"
    """Ours to answer: a presentation is on its way; the verifier has not said what it makes of
    it.
    """
    DECLINED = "declined"
    """The holder presents nothing."""
    EXPIRED = "expired"
    """Its time is over."""
    VERIFIED = "verified"
    """Every rule holds: the verdict has the claims."""
    REFUSED = "refused"
    """A rule does not hold: the verdict names it, and has no claims."""


# --- commands ------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class CredentialImported:
    """Take credentials into the wallet: one with its holder key, or a bundle that has both.

    Attributes:
        data: SD-JWT VC text, IssuerSigned in CBOR or base64url, or a JSON bundle.
        key: the holder key in PEM; empty for a bundle.
    """

    command: CommandId
    data: bytes
    key: bytes


@dataclass(frozen=True, slots=True)
class CredentialsListed:
    """Give all credentials of the wallet."""

    command: CommandId


@dataclass(frozen=True, slots=True)
class CredentialRemoved:
    """Forget a credential with all its copies and keys."""

    command: CommandId
    credential: bytes


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of a holder.

    Attributes:
        purpose: in words, what the answer is for.
        kinds: (format, type) that will do; empty for the well-known kinds.
        elements: names of what is asked for.
        use, status: how fresh the status must be, and whether an unknown one refuses.
        lifetime_s: an answer that comes later is refused.
    """

    purpose: str
    kinds: tuple[tuple[str, str], ...]
    elements: tuple[str, ...]
    use: Use
    status: StatusPolicy
    lifetime_s: float


@dataclass(frozen=True, slots=True)
class CredentialAsked:
    """Ask a contact; :data:`NOBODY_YET` asks whoever scans the engagement that comes back."""

    command: CommandId
    contact: AccountKey
    question: Question


@dataclass(frozen=True, slots=True)
class EngagementScanned:
    """Take in a question that was read from a QR code."""

    command: CommandId
    text: str


@dataclass(frozen=True, slots=True)
class RequestsListed:
    """Give all questions, asked of us and by us, the newest last."""

    command: CommandId


@dataclass(frozen=True, slots=True)
class CredentialAnswered:
    """Answer a question that was asked of us.

    Attributes:
        credential: which one; empty to decline.
        elements: what the person agreed to show, by the names of the question.
        reuse: 1 to show a copy that another verifier has seen already.
        as_frames: 1 to have the answer as texts for QR codes instead of sending it.
    """

    command: CommandId
    request: bytes
    credential: bytes
    elements: tuple[str, ...]
    reuse: int
    as_frames: int


@dataclass(frozen=True, slots=True)
class FramesCollected:
    """Judge an answer that was read from QR codes, in any order."""

    command: CommandId
    frames: tuple[str, ...]


CredentialCommand: TypeAlias = (
    CredentialImported
    | CredentialsListed
    | CredentialRemoved
    | CredentialAsked
    | EngagementScanned
    | RequestsListed
    | CredentialAnswered
    | FramesCollected
)


# --- results -------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class ElementView:
    """One element of a credential in the wallet; one that is ``always_shown`` cannot be hidden."""

    name: str
    value: object
    always_shown: bool


@dataclass(frozen=True, slots=True)
class UsedCopy:
    """A copy that somebody was shown: ``verifier`` is empty where nobody was named."""

    verifier: AccountKey
    at_s: float


@dataclass(frozen=True, slots=True)
class CredentialView:
    """A credential of the wallet; never its keys.

    ``test`` marks one of a test issuer, which proves nothing.
    """

    id: bytes
    format: str
    kind: str
    issuer: str
    elements: tuple[ElementView, ...]
    issued_s: int
    valid_from_s: int
    valid_until_s: int
    names_status: bool
    copies: int
    used: tuple[UsedCopy, ...]
    test: bool
    imported_s: float

    @property
    def copies_left(self) -> int:
        """How many copies no verifier has seen."""
        return self.copies - len(self.used)


@dataclass(frozen=True, slots=True)
class CredentialList:
    """The wallet, in the order of import; ``new`` counts copies that an import has added."""

    credentials: tuple[CredentialView, ...]
    new: int = 0


@dataclass(frozen=True, slots=True)
class VerdictView:
    """What became of an answer. Without claims unless every rule holds.

    Attributes:
        rule, message: of a refusal; empty otherwise.
        claims: what was asked for and verified, by the names of the question.
        self_asserted: what the holder's device says by itself.
        missing: what was asked for and not shown.
        status_age_s, trust_as_of_s, trust_age_s: None where not known.
        test: the issuer is a test issuer: nothing is proven.
    """

    state: RequestState
    rule: str
    message: str
    format: str
    kind: str
    issuer: str
    claims: tuple[tuple[str, object], ...]
    self_asserted: tuple[tuple[str, object], ...]
    missing: tuple[str, ...]
    proof: str
    valid_until_s: int
    status_state: str
    status_reason: str
    status_age_s: int | None
    trust_anchor: str
    trust_source: str
    trust_as_of_s: int | None
    trust_age_s: int | None
    test: bool
    decided_s: float


@dataclass(frozen=True, slots=True)
class NoVerdict:
    """The question is not decided."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A credential that could answer: which of the asked elements it has, and which it lacks.

    ``always_shown`` are elements that whoever is shown this credential reads besides: those that
    its issuer did not hide, and those that are hidden together with one that is asked for.
    ``fresh`` is false where every copy was shown to some other verifier.
    """

    credential: bytes
    kind: str
    issuer: str
    has: tuple[str, ...]
    lacks: tuple[str, ...]
    always_shown: tuple[str, ...]
    fresh: bool
    test: bool


@dataclass(frozen=True, slots=True)
class RequestView:
    """A question, asked of us (``outgoing`` false) or by us.

    ``contact`` is empty face to face; ``name`` is then what the verifier calls itself, which
    proves nothing. ``shown`` is what we answered with. ``engagement`` is the QR code's text.
    """

    id: bytes
    outgoing: bool
    state: RequestState
    contact: AccountKey
    name: str
    purpose: str
    kinds: tuple[tuple[str, str], ...]
    elements: tuple[str, ...]
    made_s: float
    expires_s: float
    face_to_face: bool
    engagement: str
    shown: tuple[str, ...]
    rule: str
    verdict: VerdictView | NoVerdict
    choices: tuple[Choice, ...]


@dataclass(frozen=True, slots=True)
class RequestList:
    """Questions, the oldest first."""

    requests: tuple[RequestView, ...]


@dataclass(frozen=True, slots=True)
class AnswerMade:
    """Our answer: on its way, or the texts of its QR codes."""

    request: RequestView
    frames: tuple[str, ...]


CredentialResult: TypeAlias = CredentialList | RequestView | RequestList | AnswerMade


# --- notices and what contacts have proven -------------------------------------------------------
@dataclass(frozen=True, slots=True)
class RequestArrived:
    """A contact asks us to prove something."""

    request: RequestView


@dataclass(frozen=True, slots=True)
class AnswerGiven:
    """We answered or declined, or the verifier said what it made of our answer."""

    request: RequestView


@dataclass(frozen=True, slots=True)
class VerdictReached:
    """A question of ours is decided: verified, refused, declined or expired."""

    request: RequestView


CredentialNotice: TypeAlias = RequestArrived | AnswerGiven | VerdictReached


@dataclass(frozen=True, slots=True)
class ProvenView:
    """What a contact has proven to this node, with how fresh the status was then."""

    name: str
    value: object
    kind: str
    issuer: str
    proven_s: float
    valid_until_s: int
    status_state: str
    status_age_s: int | None
    trust_as_of_s: int | None
    test: bool
