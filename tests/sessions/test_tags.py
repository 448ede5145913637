from __future__ import annotations

import hashlib
import random

from hypothesis import given, settings
from hypothesis import strategies as st

from p2p.sessions.expected_tags import IncomingTags, LookupTags, OutgoingTags, SeenDay
from p2p.sessions.tags import (
    _OPENED_MAX,
    MISSING_MAX,
    DaySeries,
    TagTable,
    TagWindow,
    WeekSeries,
    day_of,
    first_contact_tag,
    next_day_key,
    proof_of,
    week_of,
)
from p2p.wire.ids import BundleHash, Tag, tag_of
from p2p.wire.limits import TAG_DAYS_AHEAD, TAG_DAYS_BACK, TAG_WINDOW

KEY = bytes(range(32))
SECRET = bytes(range(16))
BUNDLE = BundleHash(bytes(32))
DAY = 20_000


def incoming(table: TagTable, day: int = DAY, today: int = DAY) -> IncomingTags:
    tags = IncomingTags(table, b"session", day, KEY, ())
    tags.advance(today)
    return tags


def spend(table: TagTable, tags: IncomingTags, tag: Tag) -> None:
    window = table.find(tag)
    assert window is not None
    tags.spend(window, tag)


def tag_on(day: int, number: int) -> Tag:
    return tag_of(proof_of(next_day_key(KEY, day - DAY), number))


def test_days_and_weeks_are_counted_from_the_epoch() -> None:
    assert (day_of(86_399.9), day_of(86_400.0)) == (0, 1)
    assert (week_of(604_799.9), week_of(604_800.0)) == (0, 1)


def test_the_day_chain_proofs_and_tags_are_as_specified() -> None:
    second = hashlib.blake2b(KEY, digest_size=32, person=b"molva day key").digest()
    assert next_day_key(KEY) == second
    assert next_day_key(KEY, 2) == next_day_key(second)
    proof = hashlib.blake2b(b"\0\0\1\2", digest_size=32, key=KEY, person=b"molva proof").digest()
    assert proof_of(KEY, 258) == proof
    assert DaySeries(b"", DAY, KEY).proof(258) == proof
    assert tag_of(proof_of(KEY, 258)) == hashlib.blake2b(proof, digest_size=16).digest()
    lookup = hashlib.blake2b(
        bytes(32) + b"\0\0\x0b\x29" + b"\0\0\0\7",
        digest_size=16,
        key=SECRET,
        person=b"molva lookup tag",
    ).digest()
    assert first_contact_tag(SECRET, BUNDLE, 2857, 7) == lookup


def test_what_a_sender_takes_the_receiver_expects() -> None:
    table = TagTable()
    tags = incoming(table, today=DAY + 3)
    outgoing = OutgoingTags(DAY, KEY, 0)
    for today in (DAY, DAY, DAY + 1, DAY + 3, DAY + 2, DAY + 4):
        tag = outgoing.take(today)
        assert tag in table
        spend(table, tags, tag)
        assert tag not in table
        assert table.was_opened(tag)
    assert (outgoing.day, outgoing.number) == (DAY + 4, 1)


def test_tags_are_expected_from_the_first_day_to_tomorrow_and_for_31_days() -> None:
    table = TagTable()
    tags = incoming(table)
    assert tag_on(DAY, TAG_WINDOW - 1) in table
    assert tag_on(DAY, TAG_WINDOW) not in table
    assert tag_on(DAY + TAG_DAYS_AHEAD, 0) in table
    assert tag_on(DAY + TAG_DAYS_AHEAD + 1, 0) not in table
    tags.advance(DAY + TAG_DAYS_BACK)
    assert tag_on(DAY, 0) in table
    assert len(table) == TAG_WINDOW * (TAG_DAYS_BACK + TAG_DAYS_AHEAD + 1)
    tags.advance(DAY + TAG_DAYS_BACK + 1)
    assert tag_on(DAY, 0) not in table
    assert tag_on(DAY + 1, 0) in table
    assert len(table) == TAG_WINDOW * (TAG_DAYS_BACK + TAG_DAYS_AHEAD + 1)


def test_keys_of_days_gone_by_are_not_kept() -> None:
    tags = incoming(TagTable())
    tags.advance(DAY + 100)
    day, key, _ = tags.record()
    assert (day, key) == (DAY + 100 - TAG_DAYS_BACK, next_day_key(KEY, 100 - TAG_DAYS_BACK))
    assert KEY not in repr(vars(tags)).encode()
    outgoing = OutgoingTags(DAY, KEY, 0)
    outgoing.take(DAY + 1)
    assert outgoing.key == next_day_key(KEY)


def test_a_session_of_tomorrow_expects_its_first_day() -> None:
    table = TagTable()
    incoming(table, day=DAY, today=DAY - 2)
    assert tag_on(DAY, 0) in table
    assert len(table) == TAG_WINDOW


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_every_number_within_reach_opens_once_in_any_order_and_over_restarts(seed: int) -> None:
    draw = random.Random(seed)
    table = TagTable()
    tags = incoming(table)
    waiting = [tag_on(DAY, number) for number in range(200)]
    while waiting:
        at = draw.randrange(min(len(waiting), TAG_WINDOW // 2))
        tag = waiting.pop(at)
        spend(table, tags, tag)
        if draw.random() < 0.1:
            table = TagTable()
            tags = IncomingTags(table, b"session", *tags.record())
            tags.advance(DAY)
        assert tag not in table
        assert all(other in table for other in waiting[: TAG_WINDOW // 2])
    assert tags.record()[2] == (SeenDay(DAY, 199, b""),)


def test_a_day_seen_before_the_clock_went_back_is_not_forgotten() -> None:
    table = TagTable()
    tags = incoming(table, today=DAY + 3)
    spend(table, tags, tag_on(DAY + 4, 0))
    record = tags.record()
    tags = IncomingTags(TagTable(), b"session", *record)
    tags.advance(DAY)
    again = IncomingTags(table := TagTable(), b"session", *tags.record())
    again.advance(DAY + 3)
    assert tag_on(DAY + 4, 0) not in table
    assert tag_on(DAY + 4, 1) in table


def test_gaps_are_bounded_over_all_days_and_the_oldest_go_first() -> None:
    table = TagTable()
    tags = incoming(table, today=DAY + 1)
    for day in (DAY, DAY + 1):
        for number in range(TAG_WINDOW - 1, 640, TAG_WINDOW):
            spend(table, tags, tag_on(day, number))
    gaps = sum(len(seen.gaps) // 4 for seen in tags.record()[2])
    assert gaps == MISSING_MAX
    assert tag_on(DAY, 0) not in table
    assert tag_on(DAY + 1, 0) in table
    assert tag_on(DAY, 638) in table


def test_new_tags_are_given_once() -> None:
    table = TagTable()
    tags = incoming(table)
    assert len(table.drain_new()) == 2 * TAG_WINDOW
    spend(table, tags, tag_on(DAY, 2))
    assert table.drain_new() == [tag_on(DAY, TAG_WINDOW + n) for n in range(3)]
    assert table.drain_new() == []


def test_a_closed_session_is_not_expected() -> None:
    table = TagTable()
    tags = incoming(table)
    spend(table, tags, tag_on(DAY, 5))
    tags.close()
    assert len(table) == 0


def test_the_memory_of_opened_tags_is_bounded() -> None:
    table = TagTable()
    window = TagWindow(table, DaySeries(b"", DAY, KEY), -1, ())
    for number in range(_OPENED_MAX + 1):
        window.spend(tag_on(DAY, number))
    assert not table.was_opened(tag_on(DAY, 0))
    assert table.was_opened(tag_on(DAY, 1))


def lookup_tags(table: TagTable, highest: dict[int, int]) -> LookupTags:
    return LookupTags(table, SECRET, BUNDLE, 2_850, 2_858, highest)


def test_first_contact_tags_cover_weeks_of_the_bundles_life_only() -> None:
    table = TagTable()
    tags = lookup_tags(table, {})
    for week, first, last in ((2_849, 2_850, 2_850), (2_851, 2_850, 2_852), (2_858, 2_853, 2_858)):
        tags.advance(week)
        expected = [
            w for w in range(2_840, 2_870) if first_contact_tag(SECRET, BUNDLE, w, 0) in table
        ]
        assert expected == list(range(first, last + 1))
    tags.close()
    assert len(table) == 0


def note(table: TagTable, tags: LookupTags, week: int, number: int) -> bool:
    tag = first_contact_tag(SECRET, BUNDLE, week, number)
    window = table.find(tag)
    assert window is not None
    assert isinstance(window.series, WeekSeries)
    return tags.note(window, window.series, tag)


def test_first_contact_tags_stay_expected_and_the_window_moves_on() -> None:
    table = TagTable()
    tags = lookup_tags(table, {})
    tags.advance(2_851)
    assert note(table, tags, 2_851, 3)
    assert not note(table, tags, 2_851, 1)
    assert not note(table, tags, 2_851, 3)
    assert note(table, tags, 2_851, 4)
    reloaded = TagTable()
    again = lookup_tags(reloaded, dict(tags.highest))
    again.advance(2_851)
    for at in (table, reloaded):
        for number in range(5 + TAG_WINDOW):
            assert first_contact_tag(SECRET, BUNDLE, 2_851, number) in at
        assert first_contact_tag(SECRET, BUNDLE, 2_851, 5 + TAG_WINDOW) not in at


def test_first_contact_tags_of_a_week_are_bounded() -> None:
    table = TagTable()
    tags = lookup_tags(table, {})
    tags.advance(2_850)
    for number in range(MISSING_MAX + 100):
        note(table, tags, 2_850, number)
    assert len(table) == 2 * TAG_WINDOW + MISSING_MAX
    assert first_contact_tag(SECRET, BUNDLE, 2_850, 99) not in table
    assert first_contact_tag(SECRET, BUNDLE, 2_850, 100) in table
    reloaded = TagTable()
    lookup_tags(reloaded, dict(tags.highest)).advance(2_850)
    assert len(reloaded) == len(table)
    tags.advance(2_850 + 6)
    assert tags.highest == {}
