"""How a person, a request and a credential name one element, and what the name means in words.

A name is ``element``, or ``outer/inner`` for a member of a nested claim (SD-JWT VC) or for an
element of one namespace (mdoc). A plain name is found in whatever namespace of the document has
it. An age is asked for as ``age_over_18`` in every format; the European SD-JWT says it as
``age_equal_or_over/18``, so both are one question.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

from p2p.credentials.presentation import MDOC_FORMAT, SD_JWT_FORMAT, Claims, ClaimValue

SEPARATOR: Final = "/"
_AGE: Final = re.compile(r"age_over_(\d\d)", re.ASCII)
_ALSO: Final[Mapping[str, str]] = {"birth_date": "birthdate", "birthdate": "birth_date"}
"""ISO 18013-5 and OpenID Connect spell one claim in two ways."""
PERSONAL_NAME: Final = ("family_name", "given_name")
"""What ``name`` stands for in a request: no format has one element for both."""

MDL: Final = (MDOC_FORMAT, "org.iso.18013.5.1.mDL")
PID_MDOC: Final = (MDOC_FORMAT, "eu.europa.ec.eudi.pid.1")
PID_SD_JWT: Final = (SD_JWT_FORMAT, "urn:eudi:pid:1")
WELL_KNOWN_KINDS: Final = (MDL, PID_MDOC, PID_SD_JWT)
"""What a request that names no kind accepts, in the order of preference."""

_WORDS: Final[Mapping[str, str]] = {
    "family_name": "family name",
    "given_name": "given name",
    "birth_date": "date of birth",
    "birthdate": "date of birth",
    "portrait": "photograph",
    "picture": "photograph",
    "document_number": "number of the document",
    "resident_address": "home address",
    "address": "home address",
    "nationality": "nationality",
    "nationalities": "nationalities",
    "sex": "sex",
    "issuing_country": "country that issued the document",
    "issuing_authority": "authority that issued the document",
    "expiry_date": "date on which the document expires",
    "issue_date": "date on which the document was issued",
    "driving_privileges": "vehicles you may drive",
    "birth_place": "place of birth",
    "place_of_birth": "place of birth",
    "personal_administrative_number": "personal administrative number",
}


def age_asked(name: str) -> int | None:
    """The age that a name asks about, or None where it is no question of age."""
    found = _AGE.fullmatch(name.rpartition(SEPARATOR)[2])
    return int(found[1]) if found else None


def in_words(name: str) -> str:
    """What an element tells about a person, for the question before anything is shown."""
    age = age_asked(name)
    if age is not None:
        return f"whether you are {age} or older (yes or no, not your birthday)"
    outer, slash, last = name.rpartition(SEPARATOR)
    if slash and outer.endswith("age_equal_or_over"):
        return f"whether you are {last} or older (yes or no, not your birthday)"
    return _WORDS.get(last, last.replace("_", " "))


def spellings(name: str) -> tuple[str, ...]:
    """The name, then the other ways in which a credential may spell the same element."""
    found = _AGE.fullmatch(name)
    if found:
        return name, f"age_equal_or_over{SEPARATOR}{int(found[1])}"
    return (name, _ALSO[name]) if name in _ALSO else (name,)


def match(asked: str, available: Iterable[str], format_: str) -> str | None:
    """The credential's own name for what is asked, or None where it has no such element.

    Args:
        asked: the name in a request.
        available: names of a credential's elements, in its order.
        format_: the credential's format.
    """
    listed = tuple(available)
    for spelling in spellings(asked):
        if spelling in listed:
            return spelling
        if format_ == MDOC_FORMAT and SEPARATOR not in spelling:
            ending = SEPARATOR + spelling
            for name in listed:
                if name.endswith(ending) and name.count(SEPARATOR) == 1:
                    return name
    return None


def flattened(claims: Claims, format_: str) -> dict[str, ClaimValue]:
    """Claims by element name: an mdoc's are grouped by namespace, an SD-JWT's may be nested.

    An object stands in the result by its own name, and its members by ``outer/inner``.
    """
    found: dict[str, ClaimValue] = {}
    for name, value in claims.items():
        if format_ != MDOC_FORMAT:
            found[name] = value
        if isinstance(value, Mapping):
            for inner, member in value.items():
                if isinstance(inner, str):
                    found[f"{name}{SEPARATOR}{inner}"] = member
    return found
