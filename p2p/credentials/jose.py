"""Compact JSON Web Signatures, read strictly (RFC 7515, RFC 8725).

Reading and checking are apart: :func:`read_compact` takes the token to pieces without believing
anything, :func:`verify_token` checks it under a key that came from somewhere trusted. A key
inside the token (``jwk``) is ignored and an address inside it (``jku``, ``x5u``) never opened.
"""

from __future__ import annotations

import msgspec

from p2p.credentials import limits
from p2p.credentials.encoding import (
    JsonObject,
    base64_decode,
    base64url_decode,
    decode_json_object,
)
from p2p.credentials.keys import SigningKey, check_jose_algorithm, verify_signature
from p2p.credentials.rules import CRITICAL_HEADER, ENCODING, LENGTH, SHAPE, TYPE, refused


class Token(msgspec.Struct, frozen=True):
    """A compact JWS in pieces, not yet believed: ``signed`` is what the signature covers."""

    header: JsonObject
    payload: JsonObject
    signed: bytes
    signature: bytes


def read_compact(
    text: str,
    what: str,
    values_max: int = limits.JSON_VALUES_MAX,
    understood: frozenset[str] = frozenset(),
) -> Token:
    """The pieces of ``header.payload.signature``.

    Args:
        text: the token.
        what: its name for messages.
        values_max: how many JSON values its payload may have.
        understood: extensions that the caller understands, should they be critical.

    Raises:
        CredentialError: rules ``encoding``, ``shape``, ``length``, ``depth``,
            ``duplicate-member``, or ``critical-header`` for an extension that must be
            understood and is not.
    """
    parts = text.split(".", 3)
    if len(parts) != 3 or not text.isascii():
        raise refused(ENCODING, f"{what} is not a compact JWS of three parts.")
    header = decode_json_object(base64url_decode(parts[0], f"{what}'s header"), what)
    _require_understood(header, understood, what)
    payload = decode_json_object(base64url_decode(parts[1], f"{what}'s payload"), what, values_max)
    signature = base64url_decode(parts[2], f"{what}'s signature")
    return Token(header, payload, f"{parts[0]}.{parts[1]}".encode("ascii"), signature)


def _require_understood(header: JsonObject, understood: frozenset[str], what: str) -> None:
    if "crit" not in header and "b64" not in header:
        return
    critical = header.get("crit", [])
    named = critical if isinstance(critical, list) else [None]
    known = understood & header.keys()
    strange = [name for name in named if not isinstance(name, str) or name not in known]
    if strange or ("crit" in header and not named) or "b64" in header:
        raise refused(CRITICAL_HEADER, f"{what} has an extension that must be understood.")


def require_type(token: Token, expected: str, what: str) -> None:
    """Refuse a token whose ``typ`` is not exactly the expected one (RFC 8725 section 3.11).

    Raises:
        CredentialError: rule ``type``.
    """
    if token.header.get("typ") != expected:
        raise refused(TYPE, f"{what} is of type {token.header.get('typ')!r:.40}, not {expected!r}.")


def verify_token(token: Token, key: SigningKey, what: str) -> None:
    """Check algorithm and signature under a key that is trusted for this token.

    Raises:
        CredentialError: rules ``algorithm``, ``signature-form`` or ``signature``.
    """
    check_jose_algorithm(key, token.header.get("alg"))
    verify_signature(key, token.signature, token.signed, what)


def certificate_chain(token: Token, what: str) -> tuple[bytes, ...]:
    """The DER certificates of ``x5c``, leaf first; empty where the header has none.

    Raises:
        CredentialError: rules ``shape``, ``length`` or ``encoding``.
    """
    if "x5c" not in token.header:
        return ()
    chain = token.header["x5c"]
    if not isinstance(chain, list) or not chain:
        raise refused(SHAPE, f"{what} has an x5c that is no list of certificates.")
    if len(chain) > limits.CHAIN_LENGTH_MAX:
        raise refused(LENGTH, f"{what} carries {len(chain)} certificates.")
    ders: list[bytes] = []
    for text in chain:
        if not isinstance(text, str):
            raise refused(SHAPE, f"{what} has an x5c that is no list of certificates.")
        ders.append(base64_decode(text, "a certificate"))
    return tuple(ders)
