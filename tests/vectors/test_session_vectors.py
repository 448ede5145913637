"""Known answers of accounts, bundles, sessions: what was made once must be read for ever."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

import pytest

from p2p.errors import MolvaError, NotAuthentic
from p2p.ports.store import DocumentKind
from p2p.sessions.contact_bundles import check_bundle
from p2p.sessions.envelope_seal import open_session
from p2p.sessions.x3dh_suite import X3dhSuite
from p2p.wire.envelope import is_expired, parse_envelope, parse_header
from p2p.wire.ids import AccountKey, tag_of
from tests.sessions.fakes import DictStore
from tests.vectors import generate_sessions as made

VECTORS = json.loads((Path(__file__).parent / "sessions.json").read_text("utf-8"))
WIRE = json.loads((Path(__file__).parents[1] / "wire" / "vectors.json").read_text("utf-8"))
SPEC = Path(__file__).parents[2] / "docs" / "spec"
NOW_S = 1_767_052_800.0


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("account", made.account),
        ("bundle", made.bundles),
        ("tags", made.tags),
        ("keys", made.keys),
        ("session-envelope", made.session_envelope),
        ("refusals", made.refusals),
    ],
)
def test_what_is_made_today_is_what_was_made_then(name: str, make) -> None:
    assert make() == VECTORS[name]


@pytest.mark.parametrize("name", ["first-contact", "session"])
def test_a_frozen_store_opens_its_frozen_envelope(name: str) -> None:
    vector = VECTORS["frozen"][name]
    store = DictStore()
    for kind, key, value in vector["store"]:
        store.put_document(DocumentKind(kind), bytes.fromhex(key), bytes.fromhex(value))
    bob = made.book("bob", store)
    envelope = bytes.fromhex(vector["envelope"])
    header = parse_header(envelope)
    assert not is_expired(header, NOW_S)
    assert bob.recognises(header.tag)
    opened = bob.open(envelope, NOW_S)
    assert opened.content.decode() == vector["content"]
    assert opened.contact.hex() == vector["contact"]
    assert opened.device.hex() == vector["device"]
    assert opened.proof.hex() == vector["proof"]
    assert opened.session.hex() == vector["session"]
    commits = parse_envelope(envelope).commitment if opened.started else header.tag
    assert tag_of(opened.proof) == commits
    for at in range(22):
        changed = envelope[:at] + bytes([envelope[at] ^ 1]) + envelope[at + 1 :]
        with pytest.raises(MolvaError):
            made.book("bob", store).open(changed, NOW_S)


def test_the_frozen_day_chain_follows_from_its_definition() -> None:
    vector = VECTORS["tags"]
    key = bytes.fromhex(vector["day_key"])
    day = hashlib.blake2b(key, digest_size=32, person=b"molva day key")
    assert day.hexdigest() == vector["next_day_key"]
    for number, tag in vector["tags"].items():
        counted = int(number).to_bytes(4, "big")
        proof = hashlib.blake2b(counted, digest_size=32, key=key, person=b"molva proof").digest()
        assert proof.hex() == vector["proofs"][number]
        assert hashlib.blake2b(proof, digest_size=16).hexdigest() == tag


@pytest.mark.parametrize("name", ["one-time", "rotating"])
def test_frozen_bundles_are_authentic(name: str) -> None:
    vector = VECTORS["bundle"][name]
    account = AccountKey(bytes.fromhex(VECTORS["account"]["account_key"]))
    data = bytes.fromhex(vector["hex"])
    bundle = check_bundle(X3dhSuite(), data, account, NOW_S)
    assert bundle.one_time == (name == "one-time")
    assert bundle.signed_bytes().hex() == vector["signed"]
    with pytest.raises(NotAuthentic):
        check_bundle(X3dhSuite(), data, AccountKey(bytes(32)), NOW_S)


@pytest.mark.parametrize("name", VECTORS["refusals"]["session"])
def test_session_envelopes_that_must_be_refused_are(name: str) -> None:
    refusal = VECTORS["refusals"]["session"][name]
    key = bytes.fromhex(VECTORS["session-envelope"]["header_key"])
    with pytest.raises(MolvaError) as caught:
        open_session(X3dhSuite(), key, bytes.fromhex(refusal["hex"]))
    assert caught.value.code == refusal["error"]


@pytest.mark.parametrize("name", VECTORS["refusals"]["bundle"])
def test_bundles_that_must_be_refused_are(name: str) -> None:
    refusal = VECTORS["refusals"]["bundle"][name]
    account = AccountKey(bytes.fromhex(VECTORS["account"]["account_key"]))
    with pytest.raises(MolvaError) as caught:
        check_bundle(X3dhSuite(), bytes.fromhex(refusal["hex"]), account, NOW_S)
    assert caught.value.code == refusal["error"]


def printed(page: str, word: str) -> dict[str, str]:
    """Give the code blocks under ``**Vector `name```, without their line breaks."""
    pattern = rf"^\*\*{word} `([a-z0-9-]+)`.*?\n+```text\n(.*?)\n```"
    found = re.findall(pattern, (SPEC / page).read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    return {name: re.sub(r"\s+", "", block) for name, block in found}


PRINTED = {
    "session.md": (
        {
            "session-envelope": VECTORS["session-envelope"]["hex"],
            "handshake": VECTORS["keys"]["handshake"],
        },
        VECTORS["refusals"]["session"],
    ),
    "bundle.md": (
        {name: vector["hex"] for name, vector in VECTORS["bundle"].items()},
        VECTORS["refusals"]["bundle"],
    ),
    "envelope.md": (
        {name: vector["hex"] for name, vector in WIRE["envelope"].items()},
        WIRE["refusals"]["envelope"],
    ),
}


@pytest.mark.parametrize("page", PRINTED)
def test_the_specification_prints_the_same_bytes(page: str) -> None:
    vectors, refusals = PRINTED[page]
    shown, refused = printed(page, "Vector"), printed(page, "Refusal")
    assert len(shown) >= 2
    assert len(refused) >= 2
    text = (SPEC / page).read_text("utf-8")
    for name, block in shown.items():
        assert block == vectors[name], name
    for name, block in refused.items():
        assert block == refusals[name]["hex"], name
        assert f"**Refusal `{name}`** (`{refusals[name]['error']}`)" in text


def test_the_specification_prints_the_derived_keys() -> None:
    text = re.sub(r"\s+", "", (SPEC / "session.md").read_text("utf-8"))
    for name in ("session", "root", "header_forward", "tags_back", "associated"):
        assert VECTORS["keys"][name] in text, name
    for name in ("next_day_key", "lookup_secret"):
        assert VECTORS["tags"][name] in text, name
