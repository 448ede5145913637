"""Presentations: the elements that a holder agreed to show, with a proof for one session.

Nothing of the issuer's is re-encoded: disclosures and elements leave as the bytes that were
signed. Sources: RFC 9901 section 4.3 (key binding), OpenID4VP 1.0 section B.3.3.1 (transaction
data), ISO/IEC 18013-5 sections 8.3.2.1.2.2 and 9.1.3.
"""

from __future__ import annotations

import json
from typing import Final

from p2p.credentials import cbor
from p2p.credentials.cbor import Embedded
from p2p.credentials.cose import LABEL_ALG, LABEL_X5CHAIN, CoseMessage, certificate_chain
from p2p.credentials.device_auth import authentication_bytes
from p2p.credentials.disclosures import digest_algorithm, hash_text
from p2p.credentials.element_names import SEPARATOR
from p2p.credentials.encoding import JsonObject, base64url_encode
from p2p.credentials.held import Held, HeldSdJwt
from p2p.credentials.mdoc import IssuedDocument
from p2p.credentials.presentation import MdocRequest, Request, SdJwtRequest
from p2p.credentials.private_keys import PrivateKey, cose_algorithm, jose_algorithm, sign_raw
from p2p.credentials.sd_jwt import KEY_BINDING_TYP
from p2p.credentials.session_transcript import bare_transcript
from p2p.errors import InvalidInput

_NOTHING_ASSERTED: Final = b"\xa0"
_SHA_256: Final = "sha-256"


def present(held: Held, names: tuple[str, ...], request: Request, now: int) -> bytes:
    """A presentation of these elements, for exactly this request.

    Args:
        held: the credential with its holder's key.
        names: the credential's own names of what is to be shown.
        request: what was asked, as the verifier will check it.
        now: seconds since 1970, when the holder agrees; an mdoc carries no such time.

    Raises:
        InvalidInput: a name that the credential does not have, or a request of another format.
    """
    unknown = [name for name in names if name not in held.names()]
    if unknown:
        raise InvalidInput(f"The credential has no element {unknown[0]!r:.80}.")
    match held.body, request:
        case HeldSdJwt() as body, SdJwtRequest():
            return _sd_jwt(held.key, body, names, request, now)
        case IssuedDocument() as body, MdocRequest():
            return _device_response(held.key, body, names, request)
        case _:
            raise InvalidInput("The request is for a credential of another format.")


def _sd_jwt(
    key: PrivateKey, body: HeldSdJwt, names: tuple[str, ...], request: SdJwtRequest, now: int
) -> bytes:
    parts = body.parts
    issued = parts.covered.partition("~")[0]
    covered = "~".join([issued, *body.index.needed(names), ""])
    binding: JsonObject = {
        "iat": now,
        "aud": request.audience,
        "nonce": request.nonce,
        "sd_hash": hash_text(covered, digest_algorithm(parts.token.payload), "The credential"),
    }
    if request.transaction_data:
        binding["transaction_data_hashes"] = [
            hash_text(text, _SHA_256, "The transaction") for text in request.transaction_data
        ]
        binding["transaction_data_hashes_alg"] = _SHA_256
    return (covered + _signed_token(key, binding)).encode("ascii")


def _signed_token(key: PrivateKey, payload: JsonObject) -> str:
    header: JsonObject = {"alg": jose_algorithm(key), "typ": KEY_BINDING_TYP}
    texts = (
        base64url_encode(json.dumps(part, separators=(",", ":")).encode("utf-8"))
        for part in (header, payload)
    )
    signed = ".".join(texts)
    return f"{signed}.{base64url_encode(sign_raw(key, signed.encode('ascii')))}"


def _device_response(
    key: PrivateKey, body: IssuedDocument, names: tuple[str, ...], request: MdocRequest
) -> bytes:
    asserted = cbor.encode_embedded(_NOTHING_ASSERTED)
    covered = authentication_bytes(
        bare_transcript(request.session_transcript),
        body.signed.doc_type,
        Embedded(asserted, _NOTHING_ASSERTED),
    )
    signature = _device_signature(key, covered)
    device_signed = _map(
        (cbor.encode_text("nameSpaces"), asserted),
        (cbor.encode_text("deviceAuth"), _map((cbor.encode_text("deviceSignature"), signature))),
    )
    document = _map(
        (cbor.encode_text("docType"), cbor.encode_text(body.signed.doc_type)),
        (cbor.encode_text("issuerSigned"), _issuer_signed(body, names)),
        (cbor.encode_text("deviceSigned"), device_signed),
    )
    return _map(
        (cbor.encode_text("version"), cbor.encode_text("1.0")),
        (cbor.encode_text("documents"), cbor.encode_array((document,))),
        (cbor.encode_text("status"), _integer(0)),
    )


def _issuer_signed(body: IssuedDocument, names: tuple[str, ...]) -> bytes:
    spaces: list[tuple[bytes, bytes]] = []
    for space, items in body.items.items():
        shown = [item.raw for name, item in items.items() if f"{space}{SEPARATOR}{name}" in names]
        if shown:
            spaces.append((cbor.encode_text(space), cbor.encode_array(shown)))
    return _map(
        (cbor.encode_text("nameSpaces"), _map(*spaces)),
        (cbor.encode_text("issuerAuth"), _issuer_auth(body.issuer_auth)),
    )


def _issuer_auth(message: CoseMessage) -> bytes:
    """The issuer's signature as received, with the certificates and no other loose header."""
    unprotected = _map()
    if LABEL_X5CHAIN in message.unprotected:
        chain = [cbor.encode_bytes(der) for der in certificate_chain(message, "The credential")]
        value = chain[0] if len(chain) == 1 else cbor.encode_array(chain)
        unprotected = _map((_integer(LABEL_X5CHAIN), value))
    return cbor.encode_array(
        (
            cbor.encode_bytes(message.protected_bytes),
            unprotected,
            cbor.encode_bytes(message.payload or b""),
            cbor.encode_bytes(message.seal),
        )
    )


def _device_signature(key: PrivateKey, covered: bytes) -> bytes:
    protected = _map((_integer(LABEL_ALG), _integer(cose_algorithm(key))))
    signed = cbor.encode_array(
        (
            cbor.encode_text("Signature1"),
            cbor.encode_bytes(protected),
            cbor.encode_bytes(b""),
            cbor.encode_bytes(covered),
        )
    )
    return cbor.encode_array(
        (
            cbor.encode_bytes(protected),
            _map(),
            b"\xf6",
            cbor.encode_bytes(sign_raw(key, signed)),
        )
    )


def _map(*members: tuple[bytes, bytes]) -> bytes:
    """A CBOR map of members that are encoded already."""
    return cbor.encode_head(5, len(members)) + b"".join(name + value for name, value in members)


def _integer(number: int) -> bytes:
    return cbor.encode_head(0, number) if number >= 0 else cbor.encode_head(1, -1 - number)
