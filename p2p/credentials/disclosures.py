"""Selective disclosure: from signed digests back to claims (RFC 9901 section 7.1).

Each disclosure must be referenced by exactly one digest, each digest may stand in one place
only, and nothing that is disclosed may replace what is there or decide about validity.
"""

from __future__ import annotations

import hashlib
from typing import Final

from p2p.credentials import limits
from p2p.credentials.encoding import (
    JsonObject,
    JsonValue,
    base64url_decode,
    base64url_encode,
    decode_json,
)
from p2p.credentials.rules import (
    ALGORITHM,
    DEPTH,
    DISCLOSURE,
    DISCLOSURE_PROTECTED,
    LENGTH,
    refused,
)

PROTECTED_CLAIMS: Final = frozenset(
    {"iss", "nbf", "exp", "cnf", "vct", "vct#integrity", "aka_vcts", "status"}
)
"""Claims that are never disclosed selectively, with all they contain (SD-JWT VC section 2.2.2)."""
_DIGESTS_NAME: Final = "_sd"
_ALGORITHM_NAME: Final = "_sd_alg"
_ELEMENT_NAME: Final = "..."
_SPECIAL_NAMES: Final = frozenset({_DIGESTS_NAME, _ALGORITHM_NAME, _ELEMENT_NAME})
_NESTED: Final = (dict, list)
_HASHES: Final = {
    "sha-256": hashlib.sha256,
    "sha-384": hashlib.sha384,
    "sha-512": hashlib.sha512,
}


def hash_text(text: str, algorithm: JsonValue, what: str) -> str:
    """The base64url digest of a text's ASCII bytes under a named hash algorithm.

    Raises:
        CredentialError: rule ``algorithm``.
    """
    make = _HASHES.get(algorithm) if isinstance(algorithm, str) else None
    if make is None:
        raise refused(ALGORITHM, f"{what} uses the unknown hash {algorithm!r:.40}.")
    return base64url_encode(make(text.encode("ascii")).digest())


def digest_algorithm(payload: JsonObject) -> JsonValue:
    """The hash that the issuer names for digests, SHA-256 by default."""
    return payload.get(_ALGORITHM_NAME, "sha-256")


def reveal(payload: JsonObject, disclosures: list[str]) -> JsonObject:
    """The payload with the disclosures in their places and every digest removed.

    Args:
        payload: the signed payload, as received.
        disclosures: base64url texts as received; they are hashed as they are.

    Raises:
        CredentialError: rules ``disclosure``, ``disclosure-protected``, ``algorithm``,
            ``depth``, ``length``, or those of JSON and base64url.
    """
    if len(disclosures) > limits.DISCLOSURES_MAX:
        raise refused(LENGTH, f"There are {len(disclosures)} disclosures.")
    for name, value in payload.items():
        if isinstance(value, _NESTED) and name in PROTECTED_CLAIMS:
            _require_plain(value)
    revealer = _Revealer(payload, disclosures)
    claims = revealer.members(payload, 0)
    revealer.require_all_used()
    return claims


def _require_plain(value: JsonValue) -> None:
    """Refuse hidden parts anywhere inside a claim about validity."""
    if isinstance(value, dict):
        if _DIGESTS_NAME in value or _ELEMENT_NAME in value:
            raise refused(DISCLOSURE_PROTECTED, "A claim about validity has hidden parts.")
        value = list(value.values())
    if isinstance(value, list):
        for inner in value:
            if isinstance(inner, _NESTED):
                _require_plain(inner)


class _Revealer:
    """One walk over a payload; remembers which digests and disclosures it has met."""

    __slots__ = ("_disclosed", "_met")

    def __init__(self, payload: JsonObject, disclosures: list[str]) -> None:
        algorithm = digest_algorithm(payload)
        self._met: set[str] = set()
        self._disclosed: dict[str, list[JsonValue]] = {}
        if not disclosures:
            hash_text("", algorithm, "The credential")
        for text in disclosures:
            content = decode_json(base64url_decode(text, "A disclosure"), "A disclosure")
            if not isinstance(content, list) or not content or not isinstance(content[0], str):
                raise refused(DISCLOSURE, "A disclosure is no list that begins with a salt.")
            digest = hash_text(text, algorithm, "The credential")
            if digest in self._disclosed:
                raise refused(DISCLOSURE, "A disclosure is presented twice.")
            self._disclosed[digest] = content

    def require_all_used(self) -> None:
        """Refuse disclosures that no digest referred to."""
        if self._disclosed:
            raise refused(DISCLOSURE, f"{len(self._disclosed)} disclosures belong to no digest.")

    def members(self, members: JsonObject, depth: int) -> JsonObject:
        """An object with its disclosed members in place."""
        if depth > limits.JSON_DEPTH_MAX:
            raise refused(DEPTH, f"Disclosures are nested deeper than {limits.JSON_DEPTH_MAX}.")
        revealed: JsonObject = {}
        for name, value in members.items():
            if name in _SPECIAL_NAMES:
                self._require_claim_name(name, depth)
            elif isinstance(value, _NESTED):
                revealed[name] = self._value(value, depth + 1)
            else:
                revealed[name] = value
        if _DIGESTS_NAME in members:
            self._disclose(members[_DIGESTS_NAME], members, revealed, depth)
        return revealed

    def _disclose(
        self, digests: JsonValue, members: JsonObject, revealed: JsonObject, depth: int
    ) -> None:
        if not isinstance(digests, list):
            raise refused(DISCLOSURE, "The digests of an object are no list.")
        for digest in digests:
            content = self._take(digest)
            if content is None:
                continue
            if len(content) != 3 or not isinstance(content[1], str):
                raise refused(DISCLOSURE, "A disclosed member is not salt, name and value.")
            name = content[1]
            if name in _SPECIAL_NAMES:
                raise refused(DISCLOSURE, f"A disclosed claim is named {name!r}.")
            if depth == 0 and name in PROTECTED_CLAIMS:
                raise refused(DISCLOSURE_PROTECTED, f"The claim {name!r} is disclosed selectively.")
            if name in members or name in revealed:
                raise refused(DISCLOSURE, f"The claim {name!r:.80} is there already.")
            revealed[name] = self._value(content[2], depth + 1)

    def _value(self, value: JsonValue, depth: int) -> JsonValue:
        if isinstance(value, dict):
            return self.members(value, depth)
        if isinstance(value, list):
            return self._elements(value, depth)
        return value

    def _elements(self, elements: list[JsonValue], depth: int) -> list[JsonValue]:
        if depth > limits.JSON_DEPTH_MAX:
            raise refused(DEPTH, f"Disclosures are nested deeper than {limits.JSON_DEPTH_MAX}.")
        revealed: list[JsonValue] = []
        for element in elements:
            if not isinstance(element, dict) or _ELEMENT_NAME not in element:
                revealed.append(self._value(element, depth + 1))
                continue
            if len(element) != 1:
                raise refused(DISCLOSURE, "A hidden element stands beside other members.")
            content = self._take(element[_ELEMENT_NAME])
            if content is None:
                continue
            if len(content) != 2:
                raise refused(DISCLOSURE, "A disclosed element is not salt and value.")
            revealed.append(self._value(content[1], depth + 1))
        return revealed

    def _take(self, digest: JsonValue) -> list[JsonValue] | None:
        """The disclosure of a digest; None for a claim that stays hidden, or a decoy."""
        if not isinstance(digest, str):
            raise refused(DISCLOSURE, "A digest is not text.")
        if digest in self._met:
            raise refused(DISCLOSURE, "A digest stands in two places.")
        if len(self._met) >= limits.DIGESTS_MAX:
            raise refused(LENGTH, "There are too many digests.")
        self._met.add(digest)
        return self._disclosed.pop(digest, None)

    def _require_claim_name(self, name: str, depth: int) -> None:
        """Refuse a name that has a meaning of its own where it has none."""
        if name == _ELEMENT_NAME:
            raise refused(DISCLOSURE, "A claim is named '...'.")
        if name == _ALGORITHM_NAME and depth > 0:
            raise refused(DISCLOSURE, "A hash algorithm is named below the top level.")
