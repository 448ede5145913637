"""What the core relies on: sealing, opening, renewing and forgetting, on both suites."""

from __future__ import annotations

import itertools

import pytest

from p2p.errors import NotAuthentic, NotReady, Replayed, TooLarge
from p2p.sessions.envelope_seal import FIRST_CONTACT_ROOM_BYTES, SESSION_ROOM_BYTES
from p2p.sessions.roster import _LIVE_RATCHETS_MAX, SESSIONS_PER_CONTACT_MAX
from p2p.wire.envelope import parse_envelope
from p2p.wire.ids import tag_of
from p2p.wire.limits import (
    ENVELOPE_SIZE_MAX_BYTES,
    SKIPPED_KEYS_PER_CHAIN_MAX,
    TAG_DAYS_BACK,
    UNACKNOWLEDGED_MAX,
)
from tests.sessions.fakes import DAY_S, LIFETIME_S, befriend, connected, pass_days


def test_a_first_contact_says_who_wrote_and_is_proven_by_its_commitment(people) -> None:
    alice, bob = people(2)
    befriend(alice, bob)
    sealed = alice.seal(bob, b"hello")
    envelope = parse_envelope(sealed.envelope)
    assert (len(sealed.envelope), envelope.header.tag) == (2_048, sealed.tag)
    assert envelope.commitment == sealed.proof_hash != sealed.tag
    assert bob.book.recognises(sealed.tag)
    opened = bob.open(sealed)
    assert (opened.contact, opened.device) == (alice.key, alice.identity.device_key)
    assert (opened.content, opened.session) == (b"hello", sealed.session)
    assert (opened.started, opened.reset, opened.invite) == (True, False, b"")
    assert tag_of(opened.proof) == sealed.proof_hash


def test_a_reply_is_a_session_envelope_proven_by_its_tag(people) -> None:
    alice, bob = people(2)
    befriend(alice, bob)
    bob.open(alice.seal(bob, b"hello"))
    sealed = bob.seal(alice, b"x" * 128)
    assert len(sealed.envelope) == 256
    assert sealed.proof_hash == sealed.tag == parse_envelope(sealed.envelope).header.tag
    opened = alice.open(sealed)
    assert (opened.contact, opened.started, opened.reset) == (bob.key, False, False)
    assert tag_of(opened.proof) == sealed.tag
    assert not alice.book.recognises(sealed.tag)


def test_the_handshake_is_repeated_until_the_first_reply_and_opens_in_any_order(people) -> None:
    for order in itertools.permutations(range(3)):
        alice, bob = people(2)
        befriend(alice, bob)
        sealed = [alice.seal(bob, bytes([number])) for number in range(3)]
        assert {len(each.envelope) for each in sealed} == {2_048}
        assert len({each.session for each in sealed}) == 1
        assert len({each.tag for each in sealed}) == len({each.proof_hash for each in sealed}) == 3
        opened = [bob.open(sealed[number]) for number in order]
        assert [each.content[0] for each in opened] == list(order)
        assert [each.started for each in opened] == [True, False, False]
        alice.open(bob.seal(alice, b"reply"))
        assert len(alice.seal(bob, b"short").envelope) == 256


def test_room_is_exact_for_both_bodies(people) -> None:
    alice, bob = people(2)
    assert alice.book.room_for(bob.key, alice.now_s) == FIRST_CONTACT_ROOM_BYTES
    befriend(alice, bob)
    for room in (FIRST_CONTACT_ROOM_BYTES, SESSION_ROOM_BYTES):
        assert alice.book.room_for(bob.key, alice.now_s) == room
        before = alice.save()
        with pytest.raises(TooLarge):
            alice.seal(bob, bytes(room + 1))
        assert alice.save() == before
        sealed = alice.seal(bob, bytes(room))
        assert len(sealed.envelope) == ENVELOPE_SIZE_MAX_BYTES
        assert bob.open(sealed).content == bytes(room)
        alice.open(bob.seal(alice, b"reply"))


def test_nothing_can_be_sealed_without_a_bundle(people) -> None:
    alice, bob = people(2)
    assert not alice.book.can_seal(bob.key, alice.now_s)
    with pytest.raises(NotReady, match="not reached"):
        alice.seal(bob, b"x")
    befriend(alice, bob)
    assert alice.book.can_seal(bob.key, alice.now_s)


def test_an_expired_bundle_begins_nothing(people) -> None:
    alice, bob = people(2)
    befriend(alice, bob)
    pass_days(28, alice)
    assert not alice.book.can_seal(bob.key, alice.now_s)
    with pytest.raises(NotReady, match="expired"):
        alice.seal(bob, b"x")


def test_a_handshake_is_not_repeated_beyond_its_bundles_life(people) -> None:
    alice, bob = people(2)
    befriend(alice, bob)
    alice.seal(bob, b"x")
    pass_days(28, alice, bob)
    with pytest.raises(NotReady, match="not answered"):
        alice.seal(bob, b"x")
    alice.learn(bob, bob.book.current_bundle(alice.key, bob.now_s))
    sealed = alice.seal(bob, b"anew")
    assert bob.open(sealed).content == b"anew"


def test_a_session_is_renewed_after_seven_days_and_is_no_reset(people) -> None:
    alice, bob = people(2)
    connected(alice, bob)
    late = alice.seal(bob, b"late")
    pass_days(7, alice, bob)
    befriend(alice, bob)
    renewed = alice.seal(bob, b"renewed")
    assert (len(renewed.envelope), renewed.session) != (256, late.session)
    opened = bob.open(renewed)
    assert (opened.started, opened.reset) == (True, False)
    reply = bob.seal(alice, b"reply")
    assert reply.session == renewed.session
    assert alice.open(reply).content == b"reply"
    assert bob.open(late).content == b"late"
    assert bob.seal(alice, b"x").session == renewed.session
    assert len(alice.seal(bob, b"x").envelope) == 256


def test_five_hundred_messages_without_a_sign_of_life_renew_the_session(people) -> None:
    alice, bob = people(2)
    connected(alice, bob)
    sealed = [alice.seal(bob, b"x") for _ in range(UNACKNOWLEDGED_MAX)]
    first = alice.seal(bob, b"renewed")
    assert len(first.envelope) == 2_048
    assert {each.session for each in sealed[1:]} == {sealed[0].session} != {first.session}
    opened = bob.open(first)
    assert (opened.started, opened.reset) == (True, False)


def test_a_proof_is_a_sign_of_life(people) -> None:
    alice, bob = people(2)
    connected(alice, bob)
    for _ in range(UNACKNOWLEDGED_MAX):
        sealed = alice.seal(bob, b"x")
    alice.book.acknowledge(sealed.session, alice.now_s)
    alice.book.acknowledge(sealed.session, alice.now_s)
    assert len(alice.seal(bob, b"x").envelope) == 256


def test_without_a_bundle_a_session_goes_on_as_long_as_its_chain_may(people) -> None:
    alice, bob = people(2)
    connected(alice, bob)
    pass_days(40, alice, bob)
    first = alice.seal(bob, b"x")
    assert len(first.envelope) == 256
    for _ in range(SKIPPED_KEYS_PER_CHAIN_MAX - 1):
        last = alice.seal(bob, b"x")
    assert not alice.book.can_seal(bob.key, alice.now_s)
    with pytest.raises(NotReady, match="sign of life"):
        alice.seal(bob, b"x")
    assert bob.open(first).content == b"x"
    alice.open(bob.seal(alice, b"alive"))
    assert alice.book.can_seal(bob.key, alice.now_s)
    assert last.session == first.session


def test_a_renewal_that_was_lost_and_begun_anew_is_no_reset(people) -> None:
    alice, bob = people(2)
    connected(alice, bob)
    pass_days(7, alice, bob)
    lost = alice.seal(bob, b"x", 30 * DAY_S)
    pass_days(22, alice, bob)
    alice.learn(bob, bob.book.current_bundle(alice.key, bob.now_s))
    again = alice.seal(bob, b"again")
    assert again.session != lost.session
    opened = bob.open(again)
    assert (opened.started, opened.reset) == (True, False)
    late = bob.open(lost)
    assert (late.started, late.reset) == (True, False)
    assert bob.seal(alice, b"x").session == again.session
    assert alice.open(bob.seal(alice, b"reply")).content == b"reply"
    assert len(alice.seal(bob, b"x").envelope) == 256


def test_a_first_contact_overtaken_by_a_later_session_is_read_and_not_sent_on(people) -> None:
    alice, bob = people(2)
    befriend(alice, bob)
    slow = alice.seal(bob, b"slow", 30 * DAY_S)
    pass_days(28, alice, bob)
    alice.learn(bob, bob.book.current_bundle(alice.key, bob.now_s))
    fast = alice.seal(bob, b"fast")
    assert fast.session != slow.session
    bob.open(fast)
    alice.open(bob.seal(alice, b"reply"))
    bob.open(alice.seal(bob, b"confirmed"))
    opened = bob.open(slow)
    assert (opened.content, opened.started, opened.reset) == (b"slow", True, False)
    assert bob.seal(alice, b"x").session == fast.session


def test_a_lost_memory_is_a_visible_reset_and_both_go_on(people) -> None:
    alice, bob = people(2)
    connected(alice, bob)
    alice.book.forget(bob.key)
    befriend(alice, bob)
    sealed = alice.seal(bob, b"who are you")
    opened = bob.open(sealed)
    assert (opened.started, opened.reset) == (True, True)
    reply = bob.seal(alice, b"bob")
    assert reply.session == sealed.session
    assert alice.open(reply).content == b"bob"
    bob.open(alice.seal(bob, b"fine"))


def test_a_session_that_was_never_confirmed_is_replaced_without_a_reset(people) -> None:
    alice, bob = people(2)
    befriend(alice, bob)
    bob.open(alice.seal(bob, b"hello"))
    alice.book.forget(bob.key)
    befriend(alice, bob)
    opened = bob.open(alice.seal(bob, b"hello again"))
    assert (opened.started, opened.reset) == (True, False)


def test_another_device_of_the_account_starts_a_session_of_its_own(people) -> None:
    alice, bob, spare = people(3)
    alice.account_seed = spare.account_seed = bytes(range(32))
    for device in (alice, spare):
        device.__post_init__()
    connected(alice, bob)
    spare.learn(bob, bob.book.current_bundle(alice.key, bob.now_s))
    opened = bob.open(spare.seal(bob, b"from my other device"))
    assert (opened.contact, opened.device) == (alice.key, spare.identity.device_key)
    assert (opened.started, opened.reset) == (True, True)
    assert spare.open(bob.seal(alice, b"to the newest")).content == b"to the newest"


def test_both_beginning_at_once_agree_on_the_smaller_id_in_every_interleaving(people) -> None:
    deliveries = [("alice", 0), ("alice", 1), ("bob", 0), ("bob", 1)]
    for order in itertools.permutations(deliveries):
        alice, bob = people(2)
        befriend(alice, bob)
        mail = {"alice": [], "bob": []}
        for number in range(2):
            mail["alice"].append(alice.seal(bob, bytes([number])))
            mail["bob"].append(bob.seal(alice, bytes([number])))
        for sender, number in order:
            reader = bob if sender == "alice" else alice
            opened = reader.open(mail[sender][number])
            assert (opened.content, opened.reset) == (bytes([number]), False)
        agreed = min(mail["alice"][0].session, mail["bob"][0].session)
        for _ in range(2):
            to_bob, to_alice = alice.seal(bob, b"on"), bob.seal(alice, b"on")
            assert bob.open(to_bob).content == alice.open(to_alice).content == b"on"
        assert alice.seal(bob, b"x").session == bob.seal(alice, b"x").session == agreed


@pytest.mark.parametrize("heard", ["alice", "bob"])
def test_the_one_who_hears_first_answers_on_the_session_that_surely_exists(people, heard) -> None:
    alice, bob = people(2)
    befriend(alice, bob)
    to_bob, to_alice = alice.seal(bob, b"a"), bob.seal(alice, b"b")
    hearer, other, sealed = (alice, bob, to_alice) if heard == "alice" else (bob, alice, to_bob)
    hearer.open(sealed)
    answer = hearer.seal(other, b"answer")
    assert answer.session == sealed.session
    assert len(answer.envelope) == 256
    assert other.open(answer).content == b"answer"
    assert len(other.seal(hearer, b"x").envelope) == 256


def test_a_first_contact_that_crossed_ours_and_was_slow_is_no_reset(people) -> None:
    alice, bob = people(2)
    befriend(alice, bob)
    slow, sealed = alice.seal(bob, b"slow"), bob.seal(alice, b"hello")
    alice.open(sealed)
    bob.open(alice.seal(bob, b"answer"))
    alice.open(bob.seal(alice, b"fine"))
    opened = bob.open(slow)
    assert (opened.content, opened.started, opened.reset) == (b"slow", True, False)
    for _ in range(2):
        bob.open(alice.seal(bob, b"x"))
        alice.open(bob.seal(alice, b"x"))
    agreed = min(slow.session, sealed.session)
    assert alice.seal(bob, b"x").session == bob.seal(alice, b"x").session == agreed


def test_a_contact_that_answered_and_then_begins_anew_was_reset(people) -> None:
    alice, bob = people(2)
    connected(alice, bob)
    pass_days(2, alice, bob)
    bob.book.forget(alice.key)
    befriend(alice, bob)
    opened = alice.open(bob.seal(alice, b"who are you"))
    assert (opened.started, opened.reset) == (True, True)


def test_both_renewing_at_once_stay_together(people) -> None:
    alice, bob = people(2)
    connected(alice, bob)
    pass_days(8, alice, bob)
    befriend(alice, bob)
    to_bob, to_alice = alice.seal(bob, b"a"), bob.seal(alice, b"b")
    assert not bob.open(to_bob).reset
    assert not alice.open(to_alice).reset
    for _ in range(2):
        bob.open(alice.seal(bob, b"x"))
        alice.open(bob.seal(alice, b"x"))
    agreed = min(to_bob.session, to_alice.session)
    assert alice.seal(bob, b"x").session == bob.seal(alice, b"x").session == agreed


def test_mail_goes_on_over_many_renewals_and_sessions_stay_bounded(people) -> None:
    alice, bob = people(2)
    connected(alice, bob)
    for week in range(12):
        pass_days(7, alice, bob)
        befriend(alice, bob)
        for _ in range(2):
            assert not bob.open(alice.seal(bob, bytes([week]))).reset
            assert not alice.open(bob.seal(alice, bytes([week]))).reset
        for person in (alice, bob):
            person.book.maintain(person.now_s)
            person.save()
            person.restart()
    for person, other in ((alice, bob), (bob, alice)):
        assert len(person.book._roster.of(other.key)) <= SESSIONS_PER_CONTACT_MAX


def test_a_contact_that_begins_session_after_session_is_kept_within_bounds(people) -> None:
    alice, bob = people(2)
    connected(alice, bob)
    for _ in range(SESSIONS_PER_CONTACT_MAX + 4):
        alice.book.forget(bob.key)
        befriend(alice, bob)
        bob.open(alice.seal(bob, b"again"))
        assert alice.open(bob.seal(alice, b"yes")).content == b"yes"
    assert len(bob.book._roster.of(alice.key)) == SESSIONS_PER_CONTACT_MAX
    bob.save()
    bob.restart()
    assert len(bob.book._roster.of(alice.key)) == SESSIONS_PER_CONTACT_MAX


def test_a_retired_session_is_read_for_its_days_and_then_destroyed(people) -> None:
    alice, bob = people(2)
    connected(alice, bob)
    late = alice.seal(bob, b"late", 30 * DAY_S)
    pass_days(7, alice, bob)
    befriend(alice, bob)
    bob.open(alice.seal(bob, b"renewed"))
    alice.open(bob.seal(alice, b"yes"))
    bob.open(alice.seal(bob, b"fine"))
    pass_days(23, bob)
    bob.book.maintain(bob.now_s)
    assert bob.open(late).content == b"late"
    pass_days(TAG_DAYS_BACK + 1, bob)
    bob.book.maintain(bob.now_s)
    assert len(bob.book._roster.of(alice.key)) == 2
    pass_days(1, bob)
    bob.book.maintain(bob.now_s)
    assert len(bob.book._roster.of(alice.key)) == 1


def test_the_larger_of_two_that_began_at_once_is_read_however_late_its_mail_comes(people) -> None:
    alice, bob = people(2)
    befriend(alice, bob)
    to_bob, to_alice = alice.seal(bob, b"a"), bob.seal(alice, b"b", 30 * DAY_S)
    bob.open(to_bob)
    pass_days(25, alice, bob)
    alice.open(to_alice)
    late = alice.seal(bob, b"late", 30 * DAY_S)
    assert late.session == to_alice.session
    pass_days(25, alice, bob)
    bob.book.maintain(bob.now_s)
    assert bob.open(late).content == b"late"


def test_another_devices_session_is_read_although_the_first_is_silent(people) -> None:
    alice, bob, spare = people(3)
    alice.account_seed = spare.account_seed = bytes(range(32))
    for device in (alice, spare):
        device.__post_init__()
    connected(alice, bob)
    spare.learn(bob, bob.book.current_bundle(alice.key, bob.now_s))
    bob.open(spare.seal(bob, b"x"))
    spare.open(bob.seal(alice, b"y"))
    pass_days(60, alice, bob)
    bob.book.maintain(bob.now_s)
    assert bob.open(alice.seal(bob, b"found the old telephone")).started is False


def test_a_session_in_use_is_never_destroyed_for_its_age(people) -> None:
    alice, bob = people(2)
    connected(alice, bob)
    pass_days(400, alice, bob)
    for person in (alice, bob):
        person.book.maintain(person.now_s)
    assert bob.open(alice.seal(bob, b"after a year")).content == b"after a year"


def test_clocks_may_differ_by_a_day(people) -> None:
    for alice_ahead in (-1.0, 1.0):
        alice, bob = people(2)
        pass_days(alice_ahead, alice)
        connected(alice, bob)
        for _ in range(3):
            assert bob.open(alice.seal(bob, b"x")).content == b"x"
            assert alice.open(bob.seal(alice, b"y")).content == b"y"


def test_a_clock_that_goes_back_does_no_harm(people) -> None:
    alice, bob = people(2)
    connected(alice, bob)
    pass_days(1, alice)
    bob.open(alice.seal(bob, b"x"))
    pass_days(-1, alice)
    assert bob.open(alice.seal(bob, b"y")).content == b"y"
    assert alice.open(bob.seal(alice, b"z")).content == b"z"


@pytest.mark.parametrize("days", [2, 6, 20, 27, 60, 365])
@pytest.mark.parametrize("sent_meanwhile", [True, False])
def test_a_clock_that_was_far_ahead_spoils_nothing_for_long(
    people, days: int, sent_meanwhile: bool
) -> None:
    """Keys of days gone by are destroyed, so what it spoiled is renewed with the next message."""
    alice, bob = people(2)
    connected(alice, bob)
    pass_days(days, alice)
    alice.save()
    alice.restart()
    alice.book.maintain(alice.now_s)
    if sent_meanwhile:
        alice.seal(bob, b"lost, if it is years ahead")
    alice.save()
    pass_days(-days, alice)
    alice.restart()
    alice.learn(bob, bob.book.current_bundle(alice.key, bob.now_s))
    for _ in range(3):
        opened = bob.open(alice.seal(bob, b"from now on"))
        assert (opened.content, opened.reset) == (b"from now on", False)
        assert alice.open(bob.seal(alice, b"and back")).content == b"and back"
    assert len(alice.book._roster.of(bob.key)) <= 3


def test_forgetting_destroys_everything_of_a_contact(people) -> None:
    alice, bob = people(2)
    invite = bob.book.issue_one_time_bundle(bob.now_s)
    alice.learn(bob, invite)
    bob.open(alice.seal(bob, b"by invite"))
    befriend(alice, bob)
    alice.open(bob.seal(alice, b"hello"))
    alice.seal(bob, b"x")
    bob.save()
    for person, other in ((alice, bob), (bob, alice)):
        person.book.forget(other.key)
        assert not person.book.can_seal(other.key, person.now_s)
        person.save()
    # What is left is alice's and bob's rotating bundle, of use to others.
    assert len(alice.store.rows) == len(bob.store.rows) == 1
    assert len(alice.book._table) == len(bob.book._table) == 0
    alice.book.forget(bob.key)


def test_what_was_not_flushed_never_happened(people) -> None:
    alice, bob = people(2)
    connected(alice, bob)
    bob.save()
    alice.save()
    sealed = alice.seal(bob, b"sent")
    alice.save()
    bob.open(sealed)
    bob.restart()
    assert bob.open(sealed).content == b"sent"
    bob.save()
    bob.restart()
    with pytest.raises((Replayed, NotAuthentic)):
        bob.open(sealed)


def test_a_restart_at_every_step_changes_nothing(people) -> None:
    alice, bob = people(2)

    def restart() -> None:
        for person in (alice, bob):
            person.save()
            before = dict(person.store.rows)
            person.restart()
            assert person.save() == before

    befriend(alice, bob)
    restart()
    for number in range(4):
        pass_days(2, alice, bob)
        lost = alice.seal(bob, b"late")
        restart()
        sealed = alice.seal(bob, bytes([number]))
        restart()
        assert bob.open(sealed).content == bytes([number])
        restart()
        assert alice.open(bob.seal(alice, b"yes")).content == b"yes"
        restart()
        assert bob.open(lost).content == b"late"
        restart()


def test_new_tags_are_told_as_they_come_into_reach(people) -> None:
    alice, bob = people(2)
    befriend(alice, bob)
    bob.book.drain_new_tags()
    sealed = [alice.seal(bob, bytes([number])) for number in range(40)]
    assert not bob.book.recognises(sealed[39].tag)
    bob.open(sealed[20])
    assert sealed[39].tag in bob.book.drain_new_tags()
    assert bob.open(sealed[39]).content == bytes([39])
    reply = bob.seal(alice, b"x")
    assert reply.tag in alice.book.drain_new_tags()
    bob.save()
    bob.restart()
    assert set(bob.book.drain_new_tags()) == set(bob.book._table._windows)


def test_an_acknowledgement_of_an_unknown_session_says_nothing(people) -> None:
    (alice,) = people(1)
    alice.book.acknowledge(alice.seal.__name__.encode().ljust(16), alice.now_s)
    assert alice.save() == {}


def test_the_expiry_is_rounded_up_and_stretched_by_at_most_a_quarter(people) -> None:
    alice, bob = people(2)
    connected(alice, bob)
    hours = {
        parse_envelope(alice.seal(bob, b"x").envelope).header.expires_at - alice.now_s
        for _ in range(50)
    }
    assert len(hours) > 10
    assert all(LIFETIME_S <= each <= LIFETIME_S * 1.25 + 3_600 for each in hours)


def test_more_contacts_than_live_ratchets_are_served(crowd) -> None:
    hub, *others = crowd(_LIVE_RATCHETS_MAX + 21)
    for person in others:
        hub.learn(person, person.book.current_bundle(hub.key, person.now_s))
        person.open(hub.seal(person, b"hello"))
        hub.open(person.seal(hub, b"hello yourself"))
    assert len(hub.book._roster._live) == _LIVE_RATCHETS_MAX
    for person in others[:40]:
        assert person.open(hub.seal(person, b"again")).content == b"again"
    hub.save()
    hub.restart()
    for person in others[::10]:
        assert hub.open(person.seal(hub, b"and again")).content == b"and again"
