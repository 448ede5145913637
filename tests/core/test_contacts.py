"""The book of contacts: names, conflicts, and whose node a peer is."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from p2p.adapters.memory_store import MemoryStore
from p2p.core.contacts import ASKED, Contacts
from p2p.errors import Conflict, UnknownName
from p2p.wire.ids import AccountKey
from tests.control.fake_credentials import VERDICT
from tests.core.world import peer_for

OWN, ANN, BEN = (AccountKey(bytes([n]) * 32) for n in range(3))
SHARED = f"/ip4/192.0.2.1/tcp/4001/p2p/{peer_for('shared')}"


@pytest.fixture
def contacts() -> Iterator[Contacts]:
    store = MemoryStore()
    with store.transaction():
        yield Contacts(store, OWN)


def test_two_people_of_one_name_are_told_apart(contacts: Contacts) -> None:
    names = [contacts.add(key, "", "Ann", 1.0).name for key in (ANN, BEN)]
    assert names == ["Ann", "Ann 2"]


def test_without_any_name_the_key_gives_one(contacts: Contacts) -> None:
    assert contacts.add(ANN, "", "", 1.0).name == ANN.hex()[:12]


def test_oneself_and_a_known_person_cannot_be_added(contacts: Contacts) -> None:
    contacts.add(ANN, "Ann", "", 1.0)
    with pytest.raises(Conflict, match="your own"):
        contacts.add(OWN, "Me", "", 1.0)
    with pytest.raises(Conflict, match="already: Ann"):
        contacts.add(ANN, "Anna", "", 1.0)
    with pytest.raises(UnknownName):
        contacts.require(BEN)


def test_what_people_see_is_made_again_only_where_something_changed(contacts: Contacts) -> None:
    ann, ben = (contacts.add(key, name, "", 1.0) for key, name in ((ANN, "Ann"), (BEN, "Ben")))
    before = contacts.views()
    assert contacts.views() is before
    changed = contacts.save(ann, verified=1)
    after = contacts.views()
    assert [view.verified for view in after] == [True, False]
    assert after[1] is before[1]
    assert contacts.view(ann).verified is False, "an older record is seen as it was"
    assert contacts.view(changed) is after[0]
    contacts.remove(ANN)
    assert contacts.views() == (contacts.view(ben),)


def test_what_a_contact_proves_is_seen_at_once(contacts: Contacts) -> None:
    contacts.add(ANN, "Ann", "", 1.0)
    assert contacts.views()[0].proven == ()
    contacts.note_proven(ANN, VERDICT)
    assert [claim.name for claim in contacts.views()[0].proven] == ["age_over_18"]


def test_only_those_whose_bundle_is_sought_are_waiting(contacts: Contacts) -> None:
    ann, ben = (contacts.add(key, name, "", 1.0) for key, name in ((ANN, "Ann"), (BEN, "Ben")))
    assert contacts.waiting() == [ann, ben]
    contacts.save(ann, state=ASKED)
    assert contacts.waiting() == [ben]
    contacts.remove(BEN)
    assert contacts.waiting() == []


def test_a_peer_claimed_by_two_stays_with_the_later_one(contacts: Contacts) -> None:
    for key, name in ((ANN, "Ann"), (BEN, "Ben")):
        contacts.save(contacts.add(key, name, "", 1.0), addresses=(SHARED,))
    assert contacts.owner_of(peer_for("shared")) == BEN
    contacts.remove(ANN)
    assert contacts.owner_of(peer_for("shared")) == BEN
    contacts.remove(BEN)
    assert contacts.owner_of(peer_for("shared")) is None
