"""What ties an answer to one question, one verifier and one meeting of two nodes.

Both sides work it out for themselves, from what they know and not from what the other says: the
verifier's account key, the context in which they met, and the request's bytes as sent. A proof
that was made for another verifier, in another session, or for a request that differs in a single
byte (another purpose, another element) then fails by the rules of its own format: ``audience``
for an SD-JWT VC, ``device-authentication`` for an mdoc. docs/spec/credential-exchange.md.
"""

from __future__ import annotations

import hashlib
from typing import Final

from p2p.credentials.encoding import base64url_encode
from p2p.credentials.presentation import MDOC_FORMAT, MdocRequest, Request, SdJwtRequest
from p2p.credentials.session_transcript import openid4vp_transcript
from p2p.wire.content import MDOC, SD_JWT
from p2p.wire.ids import AccountKey, SessionId

_PERSON: Final = b"molva cred bind1"
_IN_SESSION: Final = b"s"
_FACE_TO_FACE: Final = b"f"
_MULTICODEC_ED25519: Final = b"\xed\x01"
_BASE58: Final = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"

FORMAT_NAMES: Final = {SD_JWT: "dc+sd-jwt", MDOC: MDOC_FORMAT}
"""The formats' numbers on the wire and their names everywhere else."""
FORMAT_NUMBERS: Final = {name: number for number, name in FORMAT_NAMES.items()}


def session_context(session: SessionId) -> bytes:
    """The context of a question that travelled inside a pairwise session."""
    return _IN_SESSION + session


def engagement_context(bundle_hash: bytes) -> bytes:
    """The context of a question shown as a QR code: its one-time bundle serves nobody else."""
    return _FACE_TO_FACE + bundle_hash


def client_id(verifier: AccountKey, context: bytes, request: bytes) -> str:
    """The verifier's identifier for this one question: a DID URL of its account key.

    Args:
        verifier: the account that asks, as the session or the engagement proves it.
        context: of :func:`session_context` or :func:`engagement_context`.
        request: the bytes of the request, as sent.
    """
    return f"decentralized_identifier:{did_key(verifier)}#{_binding(verifier, context, request)}"


def response_uri(verifier: AccountKey, context: bytes, request: bytes) -> str:
    """Where the answer goes: a name for our own road to the verifier, opened by nobody."""
    return f"molva:credential-answer/{_binding(verifier, context, request)}"


def bound_request(
    format_: str, kind: str, verifier: AccountKey, context: bytes, request: bytes, nonce: bytes
) -> Request:
    """The request in the form in which a presentation is made for it and checked against it.

    Args:
        format_: ``dc+sd-jwt`` or ``mso_mdoc``.
        kind: the ``vct`` or document type that the answer is of.
        verifier, context, request: as for :func:`client_id`.
        nonce: the request's nonce.
    """
    audience = client_id(verifier, context, request)
    nonce_text = base64url_encode(nonce)
    if format_ == MDOC_FORMAT:
        uri = response_uri(verifier, context, request)
        return MdocRequest(kind, openid4vp_transcript(audience, nonce_text, uri))
    return SdJwtRequest(audience, nonce_text, kind)


def did_key(account: AccountKey) -> str:
    """The ``did:key`` of an account's Ed25519 key (W3C CCG, did:key section 3.1.2)."""
    data = _MULTICODEC_ED25519 + account
    number, text = int.from_bytes(data, "big"), ""
    while number:
        number, digit = divmod(number, 58)
        text = _BASE58[digit] + text
    return f"did:key:z{text}"


def _binding(verifier: AccountKey, context: bytes, request: bytes) -> str:
    digest = hashlib.blake2b(digest_size=32, person=_PERSON)
    for part in (verifier, context, request):
        digest.update(len(part).to_bytes(4, "big"))
        digest.update(part)
    return base64url_encode(digest.digest())
