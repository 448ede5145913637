"""What a test credential says of a person who does not exist, from an age and a name."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from p2p.credentials.encoding import JsonObject, JsonValue

AGES_ASKED: Final = (12, 14, 16, 18, 21, 65)
"""Ages of which European identity data says whether they were reached."""
MDL_SPACE: Final = "org.iso.18013.5.1"
MDL: Final = "org.iso.18013.5.1.mDL"
PID: Final = "urn:eudi:pid:1"
_DEFAULT_NAME: Final = "Erika Mustermann"
_COUNTRY: Final = "XX"
_AUTHORITY: Final = "MOLVA TEST ISSUER - NOT REAL"


def sd_jwt_sample(age: int, name: str, now: int) -> JsonObject:
    """Personal identification data as the European SD-JWT VC spells it."""
    given, family = _names(name)
    ages: JsonObject = {str(limit): age >= limit for limit in AGES_ASKED}
    return {
        "given_name": given,
        "family_name": family,
        "birthdate": _birthday(age, now),
        "age_equal_or_over": ages,
        "nationalities": [_COUNTRY],
        "document_number": "TEST-0000001",
        "issuing_country": _COUNTRY,
        "issuing_authority": _AUTHORITY,
    }


def mdoc_sample(age: int, name: str, now: int) -> dict[str, JsonObject]:
    """A driving licence as ISO/IEC 18013-5 spells it."""
    given, family = _names(name)
    elements: JsonObject = {
        "given_name": given,
        "family_name": family,
        "birth_date": _birthday(age, now),
        "issuing_country": _COUNTRY,
        "issuing_authority": _AUTHORITY,
        "document_number": "TEST-0000001",
        "age_in_years": age,
    }
    elements.update({f"age_over_{limit}": age >= limit for limit in AGES_ASKED})
    return {MDL_SPACE: elements}


def by_namespace(claims: Mapping[str, JsonValue]) -> dict[str, JsonObject]:
    """Claims of a file as an mdoc's: grouped already, or all of the driving licence's namespace."""
    grouped = {name: value for name, value in claims.items() if isinstance(value, dict)}
    if len(grouped) == len(claims) and all("." in name for name in grouped):
        return grouped
    return {MDL_SPACE: dict(claims)}


def _names(name: str) -> tuple[str, str]:
    given, _, family = (name.strip() or _DEFAULT_NAME).rpartition(" ")
    return (given, family) if given else (family, family)


def _birthday(age: int, now: int) -> str:
    """The first of January that makes somebody this old for the whole year."""
    return f"{datetime.fromtimestamp(now, UTC).year - age:04}-01-01"
