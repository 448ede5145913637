"""A further invite of somebody who is a contact already: it must lead to a conversation."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from p2p.core.effects import ContactChanged
from p2p.core.events import (
    AddressesChanged,
    ContactAddRequested,
    ContactRemoved,
    FrameReceived,
)
from p2p.errors import LocalError
from p2p.ports.store import Direction, MessageState
from p2p.wire.contact_uri import decode_invite
from p2p.wire.content import Introduction
from p2p.wire.frames import Found, encode_frame
from p2p.wire.limits import SKIPPED_KEYS_PER_CHAIN_MAX
from tests.core.world import World, identity_for, peer_for

MakeWorld = Callable[..., World]
DAY_S = 86_400.0


def add(world: World, guest: str, link: str, name: str = "Bob") -> None:
    result = world.command(guest, ContactAddRequested(world.next_command(), link, name))
    assert not isinstance(result, LocalError), result


def texts(world: World, name: str) -> list[str]:
    return [row.text for row in world.seats[name].received()]


def states(world: World, name: str) -> list[str]:
    return [contact.state for contact in world.seats[name].node.contacts()]


def friends(make_world: MakeWorld) -> World:
    world = make_world("alice", "bob")
    world.connect("alice", "bob")
    world.befriend("bob", "alice")
    world.run(60)
    assert states(world, "alice") == states(world, "bob") == ["active"]
    return world


@pytest.mark.parametrize("made_first", ["the used one", "the new one"])
def test_whose_invite_somebody_else_used_first_needs_only_a_new_one(
    make_world: MakeWorld, made_first: str
) -> None:
    world = make_world("alice", "bob", "mallory")
    links = [world.invite("bob").link]
    world.run(60)
    links.append(world.invite("bob").link)
    used, new = links if made_first == "the used one" else reversed(links)
    for guest in ("mallory", "alice"):
        world.connect(guest, "bob")
        add(world, guest, used)
        world.run(60)
    row = world.send("alice", "bob", "is this lost?")
    world.run(60)
    assert states(world, "alice") == ["asked"]
    add(world, "alice", new)
    world.run(60)
    assert states(world, "alice") == ["active"]
    assert texts(world, "bob") == ["is this lost?"]
    assert world.seats["alice"].sent(row.id).state is MessageState.DELIVERED
    history = world.seats["alice"].store.history(row.id, Direction.OUT)
    assert [entry.detail for entry in history if entry.kind == "sealed-anew"] == [
        "a newer invite of the contact was added"
    ]


def test_a_contact_who_has_a_new_device_is_reached_by_its_invite(make_world: MakeWorld) -> None:
    world = friends(make_world)
    world.disconnect("alice", "bob")
    row = world.send("alice", "bob", "written to the old phone")
    bob = world.seats["bob"]
    bob.store = type(bob.store)()
    bob.identity = identity_for("bob", device="bob's new phone")
    bob.boot(world.now_s)
    bob.notices.clear()
    address = f"/ip4/192.0.2.9/tcp/4001/p2p/{peer_for('new phone')}"
    world.post("bob", AddressesChanged((address,)))
    add(world, "alice", world.invite("bob").link)
    assert world.seats["alice"].node.contacts()[0].addresses == (address, bob.address)
    world.connect("alice", "bob")
    world.run(60)
    assert texts(world, "bob") == ["written to the old phone"]
    assert world.seats["alice"].sent(row.id).state is MessageState.DELIVERED
    world.send("bob", "alice", "I am back")
    world.run(60)
    assert texts(world, "alice") == ["I am back"]


def test_a_contact_who_had_forgotten_us_is_reached_by_its_new_invite(
    make_world: MakeWorld,
) -> None:
    world = friends(make_world)
    world.command("bob", ContactRemoved(world.next_command(), world.seats["alice"].account))
    add(world, "alice", world.invite("bob").link)
    world.send("alice", "bob", "again")
    world.run(60)
    assert texts(world, "bob") == ["again"]


@pytest.mark.parametrize("state", ["asked", "active"])
def test_a_short_invite_of_a_contact_is_sought_too(make_world: MakeWorld, state: str) -> None:
    if state == "active":
        world = friends(make_world)
        world.command("bob", ContactRemoved(world.next_command(), world.seats["alice"].account))
    else:
        world = make_world("alice", "bob", "mallory")
        used = world.invite("bob").link
        for guest in ("mallory", "alice"):
            world.connect(guest, "bob")
            add(world, guest, used)
            world.run(60)
    assert states(world, "alice") == [state]
    add(world, "alice", world.invite("bob").short_link)
    row = world.send("alice", "bob", "again")
    world.run(60)
    assert states(world, "alice") == ["active"]
    assert texts(world, "bob") == ["again"]
    assert world.seats["alice"].sent(row.id).state is MessageState.DELIVERED


def test_an_invite_that_is_over_its_time_is_refused_and_leaves_nothing_behind(
    make_world: MakeWorld,
) -> None:
    world = make_world("alice", "bob")
    link = world.invite("bob").link
    world.run(29 * DAY_S)
    result = world.command("alice", ContactAddRequested(world.next_command(), link, "Bob"))
    assert isinstance(result, LocalError)
    assert "over its time" in str(result)
    assert states(world, "alice") == []


def test_a_bundle_that_is_found_too_late_is_no_fault_of_ours(make_world: MakeWorld) -> None:
    world = make_world("alice", "bob")
    made = world.invite("bob")
    add(world, "alice", made.short_link)
    world.run(29 * DAY_S)
    world.disconnect("alice", "bob")
    world.connect("alice", "bob")
    world.run(1)
    alice, bob = world.seats["alice"], world.seats["bob"]
    found = encode_frame(Found(decode_invite(made.link).bundle))
    world.post("alice", FrameReceived(bob.peer, found))
    assert alice.node.contacts()[0].state == "waiting"


def test_a_needless_invite_between_friends_changes_nothing_that_shows(
    make_world: MakeWorld,
) -> None:
    world = friends(make_world)
    world.send("bob", "alice", "before")
    world.run(60)
    for seat in world.seats.values():
        seat.notices.clear()
    world.disconnect("alice", "bob")
    add(world, "alice", world.invite("bob").link)
    assert states(world, "alice") == ["active"]
    world.connect("alice", "bob")
    world.send("alice", "bob", "one")
    world.send("bob", "alice", "two")
    world.run(60)
    assert (texts(world, "bob"), texts(world, "alice")) == (["one"], ["two"])
    whys = [n.why for n in world.seats["bob"].notices if isinstance(n, ContactChanged)]
    assert "session-reset" not in whys


def test_more_waits_for_a_contact_than_may_be_sent_before_its_answer(
    make_world: MakeWorld,
) -> None:
    world = make_world("alice", "bob")
    add(world, "alice", world.invite("bob").short_link)
    count = SKIPPED_KEYS_PER_CHAIN_MAX + 5
    for number in range(count):
        world.send("alice", "bob", str(number))
    world.connect("alice", "bob")
    world.run(600)
    assert sorted(map(int, texts(world, "bob"))) == list(range(count))
    assert states(world, "alice") == ["active"]


def test_what_cannot_be_sealed_anew_at_once_waits_for_the_answer(make_world: MakeWorld) -> None:
    world = friends(make_world)
    world.disconnect("alice", "bob")
    count = SKIPPED_KEYS_PER_CHAIN_MAX - 5
    link = world.invite("bob").link
    for number in range(count):
        world.send("alice", "bob", str(number))
    add(world, "alice", link)
    for number in range(count, count + 20):
        world.send("alice", "bob", str(number))
    world.connect("alice", "bob")
    world.run(600)
    assert sorted(map(int, texts(world, "bob"))) == list(range(count + 20))


def test_a_contact_whose_message_overtakes_its_introduction_is_called_by_name_in_the_end(
    make_world: MakeWorld,
) -> None:
    world = make_world("alice", "bob")
    alice, bob = world.seats["alice"], world.seats["bob"]
    add(world, "alice", world.invite("bob").link)
    with alice.store.transaction():
        for row in list(alice.node._custody.rows()):
            alice.node._custody.finish(row.id, "lost on its way")
    world.send("alice", "bob", "overtaking")
    world.connect("alice", "bob")
    world.run(30)
    assert [c.name for c in bob.node.contacts()] == [alice.account.hex()[:12]]
    issued = alice.book.current_bundle(bob.account, world.now_s)
    late = Introduction(int(world.now_s), "Alice", issued.bundle, issued.lookup_secret, ())
    world.disconnect("alice", "bob")
    with alice.store.transaction():
        alice.node._outbox.seal_content(bob.account, late, DAY_S, world.now_s)
    world.connect("alice", "bob")
    world.run(30)
    assert [c.name for c in bob.node.contacts()] == ["Alice"]
    whys = [n.why for n in bob.notices if isinstance(n, ContactChanged)]
    assert whys == ["added", "introduced"]


@pytest.mark.parametrize("known", [False, True], ids=["strangers", "friends"])
def test_invites_that_cross_lead_to_one_conversation(make_world: MakeWorld, known: bool) -> None:
    world = friends(make_world) if known else make_world("alice", "bob")
    world.disconnect("alice", "bob")
    links = {name: world.invite(name).link for name in ("alice", "bob")}
    add(world, "alice", links["bob"])
    add(world, "bob", links["alice"], "Alice")
    rows = {name: [] for name in ("alice", "bob")}
    for turn in range(3):
        for name, other in (("alice", "bob"), ("bob", "alice")):
            rows[name].append(world.send(name, other, f"{name} {turn}"))
        if turn == 0:
            world.connect("alice", "bob")
        world.run(60)
    assert states(world, "alice") == states(world, "bob") == ["active"]
    for name, other in (("alice", "bob"), ("bob", "alice")):
        assert texts(world, other) == [f"{name} {turn}" for turn in range(3)]
        sent = [world.seats[name].sent(row.id).state for row in rows[name]]
        assert sent == [MessageState.DELIVERED] * 3
