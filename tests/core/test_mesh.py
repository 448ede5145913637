"""Messages through a mesh of production nodes: the main job, and what must hold on the way."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from p2p.core.effects import (
    ContactChanged,
    ContactView,
    CustodyDropped,
    CustodyTaken,
    InviteReused,
    MessageChanged,
    MessageReceived,
    NeighbourChanged,
)
from p2p.core.events import (
    ContactAddRequested,
    ContactBlocked,
    ContactRemoved,
    ContactRenamed,
    ContactVerified,
    MessagesRead,
    SendRequested,
)
from p2p.errors import Conflict, InvalidInput, LocalError, UnknownName, VersionUnsupported
from p2p.ports.store import Direction, MessageState
from p2p.wire.content import Text, encode_content
from p2p.wire.frames import Carry, Offer, decode_frame
from p2p.wire.ids import AccountKey, MessageId
from simulations.standin_suite import InsecureStandinSuite
from tests.core.world import START_S, SeededEntropy, World, identity_for

MakeWorld = Callable[..., World]
HOUR_S, DAY_S = 3_600.0, 86_400.0


def friends(make_world: MakeWorld, *others: str, **config: object) -> World:
    """Alice and Bob are contacts who have met; others are strangers."""
    world = make_world("alice", "bob", *others, **config)
    world.connect("alice", "bob")
    world.befriend("bob", "alice")
    world.run(60)
    world.disconnect("alice", "bob")
    return world


def states(world: World, name: str) -> list[MessageState]:
    return [n.state for n in world.seats[name].notices if isinstance(n, MessageChanged)]


def texts(world: World, name: str) -> list[str]:
    return [row.text for row in world.seats[name].received()]


# --- contacts ------------------------------------------------------------------------------------


def test_an_invite_makes_two_contacts(make_world: MakeWorld) -> None:
    world = friends(make_world)
    (bob,) = world.seats["alice"].node.contacts()
    (alice,) = world.seats["bob"].node.contacts()
    assert (bob.name, bob.state) == ("bob", "active")
    assert (alice.name, alice.state) == ("alice", "active")
    assert alice.safety_number == bob.safety_number
    assert bob.addresses == (world.seats["bob"].address,)


def test_both_may_add_each_other_at_once(make_world: MakeWorld) -> None:
    world = make_world("alice", "bob")
    world.befriend("bob", "alice")
    world.befriend("alice", "bob")
    world.connect("alice", "bob")
    world.run(60)
    for name in ("alice", "bob"):
        assert [c.state for c in world.seats[name].node.contacts()] == ["active"]
    world.send("alice", "bob", "one")
    world.send("bob", "alice", "two")
    world.run(60)
    assert texts(world, "bob") == ["one"]
    assert texts(world, "alice") == ["two"]


def test_a_short_invite_waits_until_somebody_has_its_bundle(make_world: MakeWorld) -> None:
    world = make_world("alice", "bob")
    made = world.invite("bob")
    command = ContactAddRequested(world.next_command(), made.short_link, "Bob")
    view = world.command("alice", command)
    assert isinstance(view, ContactView)
    assert view.state == "waiting"
    row = world.send("alice", "bob", "written before we met")
    assert row.state is MessageState.QUEUED
    world.connect("alice", "bob")
    world.run(60)
    assert texts(world, "bob") == ["written before we met"]
    assert world.seats["alice"].sent(row.id).state is MessageState.DELIVERED


def test_a_short_invite_added_beside_its_maker_works_at_once(make_world: MakeWorld) -> None:
    world = make_world("alice", "bob")
    world.connect("alice", "bob")
    world.run(1)
    made = world.invite("bob")
    world.command("alice", ContactAddRequested(world.next_command(), made.short_link, "Bob"))
    world.run(30)
    assert [c.state for c in world.seats["alice"].node.contacts()] == ["active"]


def test_the_second_user_of_an_invite_is_refused_and_its_maker_hears_of_it(
    make_world: MakeWorld,
) -> None:
    world = make_world("alice", "bob", "mallory")
    link = world.invite("bob").link
    for guest in ("alice", "mallory"):
        world.connect(guest, "bob")
        world.command(guest, ContactAddRequested(world.next_command(), link, "Bob"))
        world.run(60)
    assert [c.name for c in world.seats["bob"].node.contacts()] == ["alice"]
    assert InviteReused() in world.seats["bob"].notices
    assert [c.state for c in world.seats["mallory"].node.contacts()] == ["asked"]


def test_the_same_link_twice_on_one_node_is_refused_with_a_sentence(
    make_world: MakeWorld,
) -> None:
    world = make_world("alice", "bob")
    link = world.invite("bob").link
    world.command("alice", ContactAddRequested(world.next_command(), link, "Bob"))
    again = world.command("alice", ContactAddRequested(world.next_command(), link, "Robert"))
    assert isinstance(again, Conflict)
    assert "used already" in str(again)


@pytest.mark.parametrize(
    ("spoil", "error"),
    [
        (lambda link: link.replace("molva:1:", "molva:9:"), VersionUnsupported),
        (lambda link: link[:-9], InvalidInput),
        (lambda link: link[:40] + "A" * 8 + link[48:], InvalidInput),
        (lambda _: "https://example.org/", InvalidInput),
        (lambda _: "molva:1:", InvalidInput),
        (lambda _: "", InvalidInput),
    ],
)
def test_a_bad_link_is_refused_and_leaves_nothing_behind(
    make_world: MakeWorld, spoil: Callable[[str], str], error: type[LocalError]
) -> None:
    world = make_world("alice", "bob")
    link = spoil(world.invite("bob").link)
    result = world.command("alice", ContactAddRequested(world.next_command(), link, "Bob"))
    assert isinstance(result, error)
    assert world.seats["alice"].node.contacts() == ()


def test_an_own_invite_a_taken_name_and_an_empty_name_are_refused(make_world: MakeWorld) -> None:
    world = friends(make_world, "carol")
    for seat, host, name in (
        ("alice", "alice", "Me"),
        ("alice", "carol", "BOB"),
        ("alice", "carol", "\x1b[31m"[:1]),
    ):
        link = world.invite(host).link
        result = world.command(seat, ContactAddRequested(world.next_command(), link, name))
        assert isinstance(result, LocalError), name
    assert len(world.seats["alice"].node.contacts()) == 1


def test_contacts_are_renamed_verified_blocked_and_removed(make_world: MakeWorld) -> None:
    world = friends(make_world)
    bob = world.seats["bob"].account
    for command in (
        ContactRenamed(world.next_command(), bob, "Robert"),
        ContactVerified(world.next_command(), bob, verified=True),
        ContactBlocked(world.next_command(), bob, blocked=True),
    ):
        assert not isinstance(world.command("alice", command), LocalError)
    (view,) = world.seats["alice"].node.contacts()
    assert (view.name, view.verified, view.blocked) == ("Robert", True, True)
    refused = world.command("alice", SendRequested(world.next_command(), bob, "x", DAY_S))
    assert isinstance(refused, Conflict)
    world.command("alice", ContactRemoved(world.next_command(), bob))
    assert world.seats["alice"].node.contacts() == ()
    gone = world.command("alice", SendRequested(world.next_command(), bob, "x", DAY_S))
    assert isinstance(gone, UnknownName)


def test_mail_of_a_blocked_contact_is_never_shown_and_never_proven(make_world: MakeWorld) -> None:
    world = friends(make_world)
    alice = world.seats["alice"].account
    world.command("bob", ContactBlocked(world.next_command(), alice, blocked=True))
    world.connect("alice", "bob")
    row = world.send("alice", "bob", "let me in")
    world.run(60)
    assert texts(world, "bob") == []
    assert world.seats["alice"].sent(row.id).state is not MessageState.DELIVERED


def test_a_removed_contact_cannot_write_again(make_world: MakeWorld) -> None:
    world = friends(make_world)
    world.command("bob", ContactRemoved(world.next_command(), world.seats["alice"].account))
    world.connect("alice", "bob")
    world.send("alice", "bob", "still there?")
    world.run(60)
    assert texts(world, "bob") == []
    assert world.seats["bob"].node.contacts() == ()


# --- the main job --------------------------------------------------------------------------------


@pytest.mark.parametrize("router", ["spray", "epidemic"])
def test_a_stranger_carries_mail_to_someone_who_was_away(
    make_world: MakeWorld, router: str
) -> None:
    world = friends(make_world, "carol", router=router)
    world.connect("alice", "carol")
    row = world.send("alice", "bob", "the bridge is closed")
    world.run(60)
    assert world.seats["alice"].sent(row.id).state is MessageState.CARRIED
    assert world.seats["alice"].sent(row.id).carriers == 1
    world.disconnect("alice", "carol")
    world.connect("carol", "bob")
    world.run(60)
    assert texts(world, "bob") == ["the bridge is closed"]
    assert world.seats["alice"].sent(row.id).state is MessageState.CARRIED
    world.disconnect("carol", "bob")
    world.connect("alice", "carol")
    world.run(60)
    assert world.seats["alice"].sent(row.id).state is MessageState.DELIVERED
    carol = world.seats["carol"]
    taken = [n.id for n in carol.notices if isinstance(n, CustodyTaken)]
    dropped = [n for n in carol.notices if isinstance(n, CustodyDropped)]
    assert {n.why for n in dropped} == {"proven"}
    assert taken[0] in [n.id for n in dropped]
    assert carol.received() == []
    assert carol.node.contacts() == ()


def test_the_direct_router_waits_for_the_recipient(make_world: MakeWorld) -> None:
    world = friends(make_world, "carol", router="direct")
    world.connect("alice", "carol")
    row = world.send("alice", "bob", "for you alone")
    world.run(60)
    assert world.seats["alice"].sent(row.id).state is MessageState.QUEUED
    world.connect("alice", "bob")
    world.run(60)
    assert world.seats["alice"].sent(row.id).state is MessageState.DELIVERED


def test_no_plaintext_name_or_key_ever_crosses_a_link(make_world: MakeWorld) -> None:
    world = friends(make_world, "carol")
    world.connect("alice", "carol")
    world.send("alice", "bob", "the bridge is closed")
    world.run(60)
    world.connect("carol", "bob")
    world.run(60)
    secrets = [b"the bridge", b"alice", b"bob"]
    secrets += [seat.account for seat in world.seats.values()]
    secrets += [seat.identity.device_key for seat in world.seats.values()]
    for _, _, data in world.frames:
        assert not any(secret in data for secret in secrets)


def test_states_are_told_in_order_and_history_says_why(make_world: MakeWorld) -> None:
    world = friends(make_world)
    world.connect("alice", "bob")
    world.run(1)
    row = world.send("alice", "bob", "hello")
    world.run(60)
    assert states(world, "alice") in (
        ["queued", "carried", "delivered"],
        ["queued", "delivered"],  # carried and proven in one commit
    )
    history = world.seats["alice"].store.history(row.id, Direction.OUT)
    assert [h.kind for h in history] == ["queued", "carried", "delivered"]
    assert history[1].detail == world.seats["bob"].peer


def test_a_message_to_a_neighbour_is_offered_to_nobody_else_while_it_is_proven(
    make_world: MakeWorld,
) -> None:
    world = friends(make_world, "carol")
    world.connect("alice", "bob")
    world.connect("alice", "carol")
    world.run(10)
    before = len(world.frames)
    world.send("alice", "bob", "hello")
    world.run(60)
    to_carol = [decode_frame(d) for _, to, d in world.frames[before:] if to == "carol"]
    assert not any(isinstance(frame, Offer | Carry) for frame in to_carol)
    assert texts(world, "bob") == ["hello"]


def test_others_are_asked_to_carry_when_the_recipients_node_stays_silent(
    make_world: MakeWorld,
) -> None:
    world = friends(make_world, "carol")
    world.connect("alice", "bob")
    world.connect("alice", "carol")
    world.run(10)
    world.lose = lambda _, to, __: to == "bob"
    row = world.send("alice", "bob", "hello")
    world.run(30)
    assert world.seats["alice"].sent(row.id).carriers == 1
    world.disconnect("alice", "bob")
    world.lose = lambda *_: False
    world.connect("carol", "bob")
    world.run(30)
    assert texts(world, "bob") == ["hello"]


def test_a_thousand_messages_wait_with_a_carrier_and_all_arrive_once(
    make_world: MakeWorld,
) -> None:
    world = friends(make_world, "carol")
    world.connect("alice", "carol")
    rows = [world.send("alice", "bob", f"message {number}") for number in range(1000)]
    world.run(300)
    held = world.seats["carol"].node.custody_counts()[0]
    assert held >= len(rows)
    world.disconnect("alice", "carol")
    world.connect("carol", "bob")
    world.run(300)
    assert sorted(texts(world, "bob")) == sorted(row.text for row in rows)
    world.disconnect("carol", "bob")
    world.connect("alice", "carol")
    world.run(300)
    final = {world.seats["alice"].sent(row.id).state for row in rows}
    assert final == {MessageState.DELIVERED}


def test_copies_in_a_spray_never_exceed_their_number(make_world: MakeWorld) -> None:
    carriers = [f"carrier {number}" for number in range(12)]
    world = friends(make_world, *carriers, spray_copies=4)
    world.send("alice", "bob", "spread me")
    for carrier in carriers:
        world.connect("alice", carrier)
        world.run(5)
        world.disconnect("alice", carrier)
    for one in carriers:
        for other in carriers:
            if one < other:
                world.connect(one, other)
                world.run(5)
                world.disconnect(one, other)
    held = [row for name in ("alice", *carriers) for row in world.seats[name].store.custody()]
    by_tag: dict[bytes, int] = {}
    for row in held:
        by_tag[row.tag] = by_tag.get(row.tag, 0) + row.copies
    assert max(by_tag.values()) <= 4


def test_an_unread_message_becomes_read_once_the_person_saw_it(make_world: MakeWorld) -> None:
    world = friends(make_world)
    world.connect("alice", "bob")
    row = world.send("alice", "bob", "hello")
    world.run(60)
    world.command("bob", MessagesRead(world.next_command(), (row.id,)))
    world.command("bob", MessagesRead(world.next_command(), (row.id,)))
    kept = world.seats["bob"].store.message(row.id, Direction.IN)
    assert kept is not None
    assert kept.state is MessageState.READ
    unknown = MessagesRead(world.next_command(), (MessageId(bytes(16)),))
    assert isinstance(world.command("bob", unknown), UnknownName)


@pytest.mark.parametrize(
    ("text", "lifetime_s"),
    [
        ("", DAY_S),
        ("  \n", DAY_S),
        ("x" * 60_001, DAY_S),
        (chr(0xD800), DAY_S),
        ("x", 1.0),
        ("x", 31 * DAY_S),
        ("x", float("nan")),
    ],
)
def test_what_cannot_be_sent_is_refused_with_a_sentence(
    make_world: MakeWorld, text: str, lifetime_s: float
) -> None:
    world = friends(make_world)
    command = SendRequested(world.next_command(), world.seats["bob"].account, text, lifetime_s)
    assert isinstance(world.command("alice", command), InvalidInput)
    nobody = SendRequested(world.next_command(), AccountKey(bytes(32)), "x", DAY_S)
    assert isinstance(world.command("alice", nobody), UnknownName)


def test_the_longest_text_arrives_even_as_a_first_contact(make_world: MakeWorld) -> None:
    world = make_world("alice", "bob")
    world.befriend("bob", "alice")
    world.send("alice", "bob", "x" * 60_000)
    world.connect("alice", "bob")
    world.run(60)
    assert [len(text) for text in texts(world, "bob")] == [60_000]


# --- time ----------------------------------------------------------------------------------------


def test_a_message_expires_truthfully_and_leaves_every_store(make_world: MakeWorld) -> None:
    world = friends(make_world, "carol")
    world.connect("alice", "carol")
    row = world.send("alice", "bob", "too late", lifetime_s=HOUR_S)
    world.run(60)
    assert world.seats["carol"].node.custody_counts()[0] >= 1
    world.run(8 * DAY_S)
    assert world.seats["alice"].sent(row.id).state is MessageState.EXPIRED
    world.run(31 * DAY_S)
    assert world.seats["carol"].node.custody_counts()[0] == 0
    assert list(world.seats["carol"].store.tombstones()) == []
    kinds = [h.kind for h in world.seats["alice"].store.history(row.id, Direction.OUT)]
    assert kinds == ["queued", "carried", "expired"]


def test_a_message_that_never_could_be_sealed_expires_too(make_world: MakeWorld) -> None:
    world = make_world("alice", "bob")
    made = world.invite("bob")
    world.command("alice", ContactAddRequested(world.next_command(), made.short_link, "Bob"))
    row = world.send("alice", "bob", "never sealed", lifetime_s=HOUR_S)
    world.run(2 * HOUR_S)
    assert world.seats["alice"].sent(row.id).state is MessageState.EXPIRED


def test_friends_who_meet_every_other_week_lose_nothing(make_world: MakeWorld) -> None:
    world = friends(make_world)
    sent = 0
    for _ in range(8):
        for _ in range(5):
            world.send("alice", "bob", f"message {sent}", lifetime_s=20 * DAY_S)
            sent += 1
            world.run(DAY_S)
        world.run(9 * DAY_S)
        world.connect("alice", "bob")
        world.run(60)
        world.disconnect("alice", "bob")
    assert texts(world, "bob") == [f"message {number}" for number in range(sent)]


# --- restarts ------------------------------------------------------------------------------------


def test_everything_open_survives_a_restart_at_any_node(make_world: MakeWorld) -> None:
    world = friends(make_world, "carol")
    world.connect("alice", "carol")
    row = world.send("alice", "bob", "hold on")
    world.run(30)
    for name in ("alice", "carol", "bob"):
        world.crash(name)
    world.connect("carol", "bob")
    world.run(30)
    assert texts(world, "bob") == ["hold on"]
    for name in ("alice", "carol", "bob"):
        world.crash(name)
    world.connect("carol", "alice")
    world.run(30)
    assert world.seats["alice"].sent(row.id).state is MessageState.DELIVERED
    assert world.seats["alice"].sent(row.id).carriers == 1


@pytest.mark.parametrize("device", ["the same", "a new one"])
def test_a_contact_who_lost_everything_but_its_words_gets_its_mail_anew(
    make_world: MakeWorld, device: str
) -> None:
    world = friends(make_world)
    world.connect("alice", "bob")
    world.send("alice", "bob", "an old one")
    world.run(2 * DAY_S)
    world.disconnect("alice", "bob")
    row = world.send("alice", "bob", "written to the old phone")
    world.run(10)
    bob = world.seats["bob"]
    bob.store = type(bob.store)()
    if device == "a new one":
        bob.identity = identity_for("bob", device="bob's new phone")
    bob.boot(world.now_s)
    bob.notices.clear()
    world.befriend("alice", "bob")
    world.connect("alice", "bob")
    world.run(60)
    whys = [n.why for n in world.seats["alice"].notices if isinstance(n, ContactChanged)]
    assert "session-reset" in whys
    assert [r.text for r in bob.received()] == ["written to the old phone"]
    assert world.seats["alice"].sent(row.id).state is MessageState.DELIVERED
    world.send("bob", "alice", "I am back")
    world.run(60)
    assert texts(world, "alice") == ["I am back"]


def test_neighbours_are_announced_and_missed(make_world: MakeWorld) -> None:
    world = make_world("alice", "bob")
    world.connect("alice", "bob")
    world.run(1)
    world.disconnect("alice", "bob")
    changes = [n.present for n in world.seats["alice"].notices if isinstance(n, NeighbourChanged)]
    assert changes == [True, False]


def test_the_same_world_gives_the_same_trace() -> None:
    def trace() -> str:
        world = World(lambda name: InsecureStandinSuite(SeededEntropy(name)))
        for name in ("alice", "bob", "carol"):
            world.add(name)
        world.connect("alice", "carol")
        world.befriend("bob", "alice")
        world.send("alice", "bob", "hello")
        world.run(60)
        world.connect("carol", "bob")
        world.run(60)
        assert texts(world, "bob") == ["hello"]
        return world.trace.hexdigest()

    assert trace() == trace()


def test_ids_and_content_stay_small(make_world: MakeWorld) -> None:
    """A 100-byte text fits the smallest envelope."""
    content = encode_content(Text(bytes(16), int(START_S), "x" * 100))
    assert len(content) <= 128
    world = friends(make_world)
    world.connect("alice", "bob")
    world.run(1)
    before = len(world.frames)
    world.send("alice", "bob", "x" * 100)
    world.run(10)
    frames = [decode_frame(data) for _, _, data in world.frames[before:]]
    assert [len(f.envelope) for f in frames if isinstance(f, Carry)] == [256]


def test_a_message_tells_its_place_in_the_store_on_both_sides(make_world: MakeWorld) -> None:
    world = friends(make_world)
    world.connect("alice", "bob")
    for number in (1, 2):
        answer = world.send("alice", "bob", f"number {number}")
        assert answer == world.seats["alice"].store.message(answer.id, Direction.OUT)
        world.run(5)
        heard = [n for n in world.seats["bob"].notices if isinstance(n, MessageReceived)][-1]
        assert heard.message == world.seats["bob"].store.message(answer.id, Direction.IN)
        assert heard.message.order > 0
