"""What the test issuer makes verifies, says that it is a test, and tells no copies apart."""

from __future__ import annotations

import base64
import json
from datetime import date
from typing import Any

import cbor2
import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from p2p.adapters.system import SystemEntropy
from p2p.credentials import cbor
from p2p.credentials.bundle_file import IssuedMdoc, IssuedSdJwt, read_bundle, write_bundle
from p2p.credentials.established import NoStatus, StatusReference
from p2p.credentials.held import read_held_mdoc, read_held_sd_jwt
from p2p.credentials.issuer import (
    ORGANISATION,
    SIGNER_LIFE_MAX_S,
    make_test_issuer,
    new_holder_key,
    private_key_pem,
    signing_party,
)
from p2p.credentials.issuing import Terms, issue_mdoc, issue_sd_jwt
from p2p.credentials.presentation import MdocRequest, SdJwtRequest, StatusState
from p2p.credentials.presenting import present
from p2p.credentials.status_book import StatusBook
from p2p.credentials.status_issuing import (
    REVOKED,
    SUSPENDED,
    StatusTerms,
    pack_statuses,
    status_list_cwt,
    status_list_jwt,
)
from p2p.credentials.status_list import StatusReader
from p2p.credentials.verify import ShortNonceMemory, verify
from p2p.credentials.x509_trust import TrustStore
from p2p.errors import CredentialError, InvalidInput
from tests.credentials.mdoc_issuer import openid_transcript
from tests.credentials.pki import AUDIENCE, DAY, DOC_TYPE, LIST_URI, NONCE, NOW, SPACE, VCT

ISSUER = make_test_issuer(NOW)
TRUST = TrustStore.from_pem([ISSUER.root.pem])
CLAIMS: Any = {
    "given_name": "Erika", "age_equal_or_over": {"18": True, "21": False}, "nationalities": ["XX"],
    "empty": {}, "nested": {"deep": {"deeper": 1}},
}  # fmt: skip
ELEMENTS: Any = {
    "family_name": "Mustermann", "birth_date": "1990-05-17", "age_in_years": 36, "score": 1.5,
    "portrait": "/9j/", "nothing": None, "privileges": [{"code": "A", "issue_date": "2018-08-09"}],
}  # fmt: skip


def terms(kind: str, index: int = -1) -> Terms:
    status = NoStatus() if index < 0 else StatusReference(LIST_URI, index)
    return Terms(kind, NOW - 60, NOW + DAY, status)


def sd_jwt(index: int = -1) -> IssuedSdJwt:
    key = new_holder_key()
    text = issue_sd_jwt(CLAIMS, terms(VCT, index), ISSUER.signer, key.public_key(), SystemEntropy())
    return IssuedSdJwt(text, key)


def mdoc(index: int = -1) -> IssuedMdoc:
    key = new_holder_key()
    data = issue_mdoc(
        {SPACE: ELEMENTS}, terms(DOC_TYPE, index), ISSUER.signer, key.public_key(), SystemEntropy()
    )
    return IssuedMdoc(data, key)


def judged(copy: IssuedSdJwt | IssuedMdoc, book: StatusBook | None = None) -> Any:
    if isinstance(copy, IssuedSdJwt):
        held = read_held_sd_jwt(copy.text.encode(), copy.holder)
        request: Any = SdJwtRequest(AUDIENCE, NONCE, VCT)
    else:
        held = read_held_mdoc(copy.issuer_signed, copy.holder)
        request = MdocRequest(DOC_TYPE, openid_transcript())
    data = present(held, held.names(), request, NOW)
    return verify(data, request, TRUST, book or StatusBook(), NOW, nonces=ShortNonceMemory())


def test_an_sd_jwt_verifies() -> None:
    verified = judged(sd_jwt())
    assert {name: verified.claims[name] for name in CLAIMS} == CLAIMS
    assert ORGANISATION in verified.issuer
    assert ORGANISATION in verified.trust.anchor


def test_every_claim_is_hidden_by_itself() -> None:
    payload = sd_jwt().text.partition(".")[2].partition(".")[0]
    shown = base64.urlsafe_b64decode(payload + "==")
    assert b"age_equal_or_over" in shown
    for word in (b"Erika", b"given_name"):
        assert word not in shown
    held = read_held_sd_jwt((copy := sd_jwt()).text.encode(), copy.holder)
    request = SdJwtRequest(AUDIENCE, NONCE, VCT)
    data = present(held, ("age_equal_or_over/18",), request, NOW)
    claims = verify(data, request, TRUST, StatusBook(), NOW, nonces=ShortNonceMemory()).claims
    assert claims["age_equal_or_over"] == {"18": True}
    assert "given_name" not in claims


def test_an_mdoc_verifies() -> None:
    claims = judged(mdoc()).claims[SPACE]
    assert claims["birth_date"] == "1990-05-17"
    assert claims["portrait"] == b"\xff\xd8\xff"
    assert claims["score"] == 1.5
    assert claims["privileges"] == [{"code": "A", "issue_date": "2018-08-09"}]


def test_an_mdocs_dates_are_tagged() -> None:
    issued = cbor2.loads(mdoc().issuer_signed)
    items = [cbor2.loads(item.value) for item in issued["nameSpaces"][SPACE]]
    dates = [each["elementValue"] for each in items if each["elementIdentifier"] == "birth_date"]
    assert dates == [date(1990, 5, 17)]
    assert all(len(each["random"]) == 16 for each in items)


@pytest.mark.parametrize("form", [status_list_jwt, status_list_cwt])
def test_a_status_list_revokes(form: Any) -> None:
    reader = StatusReader(TRUST)
    for state, rule in ((REVOKED, "status-revoked"), (SUSPENDED, "status-revoked")):
        book = StatusBook()
        listed = StatusTerms(LIST_URI, NOW - 5, NOW + DAY, 60)
        book.add(form(pack_statuses({9: state}, 64), listed, ISSUER.status), reader, NOW)
        assert judged(sd_jwt(8), book).status.state is StatusState.VALID
        assert judged(mdoc(10), book).status.state is StatusState.VALID
        for copy in (sd_jwt(9), mdoc(9)):
            with pytest.raises(CredentialError) as caught:
                judged(copy, book)
            assert caught.value.rule == rule


def test_copies_share_nothing_that_tells_them() -> None:
    first, second = sd_jwt(), sd_jwt()
    assert not set(first.text.split("~")[1:-1]) & set(second.text.split("~")[1:-1])
    assert first.holder.public_key() != second.holder.public_key()


def test_a_bundle_reads_back() -> None:
    copies = [sd_jwt(), mdoc()]
    again = read_bundle(write_bundle(copies))
    assert [type(copy) for copy in again] == [IssuedSdJwt, IssuedMdoc]
    assert [private_key_pem(copy.holder) for copy in again] == [
        private_key_pem(copy.holder) for copy in copies
    ]
    assert judged(again[0]).claims
    assert judged(again[1]).claims


VERSION = "molva_credential_bundle"
NO_BUNDLES: Any = [
    {},
    {VERSION: 2, "copies": []},
    {VERSION: True, "copies": []},
    {VERSION: 1, "copies": {}},
    {VERSION: 1, "copies": [{}]},
    {VERSION: 1, "copies": [{"format": "mso_mdoc", "issuer_signed": "!", "holder_key": ""}]},
    {VERSION: 1, "copies": [{"format": "dc+sd-jwt", "credential": "", "holder_key": "no key"}]},
]


@given(st.binary(max_size=200) | st.sampled_from(NO_BUNDLES))
def test_what_is_no_bundle_is_refused(value: Any) -> None:
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    with pytest.raises(InvalidInput):
        read_bundle(data)


@pytest.mark.parametrize("name", ["exp", "cnf", "iat", "_sd", "...", "status", "vct"])
def test_a_claim_that_the_issuer_sets_is_refused(name: str) -> None:
    public = new_holder_key().public_key()
    with pytest.raises(InvalidInput, match="cannot be named"):
        issue_sd_jwt({name: 1}, terms(VCT), ISSUER.signer, public, SystemEntropy())


@pytest.mark.parametrize("element", [{"n": 1 << 70}, {"portrait": "%%%"}])
def test_an_element_that_cannot_be_is_refused(element: Any) -> None:
    public = new_holder_key().public_key()
    with pytest.raises(InvalidInput):
        issue_mdoc({SPACE: element}, terms(DOC_TYPE), ISSUER.signer, public, SystemEntropy())


def test_certificates_follow_the_profile() -> None:
    for party in (ISSUER.root, ISSUER.signer, ISSUER.status):
        names = party.certificate.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
        assert names[0].value == "MOLVA TEST ISSUER - NOT REAL"
        assert b"MOLVA TEST ISSUER" in party.pem.splitlines()[0]
    usage = ISSUER.signer.certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage)
    assert usage.critical
    assert [each.dotted_string for each in usage.value] == ["1.0.18013.5.1.2"]
    with pytest.raises(InvalidInput):
        make_test_issuer(NOW, SIGNER_LIFE_MAX_S + 1)


def test_a_key_of_another_certificate_is_refused() -> None:
    party = signing_party(ISSUER.signer.key_pem, ISSUER.signer.pem)
    assert party.der == ISSUER.signer.der
    for key, certificate in (
        (ISSUER.root.key_pem, ISSUER.signer.pem), (b"", b""), (ISSUER.root.key_pem, b"x"),
    ):  # fmt: skip
        with pytest.raises(InvalidInput):
            signing_party(key, certificate)


VALUES: Any = st.recursive(
    st.none() | st.booleans() | st.integers(-(1 << 64), (1 << 64) - 1) | st.floats(allow_nan=False)
    | st.text(max_size=40) | st.binary(max_size=40),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(st.text(max_size=3) | st.integers(-9, 9) | st.binary(max_size=3), inner),
    max_leaves=12,
)  # fmt: skip


@given(VALUES)
def test_what_is_encoded_reads_back_here_and_elsewhere(value: Any) -> None:
    data = cbor.encode(value)
    assert cbor.decode(data, "It") == value
    assert cbor2.loads(data) == value


@pytest.mark.parametrize(
    "data", ["f7", "e5", "f8ff", "c11a514b67b0", "d8184101", "fb7e37e43c8800759c"]
)
def test_special_values_are_written_as_read(data: str) -> None:
    assert cbor.encode(cbor.decode(bytes.fromhex(data), "It")).hex() == data
