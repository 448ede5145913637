"""Session transcripts: the bytes that tie a device's proof to one session and one verifier.

The verifier builds the transcript from its own request and never takes it from the answer.
Sources: ISO/IEC 18013-5 section 9.1.5.1; OpenID4VP 1.0 section B.2.6.
"""

from __future__ import annotations

import hashlib
import json
from typing import Final

from p2p.credentials import cbor, limits
from p2p.credentials.cbor import Embedded
from p2p.credentials.encoding import JsonObject
from p2p.errors import CredentialError, InvalidInput

_NULL: Final = b"\xf6"
NO_THUMBPRINT: Final = b""
"""The answer is not encrypted to a key of ours."""
QR_HANDOVER: Final = _NULL
"""The handover of an engagement by QR code."""
_THUMBPRINT_MEMBERS: Final = {"EC": ("crv", "kty", "x", "y"), "OKP": ("crv", "kty", "x")}


def openid4vp_transcript(
    client_id: str, nonce: str, response_uri: str, thumbprint: bytes = NO_THUMBPRINT
) -> bytes:
    """The transcript of an OpenID4VP request by redirect (section B.2.6.1).

    Args:
        client_id: the verifier's identifier with its prefix.
        nonce: the request's nonce.
        response_uri: where the answer goes, the redirect or response URI.
        thumbprint: SHA-256 thumbprint of the key that the answer is encrypted to.
    """
    information = (
        cbor.encode_text(client_id),
        cbor.encode_text(nonce),
        _thumbprint(thumbprint),
        cbor.encode_text(response_uri),
    )
    return _handover_transcript("OpenID4VPHandover", cbor.encode_array(information))


def openid4vp_browser_transcript(
    origin: str, nonce: str, thumbprint: bytes = NO_THUMBPRINT
) -> bytes:
    """The transcript of an OpenID4VP request by the Digital Credentials API (section B.2.6.2)."""
    information = (cbor.encode_text(origin), cbor.encode_text(nonce), _thumbprint(thumbprint))
    return _handover_transcript("OpenID4VPDCAPIHandover", cbor.encode_array(information))


def proximity_transcript(engagement: bytes, reader_key: bytes, handover: bytes) -> bytes:
    """The transcript of a face-to-face session of ISO 18013-5.

    Args:
        engagement: the CBOR of the device engagement, as received.
        reader_key: the CBOR of our ephemeral COSE_Key, as sent.
        handover: the CBOR of the handover: :data:`QR_HANDOVER`, or what NFC exchanged.
    """
    return cbor.encode_array(
        (cbor.encode_embedded(engagement), cbor.encode_embedded(reader_key), handover)
    )


def jwk_thumbprint(jwk: JsonObject) -> bytes:
    """The SHA-256 thumbprint of a public JWK (RFC 7638 section 3).

    Raises:
        InvalidInput: the key is of an unknown kind or lacks a member.
    """
    kind = jwk.get("kty")
    names = _THUMBPRINT_MEMBERS.get(kind, ()) if isinstance(kind, str) else ()
    if not names or any(not isinstance(jwk.get(name), str) for name in names):
        raise InvalidInput("A thumbprint needs a complete public EC or OKP key.")
    canonical = json.dumps({name: jwk[name] for name in names}, separators=(",", ":"))
    return hashlib.sha256(canonical.encode("ascii")).digest()


def bare_transcript(transcript: bytes) -> bytes:
    """The transcript itself, where it may come wrapped under tag 24.

    Raises:
        InvalidInput: it is not an array of three, or too large. The transcript is our own.
    """
    if len(transcript) > limits.TRANSCRIPT_SIZE_MAX_BYTES:
        raise InvalidInput("The session transcript is too large.")
    try:
        value = cbor.decode(transcript, "The session transcript")
        if isinstance(value, Embedded):
            transcript = value.content
            value = cbor.decode(transcript, "The session transcript")
    except CredentialError as exc:
        raise InvalidInput(str(exc)) from exc
    if not isinstance(value, list) or len(value) != 3:
        raise InvalidInput("The session transcript is not a CBOR array of three.")
    return transcript


def _handover_transcript(name: str, information: bytes) -> bytes:
    digest = hashlib.sha256(information).digest()
    handover = cbor.encode_array((cbor.encode_text(name), cbor.encode_bytes(digest)))
    return cbor.encode_array((_NULL, _NULL, handover))


def _thumbprint(thumbprint: bytes) -> bytes:
    return cbor.encode_bytes(thumbprint) if thumbprint else _NULL
