"""The node's own values about credentials as the API's: pure functions, one for each kind."""

from __future__ import annotations

from collections.abc import Callable

from p2p.control import credential_schema as schema
from p2p.core.exchange.events import (
    AnswerMade,
    CredentialList,
    CredentialView,
    NoVerdict,
    ProvenView,
    RequestState,
    RequestView,
    VerdictView,
)
from p2p.credentials.element_names import in_words
from p2p.wire.ids import AccountKey

NameOf = Callable[[AccountKey], str]


def credential(view: CredentialView, name_of: NameOf) -> schema.Credential:
    """Give a credential of the wallet, without its keys."""
    return schema.Credential(
        id=view.id.hex(),
        format=view.format,
        kind=view.kind,
        issuer=view.issuer,
        elements=[
            schema.CredentialElement(
                name=element.name,
                words=in_words(element.name),
                value=element.value,
                always_shown=element.always_shown,
            )
            for element in view.elements
        ],
        issued_s=view.issued_s,
        valid_from_s=view.valid_from_s,
        valid_until_s=view.valid_until_s,
        names_status=view.names_status,
        copies=view.copies,
        copies_left=view.copies_left,
        used=[
            schema.CredentialUse(
                verifier=use.verifier.hex(), verifier_name=name_of(use.verifier), at_s=use.at_s
            )
            for use in view.used
        ],
        test=view.test,
        imported_s=view.imported_s,
    )


def credentials(found: CredentialList, name_of: NameOf) -> schema.CredentialPage:
    """Give the wallet, or what an import has added to it."""
    return schema.CredentialPage(
        credentials=[credential(view, name_of) for view in found.credentials], new=found.new
    )


def request(view: RequestView, name_of: NameOf) -> schema.CredentialRequest:
    """Give a question as it stands."""
    return schema.CredentialRequest(
        id=view.id.hex(),
        direction="out" if view.outgoing else "in",
        state=view.state.value,
        contact=view.contact.hex(),
        contact_name=name_of(view.contact) if view.contact else "",
        calls_itself=view.name,
        purpose=view.purpose,
        elements=[schema.AskedElement(name=name, words=in_words(name)) for name in view.elements],
        kinds=[schema.AskedKind(format=format_, name=name) for format_, name in view.kinds],
        made_s=view.made_s,
        expires_s=view.expires_s,
        face_to_face=view.face_to_face,
        engagement=view.engagement,
        shown=list(view.shown),
        rule=view.rule,
        verdict=None if isinstance(view.verdict, NoVerdict) else verdict(view.verdict),
        choices=[
            schema.CredentialChoice(
                credential=choice.credential.hex(),
                kind=choice.kind,
                issuer=choice.issuer,
                has=list(choice.has),
                lacks=list(choice.lacks),
                always_shown=list(choice.always_shown),
                fresh=choice.fresh,
                test=choice.test,
            )
            for choice in view.choices
        ],
    )


def verdict(view: VerdictView) -> schema.Verdict:
    """Give a verdict."""
    return schema.Verdict(
        verdict=view.state.value,
        rule=view.rule,
        message=view.message,
        format=view.format,
        kind=view.kind,
        issuer=view.issuer,
        claims=dict(view.claims),
        self_asserted=dict(view.self_asserted),
        missing=list(view.missing),
        holder_bound=view.state is RequestState.VERIFIED,
        proof=view.proof,
        valid_until_s=view.valid_until_s,
        status=schema.VerdictStatus(
            state=view.status_state, reason=view.status_reason, age_s=view.status_age_s
        ),
        trust=schema.VerdictTrust(
            anchor=view.trust_anchor,
            source=view.trust_source,
            as_of_s=view.trust_as_of_s,
            age_s=view.trust_age_s,
        ),
        test=view.test,
        decided_s=view.decided_s,
    )


def answer(made: AnswerMade, name_of: NameOf) -> schema.CredentialAnswerMade:
    """Give our answer."""
    return schema.CredentialAnswerMade(
        request=request(made.request, name_of), frames=list(made.frames)
    )


def proven(view: ProvenView) -> schema.ProvenClaim:
    """Give a claim that a contact has proven."""
    return schema.ProvenClaim(
        name=view.name,
        value=view.value,
        kind=view.kind,
        issuer=view.issuer,
        proven_s=view.proven_s,
        valid_until_s=view.valid_until_s,
        status_state=view.status_state,
        status_age_s=view.status_age_s,
        trust_as_of_s=view.trust_as_of_s,
        test=view.test,
    )
