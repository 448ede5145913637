"""Namespaces, document types and the device's proof."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import cbor2
import pytest

from p2p.credentials import rules
from p2p.credentials.presentation import MdocRequest
from tests.credentials.attempts import md
from tests.credentials.mdoc_issuer import Mdoc, embedded, openid_transcript
from tests.credentials.pki import (
    SPACE,
    World,
    new_key,
)
from tests.credentials.vectors import (
    Case,
    Make,
    Vectors,
    altered,
    in_object,
    setting,
)

VECTORS = Vectors()
case, sdc, mdc = VECTORS.case, VECTORS.sd, VECTORS.md


# --- 11 namespaces, 12 device, 13 device-signed ---------------------------------------------------


def items(change: Callable[[dict[str, list[Any]]], Any]) -> Callable[[Mdoc], None]:
    return setting(bend_items=change)


FORGED = embedded(
    {"digestID": 0, "random": bytes(16), "elementIdentifier": "admin", "elementValue": True}
)
mdc(rules.NAMESPACE, "injected", items(lambda i: i | {"org.evil": [FORGED]}))
mdc(
    rules.NAMESPACE,
    "repeated",
    items(lambda i: {SPACE: [i[SPACE][0], i[SPACE][0]]}),
    items(lambda i: {SPACE: i[SPACE][:1]}),
)
mdc(rules.NAMESPACE, "number-used-twice", items(lambda i: {SPACE: [i[SPACE][0], FORGED]}))
mdc(rules.NAMESPACE, "unknown-number", altered(digestID=99))
mdc(rules.NAMESPACE, "negative-number", altered(digestID=-1))
mdc(rules.SHAPE, "items-list", items(lambda i: []), items(lambda i: {}))
mdc(rules.SHAPE, "items-number", items(lambda i: {1: []}))
mdc(rules.SHAPE, "item-bare", items(lambda i: {SPACE: [{}]}))
mdc(rules.SHAPE, "item-empty", items(lambda i: {SPACE: [embedded({})]}))
mdc(rules.SHAPE, "item-number-true", items(lambda i: {SPACE: [embedded(
    {"digestID": True, "random": b"", "elementIdentifier": "x", "elementValue": 1})]}))  # fmt: skip


def salted(size: int) -> Callable[[Mdoc], None]:
    """One element whose salt has so many bytes, signed as it is."""

    def bend(case_: Mdoc) -> None:
        item = embedded({
            "digestID": 0,
            "random": bytes(size),
            "elementIdentifier": "sex",
            "elementValue": 1,
        })  # fmt: skip
        digests = {SPACE: {0: hashlib.sha256(cbor2.dumps(item)).digest()}}
        setting(
            bend_object=lambda signed: signed | {"valueDigests": digests},
            bend_items=lambda _: {SPACE: [item]},
        )(case_)

    return bend


mdc(rules.SHAPE, "item-salt-short", salted(15), salted(16))
mdc(rules.SHAPE, "item-salt-empty", salted(0), salted(32))
mdc(rules.LENGTH, "many-items", items(lambda i: {SPACE: [embedded(b"\xa0")] * 1100}))


def two_documents(change: Callable[[dict[str, Any]], Any]) -> Callable[[Mdoc], None]:
    """A second document, complete and right, changed after signing."""

    def bend(case_: Mdoc) -> None:
        other = Mdoc(World(case_.signer, case_.signer, case_.signer, case_.holder))
        other.doc_type = "eu.other.1"
        document = change(other.document())
        case_.bend_response = lambda r: r | {"documents": [*r["documents"], document]}

    return bend


def forged(document: dict[str, Any]) -> dict[str, Any]:
    auth = document["deviceSigned"]["deviceAuth"]["deviceSignature"]
    auth[3] = bytes([auth[3][0] ^ 1]) + auth[3][1:]
    return document


mdc(rules.DOC_TYPE, "document", setting(bend_document=lambda d: d | {"docType": "other"}))
mdc(rules.DOC_TYPE, "object", in_object(docType="other"))
mdc(rules.DOC_TYPE, "none", setting(bend_response=lambda r: r | {"documents": []}))
mdc(rules.DOC_TYPE, "absent", setting(bend_response=lambda r: {"version": "1.0", "status": 0}))
mdc(
    rules.DOC_TYPE,
    "two-of-one-type",
    setting(bend_response=lambda r: r | {"documents": r["documents"] * 2}),
    two_documents(lambda d: d),
)
mdc(rules.DOC_TYPE, "two-others-of-one-type", lambda c: (two_documents(lambda d: d)(c), setting(
    bend_response=lambda r, add=c.bend_response: add(add(r)))(c)))  # fmt: skip
mdc(
    rules.DEVICE_AUTHENTICATION,
    "second-document",
    two_documents(forged),
    two_documents(lambda d: d),
)


def proof(change: Callable[[dict[str, Any]], Any]) -> Callable[[Mdoc], None]:
    def bend(document: dict[str, Any]) -> dict[str, Any]:
        part = document["deviceSigned"]
        return document | {"deviceSigned": part | {"deviceAuth": change(part["deviceAuth"])}}

    return setting(bend_document=bend)


def attached(auth: dict[str, Any]) -> dict[str, Any]:
    head, unprotected, _, signature = auth["deviceSignature"]
    return {"deviceSignature": [head, unprotected, b"x", signature]}


def with_mac(holder: Any, reader: Any, ours: Any = None) -> Make:
    request = MdocRequest("org.iso.18013.5.1.mDL", openid_transcript(), ours or reader)
    bend = lambda c: (c.with_holder(holder), setting(reader_key=reader)(c))  # noqa: E731
    return lambda w: md(w, bend, request=request).run


for label, change in {
    "none": lambda a: {},
    "both": lambda a: a | {"deviceMac": a["deviceSignature"]},
    "unknown": lambda a: {"deviceFace": a["deviceSignature"]},
    "attached": attached,
}.items():
    mdc(rules.DEVICE_AUTHENTICATION, label, proof(change))
mdc(rules.DEVICE_AUTHENTICATION, "other-session", setting(transcript=openid_transcript("other")))
mdc(rules.DEVICE_AUTHENTICATION, "other-device", setting(holder=new_key()))
HOLDER, READER = new_key(), new_key()
case(
    rules.DEVICE_AUTHENTICATION,
    "mac-other-reader",
    with_mac(HOLDER, READER, new_key()),
    with_mac(HOLDER, READER),
)
case(
    rules.DEVICE_AUTHENTICATION,
    "mac-without-reader-key",
    lambda w: md(w, setting(reader_key=READER)).run,
    with_mac(HOLDER, READER),
)


def with_mac_algorithm(number: float) -> Make:
    """The MAC's algorithm as a number that equals HMAC 256/256, whatever it is."""

    def bend(document: dict[str, Any]) -> dict[str, Any]:
        proof_ = document["deviceSigned"]["deviceAuth"]["deviceMac"]
        proof_[0] = cbor2.dumps({1: number})
        return document

    request = MdocRequest("org.iso.18013.5.1.mDL", openid_transcript(), READER)
    both = lambda c: (c.with_holder(HOLDER), setting(reader_key=READER, bend_document=bend)(c))  # noqa: E731
    return lambda w: md(w, both, request=request).run


case(rules.ALGORITHM, "mac-float", with_mac_algorithm(5.0), with_mac_algorithm(5))
case(
    rules.DEVICE_AUTHENTICATION,
    "x25519-cannot-sign",
    lambda w: md(w, lambda c: c.device_info.update(deviceKey={1: 1, -1: 4, -2: b"\x09" * 32})).run,
    lambda w: md(w).run,
)
GRANT = {"keyAuthorizations": {"nameSpaces": ["own"], "dataElements": {"other": ["mood"]}}}
mdc(
    rules.DEVICE_SIGNED,
    "ungranted",
    setting(asserted={"own": {"mood": "fine"}}),
    setting(asserted={"own": {"mood": "fine"}, "other": {"mood": "fine"}}, device_info=GRANT),
)
mdc(
    rules.DEVICE_SIGNED,
    "other-element",
    setting(asserted={"other": {"age_over_18": True}}, device_info=GRANT),
)
mdc(rules.SHAPE, "asserted-list", setting(asserted={"own": []}))
mdc(rules.SHAPE, "asserted-name", setting(asserted={"own": {1: 1}}))


@pytest.mark.parametrize("vector", VECTORS.cases, ids=str)
def test_refused_by_name_and_twin_accepted(vector: Case, world: World) -> None:
    vector.check(world)
