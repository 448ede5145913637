"""A verdict for programs and for people."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Final

from cli.output import Screen, moment, safe_line, size
from p2p.credentials.encoding import JsonValue
from p2p.credentials.presentation import (
    MDOC_FORMAT,
    Claims,
    ClaimValue,
    HolderProof,
    StatusReport,
    StatusState,
    Verified,
    json_ready,
)
from p2p.errors import CredentialError

_PROOFS: Final = MappingProxyType(
    {
        HolderProof.KEY_BINDING: "the holder signed for this request, with the bound key",
        HolderProof.DEVICE_SIGNATURE: "the device signed for this session",
        HolderProof.DEVICE_MAC: "the device authenticated itself in this session",
    }
)
_HEADLINES: Final = MappingProxyType(
    {
        StatusState.VALID: "Verified.",
        StatusState.UNKNOWN: "Verified, but whether it was revoked is not known.",
        StatusState.REVOKED: "Verified, but it is REVOKED: do not accept it.",
    }
)
_ABOUT_THE_CREDENTIAL: Final = frozenset(
    {"iss", "iat", "nbf", "exp", "cnf", "vct", "vct#integrity", "aka_vcts", "status"}
)
"""Claims that say nothing about the person; what they mean is shown above."""
_VALUE_MAX_CHARACTERS: Final = 200


def show_verified(screen: Screen, verified: Verified) -> None:
    """Write what was verified."""
    if screen.as_json:
        screen.line(verified_json(verified))
    else:
        _show_verified(screen, verified)


def show_refused(screen: Screen, error: CredentialError) -> None:
    """Write which rule did not hold, and nothing of the credential."""
    if screen.as_json:
        members = {"verdict": "refused", "rule": error.rule, "message": str(error)}
        screen.line(json.dumps(members, ensure_ascii=True))
    else:
        screen.line(f"{screen.strong('Refused.')} {safe_line(str(error))} (rule {error.rule})")


def verified_json(verified: Verified) -> str:
    """The verdict as one line of JSON in ASCII; docs/reference/credential-verify.md."""
    members: dict[str, JsonValue] = {
        "verdict": "verified",
        "format": verified.format,
        "issuer": verified.issuer,
        "claims": json_ready(verified.claims),
        "self_asserted": json_ready(verified.self_asserted),
        "holder_bound": verified.holder_bound,
        "valid_until": _rfc3339(verified.valid_until),
        "status": {"state": verified.status.state.value, "age_s": verified.status.age_s},
        "trust": {
            "anchor": verified.trust.anchor,
            "as_of": _rfc3339(verified.trust.as_of),
            "age_s": verified.trust.age_s,
        },
    }
    return json.dumps(members, ensure_ascii=True, allow_nan=False)


def _rfc3339(seconds: int | None) -> str | None:
    """A time in UTC; a time beyond the calendar is told as its end."""
    if seconds is None:
        return None
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (OverflowError, ValueError, OSError):
        return "9999-12-31T23:59:59Z"


def _show_verified(screen: Screen, verified: Verified) -> None:
    trust = verified.trust
    age = "nobody has dated it" if trust.age_s is None else f"{_age(trust.age_s)} old"
    as_of = "" if trust.as_of is None else f", as of {moment(trust.as_of)}"
    until = (
        "the issuer set no end" if verified.valid_until is None else moment(verified.valid_until)
    )
    screen.line(screen.strong(_HEADLINES[verified.status.state]))
    screen.fields(
        [
            ("issuer", verified.issuer),
            ("kind", f"{verified.kind} ({verified.format})"),
            ("holder", _PROOFS[verified.proof]),
            ("valid until", until),
            ("status", _status(verified.status)),
            ("trust", f"{trust.anchor} ({trust.source}{as_of}: {age})"),
        ]
    )
    screen.line()
    screen.line("The issuer says:")
    _show_claims(screen, verified, verified.claims)
    if any(True for _ in _lines(verified, verified.self_asserted)):
        screen.line()
        screen.line("The holder's own device says, and nobody else:")
        _show_claims(screen, verified, verified.self_asserted)


def _status(report: StatusReport) -> str:
    age = "" if report.age_s is None else f", list {_age(report.age_s)} old"
    state = report.state.value.upper() if report.state is not StatusState.VALID else "valid"
    return f"{state}: {report.reason}{age}"


def _age(seconds: int) -> str:
    for unit_s, name in ((86_400, "days"), (3_600, "hours"), (60, "minutes")):
        if seconds >= 2 * unit_s:
            return f"{seconds // unit_s} {name}"
    return f"{seconds} second{'' if seconds == 1 else 's'}"


def _show_claims(screen: Screen, verified: Verified, claims: Claims) -> None:
    lines = [(f"  {safe_line(name)}", value) for name, value in _lines(verified, claims)]
    if lines:
        screen.fields(lines)
    else:
        screen.line("  nothing was disclosed")


def _lines(verified: Verified, claims: Claims) -> Iterator[tuple[str, str]]:
    """Each claim as a name and its value; those of an mdoc with their namespace."""
    if verified.format != MDOC_FORMAT:
        for name, value in claims.items():
            if name not in _ABOUT_THE_CREDENTIAL:
                yield name, _in_words(value)
        return
    for space, elements in claims.items():
        if isinstance(elements, Mapping):
            yield from ((f"{space} {name!s}", _in_words(value)) for name, value in elements.items())


def _in_words(value: ClaimValue) -> str:
    match value:
        case bytes():
            return f"({size(len(value))} of data)"
        case str():
            text = value
        case float() if not math.isfinite(value):
            text = str(value)
        case _:
            text = json.dumps(json_ready(value), ensure_ascii=False)
    return text if len(text) <= _VALUE_MAX_CHARACTERS else text[:_VALUE_MAX_CHARACTERS] + "…"
