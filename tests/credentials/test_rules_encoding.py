"""JSON, CBOR and base64 with one reading only, hashed as received."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import cbor2
import pytest

from p2p.credentials import limits, rules
from tests.credentials.attempts import md, sd
from tests.credentials.issuer import SdJwt, compact
from tests.credentials.mdoc_issuer import Mdoc, embedded, tdate
from tests.credentials.pki import (
    NOW,
    SPACE,
    World,
    b64,
    jtext,
)
from tests.credentials.vectors import (
    Case,
    Vectors,
    altered,
    in_object,
    setting,
)

VECTORS = Vectors()
case, sdc, mdc = VECTORS.case, VECTORS.sd, VECTORS.md


# --- 7 encodings ---------------------------------------------------------------------------------


def token_of(header: bytes | None = None, payload: bytes | None = None) -> Any:
    """An issuer's token whose header or payload has exactly these bytes."""

    def bend(case_: SdJwt) -> None:
        parts = (header or jtext(case_.header), payload or jtext(case_.payload))
        token = compact(*parts, case_.signer.key)
        case_.issued = lambda: token  # type: ignore[method-assign]

    return bend


def raw_payload(make: Callable[[bytes], bytes]) -> Any:
    return lambda case_: token_of(payload=make(jtext(case_.payload)))(case_)


nested = b'{"a":' + b"[" * 40 + b"]" * 40 + b"}"
for label, rule, raw in (
    ("padding", rules.ENCODING, lambda d: d.replace(b".", b"=.", 1)),
    ("not-ascii", rules.ENCODING, lambda d: b"\xff" + d),
    ("four-parts", rules.ENCODING, lambda d: b"e30." + d),
    ("no-tilde", rules.ENCODING, lambda d: d.partition(b"~")[0]),
    ("empty", rules.ENCODING, lambda d: b""),
    ("empty-disclosure", rules.ENCODING, lambda d: d.replace(b"~", b"~~", 1)),
    ("newline", rules.ENCODING, lambda d: d + b"\n"),
    ("standard-alphabet", rules.ENCODING, lambda d: d.replace(b".", b"+/.", 1)),
    ("too-long", rules.LENGTH, lambda d: d + b"A" * limits.PRESENTATION_SIZE_MAX_BYTES),
    ("many-disclosures", rules.LENGTH, lambda d: d.replace(b"~", b"~AA" * 600 + b"~", 1)),
):
    case(rule, f"text-{label}", lambda w, raw=raw: sd(w, raw=raw).run)
for label, rule, make in (
    ("not-json", rules.ENCODING, lambda p: p[:-1]),
    ("not-utf8", rules.ENCODING, lambda p: p.replace(b"issuer", b"\xff\xfe")),
    ("nan", rules.ENCODING, lambda p: p[:-1] + b',"n":NaN}'),
    ("infinite", rules.ENCODING, lambda p: p[:-1] + b',"n":1e999}'),
    ("huge-integer", rules.ENCODING, lambda p: p[:-1] + b',"n":' + b"9" * 5000 + b"}"),
    ("lone-surrogate", rules.ENCODING, lambda p: p[:-1] + b',"n":"\\ud800"}'),
    ("duplicate", rules.DUPLICATE, lambda p: p[:-1] + b',"vct":"x"}'),
    ("duplicate-escaped", rules.DUPLICATE, lambda p: p[:-1] + b',"v\\u0063t":"x"}'),
    ("deep", rules.DEPTH, lambda p: p[:-1] + b',"n":' + nested + b"}"),
    ("many", rules.LENGTH, lambda p: p[:-1] + b',"n":[' + b"0," * 30_000 + b"0]}"),
    ("not-object", rules.SHAPE, lambda p: b"[" + p + b"]"),
):
    case(
        rule,
        f"json-{label}",
        lambda w, make=make: sd(w, raw_payload(make)).run,
        lambda w: sd(w, raw_payload(lambda p: b' { "n" : [[1.5e3, "\\u00fc"]],' + p[1:])).run,
    )
sdc(rules.ENCODING, "x5c-url-alphabet", lambda c: c.header.update(x5c=[b64(c.signer.chain[0])]))
sdc(rules.SHAPE, "x5c-text", lambda c: c.header.update(x5c=c.header["x5c"][0]))
sdc(rules.SHAPE, "x5c-number", setting(header={"x5c": [1]}))
sdc(rules.LENGTH, "x5c-many", lambda c: c.header.update(x5c=c.header["x5c"] * 6))
sdc(
    rules.LENGTH,
    "x5c-huge",
    setting(header={"x5c": [base64.b64encode(bytes(20_000)).decode()]}),
)
sdc(
    rules.SHAPE,
    "exp-text",
    setting(payload={"exp": "tomorrow"}),
    setting(payload={"exp": NOW + 1.5}),
)
sdc(rules.SHAPE, "exp-true", setting(payload={"exp": True}))
sdc(rules.SHAPE, "status-text", setting(payload={"status": "fine"}))
sdc(
    rules.SHAPE,
    "status-negative",
    setting(payload={"status": {"status_list": {"idx": -1, "uri": "x"}}}),
)

deep_array = b"\x81" * 40 + b"\x00"
for label, rule, raw in (
    ("trailing", rules.TRAILING, lambda d: d + b"\x00"),
    ("twice", rules.TRAILING, lambda d: d + d),
    ("cut", rules.LENGTH, lambda d: d[:-1]),
    ("empty", rules.LENGTH, lambda d: b""),
    ("long-string", rules.LENGTH, lambda d: b"\x7a\xff\xff\xff\xff"),
    ("long-array", rules.LENGTH, lambda d: b"\x9b" + b"\xff" * 8),
    ("long-map", rules.LENGTH, lambda d: b"\xbb" + b"\x7f" * 8),
    ("many", rules.LENGTH, lambda d: b"\x9a\x00\x00\x60\x00" + b"\x00" * 0x6000),
    ("many-endless", rules.LENGTH, lambda d: b"\x9f" + b"\x00" * 30_000 + b"\xff"),
    ("many-chunks", rules.LENGTH, lambda d: b"\x5f" + b"\x40" * 30_000 + b"\xff"),
    ("deep", rules.DEPTH, lambda d: deep_array),
    ("deep-tags", rules.DEPTH, lambda d: b"\xc1" * 40 + b"\x00"),
    ("reserved", rules.ENCODING, lambda d: b"\x1c"),
    ("break", rules.ENCODING, lambda d: b"\xff"),
    ("long-simple", rules.ENCODING, lambda d: b"\xf8\x14"),
    ("bad-chunk", rules.ENCODING, lambda d: b"\x7f\x41a\xff"),
    ("nested-chunk", rules.ENCODING, lambda d: b"\x5f\x5f\xff\xff"),
    ("not-utf8", rules.ENCODING, lambda d: b"\x61\xff"),
    ("key-list", rules.ENCODING, lambda d: b"\xa1\x80\x00"),
    ("key-true", rules.ENCODING, lambda d: b"\xa1\xf5\x00"),
    ("tag24-text", rules.ENCODING, lambda d: b"\xd8\x18\x61a"),
    ("duplicate", rules.DUPLICATE, lambda d: b"\xa4" + d[1:] + b"\x66status\x00"),
    ("duplicate-wide", rules.DUPLICATE, lambda d: b"\xa2\x01\x00\x18\x01\x00"),
    ("not-map", rules.SHAPE, lambda d: b"\x80"),
    ("huge", rules.LENGTH, lambda d: d + bytes(limits.PRESENTATION_SIZE_MAX_BYTES)),
):
    case(rule, f"cbor-{label}", lambda w, raw=raw: md(w, raw=raw).run, lambda w: md(w).run)


def endless(data: bytes) -> bytes:
    """The outer map written with indefinite length, which is another way to say the same."""
    return b"\xbf" + data[1:] + b"\xff"


case(rules.TRAILING, "cbor-after-break", lambda w: md(w, raw=lambda d: endless(d) + b"\0").run,
     lambda w: md(w, raw=endless).run)  # fmt: skip
for label, response in (
    ("version", {"version": "2.0"}),
    ("version-number", {"version": 1}),
    ("status", {"status": 10}),
    ("status-float", {"status": 0.0}),
    ("status-false", {"status": False}),
    ("documents-map", {"documents": {}}),
    ("document-text", {"documents": ["x"]}),
    ("document-empty", {"documents": [{}]}),
):
    mdc(
        rules.SHAPE,
        f"response-{label}",
        setting(bend_response=lambda r, new=response: r | new),
        setting(bend_response=lambda r: r | {"version": "1.1", "extra": 1}),
    )
mdc(
    rules.LENGTH,
    "documents",
    setting(bend_response=lambda r: r | {"documents": r["documents"] * 9}),
)


for label, change in {
    "no-device-key": {"deviceKeyInfo": {}},
    "digests-list": {"valueDigests": []},
    "digest-text": {"valueDigests": {SPACE: {0: "x"}}},
    "digest-short": {"valueDigests": {SPACE: {0: b"x"}}},
    "digest-space": {"valueDigests": {1: {}}},
    "no-type": {"docType": None},
    "validity": {"validityInfo": {"signed": tdate(NOW)}},
    "date-text": {"validityInfo": dict.fromkeys(("signed", "validFrom", "validUntil"), "2026")},
    "date-form": {"validityInfo": {"signed": cbor2.CBORTag(0, "yesterday")}},
    "date-impossible": {"validityInfo": {"signed": cbor2.CBORTag(0, "2026-13-01T00:00:00Z")}},
    "status": {"status": 1},
    "status-list": {"status": {"status_list": {"idx": "1", "uri": "x"}}},
    "status-false": {"status": {"status_list": {"idx": False, "uri": "x"}}},
}.items():
    mdc(rules.SHAPE, f"object-{label}", in_object(**change), in_object(later="unknown member"))
for label, grant in {
    "list": [],
    "elements-list": {"dataElements": []},
    "elements-number": {"dataElements": {1: []}},
    "names-text": {"nameSpaces": "x"},
    "names-twice": {"nameSpaces": ["a", "a"]},
}.items():
    mdc(rules.SHAPE, f"grants-{label}", setting(device_info={"keyAuthorizations": grant}))
mdc(
    rules.DUPLICATE,
    "grants-both",
    setting(device_info={"keyAuthorizations": {"nameSpaces": ["a"], "dataElements": {"a": ["b"]}}}),
)
mdc(rules.DUPLICATE, "header-in-both", setting(issuer_unprotected={1: -7}))


def issuer_auth(change: Callable[[list[Any]], Any]) -> Callable[[Mdoc], None]:
    def bend(document: dict[str, Any]) -> dict[str, Any]:
        part = document["issuerSigned"]
        return document | {"issuerSigned": part | {"issuerAuth": change(part["issuerAuth"])}}

    return setting(bend_document=bend)


for label, auth in {
    "short": lambda a: a[:3],
    "map": lambda a: {},
    "detached": lambda a: [a[0], a[1], None, a[3]],
    "bare-object": lambda a: [a[0], a[1], b"\xa0", a[3]],
}.items():
    mdc(
        rules.SHAPE,
        f"issuer-{label}",
        issuer_auth(auth),
        issuer_auth(lambda a: cbor2.CBORTag(18, a)),
    )
mdc(rules.SHAPE, "x5chain-text", setting(issuer_unprotected={33: "x"}))
mdc(
    rules.SHAPE,
    "x5chain-mixed",
    lambda c: c.issuer_unprotected.update({33: [c.signer.chain[0], 1]}),
    lambda c: c.issuer_unprotected.update({33: [c.signer.chain[0]]}),
)
mdc(rules.LENGTH, "x5chain-many", setting(issuer_unprotected={33: [b"x"] * 6}))


# --- 8 original bytes ----------------------------------------------------------------------------


def rewritten(items: dict[str, list[Any]]) -> dict[str, list[Any]]:
    """The same element, its CBOR written in another way."""
    content = items[SPACE][0].value
    return items | {SPACE: [embedded(b"\xbf" + content[1:] + b"\xff"), *items[SPACE][1:]]}


mdc(rules.DIGEST, "value", altered(elementValue="Smith"))
mdc(rules.DIGEST, "name", altered(elementIdentifier="given_name"))
mdc(rules.DIGEST, "salt", altered(random=bytes(16)))
mdc(rules.DIGEST, "re-encoded", setting(bend_items=rewritten))


@pytest.mark.parametrize("vector", VECTORS.cases, ids=str)
def test_refused_by_name_and_twin_accepted(vector: Case, world: World) -> None:
    vector.check(world)
