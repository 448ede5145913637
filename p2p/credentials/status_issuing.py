"""Making status list tokens, as JWT and as CWT (Token Status List draft-20, sections 4 and 5)."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from p2p.credentials import cbor
from p2p.credentials.cbor import CborMap, Tagged
from p2p.credentials.cose import LABEL_TYPE, LABEL_X5CHAIN, SIGN1_TAG
from p2p.credentials.encoding import JsonObject, base64url_encode
from p2p.credentials.issuer import SigningParty
from p2p.credentials.issuing import compact_jws, cose_sign1
from p2p.credentials.status_list import CWT_TYPE, JWT_TYPE

VALID: Final = 0
REVOKED: Final = 1
SUSPENDED: Final = 2
BITS: Final = 2
"""Wide enough for valid, revoked and suspended."""
_SUB, _EXP, _IAT, _TTL, _LIST = 2, 4, 6, 65534, 65533


@dataclass(frozen=True, slots=True)
class StatusTerms:
    """What a list says of itself. Times are seconds since 1970, ``ttl_s`` a duration."""

    uri: str
    issued_at: int
    expires_at: int
    ttl_s: int


def pack_statuses(statuses: Mapping[int, int], size: int) -> bytes:
    """The compressed bit array of ``size`` statuses; those not named are valid."""
    array = bytearray((size * BITS + 7) // 8)
    for index, value in statuses.items():
        position, offset = divmod(index * BITS, 8)
        array[position] |= value << offset
    return zlib.compress(bytes(array), 9)


def status_list_jwt(compressed: bytes, terms: StatusTerms, signer: SigningParty) -> bytes:
    """The list as a JWT."""
    chain = [base64.b64encode(signer.der).decode("ascii")]
    payload: JsonObject = {
        "sub": terms.uri,
        "iat": terms.issued_at,
        "exp": terms.expires_at,
        "ttl": terms.ttl_s,
        "status_list": {"bits": BITS, "lst": base64url_encode(compressed)},
    }
    return compact_jws({"typ": JWT_TYPE, "x5c": [*chain]}, payload, signer).encode("ascii")


def status_list_cwt(compressed: bytes, terms: StatusTerms, signer: SigningParty) -> bytes:
    """The list as a CWT."""
    claims: CborMap = {
        _SUB: terms.uri,
        _IAT: terms.issued_at,
        _EXP: terms.expires_at,
        _TTL: terms.ttl_s,
        _LIST: {"bits": BITS, "lst": compressed},
    }
    head: CborMap = {LABEL_TYPE: CWT_TYPE}
    message = cose_sign1(head, {LABEL_X5CHAIN: signer.der}, cbor.encode(claims), signer)
    return cbor.encode(Tagged(SIGN1_TAG, message))
