"""Asking and answering between production nodes, and everybody who would cheat at it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from p2p.core.events import ContactAddRequested, ContactBlocked, ContactRemoved
from p2p.core.exchange.events import (
    AnswerGiven,
    CredentialAsked,
    CredentialList,
    CredentialRemoved,
    NoVerdict,
    RequestArrived,
    RequestState,
    RequestView,
)
from p2p.core.exchange.request_book import OPEN_PER_CONTACT_MAX
from p2p.core.trust.trust import Use
from p2p.credentials.exchange_binding import session_context
from p2p.credentials.policy import StatusPolicy
from p2p.errors import Conflict, InvalidInput, NotReady, TooLarge, UnknownName
from p2p.ports.store import DocumentKind
from p2p.wire.content import (
    CredentialAnswer,
    CredentialOutcome,
    CredentialRequest,
    decode_content,
    encode_content,
)
from p2p.wire.ids import SessionId
from tests.core.exchange.people import KIND, MDL, NOW, People, verdict_of
from tests.core.world import World
from tests.credentials.pki import DAY, new_key

MakeWorld = Callable[..., World]


@pytest.fixture
def people(make_world: MakeWorld) -> People:
    """Alice verifies and trusts the issuer; Bob holds; they are contacts and neighbours."""
    people = People(make_world("alice", "bob"))
    people.world.connect("alice", "bob")
    people.world.befriend("alice", "bob")
    people.world.run(10)
    people.trusts("alice")
    return people


def asked(people: People, **changes: Any) -> tuple[RequestView, RequestView]:
    """Alice asks Bob; the question as she and as he has it."""
    out = people.asks("alice", "bob", **changes)
    people.world.run(10)
    (into,) = [view for view in people.asked_of("bob") if view.id == out.id]
    return out, into


# --- what should happen --------------------------------------------------------------------------
def test_an_age_is_asked_for_shown_and_verified(people: People) -> None:
    card = people.holds("bob")
    out, into = asked(people)
    assert (into.purpose, into.elements, into.contact) == (
        "age check", ("age_over_18",), people.world.seats["alice"].account,
    )  # fmt: skip
    (choice,) = into.choices
    assert (choice.credential, choice.has, choice.lacks, choice.fresh) == (
        card, ("age_over_18",), (), True,
    )  # fmt: skip
    made = people.answers("bob", into.id, card)
    assert made.request.state is RequestState.ANSWERED
    people.world.run(10)
    verdict = verdict_of(people, out)
    assert verdict.state is RequestState.VERIFIED
    assert verdict.claims == (("age_over_18", True),)
    assert (verdict.status_state, verdict.status_age_s) == ("unknown", None)
    assert verdict.trust_age_s is not None
    assert people.verdicts("alice") == [verdict]
    view = people.view("bob", into.id, outgoing=False)
    assert (view.state, view.shown, view.choices) == (
        RequestState.VERIFIED, ("age_over_18",), (),
    )  # fmt: skip
    kinds = [type(notice) for notice in people.world.seats["bob"].notices]
    assert kinds.count(RequestArrived) == 1
    assert kinds.count(AnswerGiven) == 2


def test_an_mdoc_answers_as_well(people: People) -> None:
    key = new_key()
    card = people.holds("bob", people.issuer.mdoc(key), key)
    out, into = asked(people, kinds=(MDL,), elements=("age_over_18", "family_name"))
    people.answers("bob", into.id, card, elements=("age_over_18",))
    people.world.run(10)
    verdict = verdict_of(people, out)
    assert (verdict.claims, verdict.missing) == ((("age_over_18", True),), ("family_name",))
    assert verdict.proof == "device-signature"


def test_a_contact_shows_what_it_has_proven(people: People) -> None:
    card = people.holds("bob")
    out, into = asked(people)
    people.answers("bob", into.id, card)
    people.world.run(10)
    (contact,) = people.world.seats["alice"].node.contacts()
    (proven,) = contact.proven
    assert (proven.name, proven.value, proven.kind) == ("age_over_18", True, KIND[1])
    assert proven.issuer == verdict_of(people, out).issuer
    people.world.crash("alice")
    (again,) = people.world.seats["alice"].node.contacts()
    assert again.proven == contact.proven
    people.world.command("alice", ContactRemoved(people.id(), contact.account_key))
    assert people.stored("alice", DocumentKind.PROVEN) == []
    assert people.all("alice") == ()


def test_the_answer_waits_for_a_holder_who_is_away_and_comes_by_a_carrier(
    make_world: MakeWorld,
) -> None:
    people = People(make_world("alice", "bob", "carol"))
    world = people.world
    world.connect("alice", "bob")
    world.befriend("alice", "bob")
    world.run(10)
    world.disconnect("alice", "bob")
    people.trusts("alice")
    card = people.holds("bob")
    world.connect("alice", "carol")
    out = people.asks("alice", "bob", lifetime_s=float(DAY))
    world.run(10)
    world.disconnect("alice", "carol")
    world.run(3_600)
    world.connect("carol", "bob")
    world.run(10)
    (into,) = people.asked_of("bob")
    people.answers("bob", into.id, card)
    world.run(10)
    world.disconnect("carol", "bob")
    world.run(3_600)
    world.connect("carol", "alice")
    world.run(10)
    assert verdict_of(people, out).state is RequestState.VERIFIED


def test_declining_shows_nothing_and_tells_so(people: People) -> None:
    out, into = asked(people)
    people.answers("bob", into.id, b"", elements=())
    people.world.run(10)
    assert verdict_of(people, out).state is RequestState.DECLINED
    assert people.view("bob", into.id, outgoing=False).state is RequestState.DECLINED
    assert isinstance(
        people.refused("bob", people.answering(into.id, people.holds("bob"))), Conflict
    )


def test_a_question_without_an_answer_is_over_on_both_sides(people: People) -> None:
    out, into = asked(people, lifetime_s=600.0)
    people.world.run(700)
    assert verdict_of(people, out).state is RequestState.EXPIRED
    assert people.view("bob", into.id, outgoing=False).state is RequestState.EXPIRED
    card = people.holds("bob")
    assert isinstance(people.refused("bob", people.answering(into.id, card)), Conflict)


def test_all_of_it_outlives_a_crash(people: People) -> None:
    card = people.holds("bob")
    out, into = asked(people)
    people.world.crash("bob")
    people.world.crash("alice")
    people.world.connect("alice", "bob")
    people.world.run(10)
    people.answers("bob", into.id, card)
    people.world.run(10)
    people.world.crash("alice")
    assert verdict_of(people, out).state is RequestState.VERIFIED


# --- status --------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("index", "known", "policy", "state", "rule", "said"),
    [
        (3, True, StatusPolicy.REQUIRE, RequestState.VERIFIED, "", "valid"),
        (7, True, StatusPolicy.REQUIRE, RequestState.REFUSED, "status-revoked", ""),
        (3, False, StatusPolicy.REQUIRE, RequestState.REFUSED, "status-unknown", ""),
        (3, False, StatusPolicy.REPORT, RequestState.VERIFIED, "", "unknown"),
        (7, True, StatusPolicy.REPORT, RequestState.VERIFIED, "", "revoked"),
    ],
)
def test_the_status_is_what_the_lists_say(
    people: People, index: int, known: bool, policy: StatusPolicy, state: RequestState,
    rule: str, said: str,
) -> None:  # fmt: skip
    key = new_key()
    data = people.issuer.sd_jwt(key, lambda case: case.with_status(index))
    card = people.holds("bob", data, key)
    if known:
        people.learns_status("alice")
    out, into = asked(people, status=policy)
    people.answers("bob", into.id, card)
    people.world.run(10)
    verdict = verdict_of(people, out)
    assert (verdict.state, verdict.rule, verdict.status_state) == (state, rule, said)
    if state is RequestState.REFUSED:
        assert verdict.claims == ()
        told = people.view("bob", into.id, outgoing=False)
        assert (told.state, told.rule) == (RequestState.REFUSED, rule)


def test_a_revoked_credential_proves_nothing_about_a_contact(people: People) -> None:
    key = new_key()
    card = people.holds("bob", people.issuer.sd_jwt(key, lambda c: c.with_status(7)), key)
    people.learns_status("alice")
    _, into = asked(people, status=StatusPolicy.REPORT)
    people.answers("bob", into.id, card)
    people.world.run(10)
    (contact,) = people.world.seats["alice"].node.contacts()
    assert contact.proven == ()


def test_a_contract_needs_a_younger_list_than_an_age_check(people: People) -> None:
    key = new_key()
    card = people.holds("bob", people.issuer.sd_jwt(key, lambda c: c.with_status(3)), key)
    people.learns_status("alice")
    people.world.run(3 * DAY)
    for use, state in (
        (Use.AGE_CHECK, RequestState.VERIFIED),
        (Use.CONTRACT, RequestState.REFUSED),
    ):
        out, into = asked(people, use=use)
        people.answers("bob", into.id, card)
        people.world.run(10)
        assert verdict_of(people, out).state is state


def test_an_issuer_that_nobody_trusts_proves_nothing(make_world: MakeWorld) -> None:
    people = People(make_world("alice", "bob"))
    people.world.connect("alice", "bob")
    people.world.befriend("alice", "bob")
    people.world.run(10)
    card = people.holds("bob")
    out, into = asked(people)
    people.answers("bob", into.id, card)
    people.world.run(10)
    verdict = verdict_of(people, out)
    assert (verdict.state, verdict.rule) == (RequestState.REFUSED, "issuer-trust")


def test_a_test_issuer_is_marked_and_proves_nothing_for_deposits(make_world: MakeWorld) -> None:
    people = People(make_world("alice", "bob"))
    people.world.connect("alice", "bob")
    people.world.befriend("alice", "bob")
    people.world.run(10)
    people.trusts("alice", test=True)
    card = people.holds("bob")
    out, into = asked(people)
    people.answers("bob", into.id, card)
    people.world.run(10)
    assert verdict_of(people, out).test
    proven = people.world.seats["alice"].node._contacts.proven
    bob = people.world.seats["bob"].account
    assert not proven.holds(bob, "age_over_18", people.world.now_s)


# --- attackers -----------------------------------------------------------------------------------
def sends(people: People, name: str, to: str, content: Any) -> None:
    """A node that says what it likes inside its session."""
    seat = people.world.seats[name]
    account = people.world.seats[to].account
    with seat.store.transaction():
        envelope = seat.node._outbox.seal_content(account, content, 3_600.0, people.world.now_s)
        seat.node._sync.spread(envelope, people.world.now_s)
    people.world.run(10)


def presentation_for(people: People, name: str, request: RequestView, card: bytes, **other: Any):
    """What a holder's node makes for a question, unless ``other`` bends what it is bound to."""
    node = people.world.seats[name].node
    record = node._exchange.requests.incoming(request.id)
    assert record is not None
    record = type(record)(**({f: getattr(record, f) for f in record.__struct_fields__} | other))
    command = people.answering(request.id, card)
    with people.world.seats[name].store.transaction():
        return node._exchange.answering.presentations.make(record, command, people.world.now_s)[0]


def test_a_second_answer_changes_nothing(people: People) -> None:
    card = people.holds("bob")
    out, into = asked(people)
    first = presentation_for(people, "bob", into, card)
    second = presentation_for(people, "bob", into, card)
    sends(people, "bob", "alice", first)
    verdict = verdict_of(people, out)
    assert verdict.state is RequestState.VERIFIED
    for content in (first, second, CredentialAnswer(out.id, 0, "", b"")):
        sends(people, "bob", "alice", content)
        people.world.crash("alice")
        people.world.connect("alice", "bob")
        people.world.run(10)
    assert verdict_of(people, out) == verdict
    assert len(people.verdicts("alice")) == 1
    assert people.notes("alice").count("credential-answer-again") == 3


def test_a_nonce_is_burned_even_where_the_record_says_it_is_open(people: People) -> None:
    card = people.holds("bob")
    out, into = asked(people)
    requests = people.world.seats["alice"].node._exchange.requests
    record = requests.outgoing(out.id)
    assert record is not None
    with people.world.seats["alice"].store.transaction():
        requests.save(record, burned=1)
    people.answers("bob", into.id, card)
    people.world.run(10)
    assert verdict_of(people, out).rule == "nonce-used"


@pytest.mark.parametrize(
    "other",
    [
        {"context": session_context(SessionId(bytes(16)))},
        {"verifier": bytes(32)},
    ],
)
def test_a_proof_for_another_session_or_verifier_is_refused(
    people: People, other: dict[str, Any]
) -> None:
    card = people.holds("bob")
    out, into = asked(people)
    sends(people, "bob", "alice", presentation_for(people, "bob", into, card, **other))
    verdict = verdict_of(people, out)
    assert (verdict.state, verdict.rule, verdict.claims) == (RequestState.REFUSED, "audience", ())


def test_a_proof_for_another_purpose_is_refused(people: People) -> None:
    card = people.holds("bob")
    out, into = asked(people)
    record = people.world.seats["bob"].node._exchange.requests.incoming(into.id)
    assert record is not None
    bent = record.asked()
    bent = type(bent)(
        bent.request_id, bent.nonce, bent.made_at_s, bent.expires_at_s, "a contract",
        bent.kinds, bent.elements,
    )  # fmt: skip
    content = presentation_for(people, "bob", into, card, content=encode_content(bent))
    sends(people, "bob", "alice", content)
    assert verdict_of(people, out).rule == "audience"


def test_a_relay_cannot_pass_on_what_was_shown_to_it(make_world: MakeWorld) -> None:
    """Mallory asks Bob what Alice asked her, word for word, and gives his answer as hers."""
    people = People(make_world("alice", "bob", "mallory"))
    world = people.world
    for a, b in (("alice", "mallory"), ("mallory", "bob")):
        world.connect(a, b)
        world.befriend(a, b)
        world.run(10)
    people.trusts("alice")
    card = people.holds("bob")
    out = people.asks("alice", "mallory")
    world.run(10)
    record = world.seats["mallory"].node._exchange.requests.incoming(out.id)
    assert record is not None
    question = decode_content(record.content)
    assert isinstance(question, CredentialRequest)
    sends(people, "mallory", "bob", question)
    (into,) = people.asked_of("bob")
    assert into.contact == world.seats["mallory"].account
    made = presentation_for(people, "bob", into, card)
    sends(people, "mallory", "alice", made)
    verdict = verdict_of(people, out)
    assert (verdict.state, verdict.rule, verdict.claims) == (RequestState.REFUSED, "audience", ())


def test_an_answer_from_another_contact_leaves_the_question_open(make_world: MakeWorld) -> None:
    people = People(make_world("alice", "bob", "mallory"))
    world = people.world
    for guest in ("bob", "mallory"):
        world.connect("alice", guest)
        world.befriend("alice", guest)
        world.run(10)
    people.trusts("alice")
    card = people.holds("bob")
    out, into = asked(people)
    made = presentation_for(people, "bob", into, card)
    sends(people, "mallory", "alice", made)
    sends(people, "mallory", "alice", CredentialAnswer(out.id, 0, "", b""))
    assert people.notes("alice").count("credential-answer-foreign") == 2
    assert isinstance(people.view("alice", out.id, outgoing=True).verdict, NoVerdict)
    sends(people, "bob", "alice", made)
    assert verdict_of(people, out).state is RequestState.VERIFIED


def test_an_answer_to_no_question_is_nothing(people: People) -> None:
    sends(people, "bob", "alice", CredentialAnswer(bytes(16), 1, KIND[1], b"x"))
    sends(people, "bob", "alice", CredentialOutcome(bytes(16), 1, ""))
    assert people.notes("alice").count("credential-answer-foreign") == 1
    assert people.notes("alice").count("credential-outcome-foreign") == 1
    assert people.all("alice") == ()


def test_an_answer_after_its_time_is_refused(people: People) -> None:
    card = people.holds("bob")
    out, into = asked(people, lifetime_s=600.0)
    made = presentation_for(people, "bob", into, card)
    people.world.run(700)
    for _ in range(3):
        sends(people, "bob", "alice", made)
    assert verdict_of(people, out).state is RequestState.EXPIRED
    assert people.notes("alice").count("credential-answer-late") == 3
    assert people.notes("bob").count("credential-outcome-foreign") == 1, "it is told once"


def test_an_answer_older_than_its_question_is_refused(people: People) -> None:
    card = people.holds("bob")
    out, into = asked(people)
    people.world.now_s -= 2_000
    made = presentation_for(people, "bob", into, card)
    people.world.now_s += 2_000
    sends(people, "bob", "alice", made)
    assert verdict_of(people, out).rule == "key-binding-time"


def test_a_kind_that_was_not_asked_for_is_refused(people: People) -> None:
    out, _ = asked(people)
    sends(people, "bob", "alice", CredentialAnswer(out.id, 2, MDL[1], b"x"))
    assert verdict_of(people, out).rule == "credential-type"


@pytest.mark.parametrize("presentation", [b"x", b"~", b"\xff" * 500, b"e30.e30.AA~"])
def test_bytes_that_are_no_presentation_are_a_verdict(people: People, presentation: bytes) -> None:
    out, _ = asked(people)
    sends(people, "bob", "alice", CredentialAnswer(out.id, 1, KIND[1], presentation))
    assert verdict_of(people, out).state is RequestState.REFUSED


def test_an_outcome_of_somebody_else_is_not_believed(people: People) -> None:
    card = people.holds("bob")
    out, into = asked(people)
    sends(people, "alice", "bob", CredentialOutcome(out.id, 1, ""))
    assert people.view("bob", into.id, outgoing=False).state is RequestState.OPEN
    people.answers("bob", into.id, card)


def test_who_pesters_is_heard_eight_times(people: People) -> None:
    for _ in range(OPEN_PER_CONTACT_MAX + 3):
        people.asks("alice", "bob")
    people.world.run(10)
    assert len(people.asked_of("bob")) == OPEN_PER_CONTACT_MAX
    assert people.notes("bob").count("credential-request-too-many") == 3


@pytest.mark.parametrize(
    ("made", "ends"), [(NOW - 900, NOW - 60), (NOW + 9 * DAY, NOW + 10 * DAY), (NOW, NOW + 8 * DAY)]
)
def test_a_question_out_of_time_is_let_go(people: People, made: int, ends: int) -> None:
    question = CredentialRequest(bytes(16), bytes(16), made, ends, "", (), ("sex",))
    sends(people, "alice", "bob", question)
    assert people.asked_of("bob") == []
    assert "credential-request-over" in people.notes("bob")


def test_a_question_that_came_twice_is_one(people: People) -> None:
    question = CredentialRequest(bytes(16), bytes(16), NOW, NOW + DAY, "", (), ("sex",))
    for _ in range(2):
        sends(people, "alice", "bob", question)
    assert len(people.asked_of("bob")) == 1


# --- what cannot be asked or answered ------------------------------------------------------------
def test_what_cannot_be_asked_is_said(people: People) -> None:
    def said(contact: bytes, **changes: Any) -> Any:
        question = people.question(**changes)
        return people.refused("alice", CredentialAsked(people.id(), contact, question))

    bob = people.world.seats["bob"].account
    assert isinstance(said(bytes(32)), UnknownName)
    assert isinstance(said(bob, lifetime_s=8.0 * DAY), InvalidInput)
    assert isinstance(said(bob, kinds=(("jpeg", "x"),)), InvalidInput)
    assert isinstance(said(bob, elements=("sex", "sex")), InvalidInput)
    assert isinstance(said(bob, purpose="x" * 300), InvalidInput)
    people.world.command("alice", ContactBlocked(people.id(), bob, blocked=True))
    assert isinstance(said(bob), Conflict)


def test_a_contact_without_prekeys_cannot_be_asked(make_world: MakeWorld) -> None:
    people = People(make_world("alice", "bob"))
    link = people.world.invite("bob").short_link
    people.world.command("alice", ContactAddRequested(people.id(), link, "bob"))
    command = CredentialAsked(people.id(), people.world.seats["bob"].account, people.question())
    assert isinstance(people.refused("alice", command), NotReady)


def test_only_what_was_asked_agreed_to_and_is_there_is_shown(people: People) -> None:
    card = people.holds("bob")
    key = new_key()
    other = people.holds("bob", people.issuer.mdoc(key), key)
    _, into = asked(people, elements=("age_over_18", "sex"))
    (choice,) = into.choices
    assert (choice.has, choice.lacks) == (("age_over_18",), ("sex",))
    for credential, elements, kind in (
        (card, ("sex",), InvalidInput),
        (card, ("given_name",), InvalidInput),
        (card, (), InvalidInput),
        (other, ("age_over_18",), InvalidInput),
        (bytes(16), ("age_over_18",), UnknownName),
    ):
        command = people.answering(into.id, credential, elements=elements)
        assert isinstance(people.refused("bob", command), kind)
    assert isinstance(people.refused("bob", people.answering(bytes(16), card)), UnknownName)
    frames = people.answering(into.id, card, as_frames=1)
    assert isinstance(people.refused("bob", frames), InvalidInput)


def test_an_answer_too_large_for_an_envelope_says_so(people: People) -> None:
    key = new_key()

    def with_portrait(case: Any) -> None:
        case.payload["_sd"].append(case.hide("salt-9", "picture", "A" * 70_000))

    card = people.holds("bob", people.issuer.sd_jwt(key, with_portrait), key)
    _, into = asked(people, elements=("picture",))
    command = people.answering(into.id, card, elements=("picture",))
    assert isinstance(people.refused("bob", command), TooLarge)
    assert people.view("bob", into.id, outgoing=False).state is RequestState.OPEN


# --- unlinkability -------------------------------------------------------------------------------
def test_a_copy_is_shown_to_one_verifier_only(make_world: MakeWorld) -> None:
    people = People(make_world("alice", "bob", "carol"))
    world = people.world
    for verifier in ("alice", "carol"):
        world.connect(verifier, "bob")
        world.befriend(verifier, "bob")
        world.run(10)
        people.trusts(verifier)
    card = people.holds("bob")
    for verifier, times in (("alice", 2), ("carol", 1)):
        for _ in range(times):
            out = people.asks(verifier, "bob")
            world.run(10)
            command = people.answering(out.id, card)
            if verifier == "alice":
                people.do("bob", command, object)
                world.run(10)
                assert verdict_of(people, out).state is RequestState.VERIFIED
                continue
            (choice,) = people.view("bob", out.id, outgoing=False).choices
            assert not choice.fresh
            said = people.refused("bob", command)
            assert isinstance(said, Conflict)
            assert "--reuse-copy" in str(said)
            people.answers("bob", out.id, card, reuse=1)
            world.run(10)
            assert verdict_of(people, out, "carol").state is RequestState.VERIFIED


def test_each_of_a_batch_serves_one_verifier(make_world: MakeWorld) -> None:
    people = People(make_world("alice", "bob", "carol"))
    world = people.world
    for verifier in ("alice", "carol"):
        world.connect(verifier, "bob")
        world.befriend(verifier, "bob")
        world.run(10)
        people.trusts(verifier)
    card = people.holds("bob", people.issuer.bundle(3))
    seen = []
    for verifier in ("alice", "carol"):
        out = people.asks(verifier, "bob")
        world.run(10)
        (into,) = [view for view in people.asked_of("bob") if view.id == out.id]
        made = presentation_for(people, "bob", into, card)
        seen.append(made.presentation.split(b"~")[0])
        sends(people, "bob", verifier, made)
        assert verdict_of(people, out, verifier).state is RequestState.VERIFIED
    assert seen[0] != seen[1]
    (view,) = people.world.seats["bob"].node._exchange.wallet.all()
    assert (view.copies, view.copies_left) == (3, 1)


# --- keys ----------------------------------------------------------------------------------------
def test_a_credential_that_is_removed_leaves_no_key(people: People) -> None:
    card = people.holds("bob")
    people.do("bob", CredentialRemoved(people.id(), card), CredentialList)
    assert people.stored("bob", DocumentKind.CREDENTIAL) == []
    assert isinstance(people.refused("bob", CredentialRemoved(people.id(), card)), UnknownName)


def test_keys_are_in_nothing_that_is_told(people: People) -> None:
    key = new_key()
    people.holds("bob", people.issuer.sd_jwt(key), key)
    number = key.private_numbers().private_value
    _, into = asked(people)
    told = repr(people.world.seats["bob"].notices) + repr(people.world.seats["bob"].answers)
    assert str(number) not in told
    assert f"{number:x}" not in told
    assert "PRIVATE KEY" not in told
    assert into.choices
