"""Algorithms, types, critical headers, keys and signatures."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, hmac

from p2p.credentials import rules
from tests.credentials.issuer import SdJwt
from tests.credentials.mdoc_issuer import Mdoc
from tests.credentials.pki import (
    World,
    b64,
    jtext,
    jwk,
    new_key,
)
from tests.credentials.vectors import (
    Case,
    Vectors,
    dropping,
    setting,
)

VECTORS = Vectors()
case, sdc, mdc = VECTORS.case, VECTORS.sd, VECTORS.md


# --- 1 algorithms, 2 types, 3 critical headers ---------------------------------------------------


def hs256(case_: SdJwt) -> None:
    """The header says HMAC, the key is the issuer's public certificate."""
    case_.header["alg"] = "HS256"
    issued = ".".join(b64(jtext(each)) for each in (case_.header, case_.payload))
    code = hmac.HMAC(case_.signer.chain[0], hashes.SHA256())
    code.update(issued.encode())
    token = f"{issued}.{b64(code.finalize())}"
    case_.issued = lambda: token  # type: ignore[method-assign]


def embedded_jwk(case_: SdJwt) -> None:
    """Signed under a key of the attacker, who puts that key into the header."""
    case_.signer = replace(case_.signer, key=new_key())
    case_.header["jwk"] = jwk(case_.signer.key)


sdc(rules.ALGORITHM, "none", setting(header={"alg": "none"}))
sdc(rules.ALGORITHM, "hmac", hs256)
sdc(rules.ALGORITHM, "other-curve", setting(header={"alg": "ES384"}))
sdc(rules.ALGORITHM, "not-text", setting(header={"alg": 7}))
sdc(rules.ALGORITHM, "binding-none", setting(binding_header={"alg": "none"}))
sdc(rules.ALGORITHM, "digest-md5", setting(payload={"_sd_alg": "md5"}))
sdc(rules.ALGORITHM, "digest-number", setting(payload={"_sd_alg": 256}, disclosures=[]))
mdc(rules.ALGORITHM, "mdoc-other-curve", setting(issuer_protected={1: -35}))
mdc(rules.ALGORITHM, "mdoc-missing", dropping("issuer_protected", 1))
mdc(rules.ALGORITHM, "mdoc-device", setting(device_protected={1: -8}))
mdc(
    rules.ALGORITHM,
    "mdoc-digest",
    setting(bend_object=lambda signed: signed | {"digestAlgorithm": "SHA-1"}),
)
sdc(rules.SIGNATURE, "embedded-jwk", embedded_jwk, setting(header={"jwk": jwk(new_key())}))
sdc(rules.TYPE, "missing", dropping("header", "typ"))
sdc(rules.TYPE, "jwt", setting(header={"typ": "JWT"}))
sdc(rules.TYPE, "old-name", setting(header={"typ": "vc+sd-jwt"}))
sdc(rules.TYPE, "binding", setting(binding_header={"typ": "JWT"}))
sdc(
    rules.CRITICAL_HEADER,
    "unknown",
    setting(header={"crit": ["x"], "x": 1}),
    setting(header={"x": 1}),
)
sdc(rules.CRITICAL_HEADER, "b64", setting(header={"b64": False}))
sdc(rules.CRITICAL_HEADER, "binding", setting(binding_header={"crit": ["x"], "x": 1}))
mdc(
    rules.CRITICAL_HEADER,
    "mdoc",
    setting(issuer_protected={2: [99], 99: 1}),
    setting(issuer_protected={99: 1}),
)
mdc(rules.CRITICAL_HEADER, "mdoc-unprotected", setting(issuer_unprotected={2: [99]}))
mdc(rules.CRITICAL_HEADER, "mdoc-device", setting(device_protected={2: [1]}))


# --- 1 key form ----------------------------------------------------------------------------------


def cnf(**changes: Any) -> Callable[[SdJwt], None]:
    def bend(case_: SdJwt) -> None:
        case_.payload["cnf"]["jwk"].update(changes)

    return bend


def device_key(changes: dict[int, Any]) -> Callable[[Mdoc], None]:
    def bend(case_: Mdoc) -> None:
        case_.device_info["deviceKey"] = case_.device_info["deviceKey"] | changes

    return bend


sdc(rules.KEY_FORM, "private", cnf(d=b64(bytes(32))))
sdc(rules.KEY_FORM, "off-curve", cnf(x=b64(b"\x01" * 32)))
sdc(rules.KEY_FORM, "short", cnf(x=b64(bytes(31)), y=b64(bytes(31))))
sdc(rules.KEY_FORM, "uneven", cnf(x=b64(bytes(31))))
sdc(rules.KEY_FORM, "no-x", cnf(x=5))
sdc(rules.KEY_FORM, "unknown-curve", cnf(crv="secp256k1"))
sdc(rules.KEY_FORM, "symmetric", cnf(kty="oct"))
sdc(rules.KEY_FORM, "short-edwards", cnf(kty="OKP", crv="Ed25519", x=b64(bytes(31))))
sdc(rules.KEY_FORM, "not-a-map", lambda c: c.payload.update(cnf={"jwk": "x"}))
mdc(rules.KEY_FORM, "mdoc-private", device_key({-4: bytes(32)}))
mdc(rules.KEY_FORM, "mdoc-off-curve", device_key({-2: b"\x01" * 32}))
mdc(rules.KEY_FORM, "mdoc-no-y", device_key({-3: None}))
mdc(rules.KEY_FORM, "mdoc-unknown", device_key({-1: 99}))
mdc(rules.KEY_FORM, "mdoc-no-curve", device_key({-1: "P-256"}))
mdc(rules.KEY_FORM, "mdoc-short-x25519", device_key({1: 1, -1: 4, -2: bytes(31)}))


# --- 6 signatures --------------------------------------------------------------------------------


def resigned(change: Callable[[bytes], bytes]) -> Callable[[SdJwt], None]:
    """The issuer's signature changed after the fact, the binding made over the result."""

    def bend(case_: SdJwt) -> None:
        head, _, signature = case_.issued().rpartition(".")
        raw = base64.urlsafe_b64decode(signature + "==")
        token = f"{head}.{b64(change(raw))}"
        case_.issued = lambda: token  # type: ignore[method-assign]

    return bend


P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def high_s(raw: bytes) -> bytes:
    s = int.from_bytes(raw[32:], "big")
    return raw[:32] + (P256_ORDER - s).to_bytes(32, "big")


der_form = bytes.fromhex("3006020101020101")
for label, form in {
    "der": lambda raw: der_form,
    "short": lambda raw: raw[:-1],
    "long": lambda raw: raw + b"\0",
    "empty": lambda raw: b"",
    "zero-r": lambda raw: bytes(32) + raw[32:],
    "zero-s": lambda raw: raw[:32] + bytes(32),
}.items():
    sdc(rules.SIGNATURE_FORM, label, resigned(form), resigned(high_s))
sdc(rules.SIGNATURE, "flipped", resigned(lambda raw: raw[:-1] + bytes([raw[-1] ^ 1])))
sdc(rules.SIGNATURE, "all-ones", resigned(lambda raw: b"\xff" * 64))


@pytest.mark.parametrize("vector", VECTORS.cases, ids=str)
def test_refused_by_name_and_twin_accepted(vector: Case, world: World) -> None:
    vector.check(world)
