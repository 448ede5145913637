"""Neighbours that lie, flood, stall and storm: each defence of records, attacked."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from p2p.core.records.link import ANSWERS_WAITING_MAX
from p2p.crypto.record_signature import author_seed_of, sign_record
from p2p.wire.frames import (
    Credit,
    RecordAnswer,
    RecordFate,
    RecordOffer,
    RecordPart,
    RecordReason,
    RecordWant,
    RecordWish,
)
from p2p.wire.ids import PeerId, RecordId
from p2p.wire.limits import (
    RECORD_BODY_MAX_BYTES,
    RECORD_OFFERS_OUTSTANDING_MAX,
    RECORD_OFFERS_PER_FRAME_MAX,
    RECORD_PART_SIZE_BYTES,
)
from p2p.wire.record import RecordHeader, encode_record_header, record_id
from tests.core.records.worlds import (
    DAY_S,
    NOTES,
    STATUS_LIST,
    Stage,
    keeps,
    offer,
    own,
    parts_of,
    signed,
    wishes_in,
)
from tests.core.world import START_S

TAKEN = RecordReason.TAKEN
PART = RECORD_PART_SIZE_BYTES
BIG = bytes(RECORD_BODY_MAX_BYTES)


def memory_bytes(stage: Stage) -> int:
    return stage.seat.node._record_sync.fetching._partials._used()


# --- forgeries -----------------------------------------------------------------------------------
def test_a_forged_signature_is_a_strike_and_the_third_the_end() -> None:
    stage = Stage()
    mallory = stage.meet()
    for number in range(3):
        forged = signed("alice", version=number, signature=bytes(64))
        assert stage.sent_away == []
        assert stage.offer(mallory, forged) == []
        assert not keeps(stage, forged)
    assert stage.sent_away == [mallory]
    assert stage.notes.count("peer-refused") == 3


@pytest.mark.parametrize("data", [b"\x9a", b"\x00", b"\x9a\x01" + bytes(100)])
def test_what_is_no_header_is_a_strike(data: bytes) -> None:
    stage = Stage()
    mallory = stage.meet()
    assert stage.say(mallory, RecordOffer((data,))) == []
    assert stage.notes == ["peer-refused"]


def test_a_later_format_is_passed_over_and_the_rest_is_read() -> None:
    stage = Stage()
    peer = stage.meet()
    later = bytearray(encode_record_header(signed("alice")))
    later[1] = 2
    good = encode_record_header(signed("bob"))
    frames = stage.say(peer, RecordOffer((bytes(later), good)))
    assert stage.fates(frames) == [RecordReason.WAITING]
    assert stage.notes == ["record-format-unknown"]


def test_another_body_is_a_strike_and_the_true_one_still_comes() -> None:
    stage = Stage()
    mallory, honest = stage.meet("mallory"), stage.meet("honest")
    header = signed("alice", b"true")
    assert stage.bring(mallory, header, b"lies") is RecordReason.REFUSED
    assert stage.notes == ["peer-refused"]
    assert not keeps(stage, header)
    assert stage.bring(honest, header, b"true") is TAKEN


def test_a_poisoned_beginning_costs_one_more_round_and_no_honest_neighbour() -> None:
    stage = Stage()
    body = b"a" * PART + b"b" * PART
    header = signed("alice", body)
    mallory, honest = stage.meet("mallory"), stage.meet("honest")
    wishes = wishes_in(stage.say(mallory, offer(header)))
    assert [(wish.first, wish.parts) for wish in wishes] == [(0, 2)]
    stage.say(mallory, RecordPart(record_id(header), 0, b"x" * PART))
    assert stage.offer(honest, header) == [RecordReason.WAITING]
    wishes = wishes_in(stage.part(mallory))
    assert [wish.first for wish in wishes] == [1]  # goes on where mallory stopped
    frames = stage.say(honest, *parts_of(wishes[0], {RecordId(wishes[0].id): body}))
    assert stage.notes[-1] == "record-body-mixed"
    assert [wish.first for wish in wishes_in(frames)] == [0]
    frames = stage.serve(honest, frames, {record_id(header): body})
    assert stage.fates(frames) == [RecordReason.TAKEN]
    assert stage.sent_away == []


def test_what_did_not_hold_once_comes_from_one_neighbour_only() -> None:
    stage = Stage()
    body = b"a" * PART + b"b" * PART
    header = signed("alice", body)
    record = record_id(header)
    mallory, second = stage.meet("mallory"), stage.meet("second")
    stage.say(mallory, offer(header))
    stage.say(mallory, RecordPart(record, 0, b"x" * PART))
    stage.say(second, offer(header))
    stage.part(mallory)
    stage.say(second, RecordPart(record, 1, b"b" * PART))
    stage.say(second, RecordPart(record, 0, b"a" * PART))
    stage.part(second)
    third = stage.meet("third")
    frames = stage.say(third, offer(header))
    assert [wish.first for wish in wishes_in(frames)] == [0]
    assert stage.fates(stage.serve(third, frames, {record: body})) == [RecordReason.TAKEN]


def test_parts_that_nobody_asked_for() -> None:
    stage = Stage()
    mallory = stage.meet()
    stage.say(mallory, RecordPart(bytes(32), 0, b"x"))
    assert stage.notes == ["peer-refused"]
    body = bytes(8 * PART)
    header = signed("alice", body)
    [wish] = wishes_in(stage.say(mallory, offer(header)))
    assert wish.parts == 2
    parts = [RecordPart(wish.id, number, bytes(PART)) for number in range(8)]
    stage.say(mallory, parts[5])
    assert stage.notes[1:] == ["record-part-passed-over"]
    stage.say(mallory, RecordPart(wish.id, 0, b"short"))
    assert stage.notes[2:] == ["peer-refused"]


def test_parts_that_come_before_they_are_asked_for_do_no_harm() -> None:
    stage = Stage()
    mallory = stage.meet()
    [wish] = wishes_in(stage.say(mallory, offer(signed("alice", bytes(8 * PART)))))
    stage.say(mallory, *(RecordPart(wish.id, number, bytes(PART)) for number in range(8)))
    assert stage.notes[0] == "record-taken"


def test_a_header_that_lies_about_the_size_of_a_known_body() -> None:
    stage = Stage()
    mallory = stage.meet()
    assert stage.bring(mallory, signed("a", b"list", kind=STATUS_LIST), b"list") is TAKEN
    honest = signed("b", b"list", kind=STATUS_LIST, expires_s=START_S + 60 * DAY_S)
    seed = author_seed_of(b"b".ljust(32))
    liar = sign_record(seed, replace(honest, size_bytes=5))
    [wish] = wishes_in(stage.say(mallory, offer(liar)))
    stage.say(mallory, RecordPart(wish.id, 0, b"list!"))
    assert stage.notes[-1] == "peer-refused"
    assert not keeps(stage, liar)


# --- stalls --------------------------------------------------------------------------------------
def test_an_offer_that_is_never_served_holds_up_nobody() -> None:
    stage = Stage()
    mallory, honest = stage.meet("mallory"), stage.meet("honest")
    header = signed("alice")
    assert len(wishes_in(stage.say(mallory, offer(header)))) == 1
    assert wishes_in(stage.say(honest, offer(header))) == []
    said = stage.wait(61.0)
    assert len(wishes_in(said)) == 1
    assert stage.said[-1][0] == honest
    assert stage.fates(stage.serve(honest, said, {record_id(header): b"body"})) == [
        RecordReason.TAKEN
    ]


def test_who_never_serves_is_asked_five_times_more_and_costs_nothing_then() -> None:
    stage = Stage()
    mallory = stage.meet()
    stage.say(mallory, offer(signed("alice", BIG)))
    assert memory_bytes(stage) == RECORD_BODY_MAX_BYTES
    assert len(wishes_in(stage.wait(10.0 * DAY_S))) == 5
    assert memory_bytes(stage) == 0


def test_a_neighbour_that_has_it_no_more_is_passed_over_for_the_next() -> None:
    stage = Stage()
    first, second = stage.meet("first"), stage.meet("second")
    header = signed("alice")
    stage.say(first, offer(header))
    stage.say(second, offer(header))
    gone = RecordAnswer((RecordFate(record_id(header), int(RecordReason.GONE)),))
    [wish] = wishes_in(stage.say(first, gone))
    assert stage.said[-1][0] == second
    assert RecordId(wish.id) == record_id(header)


def giants(stage: Stage, count: int) -> list[tuple[PeerId, RecordHeader]]:
    found = []
    for number in range(count):
        peer = stage.meet(f"giant{number}")
        header = signed(f"author{number}", b"%04d" % number + BIG[4:], kind=STATUS_LIST)
        stage.say(peer, offer(header))
        found.append((peer, header))
    return found


def test_giants_that_never_finish_fill_neither_memory_nor_the_contacts_room() -> None:
    stage = Stage()
    giants(stage, 12)
    assert memory_bytes(stage) == 3 * RECORD_BODY_MAX_BYTES
    friend = stage.meet("friend")
    stage.befriend(friend)
    header = signed("alice", b"a" * RECORD_BODY_MAX_BYTES)
    assert len(wishes_in(stage.say(friend, offer(header)))) == 1
    assert memory_bytes(stage) == stage.config.records.partials_max_bytes


def test_a_trickle_is_cut_off_when_others_wait() -> None:
    stage = Stage()
    slow = giants(stage, 3)
    honest = stage.meet("honest")
    header = signed("alice", b"small enough" * 1_000)
    assert wishes_in(stage.say(honest, offer(header))) == []
    said = []
    for number in range(30):  # a part each 40 s: never silent, never done
        for peer, giant in slow:
            said += stage.say(peer, RecordPart(record_id(giant), number, bytes(PART)))
        said += stage.wait(40.0)
    bodies = {record_id(header): b"small enough" * 1_000}
    wish = [wish for wish in wishes_in(said) if RecordId(wish.id) == record_id(header)][-1]
    assert stage.fates(stage.say(honest, *parts_of(wish, bodies))) == [RecordReason.TAKEN]
    cut = [link for link in stage.seat.node._record_sync._links.values() if link.slow_until_s]
    assert len(cut) == 1
    again = cut[0].neighbour.peer
    late = signed("late", b"x")
    assert wishes_in(stage.say(again, offer(late))) == []
    assert RecordId(wishes_in(stage.wait(700.0))[-1].id) == record_id(late)


def test_bodies_begun_that_nobody_sends_are_few_and_leave_first() -> None:
    stage = Stage()
    for number in range(70):
        peer = stage.meet(f"m{number}")
        body = bytes(4 * PART)
        header = signed(f"a{number}", body)
        [wish] = wishes_in(stage.say(peer, offer(header)))
        stage.say(peer, RecordPart(wish.id, 0, bytes(PART)))
        stage.part(peer)
    assert memory_bytes(stage) == 64 * PART
    for number in range(3):
        peer = stage.meet(f"giant{number}")
        stage.say(peer, offer(signed(f"giant{number}", b"%d" % number + BIG[1:])))
    assert memory_bytes(stage) <= stage.config.records.partials_max_bytes


# --- storms --------------------------------------------------------------------------------------
def sent_bytes(stage: Stage) -> int:
    return sum(len(frame.data) for _, frame in stage.said if isinstance(frame, RecordPart))


def test_a_want_storm_gets_two_bodies_and_no_more() -> None:
    stage = Stage()
    record = own(stage, BIG)
    mallory = stage.meet()
    busy = 0
    for number in range(200):
        frames = stage.say(mallory, RecordWant((RecordWish(record, 16 * number % 256, 16),)))
        stage.pay(mallory, frames)
        busy += stage.fates(frames).count(RecordReason.BUSY)
    assert sent_bytes(stage) == 2 * RECORD_BODY_MAX_BYTES + 16 * PART
    assert busy == 200 - 33


def test_a_want_storm_without_credit_waits_in_a_bounded_queue() -> None:
    stage = Stage()
    records = [own(stage, bytes(64 * PART), b"%d" % number) for number in range(10)]
    mallory = stage.meet(window=131_200)
    frames = []
    for record in records:
        for first in (0, 16, 32, 48):
            frames += stage.say(mallory, RecordWant((RecordWish(record, first, 16),)))
    link = stage.seat.node._record_sync._links[mallory]
    assert len(link.serving) <= 256
    assert sent_bytes(stage) <= 131_200


def test_what_a_peer_was_served_outlives_its_link() -> None:
    stage = Stage(served_burst_bytes=8 * PART, served_bytes_per_s=1)
    record = own(stage, bytes(4 * PART))
    for _ in range(5):
        mallory = stage.meet()
        stage.say(mallory, RecordWant((RecordWish(record, 0, 4),)))
        stage.part(mallory)
    assert sent_bytes(stage) == 8 * PART
    other = stage.meet("other")
    stage.say(other, RecordWant((RecordWish(record, 0, 4),)))
    assert sent_bytes(stage) == 12 * PART


def test_accounts_of_peers_are_bounded() -> None:
    stage = Stage()
    sync = stage.seat.node._record_sync
    sync._accounts.update({PeerId(str(n)): None for n in range(1_024)})  # type: ignore[dict-item]
    stage.meet()
    assert len(sync._accounts) == 1_024


def test_only_what_was_offered_may_be_wanted() -> None:
    stage = Stage()
    mallory = stage.meet()
    frames = stage.say(mallory, RecordWant((RecordWish(b"\x07" * 32, 0, 16),)))
    assert stage.fates(frames) == [RecordReason.GONE]


def test_a_wish_beyond_the_end_is_a_violation() -> None:
    stage = Stage()
    record = own(stage, bytes(PART))
    mallory = stage.meet()
    stage.say(mallory, RecordWant((RecordWish(record, 1, 1),)))
    assert stage.notes == ["peer-refused"]


def test_a_record_that_left_meanwhile_is_gone() -> None:
    stage = Stage()
    record = own(stage, bytes(200 * PART))
    mallory = stage.meet(window=131_200)
    stage.say(mallory, RecordWant((RecordWish(record, 0, 16),)))
    assert 0 < sent_bytes(stage) < 16 * PART
    with stage.seat.store.transaction():
        stage.seat.node.records.withdraw(NOTES, b"own")
    frames = stage.say(mallory, Credit(131_200))
    assert stage.fates(stage.step() + frames) == [RecordReason.GONE]


def test_an_offer_flood_waits_in_a_bounded_list_and_the_rest_is_refused() -> None:
    stage = Stage()
    mallory = stage.meet()
    fates = []
    for first in range(0, 640, RECORD_OFFERS_PER_FRAME_MAX):
        numbers = range(first, first + RECORD_OFFERS_PER_FRAME_MAX)
        frames = stage.say(
            mallory, offer(*(signed("a", b"b", version=0, name=b"%d" % n, kind=3) for n in numbers))
        )
        fates += stage.fates(frames)
    waiting = fates.count(RecordReason.WAITING)
    assert waiting <= RECORD_OFFERS_OUTSTANDING_MAX + 2
    assert fates.count(RecordReason.FULL) == 640 - waiting


def test_who_takes_no_answers_is_sent_away() -> None:
    stage = Stage()
    mallory = stage.meet(window=131_200)
    stage.seat.node._record_sync._links[mallory].neighbour.credit_out = 0
    rounds = 0
    while not stage.sent_away:
        rounds += 1
        wishes = tuple(
            RecordWish(rounds.to_bytes(16, "big") + bytes([n] * 16), 0, 1) for n in range(16)
        )
        stage.say(mallory, RecordWant(wishes))
        assert rounds <= ANSWERS_WAITING_MAX // 16 + 1
    assert stage.sent_away == [mallory]


def test_signatures_are_checked_at_a_rate_that_outlives_the_link() -> None:
    stage = Stage(judged_burst=4, judged_per_s=1.0)
    fates = []
    for number in range(8):
        mallory = stage.meet()
        fates += stage.offer(mallory, signed("a", b"x", name=b"%d" % number))
        stage.part(mallory)
    assert fates == [RecordReason.WAITING] * 4 + [RecordReason.FULL] * 4
    stage.wait(2.0)
    assert stage.offer(stage.meet(), signed("a", b"x", name=b"9")) == [RecordReason.WAITING]


def test_answers_of_our_own_are_not_asked_for_without_end() -> None:
    stage = Stage()
    own(stage, b"body")
    stage.meet()
    said = stage.wait(10.0 * DAY_S)
    assert sum(isinstance(frame, RecordOffer) for frame in said) == 5
