"""Status lists and what they say."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import cbor2
import pytest

from p2p.credentials import limits, rules
from p2p.credentials.policy import Policy
from p2p.credentials.status_book import StatusBook
from p2p.credentials.status_list import StatusReader
from tests.credentials.attempts import md, sd, trusting
from tests.credentials.issuer import StatusToken, packed
from tests.credentials.pki import (
    DAY,
    LIST_URI,
    NOW,
    STATUS_SIGNER,
    World,
    authority,
    leaf,
    new_key,
)
from tests.credentials.vectors import (
    Case,
    Make,
    Vectors,
    in_object,
    setting,
)

VECTORS = Vectors()
case, sdc, mdc = VECTORS.case, VECTORS.sd, VECTORS.md


# --- 14 status lists -----------------------------------------------------------------------------


def status(form: str, make: Callable[[World], StatusToken], eku: str = STATUS_SIGNER) -> Make:
    """Reading one status list token."""

    def attempt(world: World) -> Callable[[], Any]:
        token = getattr(make(world), form)()
        return lambda: StatusBook().add(token, StatusReader(trusting(world.root)), NOW)

    return attempt


def stc(rule: rules.Rule, name: str, make: Any, forms: tuple[str, ...] = ("jwt", "cwt")) -> None:
    for form in forms:
        good = status(form, lambda w: StatusToken(w.status))
        case(rule, f"{form}-{name}", status(form, make), good)


stream = zlib.compress(packed({7: 1}))
stc(rules.STATUS_SIGNATURE, "document-signer", lambda w: StatusToken(w.signer))
stc(
    rules.STATUS_SIGNATURE,
    "other-root",
    lambda w: StatusToken(leaf(authority(), usages=(STATUS_SIGNER,))),
)
stc(rules.STATUS_SIGNATURE, "other-key", lambda w: StatusToken(replace(w.status, key=new_key())))
stc(rules.STATUS_BITS, "three", lambda w: StatusToken(w.status, bits=3))
stc(rules.STATUS_BITS, "zero", lambda w: StatusToken(w.status, bits=0))
stc(rules.STATUS_BITS, "true", lambda w: StatusToken(w.status, bits=True))
stc(rules.STATUS_STREAM, "cut", lambda w: StatusToken(w.status, compressed=stream[:-5]))
stc(
    rules.STATUS_STREAM, "checksum", lambda w: StatusToken(w.status, compressed=stream[:-1] + b"\0")
)
stc(rules.STATUS_STREAM, "followed", lambda w: StatusToken(w.status, compressed=stream + b"\0"))
stc(rules.STATUS_STREAM, "empty", lambda w: StatusToken(w.status, compressed=b""))
stc(rules.STATUS_STREAM, "raw", lambda w: StatusToken(w.status, compressed=b"nothing like zlib"))
bomb = zlib.compress(bytes(limits.STATUS_INFLATED_MAX_BYTES + 1), 9)
stc(rules.STATUS_SIZE, "bomb", lambda w: StatusToken(w.status, compressed=bomb))
stc(
    rules.STATUS_EXPIRED, "expired", lambda w: StatusToken(w.status, changes={"exp": NOW}), ("jwt",)
)
stc(rules.STATUS_EXPIRED, "expired", lambda w: StatusToken(w.status, changes={4: NOW}), ("cwt",))
stc(
    rules.STATUS_EXPIRED,
    "early",
    lambda w: StatusToken(w.status, changes={"nbf": NOW + 90}),
    ("jwt",),
)
stc(rules.CLOCK, "from-the-future", lambda w: StatusToken(w.status, issued_at=NOW + 90))
stc(rules.TYPE, "type", lambda w: StatusToken(w.status, header={"typ": "JWT"}), ("jwt",))
stc(rules.TYPE, "type", lambda w: StatusToken(w.status, header={16: "x"}), ("cwt",))
stc(rules.STATUS_TOKEN, "no-subject", lambda w: StatusToken(w.status, uri=None))
stc(
    rules.STATUS_TOKEN,
    "no-list",
    lambda w: StatusToken(w.status, changes={"status_list": {}}),
    ("jwt",),
)
stc(rules.STATUS_TOKEN, "no-list", lambda w: StatusToken(w.status, changes={65533: {}}), ("cwt",))
stc(rules.SHAPE, "no-issue", lambda w: StatusToken(w.status, issued_at=None), ("jwt",))
stc(rules.STATUS_TOKEN, "no-issue", lambda w: StatusToken(w.status, issued_at=None), ("cwt",))
stc(rules.STATUS_TOKEN, "issue-text", lambda w: StatusToken(w.status, issued_at="x"), ("cwt",))

for label in (4, 5, 65534):
    stc(
        rules.STATUS_TOKEN,
        f"null-{label}",
        lambda w, label=label: StatusToken(w.status, changes={label: None}),
        ("cwt",),
    )
stc(rules.STATUS_TOKEN, "no-life", lambda w: StatusToken(w.status, changes={"ttl": 0}), ("jwt",))
stc(rules.STATUS_TOKEN, "no-life", lambda w: StatusToken(w.status, changes={65534: 0}), ("cwt",))
stc(rules.LENGTH, "address", lambda w: StatusToken(w.status, uri="https://" + "x" * 2_041))


def reads(data: Callable[[World], bytes], uri: str | None = None) -> Make:
    def attempt(world: World) -> Callable[[], Any]:
        reader, book = StatusReader(trusting(world.root)), StatusBook()
        token = data(world)
        if uri is None:
            return lambda: book.add(token, reader, NOW)
        return lambda: book.add_for(uri, token, reader, NOW)

    return attempt


def good_list(world: World) -> bytes:
    return StatusToken(world.status).cwt()


for label, rule, raw in (
    ("untagged", rules.STATUS_TOKEN, lambda d: d[1:]),
    (
        "detached",
        rules.STATUS_TOKEN,
        lambda d: cbor2.dumps(cbor2.CBORTag(18, [*cbor2.loads(d).value[:2], None, b""])),
    ),
    ("empty", rules.LENGTH, lambda d: b""),
    ("too-long", rules.LENGTH, lambda d: bytes(limits.STATUS_TOKEN_SIZE_MAX_BYTES + 1)),
):
    case(rule, f"status-{label}", reads(lambda w, raw=raw: raw(good_list(w))), reads(good_list))
case(
    rules.STATUS_SUBJECT,
    "other-list",
    reads(good_list, "https://other"),
    reads(good_list, LIST_URI),
)


def older(issued_at: int) -> Make:
    """A list after another one that was issued an hour ago."""

    def attempt(world: World) -> Callable[[], Any]:
        reader, book = StatusReader(trusting(world.root)), StatusBook()
        book.add(StatusToken(world.status).jwt(), reader, NOW)
        token = StatusToken(world.status, issued_at=issued_at).cwt()
        return lambda: book.add(token, reader, NOW)

    return attempt


case(rules.STATUS_ROLLBACK, "older", older(NOW - 3601), older(NOW - 3600))


def looked_up(index: int, kind: Any = sd, **beside: Any) -> Make:
    return lambda w: (
        kind(w, lambda c: c.with_status(index), tokens=[StatusToken(w.status).jwt()], **beside).run
    )


for kind, tag in ((sd, ""), (md, "mdoc-")):
    fine = looked_up(6, kind)
    case(rules.STATUS_REVOKED, f"{tag}revoked", looked_up(7, kind), fine)
    case(rules.STATUS_REVOKED, f"{tag}suspended", looked_up(8, kind), fine)
    case(rules.STATUS_INDEX, f"{tag}outside", looked_up(1024, kind), looked_up(1023, kind))
    case(
        rules.STATUS_UNKNOWN,
        f"{tag}no-list",
        lambda w, kind=kind: kind(w, lambda c: c.with_status()).run,
        fine,
    )
    case(
        rules.STATUS_UNKNOWN,
        f"{tag}stale",
        looked_up(6, kind, policy=Policy(status_age_max_s=3599)),
        looked_up(6, kind, policy=Policy(status_age_max_s=3600)),
    )
case(
    rules.STATUS_UNKNOWN,
    "expired-since",
    looked_up(6, now=NOW + DAY, policy=Policy(key_binding_age_max_s=2 * DAY)),
    looked_up(6, now=NOW + DAY - 1, policy=Policy(key_binding_age_max_s=2 * DAY)),
)
sdc(rules.STATUS_UNKNOWN, "other-kind", setting(payload={"status": {"crl": {}}}))
mdc(rules.STATUS_UNKNOWN, "mdoc-other-kind", in_object(status={"identifier_list": {}}))


@pytest.mark.parametrize("vector", VECTORS.cases, ids=str)
def test_refused_by_name_and_twin_accepted(vector: Case, world: World) -> None:
    vector.check(world)
