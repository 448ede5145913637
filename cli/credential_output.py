"""How credentials, questions and verdicts are shown to people."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from cli.output import moment, safe_line

if TYPE_CHECKING:
    from cli.output import Screen
    from p2p.control.credential_schema import Credential, CredentialRequest, ProvenClaim, Verdict

SHORT_ID_DIGITS: Final = 8
_VALUE_MAX_CHARACTERS: Final = 60
TEST_WARNING: Final = "TEST CREDENTIAL: it proves nothing"


def short(id_: str) -> str:
    """Give the part of an id that people type."""
    return id_[:SHORT_ID_DIGITS]


def value_text(value: object) -> str:
    """Give a claim's value on one line."""
    match value:
        case True:
            return "yes"
        case False:
            return "no"
        case str():
            text = value
        case _:
            text = json.dumps(value, ensure_ascii=False)
    if len(text) > _VALUE_MAX_CHARACTERS:
        return f"{text[: _VALUE_MAX_CHARACTERS - 1]}… ({len(text):,} characters)"
    return text


def age_text(age_s: int | None) -> str:
    """Give a span as people say it: how old something is."""
    if age_s is None:
        return "of unknown age"
    for unit, size_s in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if age_s >= size_s:
            count = age_s // size_s
            return f"{count} {unit}{'' if count == 1 else 's'} old"
    return f"{age_s} s old"


def end_text(valid_until_s: float) -> str:
    """Give when a credential ends."""
    return moment(valid_until_s) if valid_until_s else "the issuer set no end"


def who_asks(request: CredentialRequest) -> str:
    """Give whom a question comes from or goes to."""
    if request.face_to_face:
        if request.direction == "out":
            return "whoever scans the code"
        name = safe_line(request.calls_itself) or "somebody"
        return f"{name} (calls itself so; nobody vouches for that)"
    return safe_line(request.contact_name) or request.contact[:16]


def question_fields(request: CredentialRequest) -> list[tuple[str, str]]:
    """Give a question, each element in words."""
    fields = [
        ("id", request.id),
        ("asked of" if request.direction == "out" else "asked by", who_asks(request)),
        ("purpose", request.purpose or "(none given)"),
    ]
    fields += [("asks for", f"{e.name}: {e.words}") for e in request.elements]
    fields += [("from", f"{kind.name} ({kind.format})") for kind in request.kinds]
    fields += [
        ("asked", moment(request.made_s)),
        ("until", moment(request.expires_s)),
        ("state", state_in_words(request)),
    ]
    if request.shown:
        fields.append(("you showed", ", ".join(request.shown)))
    return fields


def state_in_words(request: CredentialRequest) -> str:
    """Give a question's state as a person says it."""
    match request.state:
        case "open" if request.direction == "out":
            return "open: no answer yet"
        case "open":
            return "open: waits for you"
        case "refused" if request.rule:
            return f"refused by the verifier: {request.rule}"
        case "verified" if request.direction == "in":
            return "verified by the other side"
        case other:
            return other


def verdict_fields(verdict: Verdict) -> list[tuple[str, str]]:
    """Give a verdict: what was verified, by whom, and how fresh all of it is."""
    fields = [("verdict", verdict.verdict.upper())]
    if verdict.verdict != "verified":
        if verdict.rule:
            fields.append(("rule", verdict.rule))
        return [*fields, ("why", verdict.message), ("decided", moment(verdict.decided_s))]
    if verdict.test:
        fields.append(("", TEST_WARNING))
    fields += [(name, value_text(value)) for name, value in verdict.claims.items()]
    fields += [(name, "NOT SHOWN") for name in verdict.missing]
    fields += [
        (f"{name} (says the device itself)", value_text(value))
        for name, value in verdict.self_asserted.items()
    ]
    return [
        *fields,
        ("issuer", verdict.issuer),
        ("type", f"{verdict.kind} ({verdict.format})"),
        ("holder", f"proved possession in this exchange ({verdict.proof})"),
        ("valid until", end_text(verdict.valid_until_s)),
        ("status", _status(verdict)),
        ("trust", _trust(verdict)),
        ("decided", moment(verdict.decided_s)),
    ]


def _status(verdict: Verdict) -> str:
    status = verdict.status
    if status.state == "valid":
        return f"valid; the list is {age_text(status.age_s)}"
    return f"{status.state.upper()}: {status.reason}"


def _trust(verdict: Verdict) -> str:
    trust = verdict.trust
    dated = f"as of {moment(trust.as_of_s)}, " if trust.as_of_s else ""
    return f"{trust.anchor} ({trust.source}), {dated}{age_text(trust.age_s)}"


def credential_fields(credential: Credential) -> list[tuple[str, str]]:
    """Give a credential of the wallet."""
    fields = [("id", credential.id), ("type", f"{credential.kind} ({credential.format})")]
    if credential.test:
        fields.append(("", TEST_WARNING))
    fields += [
        ("issuer", credential.issuer),
        ("issued", moment(credential.issued_s)),
        ("valid until", end_text(credential.valid_until_s)),
        ("revocable", "yes, by a status list" if credential.names_status else "no list is named"),
        ("copies", f"{credential.copies_left} of {credential.copies} not shown to anybody"),
    ]
    fields += [
        ("shown to", f"{use.verifier_name or use.verifier[:16] or 'somebody'} {moment(use.at_s)}")
        for use in credential.used
    ]
    fields += [
        (element.name, value_text(element.value) + (" (always shown)" * element.always_shown))
        for element in credential.elements
    ]
    return fields


def proven_text(claim: ProvenClaim) -> str:
    """Give a claim that a contact has proven, on one line."""
    status = f"status {claim.status_state}"
    if claim.status_age_s is not None:
        status += f", list {age_text(claim.status_age_s)} then"
    if claim.valid_until_s:
        status += f"; credential valid until {moment(claim.valid_until_s)}"
    mark = f" [{TEST_WARNING}]" if claim.test else ""
    return (
        f"{claim.name} = {value_text(claim.value)}, by {claim.issuer}, "
        f"{moment(claim.proven_s)} ({status}){mark}"
    )


def show_request(screen: Screen, request: CredentialRequest) -> None:
    """Write a question, and its verdict where there is one."""
    if screen.as_json:
        screen.value(request)
        return
    screen.fields(question_fields(request))
    if request.verdict is not None:
        screen.line()
        screen.fields(verdict_fields(request.verdict))
