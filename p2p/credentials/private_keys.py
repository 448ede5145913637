"""Private keys of holders: read once, kept in the store, used to prove possession.

The counterpart of :mod:`p2p.credentials.keys`: what it may verify, this may sign. A key is never
printed, logged or part of an answer; :func:`stored_form` is for the encrypted store alone.
"""

from __future__ import annotations

from typing import Final, TypeAlias

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from p2p.credentials.keys import DeviceKey
from p2p.errors import InvalidInput

PrivateKey: TypeAlias = (
    ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | ed448.Ed448PrivateKey
)

KEY_SIZE_MAX_BYTES: Final = 8_192
_NAMES: Final = {
    "secp256r1": ("ES256", -7, hashes.SHA256(), 32),
    "secp384r1": ("ES384", -35, hashes.SHA384(), 48),
    "secp521r1": ("ES512", -36, hashes.SHA512(), 66),
    "brainpoolP256r1": ("ESB256", -7, hashes.SHA256(), 32),
    "brainpoolP384r1": ("ESB384", -35, hashes.SHA384(), 48),
    "brainpoolP512r1": ("ESB512", -36, hashes.SHA512(), 64),
}
"""By curve: the names for JOSE and COSE, the hash, and the bytes of a coordinate."""
_EDWARDS: Final = ("EdDSA", -8)


def read_private_key(data: bytes) -> PrivateKey:
    """The private key of a PEM text (PKCS #8, or SEC 1 for an elliptic curve) or of PKCS #8 DER.

    Raises:
        InvalidInput: no private key, an encrypted one, or one that cannot sign for a credential.
    """
    if len(data) > KEY_SIZE_MAX_BYTES:
        raise InvalidInput("The holder key is larger than any key.")
    load = (
        serialization.load_pem_private_key
        if data.lstrip().startswith(b"-----")
        else serialization.load_der_private_key
    )
    try:
        key = load(data, password=None)
    except TypeError as exc:
        raise InvalidInput("The holder key is encrypted: give it without a password.") from exc
    except (ValueError, UnsupportedAlgorithm) as exc:
        raise InvalidInput("The holder key is no private key in PEM (PKCS #8).") from exc
    if isinstance(key, ed25519.Ed25519PrivateKey | ed448.Ed448PrivateKey):
        return key
    if isinstance(key, ec.EllipticCurvePrivateKey) and key.curve.name in _NAMES:
        return key
    raise InvalidInput("The holder key is of a kind that no credential is bound to.")


def stored_form(key: PrivateKey) -> bytes:
    """The key as PKCS #8 DER, for the encrypted store and nowhere else."""
    return key.private_bytes(
        serialization.Encoding.DER,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def belongs(key: PrivateKey, public: DeviceKey) -> bool:
    """Whether a private key is the other half of the public key that an issuer bound."""
    return _public_form(key.public_key()) == _public_form(public)


def sign_raw(key: PrivateKey, data: bytes) -> bytes:
    """A signature as tokens carry it: r and s side by side, or an Edwards signature."""
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        return key.sign(data)
    _, _, hash_, size = _NAMES[key.curve.name]
    r, s = decode_dss_signature(key.sign(data, ec.ECDSA(hash_)))
    return r.to_bytes(size, "big") + s.to_bytes(size, "big")


def jose_algorithm(key: PrivateKey) -> str:
    """The ``alg`` of a JWS under this key."""
    return _NAMES[key.curve.name][0] if isinstance(key, ec.EllipticCurvePrivateKey) else _EDWARDS[0]


def cose_algorithm(key: PrivateKey) -> int:
    """The algorithm of a COSE message under this key."""
    return _NAMES[key.curve.name][1] if isinstance(key, ec.EllipticCurvePrivateKey) else _EDWARDS[1]


def _public_form(key: DeviceKey) -> bytes:
    return key.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
