"""Vectors that other hands made, read from beside the repository."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import cbor2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from p2p.credentials.disclosures import reveal
from p2p.credentials.jose import verify_token
from p2p.credentials.keys import key_from_jwk
from p2p.credentials.presentation import HolderProof, MdocRequest, SdJwtRequest
from p2p.credentials.sd_jwt import read_sd_jwt
from p2p.credentials.status_bits import StatusBits
from p2p.credentials.status_book import StatusBook
from p2p.credentials.status_list import StatusReader
from p2p.credentials.verify import ShortNonceMemory, verify
from p2p.credentials.x509_trust import Anchor, TrustStore, anchors_from_pem
from p2p.errors import CredentialError
from tests.credentials.pki import NOW, STATUS_SIGNER, authority, leaf, new_key, pem

FOLDER = Path(__file__).parents[3] / "shared" / "vectors"
pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="the shared vectors are not here")

RFC_ISSUER = {
    "kty": "EC",
    "crv": "P-256",
    "x": "b28d4MwZMjw8-00CG4xfnn9SLMVMM19SlqZpVb_uNtQ",
    "y": "Xv5zWwuoaTgdS6hV43yI6gBwTnjukmFQQnJ_kCxzqk8",
}
"""The issuer's key of RFC 9901 appendix A.5."""
LIST_ISSUER = {
    "kty": "EC",
    "crv": "P-256",
    "x": "I3HWm_0Ds1dPMI-IWmf4mBmH-YaeAVbPVu7vB27CxXo",
    "y": "6N_d5Elj9bs1htgV3okJKIdbHEpkgTmAluYKJemzn1M",
}
"""The key that signs the examples of the Token Status List draft."""


def _vectors(name: str) -> list[Any]:
    path = FOLDER / name / "vectors.json"
    return json.loads(path.read_text("utf-8")) if path.is_file() else []


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _trust() -> TrustStore:
    return TrustStore.from_pem([(FOLDER / "pki" / "iaca.pem").read_bytes()])


def _book(name: str = "valid.jwt") -> StatusBook:
    book = StatusBook()
    book.add((FOLDER / "status" / name).read_bytes(), StatusReader(_trust()), NOW)
    return book


def _accepts(presentation: bytes, request: Any, vector: Any) -> bool:
    nonces = ShortNonceMemory()
    tries = 2 if vector.get("replay") else 1
    try:
        for _ in range(tries):
            verify(presentation, request, _trust(), _book(), vector["now"], nonces=nonces)
    except CredentialError:
        return False
    return True


@pytest.mark.parametrize("vector", _vectors("sd-jwt-vc"), ids=lambda each: each["id"])
def test_sd_jwt_vc(vector: Any) -> None:
    request = SdJwtRequest(
        vector["aud"], vector["nonce"], vector["vct"], tuple(vector.get("tx", ()))
    )
    accepted = _accepts(vector["presentation"].encode(), request, vector)
    assert accepted == (vector["expect"] == "accept")


@pytest.mark.parametrize("vector", _vectors("mdoc"), ids=lambda each: each["id"])
def test_mdoc(vector: Any) -> None:
    request = MdocRequest(vector["docType"], _decoded(vector["transcript"]))
    accepted = _accepts(_decoded(vector["response"]), request, vector)
    assert accepted == (vector["expect"] == "accept")


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("bits-3.jwt", "status-bits"),
        ("expired.jwt", "status-expired"),
        ("truncated-zlib.jwt", "status-stream"),
        ("wrong-key.jwt", "status-signature"),
    ],
)
def test_bad_status_lists(name: str, rule: str) -> None:
    with pytest.raises(CredentialError) as caught:
        _book(name)
    assert caught.value.rule == rule


@pytest.mark.parametrize("name", ["valid.jwt", "valid.cwt"])
def test_good_status_lists(name: str) -> None:
    assert len(_book(name)) == 1


# --- ISO 18013-5 annex D -------------------------------------------------------------------------


def _annex_d(name: str) -> bytes:
    return bytes.fromhex((FOLDER / "iso18013-annexd" / f"{name}.hex").read_text("ascii"))


def test_annex_d_with_its_mac() -> None:
    root = x509.load_der_x509_certificate(_annex_d("IACA_CERT"))
    text = root.public_bytes(serialization.Encoding.PEM)
    number = int.from_bytes(_annex_d("ISO_18013_5_ANNEX_D_EPHEMERAL_READER_KEY_D"), "big")
    request = MdocRequest(
        "org.iso.18013.5.1.mDL",
        _annex_d("ISO_18013_5_ANNEX_D_SESSION_TRANSCRIPT_BYTES"),
        ec.derive_private_key(number, ec.SECP256R1()),
    )
    verified = verify(
        _annex_d("ISO_18013_5_ANNEX_D_DEVICE_RESPONSE"),
        request,
        TrustStore.from_pem([text]),
        StatusBook(),
        1_609_459_200,
        nonces=ShortNonceMemory(),
    )
    assert verified.proof is HolderProof.DEVICE_MAC
    claims = verified.claims["org.iso.18013.5.1"]
    assert claims["family_name"] == "Doe"
    assert claims["portrait"] == _annex_d("ISO_18013_5_ANNEX_D_DEVICE_RESPONSE_PORTRAIT_DATA")


# --- RFC 9901 and SD-JWT VC ----------------------------------------------------------------------


def _published() -> list[Path]:
    return sorted((FOLDER / "rfc9901").glob("*.txt"))


@pytest.mark.parametrize("path", _published(), ids=lambda path: path.stem)
def test_published_sd_jwt(path: Path) -> None:
    """The issuer's signature holds, and every disclosure finds its place."""
    parts = read_sd_jwt(path.read_bytes())
    verify_token(parts.token, key_from_jwk(RFC_ISSUER, "the published key"), "The example")
    claims = reveal(parts.token.payload, parts.disclosures)
    assert "_sd" not in claims
    assert "..." not in json.dumps(claims)


def _pinned_publisher(jwk: Any, **certificate: Any) -> TrustStore:
    """A published key in a certificate of our own, pinned for the example."""
    public = key_from_jwk(jwk, "the published key")
    root = authority(days=(-9000, 9000))
    party = leaf(root, key=new_key(), public=public, days=(-9000, 9000), **certificate)
    (anchor,) = anchors_from_pem(pem(party.cert))
    return TrustStore([Anchor(anchor.certificate, "pem")])


def test_published_sd_jwt_vc_with_key_binding() -> None:
    """The SD-JWT VC example of a person's identification data, through the one door."""
    presentation = (FOLDER / "rfc9901" / "multipaz-10.txt").read_bytes()
    verified = verify(
        presentation,
        SdJwtRequest("https://verifier.example.org", "1234567890", "urn:eudi:pid:de:1"),
        _pinned_publisher(RFC_ISSUER, usages=(), addresses=("https://pid-issuer.bund.de.example",)),
        StatusBook(),
        1_748_454_271,
        nonces=ShortNonceMemory(),
    )
    assert verified.claims["nationalities"] == ["DE"]
    assert verified.claims["age_equal_or_over"] == {"18": True}


# --- Token Status List ---------------------------------------------------------------------------


def _listed_bits(name: str) -> tuple[Any, Any]:
    text = (FOLDER / "tsl-spec" / f"status_list_encoding{name}_json.md").read_text("utf-8")
    found = json.loads("".join(text[text.index("{") :].split()))
    binary = (FOLDER / "tsl-spec" / f"status_list_encoding{name}_cbor.md").read_text("utf-8")
    digits = binary.rpartition("encoded:")[2]
    return found, bytes.fromhex("".join(digits.split()))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("", {0: 1, 1: 0, 3: 1, 6: 0, 15: 1}),
        ("2", {0: 1, 1: 2, 3: 3, 9: 2, 11: 3}),
        ("1_long", {0: 1, 1: 0, 1993: 1, 25460: 1, 1000345: 1, 1048575: 0}),
        ("2_long", {0: 1, 1993: 2, 25460: 1, 159495: 3, 1000345: 3}),
        ("4", {0: 1, 1993: 2, 35460: 3, 459495: 4, 595669: 5, 1000345: 12, 1030203: 13}),
        ("8", {0: 0, 233478: 0, 52451: 1, 576778: 2, 513575: 3, 468106: 4}),
    ],
    ids=["1", "2", "1-long", "2-long", "4-long", "8-long"],
)
def test_published_status_encodings(name: str, expected: dict[int, int]) -> None:
    as_json, encoded = _listed_bits(name)
    as_cbor = cbor2.loads(encoded)
    for found, compressed in ((as_json, _decoded(as_json["lst"])), (as_cbor, as_cbor["lst"])):
        bits = StatusBits(found["bits"], compressed)
        assert {index: bits.at(index) for index in expected} == expected


def _without_white_space(name: str) -> str:
    return "".join((FOLDER / "tsl-spec" / name).read_text("ascii").split())


@pytest.mark.parametrize("form", ["jwt", "cwt"])
def test_published_status_tokens(form: str) -> None:
    if form == "jwt":
        token = _without_white_space("status_list_jwt_raw.md").encode("ascii")
    else:
        token = bytes.fromhex(_without_white_space("status_list_cwt.md"))
    reader = StatusReader(_pinned_publisher(LIST_ISSUER, usages=(STATUS_SIGNER,)))
    found = reader.read(token, 1_686_930_000)
    assert found.uri == "https://example.com/statuslists/1"
    assert (found.issued_at, found.ttl_s) == (1_686_920_170, 43_200)
    assert [found.bits.at(index) for index in range(4)] == [1, 0, 0, 1]
    with pytest.raises(CredentialError) as caught:
        StatusReader(_pinned_publisher(RFC_ISSUER, usages=(STATUS_SIGNER,))).read(
            token, 1_686_930_000
        )
    assert caught.value.rule == "status-signature"
