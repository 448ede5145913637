"""The records at one node: publishing, tiers by neighbour, bounds, and rare turns."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from p2p.core.config import NodeConfig, RecordConfig
from p2p.core.events import ContactBlocked
from p2p.core.records.link import REMEMBERED_MAX, Fetch
from p2p.core.records.reader import CarriesAll, Verdict
from p2p.core.records.records import UNWANTED_MAX
from p2p.core.records.sync import record_config
from p2p.errors import Conflict, InvalidInput, TooLarge
from p2p.ports.store import RecordRow, RecordTier
from p2p.wire.frames import (
    Accepts,
    Credit,
    RecordAnswer,
    RecordFate,
    RecordOffer,
    RecordPart,
    RecordReason,
    RecordWant,
    RecordWish,
    Taken,
    encode_frame,
)
from p2p.wire.ids import RecordId
from p2p.wire.limits import (
    RECORD_BODY_MAX_BYTES,
    RECORD_LIFETIME_MAX_S,
    RECORD_NAME_MAX_BYTES,
    RECORD_OFFERS_OUTSTANDING_MAX,
    RECORD_PART_SIZE_BYTES,
    RECORD_VERSION_MAX,
)
from p2p.wire.record import encode_record_header, record_id
from tests.core.records.worlds import (
    DAY_S,
    NOTES,
    STATUS_LIST,
    Reader,
    Stage,
    held,
    parts_of,
    publish,
    signed,
    wishes_in,
)
from tests.core.world import START_S, World

MakeWorld = Callable[..., World]
PART = RECORD_PART_SIZE_BYTES


def put(
    stage: Stage,
    body: bytes = b"body",
    *,
    kind: int = NOTES,
    name: bytes = b"own",
    version: int = 0,
    expires_s: float = START_S + DAY_S,
) -> RecordRow:
    with stage.seat.store.transaction():
        return stage.seat.node.records.publish(kind, name, version, body, expires_s, stage.now_s)


# --- publishing ----------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": 0},
        {"kind": 256},
        {"name": b""},
        {"name": bytes(RECORD_NAME_MAX_BYTES + 1)},
        {"version": -1},
        {"version": RECORD_VERSION_MAX + 1},
        {"expires_s": START_S},
        {"expires_s": START_S + RECORD_LIFETIME_MAX_S + 1},
    ],
    ids=str,
)
def test_a_field_out_of_its_bounds_is_refused(wrong: dict) -> None:
    stage = Stage()
    with pytest.raises(InvalidInput):
        put(stage, **wrong)
    assert list(stage.seat.store.records()) == []


@pytest.mark.parametrize(
    "right",
    [
        {"kind": 1},
        {"kind": 255},
        {"name": bytes(RECORD_NAME_MAX_BYTES)},
        {"version": RECORD_VERSION_MAX},
        {"expires_s": START_S + 1},
        {"expires_s": START_S + RECORD_LIFETIME_MAX_S},
    ],
    ids=str,
)
def test_a_field_at_its_bounds_is_taken(right: dict) -> None:
    stage = Stage()
    row = put(stage, **right)
    assert stage.seat.node.records.row(row.id) == row


@pytest.mark.parametrize("size", [0, RECORD_BODY_MAX_BYTES + 1])
def test_a_body_has_a_size(size: int) -> None:
    with pytest.raises(TooLarge, match="4,194,304"):
        put(Stage(), bytes(size))


def test_own_records_have_their_room_and_are_never_evicted() -> None:
    stage = Stage(own_max_count=2, own_max_bytes=100)
    put(stage, bytes(50), name=b"1")
    put(stage, bytes(50), name=b"2")
    for name in (b"3", b"1"):
        with pytest.raises(TooLarge, match="withdraw"):
            put(stage, bytes(51), name=name, version=1)
    put(stage, bytes(49), name=b"1", version=1)
    assert stage.seat.node.records.used(RecordTier.OWN).size_bytes == 99


def test_versions_only_go_up() -> None:
    stage = Stage()
    row = put(stage, b"five", version=5)
    assert put(stage, b"five", version=5) == row
    for body, version in ((b"other", 5), (b"four", 4)):
        with pytest.raises(Conflict, match="newer version"):
            put(stage, body, version=version)
    records = stage.seat.node.records
    assert records.next_version(NOTES, b"own") == 6
    assert records.body(row.id) == b"five"
    assert records.get(row.key.author, NOTES, b"nothing") is None
    newer = put(stage, b"six", version=6)
    assert records.all(NOTES) == [newer]
    assert records.all(STATUS_LIST) == []
    assert records.body(row.id) is None


def test_an_older_expiry_of_a_replaced_record_ends_nothing() -> None:
    stage = Stage()
    put(stage, b"short", expires_s=START_S + 10)
    newer = put(stage, b"long", version=1, expires_s=START_S + 1_000)
    stage.wait(100.0)
    assert newer.id in stage.seat.node.records


# --- whose record it is --------------------------------------------------------------------------
def test_what_contacts_nodes_bring_is_kept_apart_until_they_are_blocked(
    make_world: MakeWorld,
) -> None:
    world = make_world("alice", "bob")
    world.befriend("alice", "bob")
    world.connect("alice", "bob")
    world.run(60.0)
    first = publish(world, "bob", b"from a friend")
    world.run(10.0)
    alice = world.seats["alice"]
    kept = alice.node.records.row(first.id)
    assert kept is not None
    assert kept.tier is RecordTier.CONTACT
    world.command(
        "alice", ContactBlocked(world.next_command(), world.seats["bob"].account, blocked=True)
    )
    world.disconnect("alice", "bob")
    world.run(1.0)
    world.connect("alice", "bob")
    second = publish(world, "bob", b"from a blocked one", record=b"second")
    world.run(10.0)
    kept = alice.node.records.row(second.id)
    assert kept is not None
    assert kept.tier is RecordTier.STRANGER
    assert held(world, "alice", first) == b"from a friend"


def test_contacts_have_room_of_their_own() -> None:
    stage = Stage(contacts_max_count=2)
    friend = stage.meet("friend")
    stage.befriend(friend)
    mallory = stage.meet("mallory")
    stranger = signed("s", b"s")
    assert stage.bring(mallory, stranger, b"s") is RecordReason.TAKEN
    for number in range(4):
        body = b"%d" % number
        assert stage.bring(friend, signed(f"a{number}", body), body) is RecordReason.TAKEN
    records = stage.seat.node.records
    assert records.used(RecordTier.CONTACT).count == 2
    assert record_id(stranger) in records


def test_who_carries_nothing_for_strangers_has_no_room_for_their_records() -> None:
    assert record_config(NodeConfig()) == RecordConfig()
    assert record_config(NodeConfig(carry_for_strangers=0)).strangers_max_count == 0


def test_a_node_that_understands_nothing_carries_all() -> None:
    stage = Stage()
    stage.seat.node.records.reader = CarriesAll()
    body = b"anything"
    header = signed("a", body, kind=STATUS_LIST)
    assert stage.bring(stage.meet(), header, body) is RecordReason.TAKEN
    with stage.seat.store.transaction():
        assert stage.seat.node.records.rejudge(stage.now_s) == []


def test_a_list_that_becomes_verified_may_push_out_another() -> None:
    stage = Stage(verified_max_count=1)
    reader = Reader()
    records = stage.seat.node.records
    records.reader = reader
    peer = stage.meet()
    for body in (b"V1", b"V2"):
        header = signed(str(body), body, kind=STATUS_LIST)
        assert stage.bring(peer, header, body) is RecordReason.TAKEN
    reader.verdicts = {b"V": Verdict.KEEP_VERIFIED}
    with stage.seat.store.transaction():
        effects = records.rejudge(stage.now_s)
    assert records.used(RecordTier.VERIFIED).count == 1
    assert len(effects) == 2
    assert len(list(stage.seat.store.records())) == 1


def test_what_is_unwanted_is_remembered_within_bounds() -> None:
    records = Stage().seat.node.records
    for number in range(UNWANTED_MAX + 10):
        records._remember_unwanted(RecordId(number.to_bytes(32, "big")), RecordReason.FULL)
    assert len(records._unwanted) == UNWANTED_MAX


# --- what is on its way --------------------------------------------------------------------------
def test_who_does_not_ask_for_records_is_sent_none() -> None:
    stage = Stage()
    put(stage, name=b"before")
    old = stage.meet(accepts=int(Accepts.MAIL))
    put(stage, name=b"after")
    stage.step()
    stage.wait(1_000.0)
    assert {type(frame).__name__ for _, frame in stage.said} == {"Hello"}
    assert stage.bring(old, signed("a"), b"body") is RecordReason.TAKEN


def test_more_records_than_may_be_unanswered_come_all_the_same(make_world: MakeWorld) -> None:
    world = make_world("alice", "bob")
    count = 2 * RECORD_OFFERS_OUTSTANDING_MAX + 40
    alice = world.seats["alice"]
    records = alice.node.records
    records._quota.config = RecordConfig(own_max_count=count)
    world.seats["bob"].node.records._quota.config = RecordConfig(author_max_count=count)
    with alice.store.transaction():
        for number in range(count):
            name = number.to_bytes(2, "big")
            records.publish(NOTES, name, 0, b"body", START_S + DAY_S, START_S)
    world.connect("alice", "bob")
    world.run(600.0)
    assert len(list(world.seats["bob"].store.records())) == count


def test_a_neighbour_that_never_answers_is_offered_no_more() -> None:
    stage = Stage(own_max_count=1_000)
    for number in range(RECORD_OFFERS_OUTSTANDING_MAX):
        put(stage, name=number.to_bytes(2, "big"))
    peer = stage.meet()
    put(stage, name=b"late")
    offers = [frame for frame in stage.step() if isinstance(frame, RecordOffer)]
    assert offers == []  # enough are unanswered
    stage.wait(10 * DAY_S)
    link = stage.seat.node._record_sync._links[peer]
    assert not link.offers
    assert not link.to_offer
    assert stage.sent_away == []  # mail goes on


def test_an_answer_that_promises_holds_its_place() -> None:
    stage = Stage(own_max_count=1_000)
    rows = [put(stage, name=number.to_bytes(2, "big")) for number in range(300)]
    peer = stage.meet()
    offered = [row for row in rows if row.id in stage.seat.node._record_sync._links[peer].offers]
    assert len(offered) == RECORD_OFFERS_OUTSTANDING_MAX

    def tell(reason: RecordReason) -> list[RecordOffer]:
        fates = tuple(RecordFate(row.id, int(reason)) for row in offered)
        frames = stage.say(peer, RecordAnswer(fates))
        return [frame for frame in frames if isinstance(frame, RecordOffer)]

    assert tell(RecordReason.WAITING) == []
    stage.say(peer, RecordWant((RecordWish(offered[0].id, 0, 1),)))
    assert tell(RecordReason.WAITING) == []
    assert sum(len(frame.headers) for frame in tell(RecordReason.TAKEN)) == 44


def test_what_has_left_meanwhile_is_not_fetched() -> None:
    stage = Stage()
    peer = stage.meet()
    big = signed("big", bytes(40 * PART))
    dies = signed("dies", b"body", expires_s=START_S + 10)
    waits = RecordOffer((encode_record_header(big), encode_record_header(dies)))
    [wish] = wishes_in(stage.say(peer, waits))
    stage.now_s += 20.0
    bodies = {record_id(big): bytes(40 * PART)}
    frames = stage.say(peer, *parts_of(wish, bodies))
    assert RecordReason.EXPIRED not in stage.fates(frames)  # the window is full: not yet looked at
    assert RecordReason.EXPIRED in stage.fates(stage.serve(peer, frames, bodies))


def test_one_neighbour_brings_one_body_of_the_largest_size_at_a_time() -> None:
    stage = Stage()
    peer = stage.meet()
    small, large = signed("s", bytes(10)), signed("l", bytes(RECORD_BODY_MAX_BYTES))
    headers = tuple(encode_record_header(header) for header in (small, large))
    [wish] = wishes_in(stage.say(peer, RecordOffer(headers)))
    assert RecordId(wish.id) == record_id(small)
    [wish] = wishes_in(stage.say(peer, RecordPart(record_id(small), 0, bytes(10))))
    assert RecordId(wish.id) == record_id(large)


def test_a_slow_neighbour_keeps_its_place_behind_a_silent_one() -> None:
    stage = Stage()
    slow, silent = stage.meet("slow"), stage.meet("silent")
    body = bytes(3 * PART)
    header = signed("a", body)
    record = record_id(header)
    offer = RecordOffer((encode_record_header(header),))
    stage.say(slow, offer)
    stage.say(slow, RecordPart(record, 0, bytes(PART)))
    stage.say(silent, offer)
    stage.wait(61.0)
    assert (stage.said[-1][0], wishes_in([stage.said[-1][1]])[0].first) == (silent, 1)
    stage.wait(60.0)
    assert (stage.said[-1][0], wishes_in([stage.said[-1][1]])[0].first) == (slow, 1)


def test_the_window_follows_the_link() -> None:
    stage = Stage()
    peer = stage.meet()
    link = stage.seat.node._record_sync._links[peer]
    sizes = []
    for took_s in (0.1, 0.1, 0.1, 0.1, 1.0, 3.0, 3.0, 3.0, 3.0, 3.0):
        link.adapt(took_s)
        sizes.append(link.window)
    assert sizes == [4, 8, 16, 16, 16, 8, 4, 2, 1, 1]


def test_what_is_remembered_of_a_link_is_bounded() -> None:
    stage = Stage()
    link = stage.seat.node._record_sync._links[stage.meet()]
    header = signed("a", bytes(PART))
    partial = stage.seat.node._record_sync.fetching._partials.begin(
        record_id(header), header, link.neighbour.peer, link.tier
    )
    assert partial is not None
    fetch = Fetch(partial, 0, START_S, START_S, START_S)
    for number in range(REMEMBERED_MAX + 10):
        record = RecordId(number.to_bytes(32, "big"))
        link.knows(record)
        link.note_offered(record, START_S)
        link.ask(record, fetch, 1, START_S)
    assert len(link.theirs) == len(link.offered) == len(link.asked) == REMEMBERED_MAX


def test_records_wait_for_credit_and_lose_nothing() -> None:
    stage = Stage()
    row = put(stage)
    peer = stage.meet()
    link = stage.seat.node._record_sync._links[peer]
    credit, link.neighbour.credit_out = link.neighbour.credit_out, 0
    header = signed("a", bytes(PART))
    assert stage.say(peer, RecordOffer((encode_record_header(header),))) == []
    late = put(stage, name=b"late")
    assert stage.say(peer, RecordWant((RecordWish(row.id, 0, 1),))) == []
    frames = stage.say(peer, Credit(50))  # enough for an answer, and for nothing else
    assert [type(frame).__name__ for frame in frames] == ["RecordAnswer"]
    frames = stage.say(peer, Credit(45))
    assert [type(frame).__name__ for frame in frames] == ["RecordWant"]
    frames = stage.say(peer, Credit(credit))
    assert [type(frame).__name__ for frame in frames] == ["RecordOffer", "RecordPart"]
    assert late.id in link.offers


def test_nothing_about_records_is_sent_while_mail_waits() -> None:
    stage = Stage()
    peer = stage.meet()
    neighbour = stage.seat.node._record_sync._links[peer].neighbour
    credit, neighbour.credit_out = neighbour.credit_out, 200
    reply = encode_frame(Taken((bytes(32),) * 6))
    assert len(reply) > 200
    neighbour.control.append(reply)
    header = encode_record_header(signed("a"))
    assert stage.say(peer, RecordOffer((header,))) == []  # its answer would fit, mail does not
    frames = stage.say(peer, Credit(credit))
    assert [type(f).__name__ for f in frames] == ["Taken", "RecordAnswer", "RecordWant"]


def test_a_body_begun_is_kept_while_there_is_no_room_to_go_on() -> None:
    stage = Stage(partials_max_bytes=RECORD_BODY_MAX_BYTES + 40 * PART)
    first = stage.meet("first")
    begun = signed("begun", bytes(30 * PART))
    offer = RecordOffer((encode_record_header(begun),))
    [wish] = wishes_in(stage.say(first, offer))
    stage.say(first, RecordPart(wish.id, 0, bytes(PART)))
    stage.part(first)
    second, third = stage.meet("second"), stage.meet("third")
    other = signed("other", b"o" * 20 * PART)
    [busy] = wishes_in(stage.say(second, RecordOffer((encode_record_header(other),))))
    assert wishes_in(stage.say(third, offer)) == []
    said = stage.part(second)
    assert busy.first == 0
    assert [(w.id, w.first) for w in wishes_in(said)] == [(wish.id, 1)]
