"""Which credential answers a question, one question too many, and an answer that cannot leave."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from p2p.core.exchange.events import (
    NOBODY_YET,
    CredentialAsked,
    CredentialList,
    CredentialsListed,
    RequestState,
)
from p2p.errors import Conflict, NotReady
from p2p.ports.store import DocumentKind
from tests.core.exchange.people import People, verdict_of
from tests.core.world import World
from tests.credentials.issuer import SdJwt
from tests.credentials.pki import VCT, new_key


@pytest.fixture
def people(make_world: Callable[..., World]) -> People:
    """Alice verifies and trusts the issuer; Bob holds."""
    people = People(make_world("alice", "bob"))
    people.world.connect("alice", "bob")
    people.world.befriend("alice", "bob")
    people.world.run(10)
    people.trusts("alice")
    return people


@pytest.mark.parametrize(("others", "serves"), [(["urn:other", VCT], True), (["urn:other"], False)])
def test_a_credential_answers_for_the_other_types_that_it_is_of(
    people: People, others: list[str], serves: bool
) -> None:
    """A national identity credential says so of itself, and is asked for by the common type."""
    key = new_key()

    def national(case: SdJwt) -> None:
        case.payload |= {"vct": VCT + ":utopia", "aka_vcts": others}

    card = people.holds("bob", people.issuer.sd_jwt(key, national), key)
    out = people.asks("alice", "bob")
    people.world.run(10)
    (into,) = people.asked_of("bob")
    found = [(choice.credential, choice.kind) for choice in into.choices]
    assert found == ([(card, VCT)] if serves else [])
    if not serves:
        assert "was not asked for" in str(people.refused("bob", people.answering(into.id, card)))
        return
    people.answers("bob", into.id, card)
    people.world.run(10)
    verdict = verdict_of(people, out)
    assert (verdict.state, verdict.kind) == (RequestState.VERIFIED, VCT + ":utopia")


@pytest.mark.parametrize("of", ["bob", ""])
def test_one_question_too_many_is_not_asked(
    people: People, monkeypatch: pytest.MonkeyPatch, of: str
) -> None:
    """It was refused here, and was asked all the same; a code left its bundle behind."""
    monkeypatch.setattr("p2p.core.exchange.request_book.OPEN_MAX", 1)
    first = people.asks("alice", "bob")
    before = [people.stored("alice", kind) for kind in DocumentKind]
    contact = people.world.seats["bob"].account if of else NOBODY_YET
    refused = people.refused("alice", CredentialAsked(people.id(), contact, people.question()))
    assert isinstance(refused, Conflict)
    assert [people.stored("alice", kind) for kind in DocumentKind] == before
    people.world.run(10)
    assert [view.id for view in people.asked_of("bob")] == [first.id]


def test_an_answer_that_cannot_be_written_uses_up_no_copy(people: People) -> None:
    card = people.holds("bob")
    out = people.asks("alice", "bob")
    people.world.run(10)
    seat = people.world.seats["bob"]
    seat.book.forget(people.world.seats["alice"].account)
    with seat.store.transaction():
        seat.book.flush()
    assert isinstance(people.refused("bob", people.answering(out.id, card)), NotReady)
    (held,) = people.do("bob", CredentialsListed(people.id()), CredentialList).credentials
    assert not held.used
