"""HPKE (RFC 9180) with X-Wing: one message to a public key, safe against later quantum computers.

The key encapsulation is ML-KEM-768 with X25519 (0x647a, draft-connolly-cfrg-xwing-kem), the key
derivation HKDF-SHA256 (1), the cipher ChaCha20-Poly1305 (3).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hpke
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from p2p.crypto.kdf import LABEL_PREFIX
from p2p.errors import NotAuthentic

ML_KEM_SEED_BYTES: Final = 64
SECRET_SIZE_BYTES: Final = ML_KEM_SEED_BYTES + 32
"""ML-KEM-768 seed (d || z) and X25519 private key."""


@dataclass(frozen=True, slots=True)
class KemPublic:
    """Both public halves: ML-KEM-768 (1,184 bytes) and X25519 (32 bytes)."""

    ml: bytes
    x25519: bytes


def public_of(secret: bytes) -> KemPublic:
    """Give the public halves of a 96-byte secret."""
    ml, x25519 = _halves(secret)
    return KemPublic(ml.public_key().public_bytes_raw(), x25519.public_key().public_bytes_raw())


def check_public(public: KemPublic) -> KemPublic:
    """Give the key back once a message can be sealed to it.

    Raises:
        NotAuthentic: no ML-KEM-768 key, or an X25519 key of small order.
    """
    seal(public, b"molva hpke check", b"")
    return public


def seal(public: KemPublic, info: bytes, plaintext: bytes) -> bytes:
    """Give ``encapsulated key 1120 | ciphertext | MAC 16``.

    Args:
        public: whom it is for.
        info: bound to the ciphertext, known to both sides; begins with a label of ours.
        plaintext: what to say.

    Raises:
        NotAuthentic: the public key is none.
    """
    assert info.startswith(LABEL_PREFIX)
    try:
        key = hpke.MLKEM768X25519PublicKey(
            MLKEM768PublicKey.from_public_bytes(public.ml),
            X25519PublicKey.from_public_bytes(public.x25519),
        )
        return _suite().encrypt(plaintext, key, info)
    except ValueError as exc:
        raise NotAuthentic("A bundle's encapsulation key is no key.") from exc


def open_sealed(secret: bytes, info: bytes, sealed: bytes) -> bytes:
    """Give the plaintext.

    Raises:
        NotAuthentic: for another key, under another ``info``, or altered.
    """
    assert info.startswith(LABEL_PREFIX)
    try:
        return _suite().decrypt(sealed, hpke.MLKEM768X25519PrivateKey(*_halves(secret)), info)
    except (InvalidTag, ValueError) as exc:
        raise NotAuthentic("A first contact does not open.") from exc


def _halves(secret: bytes) -> tuple[MLKEM768PrivateKey, X25519PrivateKey]:
    assert len(secret) == SECRET_SIZE_BYTES
    return (
        MLKEM768PrivateKey.from_seed_bytes(secret[:ML_KEM_SEED_BYTES]),
        X25519PrivateKey.from_private_bytes(secret[ML_KEM_SEED_BYTES:]),
    )


def _suite() -> hpke.Suite:
    return hpke.Suite(hpke.KEM.MLKEM768_X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.CHACHA20_POLY1305)
