"""What a holder makes, the strict verifier accepts; and what is bent, no wallet takes in."""

from __future__ import annotations

import json
from typing import Any

import cbor2
import pytest
from cryptography.hazmat.primitives import serialization

from p2p.credentials.element_names import flattened, in_words, match, spellings
from p2p.credentials.encoding import base64url_encode
from p2p.credentials.exchange_binding import (
    bound_request,
    client_id,
    did_key,
    engagement_context,
    response_uri,
    session_context,
)
from p2p.credentials.held import Held, read_held_mdoc, read_held_sd_jwt
from p2p.credentials.policy import Policy, StatusPolicy
from p2p.credentials.presentation import MdocRequest, SdJwtRequest, Verified
from p2p.credentials.presenting import present
from p2p.credentials.private_keys import read_private_key, stored_form
from p2p.credentials.status_book import StatusBook
from p2p.credentials.verify import ShortNonceMemory, verify
from p2p.crypto.account import account_key_of
from p2p.errors import CredentialError, InvalidInput
from p2p.wire.ids import AccountKey, SessionId
from tests.credentials.attempts import trusting
from tests.credentials.issuer import SdJwt, digest
from tests.credentials.mdoc_issuer import Mdoc
from tests.credentials.pki import DOC_TYPE, NOW, P384, P521, VCT, World, new_key

VERIFIER = AccountKey(bytes(range(32)))
SESSION = SessionId(bytes(range(16)))
CONTEXT = session_context(SESSION)
ASKED = b"the request as sent"
NONCE = bytes(16)
SPACE = "org.iso.18013.5.1"


def request_for(format_: str, **changes: Any) -> SdJwtRequest | MdocRequest:
    kind = DOC_TYPE if format_ == "mso_mdoc" else VCT
    bound = {"verifier": VERIFIER, "context": CONTEXT, "request": ASKED, "nonce": NONCE}
    return bound_request(format_, kind, **(bound | changes))


def issued_sd_jwt(case: SdJwt) -> bytes:
    return case.covered().encode()


def issued_mdoc(case: Mdoc) -> bytes:
    return cbor2.dumps(case.document()["issuerSigned"])


def held_sd_jwt(world: World, *, nested: bool = False) -> Held:
    case = SdJwt(world)
    if nested:
        inner = case.hide("salt-3", "18", True)
        case.payload["_sd"].append(
            case.hide("salt-4", "age_equal_or_over", {"_sd": [inner], "16": True})
        )
        item = case.hide("salt-5", "UT")
        case.payload["nationalities"] = [{"...": item}, {"...": digest("decoy-2")}]
    return read_held_sd_jwt(issued_sd_jwt(case), world.holder)


def held_mdoc(world: World) -> Held:
    return read_held_mdoc(issued_mdoc(Mdoc(world)), world.holder)


def check(world: World, presentation: bytes, request: Any) -> Verified:
    return verify(
        presentation,
        request,
        trusting(world.root),
        StatusBook(),
        NOW,
        nonces=ShortNonceMemory(),
        policy=Policy(status=StatusPolicy.REPORT),
    )


# --- what is shown is what was agreed to ---------------------------------------------------------
def test_an_sd_jwt_shows_the_elements_agreed_to_and_no_other(world: World) -> None:
    request = request_for("dc+sd-jwt")
    verified = check(world, present(held_sd_jwt(world), ("age_over_18",), request, NOW), request)
    assert verified.claims["age_over_18"] is True
    assert "given_name" not in verified.claims


def test_what_is_hidden_together_is_told_and_shown_together(world: World) -> None:
    """Whoever agrees to show a country learns that the town is in the same disclosure."""
    case = SdJwt(world)
    places = {"country": "UT", "town": "Capital"}
    street = {"_sd": [case.hide("s1", "street", "1 High Street")]}
    case.payload["_sd"] += [
        case.hide("s2", "place_of_birth", places),
        case.hide("s3", "address", street | places),
    ]
    case.payload["sub"] = "everybody reads it"
    ages = [case.hide("s4", "18", True), case.hide("s5", "65", False)]
    case.payload["age_equal_or_over"] = {"_sd": ages}
    held = read_held_sd_jwt(issued_sd_jwt(case), world.holder)
    request = request_for("dc+sd-jwt")
    for asked, besides in (
        (("place_of_birth/country",), {"place_of_birth/town"}),
        (("address/country",), {"address/town"}),
        (("address/street",), {"address/town", "address/country"}),
        (("address/street", "address/country", "address/town"), set()),
        (("age_equal_or_over/18",), set()),
        (("given_name",), set()),
    ):
        assert set(held.shown_with(asked)) == {"sub", *besides}, asked
        claims = check(world, present(held, asked, request, NOW), request).claims
        read = {name for name in flattened(claims, "dc+sd-jwt") if name in held.names()}
        above = {"address", "place_of_birth", "age_equal_or_over"}
        assert read - above == {"sub", *besides, *asked}
    assert held.shown_with(("address",)) == ["sub"], "what is inside it goes without saying"


def test_an_mdoc_shows_the_elements_agreed_to_and_no_other(world: World) -> None:
    request = request_for("mso_mdoc")
    shown = present(held_mdoc(world), (f"{SPACE}/age_over_18",), request, NOW)
    assert check(world, shown, request).claims == {SPACE: {"age_over_18": True}}


def test_nothing_can_be_shown_but_presence(world: World) -> None:
    request = request_for("mso_mdoc")
    assert check(world, present(held_mdoc(world), (), request, NOW), request).claims == {}


@pytest.mark.parametrize("name", ["age_equal_or_over/18", "nationalities", "age_equal_or_over"])
def test_an_element_inside_others_comes_with_what_it_needs(world: World, name: str) -> None:
    held = held_sd_jwt(world, nested=True)
    request = request_for("dc+sd-jwt")
    verified = check(world, present(held, (name,), request, NOW), request)
    shown = flattened(verified.claims, "dc+sd-jwt")
    assert shown[name] in (True, ["UT"], {"16": True, "18": True})
    assert "given_name" not in shown


@pytest.mark.parametrize("curve", ["Ed25519", "Ed448", P384, P521])
@pytest.mark.parametrize("format_", ["dc+sd-jwt", "mso_mdoc"])
def test_every_kind_of_holder_key_proves_possession(world: World, curve: Any, format_: str) -> None:
    key = new_key(curve)
    request = request_for(format_)
    if format_ == "mso_mdoc":
        held = read_held_mdoc(issued_mdoc(Mdoc(world).with_holder(key)), key)
    else:
        held = read_held_sd_jwt(issued_sd_jwt(SdJwt(world).with_holder(key)), key)
    assert check(world, present(held, (), request, NOW), request).holder_bound


def test_a_chain_of_two_certificates_stays_whole(world: World) -> None:
    case = Mdoc(world)
    case.issuer_unprotected = {33: [world.signer.chain[0], world.root.chain[0]], 4: b"kid"}
    held = read_held_mdoc(issued_mdoc(case), world.holder)
    request = request_for("mso_mdoc")
    assert check(world, present(held, (), request, NOW), request).holder_bound


def test_a_transaction_is_agreed_to_by_its_hash(world: World) -> None:
    text = base64url_encode(json.dumps({"type": "rent", "credential_ids": ["1"]}).encode())
    request = SdJwtRequest("molva:x", "n" * 22, VCT, (text,))
    assert check(world, present(held_sd_jwt(world), (), request, NOW), request).holder_bound
    silent = SdJwtRequest("molva:x", "n" * 22, VCT)
    with pytest.raises(CredentialError, match="transaction"):
        check(world, present(held_sd_jwt(world), (), silent, NOW), request)


def test_what_is_not_there_cannot_be_shown(world: World) -> None:
    with pytest.raises(InvalidInput, match="no element 'sex'"):
        present(held_sd_jwt(world), ("sex",), request_for("dc+sd-jwt"), NOW)
    with pytest.raises(InvalidInput, match="another format"):
        present(held_sd_jwt(world), (), request_for("mso_mdoc"), NOW)


# --- the proof serves one question ---------------------------------------------------------------
@pytest.mark.parametrize("format_", ["dc+sd-jwt", "mso_mdoc"])
@pytest.mark.parametrize(
    "change",
    [
        {"verifier": AccountKey(bytes(32))},
        {"context": session_context(SessionId(bytes(16)))},
        {"context": engagement_context(SESSION)},
        {"request": b"another purpose"},
        {"nonce": bytes(15) + b"\x01"},
    ],
)
def test_a_proof_for_another_meeting_is_refused(
    world: World, format_: str, change: dict[str, Any]
) -> None:
    held = held_mdoc(world) if format_ == "mso_mdoc" else held_sd_jwt(world)
    presentation = present(held, (), request_for(format_), NOW)
    with pytest.raises(CredentialError) as caught:
        check(world, presentation, request_for(format_, **change))
    assert caught.value.rule in ("audience", "nonce", "device-authentication")


def test_the_names_of_a_meeting_are_what_the_specification_says() -> None:
    zero_seed = account_key_of(bytes(32))  # the first vector of the did:key specification
    assert did_key(zero_seed) == "did:key:z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp"
    assert client_id(VERIFIER, CONTEXT, ASKED).startswith("decentralized_identifier:did:key:z6Mk")
    assert response_uri(VERIFIER, CONTEXT, ASKED).startswith("molva:credential-answer/")


# --- what no wallet takes in ---------------------------------------------------------------------
def test_a_key_that_is_not_the_bound_one_is_refused(world: World) -> None:
    for read, data in (
        (read_held_sd_jwt, issued_sd_jwt(SdJwt(world))),
        (read_held_mdoc, issued_mdoc(Mdoc(world))),
    ):
        with pytest.raises(CredentialError) as caught:
            read(data, new_key())
        assert caught.value.rule == "key-binding"


def test_a_credential_without_a_bound_key_is_refused(world: World) -> None:
    case = SdJwt(world)
    del case.payload["cnf"]
    with pytest.raises(CredentialError) as caught:
        read_held_sd_jwt(issued_sd_jwt(case), world.holder)
    assert caught.value.rule == "key-binding"


def test_a_presentation_is_no_credential(world: World) -> None:
    with pytest.raises(CredentialError, match="presentation"):
        read_held_sd_jwt(SdJwt(world).build(), world.holder)


def test_a_damaged_credential_is_noticed(world: World) -> None:
    case = SdJwt(world)
    good = issued_sd_jwt(case)
    case.signer.key, kept = new_key(), case.signer.key
    with pytest.raises(CredentialError) as caught:
        read_held_sd_jwt(issued_sd_jwt(case), world.holder)
    case.signer.key = kept
    assert caught.value.rule == "signature"
    mdoc = bytearray(issued_mdoc(Mdoc(world)))
    mdoc[mdoc.index(b"Jones")] ^= 1
    with pytest.raises(CredentialError) as caught:
        read_held_mdoc(bytes(mdoc), world.holder)
    assert caught.value.rule == "digest"
    assert read_held_sd_jwt(good, world.holder).issuer


def test_an_mdoc_must_show_its_signer_and_a_payload(world: World) -> None:
    case = Mdoc(world)
    case.issuer_unprotected = {}
    with pytest.raises(CredentialError, match="who signed"):
        read_held_mdoc(issued_mdoc(case), world.holder)
    signed = cbor2.loads(issued_mdoc(Mdoc(world)))
    signed["issuerAuth"][2] = None
    with pytest.raises(CredentialError, match="payload"):
        read_held_mdoc(cbor2.dumps(signed), world.holder)


def test_without_certificates_the_issuer_is_the_one_named(world: World) -> None:
    case = SdJwt(world)
    del case.header["x5c"]
    assert read_held_sd_jwt(issued_sd_jwt(case), world.holder).issuer == "https://issuer.example"


# --- keys ----------------------------------------------------------------------------------------
@pytest.mark.parametrize("curve", ["Ed25519", "Ed448", P384])
def test_a_key_comes_back_from_its_stored_form(curve: Any) -> None:
    key = new_key(curve)
    assert stored_form(read_private_key(stored_form(key))) == stored_form(key)


def test_what_is_no_usable_key_is_refused_in_words() -> None:
    from cryptography.hazmat.primitives.asymmetric import rsa, x25519

    pkcs8 = serialization.PrivateFormat.PKCS8
    pem = serialization.Encoding.PEM
    locked = new_key().private_bytes(pem, pkcs8, serialization.BestAvailableEncryption(b"x"))
    plain = serialization.NoEncryption()
    foreign = x25519.X25519PrivateKey.generate().private_bytes(pem, pkcs8, plain)
    slow = rsa.generate_private_key(65537, 2048).private_bytes(pem, pkcs8, plain)
    for data, said in (
        (b"", "no private key"),
        (b"-----BEGIN NOTHING-----", "no private key"),
        (bytes(9_000), "larger"),
        (locked, "encrypted"),
        (foreign, "no credential is bound"),
        (slow, "no credential is bound"),
    ):
        with pytest.raises(InvalidInput, match=said):
            read_private_key(data)


# --- names ---------------------------------------------------------------------------------------
def test_one_question_has_the_spellings_of_every_format() -> None:
    assert spellings("age_over_18") == ("age_over_18", "age_equal_or_over/18")
    assert spellings("birth_date") == ("birth_date", "birthdate")
    assert match("age_over_18", ["age_equal_or_over/18"], "dc+sd-jwt") == "age_equal_or_over/18"
    assert match("age_over_18", ["a/sex", "b/age_over_18"], "mso_mdoc") == "b/age_over_18"
    assert match("b/age_over_18", ["a/age_over_18"], "mso_mdoc") is None
    assert match("age_over_18", ["x/age_over_18"], "dc+sd-jwt") is None


def test_elements_are_told_in_words() -> None:
    assert in_words("age_over_18") == "whether you are 18 or older (yes or no, not your birthday)"
    assert in_words("age_equal_or_over/21").startswith("whether you are 21")
    assert in_words(f"{SPACE}/family_name") == "family name"
    assert in_words("favourite_colour") == "favourite colour"
