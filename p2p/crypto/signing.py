"""Ed25519 signatures; what is signed begins with a label of ours."""

from __future__ import annotations

from typing import Final

from nacl.exceptions import BadSignatureError
from nacl.signing import SigningKey, VerifyKey

from p2p.crypto.kdf import LABEL_PREFIX
from p2p.errors import NotAuthentic

SEED_SIZE_BYTES: Final = 32


def public_key_of(seed: bytes) -> bytes:
    """Give the Ed25519 public key of a 32-byte seed."""
    return bytes(SigningKey(seed).verify_key)


def sign(seed: bytes, labelled: bytes) -> bytes:
    """Give the 64-byte signature over bytes that begin with a label of ours."""
    assert labelled.startswith(LABEL_PREFIX)
    return SigningKey(seed).sign(labelled).signature


def check_signature(public_key: bytes, labelled: bytes, signature: bytes) -> bytes:
    """Give back the signed bytes once their signature holds.

    libsodium refuses keys of small order and signatures that are not canonical.

    Raises:
        NotAuthentic: the signature does not hold.
    """
    assert labelled.startswith(LABEL_PREFIX)
    try:
        return VerifyKey(public_key).verify(labelled, signature)
    except (BadSignatureError, ValueError) as exc:
        raise NotAuthentic("A signature does not hold.") from exc
