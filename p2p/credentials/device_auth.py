"""The device's proof for one session (ISO/IEC 18013-5 sections 9.1.3.4 to 9.1.3.6)."""

from __future__ import annotations

import hashlib
from typing import Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, x25519
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from p2p.credentials import cbor
from p2p.credentials.cbor import CborMap, CborValue, Embedded
from p2p.credentials.cose import (
    MAC0_TAG,
    SIGN1_TAG,
    CoseMessage,
    read_message,
    verify_mac0,
    verify_sign1,
)
from p2p.credentials.keys import DeviceKey
from p2p.credentials.presentation import HolderProof, NoReaderKey, ReaderKey
from p2p.credentials.rules import DEVICE_AUTHENTICATION, SIGNATURE, refused
from p2p.errors import CredentialError

_SIGNATURE: Final = "deviceSignature"
_MAC: Final = "deviceMac"
_MAC_KEY_BYTES: Final = 32
_CONTEXT: Final = cbor.encode_text("DeviceAuthentication")


def authentication_bytes(transcript: bytes, doc_type: str, asserted: Embedded) -> bytes:
    """The DeviceAuthenticationBytes that the device signs or authenticates.

    The transcript is ours and the asserted elements are the original bytes received.
    """
    return cbor.encode_embedded(
        cbor.encode_array(
            (
                _CONTEXT,
                transcript,
                cbor.encode_text(doc_type),
                asserted.raw,
            )
        )
    )


def verify_device(
    proofs: CborMap,
    covered: bytes,
    device_key: DeviceKey,
    transcript: bytes,
    reader_key: ReaderKey | NoReaderKey,
) -> HolderProof:
    """How the device proved its presence.

    Args:
        proofs: the ``deviceAuth`` map, which must hold exactly one proof.
        covered: the bytes of :func:`authentication_bytes`.
        device_key: the key that the issuer signed.
        transcript: the bare session transcript.
        reader_key: our ephemeral key, which a MAC needs.

    Raises:
        CredentialError: rule ``device-authentication``, or ``algorithm``, ``signature-form``,
            ``critical-header`` and ``shape`` for what is wrong with the message.
    """
    if len(proofs) != 1:
        raise refused(DEVICE_AUTHENTICATION, f"The device gave {len(proofs)} proofs, not one.")
    if _SIGNATURE in proofs:
        _verify_signature(proofs[_SIGNATURE], covered, device_key)
        return HolderProof.DEVICE_SIGNATURE
    if _MAC in proofs:
        message = _detached(proofs[_MAC], MAC0_TAG)
        key = _mac_key(device_key, reader_key, transcript)
        verify_mac0(message, covered, key, "the device's proof")
        return HolderProof.DEVICE_MAC
    raise refused(DEVICE_AUTHENTICATION, "The device gave a proof of an unknown kind.")


def _verify_signature(value: CborValue, covered: bytes, key: DeviceKey) -> None:
    if isinstance(key, x25519.X25519PublicKey):
        raise refused(DEVICE_AUTHENTICATION, "The device's key cannot sign.")
    message = _detached(value, SIGN1_TAG)
    try:
        verify_sign1(message, covered, key, "the device's proof")
    except CredentialError as exc:
        if exc.rule != SIGNATURE.name:
            raise
        raise refused(
            DEVICE_AUTHENTICATION, "The device's signature is not for this session."
        ) from exc


def _detached(value: CborValue, tag: int) -> CoseMessage:
    message = read_message(value, tag, "The device's proof")
    if message.payload is not None:
        raise refused(DEVICE_AUTHENTICATION, "The device's proof brings its own payload.")
    return message


def _mac_key(
    device_key: DeviceKey, reader_key: ReaderKey | NoReaderKey, transcript: bytes
) -> bytes:
    """EMacKey, from the secret that device and reader share (section 9.1.3.5)."""
    derivation = HKDF(
        algorithm=hashes.SHA256(),
        length=_MAC_KEY_BYTES,
        salt=hashlib.sha256(cbor.encode_embedded(transcript)).digest(),
        info=b"EMacKey",
    )
    return derivation.derive(_shared_secret(device_key, reader_key))


def _shared_secret(device_key: DeviceKey, reader_key: ReaderKey | NoReaderKey) -> bytes:
    try:
        match reader_key, device_key:
            case ec.EllipticCurvePrivateKey(), ec.EllipticCurvePublicKey():
                return reader_key.exchange(ec.ECDH(), device_key)
            case x25519.X25519PrivateKey(), x25519.X25519PublicKey():
                return reader_key.exchange(device_key)
            case _:
                raise refused(
                    DEVICE_AUTHENTICATION, "There is no reader key that fits the device's key."
                )
    except ValueError as exc:  # another curve, or a point of small order
        raise refused(DEVICE_AUTHENTICATION, "The device's key does not fit the reader's.") from exc
