"""Trust lists are believed under our own roots only, and lead to anchors."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from typing import Any

import cbor2
import pytest

from p2p.credentials.presentation import MdocRequest
from p2p.credentials.status_list import StatusReader
from p2p.credentials.trust_lists import TrustList, read_lote, read_vical
from p2p.credentials.x509_trust import (
    DOCUMENT_SIGNER,
    Anchor,
    Purpose,
    TrustStore,
    anchor_from_der,
    anchors_from_pem,
)
from p2p.errors import CredentialError, InvalidInput
from tests.credentials.attempts import md, sd, trusting
from tests.credentials.issuer import StatusToken, compact, x5c
from tests.credentials.mdoc_issuer import openid_transcript, sign1, tdate
from tests.credentials.pki import (
    DAY,
    DOC_TYPE,
    NOW,
    Party,
    World,
    authority,
    cose_alg,
    der,
    jose_alg,
    leaf,
    pem,
    usage,
)

ROOT = authority("List root")
VICAL_SIGNER = leaf(ROOT, "VICAL signer", usages=("1.0.18013.5.1.8",))
LOTE_SIGNER = leaf(ROOT, "LoTE signer", usages=("0.4.0.2231.3.0",))
ROOTS = trusting(ROOT)


def vical(anchor: Party, signer: Party = VICAL_SIGNER, **changes: Any) -> bytes:
    payload = {
        "version": "1.0",
        "vicalProvider": "Test provider",
        "date": tdate(NOW - 3600),
        "nextUpdate": tdate(NOW + DAY),
        "vicalIssueID": 7,
        "certificateInfos": [
            {
                "certificate": der(anchor.cert),
                "serialNumber": anchor.cert.serial_number,
                "ski": b"x",
                "docType": [DOC_TYPE],
            }
        ],
    } | changes
    head = {1: cose_alg(signer.key)}
    message = sign1(head, {33: signer.chain[0]}, cbor2.dumps(payload), signer.key, attached=True)
    return cbor2.dumps(message)


def moment(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")


def lote(anchor: Party, signer: Party = LOTE_SIGNER, **changes: Any) -> str:
    def service(kind: str) -> dict[str, Any]:
        listed = [{"val": base64.b64encode(der(anchor.cert)).decode()}]
        return {
            "ServiceInformation": {
                "ServiceTypeIdentifier": f"http://uri.etsi.org/19602/SvcType/PID/{kind}",
                "ServiceDigitalIdentity": {"X509Certificates": listed},
            }
        }

    payload = {
        "ListAndSchemeInformation": {
            "SchemeOperatorName": [{"lang": "en", "value": "Test operator"}],
            "ListIssueDateTime": moment(NOW - 3600),
            "NextUpdate": moment(NOW + DAY),
            "LoTESequenceNumber": 3,
        } | changes.pop("scheme", {}),
        "TrustedEntitiesList": [
            {"TrustedEntityServices": [service("Issuance"), service("Revocation")]}
        ],
    } | changes.pop("body", {})  # fmt: skip
    header = {"alg": jose_alg(signer.key), "x5c": x5c(signer)} | changes.pop("header", {})
    return compact(header, changes.get("whole", {"LoTE": payload}), signer.key)


def read(form: str, data: Any, now: int = NOW) -> TrustList:
    return read_vical(data, ROOTS, now) if form == "vical" else read_lote(data, ROOTS, now)


MAKERS = {"vical": vical, "lote": lote}


@pytest.mark.parametrize("form", MAKERS)
def test_a_list_becomes_anchors(world: World, form: str) -> None:
    found = read(form, MAKERS[form](world.root))
    assert (found.source, found.skipped, len(found.anchors)) == (form, 0, 1)
    assert found.issued_at == NOW - 3600
    verified = md(world, trust=TrustStore(found.anchors)).run()
    assert (verified.trust.source, verified.trust.age_s) == (form, 3600)


def test_what_a_list_says_of_itself(world: World) -> None:
    first, second = read("vical", vical(world.root)), read("lote", lote(world.root))
    assert (first.publisher, first.sequence) == ("Test provider", 7)
    assert (second.publisher, second.sequence) == ("Test operator", 3)


@pytest.mark.parametrize("form", MAKERS)
def test_stale_is_told_and_not_refused(world: World, form: str) -> None:
    found = read(form, MAKERS[form](world.root), NOW + 2 * DAY)
    assert found.is_stale(NOW + 2 * DAY)
    assert not found.is_stale(NOW)


def test_a_list_without_next_update_is_never_stale(world: World) -> None:
    text = lote(world.root, scheme={"NextUpdate": None, "SchemeOperatorName": []})
    assert not read("lote", text).is_stale(NOW + 10**9)
    data = vical(world.root, nextUpdate=None)
    assert not read("vical", data).is_stale(NOW + 10**9)


def test_an_authority_of_a_vical_serves_its_document_types_only(world: World) -> None:
    infos = [{"certificate": der(world.root.cert), "docType": ["other"]}]
    found = read("vical", vical(world.root, certificateInfos=infos))
    with pytest.raises(CredentialError, match="not trusted for this document type"):
        md(world, trust=TrustStore(found.anchors)).run()


def test_an_unusable_entry_harms_only_itself(world: World) -> None:
    infos = [
        {"certificate": b"broken", "docType": [DOC_TYPE]},
        {"certificate": der(world.root.cert), "docType": [DOC_TYPE]},
    ]
    found = read("vical", vical(world.root, certificateInfos=infos))
    assert (len(found.anchors), found.skipped) == (1, 1)


def test_critical_signing_time_is_understood(world: World) -> None:
    header = {"crit": ["sigT"], "sigT": moment(NOW), "typ": "JOSE"}
    assert read("lote", lote(world.root, header=header)).anchors


ETSI = "http://uri.etsi.org/19602"


@pytest.mark.parametrize(
    ("kind", "status", "count"),
    [
        ("/SvcType/PID/Issuance", {}, 1),
        ("/SvcType/mDL/Issuance", {}, 1),
        (
            "/SvcType/PubEAA/Issuance",
            {"ServiceStatus": "/PubEAAProvidersList/SvcStatus/notified"},
            1,
        ),
        ("/SvcType/QEAA/Issuance", {"ServiceStatus": "/TrustedList/Svcstatus/granted"}, 1),
        (
            "/SvcType/PubEAA/Issuance",
            {"ServiceStatus": "/PubEAAProvidersList/SvcStatus/withdrawn"},
            0,
        ),
        ("/SvcType/QEAA/Issuance", {"ServiceStatus": "/TrustedList/Svcstatus/suspended"}, 0),
        ("/SvcType/PubEAA/Issuance", {"ServiceStatus": ""}, 0),
        ("/SvcType/PubEAA/Issuance", {"ServiceStatus": None}, 0),
        ("/SvcType/WalletSolution/Issuance", {}, 0),
        ("/SvcType/WRPAC/Issuance", {}, 0),
        ("/SvcType/WRPRC/Issuance", {}, 0),
        ("/SvcType/PID/Issuance/not", {}, 0),
        ("/SvcType/PID/Revocation", {}, 0),
    ],
)
def test_only_services_that_may_issue_credentials_of_persons_become_anchors(
    world: World, kind: str, status: dict[str, Any], count: int
) -> None:
    listed = [{"val": base64.b64encode(der(world.root.cert)).decode()}]
    information = {
        "ServiceTypeIdentifier": ETSI + kind,
        "ServiceDigitalIdentity": {"X509Certificates": listed},
    } | {name: text and ETSI + text for name, text in status.items()}
    services = [{"ServiceInformation": information}]
    body = {"TrustedEntitiesList": [{"TrustedEntityServices": services}]}
    assert len(read("lote", lote(world.root, body=body)).anchors) == count


def test_a_publisher_may_sign_with_content_commitment(world: World) -> None:
    bits = usage(content_commitment=True)
    signer = leaf(ROOT, usages=("1.0.18013.5.1.8",), bits=bits)
    assert read("vical", vical(world.root, signer)).anchors


@pytest.mark.parametrize("usages", [("0.4.0.2231.3.0",), ("0.4.0.2231.3.0", "1.2.3"), ()])
def test_a_publisher_that_is_pinned_itself_need_not_call_its_usage_critical(
    world: World, usages: tuple[str, ...]
) -> None:
    """So are the certificates that ETSI TS 119 612 section 5.7.1 describes."""
    signer = leaf(authority("Nobody knows it"), usages=usages, usage_critical=False)
    text = lote(world.root, signer)
    if usages == ("0.4.0.2231.3.0",):
        assert read_lote(text, trusting(signer), NOW).anchors
        trust = trusting(ROOT)
        text = lote(world.root, leaf(ROOT, usages=usages, usage_critical=False))
    else:
        trust = trusting(signer)
    with pytest.raises(CredentialError) as caught:
        read_lote(text, trust, NOW)
    assert caught.value.rule == "certificate"


BAD: dict[str, tuple[str, Any, str]] = {
    "foreign-root": (
        "vical", lambda w: vical(w.root, leaf(authority(), usages=("1.0.18013.5.1.8",))),
        "issuer-trust",
    ),
    "usage": ("vical", lambda w: vical(w.root, LOTE_SIGNER), "certificate"),
    "lote-usage": ("lote", lambda w: lote(w.root, VICAL_SIGNER), "certificate"),
    "future": ("vical", lambda w: vical(w.root, date=tdate(NOW + 90)), "clock"),
    "lote-future": (
        "lote", lambda w: lote(w.root, scheme={"ListIssueDateTime": moment(NOW + 90)}), "clock",
    ),
    "no-certificates": ("vical", lambda w: vical(w.root, certificateInfos=None), "shape"),
    "empty-entry": ("vical", lambda w: vical(w.root, certificateInfos=[{}]), "shape"),
    "no-types": (
        "vical",
        lambda w: vical(w.root, certificateInfos=[{"certificate": b"", "docType": []}]),
        "shape",
    ),
    "too-many": (
        "vical",
        lambda w: vical(
            w.root, certificateInfos=[{"certificate": b"", "docType": ["x"]}] * 2100
        ),
        "length",
    ),
    "sequence": ("vical", lambda w: vical(w.root, vicalIssueID="x"), "shape"),
    "lote-sequence": (
        "lote", lambda w: lote(w.root, scheme={"LoTESequenceNumber": -1}), "shape",
    ),
    "version": ("vical", lambda w: vical(w.root, version="2"), "shape"),
    "detached": ("vical", lambda w: cbor2.dumps([b"", {}, None, b""]), "shape"),
    "huge": ("vical", lambda w: bytes(9 << 20), "length"),
    "type": ("lote", lambda w: lote(w.root, header={"typ": "dc+sd-jwt"}), "type"),
    "type-list": ("lote", lambda w: lote(w.root, header={"typ": []}), "type"),
    "no-zone": (
        "lote", lambda w: lote(w.root, scheme={"ListIssueDateTime": "2026-01-01T00:00"}), "shape",
    ),
    "no-time": ("lote", lambda w: lote(w.root, scheme={"ListIssueDateTime": "soon"}), "shape"),
    "no-text": ("lote", lambda w: lote(w.root, scheme={"ListIssueDateTime": 5}), "shape"),
    "no-object": ("lote", lambda w: lote(w.root, whole={"LoTE": 5}), "shape"),
    "no-list": ("lote", lambda w: lote(w.root, body={"TrustedEntitiesList": 5}), "shape"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_a_bad_list_is_refused(world: World, name: str) -> None:
    form, make, rule = BAD[name]
    data = make(world)
    with pytest.raises(CredentialError) as caught:
        read(form, data)
    assert caught.value.rule == rule


@pytest.mark.parametrize(
    "header",
    [{"crit": ["x"], "x": 1}, *({"crit": crit} for crit in (["sigT"], "sigT", [], [[]], [None]))],
)
def test_what_must_be_understood_and_is_not(world: World, header: dict[str, Any]) -> None:
    with pytest.raises(CredentialError) as caught:
        read("lote", lote(world.root, header=header))
    assert caught.value.rule == "critical-header"


def test_a_changed_list_is_refused(world: World) -> None:
    data = vical(world.root)
    with pytest.raises(CredentialError, match="does not verify"):
        read("vical", data.replace(b"Test provider", b"Evil provider"))
    head, payload, signature = lote(world.root).split(".")
    other = lote(world.root, scheme={"LoTESequenceNumber": 9}).split(".")[1]
    assert payload != other
    with pytest.raises(CredentialError, match="does not verify"):
        read("lote", f"{head}.{other}.{signature}")


# --- our own anchors -----------------------------------------------------------------------------


@pytest.mark.parametrize("text", [b"", b"nothing", b"-----BEGIN CERTIFICATE-----\nAA\n"])
def test_a_file_without_certificates_is_our_own_fault(text: bytes) -> None:
    with pytest.raises(InvalidInput):
        anchors_from_pem(text)


def test_several_anchors_in_one_file(world: World) -> None:
    text = pem(world.root.cert) + pem(ROOT.cert)
    assert len(TrustStore.from_pem([text]).anchors) == 2


def test_a_pinned_signer_of_a_vical_still_needs_its_usage(world: World) -> None:
    party = leaf(authority(), usages=())
    (anchor,) = anchors_from_pem(pem(party.cert))
    for source, accepted in (("pem", True), ("lote", True), ("vical", False)):
        trust = TrustStore([Anchor(anchor.certificate, source)])
        attempt = sd(world, lambda c: c.with_signer(party), trust=trust)
        if accepted:
            assert attempt.run().trust.as_of is None
            continue
        with pytest.raises(CredentialError) as caught:
            attempt.run()
        assert caught.value.rule == "certificate"


def test_a_request_may_name_a_type_nobody_serves(world: World) -> None:
    request = MdocRequest("eu.other.1", openid_transcript())
    with pytest.raises(CredentialError) as caught:
        md(world, request=request).run()
    assert caught.value.rule == "doc-type"


# --- the JSON serializations of a JWS ------------------------------------------------------------


def in_json(token: str, **changes: Any) -> dict[str, Any]:
    protected, payload, signature = token.split(".")
    return {"payload": payload, "protected": protected, "signature": signature} | changes


def test_a_lote_in_json(world: World) -> None:
    flat = in_json(lote(world.root), header={"etsiU": ["x"], "alg": "none"})
    payload = flat["payload"]
    signature = {name: value for name, value in flat.items() if name != "payload"}
    for value in (flat, {"payload": payload, "signatures": [signature]}):
        for text in (json.dumps(value), f"\n {json.dumps(value, indent=1)}\n"):
            assert len(read("lote", text).anchors) == 1
    assert len(read("lote", f"\n{lote(world.root)}\n").anchors) == 1


@pytest.mark.parametrize(
    ("bend", "rule"),
    [
        (lambda flat: flat | {"signature": flat["signature"][:-4] + "AAAA"}, "signature"),
        (lambda flat: {"LoTE": {}}, "shape"),
        (lambda flat: {"payload": flat["payload"], "signatures": []}, "shape"),
        (lambda flat: {"payload": flat["payload"], "signatures": [flat, flat]}, "shape"),
        (lambda flat: flat | {"signatures": [flat]}, "shape"),
        (lambda flat: flat | {"protected": 5}, "shape"),
        (lambda flat: flat | {"payload": flat["payload"] + ".e30"}, "encoding"),
    ],
)
def test_a_bad_lote_in_json_is_refused(world: World, bend: Any, rule: str) -> None:
    with pytest.raises(CredentialError) as caught:
        read("lote", json.dumps(bend(in_json(lote(world.root)))))
    assert caught.value.rule == rule


def test_an_anchor_in_der(world: World) -> None:
    anchor = anchor_from_der(der(world.root.cert), NOW - 5)
    assert (anchor.source, anchor.as_of) == ("pem", NOW - 5)
    assert md(world, trust=TrustStore([anchor])).run().trust.age_s == 5
    for data in (b"", b"\x30", pem(world.root.cert), bytes(1 << 15)):
        with pytest.raises(InvalidInput):
            anchor_from_der(data)


def test_a_chain_is_remembered_for_one_purpose_only(world: World) -> None:
    """A pinned issuer without usages is none for status lists, even under the issuer's usage."""
    party = leaf(authority("Nobody knows it"), usages=())
    trust = trusting(party)
    assert md(world, lambda c: c.with_signer(party), trust=trust).run()
    reader = StatusReader(trust, Purpose(DOCUMENT_SIGNER.usage, "status signer"))
    with pytest.raises(CredentialError) as caught:
        reader.read(StatusToken(party).jwt(), NOW)
    assert caught.value.rule == "status-signature"
