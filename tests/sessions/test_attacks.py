"""Everything that an attacker may try on a book. After each attempt its state is what it was."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from p2p.crypto.account import certify_device
from p2p.errors import (
    Conflict,
    LimitExceeded,
    Malformed,
    NotAuthentic,
    RemoteError,
    Replayed,
    StoreDamaged,
    WrongVersion,
)
from p2p.ports.store import DocumentKind
from p2p.sessions import first_contact
from p2p.sessions.envelope_seal import seal_first_contact, seal_session
from p2p.sessions.handshake import Handshake
from p2p.sessions.identity import DeviceIdentity
from p2p.sessions.tags import next_day_key, proof_of
from p2p.wire.codec import pack
from p2p.wire.envelope import EnvelopeHeader, parse_header
from p2p.wire.ids import Proof, tag_of
from p2p.wire.limits import SKIPPED_KEYS_AGE_MAX_S
from tests.sessions.fakes import DAY_S, Person, befriend, connected, pass_days


def refused(reader: Person, envelope: bytes, error: type[RemoteError | Conflict]) -> None:
    """Have a book refuse an envelope, and see that it is none the worse for it."""
    before = reader.save()
    tags = dict(reader.book._table._windows)
    with pytest.raises(error):
        reader.open(envelope)
    assert reader.save() == before
    assert reader.book._table._windows == tags


def flipped(data: bytes, at: int, mask: int = 1) -> bytes:
    return data[:at] + bytes([data[at] ^ mask]) + data[at + 1 :]


def test_a_forgery_under_a_live_session_tag_burns_nothing(people) -> None:
    alice, bob = people(2)
    connected(alice, bob)
    sealed = alice.seal(bob, b"true")
    head = sealed.envelope[:22]
    for forged in (
        head + bytes(234),
        head + alice.entropy.random_bytes(234),
        head + sealed.envelope[46:] + bytes(24),
    ):
        refused(bob, forged, NotAuthentic)
    assert bob.open(sealed).content == b"true"


def test_a_forgery_under_a_live_first_contact_tag_burns_nothing(people) -> None:
    alice, bob = people(2)
    befriend(alice, bob)
    sealed = alice.seal(bob, b"true")
    refused(bob, sealed.envelope[:22] + bytes(2_026), NotAuthentic)
    small = bytes([1, 0]) + sealed.envelope[2:22] + bytes(234)
    refused(bob, small, NotAuthentic)
    assert bob.open(sealed).content == b"true"


@pytest.mark.parametrize("established", [True, False])
def test_no_bit_of_an_envelope_can_be_flipped(people, established: bool) -> None:
    alice, bob = people(2)
    if established:
        connected(alice, bob)
    else:
        befriend(alice, bob)
    sealed = alice.seal(bob, b"true")
    places = [*range(40), *range(40, len(sealed.envelope) - 8, 17), len(sealed.envelope) - 9]
    for at in places:
        with pytest.raises((NotAuthentic, Malformed, WrongVersion)):
            bob.open(flipped(sealed.envelope, at, 1 << at % 8))
    before = bob.save()
    for at in places:
        with pytest.raises(RemoteError):
            bob.open(flipped(sealed.envelope, at, 1 << at % 8))
    assert bob.save() == before
    assert bob.open(flipped(sealed.envelope, -1 % len(sealed.envelope))).content == b"true"


@pytest.mark.parametrize("established", [True, False])
def test_a_relay_cannot_extend_or_shorten_the_expiry(people, established: bool) -> None:
    alice, bob = people(2)
    if established:
        connected(alice, bob)
    else:
        befriend(alice, bob)
    sealed = alice.seal(bob, b"true")
    header = parse_header(sealed.envelope)
    for hours in (-1, 1, 24):
        changed = EnvelopeHeader(header.size_class, header.expiry_hour + hours, header.tag)
        refused(bob, changed.encode() + sealed.envelope[22:], NotAuthentic)


def test_truncated_and_stretched_envelopes_are_malformed(people) -> None:
    alice, bob = people(2)
    connected(alice, bob)
    envelope = alice.seal(bob, b"x").envelope
    for cut in (0, 1, 22, 100, 255):
        refused(bob, envelope[:cut], Malformed)
    refused(bob, envelope + b"\0", Malformed)
    refused(bob, envelope * 2, Malformed)
    bigger = bytes([1, 1]) + envelope[2:]
    refused(bob, bigger + bytes(256), NotAuthentic)


def test_a_replayed_session_envelope_is_refused(people) -> None:
    alice, bob = people(2)
    connected(alice, bob)
    sealed = alice.seal(bob, b"once")
    bob.open(sealed)
    refused(bob, sealed.envelope, Replayed)
    bob.restart()
    refused(bob, sealed.envelope, NotAuthentic)


def test_a_replayed_first_contact_begins_no_second_session(people) -> None:
    alice, bob = people(2)
    befriend(alice, bob)
    sealed = alice.seal(bob, b"once")
    bob.open(sealed)
    refused(bob, sealed.envelope, Replayed)
    bob.restart()
    refused(bob, sealed.envelope, Replayed)
    for session in list(bob.book._roster.of(alice.key)):
        bob.book._roster.destroy(session)
    refused(bob, sealed.envelope, Replayed)


def test_own_envelopes_come_back_in_vain(people) -> None:
    alice, bob = people(2)
    befriend(alice, bob)
    refused(alice, alice.seal(bob, b"x").envelope, NotAuthentic)
    connected(alice, bob)
    refused(alice, alice.seal(bob, b"x").envelope, NotAuthentic)


def test_own_envelopes_under_the_peers_tag_come_back_in_vain(people) -> None:
    alice, bob = people(2)
    connected(alice, bob)
    mine, theirs = alice.seal(bob, b"mine").envelope, bob.seal(alice, b"theirs").envelope
    refused(alice, theirs[:22] + mine[22:], NotAuthentic)
    assert alice.open(theirs).content == b"theirs"


def test_a_device_does_not_begin_a_session_with_itself(people) -> None:
    (alice,) = people(1)
    alice.learn(alice, alice.book.current_bundle(alice.key, alice.now_s))
    sealed = alice.seal(alice, b"me")
    alice.save()
    refused(alice, sealed.envelope, NotAuthentic)


def test_one_contacts_envelope_does_not_open_as_anothers(people) -> None:
    alice, bob, carol = people(3)
    connected(alice, bob)
    connected(carol, bob)
    by_alice, by_carol = alice.seal(bob, b"alice").envelope, carol.seal(bob, b"carol").envelope
    refused(bob, by_alice[:22] + by_carol[22:], NotAuthentic)
    refused(carol, by_alice, NotAuthentic)


def test_keys_of_days_gone_by_open_nothing_and_are_gone(people) -> None:
    alice, bob = people(2)
    connected(alice, bob)
    session = bob.book._roster.of(alice.key)[0]
    first_day, key, _ = session.incoming.record()
    sealed = alice.seal(bob, b"too late", 30 * DAY_S)
    assert sealed.tag == tag_of(proof_of(key, 1))
    pass_days(33, bob)
    bob.book.maintain(bob.now_s)
    stored = b"".join(bob.save().values())
    kept_day, kept_key, _ = session.incoming.record()
    assert kept_key == next_day_key(key, kept_day - first_day)
    assert kept_key in stored
    assert key not in stored
    assert next_day_key(key, 1) not in stored
    refused(bob, sealed.envelope, NotAuthentic)


def test_keys_of_messages_missing_for_30_days_are_destroyed(people) -> None:
    alice, bob = people(2)
    connected(alice, bob)
    lost = alice.seal(bob, b"lost", 30 * DAY_S)
    bob.open(alice.seal(bob, b"came"))
    bob.save()
    size = len(bob.book._roster.of(alice.key)[0].ratchet_data)
    pass_days(SKIPPED_KEYS_AGE_MAX_S / DAY_S, bob)
    bob.book.maintain(bob.now_s)
    session = bob.book._roster.of(alice.key)[0]
    still_kept = session.missing_since_day
    pass_days(1, bob)
    bob.book.maintain(bob.now_s)
    bob.save()
    bob.restart()
    session = bob.book._roster.of(alice.key)[0]
    assert session.missing_since_day >= still_kept
    if bob.suite.name.startswith("x3dh"):
        assert session.missing_since_day > still_kept
        assert len(session.ratchet_data) == size - 72
        with pytest.raises((NotAuthentic, Replayed)):
            bob.open(lost)


# --- contacts that do not keep to the protocol -------------------------------------------------


def forged_first_contact(
    sender: Person, reader: Person, *, identity: DeviceIdentity | None = None, **changes: object
) -> bytes:
    """Make a first contact whose handshake was changed by its dishonest sender."""
    bundle = sender.book._bundles.newest(reader.key)
    assert bundle is not None
    session, message = sender.book._first.begin(bundle, b"forged", sender.now_s)
    shaken = session.handshake
    assert shaken is not None
    fields = {name: getattr(shaken, name) for name in Handshake.__slots__}
    if identity is not None:
        fields["certificate"] = identity.certificate
    number = changes.pop("number", message.number)
    handshake = Handshake(**(fields | changes))  # type: ignore[arg-type]
    proof = Proof(bytes(32))
    header = EnvelopeHeader(3, 500_000, bundle.take_tag(sender.now_s))
    return seal_first_contact(
        sender.suite,
        bundle.kem,
        bundle.hash,
        header,
        proof,
        handshake,
        message._replace(number=number),
    )


def test_what_the_handshake_says_is_bound_to_the_session(people) -> None:
    for changes in (
        {"ephemeral": b"e" * 32},
        {"ephemeral": bytes(32)},
        {"psk": bytes(32)},
        {"prekey_id": bytes(8)},
        {"begun_s": 1_728_003_601},
        {"renews": b"r" * 16},
    ):
        alice, bob = people(2)
        befriend(alice, bob)
        refused(bob, forged_first_contact(alice, bob, **changes), NotAuthentic)
        assert bob.open(forged_first_contact(alice, bob)).content == b"forged"


def test_nobody_writes_in_anothers_name(people) -> None:
    alice, bob, mallory = people(3)
    invite = bob.book.issue_one_time_bundle(bob.now_s)
    mallory.learn(bob, invite)
    forged = forged_first_contact(mallory, bob, identity=alice.identity)
    refused(bob, forged, NotAuthentic)


def test_an_account_cannot_claim_anothers_device(people) -> None:
    alice, bob, mallory = people(3)
    invite = bob.book.issue_one_time_bundle(bob.now_s)
    mallory.learn(bob, invite)
    claimed = certify_device(bytes(32), alice.identity.device_key, 1)
    refused(bob, forged_first_contact(mallory, bob, certificate=claimed), NotAuthentic)


def test_a_certificate_that_does_not_hold_begins_nothing(people) -> None:
    alice, bob, mallory = people(3)
    invite = bob.book.issue_one_time_bundle(bob.now_s)
    mallory.learn(bob, invite)
    forged = certify_device(bytes(32), mallory.identity.device_key, 1)
    stolen = type(forged)(1, alice.key, forged.device_key, 1, forged.signature)
    refused(bob, forged_first_contact(mallory, bob, certificate=stolen), NotAuthentic)


def test_a_handshake_from_outside_its_bundles_life_is_malformed(people) -> None:
    alice, bob = people(2)
    befriend(alice, bob)
    for begun_s in (0, int(alice.now_s) - 90_000, int(alice.now_s) + 30 * 86_400, 2**60):
        refused(bob, forged_first_contact(alice, bob, begun_s=begun_s), Malformed)


def test_a_handshake_repeated_too_often_is_refused(people) -> None:
    alice, bob = people(2)
    befriend(alice, bob)
    bob.open(alice.seal(bob, b"x"))
    number = first_contact.FIRST_CONTACTS_MAX
    refused(bob, forged_first_contact(alice, bob, number=number), LimitExceeded)


def test_a_handshake_is_repeated_a_thousand_times_at_most(crowd) -> None:
    alice, bob = crowd(2)
    invite = bob.book.issue_one_time_bundle(bob.now_s)
    alice.learn(bob, invite)
    for number in range(first_contact.FIRST_CONTACTS_MAX):
        sealed = alice.seal(bob, b"x")
        if number % 30 == 0:
            bob.open(sealed)
            alice.book.acknowledge(sealed.session, alice.now_s)
    assert not alice.book.can_seal(bob.key, alice.now_s)
    assert bob.open(sealed).content == b"x"


def test_a_contacts_envelope_without_content_of_a_session_is_malformed(people) -> None:
    alice, bob = people(2)
    connected(alice, bob)
    session = alice.book._roster.of(bob.key)[0]
    message = alice.book._roster.ratchet(session).encrypt(b"x", session.associated)
    header = EnvelopeHeader(0, 500_000, session.outgoing.take(20_000))
    longer = message._replace(text=message.text + b"\1")
    envelope = seal_session(alice.suite, session.header_out, bytes(24), header, longer)
    # The length now covers one byte more than the ratchet made: the ratchet refuses it.
    refused(bob, envelope, NotAuthentic)


def test_a_contact_that_reuses_a_ratchet_message_is_refused(people) -> None:
    alice, bob = people(2)
    connected(alice, bob)
    session = alice.book._roster.of(bob.key)[0]
    message = alice.book._roster.ratchet(session).encrypt(b"x", session.associated)
    sealed = [
        seal_session(
            alice.suite,
            session.header_out,
            bytes(24),
            EnvelopeHeader(0, 500_000, session.outgoing.take(20_000)),
            message,
        )
        for _ in range(2)
    ]
    bob.open(sealed[0])
    if bob.suite.name.startswith("x3dh"):
        refused(bob, sealed[1], Replayed)


# --- a store that was damaged --------------------------------------------------------------------


@pytest.mark.parametrize("kind", [DocumentKind.SESSION, DocumentKind.BUNDLE])
@pytest.mark.parametrize("damage", [b"", b"\xc0", b"\x91\x02", b"\x91\x01"])
def test_documents_that_cannot_be_read_are_named_damage(people, kind, damage: bytes) -> None:
    alice, bob = people(2)
    invite = alice.book.issue_one_time_bundle(alice.now_s)
    bob.learn(alice, invite)
    connected(alice, bob)
    rows = alice.save()
    for at, key in [each for each in rows if each[0] is kind]:
        alice.store.rows = {**rows, (at, key): damage}
        with pytest.raises(StoreDamaged):
            alice.restart()


def test_a_lookup_secret_without_its_bundle_is_damage(people) -> None:
    (alice,) = people(1)
    invite = alice.book.issue_one_time_bundle(alice.now_s)
    alice.save()
    del alice.store.rows[DocumentKind.BUNDLE, b"o" + invite.hash]
    with pytest.raises(StoreDamaged, match="without its bundle"):
        alice.restart()


def test_a_session_whose_handshake_is_damaged_is_damage(people) -> None:
    alice, bob = people(2)
    befriend(alice, bob)
    alice.seal(bob, b"x")
    rows = alice.save()
    (at,) = [key for key in rows if key[0] is DocumentKind.SESSION]
    encoded = alice.book._roster.of(bob.key)[0].handshake.encode()  # type: ignore[union-attr]
    alice.store.rows[at] = rows[at].replace(encoded, encoded[:-17] + b"\7" + encoded[-16:])
    with pytest.raises(StoreDamaged):
        alice.restart()
    assert pack(()) == b"\x90"


# --- anything at all ------------------------------------------------------------------------------


@settings(max_examples=200, deadline=None)
@given(data=st.binary(max_size=600))
def test_any_bytes_are_refused_by_a_book(data: bytes) -> None:
    bob = Person(1)
    bob.book.issue_one_time_bundle(bob.now_s)
    with pytest.raises(RemoteError):
        bob.open(data)


@settings(max_examples=100, deadline=None)
@given(body=st.binary(max_size=234), first=st.booleans())
def test_any_bytes_under_a_live_tag_are_refused_by_a_book(body: bytes, first: bool) -> None:
    alice, bob = Person(1), Person(2)
    befriend(alice, bob)
    if not first:
        bob.open(alice.seal(bob, b"x"))
        alice.open(bob.seal(alice, b"y"))
    head = alice.seal(bob, b"true").envelope[2:22]
    before = bob.save()
    with pytest.raises(RemoteError):
        bob.open(b"\1\0" + head + body.ljust(234, b"\0"))
    assert bob.save() == before
