"""X.509 certificates reduced to the facts that trust depends on.

Everything that may fail is read at once: a certificate whose extensions do not parse is refused
when it arrives, not later. Sources: RFC 5280 section 4, ISO/IEC 18013-5 annex B.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, TypeVar

from cryptography import x509
from cryptography.exceptions import InternalError, InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtensionOID, NameOID, SignatureAlgorithmOID

from p2p.credentials import limits
from p2p.credentials.certificate_copy import copy_without_addresses
from p2p.credentials.keys import signing_key
from p2p.credentials.rules import CERTIFICATE, LENGTH, refused
from p2p.errors import CredentialError

_T = TypeVar("_T", bound=x509.ExtensionType)

DIGITAL_SIGNATURE: Final = "digital signature"
CONTENT_COMMITMENT: Final = "content commitment"
CERTIFICATE_SIGN: Final = "certificate sign"
_RSA_SIZE_MIN_BITS: Final = 2048
_SIGNATURE_ALGORITHMS: Final = frozenset(
    {
        SignatureAlgorithmOID.ECDSA_WITH_SHA256,
        SignatureAlgorithmOID.ECDSA_WITH_SHA384,
        SignatureAlgorithmOID.ECDSA_WITH_SHA512,
        SignatureAlgorithmOID.ED25519,
        SignatureAlgorithmOID.ED448,
        SignatureAlgorithmOID.RSA_WITH_SHA256,
        SignatureAlgorithmOID.RSA_WITH_SHA384,
        SignatureAlgorithmOID.RSA_WITH_SHA512,
        SignatureAlgorithmOID.RSASSA_PSS,
    }
)
"""How a certificate may be signed: no SHA-1, no MD5, no SHA-224, no DSA."""
_SIGNATURE_HASHES: Final = frozenset({"sha256", "sha384", "sha512"})
"""The same for RSASSA-PSS, which names its hash apart."""
_UNDERSTOOD: Final = frozenset(
    {
        ExtensionOID.BASIC_CONSTRAINTS,
        ExtensionOID.KEY_USAGE,
        ExtensionOID.EXTENDED_KEY_USAGE,
        ExtensionOID.SUBJECT_ALTERNATIVE_NAME,
        ExtensionOID.ISSUER_ALTERNATIVE_NAME,
        ExtensionOID.SUBJECT_KEY_IDENTIFIER,
        ExtensionOID.AUTHORITY_KEY_IDENTIFIER,
        ExtensionOID.CRL_DISTRIBUTION_POINTS,
        ExtensionOID.CERTIFICATE_POLICIES,
    }
)
"""Extensions that may be critical; any other critical one refuses the certificate."""
_LIMITS: Final = frozenset(
    {
        ExtensionOID.NAME_CONSTRAINTS,
        ExtensionOID.POLICY_CONSTRAINTS,
        ExtensionOID.INHIBIT_ANY_POLICY,
    }
)
"""Limits on what lies below, which are not followed here, so they refuse even where they are not
critical, as they must be; ISO/IEC 18013-5 annex B forbids them."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """One certificate and what it says.

    ``subject`` and ``issuer`` are the DER of the names; ``not_before`` and ``not_after`` are
    seconds since 1970; ``path_length`` is None where it is unlimited. ``key_usages`` are those of
    "digital signature", "content commitment" and "certificate sign", none where
    ``states_key_usage`` is false. ``usages`` are the extended key usages, dotted, and
    ``usages_critical`` those of them that stand in a critical extension (all or none). The key
    identifiers are empty where there are none.
    """

    der: bytes
    parsed: x509.Certificate
    subject: bytes
    issuer: bytes
    name: str
    country: str
    state: str
    not_before: int
    not_after: int
    is_authority: bool
    path_length: int | None
    states_key_usage: bool
    key_usages: frozenset[str]
    usages: frozenset[str]
    usages_critical: frozenset[str]
    addresses: frozenset[str]
    key_identifier: bytes
    authority_key_identifier: bytes

    @property
    def self_issued(self) -> bool:
        """Whether subject and issuer have the same name, as in a root."""
        return self.subject == self.issuer


def read_certificate(der: bytes) -> Certificate:
    """The facts of a DER certificate; its signature is not checked here.

    Raises:
        CredentialError: rules ``certificate`` or ``length``.
    """
    if len(der) > limits.CERTIFICATE_SIZE_MAX_BYTES:
        raise refused(LENGTH, f"A certificate has {len(der)} bytes.")
    try:
        parsed = x509.load_der_x509_certificate(der)
        return replace(facts_of(_readable(parsed, der), der), parsed=parsed)
    except (
        ValueError,
        TypeError,
        UnsupportedAlgorithm,
        x509.DuplicateExtension,
        x509.UnsupportedGeneralNameType,
        x509.InvalidVersion,
        InternalError,
        Warning,  # where warnings are errors, what the library dislikes is refused
    ) as exc:
        raise refused(CERTIFICATE, "A certificate cannot be read.") from exc


def _readable(parsed: x509.Certificate, der: bytes) -> x509.Certificate:
    """The certificate, or what can be read of it where an address in it cannot."""
    try:
        _ = parsed.extensions
    except ValueError:
        return copy_without_addresses(der)
    return parsed


def facts_of(parsed: x509.Certificate, der: bytes) -> Certificate:
    """The facts of a parsed certificate; raises what the library raises on bad extensions."""
    _require_known(parsed)
    constraints = _extension(parsed, x509.BasicConstraints)
    usage = _extension(parsed, x509.KeyUsage)
    extended = _extension(parsed, x509.ExtendedKeyUsage)
    names = _extension(parsed, x509.SubjectAlternativeName)
    usages = frozenset[str](oid.dotted_string for oid in (extended.value if extended else ()))
    own_key = _extension(parsed, x509.SubjectKeyIdentifier)
    authority_key = _extension(parsed, x509.AuthorityKeyIdentifier)
    uris = names.value.get_values_for_type(x509.UniformResourceIdentifier) if names else []
    return Certificate(
        der=der,
        parsed=parsed,
        subject=parsed.subject.public_bytes(),
        issuer=parsed.issuer.public_bytes(),
        name=parsed.subject.rfc4514_string(),
        country=_country(parsed.subject),
        state=", ".join(_attributes(parsed.subject, NameOID.STATE_OR_PROVINCE_NAME)),
        not_before=int(parsed.not_valid_before_utc.timestamp()),
        not_after=int(parsed.not_valid_after_utc.timestamp()),
        is_authority=constraints is not None and constraints.value.ca,
        path_length=constraints.value.path_length if constraints else None,
        states_key_usage=usage is not None,
        key_usages=_key_usages(usage.value) if usage else frozenset[str](),
        usages=usages,
        usages_critical=usages if extended and extended.critical else frozenset[str](),
        addresses=frozenset(uris),
        key_identifier=own_key.value.digest if own_key else b"",
        authority_key_identifier=(authority_key.value.key_identifier or b"")
        if authority_key
        else b"",
    )


def is_issued_by(certificate: Certificate, issuer: Certificate) -> bool:
    """Whether the issuer's key signed the certificate, under the issuer's name.

    A certificate that says which of its issuer's keys signed it (RFC 5280 section 4.2.1.1) means
    that one.
    """
    wanted, given = certificate.authority_key_identifier, issuer.key_identifier
    if (wanted and given and wanted != given) or not _may_certify(issuer.parsed.public_key()):
        return False
    try:
        certificate.parsed.verify_directly_issued_by(issuer.parsed)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm, InternalError):
        return False
    return True


def _may_certify(key: object) -> bool:
    """Whether a key of an authority is strong enough: RSA is for authorities alone."""
    if isinstance(key, rsa.RSAPublicKey):
        return key.key_size >= _RSA_SIZE_MIN_BITS
    try:
        signing_key(key, "The authority's key")
    except CredentialError:
        return False
    return True


def _key_usages(usage: x509.KeyUsage) -> frozenset[str]:
    named = (
        (DIGITAL_SIGNATURE, usage.digital_signature),
        (CONTENT_COMMITMENT, usage.content_commitment),
        (CERTIFICATE_SIGN, usage.key_cert_sign),
    )
    return frozenset(name for name, is_set in named if is_set)


def _require_known(parsed: x509.Certificate) -> None:
    if parsed.version is not x509.Version.v3:
        raise _unusable("is not of version 3")
    digest = parsed.signature_hash_algorithm  # an Edwards signature names none
    if parsed.signature_algorithm_oid not in _SIGNATURE_ALGORITHMS or (
        digest is not None and digest.name not in _SIGNATURE_HASHES
    ):
        raise _unusable("is signed with an algorithm that is not allowed")
    for extension in parsed.extensions:
        if extension.critical and extension.oid not in _UNDERSTOOD:
            raise _unusable(f"has an unknown critical extension {extension.oid.dotted_string}")
        if extension.oid in _LIMITS:
            raise _unusable(f"has limits that are not followed, {extension.oid.dotted_string}")
    parsed.public_key()


def _unusable(why: str) -> CredentialError:
    return refused(CERTIFICATE, f"A certificate {why}.")


def _extension(parsed: x509.Certificate, kind: type[_T]) -> x509.Extension[_T] | None:
    try:
        return parsed.extensions.get_extension_for_class(kind)
    except x509.ExtensionNotFound:
        return None


def _country(name: x509.Name) -> str:
    countries = _attributes(name, NameOID.COUNTRY_NAME)
    if len(countries) > 1:
        raise _unusable("names more than one country")
    return countries[0] if countries else ""


def _attributes(name: x509.Name, oid: x509.ObjectIdentifier) -> list[str]:
    return [str(attribute.value) for attribute in name.get_attributes_for_oid(oid)]
