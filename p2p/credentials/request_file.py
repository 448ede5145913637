"""A request as JSON, as the stateless tool takes it from a file of our own."""

from __future__ import annotations

from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec, x25519

from p2p.credentials.encoding import (
    JsonObject,
    JsonValue,
    base64url_decode,
    decode_json_object,
)
from p2p.credentials.keys import key_from_jwk
from p2p.credentials.presentation import (
    MDOC_FORMAT,
    SD_JWT_FORMAT,
    MdocRequest,
    NoReaderKey,
    ReaderKey,
    Request,
    SdJwtRequest,
)
from p2p.credentials.session_transcript import bare_transcript
from p2p.errors import CredentialError, InvalidInput

REQUEST_SIZE_MAX_BYTES: Final = 1 << 20
"""Our own text; a transcript of the largest size and a page of transaction data fit in well."""
_WHAT: Final = "The request"
_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
"""What some editors put before a text."""


def read_request(data: bytes) -> Request:
    """The request that a JSON text describes.

    ``{"format": "dc+sd-jwt", "audience", "nonce", "vct", "transaction_data"?: [text]}`` or
    ``{"format": "mso_mdoc", "doc_type", "session_transcript": base64url, "reader_key"?: JWK}``,
    where ``reader_key`` is our own ephemeral private key, which a device's MAC needs.

    Raises:
        InvalidInput: the text is no request.
    """
    try:
        members = decode_json_object(data.removeprefix(_BYTE_ORDER_MARK), _WHAT)
        match members.get("format"):
            case str(name) if name == SD_JWT_FORMAT:
                return _sd_jwt_request(members)
            case str(name) if name == MDOC_FORMAT:
                return _mdoc_request(members)
            case _:
                raise InvalidInput(f"A request is for {SD_JWT_FORMAT!r} or {MDOC_FORMAT!r}.")
    except CredentialError as exc:
        raise InvalidInput(str(exc)) from exc


def _sd_jwt_request(members: JsonObject) -> SdJwtRequest:
    given = members.get("transaction_data")
    listed: JsonValue = [] if given is None else given
    texts = [text for text in listed if isinstance(text, str)] if isinstance(listed, list) else []
    if texts != listed:
        raise InvalidInput("The request's transaction_data is no list of texts.")
    return SdJwtRequest(
        _text(members, "audience"), _text(members, "nonce"), _text(members, "vct"), tuple(texts)
    )


def _mdoc_request(members: JsonObject) -> MdocRequest:
    text = _text(members, "session_transcript").rstrip("=")  # padding in our own file does no harm
    transcript = base64url_decode(text, "The session transcript")
    return MdocRequest(
        _text(members, "doc_type"), bare_transcript(transcript), _reader_key(members)
    )


def _reader_key(members: JsonObject) -> ReaderKey | NoReaderKey:
    jwk = members.get("reader_key")
    if jwk is None:
        return NoReaderKey()
    if not isinstance(jwk, dict):
        raise InvalidInput("The request's reader_key is no JWK.")
    if jwk.get("kty") == "OKP" and jwk.get("crv") == "X25519":
        return _montgomery_key(jwk)
    public = key_from_jwk({name: jwk[name] for name in jwk if name != "d"}, "The reader key")
    number = int.from_bytes(base64url_decode(_text(jwk, "d"), "The reader key"), "big")
    if not isinstance(public, ec.EllipticCurvePublicKey):
        raise InvalidInput("The request's reader_key is of a kind that agrees on no secret.")
    try:
        private = ec.derive_private_key(number, public.curve)
    except ValueError as exc:
        raise InvalidInput("The request's reader_key is no private key.") from exc
    if private.public_key() != public:
        raise InvalidInput("The request's reader_key has halves that do not match.")
    return private


def _montgomery_key(jwk: JsonObject) -> x25519.X25519PrivateKey:
    """A private X25519 key (RFC 8037)."""
    public, secret = (base64url_decode(_text(jwk, name), "The reader key") for name in ("x", "d"))
    try:
        private = x25519.X25519PrivateKey.from_private_bytes(secret)
    except ValueError as exc:
        raise InvalidInput("The request's reader_key is no private key.") from exc
    if private.public_key().public_bytes_raw() != public:
        raise InvalidInput("The request's reader_key has halves that do not match.")
    return private


def _text(members: JsonObject, name: str) -> str:
    value = members.get(name)
    if not isinstance(value, str) or not value:
        raise InvalidInput(f"The request has no {name!r}.")
    return value
