"""XChaCha20-Poly1305: a long random nonce, so that no state is needed to keep nonces apart."""

from __future__ import annotations

from typing import Final

from nacl.bindings import (
    crypto_aead_xchacha20poly1305_ietf_decrypt,
    crypto_aead_xchacha20poly1305_ietf_encrypt,
)
from nacl.exceptions import CryptoError

from p2p.errors import NotAuthentic

KEY_SIZE_BYTES: Final = 32
NONCE_SIZE_BYTES: Final = 24
MAC_SIZE_BYTES: Final = 16


def seal(key: bytes, nonce: bytes, associated: bytes, plaintext: bytes) -> bytes:
    """Give the ciphertext, 16 bytes longer than the plaintext; ``nonce`` is used once per key."""
    return crypto_aead_xchacha20poly1305_ietf_encrypt(plaintext, associated, nonce, key)


def open_sealed(key: bytes, nonce: bytes, associated: bytes, sealed: bytes) -> bytes:
    """Give the plaintext.

    Raises:
        NotAuthentic: another key, nonce or associated data, or altered bytes.
    """
    if len(sealed) < MAC_SIZE_BYTES:
        raise NotAuthentic("A ciphertext shorter than its authenticator.")
    try:
        return crypto_aead_xchacha20poly1305_ietf_decrypt(sealed, associated, nonce, key)
    except CryptoError as exc:
        raise NotAuthentic("A ciphertext does not authenticate.") from exc
