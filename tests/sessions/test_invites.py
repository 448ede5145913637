"""One-time bundles: who may use one, how often, and when its secrets are gone."""

from __future__ import annotations

import pytest

from p2p.errors import Conflict, NotAuthentic, NotReady, Replayed
from p2p.ports.store import DocumentKind
from p2p.sessions.prekeys import ONE_TIME_BUNDLES_MAX
from p2p.wire.bundle import decode_bundle
from tests.sessions.fakes import Person, pass_days


def secrets_of(person: Person, bundle_hash: bytes) -> list[bytes]:
    """Give the documents that the store still has of a bundle."""
    rows = person.save()
    return [row for (_, key), row in rows.items() if bundle_hash in key and key[:1] in b"ol"]


def test_a_stranger_writes_through_an_invite_and_the_inviter_learns_which(people) -> None:
    alice, bob = people(2)
    invite = alice.book.issue_one_time_bundle(alice.now_s)
    assert decode_bundle(invite.bundle).one_time == 1
    assert alice.book.find_bundle(invite.hash) == invite.bundle
    bob.learn(alice, invite)
    opened = alice.open(bob.seal(alice, b"hello"))
    assert (opened.contact, opened.started, opened.invite) == (bob.key, True, invite.hash)
    assert alice.open(bob.seal(alice, b"again")).invite == b""
    assert alice.book.find_bundle(invite.hash) is None


def test_a_second_user_of_an_invite_is_a_conflict_that_changes_nothing(people) -> None:
    alice, bob, mallory = people(3)
    invite = alice.book.issue_one_time_bundle(alice.now_s)
    bob.learn(alice, invite)
    mallory.learn(alice, invite)
    by_bob, by_mallory = bob.seal(alice, b"bob"), mallory.seal(alice, b"mallory")
    assert by_bob.tag == by_mallory.tag
    alice.open(by_bob)
    before = alice.save()
    for _ in range(2):
        with pytest.raises(Conflict, match=invite.hash.hex()[:16]):
            alice.open(by_mallory)
    assert alice.save() == before
    assert alice.open(bob.seal(alice, b"still here")).content == b"still here"
    assert bob.open(alice.seal(bob, b"yes")).content == b"yes"


def test_the_same_person_cannot_use_an_invite_for_a_second_session(people) -> None:
    alice, bob = people(2)
    invite = alice.book.issue_one_time_bundle(alice.now_s)
    bob.learn(alice, invite)
    alice.open(bob.seal(alice, b"once"))
    bob.restart()
    bob.learn(alice, invite)
    with pytest.raises(Conflict):
        alice.open(bob.seal(alice, b"twice"))


def test_an_invite_begins_one_session_at_the_users_side_too(people) -> None:
    alice, bob = people(2)
    invite = alice.book.issue_one_time_bundle(alice.now_s)
    bob.learn(alice, invite)
    session = bob.seal(alice, b"x").session
    assert {bob.seal(alice, b"x").session for _ in range(600)} == {session}
    for each in bob.book._roster.of(alice.key).copy():
        bob.book._roster.destroy(each)
    with pytest.raises(NotReady, match="used up"):
        bob.seal(alice, b"x")


def test_secrets_die_when_the_session_is_confirmed_and_nothing_is_missing(people) -> None:
    alice, bob = people(2)
    invite = alice.book.issue_one_time_bundle(alice.now_s)
    bob.learn(alice, invite)
    first = bob.seal(alice, b"1")
    alice.open(first)
    alice.open(bob.seal(alice, b"2"))
    bob.open(alice.seal(bob, b"yes"))
    assert len(secrets_of(alice, invite.hash)) == 2
    alice.open(bob.seal(alice, b"confirmed"))
    assert secrets_of(alice, invite.hash) == []
    assert not alice.book.recognises(first.tag)
    with pytest.raises(NotAuthentic):
        alice.open(first)


def test_the_prekey_dies_at_once_and_late_repetitions_still_open(people) -> None:
    alice, bob, mallory = people(3)
    invite = alice.book.issue_one_time_bundle(alice.now_s)
    prekey_secret = alice.book._prekeys._bundles[invite.hash].secret
    kem_secret = alice.book._prekeys._bundles[invite.hash].kem_secret
    bob.learn(alice, invite)
    mallory.learn(alice, invite)
    early, late, latest = (bob.seal(alice, bytes([n])) for n in range(3))
    alice.open(early)
    rows = b"".join(secrets_of(alice, invite.hash))
    assert prekey_secret not in rows
    assert kem_secret in rows
    bob.open(alice.seal(bob, b"yes"))
    alice.open(bob.seal(alice, b"confirmed"))
    alice.save()
    alice.restart()
    with pytest.raises(Replayed):
        alice.open(early)
    with pytest.raises(Conflict):
        alice.open(mallory.seal(alice, b"me too"))
    assert alice.open(latest).content == b"\2"
    assert alice.open(late).content == b"\1"
    assert secrets_of(alice, invite.hash) == []


@pytest.mark.parametrize("confirmed", [True, False])
def test_secrets_of_a_used_invite_live_as_long_as_its_mail_may(people, confirmed: bool) -> None:
    alice, bob = people(2)
    invite = alice.book.issue_one_time_bundle(alice.now_s)
    bob.learn(alice, invite)
    alice.open(bob.seal(alice, b"1"))
    late = bob.seal(alice, b"never arrives in time")
    if confirmed:
        bob.open(alice.seal(bob, b"yes"))
        alice.open(bob.seal(alice, b"confirmed"))
    pass_days(29.9 if confirmed else 57.9, alice)
    alice.book.maintain(alice.now_s)
    assert len(secrets_of(alice, invite.hash)) == 2
    pass_days(0.1, alice)
    assert alice.book.maintain(alice.now_s) > alice.now_s
    assert secrets_of(alice, invite.hash) == []
    with pytest.raises(NotAuthentic):
        alice.open(late)


def test_an_unused_invite_is_read_until_30_days_after_its_end(people) -> None:
    alice, bob, carol = people(3)
    for_bob, for_carol = (alice.book.issue_one_time_bundle(alice.now_s) for _ in range(2))
    bob.learn(alice, for_bob)
    carol.learn(alice, for_carol)
    pass_days(27.9, alice, bob, carol)
    by_bob, by_carol = bob.seal(alice, b"bob"), carol.seal(alice, b"carol")
    pass_days(0.2, alice)
    alice.book.maintain(alice.now_s)
    assert alice.book.find_bundle(for_bob.hash) is None
    pass_days(29.8, alice)
    alice.book.maintain(alice.now_s)
    assert alice.open(by_bob).content == b"bob"
    pass_days(0.2, alice)
    alice.book.maintain(alice.now_s)
    assert secrets_of(alice, for_carol.hash) == []
    with pytest.raises(NotAuthentic):
        alice.open(by_carol)


def test_a_replayed_first_contact_is_named_so_for_ever(people) -> None:
    alice, bob = people(2)
    invite = alice.book.issue_one_time_bundle(alice.now_s)
    bob.learn(alice, invite)
    sealed = bob.seal(alice, b"once")
    alice.open(sealed)
    for _ in range(2):
        before = alice.save()
        with pytest.raises(Replayed):
            alice.open(sealed)
        assert alice.save() == before
        alice.restart()


def test_open_invites_are_bounded(crowd) -> None:
    (alice,) = crowd(1)
    for _ in range(ONE_TIME_BUNDLES_MAX):
        alice.book.issue_one_time_bundle(alice.now_s)
    with pytest.raises(Conflict, match="invites are open"):
        alice.book.issue_one_time_bundle(alice.now_s)
    pass_days(58, alice)
    alice.book.maintain(alice.now_s)
    alice.book.issue_one_time_bundle(alice.now_s)


def test_nobody_finds_a_bundle_that_is_not_ours(people) -> None:
    (alice,) = people(1)
    assert alice.book.find_bundle(bytes(32)) is None  # type: ignore[arg-type]


def test_documents_of_a_bundle_are_under_its_own_keys(people) -> None:
    (alice,) = people(1)
    invite = alice.book.issue_one_time_bundle(alice.now_s)
    keys = [key for kind, key in alice.save() if kind is DocumentKind.BUNDLE]
    assert keys == [b"o" + invite.hash, b"l" + invite.hash]


def test_prekeys_that_are_older_than_the_invite_are_learned_once_it_is_spent(people) -> None:
    alice, bob = people(2)
    rotating = alice.book.current_bundle(bob.key, alice.now_s)
    pass_days(1, alice, bob)
    bob.learn(alice, alice.book.issue_one_time_bundle(alice.now_s))
    alice.open(bob.seal(alice, b"hello"))
    bob.open(alice.seal(bob, b"yes"))
    bob.learn(alice, rotating)
    alice.open(bob.seal(alice, b"confirmed"))
    pass_days(8, alice, bob)
    opened = alice.open(bob.seal(alice, b"renewed"))
    assert (opened.started, opened.reset) == (True, False)
