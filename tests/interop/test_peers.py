"""Independent implementations from npm, both ways: theirs to us, ours to them, and tampering.

``make interop`` installs them; without Node.js or without them these tests skip.
"""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import cbor2
import pytest
from cryptography.hazmat.primitives import serialization

from p2p.adapters.system import SystemEntropy
from p2p.credentials.established import NoStatus
from p2p.credentials.held import read_held_mdoc, read_held_sd_jwt
from p2p.credentials.issuer import make_test_issuer, new_holder_key, private_key_pem
from p2p.credentials.issuing import Terms, issue_mdoc, issue_sd_jwt
from p2p.credentials.policy import Policy
from p2p.credentials.presentation import (
    HolderProof,
    MdocRequest,
    Request,
    SdJwtRequest,
    Verified,
)
from p2p.credentials.presenting import present
from p2p.credentials.session_transcript import openid4vp_transcript
from p2p.credentials.status_book import StatusBook
from p2p.credentials.verify import ShortNonceMemory, verify
from p2p.credentials.x509_trust import TrustStore
from p2p.errors import CredentialError
from tests.credentials.pki import b64, cose_key, jwk

FOLDER = Path(__file__).parent
NODE = shutil.which("node")
pytestmark = [
    pytest.mark.skipif(NODE is None, reason="Node.js is not installed"),
    pytest.mark.skipif(
        not (FOLDER / "node_modules").is_dir(), reason="the peers are not installed: make interop"
    ),
]

NOW = 1_795_262_400
DAY = 86_400
AUDIENCE = "x509_hash:Uvo3HtuIxuhC92rShpgqcT3YXwrqRxWEviRiA0OZszk"
NONCE = "n-0S6_WzA2Mj-n-0S6_WzA2Mj"
VCT = "urn:eudi:pid:1"
DOC_TYPE = "org.iso.18013.5.1.mDL"
SPACE = "org.iso.18013.5.1"
TRANSCRIPT = openid4vp_transcript(AUDIENCE, NONCE, "https://shop.example/r")
SD_REQUEST = SdJwtRequest(AUDIENCE, NONCE, VCT)
MDOC_REQUEST = MdocRequest(DOC_TYPE, TRANSCRIPT)
ELEMENTS = {"family_name": "Jones", "given_name": "Ava", "age_over_18": True, "age_over_21": False}
MDOC_PEERS = ("auth0_mdl", "owf_mdoc")

ISSUER = make_test_issuer(NOW)
HOLDER = new_holder_key()
TERMS = {"issued_at": NOW - 3600, "valid_until": NOW + 10 * DAY, "status": NoStatus()}


def ask(peer: str, **job: Any) -> dict[str, Any]:
    """Give a peer one job; its refusal is under ``refused``."""
    assert NODE is not None
    done = subprocess.run(
        [NODE, f"{peer}.mjs"],
        input=json.dumps(job),
        capture_output=True,
        text=True,
        cwd=FOLDER,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def private_jwk(key: Any) -> dict[str, str]:
    number = key.private_numbers().private_value
    return jwk(key) | {"d": b64(number.to_bytes(32, "big"))}


def root_pem() -> str:
    text = ISSUER.root.certificate.public_bytes(serialization.Encoding.PEM)
    return text.decode()


def judged(presentation: bytes, request: Request) -> Verified:
    trust = TrustStore.from_pem([ISSUER.root.pem])
    return verify(
        presentation, request, trust, StatusBook(), NOW, nonces=ShortNonceMemory(), policy=Policy()
    )


def tampered(data: bytes, old: bytes, new: bytes) -> bytes:
    assert data.count(old) == 1
    assert len(old) == len(new)
    return data.replace(old, new)


# --- SD-JWT VC -----------------------------------------------------------------------------------


def their_sd_jwt(**changes: Any) -> bytes:
    job: dict[str, Any] = {
        "do": "present",
        "issuer_key": ISSUER.signer.key_pem.decode(),
        "x5c": [base64.b64encode(ISSUER.signer.der).decode()],
        "holder_key": private_key_pem(HOLDER).decode(),
        "payload": {
            "iss": "https://issuer.example", "iat": NOW - 60, "exp": NOW + DAY, "vct": VCT,
            "cnf": {"jwk": jwk(HOLDER)}, "given_name": "Ava", "family_name": "Jones",
            "age_equal_or_over": {"18": True, "21": False}, "nationalities": ["DE", "FR"],
        },
        "frame": {
            "_sd": ["given_name", "family_name", "nationalities"],
            "age_equal_or_over": {"_sd": ["18", "21"], "_sd_decoy": 2},
            "nationalities": {"_sd": [0, 1]},
        },
        "show": {
            "given_name": True, "age_equal_or_over": {"18": True}, "nationalities": {"0": True},
        },
        "now": NOW, "audience": AUDIENCE, "nonce": NONCE,
    }  # fmt: skip
    return ask("sd_jwt", **(job | changes))["presentation"].encode()


def our_sd_jwt() -> str:
    claims: Any = {
        "given_name": "Ava", "family_name": "Jones", "age_equal_or_over": {"18": True, "21": False},
    }  # fmt: skip
    public = HOLDER.public_key()
    text = issue_sd_jwt(claims, Terms(VCT, **TERMS), ISSUER.signer, public, SystemEntropy())
    held = read_held_sd_jwt(text.encode(), HOLDER)
    return present(held, ("given_name", "age_equal_or_over/18"), SD_REQUEST, NOW).decode()


def test_we_accept_their_sd_jwt() -> None:
    verified = judged(their_sd_jwt(), SD_REQUEST)
    assert verified.claims["given_name"] == "Ava"
    assert verified.claims["age_equal_or_over"] == {"18": True}
    assert verified.claims["nationalities"] == ["DE"]
    assert "family_name" not in verified.claims
    assert verified.proof is HolderProof.KEY_BINDING


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"nonce": "another"}, "nonce"),
        ({"audience": "x509_hash:else"}, "audience"),
        ({"now": NOW - 3600}, "key-binding-time"),
        ({"holder_key": private_key_pem(new_holder_key()).decode()}, "signature"),
        ({"issuer_key": ISSUER.status.key_pem.decode()}, "signature"),
        ({"x5c": [base64.b64encode(ISSUER.status.der).decode()]}, "certificate"),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_we_refuse_their_sd_jwt_where_it_is_wrong(changes: Any, rule: str) -> None:
    with pytest.raises(CredentialError) as caught:
        judged(their_sd_jwt(**changes), SD_REQUEST)
    assert caught.value.rule == rule


def test_they_accept_our_sd_jwt() -> None:
    job = {"do": "verify", "root": root_pem(), "audience": AUDIENCE, "nonce": NONCE, "now": NOW}
    presentation = our_sd_jwt()
    found = ask("sd_jwt", presentation=presentation, **job)
    assert found.get("claims", found)["given_name"] == "Ava"
    assert found["claims"]["age_equal_or_over"] == {"18": True}
    assert "family_name" not in found["claims"]
    head, _, binding = presentation.rpartition("~")
    fewer = "~".join(head.split("~")[:-1]) + "~" + binding
    for bad in (fewer, presentation[:-4] + "AAAA"):
        assert "refused" in ask("sd_jwt", presentation=bad, **job)
        with pytest.raises(CredentialError):
            judged(bad.encode(), SD_REQUEST)
    assert "refused" in ask("sd_jwt", presentation=presentation, **(job | {"nonce": "another"}))


# --- mdoc ----------------------------------------------------------------------------------------


def their_mdoc(peer: str, **changes: Any) -> bytes:
    job: dict[str, Any] = {
        "do": "present",
        "issuer_jwk": private_jwk(ISSUER.signer.key),
        "certificate": ISSUER.signer.certificate.public_bytes(serialization.Encoding.PEM).decode(),
        "device_jwk": private_jwk(HOLDER),
        "device_public_jwk": jwk(HOLDER),
        "doc_type": DOC_TYPE,
        "elements": {SPACE: ELEMENTS},
        "show": {SPACE: ["family_name", "age_over_18"]},
        "signed": NOW - 3600,
        "valid_until": NOW + 10 * DAY,
        "transcript": b64(TRANSCRIPT),
    }
    found = ask(peer, **(job | changes))
    assert "response" in found, found
    return base64.urlsafe_b64decode(found["response"] + "==")


def our_mdoc() -> bytes:
    public = HOLDER.public_key()
    terms = Terms(DOC_TYPE, **TERMS)
    data = issue_mdoc({SPACE: ELEMENTS}, terms, ISSUER.signer, public, SystemEntropy())
    held = read_held_mdoc(data, HOLDER)
    names = (f"{SPACE}/family_name", f"{SPACE}/age_over_18")
    return present(held, names, MDOC_REQUEST, NOW)


@pytest.mark.parametrize("peer", MDOC_PEERS)
def test_we_accept_their_mdoc(peer: str) -> None:
    data = their_mdoc(peer)
    verified = judged(data, MDOC_REQUEST)
    assert verified.claims == {SPACE: {"family_name": "Jones", "age_over_18": True}}
    assert verified.proof is HolderProof.DEVICE_SIGNATURE
    with pytest.raises(CredentialError) as caught:
        judged(tampered(data, b"Jones", b"Janes"), MDOC_REQUEST)
    assert caught.value.rule == "digest"
    other = MdocRequest(DOC_TYPE, openid4vp_transcript(AUDIENCE, "another", "https://shop.example"))
    with pytest.raises(CredentialError) as caught:
        judged(data, other)
    assert caught.value.rule == "device-authentication"


def test_we_accept_their_mac() -> None:
    reader = new_holder_key()
    public = cbor2.dumps(cose_key(reader))
    data = their_mdoc("auth0_mdl", reader_public=b64(public))
    verified = judged(data, MdocRequest(DOC_TYPE, TRANSCRIPT, reader))
    assert verified.proof is HolderProof.DEVICE_MAC
    with pytest.raises(CredentialError) as caught:
        judged(data, MdocRequest(DOC_TYPE, TRANSCRIPT, new_holder_key()))
    assert caught.value.rule == "device-authentication"


@pytest.mark.parametrize("peer", MDOC_PEERS)
def test_they_accept_our_mdoc(peer: str) -> None:
    job = {"do": "verify", "root": root_pem(), "transcript": b64(TRANSCRIPT), "now": NOW}
    data = our_mdoc()
    found = ask(peer, response=b64(data), **job)
    assert found == {"claims": {SPACE: {"family_name": "Jones", "age_over_18": True}}}
    bad = tampered(data, b"Jones", b"Janes")
    assert "refused" in ask(peer, response=b64(bad), **job)
    with pytest.raises(CredentialError):
        judged(bad, MDOC_REQUEST)
    elsewhere = b64(openid4vp_transcript(AUDIENCE, "another", "https://shop.example/r"))
    assert "refused" in ask(peer, response=b64(data), **(job | {"transcript": elsewhere}))


# --- what is installed ---------------------------------------------------------------------------


def test_the_lock_names_no_host_of_packages() -> None:
    lock = json.loads((FOLDER / "package-lock.json").read_text("utf-8"))
    packages = [about for name, about in lock["packages"].items() if name]
    assert all("resolved" not in about and about["integrity"] for about in packages)
