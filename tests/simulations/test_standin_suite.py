"""The stand-in has the real suite's sizes and refusals, and not one secret."""

from __future__ import annotations

import pytest

from p2p.errors import NotAuthentic, StoreDamaged
from p2p.sessions.suite import RATCHET_MAC_BYTES, Suite
from p2p.sessions.x3dh_suite import X3dhSuite
from simulations.standin_suite import InsecureStandinSuite
from tests.sessions.fakes import Person, SeededEntropy, befriend

SEED = bytes(range(32))
ROOT = bytes(32)
AD = bytes(32)


def standin() -> InsecureStandinSuite:
    return InsecureStandinSuite(SeededEntropy(1))


def sizes_of(suite: Suite) -> list[object]:
    """Give the length of everything that a suite makes."""
    entropy = SeededEntropy(2)
    device_key = Person(1).identity.device_key
    prekeys = suite.make_prekeys(SEED, entropy)
    kem = prekeys.kem
    agreement = suite.agree(SEED, device_key, *own_prekey(suite))
    answer = suite.agree_as_responder(SEED, prekeys.secret, device_key, agreement.ephemeral)
    found: list[object] = [
        len(prekeys.prekey),
        len(prekeys.signature),
        (len(kem.ml), len(kem.x25519)),
        (len(prekeys.secret), len(prekeys.kem_secret)),
        (len(agreement.secret), len(agreement.ephemeral)),
        len(answer.secret),
    ]
    for size in (0, 1, 100, 5_000):
        content = bytes(size)
        sealed = suite.seal_to_bundle(kem, b"molva x", content)
        assert suite.open_for_bundle(prekeys.kem_secret, b"molva x", sealed) == content
        outer = suite.seal_outer(SEED, bytes(24), b"header", content)
        assert suite.open_outer(SEED, bytes(24), b"header", outer) == content
        ratchet, message = suite.begin_ratchet(ROOT, prekeys.prekey, content, AD)
        _, opened = suite.accept_ratchet(ROOT, prekeys.secret, message, AD)
        assert opened == content
        assert len(message.text) == size + RATCHET_MAC_BYTES
        found += [len(sealed), len(outer), len(message.key), message.previous, message.number]
        second = ratchet.encrypt(content, AD)
        found += [len(second.text), second.previous, second.number]
    return found


def own_prekey(suite: Suite) -> tuple[bytes, bytes]:
    """Give a prekey with the signature of the device that :func:`sizes_of` writes to."""
    prekeys = suite.make_prekeys(Person(1).identity.device_seed, SeededEntropy(3))
    return prekeys.prekey, prekeys.signature


def test_every_size_is_the_real_suites() -> None:
    assert sizes_of(standin()) == sizes_of(X3dhSuite())


def conversation(make) -> list[tuple[int, int]]:
    """Give (size, number of documents) at each step of the same conversation."""
    alice, bob = (Person(seed, make(seed)) for seed in range(2))
    befriend(alice, bob)
    steps = [(len(alice.book.current_bundle(bob.key, alice.now_s).bundle), 0)]
    for size in (0, 542, 543, 10_000):
        sealed = alice.seal(bob, bytes(size))
        assert bob.open(sealed).content == bytes(size)
        steps.append((len(sealed.envelope), len(bob.save())))
    for size in (0, 128, 129, 10_000, 65_408):
        for writer, reader in ((bob, alice), (alice, bob)):
            sealed = writer.seal(reader, bytes(size))
            assert reader.open(sealed).content == bytes(size)
            steps.append((len(sealed.envelope), len(reader.save())))
    return steps


def test_a_conversation_has_the_same_sizes_on_both_suites() -> None:
    on_standin = conversation(lambda seed: InsecureStandinSuite(SeededEntropy(seed)))
    assert on_standin == conversation(lambda seed: X3dhSuite())


def test_it_is_deterministic() -> None:
    def run() -> list[bytes]:
        alice, bob = (Person(n, InsecureStandinSuite(SeededEntropy(n))) for n in range(2))
        befriend(alice, bob)
        sealed = [alice.seal(bob, b"x")]
        bob.open(sealed[0])
        sealed.append(bob.seal(alice, b"y"))
        return [each.envelope for each in sealed] + list(bob.save().values())

    assert run() == run()


def test_its_name_says_what_it_is() -> None:
    assert "INSECURE" in standin().name
    assert "INSECURE" not in X3dhSuite().name.upper()


def test_it_refuses_what_was_altered() -> None:
    suite = standin()
    keys = suite.make_prekeys(SEED, SeededEntropy(2))
    suite.check_prekeys(SEED, keys.prekey, keys.signature, keys.kem)
    sealed = suite.seal_to_bundle(keys.kem, b"molva x", b"content")
    outer = suite.seal_outer(SEED, bytes(24), b"header", b"content")
    ratchet, message = suite.begin_ratchet(ROOT, keys.prekey, b"content", AD)
    reader, _ = suite.accept_ratchet(ROOT, keys.secret, message, AD)
    second = ratchet.encrypt(b"second", AD)
    for refused in (
        lambda: suite.check_prekeys(SEED, keys.prekey, bytes(64), keys.kem),
        lambda: suite.open_for_bundle(keys.kem_secret, b"molva y", sealed),
        lambda: suite.open_for_bundle(bytes(96), b"molva x", sealed),
        lambda: suite.open_for_bundle(keys.kem_secret, b"molva x", sealed[:-1] + b"\0"),
        lambda: suite.open_for_bundle(
            keys.kem_secret, b"molva x", sealed[:40] + b"\1" + sealed[41:]
        ),
        lambda: suite.open_outer(bytes(32), bytes(24), b"header", outer),
        lambda: suite.open_outer(SEED, bytes(24), b"headed", outer),
        lambda: suite.accept_ratchet(SEED, keys.secret, message, AD),
        lambda: reader.decrypt(second._replace(number=5), AD),
        lambda: reader.decrypt(second, SEED),
    ):
        with pytest.raises(NotAuthentic):
            refused()
    reader.purge(1)
    assert reader.decrypt(second, AD) == b"second"
    with pytest.raises(StoreDamaged):
        suite.load_ratchet(b"")
