"""ISO mdoc: device responses of ISO/IEC 18013-5 and ISO/IEC 23220, checked in full.

Every document of a response must verify, asked for or not: a response with one forged document
is a forged response. Claims come from the one document of the requested type.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

import msgspec

from p2p.credentials import cbor, limits
from p2p.credentials.cbor import CborKey, CborMap, CborValue, Embedded, Tagged, is_integer
from p2p.credentials.cose import (
    LABEL_X5U,
    SIGN1_TAG,
    CoseMessage,
    certificate_chain,
    read_message,
    verify_sign1,
)
from p2p.credentials.device_auth import authentication_bytes, verify_device
from p2p.credentials.established import Established, require_current
from p2p.credentials.policy import Policy
from p2p.credentials.presentation import MDOC_FORMAT, ClaimValue, HolderProof, MdocRequest
from p2p.credentials.rules import (
    CERTIFICATE,
    DEVICE_SIGNED,
    DIGEST,
    DOC_TYPE,
    LENGTH,
    NAMESPACE,
    NO_FETCH,
    SHAPE,
    refused,
)
from p2p.credentials.security_object import (
    SecurityObject,
    read_security_object,
    require_version,
)
from p2p.credentials.session_transcript import bare_transcript
from p2p.credentials.x509_trust import Signer, TrustStore

_RESPONSE: Final = "The device response"
_ISSUER: Final = "The issuer's signature"
_TEXT_TAGS: Final = frozenset({0, 1004})
"""Date and time, and full date (RFC 8943): as claims they are their text."""

_SALT_MIN_BYTES: Final = 16
"""A shorter one lets the values of elements that were not shown be guessed (section 9.1.2.5)."""

SpacedClaims = dict[str, dict[str, ClaimValue]]


class Document(msgspec.Struct, frozen=True):
    """One document of a response in pieces, not yet believed."""

    doc_type: str
    disclosed: dict[str, list[Embedded]]
    issuer_auth: CoseMessage
    asserted: Embedded
    device_auth: CborMap


@dataclass(frozen=True, slots=True)
class IssuedDocument:
    """What an issuer hands to a holder: every element with its original bytes, and its signature.

    ``items`` has, by namespace and element name, the element's bytes under tag 24, as received.
    """

    items: dict[str, dict[str, Embedded]]
    claims: SpacedClaims
    issuer_auth: CoseMessage
    signed: SecurityObject


def read_issuer_signed(data: bytes) -> IssuedDocument:
    """The document in an IssuerSigned (section 8.3.2.1.2.2), each element checked by its digest.

    The signature itself is not checked: whose it must be is the caller's to know.

    Raises:
        CredentialError: rules ``shape``, ``namespace``, ``digest``, ``length``, or those of
            :func:`p2p.credentials.cbor.decode` and of reading the security object.
    """
    members = cbor.decode_map(data, "The document")
    disclosed = _read_spaces(members.get("nameSpaces", {}))
    message = read_message(members.get("issuerAuth"), SIGN1_TAG, _ISSUER)
    if message.payload is None:
        raise refused(SHAPE, "The issuer's signature has no payload.")
    signed = read_security_object(message.payload)
    claims = _disclosed_claims(disclosed, signed)
    items = {
        space: {_read_item(item.content)[1]: item for item in listed}
        for space, listed in disclosed.items()
    }
    return IssuedDocument(items, claims, message, signed)


def read_device_response(data: bytes) -> list[Document]:
    """The documents of a DeviceResponse (section 8.3.2.1.2.2).

    Raises:
        CredentialError: rules ``shape``, ``doc-type`` (there is none), ``length``, or those of
            :func:`p2p.credentials.cbor.decode`.
    """
    members = cbor.decode_map(data, _RESPONSE)
    require_version(members, _RESPONSE)
    if not is_integer(members.get("status"), 0):
        raise refused(SHAPE, "The device reports that it could not answer.")
    listed = members.get("documents", [])
    if not isinstance(listed, list):
        raise refused(SHAPE, "The documents are no list.")
    if not listed:
        raise refused(DOC_TYPE, "The device answered with no document.")
    if len(listed) > limits.DOCUMENTS_MAX:
        raise refused(LENGTH, f"The device answered with {len(listed)} documents.")
    return [_read_document(document) for document in listed]


def establish_mdoc(
    presentation: bytes, request: MdocRequest, trust: TrustStore, policy: Policy, now: int
) -> Established:
    """Everything about a presentation but its status.

    Raises:
        CredentialError: the rule that does not hold.
        InvalidInput: our own session transcript is not one.
    """
    transcript = bare_transcript(request.session_transcript)
    documents = read_device_response(presentation)
    wanted = [document for document in documents if document.doc_type == request.doc_type]
    if len(wanted) != 1:
        raise refused(DOC_TYPE, f"{len(wanted)} documents are of the requested type, not one.")
    verified = {
        document.doc_type: _establish(document, request, transcript, trust, policy, now)
        for document in documents
    }
    if len(verified) != len(documents):
        raise refused(DOC_TYPE, "Two documents are of one type.")
    return verified[request.doc_type]


def _establish(
    document: Document,
    request: MdocRequest,
    transcript: bytes,
    trust: TrustStore,
    policy: Policy,
    now: int,
) -> Established:
    payload = document.issuer_auth.payload
    if payload is None:
        raise refused(SHAPE, "The issuer's signature has no payload.")
    signed = read_security_object(payload)
    signer = _verified_signer(document, signed, payload, trust, policy, now)
    if signed.doc_type != document.doc_type:
        raise refused(DOC_TYPE, "The document is not of the type that the issuer signed.")
    # Here the end is the last moment at which it is valid (section 9.3.1), not the first after.
    require_current(
        signed.signed, signed.valid_from, signed.valid_until + 1, now, policy.clock_skew_s
    )
    proof = _verified_device(document, signed, transcript, request)
    return Established(
        format=MDOC_FORMAT,
        kind=signed.doc_type,
        signer=signer,
        claims=_disclosed_claims(document.disclosed, signed),
        self_asserted=_asserted_claims(document.asserted, signed),
        proof=proof,
        issued_at=signed.signed,
        valid_from=signed.valid_from,
        valid_until=signed.valid_until,
        status=signed.status,
        replay_key=hashlib.sha256(transcript).hexdigest(),
    )


def _verified_signer(
    document: Document,
    signed: SecurityObject,
    payload: bytes,
    trust: TrustStore,
    policy: Policy,
    now: int,
) -> Signer:
    message = document.issuer_auth
    chain = certificate_chain(message, _ISSUER)
    if not chain and LABEL_X5U in message.unprotected.keys() | message.protected.keys():
        raise refused(NO_FETCH, "The issuer's certificate would have to be fetched.")
    signer = trust.signer(chain, policy.issuer, now, signed.signed, signed.doc_type)
    state = signer.anchor.certificate.state
    if state and signer.certificate.state != state:  # ISO/IEC 18013-5 table B.3
        raise refused(CERTIFICATE, "The document signer is of another state than its authority.")
    verify_sign1(message, payload, signer.key, _ISSUER)
    return signer


def _verified_device(
    document: Document, signed: SecurityObject, transcript: bytes, request: MdocRequest
) -> HolderProof:
    covered = authentication_bytes(transcript, document.doc_type, document.asserted)
    return verify_device(
        document.device_auth, covered, signed.device_key, transcript, request.reader_key
    )


def _disclosed_claims(disclosed: dict[str, list[Embedded]], signed: SecurityObject) -> SpacedClaims:
    """Elements whose original bytes hash to a digest that the issuer signed."""
    claims: SpacedClaims = {}
    for space, items in disclosed.items():
        digests = signed.digests.get(space)
        if digests is None:
            raise refused(NAMESPACE, f"The issuer signed no namespace {space!r:.80}.")
        unused = dict(digests)
        elements: dict[str, ClaimValue] = {}
        for item in items:
            number, name, value = _read_item(item.content)
            if name in elements:
                raise refused(NAMESPACE, f"The element {name!r:.80} is there twice.")
            expected = unused.pop(number, None)
            if expected is None:
                raise refused(NAMESPACE, f"Digest {number} is not in the list, or used twice.")
            if hashlib.new(signed.hash_name, item.raw).digest() != expected:
                raise refused(DIGEST, f"The element {name!r:.80} is not what the issuer signed.")
            elements[name] = _claim(value)
        claims[space] = elements
    return claims


def _asserted_claims(asserted: Embedded, signed: SecurityObject) -> SpacedClaims:
    """Elements that the device asserts and that the issuer lets it assert."""
    claims: SpacedClaims = {}
    for space, elements in cbor.decode_map(asserted.content, "The device's elements").items():
        if not isinstance(space, str) or not isinstance(elements, dict):
            raise refused(SHAPE, "The device's elements are not grouped by namespace.")
        allowed = signed.device_elements.get(space, frozenset())
        claims[space] = {}
        for name, value in elements.items():
            if not isinstance(name, str):
                raise refused(SHAPE, "A device element has no name.")
            if space not in signed.device_spaces and name not in allowed:
                raise refused(DEVICE_SIGNED, f"The device may not assert {name!r:.80}.")
            claims[space][name] = _claim(value)
    return claims


def _read_document(value: CborValue) -> Document:
    match value:
        case {
            "docType": str() as doc_type,
            "issuerSigned": dict() as issuer_signed,
            "deviceSigned": {"nameSpaces": Embedded() as asserted, "deviceAuth": dict() as proofs},
        }:
            disclosed = _read_spaces(issuer_signed.get("nameSpaces", {}))
            message = read_message(issuer_signed.get("issuerAuth"), SIGN1_TAG, _ISSUER)
            return Document(doc_type, disclosed, message, asserted, proofs)
        case _:
            raise refused(SHAPE, "A document lacks its type, issuer's part or device's part.")


def _read_spaces(value: CborValue) -> dict[str, list[Embedded]]:
    if not isinstance(value, dict):
        raise refused(SHAPE, "The disclosed elements are not grouped by namespace.")
    spaces: dict[str, list[Embedded]] = {}
    for space, items in value.items():
        if not isinstance(space, str) or not isinstance(items, list):
            raise refused(SHAPE, "The disclosed elements are not grouped by namespace.")
        wrapped = [item for item in items if isinstance(item, Embedded)]
        if len(wrapped) != len(items):
            raise refused(SHAPE, "A disclosed element is not CBOR under tag 24.")
        spaces[space] = wrapped
    if sum(map(len, spaces.values())) > limits.ELEMENTS_MAX:
        raise refused(LENGTH, "There are too many disclosed elements.")
    return spaces


def _read_item(content: bytes) -> tuple[int, str, CborValue]:
    item = cbor.decode_map(content, "A disclosed element")
    match item:
        case {
            "digestID": int() as number,
            "random": bytes() as salt,
            "elementIdentifier": str() as name,
            "elementValue": value,
        } if not isinstance(number, bool):
            if len(salt) < _SALT_MIN_BYTES:
                raise refused(SHAPE, f"The element {name!r:.80} has a salt of {len(salt)} bytes.")
            return number, name, value
        case _:
            raise refused(SHAPE, "A disclosed element lacks its number, salt, name or value.")


def _claim(value: CborValue) -> ClaimValue:
    """A value as a claim: dates become their text, everything else stays as it is."""
    match value:
        case Tagged(number, str() as text) if number in _TEXT_TAGS:
            return text
        case list():
            return [_claim(item) for item in value]
        case dict():
            members: dict[CborKey, ClaimValue] = {}
            for name, item in value.items():
                members[name] = _claim(item)
            return members
        case _:
            return value
