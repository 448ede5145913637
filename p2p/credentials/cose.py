"""COSE_Sign1 and COSE_Mac0, read strictly (RFC 9052).

As ISO 18013-5 prescribes, the algorithm stands in the protected header. A key identifier or an
address in a header is ignored. What is signed is rebuilt around the original protected bytes.
"""

from __future__ import annotations

import hmac
from typing import Final

import msgspec

from p2p.credentials import cbor, limits
from p2p.credentials.cbor import CborMap, CborValue, Tagged
from p2p.credentials.keys import SigningKey, check_cose_algorithm, verify_signature
from p2p.credentials.rules import (
    ALGORITHM,
    CRITICAL_HEADER,
    DEVICE_AUTHENTICATION,
    DUPLICATE,
    LENGTH,
    SHAPE,
    refused,
)

SIGN1_TAG: Final = 18
MAC0_TAG: Final = 17
LABEL_ALG: Final = 1
LABEL_CRIT: Final = 2
LABEL_TYPE: Final = 16
LABEL_X5CHAIN: Final = 33
LABEL_X5U: Final = 35
HMAC_256: Final = 5
_SIGNATURE1: Final = cbor.encode_text("Signature1")
_MAC0: Final = cbor.encode_text("MAC0")
_NO_BYTES: Final = cbor.encode_bytes(b"")


class CoseMessage(msgspec.Struct, frozen=True):
    """A COSE_Sign1 or COSE_Mac0 in pieces, not yet believed.

    ``protected_bytes`` is what goes under the signature; ``payload`` is None where it is
    detached; ``seal`` is the signature or the tag.
    """

    protected_bytes: bytes
    protected: CborMap
    unprotected: CborMap
    payload: bytes | None
    seal: bytes


def read_message(value: CborValue, tag: int, what: str) -> CoseMessage:
    """The pieces of a message, bare or under the given tag.

    Raises:
        CredentialError: rules ``shape``, ``duplicate-member`` (one label in both headers),
            ``critical-header``, or those of :func:`p2p.credentials.cbor.decode`.
    """
    if isinstance(value, Tagged) and value.number == tag:
        value = value.value
    match value:
        case [bytes() as head, dict() as unprotected, bytes() | None as payload, bytes() as seal]:
            protected = cbor.decode_map(head, f"{what}'s header") if head else {}
        case _:
            raise refused(SHAPE, f"{what} is not a COSE message of four parts.")
    if protected.keys() & unprotected.keys():
        raise refused(DUPLICATE, f"{what} has one label in both of its headers.")
    if LABEL_CRIT in protected or LABEL_CRIT in unprotected:
        raise refused(CRITICAL_HEADER, f"{what} has an extension that must be understood.")
    # An empty map and no bytes mean the same and are signed as no bytes (RFC 9052 section 4.4).
    return CoseMessage(head if protected else b"", protected, unprotected, payload, seal)


def verify_sign1(message: CoseMessage, payload: bytes, key: SigningKey, what: str) -> None:
    """Check algorithm and signature over the payload under a trusted key.

    Raises:
        CredentialError: rules ``algorithm``, ``signature-form`` or ``signature``.
    """
    check_cose_algorithm(key, message.protected.get(LABEL_ALG))
    signed = cbor.encode_array(
        (
            _SIGNATURE1,
            cbor.encode_bytes(message.protected_bytes),
            _NO_BYTES,
            cbor.encode_bytes(payload),
        )
    )
    verify_signature(key, message.seal, signed, what)


def verify_mac0(message: CoseMessage, payload: bytes, key: bytes, what: str) -> None:
    """Check an HMAC 256/256 over the payload.

    Raises:
        CredentialError: rules ``algorithm`` or ``device-authentication``.
    """
    if not cbor.is_integer(message.protected.get(LABEL_ALG), HMAC_256):
        raise refused(ALGORITHM, f"{what} is not authenticated with HMAC 256/256.")
    covered = cbor.encode_array(
        (
            _MAC0,
            cbor.encode_bytes(message.protected_bytes),
            _NO_BYTES,
            cbor.encode_bytes(payload),
        )
    )
    if not hmac.compare_digest(hmac.digest(key, covered, "sha256"), message.seal):
        raise refused(DEVICE_AUTHENTICATION, f"The authentication code of {what} does not match.")


def certificate_chain(message: CoseMessage, what: str) -> tuple[bytes, ...]:
    """The DER certificates of ``x5chain``, leaf first; empty where there is none.

    One certificate may stand alone as a byte string (RFC 9360 section 2).

    Raises:
        CredentialError: rules ``shape`` or ``length``.
    """
    chain = message.unprotected.get(LABEL_X5CHAIN, message.protected.get(LABEL_X5CHAIN))
    if chain is None:
        return ()
    listed = chain if isinstance(chain, list) else [chain]
    ders = tuple(der for der in listed if isinstance(der, bytes))
    if not ders or len(ders) != len(listed):
        raise refused(SHAPE, f"{what} has an x5chain that is no list of certificates.")
    if len(ders) > limits.CHAIN_LENGTH_MAX:
        raise refused(LENGTH, f"{what} carries {len(ders)} certificates.")
    return ders
