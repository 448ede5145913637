"""A letter from nobody: it opens, names no account, and a withdrawn bundle opens nothing."""

from __future__ import annotations

import pytest

from p2p.errors import NotAuthentic, RemoteError
from p2p.ports.store import DocumentKind
from p2p.sessions.stranger import ForgottenStore

DAY_S = 86_400.0


def test_a_strangers_letter_names_no_account(people) -> None:
    alice, bob = people(2)
    kept = bob.save()
    accounts = set()
    for _ in range(2):
        invite = alice.book.issue_one_time_bundle(alice.now_s)
        sealed = bob.book.seal_as_stranger(
            alice.key, invite.bundle, invite.lookup_secret, b"shown", DAY_S, bob.now_s
        )
        opened = alice.open(sealed)
        assert (opened.content, opened.invite) == (b"shown", invite.hash)
        accounts.add(opened.contact)
    assert len(accounts | {bob.key}) == 3
    assert bob.save() == kept


def test_a_strangers_letter_needs_the_right_bundle(people) -> None:
    alice, bob = people(2)
    invite = alice.book.issue_one_time_bundle(alice.now_s)
    for bundle, recipient in ((invite.bundle, bob.key), (b"\x90", alice.key)):
        with pytest.raises(RemoteError):
            bob.book.seal_as_stranger(
                recipient, bundle, invite.lookup_secret, b"x", DAY_S, bob.now_s
            )


def test_a_withdrawn_bundle_opens_nothing_and_leaves_nothing(people) -> None:
    alice, bob = people(2)
    invite = alice.book.issue_one_time_bundle(alice.now_s)
    sealed = bob.book.seal_as_stranger(
        alice.key, invite.bundle, invite.lookup_secret, b"late", DAY_S, bob.now_s
    )
    alice.book.withdraw_bundle(invite.hash)
    assert alice.book.find_bundle(invite.hash) is None
    assert not alice.book.recognises(sealed.tag)
    with pytest.raises(NotAuthentic):
        alice.open(sealed)
    assert not [key for _, key in alice.save() if invite.hash in key]
    alice.book.withdraw_bundle(invite.hash)


def test_the_rotating_bundle_cannot_be_withdrawn(people) -> None:
    alice, bob = people(2)
    current = alice.book.current_bundle(bob.key, alice.now_s)
    alice.book.withdraw_bundle(current.hash)
    assert alice.book.find_bundle(current.hash) == current.bundle


def test_a_forgotten_store_is_a_document_store_for_a_moment() -> None:
    store = ForgottenStore()
    store.put_document(DocumentKind.SESSION, b"b", b"2")
    store.put_document(DocumentKind.SESSION, b"a", b"1")
    store.put_document(DocumentKind.INVITE, b"a", b"3")
    assert list(store.documents(DocumentKind.SESSION)) == [(b"a", b"1"), (b"b", b"2")]
    store.delete_document(DocumentKind.SESSION, b"a")
    store.delete_document(DocumentKind.SESSION, b"a")
    assert store.document(DocumentKind.SESSION, b"a") is None
    assert store.document(DocumentKind.SESSION, b"b") == b"2"
