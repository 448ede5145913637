"""Accounts and devices: 24 words, the account key, and its word for a device.

Source of the words: BIP-39. The 256 bits that they encode are the account's Ed25519 seed itself;
no passphrase and no stretching are involved.
"""

from __future__ import annotations

from typing import Final

from mnemonic import Mnemonic

from p2p.crypto.signing import SEED_SIZE_BYTES, check_signature, public_key_of, sign
from p2p.errors import InvalidInput, WrongVersion
from p2p.wire.bundle import DeviceCertificate
from p2p.wire.ids import AccountKey, DeviceKey

WORDS_COUNT: Final = 24
CERTIFICATE_VERSION: Final = 1
_CERTIFICATE_LABEL: Final = b"molva device certificate 1"


def words_of(seed: bytes) -> str:
    """Give the 24 English words of a 32-byte account seed, separated by spaces."""
    assert len(seed) == SEED_SIZE_BYTES
    return Mnemonic("english").to_mnemonic(seed)


def seed_of(words: str) -> bytes:
    """Give the account seed that 24 words stand for; case and spacing do not matter.

    Raises:
        InvalidInput: another count, an unknown word, or a checksum that does not hold.
    """
    spelled = words.lower().split()
    if len(spelled) != WORDS_COUNT:
        raise InvalidInput(f"An account has {WORDS_COUNT} words, not {len(spelled)}.")
    reader = Mnemonic("english")
    for place, word in enumerate(spelled, start=1):
        if word not in reader.wordlist:
            raise InvalidInput(f"Word {place} is none of the 2,048 words: {word[:16]!r}.")
    try:
        return bytes(reader.to_entropy(spelled))
    except ValueError as exc:
        raise InvalidInput(
            "These words do not belong together: one is wrong or misplaced."
        ) from exc


def account_key_of(seed: bytes) -> AccountKey:
    """Give the public account key of a seed."""
    return AccountKey(public_key_of(seed))


def device_key_of(seed: bytes) -> DeviceKey:
    """Give the public device key of a device seed."""
    return DeviceKey(public_key_of(seed))


def certify_device(account_seed: bytes, device_key: DeviceKey, created_s: int) -> DeviceCertificate:
    """Give the account's word that a device is its own."""
    account_key = account_key_of(account_seed)
    signature = sign(account_seed, _signed_bytes(account_key, device_key, created_s))
    return DeviceCertificate(CERTIFICATE_VERSION, account_key, device_key, created_s, signature)


def check_certificate(certificate: DeviceCertificate) -> DeviceCertificate:
    """Give the certificate back once its account has signed it.

    Raises:
        WrongVersion: made by another version.
        NotAuthentic: the account's signature does not hold.
    """
    if certificate.version != CERTIFICATE_VERSION:
        raise WrongVersion(
            f"A device certificate of version {certificate.version}; "
            f"this node reads {CERTIFICATE_VERSION}."
        )
    signed = _signed_bytes(certificate.account_key, certificate.device_key, certificate.created_s)
    check_signature(certificate.account_key, signed, certificate.signature)
    return certificate


def _signed_bytes(account_key: bytes, device_key: bytes, created_s: int) -> bytes:
    return _CERTIFICATE_LABEL + device_key + account_key + created_s.to_bytes(8, "big")
