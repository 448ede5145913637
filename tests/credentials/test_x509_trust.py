"""Paths to our anchors: what real authorities do, and what none may do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import ExtensionOID, NameOID

from p2p.credentials import rules
from p2p.credentials.certificates import read_certificate
from p2p.credentials.x509_trust import Anchor, TrustStore
from p2p.errors import CredentialError, InvalidInput
from tests.credentials.attempts import md, sd, trusting
from tests.credentials.pki import (
    DAY,
    DOC_TYPE,
    DOCUMENT_SIGNER,
    NOW,
    VCT,
    Party,
    World,
    authority,
    der,
    leaf,
    moment,
    new_key,
    usage,
)
from tests.credentials.vectors import Case, Make, Vectors, signer_of

VECTORS = Vectors()
case = VECTORS.case

SHA256 = hashes.SHA256()
EUROPEAN_SIGNER = "1.3.130.2.0.0.1.2"


def anchor(party: Party, *doc_types: str, source: str = "vical") -> Anchor:
    return Anchor(read_certificate(der(party.cert)), source, NOW, frozenset(doc_types))


def state(name: str) -> list[x509.NameAttribute]:
    return [x509.NameAttribute(NameOID.STATE_OR_PROVINCE_NAME, name)] if name else []


def made(
    parts: list[x509.NameAttribute],
    above: Party | None = None,
    key: Any = None,
    extra: tuple[x509.ExtensionType, ...] = (),
    digest: hashes.HashAlgorithm = SHA256,
    **signing: Any,
) -> Party:
    """An authority, or a document signer under one, with this in its name and these extensions."""
    key = key or new_key()
    country = x509.NameAttribute(NameOID.COUNTRY_NAME, "UT")
    common = x509.NameAttribute(NameOID.COMMON_NAME, "Signer" if above else "Authority")
    subject = x509.Name([country, *parts, common])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(above.cert.subject if above else subject)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(moment(NOW - 100 * DAY))
        .not_valid_after(moment(NOW + 100 * DAY))
    )
    if above:
        oids = [x509.ObjectIdentifier(DOCUMENT_SIGNER)]
        builder = builder.add_extension(usage(digital_signature=True), critical=True)
        builder = builder.add_extension(x509.ExtendedKeyUsage(oids), critical=True)
    else:
        builder = builder.add_extension(usage(key_cert_sign=True), critical=True)
        builder = builder.add_extension(x509.BasicConstraints(True, 0), critical=True)
    for extension in extra:
        builder = builder.add_extension(extension, critical=False)
    return Party(key, builder.sign(above.key if above else key, digest, **signing))


def under(root: Callable[[], Party], signer: Callable[[Party], Party] = leaf) -> Make:
    def attempt(world: World) -> Callable[[], Any]:
        authority_ = root()
        party = signer(authority_)
        return md(world, lambda c: c.with_signer(party), trust=trusting(authority_)).run

    return attempt


# --- one authority more than once ----------------------------------------------------------------


@pytest.mark.parametrize("first", [("other",), (DOC_TYPE,), ()])
@pytest.mark.parametrize("second", [("other", DOC_TYPE), ()])
def test_an_authority_in_two_entries_serves_what_either_says(
    world: World, first: tuple[str, ...], second: tuple[str, ...]
) -> None:
    """The RDW's VICAL of 2025 names one authority twice, with different document types."""
    for entries in ((first, second), (second, first)):
        trust = TrustStore(anchor(world.root, *doc_types) for doc_types in entries)
        assert md(world, trust=trust).run()


@pytest.mark.parametrize("days", [(-300, -1), (1, 300)])
def test_an_authority_renewed_under_its_old_key(world: World, days: tuple[int, int]) -> None:
    other = authority(key=world.root.key, days=days)
    for anchors in ((other, world.root), (world.root, other)):
        assert md(world, trust=trusting(*anchors)).run()
    with pytest.raises(CredentialError, match="chain is not valid at this time"):
        md(world, trust=trusting(other)).run()


def test_an_authority_for_some_documents_issues_no_other_credential(world: World) -> None:
    assert sd(world, trust=TrustStore([anchor(world.root, VCT)])).run()
    with pytest.raises(CredentialError) as caught:
        sd(world, trust=TrustStore([anchor(world.root, DOC_TYPE)])).run()
    assert caught.value.rule == "issuer-trust"


def test_a_pinned_signer_in_two_entries(world: World) -> None:
    trust = TrustStore(anchor(world.signer, kind) for kind in ("other", DOC_TYPE))
    assert md(world, trust=trust).run()
    with pytest.raises(CredentialError, match="not trusted for this document type"):
        md(world, trust=TrustStore([anchor(world.signer, "other")])).run()


# --- what a certificate is for -------------------------------------------------------------------


def test_the_usage_of_the_european_rulebook(world: World) -> None:
    party = leaf(world.root, usages=(EUROPEAN_SIGNER,))
    assert md(world, lambda c: c.with_signer(party)).run()
    assert sd(world, lambda c: c.with_signer(party)).run()


for label, changes in {
    "european-usage-not-critical": {"usages": (EUROPEAN_SIGNER,), "usage_critical": False},
    "both-usages": {"usages": (EUROPEAN_SIGNER, DOCUMENT_SIGNER)},
    "european-reader": {"usages": ("1.3.130.2.0.0.1.6",)},
}.items():
    case(
        rules.CERTIFICATE,
        label,
        signer_of(lambda w, changes=changes: leaf(w.root, **changes), md),
        signer_of(lambda w: leaf(w.root, usages=(EUROPEAN_SIGNER,)), md),
    )


def pinned(world: World, party: Party, source: str = "pem") -> Any:
    trust = TrustStore([anchor(party, source=source)])
    return md(world, lambda c: c.with_signer(party), trust=trust).run()


def test_a_pinned_signer_may_leave_unsaid_what_it_is_for(world: World) -> None:
    """As the signers of Maryland and Montana say it, which is not critical; or as Ubique's."""
    nobody = authority("Nobody knows it")
    assert pinned(world, leaf(nobody, usage_critical=False))
    assert pinned(world, bare(nobody))
    for party in (leaf(nobody, usage_critical=False), bare(nobody)):
        with pytest.raises(CredentialError) as caught:
            pinned(world, party, "vical")
        assert caught.value.rule == "certificate"
    for changes in (
        {"usages": ("1.0.18013.5.1.6",)},
        {"usages": (DOCUMENT_SIGNER, "1.3.6.1.5.5.7.3.1"), "usage_critical": False},
        {"bits": usage(key_agreement=True)},
        {"bits": usage(digital_signature=True, key_cert_sign=True)},
    ):
        with pytest.raises(CredentialError) as caught:
            pinned(world, leaf(nobody, **changes))
        assert caught.value.rule == "certificate"


def bare(above: Party) -> Party:
    """A signer whose certificate has no extension at all."""
    key = new_key()
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Bare")])
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(above.cert.subject)
    builder = builder.public_key(key.public_key()).serial_number(9)
    builder = builder.not_valid_before(moment(NOW - 9 * DAY)).not_valid_after(moment(NOW + DAY))
    return Party(key, builder.sign(above.key, hashes.SHA256()))


# --- paths ---------------------------------------------------------------------------------------

KEY = new_key()
OWN = x509.SubjectKeyIdentifier.from_public_key(KEY.public_key())


def signer_with(*extra: x509.ExtensionType) -> Callable[[Party], Party]:
    return lambda root: made([], root, extra=extra)


case(
    rules.ISSUER_TRUST,
    "another-key-identifier",
    under(
        lambda: made([], key=KEY, extra=(OWN,)),
        signer_with(x509.AuthorityKeyIdentifier(bytes(20), None, None)),
    ),
    under(
        lambda: made([], key=KEY, extra=(OWN,)),
        signer_with(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(OWN)),
    ),
)
case(
    rules.ISSUER_TRUST,
    "weak-authority",
    under(lambda: made([], key=ec.generate_private_key(ec.SECP224R1())), signer_with()),
    under(lambda: made([]), signer_with()),
)
case(
    rules.ISSUER_TRUST,
    "foreign-curve",
    under(lambda: made([], key=ec.generate_private_key(ec.SECP256K1())), signer_with()),
    under(lambda: made([]), signer_with()),
)
RSA = rsa.generate_private_key(65_537, 2_048)
PSS = padding.PSS(padding.MGF1(SHA256), padding.PSS.DIGEST_LENGTH)


def signed_with_rsa(digest: hashes.HashAlgorithm) -> Callable[[Party], Party]:
    return lambda root: made([], root, digest=digest, rsa_padding=PSS)


case(
    rules.CERTIFICATE,
    "weak-hash-in-pss",
    under(lambda: made([], key=RSA), signed_with_rsa(hashes.SHA224())),
    under(lambda: made([], key=RSA), signed_with_rsa(hashes.SHA384())),
)
for mine, its in (("UT-A", "UT-B"), ("UT-A", "")):
    case(
        rules.CERTIFICATE,
        f"state-{its}",
        under(lambda mine=mine: made(state(mine)), lambda r, its=its: made(state(its), r)),
        under(lambda mine=mine: made(state(mine)), lambda r, mine=mine: made(state(mine), r)),
    )
LIMITS = {
    "names": x509.NameConstraints([x509.DNSName("example")], None),
    "policies": x509.PolicyConstraints(0, None),
    "any-policy": x509.InhibitAnyPolicy(0),
}
for label, limit in LIMITS.items():
    case(
        rules.CERTIFICATE,
        f"limits-{label}",
        under(lambda: made([]), signer_with(limit)),
        under(lambda: made([]), signer_with(x509.OCSPNoCheck())),
    )


@pytest.mark.parametrize("limit", LIMITS.values(), ids=LIMITS)
def test_an_authority_with_limits_that_are_not_followed(limit: x509.ExtensionType) -> None:
    with pytest.raises(InvalidInput, match="limits that are not followed"):
        trusting(made([], extra=(limit,)))


def test_a_state_below_an_authority_of_the_whole_country(world: World) -> None:
    assert under(lambda: made([]), lambda root: made(state("UT-A"), root))(world)()


# --- addresses that cannot be read ---------------------------------------------------------------


def broken(oid: x509.ObjectIdentifier) -> x509.UnrecognizedExtension:
    """The extension's value wrapped once too often, as real issuers have written it."""
    return x509.UnrecognizedExtension(oid, b"\x04\x04\x30\x02\x86\x00")


ADDRESSES = (ExtensionOID.ISSUER_ALTERNATIVE_NAME, ExtensionOID.CRL_DISTRIBUTION_POINTS)


def test_addresses_that_cannot_be_read_are_not_needed(world: World) -> None:
    extra = tuple((broken(oid), False) for oid in ADDRESSES)
    party = leaf(world.root, extra=extra)
    with pytest.raises(ValueError, match="parsing asn1"):
        _ = party.cert.extensions
    assert md(world, lambda c: c.with_signer(party)).run()
    assert read_certificate(der(party.cert)).parsed == party.cert


def unreadable(w: World, oid: x509.ObjectIdentifier, critical: bool) -> Party:
    return leaf(w.root, extra=((broken(oid), critical),))


for label, oid, critical in (
    ("critical-address", ADDRESSES[0], True),
    ("own-address", ExtensionOID.SUBJECT_ALTERNATIVE_NAME, False),
    ("key-identifier", ExtensionOID.AUTHORITY_KEY_IDENTIFIER, False),
):
    case(
        rules.CERTIFICATE,
        f"unreadable-{label}",
        signer_of(lambda w, oid=oid, critical=critical: unreadable(w, oid, critical), md),
        signer_of(lambda w: unreadable(w, ADDRESSES[0], False), md),
    )


def test_what_else_a_certificate_with_such_an_address_says_still_counts(world: World) -> None:
    extra = ((broken(ADDRESSES[0]), False),)
    for changes in ({"usages": ("1.2.3",)}, {"country": "ZZ"}, {"ca": True}, {"days": (1, 2)}):
        party = leaf(world.root, extra=extra, **changes)
        with pytest.raises(CredentialError) as caught:
            md(world, lambda c, party=party: c.with_signer(party)).run()
        assert caught.value.rule == "certificate"
    stranger = leaf(authority(), extra=extra)
    with pytest.raises(CredentialError) as caught:
        md(world, lambda c: c.with_signer(stranger)).run()
    assert caught.value.rule == "issuer-trust"


@pytest.mark.parametrize("vector", VECTORS.cases, ids=str)
def test_refused_by_name_and_twin_accepted(vector: Case, world: World) -> None:
    vector.check(world)
