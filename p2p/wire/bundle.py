"""Prekey bundles and device certificates: the public half of a device (docs/spec/bundle.md)."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from msgspec import Meta, Struct

from p2p.wire.codec import pack, unpack_versioned
from p2p.wire.limits import BUNDLE_SIZE_MAX_BYTES, BUNDLE_VERSION

Key32: TypeAlias = Annotated[bytes, Meta(min_length=32, max_length=32)]
Signature64: TypeAlias = Annotated[bytes, Meta(min_length=64, max_length=64)]
UnixSecond: TypeAlias = Annotated[int, Meta(ge=0, le=2**40)]

ML_KEM_768_PUBLIC_BYTES = 1_184


class DeviceCertificate(Struct, frozen=True, array_like=True):
    """The account's word that a device is its own.

    The signature is Ed25519 by the account key over
    ``"molva device certificate 1" || device_key || account_key || created_s``, the last as 8 bytes
    big-endian.
    """

    version: Annotated[int, Meta(ge=1, le=255)]
    account_key: Key32
    device_key: Key32
    created_s: UnixSecond
    signature: Signature64


class PrekeyBundle(Struct, frozen=True, array_like=True):
    """Everything needed to write to a device for the first time.

    ``prekey_signature`` is XEdDSA by the device's identity over the signed prekey, as X3DH asks.
    ``signature`` is Ed25519 by the device key over :meth:`signed_bytes`.

    Attributes:
        one_time: 1 for a bundle made for one invite, whose secrets die with its first session.
        prekey: X25519 signed prekey.
        kem_ml: ML-KEM-768 encapsulation key; ``kem_x25519`` with it makes an X-Wing key.
        created_s, expires_s: Unix seconds.
    """

    version: Annotated[int, Meta(ge=1, le=255)]
    one_time: Annotated[int, Meta(ge=0, le=1)]
    certificate: DeviceCertificate
    prekey: Key32
    prekey_signature: Signature64
    kem_ml: Annotated[
        bytes, Meta(min_length=ML_KEM_768_PUBLIC_BYTES, max_length=ML_KEM_768_PUBLIC_BYTES)
    ]
    kem_x25519: Key32
    created_s: UnixSecond
    expires_s: UnixSecond
    signature: Signature64

    def signed_bytes(self) -> bytes:
        """Give what ``signature`` signs: a label and every other field, encoded."""
        fields = (
            self.version,
            self.one_time,
            self.certificate,
            self.prekey,
            self.prekey_signature,
            self.kem_ml,
            self.kem_x25519,
            self.created_s,
            self.expires_s,
        )
        return b"molva prekey bundle 1" + pack(fields)


def encode_bundle(bundle: PrekeyBundle) -> bytes:
    """Give the bundle's bytes; its hash names it."""
    return pack(bundle)


def decode_bundle(data: bytes) -> PrekeyBundle:
    """Read a bundle; its signatures are checked by :mod:`p2p.sessions`.

    Raises:
        Malformed: no bundle, or out of its bounds.
        WrongVersion: made by another version.
    """
    return unpack_versioned(data, PrekeyBundle, BUNDLE_SIZE_MAX_BYTES, BUNDLE_VERSION)
