"""What a person imports: one credential with its key, or a bundle of copies, as files hold them.

A file may be an SD-JWT VC (text), an mdoc's IssuerSigned structure (CBOR, or its base64url text),
or our JSON bundle, in which each copy has its key beside it (docs/spec/credential-bundle.md).
"""

from __future__ import annotations

from typing import Final

from p2p.credentials.encoding import (
    JsonObject,
    JsonValue,
    base64url_decode,
    decode_json_object,
)
from p2p.credentials.held import Held, read_held_mdoc, read_held_sd_jwt
from p2p.credentials.presentation import MDOC_FORMAT, SD_JWT_FORMAT
from p2p.credentials.private_keys import PrivateKey, read_private_key
from p2p.errors import CredentialError, InvalidInput

BUNDLE_MARK: Final = "molva_credential_bundle"
BUNDLE_VERSION: Final = 1
COPIES_MAX: Final = 200
"""Copies of one credential; a wallet asks for some tens at a time."""
_WHITE: Final = b" \t\r\n"


def read_import(data: bytes, key: bytes) -> list[tuple[Held, bytes]]:
    """Every copy in a file, each with the bytes to keep of it.

    Args:
        data: the file.
        key: the holder key in PEM, where it is not in the file.

    Raises:
        InvalidInput: no credential of ours, no key, or a key where the file has its own.
        CredentialError: a credential that no verifier would read, or whose key is another.
    """
    stripped = data.strip(_WHITE)
    if stripped.startswith(b"{"):
        if key:
            raise InvalidInput("The bundle has its keys in it: leave --key out.")
        return _read_bundle(stripped)
    if not stripped:
        raise InvalidInput("The file is empty.")
    if not key:
        raise InvalidInput("A credential needs its holder key: name it with --key.")
    private = read_private_key(key)
    if b"~" in stripped and stripped.isascii():
        return [_sd_jwt(stripped, private)]
    if stripped.isascii():
        return [_mdoc(_decoded(stripped.decode("ascii")), private)]
    return [_mdoc(data, private)]


def _read_bundle(data: bytes) -> list[tuple[Held, bytes]]:
    try:
        members = decode_json_object(data, "The bundle")
    except CredentialError as exc:
        raise InvalidInput(str(exc)) from exc
    if members.get(BUNDLE_MARK) != BUNDLE_VERSION:
        raise InvalidInput(
            f"This JSON is no credential bundle: it has no {BUNDLE_MARK!r} of {BUNDLE_VERSION}."
        )
    copies = members.get("copies")
    if not isinstance(copies, list) or not copies:
        raise InvalidInput("The bundle has no copies.")
    if len(copies) > 2 * COPIES_MAX:
        raise InvalidInput(
            f"The bundle has {len(copies)} copies; at most {2 * COPIES_MAX} are taken."
        )
    return [_read_copy(copy, number) for number, copy in enumerate(copies, start=1)]


def _read_copy(copy: JsonValue, number: int) -> tuple[Held, bytes]:
    if not isinstance(copy, dict):
        raise InvalidInput(f"Copy {number} of the bundle is no object.")
    private = read_private_key(_text(copy, "holder_key", number).encode("utf-8"))
    match copy.get("format"):
        case str(name) if name == SD_JWT_FORMAT:
            return _sd_jwt(_text(copy, "credential", number).encode("utf-8"), private)
        case str(name) if name == MDOC_FORMAT:
            return _mdoc(_decoded(_text(copy, "issuer_signed", number)), private)
        case _:
            raise InvalidInput(
                f"Copy {number} of the bundle is of no format that is known: "
                f"{SD_JWT_FORMAT} or {MDOC_FORMAT}."
            )


def _sd_jwt(data: bytes, key: PrivateKey) -> tuple[Held, bytes]:
    return read_held_sd_jwt(data, key), data


def _mdoc(data: bytes, key: PrivateKey) -> tuple[Held, bytes]:
    return read_held_mdoc(data, key), data


def _decoded(text: str) -> bytes:
    try:
        return base64url_decode("".join(text.split()), "The credential")
    except CredentialError as exc:
        raise InvalidInput(
            "This is no credential: neither an SD-JWT VC, nor an mdoc in CBOR or base64url, "
            "nor a bundle."
        ) from exc


def _text(copy: JsonObject, name: str, number: int) -> str:
    value = copy.get(name)
    if not isinstance(value, str) or not value:
        raise InvalidInput(f"Copy {number} of the bundle has no {name!r}.")
    return value
