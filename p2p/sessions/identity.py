"""Who this device is."""

from __future__ import annotations

from dataclasses import dataclass

from p2p.crypto.account import account_key_of, certify_device, device_key_of
from p2p.wire.bundle import DeviceCertificate
from p2p.wire.ids import AccountKey, DeviceKey


@dataclass(frozen=True, slots=True)
class DeviceIdentity:
    """The secrets of this device and the account's word for it.

    The account seed is not here: it is needed only to certify devices and to write the words.

    Attributes:
        account_key: Ed25519 public key of the account.
        device_key: Ed25519 public key of this device.
        device_seed: 32-byte Ed25519 seed of ``device_key``.
        certificate: signed by the account key.
    """

    account_key: AccountKey
    device_key: DeviceKey
    device_seed: bytes
    certificate: DeviceCertificate


def make_identity(account_seed: bytes, device_seed: bytes, created_s: int) -> DeviceIdentity:
    """Give the identity of a device that an account certifies.

    Args:
        account_seed: 32-byte Ed25519 seed, the one behind the 24 words.
        device_seed: 32 fresh random bytes, made on this device.
        created_s: Unix seconds.
    """
    device_key = device_key_of(device_seed)
    certificate = certify_device(account_seed, device_key, created_s)
    return DeviceIdentity(account_key_of(account_seed), device_key, device_seed, certificate)
