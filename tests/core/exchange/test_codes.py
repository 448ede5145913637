"""Face to face: a question as a code, its answer over a link or as QR codes, and no account."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from p2p.core.events import ContactAddRequested
from p2p.core.exchange.events import (
    EngagementScanned,
    FramesCollected,
    RequestState,
    RequestView,
)
from p2p.errors import Conflict, InvalidInput, UnknownName
from p2p.ports.store import DocumentKind
from p2p.wire.contact_uri import Invite, encode_invite
from p2p.wire.engagement import decode_engagement
from p2p.wire.qr_frames import collect_frames, make_frames
from tests.core.exchange.people import People, verdict_of
from tests.core.world import World

MakeWorld = Callable[..., World]


@pytest.fixture
def strangers(make_world: MakeWorld) -> People:
    """A kiosk and Bob, who have never met and have no link yet."""
    people = People(make_world("kiosk", "bob"))
    people.trusts("kiosk")
    return people


def test_a_code_is_answered_over_a_link_without_naming_an_account(strangers: People) -> None:
    people = strangers
    card = people.holds("bob")
    out = people.asks("kiosk", lifetime_s=300.0)
    assert out.face_to_face
    assert len(out.engagement) < 700
    into = people.scans("bob", out.engagement)
    assert (into.name, into.contact, into.purpose) == ("kiosk", b"", "age check")
    assert people.scans("bob", out.engagement).id == into.id
    people.answers("bob", into.id, card)
    people.world.connect("kiosk", "bob")
    people.world.run(10)
    verdict = verdict_of(people, out, "kiosk")
    assert (verdict.state, verdict.claims) == (RequestState.VERIFIED, (("age_over_18", True),))
    assert people.world.seats["kiosk"].node.contacts() == ()
    assert people.world.seats["bob"].node.contacts() == ()
    account = people.world.seats["bob"].account
    for kind in DocumentKind:
        for value in people.stored("kiosk", kind):
            assert account not in value, kind


def test_a_code_that_was_scanned_while_linked_is_answered_at_once(strangers: People) -> None:
    people = strangers
    people.world.connect("kiosk", "bob")
    people.world.run(10)
    card = people.holds("bob")
    out = people.asks("kiosk", lifetime_s=300.0)
    into = people.scans("bob", out.engagement)
    people.answers("bob", into.id, card)
    people.world.run(5)
    assert verdict_of(people, out, "kiosk").state is RequestState.VERIFIED


def test_a_code_is_answered_with_frames_where_there_is_no_link(strangers: People) -> None:
    people = strangers
    card = people.holds("bob")
    out = people.asks("kiosk", lifetime_s=300.0)
    into = people.scans("bob", out.engagement)
    frames = people.answers("bob", into.id, card, as_frames=1).frames
    assert people.answers("bob", into.id, card, as_frames=1).frames == frames
    missing = people.refused("kiosk", FramesCollected(people.id(), frames[1:]))
    assert str(missing) == f"Frame 1 of {len(frames)} not scanned yet."
    shuffled = (*reversed(frames), frames[0])
    view = people.do("kiosk", FramesCollected(people.id(), shuffled), RequestView)
    assert view.state is RequestState.VERIFIED
    again = people.refused("kiosk", FramesCollected(people.id(), frames))
    assert isinstance(again, Conflict)


def test_frames_of_anything_else_are_refused(strangers: People) -> None:
    people = strangers
    card = people.holds("bob")
    out = people.asks("kiosk", lifetime_s=300.0)
    into = people.scans("bob", out.engagement)
    frames = people.answers("bob", into.id, card, as_frames=1).frames

    def said(*texts: str) -> Any:
        return people.refused("kiosk", FramesCollected(people.id(), texts))

    assert isinstance(said(*make_frames(b"\x91\x03")), InvalidInput)
    assert isinstance(said(*make_frames(b"\xff")), InvalidInput)
    other = collect_frames(frames).replace(into.id, bytes(16))
    assert isinstance(said(*make_frames(other)), UnknownName)
    people.world.run(301)
    assert isinstance(said(*frames), Conflict)


def test_two_holders_cannot_both_use_a_code(make_world: MakeWorld) -> None:
    people = People(make_world("kiosk", "bob", "mallory"))
    people.trusts("kiosk")
    out = people.asks("kiosk", lifetime_s=300.0)
    for name in ("bob", "mallory"):
        into = people.scans(name, out.engagement)
        people.answers(name, into.id, people.holds(name))
    for name in ("bob", "mallory"):
        people.world.connect("kiosk", name)
        people.world.run(10)
    assert len(people.verdicts("kiosk")) == 1


def test_a_code_makes_no_contact_of_whoever_uses_it_as_an_invite(make_world: MakeWorld) -> None:
    people = People(make_world("kiosk", "mallory"))
    out = people.asks("kiosk", lifetime_s=300.0)
    code = decode_engagement(out.engagement)
    link = encode_invite(
        Invite(code.account_key, code.bundle_hash, code.lookup_secret, "x", code.addresses)
    )
    people.world.command("mallory", ContactAddRequested(people.id(), link, "kiosk"))
    people.world.connect("kiosk", "mallory")
    people.world.run(10)
    assert people.world.seats["kiosk"].node.contacts() == ()
    assert "credential-answer-foreign" in people.notes("kiosk")


def test_a_code_is_over_after_its_time_and_its_bundle_gone(strangers: People) -> None:
    people = strangers
    card = people.holds("bob")
    out = people.asks("kiosk", lifetime_s=300.0)
    into = people.scans("bob", out.engagement)
    people.answers("bob", into.id, card)
    people.world.run(301)
    people.world.connect("kiosk", "bob")
    people.world.run(10)
    assert verdict_of(people, out, "kiosk").state is RequestState.EXPIRED
    assert isinstance(people.refused("kiosk", _scan(people, out.engagement)), Conflict)
    assert isinstance(people.refused("bob", _scan(people, out.engagement + "x")), InvalidInput)
    people.world.add("late")
    assert isinstance(people.refused("late", _scan(people, out.engagement)), Conflict)


def test_declining_a_code_sends_nothing(strangers: People) -> None:
    people = strangers
    out = people.asks("kiosk", lifetime_s=300.0)
    into = people.scans("bob", out.engagement)
    people.answers("bob", into.id, b"", elements=())
    people.world.connect("kiosk", "bob")
    people.world.run(10)
    assert people.view("kiosk", out.id, outgoing=True).state is RequestState.OPEN


def test_each_code_takes_a_copy_that_nobody_has_seen(strangers: People) -> None:
    people = strangers
    card = people.holds("bob", people.issuer.bundle(2))
    people.world.connect("kiosk", "bob")
    people.world.run(5)
    for copies_left in (1, 0):
        out = people.asks("kiosk", lifetime_s=300.0)
        into = people.scans("bob", out.engagement)
        people.answers("bob", into.id, card)
        people.world.run(5)
        assert verdict_of(people, out, "kiosk").state is RequestState.VERIFIED
        (view,) = people.world.seats["bob"].node._exchange.wallet.all()
        assert view.copies_left == copies_left
    out = people.asks("kiosk", lifetime_s=300.0)
    into = people.scans("bob", out.engagement)
    assert isinstance(people.refused("bob", people.answering(into.id, card)), Conflict)


def _scan(people: People, text: str) -> Any:
    return EngagementScanned(people.id(), text)
