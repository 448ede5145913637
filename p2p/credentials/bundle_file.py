"""Credentials with their holder keys as one JSON text, from a test issuer to a wallet.

docs/spec/credential-bundle.md. A bundle holds single-use copies: credentials that say the same
and share neither salt nor signature nor key, so that two verifiers cannot tell that they saw one
person.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from p2p.credentials.encoding import (
    JsonObject,
    JsonValue,
    base64url_decode,
    base64url_encode,
    decode_json_object,
)
from p2p.credentials.issuer import private_key_pem
from p2p.credentials.presentation import MDOC_FORMAT, SD_JWT_FORMAT
from p2p.credentials.private_keys import PrivateKey, read_private_key
from p2p.errors import CredentialError, InvalidInput

BUNDLE_VERSION: Final = 1
COPIES_MAX: Final = 1_000
"""Copies that one bundle may hold."""


@dataclass(frozen=True, slots=True)
class IssuedSdJwt:
    """An SD-JWT VC as its issuer gives it: ``jwt~disclosure~...~``."""

    text: str
    holder: PrivateKey


@dataclass(frozen=True, slots=True)
class IssuedMdoc:
    """An mdoc as its issuer gives it: the CBOR of IssuerSigned."""

    issuer_signed: bytes
    holder: PrivateKey


def write_bundle(copies: Sequence[IssuedSdJwt | IssuedMdoc]) -> bytes:
    """The bundle's JSON text, with a line break at its end."""
    bundle: JsonObject = {
        "molva_credential_bundle": BUNDLE_VERSION,
        "copies": [_copy(copy) for copy in copies],
    }
    return json.dumps(bundle, indent=1).encode("ascii") + b"\n"


def read_bundle(data: bytes) -> list[IssuedSdJwt | IssuedMdoc]:
    """The copies in a bundle's JSON text.

    Raises:
        InvalidInput: it is no bundle, or one of another version.
    """
    try:
        members = decode_json_object(data, "The bundle")
        version, listed = members.get("molva_credential_bundle"), members.get("copies")
        if version != BUNDLE_VERSION or isinstance(version, bool) or not isinstance(listed, list):
            raise InvalidInput(f"This is no credential bundle of version {BUNDLE_VERSION}.")
        return [_read_copy(each) for each in listed]
    except CredentialError as exc:
        raise InvalidInput(str(exc)) from exc


def _read_copy(value: JsonValue) -> IssuedSdJwt | IssuedMdoc:
    match value:
        case {"format": "dc+sd-jwt", "credential": str() as text, "holder_key": str() as pem}:
            return IssuedSdJwt(text, _holder(pem))
        case {"format": "mso_mdoc", "issuer_signed": str() as text, "holder_key": str() as pem}:
            return IssuedMdoc(base64url_decode(text, "An mdoc"), _holder(pem))
        case _:
            raise InvalidInput("A copy in the bundle lacks its format, credential or holder key.")


def _holder(pem: str) -> PrivateKey:
    return read_private_key(pem.encode("utf-8", "replace"))


def _copy(copy: IssuedSdJwt | IssuedMdoc) -> JsonObject:
    key = private_key_pem(copy.holder).decode("ascii")
    match copy:
        case IssuedSdJwt():
            return {"format": SD_JWT_FORMAT, "credential": copy.text, "holder_key": key}
        case IssuedMdoc():
            text = base64url_encode(copy.issuer_signed)
            return {"format": MDOC_FORMAT, "issuer_signed": text, "holder_key": key}
