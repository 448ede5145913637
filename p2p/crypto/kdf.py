"""Key derivation: HKDF-SHA256 and BLAKE2b, always under a label of ours."""

from __future__ import annotations

import hashlib
from typing import Final

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

LABEL_PREFIX: Final = b"molva "


def hkdf(secret: bytes, salt: bytes, label: bytes, size_bytes: int) -> bytes:
    """Give ``size_bytes`` bytes for one purpose: HKDF-SHA256 (RFC 5869).

    Args:
        secret: input key material.
        salt: may be public; sets one use of the secret apart from another.
        label: the ``info``, naming the purpose; begins with ``molva``.
        size_bytes: at most 255 * 32.
    """
    assert label.startswith(LABEL_PREFIX)
    return HKDF(algorithm=SHA256(), length=size_bytes, salt=salt, info=label).derive(secret)


def keyed_hash(key: bytes, label: bytes, data: bytes, size_bytes: int) -> bytes:
    """Give BLAKE2b of ``data`` under a secret key, personalised with ``label``.

    Args:
        key: 1 to 64 bytes.
        label: begins with ``molva``, at most 16 bytes.
        data: what to hash.
        size_bytes: 1 to 64.
    """
    assert label.startswith(LABEL_PREFIX)
    return hashlib.blake2b(data, digest_size=size_bytes, key=key, person=label).digest()


def labelled_hash(label: bytes, data: bytes, size_bytes: int) -> bytes:
    """Give BLAKE2b of ``data`` without a key, personalised with ``label`` (at most 16 bytes)."""
    assert label.startswith(LABEL_PREFIX)
    return hashlib.blake2b(data, digest_size=size_bytes, person=label).digest()
