"""Public keys of issuers and holders, and the algorithms that each kind may use.

The key decides the algorithm, never the token: a token's ``alg`` must be one that its key
allows. That closes ``none``, HMAC under a public key, and a curve used with a foreign hash
(RFC 8725 sections 3.1 and 3.2).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, x25519
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from p2p.credentials.cbor import CborMap, CborValue, is_integer
from p2p.credentials.encoding import JsonObject, JsonValue, base64url_decode
from p2p.credentials.rules import ALGORITHM, KEY_FORM, SIGNATURE, SIGNATURE_FORM, refused

SigningKey: TypeAlias = ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey | ed448.Ed448PublicKey
AgreementKey: TypeAlias = ec.EllipticCurvePublicKey | x25519.X25519PublicKey
DeviceKey: TypeAlias = SigningKey | x25519.X25519PublicKey


@dataclass(frozen=True, slots=True)
class _Curve:
    """A curve with the names that tokens give to its algorithm."""

    curve: ec.EllipticCurve
    ecdsa: ec.ECDSA
    coordinate_bytes: int
    jose: frozenset[str]
    cose: frozenset[int]


_WITH_256: Final = ec.ECDSA(hashes.SHA256())
_WITH_384: Final = ec.ECDSA(hashes.SHA384())
_WITH_512: Final = ec.ECDSA(hashes.SHA512())
# COSE: RFC 9053, fully specified -9, -51, -52 (RFC 9864), brainpool -265 to -268. ISO 18013-5
# table 22 uses ES256, ES384 and ES512 with the brainpool curves too.
_CURVES: Final = {
    "secp256r1": _Curve(ec.SECP256R1(), _WITH_256, 32, frozenset({"ES256"}), frozenset({-7, -9})),
    "secp384r1": _Curve(ec.SECP384R1(), _WITH_384, 48, frozenset({"ES384"}), frozenset({-35, -51})),
    "secp521r1": _Curve(ec.SECP521R1(), _WITH_512, 66, frozenset({"ES512"}), frozenset({-36, -52})),
    "brainpoolP256r1": _Curve(
        ec.BrainpoolP256R1(), _WITH_256, 32, frozenset({"ESB256"}), frozenset({-7, -265})
    ),
    "brainpoolP384r1": _Curve(
        ec.BrainpoolP384R1(), _WITH_384, 48, frozenset({"ESB384"}), frozenset({-35, -267})
    ),
    "brainpoolP512r1": _Curve(
        ec.BrainpoolP512R1(), _WITH_512, 64, frozenset({"ESB512"}), frozenset({-36, -268})
    ),
}
_JWK_CURVES: Final = {"P-256": "secp256r1", "P-384": "secp384r1", "P-521": "secp521r1"}
_COSE_CURVES: Final = {
    1: "secp256r1",
    2: "secp384r1",
    3: "secp521r1",
    256: "brainpoolP256r1",
    258: "brainpoolP384r1",
    259: "brainpoolP512r1",
}
_ED25519_SIZE: Final = 64
_ED448_SIZE: Final = 114
_PRIME_25519: Final = (1 << 255) - 19
_PRIME_448: Final = (1 << 448) - (1 << 224) - 1
_Y_25519: Final = 0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7
"""One y of the four points of order 8 on edwards25519; the other is its negative."""
_SMALL_ORDER: Final = {
    "Ed25519": (
        _PRIME_25519,
        frozenset({0, 1, _PRIME_25519 - 1, _Y_25519, _PRIME_25519 - _Y_25519}),
    ),
    "Ed448": (_PRIME_448, frozenset({0, 1, _PRIME_448 - 1})),
}
"""By curve: the prime of its field, and y of the points whose small multiples come round to the
start. Under such a key anybody can make signatures that verify (RFC 8032 section 8.9)."""
_KTY_OKP, _KTY_EC2 = 1, 2
_COSE_KTY, _COSE_CRV, _COSE_X, _COSE_Y, _COSE_D = 1, -1, -2, -3, -4


def check_jose_algorithm(key: SigningKey, algorithm: JsonValue) -> None:
    """Refuse an ``alg`` that this kind of key must not use.

    Raises:
        CredentialError: rule ``algorithm``.
    """
    match key:
        case ec.EllipticCurvePublicKey():
            allowed = _curve_of(key).jose
        case ed25519.Ed25519PublicKey():
            allowed = frozenset({"EdDSA", "Ed25519"})
        case _:
            allowed = frozenset({"EdDSA", "Ed448"})
    if not isinstance(algorithm, str) or algorithm not in allowed:
        raise refused(ALGORITHM, f"Algorithm {algorithm!r:.40} is not one for this key.")


def check_cose_algorithm(key: SigningKey, algorithm: CborValue) -> None:
    """Refuse a COSE algorithm that this kind of key must not use.

    Raises:
        CredentialError: rule ``algorithm``.
    """
    match key:
        case ec.EllipticCurvePublicKey():
            allowed = _curve_of(key).cose
        case ed25519.Ed25519PublicKey():
            allowed = frozenset({-8, -19})
        case _:
            allowed = frozenset({-8, -53})
    if isinstance(algorithm, bool) or not isinstance(algorithm, int) or algorithm not in allowed:
        raise refused(ALGORITHM, f"Algorithm {algorithm!r:.40} is not one for this key.")


def verify_signature(key: SigningKey, signature: bytes, data: bytes, what: str) -> None:
    """Check a raw signature: r and s side by side for ECDSA (RFC 7518 section 3.4).

    A signature with the other s verifies as well: it is not refused, and so a signature or a
    token's hash must never serve to recognise a token.

    Raises:
        CredentialError: rule ``signature-form`` or ``signature``.
    """
    try:
        match key:
            case ec.EllipticCurvePublicKey():
                curve = _curve_of(key)
                encoded = _der(signature, curve.coordinate_bytes, what)
                key.verify(encoded, data, curve.ecdsa)
            case ed25519.Ed25519PublicKey():
                _require_size(signature, _ED25519_SIZE, what)
                key.verify(signature, data)
            case _:
                _require_size(signature, _ED448_SIZE, what)
                key.verify(signature, data)
    except InvalidSignature as exc:
        raise refused(SIGNATURE, f"The signature of {what} does not verify.") from exc


def signing_key(key: object, what: str) -> SigningKey:
    """The key, if it is of a kind that may sign credentials.

    Raises:
        CredentialError: rule ``algorithm``.
    """
    if isinstance(key, ec.EllipticCurvePublicKey):
        _curve_of(key)
        return key
    if isinstance(key, ed25519.Ed25519PublicKey | ed448.Ed448PublicKey):
        return key
    raise refused(ALGORITHM, f"{what} is of a kind that may not sign credentials.")


def key_from_jwk(jwk: JsonValue, what: str) -> SigningKey:
    """The holder's public key in a JWK (RFC 7517, RFC 8037).

    Raises:
        CredentialError: rule ``key-form``.
    """
    if not isinstance(jwk, dict):
        raise refused(KEY_FORM, f"{what} is no JWK.")
    if "d" in jwk:
        raise refused(KEY_FORM, f"{what} contains a private key.")
    kind, curve = jwk.get("kty"), jwk.get("crv")
    if kind == "EC" and isinstance(curve, str) and curve in _JWK_CURVES:
        return _point(_JWK_CURVES[curve], _coordinate(jwk, "x"), _coordinate(jwk, "y"), what)
    if kind == "OKP" and curve in ("Ed25519", "Ed448"):
        return _edwards(_coordinate(jwk, "x"), str(curve), what)
    raise refused(KEY_FORM, f"{what} is a JWK of an unknown kind or curve.")


def key_from_cose(key: CborMap, what: str) -> DeviceKey:
    """The device's public key in a COSE_Key (RFC 9052 section 7, ISO 18013-5 section 9.1.2.4).

    Raises:
        CredentialError: rule ``key-form``.
    """
    if _COSE_D in key:
        raise refused(KEY_FORM, f"{what} contains a private key.")
    kind, curve, x, y = (key.get(label) for label in (_COSE_KTY, _COSE_CRV, _COSE_X, _COSE_Y))
    if not isinstance(curve, int) or isinstance(curve, bool) or not isinstance(x, bytes):
        raise refused(KEY_FORM, f"{what} has no curve or no x.")
    if is_integer(kind, _KTY_EC2) and curve in _COSE_CURVES:
        return _cose_point(_COSE_CURVES[curve], x, y, what)
    if is_integer(kind, _KTY_OKP) and curve == 4:
        return _montgomery(x, what)
    if is_integer(kind, _KTY_OKP) and curve in (6, 7):
        return _edwards(x, "Ed448" if curve == 7 else "Ed25519", what)
    raise refused(KEY_FORM, f"{what} is a COSE_Key of an unknown kind or curve.")


def _cose_point(name: str, x: bytes, y: CborValue, what: str) -> ec.EllipticCurvePublicKey:
    if isinstance(y, bytes):
        return _point(name, x, y, what)
    if isinstance(y, bool):  # a compressed point: y is its sign bit (RFC 9053 section 7.1.1)
        return _encoded_point(name, (b"\x03" if y else b"\x02") + x, len(x), what)
    raise refused(KEY_FORM, f"{what} has no y.")


def _curve_of(key: ec.EllipticCurvePublicKey) -> _Curve:
    try:
        return _CURVES[key.curve.name]
    except KeyError as exc:
        raise refused(ALGORITHM, f"Curve {key.curve.name} is not allowed.") from exc


def _der(signature: bytes, coordinate_bytes: int, what: str) -> bytes:
    _require_size(signature, 2 * coordinate_bytes, what)
    r = int.from_bytes(signature[:coordinate_bytes], "big")
    s = int.from_bytes(signature[coordinate_bytes:], "big")
    if r == 0 or s == 0:
        raise refused(SIGNATURE_FORM, f"The signature of {what} has a part that is zero.")
    return encode_dss_signature(r, s)


def _require_size(signature: bytes, size: int, what: str) -> None:
    if len(signature) != size:
        raise refused(
            SIGNATURE_FORM, f"The signature of {what} has {len(signature)} bytes, not {size}."
        )


def _coordinate(jwk: JsonObject, name: str) -> bytes:
    value = jwk.get(name)
    if not isinstance(value, str):
        raise refused(KEY_FORM, f"A JWK has no {name!r}.")
    return base64url_decode(value, "a coordinate")


def _point(name: str, x: bytes, y: bytes, what: str) -> ec.EllipticCurvePublicKey:
    if len(x) != len(y):
        raise refused(KEY_FORM, f"{what} has coordinates of different lengths.")
    return _encoded_point(name, b"\x04" + x + y, len(x), what)


def _encoded_point(name: str, encoded: bytes, size: int, what: str) -> ec.EllipticCurvePublicKey:
    curve = _CURVES[name]
    if size != curve.coordinate_bytes:
        raise refused(KEY_FORM, f"{what} has coordinates of {size} bytes on {name}.")
    try:
        return ec.EllipticCurvePublicKey.from_encoded_point(curve.curve, encoded)
    except (ValueError, UnsupportedAlgorithm) as exc:
        raise refused(KEY_FORM, f"{what} is not a point on {name}.") from exc


def _edwards(x: bytes, curve: str, what: str) -> SigningKey:
    try:
        if curve == "Ed448":
            key: SigningKey = ed448.Ed448PublicKey.from_public_bytes(x)
        else:
            key = ed25519.Ed25519PublicKey.from_public_bytes(x)
    except (ValueError, UnsupportedAlgorithm) as exc:
        raise refused(KEY_FORM, f"{what} is not an Edwards key.") from exc
    prime, small = _SMALL_ORDER[curve]
    y = int.from_bytes(x, "little") & ~(1 << (8 * len(x) - 1))  # without the sign of x
    if y >= prime or y in small:
        raise refused(KEY_FORM, f"{what} is a point under which anybody can sign.")
    return key


def _montgomery(x: bytes, what: str) -> x25519.X25519PublicKey:
    try:
        return x25519.X25519PublicKey.from_public_bytes(x)
    except (ValueError, UnsupportedAlgorithm) as exc:
        raise refused(KEY_FORM, f"{what} is not an X25519 key.") from exc
