"""Credentials as the fake node has them: one in the wallet, one question each way."""

from __future__ import annotations

from dataclasses import replace

from p2p.core.exchange.events import (
    NOBODY_YET,
    AnswerMade,
    Choice,
    CredentialAnswered,
    CredentialAsked,
    CredentialCommand,
    CredentialImported,
    CredentialList,
    CredentialRemoved,
    CredentialResult,
    CredentialsListed,
    CredentialView,
    ElementView,
    EngagementScanned,
    FramesCollected,
    NoVerdict,
    ProvenView,
    RequestList,
    RequestsListed,
    RequestState,
    RequestView,
    UsedCopy,
    VerdictView,
)
from p2p.errors import Conflict, CredentialError, InvalidInput, UnknownName
from p2p.wire.ids import AccountKey

NOW_S = 1_760_000_000
ASKER = AccountKey(bytes.fromhex("b0b0" * 16))
CREDENTIAL = CredentialView(
    id=bytes.fromhex("c1ed" * 8),
    format="dc+sd-jwt",
    kind="urn:eudi:pid:1",
    issuer="CN=Utopia PID,C=UT",
    elements=(
        ElementView("family_name", "Jones", always_shown=False),
        ElementView("age_over_18", True, always_shown=False),
    ),
    issued_s=NOW_S - 86_400,
    valid_from_s=NOW_S - 86_400,
    valid_until_s=NOW_S + 864_000,
    names_status=True,
    copies=3,
    used=(UsedCopy(ASKER, float(NOW_S)),),
    test=False,
    imported_s=float(NOW_S),
)
INCOMING = RequestView(
    id=bytes.fromhex("4a5e" * 8),
    outgoing=False,
    state=RequestState.OPEN,
    contact=ASKER,
    name="",
    purpose="hotel check-in",
    kinds=(("dc+sd-jwt", "urn:eudi:pid:1"),),
    elements=("family_name", "document_number"),
    made_s=float(NOW_S),
    expires_s=float(NOW_S + 86_400),
    face_to_face=False,
    engagement="",
    shown=(),
    rule="",
    verdict=NoVerdict(),
    choices=(
        Choice(
            credential=CREDENTIAL.id,
            kind=CREDENTIAL.kind,
            issuer=CREDENTIAL.issuer,
            has=("family_name",),
            lacks=("document_number",),
            always_shown=(),
            fresh=True,
            test=False,
        ),
    ),
)
VERDICT = VerdictView(
    state=RequestState.VERIFIED,
    rule="",
    message="",
    format="dc+sd-jwt",
    kind="urn:eudi:pid:1",
    issuer="CN=Utopia PID,C=UT",
    claims=(("age_over_18", True),),
    self_asserted=(),
    missing=(),
    proof="key-binding",
    valid_until_s=NOW_S + 864_000,
    status_state="valid",
    status_reason="it is in good standing",
    status_age_s=7_200,
    trust_anchor="CN=Utopia IACA,C=UT",
    trust_source="pem",
    trust_as_of_s=NOW_S - 7_200,
    trust_age_s=7_200,
    test=False,
    decided_s=float(NOW_S),
)
OUTGOING = replace(
    INCOMING,
    id=bytes.fromhex("a5ce" * 8),
    outgoing=True,
    purpose="",
    elements=("age_over_18",),
    choices=(),
)
DECIDED = replace(OUTGOING, state=RequestState.VERIFIED, verdict=VERDICT)
CODE = replace(OUTGOING, contact=NOBODY_YET, face_to_face=True, engagement="molva-ask:1:AAAA")
PROVEN = ProvenView(
    name="age_over_18",
    value=True,
    kind=VERDICT.kind,
    issuer=VERDICT.issuer,
    proven_s=float(NOW_S),
    valid_until_s=VERDICT.valid_until_s,
    status_state="valid",
    status_age_s=7_200,
    trust_as_of_s=VERDICT.trust_as_of_s,
    test=False,
)


def answer(command: CredentialCommand) -> CredentialResult:  # noqa: C901 - a case for each
    """Answer a command about credentials; ``bad`` data break a rule."""
    match command:
        case CredentialImported(data=data):
            if data == b"bad":
                raise CredentialError("signature", "The signature does not verify.")
            return CredentialList((CREDENTIAL,), 3)
        case CredentialsListed():
            return CredentialList((CREDENTIAL,))
        case CredentialRemoved():
            return CredentialList((CREDENTIAL,))
        case RequestsListed():
            return RequestList((INCOMING, DECIDED))
        case CredentialAsked(contact=contact):
            return CODE if contact == NOBODY_YET else OUTGOING
        case EngagementScanned(text=text):
            if not text.startswith("molva-ask:1:"):
                raise InvalidInput("This is no question for a credential.")
            return replace(INCOMING, contact=NOBODY_YET, face_to_face=True, name="Kiosk")
        case CredentialAnswered():
            return _answered(command)
        case FramesCollected(frames=frames):
            if len(frames) < 2:
                raise InvalidInput("Frame 2 of 2 not scanned yet.")
            return DECIDED


def _answered(command: CredentialAnswered) -> AnswerMade:
    if command.request != INCOMING.id:
        raise UnknownName("There is no such question.")
    if not command.credential:
        return AnswerMade(replace(INCOMING, state=RequestState.DECLINED, choices=()), ())
    if command.elements == ("document_number",):
        raise Conflict("Every copy of this credential was shown to some other verifier.")
    made = replace(INCOMING, state=RequestState.ANSWERED, shown=command.elements, choices=())
    return AnswerMade(made, ("MF1/A", "MF1/B") if command.as_frames else ())
