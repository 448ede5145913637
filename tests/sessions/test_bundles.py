"""Rotating bundles, what is learnt of contacts' bundles, and every bundle that is refused."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from p2p.crypto.account import certify_device, device_key_of
from p2p.crypto.signing import sign
from p2p.errors import LimitExceeded, Malformed, NotAuthentic, WrongVersion
from p2p.sessions.own_bundle import HANDSHAKES_PER_LOOKUP_MAX
from p2p.wire.bundle import PrekeyBundle, decode_bundle, encode_bundle
from p2p.wire.limits import BUNDLE_LIFETIME_S, BUNDLE_ROTATION_S
from tests.sessions.fakes import DAY_S, Person, befriend, pass_days


def signed(person: Person, bundle: PrekeyBundle) -> bytes:
    """Sign a changed bundle anew, as its dishonest owner could."""
    signature = sign(person.identity.device_seed, bundle.signed_bytes())
    return encode_bundle(replace(bundle, signature=signature))


def test_contacts_get_one_bundle_with_lookup_secrets_of_their_own(people) -> None:
    alice, bob, carol = people(3)
    for_bob = alice.book.current_bundle(bob.key, alice.now_s)
    for_carol = alice.book.current_bundle(carol.key, alice.now_s)
    assert for_bob.bundle == for_carol.bundle
    assert for_bob.lookup_secret != for_carol.lookup_secret
    assert alice.book.current_bundle(bob.key, alice.now_s) == for_bob
    assert alice.book.find_bundle(for_bob.hash) == for_bob.bundle
    assert for_bob.expires_s == alice.now_s + BUNDLE_LIFETIME_S
    alice.save()
    alice.restart()
    assert alice.book.current_bundle(bob.key, alice.now_s) == for_bob


def test_a_lookup_secret_serves_only_the_contact_to_whom_it_was_given(people) -> None:
    alice, bob, mallory = people(3)
    mallory.learn(alice, alice.book.current_bundle(bob.key, alice.now_s))
    sealed = mallory.seal(alice, b"x")
    before = alice.save()
    with pytest.raises(NotAuthentic, match="somebody else's"):
        alice.open(sealed)
    assert alice.save() == before


def test_bundles_rotate_and_old_ones_are_read_until_30_days_after_their_end(people) -> None:
    alice, bob = people(2)
    befriend(alice, bob)
    pass_days(13.9, alice)
    alice.book.maintain(alice.now_s)
    old = alice.book.current_bundle(bob.key, alice.now_s)
    pass_days(0.1, alice)
    moment = alice.book.maintain(alice.now_s)
    assert alice.now_s < moment <= alice.now_s + BUNDLE_ROTATION_S
    new = alice.book.current_bundle(bob.key, alice.now_s)
    assert new.hash != old.hash
    pass_days(27.9, bob)
    early, late = bob.seal(alice, b"early"), bob.seal(alice, b"late")
    pass_days(43.9, alice)
    alice.book.maintain(alice.now_s)
    alice.save()
    alice.restart()
    assert alice.open(early).content == b"early"
    pass_days(0.2, alice)
    alice.book.maintain(alice.now_s)
    with pytest.raises(NotAuthentic):
        alice.open(late)
    assert not any(old.hash in key for _, key in alice.save())


def test_a_bundle_rotates_when_it_is_asked_for_too(people) -> None:
    alice, bob = people(2)
    old = alice.book.current_bundle(bob.key, alice.now_s)
    pass_days(14, alice)
    assert alice.book.current_bundle(bob.key, alice.now_s).hash != old.hash


def test_two_bundles_of_rotation_are_read_at_once(people) -> None:
    alice, bob, carol = people(3)
    bob.learn(alice, alice.book.current_bundle(bob.key, alice.now_s))
    pass_days(14, alice, carol, bob)
    carol.learn(alice, alice.book.current_bundle(carol.key, alice.now_s))
    pass_days(13, alice, carol, bob)
    assert alice.open(bob.seal(alice, b"old")).content == b"old"
    assert alice.open(carol.seal(alice, b"new")).content == b"new"


def test_an_older_bundle_does_not_replace_a_newer_one(people) -> None:
    alice, bob = people(2)
    old = alice.book.current_bundle(bob.key, alice.now_s)
    pass_days(14, alice, bob)
    new = alice.book.current_bundle(bob.key, alice.now_s)
    bob.learn(alice, new)
    bob.learn(alice, old)
    bob.learn(alice, new)
    newest = bob.book._bundles.newest(alice.key)
    assert newest is not None
    assert newest.hash == new.hash


def test_a_bundle_in_use_for_a_handshake_outlives_its_successor(people) -> None:
    alice, bob = people(2)
    bob.learn(alice, alice.book.current_bundle(bob.key, alice.now_s))
    first = bob.seal(alice, b"1")
    pass_days(14, alice, bob)
    bob.learn(alice, alice.book.current_bundle(bob.key, alice.now_s))
    bob.save()
    bob.restart()
    second = bob.seal(alice, b"2")
    assert second.session == first.session
    assert [alice.open(each).content for each in (second, first)] == [b"2", b"1"]


def bundle_of(person: Person) -> PrekeyBundle:
    return decode_bundle(person.book.current_bundle(person.key, person.now_s).bundle)


@pytest.mark.parametrize(
    "change",
    [
        lambda bundle: replace(bundle, one_time=1),
        lambda bundle: replace(bundle, prekey=bytes(32)),
        lambda bundle: replace(bundle, prekey_signature=bytes(64)),
        lambda bundle: replace(bundle, kem_ml=bytes(1_184)),
        lambda bundle: replace(bundle, kem_x25519=bytes(32)),
        lambda bundle: replace(bundle, created_s=bundle.created_s + 1),
        lambda bundle: replace(bundle, expires_s=bundle.expires_s - 1),
        lambda bundle: replace(bundle, signature=bytes(64)),
        lambda bundle: replace(
            bundle, certificate=replace(bundle.certificate, created_s=bundle.created_s + 1)
        ),
    ],
)
def test_a_changed_bundle_is_not_authentic(people, change) -> None:
    alice, bob = people(2)
    before = bob.save()
    with pytest.raises(NotAuthentic):
        bob.book.learn_bundle(
            alice.key, encode_bundle(change(bundle_of(alice))), bytes(16), bob.now_s
        )
    assert bob.save() == before


def test_another_accounts_bundle_is_refused(people) -> None:
    alice, bob, mallory = people(3)
    with pytest.raises(NotAuthentic, match="another account"):
        bob.book.learn_bundle(alice.key, encode_bundle(bundle_of(mallory)), bytes(16), bob.now_s)


def test_a_device_that_the_account_did_not_certify_is_refused(people) -> None:
    alice, bob, mallory = people(3)
    forged = certify_device(bytes(32), device_key_of(mallory.identity.device_seed), 1)
    bundle = replace(
        bundle_of(mallory), certificate=replace(forged, account_key=alice.identity.account_key)
    )
    with pytest.raises(NotAuthentic):
        bob.book.learn_bundle(alice.key, signed(mallory, bundle), bytes(16), bob.now_s)


@pytest.mark.parametrize(
    "change",
    [
        lambda bundle: replace(bundle, expires_s=bundle.expires_s + 1),
        lambda bundle: replace(bundle, expires_s=bundle.created_s),
        lambda bundle: replace(
            bundle, created_s=bundle.created_s + 90_000, expires_s=bundle.expires_s + 90_000
        ),
    ],
)
def test_a_bundle_with_impossible_times_is_malformed(people, change) -> None:
    alice, bob = people(2)
    with pytest.raises(Malformed):
        bob.book.learn_bundle(
            alice.key, signed(alice, change(bundle_of(alice))), bytes(16), bob.now_s
        )


def test_bundles_of_other_versions_and_other_bytes_are_refused(people) -> None:
    alice, bob = people(2)
    with pytest.raises(WrongVersion):
        bob.book.learn_bundle(
            alice.key, encode_bundle(replace(bundle_of(alice), version=2)), bytes(16), bob.now_s
        )
    for data in (b"", b"\xc0", bytes(3_000)):
        with pytest.raises(Malformed):
            bob.book.learn_bundle(alice.key, data, bytes(16), bob.now_s)
    with pytest.raises(Malformed, match="16 bytes"):
        bob.book.learn_bundle(alice.key, encode_bundle(bundle_of(alice)), bytes(15), bob.now_s)


def test_a_contact_may_begin_only_so_many_sessions_with_one_bundle(crowd) -> None:
    alice, bob = crowd(2)
    alice.learn(bob, bob.book.current_bundle(alice.key, bob.now_s))
    issued = bob.book.current_bundle(alice.key, bob.now_s)
    for _ in range(HANDSHAKES_PER_LOOKUP_MAX):
        alice.book.forget(bob.key)
        alice.learn(bob, issued)
        bob.open(alice.seal(bob, b"again"))
    bob.save()
    bob.restart()
    alice.book.forget(bob.key)
    alice.learn(bob, issued)
    with pytest.raises(LimitExceeded, match="more sessions"):
        bob.open(alice.seal(bob, b"once more"))


def test_a_mailbox_of_weeks_is_found(people) -> None:
    alice, bob = people(2)
    alice.learn(bob, bob.book.current_bundle(alice.key, bob.now_s))
    sealed = []
    for number in range(28):
        sealed.append(alice.seal(bob, bytes([number]), 30 * DAY_S))
        pass_days(1, alice)
    pass_days(30, bob)
    assert [bob.open(each).content[0] for each in sealed] == list(range(28))
