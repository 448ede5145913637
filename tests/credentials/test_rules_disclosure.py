"""Disclosures, validity and the holder's key binding."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from p2p.credentials import rules
from tests.credentials.attempts import SD_REQUEST, sd
from tests.credentials.issuer import SdJwt, digest, disclosure
from tests.credentials.mdoc_issuer import tdate
from tests.credentials.pki import (
    AUDIENCE,
    NOW,
    VCT,
    World,
    b64,
    jtext,
    new_key,
)
from tests.credentials.vectors import (
    Case,
    Make,
    Vectors,
    dropping,
    hidden,
    recursive,
    setting,
)

VECTORS = Vectors()
case, sdc, mdc = VECTORS.case, VECTORS.sd, VECTORS.md


# --- 9 disclosures -------------------------------------------------------------------------------


def unreferenced(case_: SdJwt) -> None:
    case_.disclosures.append(disclosure("s", "nickname", "x"))


def twice(case_: SdJwt) -> None:
    case_.disclosures.append(case_.disclosures[0])


def digest_twice(case_: SdJwt) -> None:
    case_.payload["more"] = {"_sd": [case_.payload["_sd"][0]]}


def decoy_twice(case_: SdJwt) -> None:
    case_.payload["list"] = [{"...": digest("decoy")}]


def element(*parts: Any, beside: Any = None) -> Callable[[SdJwt], None]:
    def bend(case_: SdJwt) -> None:
        hidden_element = {"...": case_.hide(*parts)} | (beside or {})
        case_.payload["nationalities"] = ["DE", hidden_element, {"...": digest("decoy element")}]

    return bend


def very_recursive(case_: SdJwt) -> None:
    inner = case_.hide("s", "x", 1)
    for depth in range(60):
        inner = case_.hide(f"s{depth}", "x", {"_sd": [inner]})
    case_.payload["_sd"].append(inner)


def deep_elements(case_: SdJwt) -> None:
    inner = case_.hide("s", 1)
    for depth in range(60):
        inner = case_.hide(f"s{depth}", [{"...": inner}])
    case_.payload["n"] = [{"...": inner}]


for label, bend, good in (
    ("unreferenced", unreferenced, recursive),
    ("twice", twice, None),
    ("digest-twice", digest_twice, recursive),
    ("decoy-twice", decoy_twice, element("s", "FR")),
    ("named-_sd", hidden("s", "_sd", []), hidden("s", "sd", [])),
    ("named-...", hidden("s", "...", 1), None),
    ("named-_sd_alg", hidden("s", "_sd_alg", "sha-256"), None),
    (
        "overwrites",
        lambda c: (hidden("s", "sub", "x")(c), c.payload.update(sub="y")),
        hidden("s", "sub", "x"),
    ),
    ("overwrites-other", hidden("s", "given_name", "Eve"), None),
    ("two-parts-in-object", hidden("s", "x"), None),
    ("name-number", hidden("s", 1, "x"), None),
    ("three-parts-in-list", element("s", "x", "FR"), element("s", "FR")),
    ("beside", element("s", "FR", beside={"x": 1}), None),
    ("salt-number", hidden(1, "x", "y"), None),
    ("no-list", lambda c: c.payload["_sd"].append(c.hide()), None),
    ("digests-map", setting(payload={"more": {"_sd": {}}}), setting(payload={"more": {"_sd": []}})),
    ("digest-number", setting(payload={"more": {"_sd": [1]}}), None),
    ("plain-...", setting(payload={"more": {"...": "x"}}), None),
    ("nested-alg", setting(payload={"more": {"_sd_alg": "sha-256"}}), None),
):
    sdc(rules.DISCLOSURE, label, bend, good)
sdc(rules.DEPTH, "recursive", very_recursive, recursive)
sdc(rules.DEPTH, "recursive-elements", deep_elements)
sdc(
    rules.LENGTH,
    "digests",
    lambda c: c.payload.update(more={"_sd": [digest(str(n)) for n in range(11_000)]}),
    lambda c: c.payload.update(more={"_sd": [digest(str(n)) for n in range(100)]}),
)
for label in ("iss", "nbf", "exp", "cnf", "vct", "status"):
    sdc(
        rules.DISCLOSURE_PROTECTED,
        label,
        lambda c, label=label: (c.payload.pop(label, None), hidden("s", label, "x")(c)),
        hidden("s", "sub", "x"),
    )
sdc(
    rules.DISCLOSURE_PROTECTED,
    "inside-status",
    lambda c: c.payload.update(status={"_sd": [c.hide("s", "status_list", {})]}),
)
sdc(
    rules.DISCLOSURE_PROTECTED,
    "inside-aka",
    lambda c: c.payload.update(aka_vcts=[{"...": c.hide("s", "x")}]),
    setting(payload={"aka_vcts": ["urn:other"]}),
)
sdc(rules.VALIDITY, "expired", setting(payload={"exp": NOW}), setting(payload={"exp": NOW + 1}))
sdc(rules.VALIDITY, "early", setting(payload={"nbf": NOW + 90}), setting(payload={"nbf": NOW + 30}))
sdc(rules.VALIDITY, "future", setting(payload={"iat": NOW + 90}), dropping("payload", "iat"))
for label, member, bad, good in (  # an mdoc is valid until and at the moment it names
    ("expired", "validUntil", -1, 0),
    ("early", "validFrom", 90, 30),
    ("future", "signed", 90, 30),
):
    mdc(
        rules.VALIDITY,
        f"mdoc-{label}",
        setting(validity={member: tdate(NOW + bad)}),
        setting(validity={member: tdate(NOW + good)}),
    )
sdc(
    rules.VALIDITY,
    "backwards",
    setting(payload={"nbf": NOW + 20, "exp": NOW + 10}),
    setting(payload={"nbf": NOW + 20, "exp": NOW + 30}),
)
mdc(
    rules.VALIDITY,
    "mdoc-backwards",
    setting(validity={"validFrom": tdate(NOW + 20), "validUntil": tdate(NOW + 10)}),
    setting(validity={"validFrom": tdate(NOW + 20), "validUntil": tdate(NOW + 20)}),
)
sdc(rules.CREDENTIAL_TYPE, "missing", dropping("payload", "vct"))
sdc(
    rules.CREDENTIAL_TYPE,
    "other",
    setting(payload={"vct": "urn:other"}),
    setting(payload={"vct": "urn:other", "aka_vcts": [VCT]}),
)
sdc(rules.CREDENTIAL_TYPE, "aka-text", setting(payload={"aka_vcts": VCT}))
for label, others in (
    ("none", []),
    ("number", ["urn:other", 1]),
    ("lists", [[VCT]]),
    ("null", None),
    ("itself", [VCT]),
):
    sdc(
        rules.CREDENTIAL_TYPE,
        f"aka-{label}",
        setting(payload={"aka_vcts": others}),
        setting(payload={"aka_vcts": ["urn:other", "urn:one-more"]}),
    )
sdc(
    rules.LENGTH,
    "type",
    setting(payload={"vct": "x" * 1_025, "aka_vcts": [VCT]}),
    setting(payload={"vct": "x" * 1_024, "aka_vcts": [VCT]}),
)
sdc(
    rules.LENGTH,
    "other-type",
    setting(payload={"aka_vcts": ["x" * 1_025]}),
    setting(payload={"aka_vcts": ["x" * 1_024]}),
)
sdc(rules.SHAPE, "iss-number", setting(payload={"iss": 1}), dropping("payload", "iss"))
sdc(rules.SHAPE, "sub-map", hidden("s", "sub", {}), hidden("s", "sub", "me"))
sdc(
    rules.AUDIENCE,
    "credential-for-another",
    setting(payload={"aud": "x509_hash:other"}),
    setting(payload={"aud": AUDIENCE}),
)
sdc(
    rules.AUDIENCE,
    "credential-for-others",
    hidden("s", "aud", ["x509_hash:other", AUDIENCE + "."]),
    setting(payload={"aud": ["x509_hash:other", AUDIENCE]}),
)
sdc(rules.AUDIENCE, "credential-for-nobody", setting(payload={"aud": None}))


# --- 10 key binding ------------------------------------------------------------------------------

case(
    rules.KEY_BINDING,
    "stripped",
    lambda w: sd(w, raw=lambda d: d[: d.rindex(b"~") + 1]).run,
)
sdc(rules.KEY_BINDING, "no-key", dropping("payload", "cnf"))
sdc(rules.KEY_BINDING, "key-id-only", lambda c: c.payload.update(cnf={"kid": "x"}))
for label, rule, member, good in (
    ("use", rules.KEY_FORM, {"use": "enc"}, {"use": "sig", "kid": "1", "key_ops": ["verify"]}),
    ("use-null", rules.KEY_FORM, {"use": None}, {}),
    ("alg", rules.ALGORITHM, {"alg": "ES384"}, {"alg": "ES256"}),
    ("alg-agreement", rules.ALGORITHM, {"alg": "ECDH-ES"}, {}),
):
    sdc(
        rule,
        f"bound-{label}",
        lambda c, member=member: c.payload["cnf"]["jwk"].update(member),
        lambda c, good=good: c.payload["cnf"]["jwk"].update(good),
    )
sdc(rules.SIGNATURE, "other-holder", setting(holder=new_key()))
sdc(rules.AUDIENCE, "other", setting(binding={"aud": "x509_hash:other"}))
sdc(rules.AUDIENCE, "list", setting(binding={"aud": [AUDIENCE]}))
sdc(rules.AUDIENCE, "missing", setting(binding={"aud": None}))
sdc(rules.NONCE, "other", setting(binding={"nonce": "another"}))
sdc(rules.NONCE, "number", setting(binding={"nonce": 1}))
sdc(
    rules.KEY_BINDING_TIME,
    "stale",
    setting(binding={"iat": NOW - 301}),
    setting(binding={"iat": NOW - 299}),
)
sdc(
    rules.KEY_BINDING_TIME,
    "future",
    setting(binding={"iat": NOW + 61}),
    setting(binding={"iat": NOW + 59}),
)
sdc(rules.KEY_BINDING_TIME, "missing", dropping("binding", "iat"))
sdc(
    rules.KEY_BINDING_TIME,
    "expired",
    setting(binding={"exp": NOW}),
    setting(binding={"exp": NOW + 1}),
)
sdc(rules.KEY_BINDING_TIME, "early", setting(binding={"nbf": NOW + 90}))
sdc(rules.KEY_BINDING_HASH, "other", setting(binding={"sd_hash": digest("x")}))
sdc(rules.KEY_BINDING_HASH, "missing", setting(binding={"sd_hash": None}))
case(
    rules.KEY_BINDING_HASH,
    "disclosure-removed",
    lambda w: sd(w, raw=lambda d: b"~".join(d.split(b"~")[:1] + d.split(b"~")[2:])).run,
)

TRANSACTION = b64(jtext({"type": "contract", "sum": 5}))
TRANSACTION_384 = b64(jtext({"type": "c", "transaction_data_hashes_alg": ["sha-384"]}))


def transaction(asked: tuple[str, ...], **binding: Any) -> Make:
    request = replace(SD_REQUEST, transaction_data=asked)
    return lambda w: sd(w, setting(binding=binding), request=request).run


agreed = transaction((TRANSACTION,), transaction_data_hashes=[digest(TRANSACTION)])
for label, asked, binding in (
    ("missing", (TRANSACTION,), {}),
    ("other", (TRANSACTION,), {"transaction_data_hashes": [digest("x")]}),
    ("too-many", (TRANSACTION,), {"transaction_data_hashes": [digest(TRANSACTION)] * 2}),
    ("not-text", (TRANSACTION,), {"transaction_data_hashes": [digest(TRANSACTION), 1]}),
    ("not-list", (TRANSACTION,), {"transaction_data_hashes": digest(TRANSACTION)}),
    ("unasked", (), {"transaction_data_hashes": [digest(TRANSACTION)]}),
    ("hash", (TRANSACTION_384,), {"transaction_data_hashes": [digest(TRANSACTION_384)]}),
):
    case(rules.TRANSACTION_DATA, label, transaction(asked, **binding), agreed)


@pytest.mark.parametrize("vector", VECTORS.cases, ids=str)
def test_refused_by_name_and_twin_accepted(vector: Case, world: World) -> None:
    vector.check(world)
