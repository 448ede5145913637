"""Keys and certificates for the tests: a small PKI with the standard tools.

It shares no code with the verifier; every part of a certificate can be bent.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.x509.oid import NameOID

NOW = 1_795_262_400
DAY = 86_400
DOCUMENT_SIGNER = "1.0.18013.5.1.2"
STATUS_SIGNER = "1.3.6.1.5.5.7.3.30"
AUDIENCE = "x509_hash:shop"
NONCE = "n-0S6_WzA2Mj-n-0S6_WzA2Mj"
VCT = "urn:example:pid:1"
DOC_TYPE = "org.iso.18013.5.1.mDL"
SPACE = "org.iso.18013.5.1"
LIST_URI = "https://status.example/7"
P256, P384, P521 = ec.SECP256R1(), ec.SECP384R1(), ec.SECP521R1()
HASHES = {256: hashes.SHA256(), 384: hashes.SHA384(), 521: hashes.SHA512(), 512: hashes.SHA512()}
_JOSE = {256: "ES256", 384: "ES384", 521: "ES512"}
_COSE = {256: -7, 384: -35, 521: -36, 512: -36}
_COSE_CURVE = {
    "secp256r1": 1, "secp384r1": 2, "secp521r1": 3,
    "brainpoolP256r1": 256, "brainpoolP384r1": 258, "brainpoolP512r1": 259,
}  # fmt: skip


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def jtext(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def new_key(curve: Any = P256) -> Any:
    if curve in ("Ed25519", "Ed448"):
        kind = ed25519.Ed25519PrivateKey if curve == "Ed25519" else ed448.Ed448PrivateKey
        return kind.generate()
    return ec.generate_private_key(curve)


def sign(key: Any, data: bytes) -> bytes:
    """A raw signature: r and s side by side, or an Edwards signature."""
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        return key.sign(data)
    r, s = decode_dss_signature(key.sign(data, ec.ECDSA(HASHES[key.key_size])))
    size = (key.key_size + 7) // 8
    return r.to_bytes(size, "big") + s.to_bytes(size, "big")


def jose_alg(key: Any) -> str:
    return _JOSE[key.key_size] if isinstance(key, ec.EllipticCurvePrivateKey) else "EdDSA"


def cose_alg(key: Any) -> int:
    return _COSE[key.key_size] if isinstance(key, ec.EllipticCurvePrivateKey) else -8


def raw_public(key: Any) -> bytes:
    return key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)


def jwk(key: Any) -> dict[str, str]:
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        curve = "Ed25519" if isinstance(key, ed25519.Ed25519PrivateKey) else "Ed448"
        return {"kty": "OKP", "crv": curve, "x": b64(raw_public(key))}
    numbers, size = key.public_key().public_numbers(), (key.key_size + 7) // 8
    x, y = numbers.x.to_bytes(size, "big"), numbers.y.to_bytes(size, "big")
    return {"kty": "EC", "crv": f"P-{key.key_size}", "x": b64(x), "y": b64(y)}


def cose_key(key: Any) -> dict[int, Any]:
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        curve = {ed25519.Ed25519PrivateKey: 6, ed448.Ed448PrivateKey: 7}
        number = next((n for kind, n in curve.items() if isinstance(key, kind)), 4)
        return {1: 1, -1: number, -2: raw_public(key)}
    numbers, size = key.public_key().public_numbers(), (key.key_size + 7) // 8
    x, y = numbers.x.to_bytes(size, "big"), numbers.y.to_bytes(size, "big")
    return {1: 2, -1: _COSE_CURVE[key.curve.name], -2: x, -3: y}


# --- PKI -----------------------------------------------------------------------------------------


def name(common: str, country: str | None) -> x509.Name:
    parts = [x509.NameAttribute(NameOID.COMMON_NAME, common)] if common else []
    if country:
        parts.append(x509.NameAttribute(NameOID.COUNTRY_NAME, country))
    return x509.Name(parts)


def moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


@dataclass
class Party:
    """A key with its certificate and the certificates above it, leaf first."""

    key: Any
    cert: x509.Certificate
    above: list[x509.Certificate] = field(default_factory=list)

    @property
    def chain(self) -> list[bytes]:
        return [der(cert) for cert in (self.cert, *self.above)]


def der(cert: x509.Certificate) -> bytes:
    return cert.public_bytes(serialization.Encoding.DER)


def pem(cert: x509.Certificate) -> bytes:
    return cert.public_bytes(serialization.Encoding.PEM)


def usage(**on: bool) -> x509.KeyUsage:
    names = (
        "digital_signature", "content_commitment", "key_encipherment", "data_encipherment",
        "key_agreement", "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
    )  # fmt: skip
    return x509.KeyUsage(**{each: on.get(each, False) for each in names})


def authority(
    common: str = "Test IACA",
    country: str | None = "UT",
    *,
    signer: Party | None = None,
    key: Any = None,
    path_length: int | None = 0,
    ca: bool = True,
    cert_sign: bool = True,
    days: tuple[int, int] = (-300, 3000),
) -> Party:
    """A root, or an intermediate under another authority."""
    key = key or new_key()
    subject = name(common, country)
    builder = _builder(subject, signer.cert.subject if signer else subject, key, days)
    builder = builder.add_extension(
        x509.BasicConstraints(ca=ca, path_length=path_length if ca else None), critical=True
    )
    bits = usage(key_cert_sign=True, crl_sign=True) if cert_sign else usage(crl_sign=True)
    builder = builder.add_extension(bits, critical=True)
    cert = _signed(builder, signer.key if signer else key)
    return Party(key, cert)


def leaf(
    signer: Party,
    common: str = "Test DS",
    country: str | None = "UT",
    *,
    key: Any = None,
    public: Any = None,
    usages: tuple[str, ...] = (DOCUMENT_SIGNER,),
    usage_critical: bool = True,
    bits: x509.KeyUsage | None = None,
    ca: bool = False,
    days: tuple[int, int] = (-100, 200),
    addresses: tuple[str, ...] = (),
    extra: tuple[tuple[x509.ExtensionType, bool], ...] = (),
    above: list[x509.Certificate] | None = None,
) -> Party:
    """A signer's certificate."""
    key = key or new_key()
    builder = _builder(name(common, country), signer.cert.subject, key, days, public)
    builder = builder.add_extension(bits or usage(digital_signature=True), critical=True)
    if usages:
        oids = [x509.ObjectIdentifier(each) for each in usages]
        builder = builder.add_extension(x509.ExtendedKeyUsage(oids), critical=usage_critical)
    if ca:
        builder = builder.add_extension(x509.BasicConstraints(True, None), critical=True)
    if addresses:
        names = [x509.UniformResourceIdentifier(each) for each in addresses]
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    for extension, critical in extra:
        builder = builder.add_extension(extension, critical=critical)
    return Party(key, _signed(builder, signer.key), above or [])


def _builder(
    subject: x509.Name, issuer: x509.Name, key: Any, days: tuple[int, int], public: Any = None
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public or key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(moment(NOW + days[0] * DAY))
        .not_valid_after(moment(NOW + days[1] * DAY))
    )


def _signed(builder: x509.CertificateBuilder, key: Any) -> x509.Certificate:
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return builder.sign(key, HASHES[key.key_size])
    return builder.sign(key, None)


@dataclass
class World:
    """One trusted authority with a document signer and a status signer, and one holder."""

    root: Party
    signer: Party
    status: Party
    holder: Any


def new_world() -> World:
    root = authority()
    return World(
        root=root,
        signer=leaf(root),
        status=leaf(root, "Test Status", usages=(STATUS_SIGNER,)),
        holder=new_key(),
    )
