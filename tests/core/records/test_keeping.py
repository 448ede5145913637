"""What is kept of records when there is too much, which version counts, and what trust says."""

from __future__ import annotations

import pytest

from p2p.core.effects import Notify, RecordArrived, RecordDropped
from p2p.core.records.reader import Verdict
from p2p.ports.store import RecordTier
from p2p.wire.frames import (
    RecordOffer,
    RecordPart,
    RecordReason,
)
from p2p.wire.limits import (
    CLOCK_TOLERANCE_S,
    RECORD_BODY_MAX_BYTES,
    RECORD_PART_SIZE_BYTES,
)
from p2p.wire.record import record_id
from tests.core.records.worlds import (
    DAY_S,
    NOTES,
    STATUS_LIST,
    Reader,
    Stage,
    keeps,
    offer,
    own,
    signed,
    wishes_in,
)
from tests.core.world import START_S

TAKEN = RecordReason.TAKEN
PART = RECORD_PART_SIZE_BYTES
BIG = bytes(RECORD_BODY_MAX_BYTES)


# --- quotas --------------------------------------------------------------------------------------
def test_a_flood_of_authors_evicts_itself() -> None:
    stage = Stage(strangers_max_count=20)
    honest, mallory = stage.meet("honest"), stage.meet("mallory")
    good = [signed(f"good{n}", b"good", name=b"%d" % n) for n in range(5)]
    for header in good:
        assert stage.bring(honest, header, b"good") is TAKEN
    stage.now_s += 10.0
    for number in range(60):
        assert stage.bring(mallory, signed(f"evil{number}", b"evil"), b"evil") is TAKEN
    assert all(keeps(stage, header) for header in good)
    assert stage.seat.node.records.used(RecordTier.STRANGER).count == 20
    dropped = [n for n in stage.notices if isinstance(n, RecordDropped)]
    assert {(n.why, n.record.depositor) for n in dropped} == {("evicted", mallory)}
    assert len(list(stage.seat.store.records())) == 20


def test_what_was_evicted_is_not_fetched_again() -> None:
    stage = Stage(strangers_max_count=1)
    mallory = stage.meet()
    first, second = signed("a", b"1"), signed("b", b"2")
    assert stage.bring(mallory, first, b"1") is TAKEN
    assert stage.bring(mallory, second, b"2") is TAKEN
    assert stage.offer(mallory, first) == [RecordReason.FULL]


def test_an_author_has_a_share() -> None:
    stage = Stage(author_max_count=2, author_max_bytes=100)
    mallory = stage.meet()
    for name in (b"1", b"2"):
        assert stage.bring(mallory, signed("a", b"x", name=name), b"x") is TAKEN
    assert stage.offer(mallory, signed("a", b"x", name=b"3")) == [RecordReason.FULL]
    newer = signed("a", b"y" * 99, name=b"2", version=2)
    assert stage.bring(mallory, newer, b"y" * 99) is TAKEN
    assert stage.offer(mallory, signed("a", b"y" * 100, name=b"2", version=3)) == [
        RecordReason.FULL
    ]
    late = signed("a", b"z", name=b"3", kind=STATUS_LIST)
    assert stage.bring(mallory, late, b"z") is RecordReason.FULL
    assert stage.offer(mallory, late) == [RecordReason.FULL]


def test_kinds_without_meaning_share_half_of_the_room() -> None:
    stage = Stage(strangers_max_bytes=400, kind_max_bytes=200)
    mallory = stage.meet()
    lists = [signed(f"l{n}", b"%d" % n * 50, kind=STATUS_LIST) for n in range(3)]
    for n, header in enumerate(lists):
        assert stage.bring(mallory, header, b"%d" % n * 50) is TAKEN
    for number in range(8):
        header = signed(f"junk{number}", bytes(50), kind=100 + number)
        assert stage.bring(mallory, header, bytes(50)) is TAKEN
    assert all(keeps(stage, header) for header in lists)
    assert stage.seat.node.records.used(RecordTier.STRANGER).size_bytes == 350


def test_who_carries_nothing_for_strangers_takes_only_what_is_verified() -> None:
    stage = Stage(strangers_max_count=0)
    stage.seat.node.records.reader = Reader({b"V": Verdict.KEEP_VERIFIED})
    mallory = stage.meet()
    assert stage.offer(mallory, signed("a", b"Vx")) == [RecordReason.FULL]
    for body, fate in ((b"Vx", RecordReason.TAKEN), (b"x", RecordReason.FULL)):
        header = signed("a", body, kind=STATUS_LIST, name=body)
        assert stage.bring(mallory, header, body) is fate


@pytest.mark.parametrize(
    "limits", [{"kind_max_bytes": 3}, {"strangers_max_bytes": 3}, {"strangers_max_count": 0}]
)
def test_what_could_never_fit_evicts_nothing(limits: dict[str, int]) -> None:
    stage = Stage(**limits)
    mallory = stage.meet()
    small = signed("a", b"abc", name=b"small")
    fits = "strangers_max_count" not in limits
    assert stage.bring(mallory, small, b"abc") is (TAKEN if fits else RecordReason.FULL)
    assert stage.offer(mallory, signed("b", b"abcd")) == [RecordReason.FULL]
    assert keeps(stage, small) is fits


def test_a_list_moves_only_to_where_it_could_be_held() -> None:
    """Verified lists stay strangers' where their tier is too small, and go where strangers' is."""
    for limits, first, then, kept in (
        ({"verified_max_bytes": 3}, Verdict.KEEP, Verdict.KEEP_VERIFIED, True),
        ({"strangers_max_bytes": 3}, Verdict.KEEP_VERIFIED, Verdict.KEEP, False),
    ):
        stage = Stage(**limits)
        records = stage.seat.node.records
        reader = records.reader = Reader({b"l": first})
        header = signed("a", b"list", kind=STATUS_LIST)
        assert stage.bring(stage.meet(), header, b"list") is TAKEN
        reader.verdicts[b"l"] = then
        with stage.seat.store.transaction():
            effects = records.rejudge(stage.now_s)
        assert keeps(stage, header) is kept
        told = [n.notice for n in effects if isinstance(n, Notify)]
        assert [n.why for n in told if isinstance(n, RecordDropped)] == ["evicted"][kept:]
        stage.seat.boot(stage.now_s)
        assert keeps(stage, header) is kept


# --- versions ------------------------------------------------------------------------------------
@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_of_one_version_the_smaller_id_wins_in_any_order(order: tuple[int, int]) -> None:
    stage = Stage()
    mallory = stage.meet()
    bodies = [b"one", b"other"]
    headers = [signed("a", body) for body in bodies]
    for number in order:
        stage.bring(mallory, headers[number], bodies[number])
    winner = min((0, 1), key=lambda n: record_id(headers[n]))
    assert keeps(stage, headers[winner])
    assert not keeps(stage, headers[1 - winner])
    assert stage.offer(mallory, headers[1 - winner]) == [RecordReason.OLDER]


def test_a_rollback_is_refused_also_after_expiry_and_a_restart() -> None:
    stage = Stage()
    mallory = stage.meet()
    old = signed("a", b"old", version=3)
    new = signed("a", b"new", version=4, expires_s=START_S + 100)
    assert stage.bring(mallory, new, b"new") is TAKEN
    assert stage.offer(mallory, old) == [RecordReason.OLDER]
    stage.wait(200.0)
    assert not keeps(stage, new)
    assert stage.offer(mallory, old) == [RecordReason.OLDER]
    stage.seat.boot(stage.now_s)
    mallory = stage.meet()
    assert stage.offer(mallory, old) == [RecordReason.OLDER]
    newer = signed("a", b"newer", version=5)
    assert stage.bring(mallory, newer, b"newer") is TAKEN
    assert list(stage.seat.store.versions()) == []


def test_no_flood_makes_a_verified_version_forgotten() -> None:
    stage = Stage(versions_max=3)
    stage.seat.node.records.reader = Reader({b"V": Verdict.KEEP_VERIFIED})
    mallory = stage.meet()
    short = START_S + 100
    assert (
        stage.bring(mallory, signed("v", b"V", kind=3, version=9, expires_s=short), b"V") is TAKEN
    )
    for number in range(6):
        header = signed(f"a{number}", b"x", expires_s=short)
        assert stage.bring(mallory, header, b"x") is TAKEN
    stage.wait(200.0)
    assert len(list(stage.seat.store.versions())) == 4
    stage.seat.boot(stage.now_s)
    mallory = stage.meet()
    assert stage.offer(mallory, signed("v", b"W", kind=3, version=8)) == [RecordReason.OLDER]
    assert stage.offer(mallory, signed("a0", b"w", version=0)) == [RecordReason.WAITING]
    assert stage.offer(mallory, signed("a5", b"w", version=0)) == [RecordReason.OLDER]


def test_time_is_no_way_around() -> None:
    stage = Stage()
    mallory = stage.meet()
    ahead = START_S + CLOCK_TOLERANCE_S
    assert stage.offer(mallory, signed("a", issued_s=ahead + 1, expires_s=ahead + 2)) == [
        RecordReason.TOO_NEW
    ]
    assert stage.offer(mallory, signed("a", issued_s=START_S - 9, expires_s=START_S)) == [
        RecordReason.EXPIRED
    ]
    dies = signed("a", expires_s=START_S + 5)
    assert wishes_in(stage.say(mallory, offer(dies))) != []
    stage.now_s += 6.0
    part = RecordPart(record_id(dies), 0, b"body")
    assert stage.fates(stage.say(mallory, part)) == [RecordReason.EXPIRED]


def test_nobody_brings_back_our_own() -> None:
    stage = Stage()
    own(stage, b"mine")
    [row] = stage.seat.node.records.all(NOTES)
    with stage.seat.store.transaction():
        stage.seat.node.records.withdraw(NOTES, b"own")
    frames = stage.say(stage.meet(), RecordOffer((row.header,)))
    assert stage.fates(frames) == [RecordReason.OLDER]


# --- what trust says -----------------------------------------------------------------------------
def test_a_forged_list_is_refused_once_and_for_all() -> None:
    stage = Stage()
    reader = Reader({b"F": Verdict.REFUSE})
    stage.seat.node.records.reader = reader
    mallory = stage.meet()
    header = signed("a", b"Forged", kind=STATUS_LIST)
    assert stage.bring(mallory, header, b"Forged") is RecordReason.REFUSED
    assert stage.offer(mallory, header) == [RecordReason.REFUSED]
    assert reader.told == []
    assert stage.sent_away == []  # whoever carries cannot know


def test_a_verified_list_is_kept_apart_and_once() -> None:
    stage = Stage()
    reader = Reader({b"V": Verdict.KEEP_VERIFIED})
    stage.seat.node.records.reader = reader
    mallory = stage.meet()
    good = signed("a", b"V1", kind=STATUS_LIST)
    assert stage.bring(mallory, good, b"V1") is TAKEN
    assert reader.told == [b"V1"]
    [arrived] = [n for n in stage.notices if isinstance(n, RecordArrived)]
    assert arrived.record.tier is RecordTier.VERIFIED
    for number in range(10):  # the same list under other authors does not fill the tier
        copy = signed(f"copy{number}", b"V1", kind=STATUS_LIST)
        assert stage.offer(mallory, copy) == [RecordReason.HAVE]
    longer = signed("longer", b"V1", kind=STATUS_LIST, expires_s=START_S + 40 * DAY_S)
    assert stage.bring(mallory, longer, b"") is TAKEN
    assert stage.seat.node.records.used(RecordTier.VERIFIED).count == 1
    worse = signed("a", b"junk", kind=STATUS_LIST, version=2)
    assert stage.bring(mallory, worse, b"junk") is RecordReason.REFUSED
    assert keeps(stage, good)


def test_a_flood_of_verified_lists_stays_within_its_tier() -> None:
    stage = Stage(verified_max_count=3)
    stage.seat.node.records.reader = Reader({b"V": Verdict.KEEP_VERIFIED})
    mallory, honest = stage.meet("mallory"), stage.meet("honest")
    good = signed("good", b"Vgood", kind=STATUS_LIST)
    assert stage.bring(honest, good, b"Vgood") is TAKEN
    for number in range(6):
        body = b"V%d" % number
        assert stage.bring(mallory, signed(f"a{number}", body, kind=3), body) is TAKEN
    assert stage.seat.node.records.used(RecordTier.VERIFIED).count == 3
    assert keeps(stage, good)


def test_what_trust_learns_changes_what_is_kept() -> None:
    stage = Stage()
    reader = Reader()
    records = stage.seat.node.records
    records.reader = reader
    mallory = stage.meet()
    headers = {body: signed(body.decode(), body, kind=3) for body in (b"V", b"F", b"K")}
    for body, header in headers.items():
        assert stage.bring(mallory, header, body) is TAKEN
    own_list = signed("x", b"x")
    reader.verdicts = {b"V": Verdict.KEEP_VERIFIED, b"F": Verdict.REFUSE}
    with stage.seat.store.transaction():
        records.publish(3, b"own", 0, b"F own", START_S + DAY_S, START_S)
        effects = records.rejudge(stage.now_s)
    assert [n.notice.why for n in effects if hasattr(n, "notice")] == ["refused"]
    assert not keeps(stage, headers[b"F"])
    tiers = {row.id: row.tier for row in stage.seat.store.records()}
    assert tiers[record_id(headers[b"V"])] is RecordTier.VERIFIED
    assert tiers[record_id(headers[b"K"])] is RecordTier.STRANGER
    assert RecordTier.OWN in tiers.values()
    reader.verdicts = {}
    with stage.seat.store.transaction():
        records.rejudge(stage.now_s)
    assert records.used(RecordTier.VERIFIED).count == 0
    assert record_id(own_list) not in records
    assert stage.offer(mallory, headers[b"F"]) == [RecordReason.WAITING]
