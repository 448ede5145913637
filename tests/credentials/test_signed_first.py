"""A stranger's blob costs next to nothing until somebody whom we trust has signed it."""

from __future__ import annotations

import json
from typing import Any

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2p.credentials.signed_first import check_signature
from p2p.credentials.x509_trust import LOTE_SIGNER, STATUS_SIGNER, VICAL_SIGNER, Purpose, TrustStore
from p2p.errors import CredentialError
from tests.credentials.attempts import trusting
from tests.credentials.issuer import StatusToken, compact, x5c
from tests.credentials.mdoc_issuer import sign1
from tests.credentials.pki import NOW, Party, World, authority, b64, cose_alg, jose_alg, leaf
from tests.credentials.pki import STATUS_SIGNER as STATUS_USAGE

PAYLOAD = cbor2.dumps({"any": 1})


def cose(signer: Party, payload: bytes = PAYLOAD, **header: Any) -> bytes:
    head = {1: cose_alg(signer.key)}
    chain = header.get("chain", {33: signer.chain[0]})
    return cbor2.dumps(sign1(head, chain, payload, signer.key, attached=True))


def jws(signer: Party, payload: Any) -> bytes:
    return compact({"alg": jose_alg(signer.key), "x5c": x5c(signer)}, payload, signer.key).encode()


def rule(data: bytes, trust: TrustStore, purpose: Purpose = STATUS_SIGNER) -> str:
    with pytest.raises(CredentialError) as caught:
        check_signature(data, trust, purpose, NOW)
    return caught.value.rule


@pytest.fixture(scope="module")
def list_signer(world: World) -> Party:
    return leaf(world.root, "LoTE signer", usages=(LOTE_SIGNER.usage,))


def test_what_our_signer_signed_passes_in_every_form(world: World, list_signer: Party) -> None:
    trust = trusting(world.root)
    token = StatusToken(world.status)
    for data in (token.jwt(), token.cwt(), b" " + token.jwt() + b"\n"):
        check_signature(data, trust, STATUS_SIGNER, NOW)
    text = jws(list_signer, {"LoTE": {}}).decode()
    head, payload, signature = text.split(".")
    as_json = {"protected": head, "payload": payload, "signature": signature}
    for data in (text.encode(), json.dumps(as_json).encode()):
        check_signature(data, trust, LOTE_SIGNER, NOW)
    vical = leaf(world.root, "VICAL signer", usages=(VICAL_SIGNER.usage,))
    check_signature(cose(vical), trust, VICAL_SIGNER, NOW)


def test_what_it_signs_is_not_looked_at(world: World) -> None:
    """Bytes that no reader gets through, under a signature that holds and one that does not."""
    trust, bomb = trusting(world.root), b"[" * 1_000_000
    check_signature(jws(world.status, bomb), trust, STATUS_SIGNER, NOW)
    check_signature(cose(world.status, b"\x81" * 1_000_000), trust, STATUS_SIGNER, NOW)
    stranger = leaf(authority(), usages=(STATUS_USAGE,))
    assert rule(jws(stranger, bomb), trust) == "issuer-trust"
    assert rule(cose(stranger, b"\x81" * 1_000_000), trust) == "issuer-trust"


def test_a_chain_that_everybody_knows_is_no_signature(world: World) -> None:
    """The chain of the true publisher is public; whoever copies it has not its key."""
    trust = trusting(world.root)
    thief = Party(leaf(authority()).key, world.status.cert)
    assert rule(jws(thief, {"x": 1}), trust) == "signature"
    assert rule(cose(thief), trust) == "signature"


def test_another_purpose_does_not_do(world: World) -> None:
    assert rule(jws(world.signer, {}), trusting(world.root)) == "certificate"


def test_without_a_chain_a_pinned_signer_is_tried(world: World) -> None:
    token = StatusToken(world.status)
    header = {"alg": jose_alg(world.status.key), "typ": "statuslist+jwt"}
    data = compact(header, {"sub": "x"}, world.status.key).encode()
    assert rule(data, trusting(world.root)) == "issuer-trust"
    check_signature(data, trusting(world.status), STATUS_SIGNER, NOW)
    other = leaf(world.root, "Other", usages=(STATUS_USAGE,))
    assert rule(data, trusting(other)) == "issuer-trust"
    check_signature(token.cwt(), trusting(world.status), STATUS_SIGNER, NOW)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", "length"),
        (b"e", "encoding"),
        (b"eyJ.x", "encoding"),
        (b"e.e.e.e", "encoding"),
        (b"{}", "shape"),
        (b'{"signatures":[]}', "shape"),
        (cbor2.dumps([b"", {}, None, b""]), "shape"),
    ],
    ids=["nothing", "letter", "two-parts", "four-parts", "object", "unsigned", "detached"],
)
def test_what_is_no_signed_blob(world: World, data: bytes, expected: str) -> None:
    assert rule(data, trusting(world.root)) == expected


@given(st.binary(max_size=300), st.sampled_from([b"", b"e", b"{", b"\xd2\x84"]))
def test_any_bytes_are_refused_by_a_rule(data: bytes, start: bytes) -> None:
    with pytest.raises(CredentialError):
        check_signature(start + data, TRUST, STATUS_SIGNER, NOW)


@given(st.dictionaries(st.sampled_from(["alg", "x5c", "typ", "crit"]), st.text(max_size=9)))
def test_any_header_is_refused_by_a_rule(header: dict[str, str]) -> None:
    parts = (json.dumps(header).encode(), b"{}", bytes(64))
    with pytest.raises(CredentialError):
        check_signature(".".join(map(b64, parts)).encode(), TRUST, STATUS_SIGNER, NOW)


TRUST = trusting(authority())
