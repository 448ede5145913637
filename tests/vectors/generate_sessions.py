"""Writes ``sessions.json``: run once for each new format, never to change an old vector.

``python -m tests.vectors.generate_sessions`` prints the file. Parts in which the libraries draw
randomness differ from run to run; they are frozen as something that must go on opening.
"""

from __future__ import annotations

import hashlib
import json
import sys

from msgspec.structs import replace

from p2p.crypto import aead
from p2p.crypto.account import account_key_of, words_of
from p2p.crypto.safety import safety_number
from p2p.sessions.book import SessionBook
from p2p.sessions.envelope_seal import seal_session
from p2p.sessions.handshake import Handshake, derive_keys
from p2p.sessions.identity import make_identity
from p2p.sessions.ratchet import _MessageKdf, _RootKdf, run
from p2p.sessions.suite import Agreement, RatchetMessage
from p2p.sessions.tags import first_contact_tag, next_day_key, proof_of
from p2p.sessions.x3dh_suite import X3dhSuite
from p2p.wire.bundle import decode_bundle, encode_bundle
from p2p.wire.envelope import EnvelopeHeader
from p2p.wire.ids import BundleHash, SessionId, Tag, tag_of
from tests.sessions.fakes import DictStore

NOW_S = 1_767_052_800


class CountingEntropy:
    """BLAKE2b of a counter: the same bytes in every Python."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._count = 0

    def random_bytes(self, size: int) -> bytes:
        out = b""
        while len(out) < size:
            out += hashlib.blake2b(f"{self._name} {self._count}".encode()).digest()
            self._count += 1
        return out[:size]

    def uniform(self) -> float:
        return 0.5


def seed(name: str) -> bytes:
    return hashlib.blake2b(name.encode(), digest_size=32).digest()


def book(name: str, store: DictStore) -> SessionBook:
    """Give somebody's book; its randomness depends on the name only."""
    identity = make_identity(seed(f"{name} account"), seed(f"{name} device"), NOW_S)
    return SessionBook(identity, X3dhSuite(), store, CountingEntropy(name), NOW_S)


def account() -> dict[str, object]:
    identity = make_identity(seed("alice account"), seed("alice device"), NOW_S)
    certificate = identity.certificate
    return {
        "account_seed": seed("alice account").hex(),
        "words": words_of(seed("alice account")),
        "account_key": identity.account_key.hex(),
        "device_seed": seed("alice device").hex(),
        "device_key": identity.device_key.hex(),
        "created_s": NOW_S,
        "certificate_signature": certificate.signature.hex(),
        "other_account_key": account_key_of(seed("bob account")).hex(),
        "safety_number": safety_number(identity.account_key, account_key_of(seed("bob account"))),
    }


def bundles() -> dict[str, dict[str, str]]:
    alice = book("alice", DictStore())
    found = {}
    for name, issued in (
        ("one-time", alice.issue_one_time_bundle(NOW_S)),
        ("rotating", alice.current_bundle(account_key_of(seed("bob account")), NOW_S)),
    ):
        found[name] = {
            "hex": issued.bundle.hex(),
            "hash": issued.hash.hex(),
            "lookup_secret": issued.lookup_secret.hex(),
            "signed": decode_bundle(issued.bundle).signed_bytes().hex(),
        }
    return found


def tags() -> dict[str, object]:
    key = bytes(range(32))
    secret, bundle = bytes(range(16)), BundleHash(bytes(range(32, 64)))
    return {
        "day_key": key.hex(),
        "next_day_key": next_day_key(key).hex(),
        "tenth_day_key": next_day_key(key, 10).hex(),
        "proofs": {str(n): proof_of(key, n).hex() for n in (0, 1, 258, 2**32 - 1)},
        "tags": {str(n): tag_of(proof_of(key, n)).hex() for n in (0, 1, 258, 2**32 - 1)},
        "lookup_secret": secret.hex(),
        "bundle_hash": bundle.hex(),
        "week": 2_921,
        "first_contact_tags": {
            str(n): first_contact_tag(secret, bundle, 2_921, n).hex() for n in (0, 1, 258)
        },
    }


def keys() -> dict[str, object]:
    certificate = make_identity(seed("bob account"), seed("bob device"), NOW_S).certificate
    handshake = Handshake(
        certificate, seed("ephemeral"), b"prekeyid", seed("psk"), NOW_S, SessionId(b"r" * 16)
    )
    agreement = Agreement(seed("x3dh"), b"identity keys", seed("ephemeral"))
    derived = derive_keys(agreement, handshake, b"a bundle", BundleHash(seed("hash")))
    root = run(_RootKdf.derive(seed("root"), seed("dh"), 64))
    chain = run(_MessageKdf.derive(seed("chain"), b"molva ratchet 1", 64))
    return {
        "x3dh_secret": agreement.secret.hex(),
        "x3dh_associated": agreement.associated.hex(),
        "bundle": b"a bundle".hex(),
        "bundle_hash": seed("hash").hex(),
        "handshake": handshake.encode().hex(),
        **{name: value.hex() for name, value in derived._asdict().items()},
        "ratchet_root": seed("root").hex(),
        "ratchet_dh": seed("dh").hex(),
        "ratchet_next_root": root[:32].hex(),
        "ratchet_new_chain": root[32:].hex(),
        "ratchet_chain": seed("chain").hex(),
        "ratchet_next_chain": chain[:32].hex(),
        "ratchet_message_key": chain[32:].hex(),
    }


def session_envelope() -> dict[str, object]:
    header = EnvelopeHeader(0, 490_848, Tag(bytes(range(0xA0, 0xB0))))
    message = RatchetMessage(seed("ratchet key"), 3, 7, b"ciphertext and its authenticator")
    envelope = seal_session(X3dhSuite(), seed("header key"), bytes(24), header, message)
    return {
        "header_key": seed("header key").hex(),
        "nonce": bytes(24).hex(),
        "ratchet_key": message.key.hex(),
        "previous": message.previous,
        "number": message.number,
        "text": message.text.hex(),
        "hex": envelope.hex(),
    }


def refusals() -> dict[str, object]:
    """Give what a reader of the vectors above must refuse, with the error's code."""
    envelope = bytes.fromhex(str(session_envelope()["hex"]))
    later = envelope[:5] + bytes([envelope[5] + 1]) + envelope[6:]
    altered = envelope[:60] + bytes([envelope[60] ^ 1]) + envelope[61:]
    header = EnvelopeHeader(0, 490_848, Tag(bytes(range(0xA0, 0xB0)))).encode()
    plaintext = (b"\0\0" + bytes(40) + bytes(16)).ljust(185, b"\0") + b"\1"
    body = aead.seal(seed("header key"), bytes(24), header, plaintext)
    one_time = decode_bundle(bytes.fromhex(bundles()["one-time"]["hex"]))
    return {
        "session": {
            "session-later-expiry": {"error": "not-authentic", "hex": later.hex()},
            "session-altered": {"error": "not-authentic", "hex": altered.hex()},
            "session-padding": {
                "error": "malformed",
                "hex": (header + bytes(24) + body + bytes(8)).hex(),
            },
        },
        "bundle": {
            "bundle-made-rotating": {
                "error": "not-authentic",
                "hex": encode_bundle(replace(one_time, one_time=0)).hex(),
            },
            "bundle-version-2": {
                "error": "wrong-version",
                "hex": encode_bundle(replace(one_time, version=2)).hex(),
            },
        },
    }


def frozen() -> dict[str, object]:
    """Freeze bob's store before a first contact and before a session envelope of alice's."""
    alice_store, bob_store = DictStore(), DictStore()
    alice, bob = book("alice", alice_store), book("bob", bob_store)
    bob_key, alice_key = (account_key_of(seed(f"{name} account")) for name in ("bob", "alice"))
    issued = bob.issue_one_time_bundle(NOW_S)
    alice.learn_bundle(bob_key, issued.bundle, issued.lookup_secret, NOW_S)
    bob.flush()
    found: dict[str, object] = {}

    def freeze(name: str, content: bytes) -> None:
        rows = [
            [str(kind), key.hex(), value.hex()] for (kind, key), value in bob_store.rows.items()
        ]
        sealed = alice.seal(bob_key, content, 604_800.0, NOW_S)
        opened = bob.open(sealed.envelope, NOW_S)
        found[name] = {
            "store": rows,
            "envelope": sealed.envelope.hex(),
            "content": content.decode(),
            "contact": opened.contact.hex(),
            "device": opened.device.hex(),
            "proof": opened.proof.hex(),
            "session": opened.session.hex(),
        }

    freeze("first-contact", b"Do you read me?")
    alice.open(bob.seal(alice_key, b"I do.", 604_800.0, NOW_S).envelope, NOW_S)
    alice.seal(bob_key, b"never arrives", 604_800.0, NOW_S)
    bob.flush()
    freeze("session", b"Good.")
    return found


def main() -> None:
    vectors = {
        "account": account(),
        "bundle": bundles(),
        "tags": tags(),
        "keys": keys(),
        "session-envelope": session_envelope(),
        "refusals": refusals(),
        "frozen": frozen(),
    }
    sys.stdout.write(json.dumps(vectors, indent=1) + "\n")


if __name__ == "__main__":
    main()
