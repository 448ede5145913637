"""The values about credentials that cross the control API, in JSON; as :mod:`p2p.control.schema`.

Values of claims are any JSON. ``null`` stands for what is not known, 0 for a moment that is not
set. No answer ever has a key of the wallet.
"""

from __future__ import annotations

from typing import Annotated, Final, TypeAlias

from msgspec import Meta, Struct, field

from p2p.wire.limits import (
    CREDENTIAL_ELEMENTS_MAX,
    CREDENTIAL_KIND_SIZE_MAX_BYTES,
    CREDENTIAL_KINDS_MAX,
    ELEMENT_SIZE_MAX_BYTES,
    PURPOSE_SIZE_MAX_BYTES,
)

CREDENTIAL_FILE_MAX_CHARACTERS: Final = 3 * 1_048_576
"""A bundle of 200 copies of 15 kB; with its key it fits into a request's body."""
KEY_MAX_CHARACTERS: Final = 8_192
ENGAGEMENT_MAX_CHARACTERS: Final = 16_384
FRAMES_MAX: Final = 1_024
"""A camera reads a frame more than once."""
FRAME_MAX_CHARACTERS: Final = 600
CREDENTIAL_PREFIX_MIN: Final = 4
SENT_TO_NOBODY: Final = ""

ElementText: TypeAlias = Annotated[str, Meta(min_length=1, max_length=ELEMENT_SIZE_MAX_BYTES)]


# --- requests ------------------------------------------------------------------------------------
class ImportCredential(Struct, frozen=True, forbid_unknown_fields=True):
    """Take credentials into the wallet.

    Attributes:
        content: an SD-JWT VC, an IssuerSigned structure in base64url, or a JSON bundle.
        key: the holder key in PEM; empty for a bundle.
    """

    content: Annotated[str, Meta(min_length=1, max_length=CREDENTIAL_FILE_MAX_CHARACTERS)]
    key: Annotated[str, Meta(max_length=KEY_MAX_CHARACTERS)] = ""


class KindAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """A kind of credential: ``format`` is ``dc+sd-jwt`` or ``mso_mdoc``, ``name`` its type."""

    format: Annotated[str, Meta(max_length=32)]
    name: Annotated[str, Meta(min_length=1, max_length=CREDENTIAL_KIND_SIZE_MAX_BYTES)]


class AskCredential(Struct, frozen=True, forbid_unknown_fields=True):
    """Ask for a credential.

    Attributes:
        contact: whom; empty makes a code for whoever scans it.
        elements: names of what is asked for.
        purpose: in words, what the answer is for.
        kinds: what will do; none for the well-known kinds.
        use: ``age-check`` or ``contract``: how fresh the status must be.
        status_policy: ``require`` refuses an unknown status, ``report`` only tells of it.
        lifetime_s: an answer that comes later is refused; 0 for a day, or 5 minutes for a code.
    """

    elements: Annotated[list[ElementText], Meta(min_length=1, max_length=CREDENTIAL_ELEMENTS_MAX)]
    contact: Annotated[str, Meta(max_length=128)] = SENT_TO_NOBODY
    purpose: Annotated[str, Meta(max_length=PURPOSE_SIZE_MAX_BYTES)] = ""
    kinds: Annotated[list[KindAsked], Meta(max_length=CREDENTIAL_KINDS_MAX)] = field(
        default_factory=list[KindAsked]
    )
    use: str = "age-check"
    status_policy: str = "require"
    lifetime_s: Annotated[float, Meta(ge=0)] = 0.0


class ScanEngagement(Struct, frozen=True, forbid_unknown_fields=True):
    """Take in a question that was read from a QR code."""

    engagement: Annotated[str, Meta(min_length=1, max_length=ENGAGEMENT_MAX_CHARACTERS)]


class AnswerCredential(Struct, frozen=True, forbid_unknown_fields=True):
    """Answer a question, or decline it.

    Attributes:
        credential: its id or the beginning of it; empty declines.
        elements: what the person agreed to show, by the names of the question.
        reuse_copy: show a copy that another verifier has seen already.
        as_frames: give the answer as texts for QR codes instead of sending it.
    """

    credential: Annotated[str, Meta(max_length=64)] = ""
    elements: Annotated[list[ElementText], Meta(max_length=CREDENTIAL_ELEMENTS_MAX)] = field(
        default_factory=list[str]
    )
    reuse_copy: bool = False
    as_frames: bool = False


class CollectFrames(Struct, frozen=True, forbid_unknown_fields=True):
    """Judge an answer that was read from QR codes, in any order."""

    frames: Annotated[
        list[Annotated[str, Meta(max_length=FRAME_MAX_CHARACTERS)]],
        Meta(min_length=1, max_length=FRAMES_MAX),
    ]


# --- answers -------------------------------------------------------------------------------------
class CredentialElement(Struct, frozen=True, kw_only=True):
    """One element of a credential; ``words`` says what it tells about a person."""

    name: str
    words: str
    value: object
    always_shown: bool


class CredentialUse(Struct, frozen=True, kw_only=True):
    """A copy that a verifier has seen; ``verifier`` is empty where it had no name."""

    verifier: str
    verifier_name: str
    at_s: float


class Credential(Struct, frozen=True, kw_only=True):
    """A credential of the wallet. ``test`` marks one that proves nothing."""

    id: str
    format: str
    kind: str
    issuer: str
    elements: list[CredentialElement]
    issued_s: int
    valid_from_s: int
    valid_until_s: int
    names_status: bool
    copies: int
    copies_left: int
    used: list[CredentialUse]
    test: bool
    imported_s: float


class CredentialPage(Struct, frozen=True, kw_only=True):
    """The wallet in the order of import; ``new`` counts copies that an import has added."""

    credentials: list[Credential]
    new: int = 0


class VerdictStatus(Struct, frozen=True, kw_only=True):
    """What is known of revocation: ``state`` is ``valid``, ``revoked`` or ``unknown``."""

    state: str
    reason: str
    age_s: int | None


class VerdictTrust(Struct, frozen=True, kw_only=True):
    """The anchor that the issuer leads to, and how old what we know of it is."""

    anchor: str
    source: str
    as_of_s: int | None
    age_s: int | None


class Verdict(Struct, frozen=True, kw_only=True):
    """What became of an answer; no claims unless ``verdict`` is ``verified``."""

    verdict: str
    rule: str
    message: str
    format: str
    kind: str
    issuer: str
    claims: dict[str, object]
    self_asserted: dict[str, object]
    missing: list[str]
    holder_bound: bool
    proof: str
    valid_until_s: int
    status: VerdictStatus
    trust: VerdictTrust
    test: bool
    decided_s: float


class AskedElement(Struct, frozen=True, kw_only=True):
    """One element of a question, by name and in words."""

    name: str
    words: str


class AskedKind(Struct, frozen=True, kw_only=True):
    """A kind of credential that will do."""

    format: str
    name: str


class CredentialChoice(Struct, frozen=True, kw_only=True):
    """A credential that could answer, with what it has of what is asked and what it lacks."""

    credential: str
    kind: str
    issuer: str
    has: list[str]
    lacks: list[str]
    always_shown: list[str]
    fresh: bool
    test: bool


class CredentialRequest(Struct, frozen=True, kw_only=True):
    """A question for a credential; ``direction`` is ``in`` (asked of us) or ``out``."""

    id: str
    direction: str
    state: str
    contact: str
    contact_name: str
    calls_itself: str
    purpose: str
    elements: list[AskedElement]
    kinds: list[AskedKind]
    made_s: float
    expires_s: float
    face_to_face: bool
    engagement: str
    shown: list[str]
    rule: str
    verdict: Verdict | None
    choices: list[CredentialChoice]


class CredentialRequestPage(Struct, frozen=True, kw_only=True):
    """Questions, the oldest first."""

    requests: list[CredentialRequest]


class CredentialAnswerMade(Struct, frozen=True, kw_only=True):
    """Our answer: on its way, or the texts of its QR codes."""

    request: CredentialRequest
    frames: list[str]


class ProvenClaim(Struct, frozen=True, kw_only=True):
    """What a contact has proven to this node, and how fresh the status was then."""

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
