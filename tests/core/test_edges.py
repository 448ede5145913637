"""Rare ways of an envelope, an invite or a contact: each must end well."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from p2p.core.config import CustodyConfig
from p2p.core.contacts import clean_name
from p2p.core.effects import ContactChanged, CustodyDropped, LearnAddresses, MessageChanged
from p2p.core.events import (
    AddressesChanged,
    ContactAddRequested,
    ContactRemoved,
    FrameReceived,
    SendRequested,
)
from p2p.errors import Conflict, InvalidInput, LimitExceeded
from p2p.ports.store import MessageState
from p2p.sessions.book import Opened
from p2p.wire.addresses import peer_of, peers_of
from p2p.wire.contact_uri import Invite, decode_invite, encode_invite
from p2p.wire.content import Introduction, Text
from p2p.wire.envelope import EnvelopeHeader
from p2p.wire.frames import Carry, Found, Offer, ProofFrame, decode_frame, encode_frame
from p2p.wire.ids import PeerId, Proof, tag_of
from tests.core.world import World, peer_for

MakeWorld = Callable[..., World]
DAY_S = 86_400.0


def friends(make_world: MakeWorld, *others: str, **config: object) -> World:
    world = make_world("alice", "bob", *others, **config)
    world.connect("alice", "bob")
    world.befriend("bob", "alice")
    world.run(60)
    world.disconnect("alice", "bob")
    return world


def texts(world: World, name: str) -> list[str]:
    return [row.text for row in world.seats[name].received()]


def test_mail_carried_as_a_strangers_is_opened_once_it_is_recognised(
    make_world: MakeWorld,
) -> None:
    """Carol brings numbers 40 to 59, beyond Bob's window; Dave brings the first 40."""
    world = friends(make_world, "carol", "dave")
    sent: list[str] = []
    for carrier, count in (("dave", 40), ("carol", 20)):
        world.connect("alice", carrier)
        world.run(1)
        for _ in range(count):
            sent.append(f"message {len(sent)}")
            world.send("alice", "bob", sent[-1])
        world.run(30)
        world.disconnect("alice", carrier)
    carol, dave = world.seats["carol"], world.seats["dave"]
    with carol.store.transaction():
        for row in dave.store.custody():
            carol.node._custody.finish(row.id, "evicted")
    world.connect("carol", "bob")
    world.run(30)
    early = len(texts(world, "bob"))
    assert early < 20
    assert world.seats["bob"].node.custody_counts()[0] > 0
    world.connect("dave", "bob")
    world.run(30)
    assert sorted(texts(world, "bob")) == sorted(sent)
    assert world.seats["bob"].node.custody_counts()[0] == 0
    ours = [
        n for n in world.seats["bob"].notices if isinstance(n, CustodyDropped) and n.why == "ours"
    ]
    assert ours


def test_evicted_mail_that_turns_out_to_be_ours_is_taken_again(make_world: MakeWorld) -> None:
    world = friends(make_world, "carol", "dave")
    for carrier in ("carol", "dave"):
        world.connect("alice", carrier)
    for number in range(60):
        world.send("alice", "bob", f"message {number}")
    world.run(30)
    carol, bob = world.seats["carol"], world.seats["bob"]
    early = sorted(row.id for row in carol.store.custody())
    with bob.store.transaction():
        for row in list(carol.store.custody())[40:]:
            bob.node._custody.bury(row.id, row.expires_s)
    assert len(early) >= 60
    world.connect("carol", "bob")
    world.run(30)
    assert len(texts(world, "bob")) == 60


def test_a_node_that_evicted_an_envelope_is_no_carrier_of_it(make_world: MakeWorld) -> None:
    world = friends(make_world, "carol")
    row = world.send("alice", "bob", "hello")
    carol = world.seats["carol"]
    with carol.store.transaction():
        for kept in world.seats["alice"].store.custody():
            carol.node._custody.bury(kept.id, kept.expires_s)
    world.connect("alice", "carol")
    world.run(30)
    assert world.seats["alice"].sent(row.id).carriers == 0


def test_direct_mail_beyond_the_window_is_offered_after_the_grace(make_world: MakeWorld) -> None:
    """Bob missed 40 messages, so he does not know the next as his; it reaches him all the same."""
    world = friends(make_world)
    lost = [world.send("alice", "bob", f"lost {number}") for number in range(40)]
    alice = world.seats["alice"]
    with alice.store.transaction():
        for row in list(alice.store.custody()):
            alice.node._custody.finish(row.id, "evicted")
    world.connect("alice", "bob")
    world.run(10)
    row = world.send("alice", "bob", "beyond the window")
    world.run(30)
    assert alice.sent(lost[0].id).carriers == 0
    assert alice.sent(row.id).carriers == 1
    assert [r.id for r in world.seats["bob"].store.custody()]


def test_direct_delivery_spends_no_copies(make_world: MakeWorld) -> None:
    world = friends(make_world, spray_copies=8)
    world.connect("alice", "bob")
    world.run(5)
    world.lose = lambda sender, _, __: sender == "bob"
    world.send("alice", "bob", "hello")
    world.run(1)
    assert [row.copies for row in world.seats["alice"].store.custody()] == [8]


def test_what_waits_to_be_sealed_survives_a_restart(make_world: MakeWorld) -> None:
    world = make_world("alice", "bob", "carol")
    for host in ("bob", "carol"):
        link = world.invite(host).short_link
        world.command("alice", ContactAddRequested(world.next_command(), link, ""))
    world.send("alice", "bob", "written before we met")
    world.crash("alice")
    world.connect("alice", "bob")
    world.run(30)
    assert texts(world, "bob") == ["written before we met"]
    states = {c.name: c.state for c in world.seats["alice"].node.contacts()}
    assert states == {"bob": "active", "carol": "waiting"}


def test_one_message_sealed_twice_is_shown_once(make_world: MakeWorld) -> None:
    world = friends(make_world)
    alice, bob = world.seats["alice"], world.seats["bob"]
    with alice.store.transaction():
        for _ in range(2):
            text = Text(bytes(16), int(world.now_s), "twice sealed")
            alice.node._outbox.seal_content(bob.account, text, DAY_S, world.now_s)
    world.connect("alice", "bob")
    world.run(30)
    assert texts(world, "bob") == ["twice sealed"]
    assert list(alice.store.custody()) == []


def test_a_forgery_under_our_tag_is_tried_again_and_stays_a_forgery(
    make_world: MakeWorld,
) -> None:
    world = friends(make_world, "carol")
    world.send("alice", "bob", "the true one")
    (true,) = [row for row in world.seats["alice"].store.custody() if row.copies]
    forged = EnvelopeHeader(0, int(true.expires_s) // 3600, true.tag).encode() + bytes(234)
    world.connect("carol", "bob")
    world.run(1)
    carry = FrameReceived(world.seats["carol"].peer, encode_frame(Carry(forged, 8, 1)))
    world.post("bob", carry)
    assert world.seats["bob"].node.custody_counts()[0] == 1
    world.run(3_700)
    assert world.seats["bob"].node.custody_counts()[0] == 1
    assert texts(world, "bob") == []


def test_a_waiting_offer_is_wanted_once_its_tag_becomes_ours(make_world: MakeWorld) -> None:
    """Carol has one copy of each: her offers say "only if yours", beyond Bob's window too."""
    world = friends(make_world, "carol", spray_copies=2)
    world.connect("alice", "carol")
    for number in range(70):
        world.send("alice", "bob", f"message {number}")
    world.run(30)
    world.disconnect("alice", "carol")
    carol = world.seats["carol"]
    world.connect("carol", "bob")
    world.run(30)
    assert all(row.copies == 1 for row in carol.store.custody())
    assert len(texts(world, "bob")) == 70


def test_two_carriers_that_offer_the_same_are_asked_once(make_world: MakeWorld) -> None:
    world = friends(make_world, "carol", "dave")
    for carrier in ("carol", "dave"):
        world.connect("alice", carrier)
    world.send("alice", "bob", "twice carried")
    world.run(30)
    for carrier in ("carol", "dave"):
        world.disconnect("alice", carrier)
    for carrier in ("carol", "dave"):
        world.connect(carrier, "bob")
    world.run(30)
    assert texts(world, "bob") == ["twice carried"]
    for carrier in ("carol", "dave"):
        assert world.seats[carrier].node.custody_counts()[0] == 0


def test_a_proof_reaches_carriers_who_meet_only_each_other(make_world: MakeWorld) -> None:
    world = friends(make_world, "carol", "dave", "erin", router="epidemic")
    for carrier in ("carol", "dave", "erin"):
        world.connect("alice", carrier)
    world.send("alice", "bob", "hello")
    world.run(30)
    for carrier in ("carol", "dave", "erin"):
        world.disconnect("alice", carrier)
    for a, b in (("carol", "bob"), ("carol", "dave"), ("dave", "erin")):
        world.connect(a, b)
        world.run(30)
        world.disconnect(a, b)
    assert world.seats["erin"].node.custody_counts()[0] == 0


def test_a_carrier_that_never_saw_the_envelope_passes_the_proof_on(make_world: MakeWorld) -> None:
    world = friends(make_world, "carol", "erin")
    world.connect("alice", "carol")
    row = world.send("alice", "bob", "hello")
    world.run(30)
    world.disconnect("alice", "carol")
    for a, b in (("carol", "bob"), ("bob", "erin"), ("erin", "alice")):
        world.connect(a, b)
        world.run(30)
        world.disconnect(a, b)
    assert world.seats["alice"].sent(row.id).state is MessageState.DELIVERED


def test_who_leaves_right_after_reading_still_tells_the_proofs(make_world: MakeWorld) -> None:
    world = friends(make_world, "carol", proof_delay_max_s=60.0)
    world.connect("alice", "carol")
    row = world.send("alice", "bob", "hello")
    world.run(30)
    world.disconnect("alice", "carol")
    world.connect("carol", "bob")
    world.run(0.5)
    assert texts(world, "bob") == ["hello"]
    for effect in world.seats["bob"].node.farewell():
        world._perform(world.seats["bob"], effect)
    world.run(0.5)
    assert world.seats["carol"].node.custody_counts()[0] == 0
    world.disconnect("carol", "bob")
    world.connect("carol", "alice")
    world.run(120)
    assert world.seats["alice"].sent(row.id).state is MessageState.DELIVERED


def test_a_full_carrier_refuses_and_the_sender_stays_truthful(make_world: MakeWorld) -> None:
    world = friends(make_world)
    world.add("carol", custody=CustodyConfig(depositor_max_bytes=1024, strangers_max_bytes=1024))
    world.connect("alice", "carol")
    rows = [world.send("alice", "bob", f"message {n}") for n in range(20)]
    world.run(30)
    carriers = [world.seats["alice"].sent(row.id).carriers for row in rows]
    assert sum(carriers) == world.seats["carol"].node.custody_counts()[0] == 4
    assert {world.seats["alice"].sent(r.id).state for r in rows} == {
        MessageState.QUEUED,
        MessageState.CARRIED,
    }


def test_removing_a_contact_stops_its_mail(make_world: MakeWorld) -> None:
    world = friends(make_world, "carol")
    made = world.invite("carol")
    world.command("alice", ContactAddRequested(world.next_command(), made.short_link, "Carol"))
    world.send("alice", "carol", "never sealed")
    world.send("alice", "bob", "sealed and waiting")
    for name in ("bob", "carol"):
        account = world.seats[name].account
        world.command("alice", ContactRemoved(world.next_command(), account))
    assert list(world.seats["alice"].store.custody()) == []
    world.connect("alice", "bob")
    world.connect("alice", "carol")
    world.run(60)
    assert texts(world, "bob") == []


def test_new_addresses_travel_with_the_next_message(make_world: MakeWorld) -> None:
    world = friends(make_world)
    moved = f"/ip4/192.0.2.7/tcp/4001/p2p/{world.seats['alice'].peer}"
    world.post("alice", AddressesChanged((moved,)))
    world.run(DAY_S)
    world.connect("alice", "bob")
    world.send("alice", "bob", "I moved")
    world.run(60)
    (alice,) = world.seats["bob"].node.contacts()
    assert alice.addresses == (moved,)


def test_whoever_does_not_share_addresses_tells_none(make_world: MakeWorld) -> None:
    world = make_world("alice", "bob", share_addresses=0)
    assert decode_invite(world.invite("bob").link).addresses == ()
    world.connect("alice", "bob")
    world.befriend("bob", "alice")
    world.run(60)
    assert [c.addresses for c in world.seats["alice"].node.contacts()] == [()]


def test_an_invites_addresses_are_worth_a_dial(make_world: MakeWorld) -> None:
    world = make_world("alice", "bob")
    link = world.invite("bob").link
    command = ContactAddRequested(world.next_command(), link, "Bob")
    effects = world.seats["alice"].step([command], world.now_s)
    bob = world.seats["bob"]
    assert LearnAddresses(bob.peer, (bob.address,)) in effects


def test_a_link_whose_bundle_was_swapped_is_refused(make_world: MakeWorld) -> None:
    """Mallory puts her own bundle, or anything else, into Bob's link."""
    world = make_world("alice", "bob", "mallory")
    true = decode_invite(world.invite("bob").link)
    hers = decode_invite(world.invite("mallory").link)
    forged = [
        Invite(true.account_key, true.bundle_hash, true.lookup_secret, "", (), hers.bundle),
        Invite(true.account_key, hers.bundle_hash, true.lookup_secret, "", (), hers.bundle),
    ]
    for invite in forged:
        command = ContactAddRequested(world.next_command(), encode_invite(invite), "Bob")
        assert isinstance(world.command("alice", command), InvalidInput)
    assert world.seats["alice"].node.contacts() == ()


def test_a_false_bundle_from_a_neighbour_is_ignored(make_world: MakeWorld) -> None:
    world = make_world("alice", "bob", "mallory")
    hers = decode_invite(world.invite("mallory").link)
    true = decode_invite(world.invite("bob").link)
    # Mallory knows Bob's account key and makes a short link that names her own bundle.
    invite = Invite(true.account_key, hers.bundle_hash, hers.lookup_secret, "", ())
    command = ContactAddRequested(world.next_command(), encode_invite(invite), "Bob")
    world.command("alice", command)
    world.connect("alice", "mallory")
    world.run(10)
    found = FrameReceived(world.seats["mallory"].peer, encode_frame(Found(hers.bundle)))
    world.post("alice", found)
    assert [c.state for c in world.seats["alice"].node.contacts()] == ["waiting"]


def test_an_old_introduction_does_not_undo_a_new_one(make_world: MakeWorld) -> None:
    world = friends(make_world)
    alice, bob = world.seats["alice"], world.seats["bob"]
    issued = alice.book.current_bundle(bob.account, world.now_s)
    old = Introduction(1, "Old", issued.bundle, issued.lookup_secret, ())
    with alice.store.transaction():
        alice.node._outbox.seal_content(bob.account, old, DAY_S, world.now_s)
    world.connect("alice", "bob")
    world.run(30)
    (view,) = bob.node.contacts()
    assert view.suggested_name == "alice"
    assert view.addresses == (alice.address,)


def test_an_introduction_with_a_false_bundle_changes_nothing(make_world: MakeWorld) -> None:
    world = friends(make_world)
    alice, bob = world.seats["alice"], world.seats["bob"]
    news = Introduction(int(world.now_s) + 5, "Evil", b"no bundle", bytes(16), ())
    with alice.store.transaction():
        alice.node._outbox.seal_content(bob.account, news, DAY_S, world.now_s)
    world.connect("alice", "bob")
    world.run(30)
    assert [c.suggested_name for c in bob.node.contacts()] == ["alice"]


def test_content_of_another_version_is_counted_and_never_proven(make_world: MakeWorld) -> None:
    world = friends(make_world)
    alice, bob = world.seats["alice"], world.seats["bob"]
    with alice.store.transaction():
        sealed = alice.book.seal(bob.account, b"\x91\x63", DAY_S, world.now_s)
        envelope = alice.node._outbox.keep(bob.account, sealed, world.now_s)
        alice.book.flush()
    alice.node._sync.spread(envelope, world.now_s)
    world.connect("alice", "bob")
    world.run(30)
    assert "mail-refused" in [note.kind for note in bob.notes]
    told = [
        tag_of(Proof(p))
        for sender, _, data in world.frames
        if sender == "bob" and isinstance(f := decode_frame(data), ProofFrame)
        for p in f.proofs
    ]
    assert told
    assert sealed.proof_hash not in told


def test_a_message_proven_after_the_answer_was_lost_counts_as_delivered(
    make_world: MakeWorld,
) -> None:
    """The link breaks between Carry and Taken: the sender repeats, the reader reads once."""
    world = friends(make_world)
    world.connect("alice", "bob")
    world.run(5)
    row = world.send("alice", "bob", "once")
    world.lose = lambda sender, _, __: sender == "bob"
    world.run(1)
    world.disconnect("alice", "bob")
    world.lose = lambda *_: False
    assert world.seats["alice"].sent(row.id).state is MessageState.QUEUED
    world.connect("alice", "bob")
    world.run(30)
    assert texts(world, "bob") == ["once"]
    assert world.seats["alice"].sent(row.id).state is MessageState.DELIVERED


def test_an_unanswered_offer_is_made_again(make_world: MakeWorld) -> None:
    world = friends(make_world, "carol")
    world.connect("alice", "carol")
    world.run(5)
    world.lose = lambda _, to, __: to == "carol"
    row = world.send("alice", "bob", "hello")
    world.run(5)
    world.lose = lambda *_: False
    world.run(200)
    offers = [
        f
        for sender, to, data in world.frames
        if (sender, to) == ("alice", "carol") and isinstance(f := decode_frame(data), Offer)
    ]
    assert sum(len(offer.entries) for offer in offers) >= 2
    assert world.seats["alice"].sent(row.id).carriers == 1


def test_mail_that_could_not_be_opened_yet_is_tried_again(make_world: MakeWorld) -> None:
    """The ratchet refuses what is too far ahead of what is missing; nothing of it is lost."""
    world = friends(make_world, "carol")
    world.connect("alice", "carol")
    world.send("alice", "bob", "too early")
    world.run(30)
    world.disconnect("alice", "carol")
    bob = world.seats["bob"]
    opens = bob.book.open

    def refuse(envelope: bytes, now_s: float) -> Opened:
        raise LimitExceeded("Too many messages are missing before this one.")

    bob.book.open = refuse  # type: ignore[method-assign]
    world.connect("carol", "bob")
    world.run(30)
    assert texts(world, "bob") == []
    bob.book.open = opens  # type: ignore[method-assign]
    world.run(3_700)
    assert texts(world, "bob") == ["too early"]


def test_a_command_repeated_after_a_crash_sends_nothing_again(make_world: MakeWorld) -> None:
    world = friends(make_world)
    bob = world.seats["bob"].account
    rows = []
    for text in ("once", "once", "other"):
        command = SendRequested(world.next_command(), bob, text, DAY_S, "note-17")
        rows.append(world.command("alice", command))
        world.crash("alice")
    assert isinstance(rows[2], Conflict)
    assert rows[0].id == rows[1].id
    world.connect("alice", "bob")
    world.run(30)
    assert texts(world, "bob") == ["once"]


def test_news_of_a_state_are_never_told_twice(make_world: MakeWorld) -> None:
    world = friends(make_world, "carol")
    world.connect("alice", "carol")
    row = world.send("alice", "bob", "hello")
    world.run(30)
    for _ in range(3):
        world.disconnect("alice", "carol")
        world.connect("alice", "carol")
        world.run(30)
    told = [
        (n.state, n.carriers)
        for n in world.seats["alice"].notices
        if isinstance(n, MessageChanged) and n.id == row.id
    ]
    assert told == [(MessageState.QUEUED, 0), (MessageState.CARRIED, 1)]


def test_a_contact_that_became_known_is_announced_once(make_world: MakeWorld) -> None:
    world = friends(make_world)
    whys = [n.why for n in world.seats["alice"].notices if isinstance(n, ContactChanged)]
    assert whys == ["added", "answered"]
    whys = [n.why for n in world.seats["bob"].notices if isinstance(n, ContactChanged)]
    assert whys == ["added"]


# --- names and addresses -------------------------------------------------------------------------


def test_a_name_loses_what_could_deceive_a_terminal() -> None:
    assert clean_name("  Bob\x1b[2J\u202e ") == "Bob[2J"
    with pytest.raises(InvalidInput):
        clean_name("\x00\u200b")
    with pytest.raises(InvalidInput):
        clean_name("x" * 65)


@pytest.mark.parametrize(
    "address",
    [
        "",
        "nonsense",
        "/ip4/127.0.0.1/tcp/1",
        "/p2p/" + "1" * 52,
        "/ip4/127.0.0.1/tcp/1/p2p/",
        "/ip4/127.0.0.1/tcp/1/p2p/short",
        "/ip4/127.0.0.1/tcp/1/p2p/" + "0" * 52,
        "/ip4/" + "1" * 300 + "/p2p/" + "1" * 52,
    ],
)
def test_an_address_without_a_peer_id_is_refused(address: str) -> None:
    with pytest.raises(InvalidInput):
        peer_of(address)
    assert peers_of((address,)) == {}


def test_addresses_are_grouped_by_the_peer_they_lead_to() -> None:
    one, two = peer_for("one"), peer_for("two")
    addresses = (f"/ip4/1.1.1.1/tcp/1/p2p/{one}", "junk", f"/ip4/2.2.2.2/tcp/2/p2p/{one}")
    assert peers_of((*addresses, f"/dns4/x/tcp/3/p2p/{two}")) == {
        PeerId(one): (addresses[0], addresses[2]),
        PeerId(two): (f"/dns4/x/tcp/3/p2p/{two}",),
    }
