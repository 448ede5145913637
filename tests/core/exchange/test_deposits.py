"""Who may leave mail here, where a proof is required: who gave it, and nobody else."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from p2p.ports.store import Tier
from tests.core.exchange.people import NOW, People
from tests.core.world import World
from tests.credentials.pki import new_key

MakeWorld = Callable[..., World]


def community(make_world: MakeWorld) -> People:
    """A library that carries for those who proved their age; Bob and Carol are its contacts."""
    people = People(make_world())
    world = people.world
    world.add("library", require_proven="age_over_18")
    for name in ("bob", "carol", "away"):
        world.add(name)
    for name in ("bob", "carol"):
        world.connect("library", name)
        world.befriend("library", name)
        world.run(10)
        world.connect(name, "away")
        world.befriend("away", name)
        world.run(10)
        world.disconnect(name, "away")
    people.trusts("library")
    return people


def carried(people: People) -> list[Tier]:
    custody = people.world.seats["library"].node._custody
    return [row.tier for row in custody.rows() if row.tier is not Tier.OWN]


def test_only_who_has_proven_it_may_leave_mail(make_world: MakeWorld) -> None:
    people = community(make_world)
    card = people.holds("bob")
    out = people.asks("library", "bob")
    people.world.run(10)
    people.answers("bob", out.id, card)
    people.world.run(10)
    before = carried(people)
    people.world.send("carol", "away", "unproven")
    people.world.run(10)
    assert carried(people) == before
    people.world.send("bob", "away", "proven")
    people.world.run(10)
    assert carried(people) == [*before, Tier.CREDENTIALED]


def test_a_proof_opens_for_as_long_as_its_credential(make_world: MakeWorld) -> None:
    people = community(make_world)
    world, key = people.world, new_key()
    hour = people.issuer.sd_jwt(key, lambda case: case.payload.update(exp=NOW + 3_600))
    card = people.holds("bob", hour, key)
    out = people.asks("library", "bob")
    world.run(10)
    people.answers("bob", out.id, card)
    world.run(10)
    world.send("bob", "away", "in time")
    world.run(3_500)
    before = carried(people)
    assert Tier.CREDENTIALED in before
    world.run(NOW + 3_600 - world.now_s)
    world.send("bob", "away", "too late")
    world.run(60)
    assert carried(people) == before
    world.crash("library")
    world.run(60)
    assert carried(people) == before
    again = people.holds("bob")
    out = people.asks("library", "bob")
    world.connect("library", "bob")
    world.run(10)
    people.answers("bob", out.id, again)
    world.run(10)
    world.send("bob", "away", "proven again")
    world.run(10)
    assert len(carried(people)) > len(before)


@pytest.mark.parametrize("bent", ["false", "test"])
def test_what_is_not_so_or_from_a_test_issuer_opens_nothing(
    make_world: MakeWorld, bent: str
) -> None:
    people = community(make_world)
    if bent == "test":
        people.trusts("library", test=True)
    key = new_key()

    def young(case) -> None:
        text = case.hide("salt-x", "age_over_18", False)
        case.payload["_sd"] = [text]
        case.disclosures = [case.disclosures[-1]]

    data = people.issuer.sd_jwt(key, young if bent == "false" else lambda _: None)
    card = people.holds("bob", data, key)
    out = people.asks("library", "bob")
    people.world.run(10)
    people.answers("bob", out.id, card)
    people.world.run(10)
    verdict = people.view("library", out.id, outgoing=True).verdict
    assert verdict.state.value == "verified"
    people.world.send("bob", "away", "hello")
    people.world.run(10)
    assert Tier.CREDENTIALED not in carried(people)


def test_the_librarys_own_mail_still_arrives(make_world: MakeWorld) -> None:
    people = community(make_world)
    people.world.send("carol", "library", "a question")
    people.world.run(10)
    assert [row.text for row in people.world.seats["library"].received()] == ["a question"]
