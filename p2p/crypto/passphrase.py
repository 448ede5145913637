"""A key from a passphrase: Argon2id, which costs an attacker memory for each guess."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import Final

import nacl.exceptions
from nacl import pwhash

from p2p.crypto.aead import KEY_SIZE_BYTES
from p2p.errors import EnvironmentFault

SALT_SIZE_BYTES: Final = 16


@dataclass(frozen=True, slots=True)
class StretchCost:
    """What one guess costs: passes over the memory, and how much memory (libsodium's limits)."""

    operations: int
    memory_bytes: int


STRETCH_COST_MODERATE: Final = StretchCost(operations=3, memory_bytes=256 * 1_048_576)
"""libsodium's MODERATE: about 0.7 s on a laptop."""


def stretch(passphrase: str, salt: bytes, cost: StretchCost) -> bytes:
    """Give the 32-byte key of a passphrase: Argon2id version 1.3 with one lane (RFC 9106).

    The text is normalised first (NFKC), since keyboards spell the same letter in several ways.

    Args:
        passphrase: any text.
        salt: 16 random bytes, public.
        cost: kept beside the salt, so that it can be raised for new passphrases.

    Raises:
        EnvironmentFault: there is not so much memory.
    """
    secret = unicodedata.normalize("NFKC", passphrase).encode()
    try:
        return pwhash.argon2id.kdf(
            KEY_SIZE_BYTES,
            secret,
            salt,
            opslimit=cost.operations,
            memlimit=cost.memory_bytes,
        )
    except nacl.exceptions.RuntimeError as exc:
        raise EnvironmentFault(
            f"A passphrase takes {cost.memory_bytes // 1_048_576} MiB of free memory here."
        ) from exc
