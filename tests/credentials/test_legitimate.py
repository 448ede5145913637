"""What real issuers and wallets do and a strict verifier must still accept."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import cbor2
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, x25519

from p2p.credentials.policy import Policy
from p2p.credentials.presentation import (
    HolderProof,
    MdocRequest,
    json_ready,
)
from p2p.credentials.session_transcript import openid4vp_transcript, proximity_transcript
from p2p.credentials.x509_trust import Purpose
from p2p.errors import CredentialError, InvalidInput
from tests.credentials.attempts import MDOC_REQUEST, SD_REQUEST, md, sd, trusting
from tests.credentials.issuer import SdJwt, digest
from tests.credentials.mdoc_issuer import Mdoc, embedded, openid_transcript, tdate
from tests.credentials.pki import (
    AUDIENCE,
    DAY,
    DOC_TYPE,
    NONCE,
    NOW,
    P256,
    P384,
    P521,
    SPACE,
    World,
    authority,
    b64,
    cose_key,
    jtext,
    leaf,
    new_key,
)

BRAINPOOL = (ec.BrainpoolP256R1(), ec.BrainpoolP384R1(), ec.BrainpoolP512R1())


def curve_name(curve: object) -> str:
    """Give a name that is the same in every process."""
    return str(getattr(curve, "name", curve))


@pytest.mark.parametrize("curve", [P256, P384, P521, "Ed25519", "Ed448"], ids=curve_name)
def test_sd_jwt_with_every_kind_of_key(world: World, curve: Any) -> None:
    party = leaf(world.root, key=new_key(curve))
    verified = sd(world, lambda c: c.with_signer(party).with_holder(new_key(curve))).run()
    assert verified.claims["given_name"] == "Ava"


@pytest.mark.parametrize(
    "curve", [P256, P384, P521, "Ed25519", "Ed448", *BRAINPOOL], ids=curve_name
)
def test_mdoc_with_every_kind_of_key(world: World, curve: Any) -> None:
    party = leaf(world.root, key=new_key(curve))
    verified = md(world, lambda c: c.with_signer(party).with_holder(new_key(curve))).run()
    assert verified.proof is HolderProof.DEVICE_SIGNATURE


@pytest.mark.parametrize("algorithm", [-9, -7])
def test_mdoc_with_fully_specified_algorithms(world: World, algorithm: int) -> None:
    assert md(world, lambda c: c.device_protected.update({1: algorithm})).run()


def test_an_authority_of_another_curve(world: World) -> None:
    root = authority(key=new_key(P384))
    party = leaf(root)
    assert sd(world, lambda c: c.with_signer(party), trust=trusting(root)).run()


@pytest.mark.parametrize("name", ["sha-256", "sha-384", "sha-512"])
def test_sd_jwt_digest_algorithms(world: World, name: str) -> None:
    def bend(case: SdJwt) -> None:
        case.hash = name.replace("-", "")
        case.payload["_sd_alg"] = name
        case.payload["_sd"] = [digest(each, case.hash) for each in case.disclosures]

    assert sd(world, bend).run().claims["age_over_18"] is True


@pytest.mark.parametrize("name", ["SHA-256", "SHA-384", "SHA-512"])
def test_mdoc_digest_algorithms(world: World, name: str) -> None:
    assert md(world, lambda c: setattr(c, "hash", name)).run()


def test_optional_claims_may_be_absent_or_disclosed(world: World) -> None:
    def bend(case: SdJwt) -> None:
        for name in ("iss", "exp", "_sd_alg"):
            case.payload.pop(name)
        case.payload.pop("iat")
        case.payload["_sd"] += [case.hide("s", "iat", NOW - 5), case.hide("t", "sub", "me")]

    verified = sd(world, bend).run()
    assert verified.valid_until is None
    assert verified.issued_at == NOW - 5
    assert verified.claims["sub"] == "me"


def test_nothing_selectively_disclosed(world: World) -> None:
    def bend(case: SdJwt) -> None:
        case.disclosures = []
        del case.payload["_sd"], case.payload["_sd_alg"]
        case.payload["name"] = "Ava"

    assert sd(world, bend).run().claims["name"] == "Ava"


def test_arrays_decoys_and_structures(world: World) -> None:
    def bend(case: SdJwt) -> None:
        inner = case.hide("s", {"_sd": [case.hide("t", "code", "FR")], "name": "France"})
        case.payload["nationalities"] = [{"...": inner}, {"...": digest("decoy 1")}, ["DE"]]
        case.payload["address"] = {"_sd": [digest("decoy 2"), case.hide("u", "city", None)]}
        case.payload["empty"] = {"_sd": []}

    claims = sd(world, bend).run().claims
    assert claims["nationalities"] == [{"name": "France", "code": "FR"}, ["DE"]]
    assert claims["address"] == {"city": None}
    assert claims["empty"] == {}


def test_disclosures_in_any_spelling(world: World) -> None:
    def bend(case: SdJwt) -> None:
        text = '[\n"salt", "family_name",\t"M\\u00fcller"]'
        case.disclosures.append(b64(text.encode()))
        case.payload["_sd"].append(digest(case.disclosures[-1]))

    assert sd(world, bend).run().claims["family_name"] == "Müller"


def test_several_transactions_in_any_order(world: World) -> None:
    texts = tuple(b64(jtext({"type": "t", "n": n})) for n in range(3))
    hashes = [digest(text) for text in reversed(texts)]
    request = replace(SD_REQUEST, transaction_data=texts)
    assert sd(
        world, lambda c: c.binding.update(transaction_data_hashes=hashes), request=request
    ).run()


def test_our_own_broken_transaction_is_our_own_fault(world: World) -> None:
    request = replace(SD_REQUEST, transaction_data=("%%",))
    with pytest.raises(InvalidInput):
        sd(world, request=request).run()


def test_a_pinned_issuer_without_a_chain(world: World) -> None:
    party = leaf(authority("Nobody knows it"), addresses=("https://issuer.example",), usages=())
    other = leaf(authority(), addresses=("https://issuer.example",), usages=())

    def bend(case: SdJwt) -> None:
        case.with_signer(party).header.pop("x5c")

    verified = sd(world, bend, trust=trusting(other, party)).run()
    assert verified.trust.anchor == verified.issuer
    with pytest.raises(CredentialError, match="does not verify"):
        sd(world, bend, trust=trusting(other)).run()


def test_a_pinned_issuer_with_its_chain(world: World) -> None:
    party = leaf(authority("Nobody knows it"))
    assert sd(world, lambda c: c.with_signer(party), trust=trusting(party)).run()


def test_another_issuer_usage_by_policy(world: World) -> None:
    party = leaf(world.root, usages=("1.2.3",))
    policy = Policy(issuer=Purpose("1.2.3", "issuer"))
    assert md(world, lambda c: c.with_signer(party), policy=policy).run()


# --- mdoc ----------------------------------------------------------------------------------------


def test_claims_of_an_mdoc(world: World) -> None:
    def bend(case: Mdoc) -> None:
        case.elements["org.other"] = [
            ("issue_date", tdate(NOW - DAY)),
            ("driving_privileges", [{"code": "A", "from": cbor2.CBORTag(1004, "2018-08-09")}]),
            ("undefined", cbor2.undefined),
            ("bag", embedded({"a": 1})),
            ("tagged", cbor2.CBORTag(99, -5)),
            ("number", 1.5),
            ("map", {1: None, b"k": False}),
        ]

    verified = md(world, bend).run()
    mine, other = (dict(verified.claims[space]) for space in (SPACE, "org.other"))
    assert mine["birth_date"] == "1990-05-17"
    assert mine["portrait"].startswith(b"\xff\xd8")
    assert other["driving_privileges"] == [{"code": "A", "from": "2018-08-09"}]
    plain = json_ready(verified.claims)
    assert plain["org.other"]["map"] == {"1": None, "aw": False}
    assert plain["org.other"]["undefined"] is None
    assert plain["org.other"]["bag"] == "oWFhAQ"
    assert plain["org.other"]["tagged"] == -5


def test_claims_that_json_cannot_say(world: World) -> None:
    def bend(case: Mdoc) -> None:
        case.elements["org.other"] = [
            ("endless", float("inf")),
            ("none", float("nan")),
            ("twice", {1: "number", "1": "text"}),
        ]

    plain = json_ready(md(world, bend).run().claims)
    assert plain["org.other"]["endless"] is None
    assert plain["org.other"]["none"] is None
    assert plain["org.other"]["twice"] == [[1, "number"], ["1", "text"]]


def test_self_asserted_elements_are_kept_apart(world: World) -> None:
    def bend(case: Mdoc) -> None:
        case.asserted = {SPACE: {"age_over_18": False}}
        case.device_info["keyAuthorizations"] = {"nameSpaces": [SPACE]}

    verified = md(world, bend).run()
    assert verified.claims[SPACE]["age_over_18"] is True
    assert verified.self_asserted == {SPACE: {"age_over_18": False}}


def test_one_element_of_many(world: World) -> None:
    verified = md(world, lambda c: setattr(c, "bend_items", lambda i: {SPACE: i[SPACE][1:2]})).run()
    assert verified.claims == {SPACE: {"age_over_18": True}}


def test_no_issuer_signed_elements_at_all(world: World) -> None:
    def without(document: dict[str, Any]) -> dict[str, Any]:
        part = {"issuerAuth": document["issuerSigned"]["issuerAuth"]}
        return document | {"issuerSigned": part}

    assert md(world, lambda c: setattr(c, "bend_document", without)).run().claims == {}


def test_several_documents(world: World) -> None:
    def bend(case: Mdoc) -> None:
        other = Mdoc(world)
        other.doc_type = "eu.other.1"
        case.bend_response = lambda r: r | {"documents": [other.document(), *r["documents"]]}

    assert md(world, bend).run().kind == DOC_TYPE


def test_a_chain_in_the_protected_header_or_with_an_intermediate(world: World) -> None:
    root = authority("Deep", path_length=1)
    middle = authority("Middle", signer=root)
    party = leaf(middle, above=[middle.cert])

    def bend(case: Mdoc) -> None:
        case.with_signer(party)
        case.issuer_protected |= case.issuer_unprotected
        case.issuer_unprotected = {4: b"a key identifier"}

    assert md(world, bend, trust=trusting(root)).run()


def test_dates_with_offset_and_fraction(world: World) -> None:
    def bend(case: Mdoc) -> None:
        case.validity["validUntil"] = cbor2.CBORTag(0, "2026-11-22T00:00:00.5+02:00")
        case.validity["expectedUpdate"] = tdate(NOW)

    assert md(world, bend).run().valid_until == NOW + 10 * 3600


def test_a_compressed_device_key(world: World) -> None:
    def bend(case: Mdoc) -> None:
        key = cose_key(case.holder)
        key[-3] = bool(key[-3][-1] & 1)
        case.device_info["deviceKey"] = key

    assert md(world, bend).run()


@pytest.mark.parametrize("curve", [P256, P384, P521], ids=curve_name)
def test_authentication_by_mac(world: World, curve: Any) -> None:
    holder, reader = new_key(curve), new_key(curve)
    request = replace(MDOC_REQUEST, reader_key=reader)

    def bend(case: Mdoc) -> None:
        case.with_holder(holder)
        case.reader_key = reader

    assert md(world, bend, request=request).run().proof is HolderProof.DEVICE_MAC


def test_authentication_by_mac_over_x25519(world: World) -> None:
    reader = x25519.X25519PrivateKey.generate()

    def bend(case: Mdoc) -> None:
        case.holder = x25519.X25519PrivateKey.generate()
        case.device_info["deviceKey"] = cose_key(case.holder)
        case.reader_key = reader

    request = replace(MDOC_REQUEST, reader_key=reader)
    assert md(world, bend, request=request).run().proof is HolderProof.DEVICE_MAC
    with pytest.raises(CredentialError, match="no reader key that fits"):
        md(world, bend, request=replace(MDOC_REQUEST, reader_key=new_key())).run()


def test_a_mac_on_mismatched_curves_is_refused(world: World) -> None:
    holder, reader = new_key(P384), new_key(P384)

    def bend(case: Mdoc) -> None:
        case.with_holder(holder)
        case.reader_key = reader

    with pytest.raises(CredentialError) as caught:
        md(world, bend, request=replace(MDOC_REQUEST, reader_key=new_key(P256))).run()
    assert caught.value.rule == "device-authentication"


@pytest.mark.parametrize("wrapped", [False, True])
def test_the_transcript_bare_or_wrapped(world: World, wrapped: bool) -> None:
    transcript = openid4vp_transcript(AUDIENCE, NONCE, "https://shop.example/r")
    assert transcript == openid_transcript()
    given = cbor2.dumps(cbor2.CBORTag(24, transcript)) if wrapped else transcript
    assert md(world, request=MdocRequest(DOC_TYPE, given)).run()


def test_a_face_to_face_transcript(world: World) -> None:
    engagement, reader = cbor2.dumps({0: "1.0"}), cbor2.dumps(cose_key(new_key()))
    transcript = proximity_transcript(engagement, reader, b"\xf6")

    def bend(case: Mdoc) -> None:
        case.transcript = transcript

    assert md(world, bend, request=MdocRequest(DOC_TYPE, transcript)).run()


@pytest.mark.parametrize("bad", [b"", b"\x80", b"\xd8\x18\x41\xff", bytes(70_000)])
def test_our_own_broken_transcript_is_our_own_fault(world: World, bad: bytes) -> None:
    with pytest.raises(InvalidInput):
        md(world, request=MdocRequest(DOC_TYPE, bad)).run()
