"""An issuer for trying things out: a root, a document signer and a status signer of its own.

Its certificates follow the profiles of ISO/IEC 18013-5 annex B, so that other verifiers can be
tried against it too. Every one of them says that it is a test; nobody trusts it unless its root
is pinned by hand.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from p2p.credentials.private_keys import PrivateKey
from p2p.credentials.x509_trust import DOCUMENT_SIGNER, STATUS_SIGNER_USAGE
from p2p.errors import InvalidInput

ORGANISATION: Final = "MOLVA TEST ISSUER - NOT REAL"
TEST_SOURCE: Final = "test"
"""Source of an anchor that proves nothing: verdicts show it as the anchor's source."""
COUNTRY: Final = "XX"
"""ISO 3166 keeps it free for use by anybody: no country has it."""
SIGNER_LIFE_MAX_S: Final = 457 * 86_400
"""What table B.3 of ISO/IEC 18013-5 gives a document signer at most."""
ROOT_LIFE_S: Final = 9 * 365 * 86_400
_BACKDATED_S: Final = 86_400
"""Verifiers' clocks differ; a certificate from this second is refused by half of them."""
_ADDRESS: Final = "https://test-issuer.invalid/"
"""A name that never leads anywhere (RFC 6761)."""


@dataclass(frozen=True, slots=True)
class SigningParty:
    """A private key with its certificate."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @property
    def der(self) -> bytes:
        """The certificate in DER."""
        return self.certificate.public_bytes(serialization.Encoding.DER)

    @property
    def pem(self) -> bytes:
        """The certificate in PEM, after a line that says what it is."""
        subject = self.certificate.subject.rfc4514_string()
        text = self.certificate.public_bytes(serialization.Encoding.PEM)
        return f"{subject}\n".encode() + text

    @property
    def key_pem(self) -> bytes:
        """The private key in PKCS #8 PEM."""
        return private_key_pem(self.key)


@dataclass(frozen=True, slots=True)
class TestIssuer:
    """Everything that a test issuer signs with."""

    __test__ = False  # no test of pytest's, whatever its name

    root: SigningParty
    signer: SigningParty
    status: SigningParty


def make_test_issuer(now: int, life_s: int = SIGNER_LIFE_MAX_S) -> TestIssuer:
    """A new issuer with keys of its own, valid from a day ago.

    Args:
        now: seconds since 1970.
        life_s: how long the signers are valid from now.

    Raises:
        InvalidInput: longer than a document signer may live.
    """
    if life_s > SIGNER_LIFE_MAX_S:
        raise InvalidInput(f"A signer lives {SIGNER_LIFE_MAX_S // 86_400} days at most.")
    root_key = ec.generate_private_key(ec.SECP256R1())
    root = SigningParty(root_key, _root(root_key, now))
    return TestIssuer(
        root=root,
        signer=_signer(root, "Molva test document signer", DOCUMENT_SIGNER.usage, now, life_s),
        status=_signer(root, "Molva test status signer", STATUS_SIGNER_USAGE, now, life_s),
    )


def signing_party(key: bytes, certificate: bytes) -> SigningParty:
    """A party from its PEM texts.

    Raises:
        InvalidInput: they are no key and certificate of one another.
    """
    try:
        private = serialization.load_pem_private_key(key, password=None)
        parsed = x509.load_pem_x509_certificate(certificate)
    except (ValueError, TypeError) as exc:
        raise InvalidInput("The test issuer's key or certificate cannot be read.") from exc
    if not isinstance(private, ec.EllipticCurvePrivateKey) or (
        private.public_key() != parsed.public_key()
    ):
        raise InvalidInput("The test issuer's key does not belong to its certificate.")
    return SigningParty(private, parsed)


def new_holder_key() -> ec.EllipticCurvePrivateKey:
    """A key for one copy of a credential."""
    return ec.generate_private_key(ec.SECP256R1())


def private_key_pem(key: PrivateKey) -> bytes:
    """A private key in PKCS #8 PEM, not encrypted: it is a test key."""
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _name(common: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, COUNTRY),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, ORGANISATION),
            x509.NameAttribute(NameOID.COMMON_NAME, common),
        ]
    )


def _root(key: ec.EllipticCurvePrivateKey, now: int) -> x509.Certificate:
    name = _name("Molva test root")
    builder = _builder(name, name, key.public_key(), now, ROOT_LIFE_S)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    builder = builder.add_extension(_key_usage(is_authority=True), critical=True)
    return _finished(builder).sign(key, hashes.SHA256())


def _signer(root: SigningParty, common: str, usage: str, now: int, life_s: int) -> SigningParty:
    key = ec.generate_private_key(ec.SECP256R1())
    above = root.certificate.subject
    builder = _builder(_name(common), above, key.public_key(), now, life_s)
    builder = builder.add_extension(_key_usage(is_authority=False), critical=True)
    usages = x509.ExtendedKeyUsage([x509.ObjectIdentifier(usage)])
    builder = builder.add_extension(usages, critical=True)
    identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(root.key.public_key())
    builder = builder.add_extension(identifier, critical=False)
    return SigningParty(key, _finished(builder).sign(root.key, hashes.SHA256()))


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, now: int, life_s: int
) -> x509.CertificateBuilder:
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime.fromtimestamp(now - _BACKDATED_S, UTC))
        .not_valid_after(datetime.fromtimestamp(now + life_s, UTC))
    )
    return builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)


def _finished(builder: x509.CertificateBuilder) -> x509.CertificateBuilder:
    """With what annex B wants of every certificate: where to complain, where to ask."""
    address = x509.UniformResourceIdentifier(_ADDRESS)
    point = x509.DistributionPoint(
        [x509.UniformResourceIdentifier(_ADDRESS + "crl")], None, None, None
    )
    builder = builder.add_extension(x509.IssuerAlternativeName([address]), critical=False)
    return builder.add_extension(x509.CRLDistributionPoints([point]), critical=False)


def _key_usage(*, is_authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not is_authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=is_authority,
        crl_sign=is_authority,
        encipher_only=False,
        decipher_only=False,
    )
