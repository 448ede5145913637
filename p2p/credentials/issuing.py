"""Issuing credentials in both formats: SD-JWT VC and mdoc, bound to a holder's key.

The counterpart of the verifiers, for the test issuer. Every claim can be disclosed by itself.
Sources: RFC 9901 section 5, SD-JWT VC draft-19, ISO/IEC 18013-5 sections 9.1.2.4 and 9.1.2.5.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec

from p2p.credentials import cbor
from p2p.credentials.cbor import CborKey, CborMap, CborValue, Embedded, Tagged
from p2p.credentials.disclosures import PROTECTED_CLAIMS
from p2p.credentials.encoding import JsonObject, JsonValue, base64url_encode
from p2p.credentials.established import NoStatus, StatusReference
from p2p.credentials.issuer import SigningParty
from p2p.credentials.private_keys import cose_algorithm, jose_algorithm, sign_raw
from p2p.errors import InvalidInput
from p2p.ports.entropy import Entropy

_SALT_BYTES: Final = 16
_COORDINATE_BYTES: Final = 32
_DATE_TIME_TAG: Final = 0
_FULL_DATE_TAG: Final = 1004
_DATES: Final = frozenset({"birth_date", "issue_date", "expiry_date"})
"""Elements that ISO 18013-5 table 5 gives as full dates."""
_FULL_DATE_CHARACTERS: Final = 10
_RESERVED: Final = PROTECTED_CLAIMS | {"iat", "_sd", "_sd_alg", "..."}
"""Claims that the issuer sets, and names that have another meaning."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What a credential says of itself. Times are seconds since 1970.

    ``kind`` is the ``vct`` of an SD-JWT VC or the document type of an mdoc.
    """

    kind: str
    issued_at: int
    valid_until: int
    status: StatusReference | NoStatus


def issue_sd_jwt(
    claims: JsonObject,
    terms: Terms,
    signer: SigningParty,
    holder: ec.EllipticCurvePublicKey,
    entropy: Entropy,
) -> str:
    """An SD-JWT VC with all its disclosures, ready for its holder.

    Each claim is hidden by itself; of a claim that is an object, each member.

    Raises:
        InvalidInput: a claim has a name that is not free.
    """
    taken = sorted(_RESERVED & claims.keys())
    if taken:
        raise InvalidInput(f"A claim cannot be named {taken[0]!r}: the issuer sets it.")
    hiding = _Hiding(entropy)
    payload: JsonObject = {
        "vct": terms.kind,
        "iat": terms.issued_at,
        "nbf": terms.issued_at,
        "exp": terms.valid_until,
        "cnf": {"jwk": public_jwk(holder)},
        "_sd_alg": "sha-256",
    }
    if isinstance(terms.status, StatusReference):
        entry: JsonObject = {"idx": terms.status.index, "uri": terms.status.uri}
        payload["status"] = {"status_list": entry}
    hiding.members(claims, payload)
    header: JsonObject = {"typ": "dc+sd-jwt", "x5c": _x5c(signer)}
    return "~".join((compact_jws(header, payload, signer), *hiding.disclosures, ""))


def issue_mdoc(
    elements: Mapping[str, Mapping[str, JsonValue]],
    terms: Terms,
    signer: SigningParty,
    holder: ec.EllipticCurvePublicKey,
    entropy: Entropy,
) -> bytes:
    """An IssuerSigned structure with all its elements, grouped by namespace.

    Raises:
        InvalidInput: an element's value has no place in CBOR.
    """
    spaces: CborMap = {}
    digests: CborMap = {}
    for space, listed in elements.items():
        items = _items(listed, entropy)
        ordered = sorted(items.items(), key=lambda each: each[1].content[-8:])  # not by number
        spaces[space] = [item for _, item in ordered]
        digests[space] = {
            number: hashlib.sha256(item.raw).digest() for number, item in items.items()
        }
    validity: CborMap = {
        "signed": _date_time(terms.issued_at),
        "validFrom": _date_time(terms.issued_at),
        "validUntil": _date_time(terms.valid_until),
    }
    signed: CborMap = {
        "version": "1.0",
        "digestAlgorithm": "SHA-256",
        "valueDigests": digests,
        "deviceKeyInfo": {"deviceKey": _cose_key(holder)},
        "docType": terms.kind,
        "validityInfo": validity,
    }
    if isinstance(terms.status, StatusReference):
        entry: CborMap = {"idx": terms.status.index, "uri": terms.status.uri}
        signed["status"] = {"status_list": entry}
    payload = cbor.encode_embedded(cbor.encode(signed))
    message = cose_sign1({}, {33: signer.der}, payload, signer)
    return cbor.encode({"nameSpaces": spaces, "issuerAuth": message})


def compact_jws(header: JsonObject, payload: JsonObject, signer: SigningParty) -> str:
    """A compact JWS; the algorithm is the key's."""
    named: JsonObject = {"alg": jose_algorithm(signer.key), **header}
    parts = (base64url_encode(_json(part)) for part in (named, payload))
    signed = ".".join(parts)
    return f"{signed}.{base64url_encode(sign_raw(signer.key, signed.encode('ascii')))}"


def cose_sign1(
    protected: CborMap, unprotected: CborMap, payload: bytes, signer: SigningParty
) -> list[CborValue]:
    """A COSE_Sign1 with its payload, untagged; the algorithm is the key's."""
    head = cbor.encode({1: cose_algorithm(signer.key), **protected})
    covered = cbor.encode(["Signature1", head, b"", payload])
    return [head, unprotected, payload, sign_raw(signer.key, covered)]


def public_jwk(key: ec.EllipticCurvePublicKey) -> JsonObject:
    """A public P-256 key as a JWK."""
    x, y = _coordinates(key)
    return {"kty": "EC", "crv": "P-256", "x": base64url_encode(x), "y": base64url_encode(y)}


class _Hiding:
    """Makes the disclosures of one credential."""

    __slots__ = ("_entropy", "disclosures")

    def __init__(self, entropy: Entropy) -> None:
        self._entropy = entropy
        self.disclosures: list[str] = []

    def members(self, claims: Mapping[str, JsonValue], target: JsonObject) -> None:
        """Hide each claim in ``target``; an object stays, with its members hidden."""
        digests: list[str] = []
        for name, value in claims.items():
            if isinstance(value, dict) and value:
                inner: JsonObject = {}
                self.members(value, inner)
                target[name] = inner
            else:
                digests.append(self._digest([name, value]))
        if digests:
            listed: list[JsonValue] = [*sorted(digests)]  # their order tells nothing
            target["_sd"] = listed

    def _digest(self, content: Sequence[JsonValue]) -> str:
        salt = base64url_encode(self._entropy.random_bytes(_SALT_BYTES))
        text = base64url_encode(_json([salt, *content]))
        self.disclosures.append(text)
        return base64url_encode(hashlib.sha256(text.encode("ascii")).digest())


def _items(listed: Mapping[str, JsonValue], entropy: Entropy) -> dict[int, Embedded]:
    """The elements of one namespace by digest number."""
    items: dict[int, Embedded] = {}
    for number, (name, value) in enumerate(listed.items()):
        members: CborMap = {
            "digestID": number,
            "random": entropy.random_bytes(_SALT_BYTES),
            "elementIdentifier": name,
            "elementValue": _element(name, value),
        }
        content = cbor.encode(members)
        items[number] = Embedded(cbor.encode_embedded(content), content)
    return items


def _element(name: str, value: JsonValue) -> CborValue:
    """A JSON value as an element: dates are tagged, images are bytes."""
    match value:
        case str() if name in _DATES and len(value) == _FULL_DATE_CHARACTERS:
            return Tagged(_FULL_DATE_TAG, value)
        case str() if name == "portrait":
            return _base64(value)
        case int() if not -(1 << 64) <= value < 1 << 64:
            raise InvalidInput(f"The element {name!r:.80} is too large a number.")
        case dict():
            members: dict[CborKey, CborValue] = {}
            for each, inner in value.items():
                members[each] = _element(each, inner)
            return members
        case list():
            return [_element("", inner) for inner in value]
        case _:
            return value


def _base64(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError as exc:
        raise InvalidInput("A portrait is given as base64.") from exc


def _x5c(signer: SigningParty) -> list[JsonValue]:
    return [base64.b64encode(signer.der).decode("ascii")]


def _cose_key(key: ec.EllipticCurvePublicKey) -> CborMap:
    x, y = _coordinates(key)
    return {1: 2, -1: 1, -2: x, -3: y}


def _coordinates(key: ec.EllipticCurvePublicKey) -> tuple[bytes, bytes]:
    numbers = key.public_numbers()
    return (
        numbers.x.to_bytes(_COORDINATE_BYTES, "big"),
        numbers.y.to_bytes(_COORDINATE_BYTES, "big"),
    )


def _date_time(seconds: int) -> Tagged:
    moment = datetime.fromtimestamp(seconds, UTC)
    return Tagged(_DATE_TIME_TAG, moment.strftime("%Y-%m-%dT%H:%M:%SZ"))


def _json(value: JsonValue) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode("utf-8")
