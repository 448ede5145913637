"""Trust, certificates, and what is refused before anything is shown."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from p2p.credentials import rules
from p2p.credentials.policy import Policy
from tests.credentials.attempts import md, sd, trusting
from tests.credentials.pki import (
    NOW,
    SPACE,
    World,
    authority,
    leaf,
    usage,
)
from tests.credentials.vectors import (
    Case,
    Make,
    Vectors,
    dropping,
    hidden,
    setting,
    signer_of,
)

VECTORS = Vectors()
case, sdc, mdc = VECTORS.case, VECTORS.sd, VECTORS.md


# --- 4 trust, 5 certificates ---------------------------------------------------------------------


def evil(world: World) -> Any:
    """A root of the same name, sent along as if that made it trusted."""
    root = authority()
    return leaf(root, above=[root.cert])


def with_root(world: World) -> Any:
    """Our own root sent along, which is needless but harmless."""
    return leaf(world.root, above=[world.root.cert])


for kind, tag in ((sd, ""), (md, "mdoc-")):
    case(rules.ISSUER_TRUST, f"{tag}same-name", signer_of(evil, kind), signer_of(with_root, kind))
mdc(rules.ISSUER_TRUST, "mdoc-no-chain", dropping("issuer_unprotected", 33))
case(
    rules.ISSUER_TRUST,
    "no-chain",
    lambda w: sd(w, lambda c: (c.header.pop("x5c"), c.payload.pop("iss"))).run,
)


def through(make: Callable[[World], Any]) -> Make:
    """A chain with an intermediate authority, under a root that allows some."""

    def attempt(world: World) -> Callable[[], Any]:
        root = authority("Deep root", path_length=make_length.get(make, 1))
        middle = make(root)
        party = leaf(middle, above=[middle.cert])
        return sd(world, lambda c: c.with_signer(party), trust=trusting(root)).run

    return attempt


def good_middle(root: Any) -> Any:
    return authority("Middle", signer=root)


def middle_too_deep(root: Any) -> Any:
    return authority("Middle", signer=root)


def middle_no_ca(root: Any) -> Any:
    return authority("Middle", signer=root, ca=False)


def middle_may_not_sign(root: Any) -> Any:
    return authority("Middle", signer=root, cert_sign=False)


def middle_expired(root: Any) -> Any:
    return authority("Middle", signer=root, days=(-200, -1))


make_length = {middle_too_deep: 0}
for middle in (middle_too_deep, middle_no_ca, middle_may_not_sign, middle_expired):
    case(rules.CERTIFICATE, middle.__name__, through(middle), through(good_middle))

unknown = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00")
BAD_LEAVES: dict[str, dict[str, Any]] = {
    "no-usage": {"usages": ()},
    "other-usage": {"usages": ("1.3.6.1.5.5.7.3.1",)},
    "two-usages": {"usages": ("1.0.18013.5.1.2", "1.3.6.1.5.5.7.3.1")},
    "usage-not-critical": {"usage_critical": False},
    "key-usage": {"bits": usage(key_agreement=True)},
    "may-sign-certificates": {"bits": usage(digital_signature=True, key_cert_sign=True)},
    "is-authority": {"ca": True},
    "country": {"country": "ZZ"},
    "no-country": {"country": None},
    "expired": {"days": (-100, -1)},
    "not-yet": {"days": (1, 100)},
    "signed-outside": {"days": (0, 100)},
    "unknown-critical": {"extra": ((unknown, True),)},
}
for label, changes in BAD_LEAVES.items():
    for kind, tag in ((sd, ""), (md, "mdoc-")):
        case(
            rules.CERTIFICATE,
            f"{tag}{label}",
            signer_of(lambda w, changes=changes: leaf(w.root, **changes), kind),
            signer_of(lambda w: leaf(w.root, extra=((unknown, False),)), kind),
        )
sdc(
    rules.CERTIFICATE,
    "not-a-certificate",
    setting(header={"x5c": [base64.b64encode(b"\x30\x03abc").decode()]}),
)


# --- 16 to 20 ------------------------------------------------------------------------------------


def again(kind: Any) -> Make:
    def attempt(world: World) -> Callable[[], Any]:
        first = kind(world)
        first.run()
        return first.run

    return attempt


for kind, tag in ((sd, ""), (md, "mdoc-")):
    case(rules.NONCE_USED, f"{tag}replay", again(kind), lambda w, kind=kind: kind(w).run)
    case(
        rules.CLOCK,
        f"{tag}behind",
        lambda w, kind=kind: kind(w, policy=Policy(clock_floor=NOW + 1)).run,
        lambda w, kind=kind: kind(w, policy=Policy(clock_floor=NOW)).run,
    )
sdc(rules.NO_FETCH, "issuer-metadata", dropping("header", "x5c"))
for header in ("jku", "x5u"):
    sdc(
        rules.NO_FETCH,
        header,
        lambda c, header=header: (
            c.header.pop("x5c"),
            c.payload.pop("iss"),
            c.header.update({header: "https://evil.example/keys"}),
        ),
        setting(header={header: "https://evil.example/keys"}),
    )
mdc(
    rules.NO_FETCH,
    "mdoc-x5u",
    lambda c: setattr(c, "issuer_unprotected", {35: "https://evil.example/x"}),
    setting(issuer_unprotected={35: "https://evil.example/x"}),
)
mdc(
    rules.OPAQUE_IMAGE,
    "structured",
    lambda c: c.elements[SPACE].append(("signature_usual_mark", {"svg": "<script>"})),
    lambda c: c.elements[SPACE].append(("signature_usual_mark", b"<script>")),
)
mdc(
    rules.OPAQUE_IMAGE,
    "huge",
    lambda c: c.elements[SPACE].append(("picture", bytes(600 << 10))),
    lambda c: c.elements[SPACE].append(("picture", bytes(60 << 10))),
)
sdc(rules.OPAQUE_IMAGE, "list", hidden("s", "picture", ["x"]), hidden("s", "picture", "data:,x"))


def long_name(world: World) -> Any:
    parts = [x509.NameAttribute(x509.NameOID.ORGANIZATIONAL_UNIT_NAME, "x" * 60)] * 9
    party = leaf(world.root)
    builder = x509.CertificateBuilder().subject_name(
        x509.Name([*parts, x509.NameAttribute(x509.NameOID.COUNTRY_NAME, "UT")])
    )
    return _renamed(world, party, builder)


def _renamed(world: World, party: Any, builder: x509.CertificateBuilder) -> Any:
    builder = (
        builder.issuer_name(party.cert.issuer)
        .public_key(party.cert.public_key())
        .serial_number(7)
        .not_valid_before(party.cert.not_valid_before_utc)
        .not_valid_after(party.cert.not_valid_after_utc)
    )
    for extension in party.cert.extensions:
        builder = builder.add_extension(extension.value, extension.critical)
    return replace(party, cert=builder.sign(world.root.key, hashes.SHA256()))


def nameless(world: World) -> Callable[[], Any]:
    root = authority(country=None)
    party = leaf(root, common="", country=None)
    return sd(world, lambda c: c.with_signer(party), trust=trusting(root)).run


for label, shown in (
    ("reversed", "gnp.\u202eSD tseT"),
    ("newline", "DS\nVERIFIED"),
    ("long", None),
):
    case(
        rules.DISPLAY,
        label,
        signer_of(lambda w, shown=shown: leaf(w.root, shown) if shown else long_name(w)),
        signer_of(lambda w: leaf(w.root, "Ürün Müdürlüğü 東京")),
    )
case(rules.DISPLAY, "nameless", nameless, signer_of(lambda w: leaf(w.root)))


@pytest.mark.parametrize("vector", VECTORS.cases, ids=str)
def test_refused_by_name_and_twin_accepted(vector: Case, world: World) -> None:
    vector.check(world)
