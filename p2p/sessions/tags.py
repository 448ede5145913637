"""Recipient tags: how an envelope is recognised by the one whom it is for, and by nobody else.

Session tags (docs/spec/session.md). Each direction of a session has a day key, and
``TK[d+1] = BLAKE2b-256(TK[d])``, personalised ``molva day key``. Message number c of day d has the
delivery proof ``p = BLAKE2b-256(key = TK[d], c)``, personalised ``molva proof``, c as 4 bytes, and
the tag ``BLAKE2b-128(p)``. Day keys that are no longer needed are destroyed.

First-contact tags: ``BLAKE2b-128(key = lookup secret, bundle hash || week || c)``, personalised
``molva lookup tag``, week and c as 4 bytes each.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Iterable
from typing import Final, Protocol

from p2p.crypto.kdf import keyed_hash, labelled_hash
from p2p.wire.ids import BundleHash, Proof, Tag, tag_of
from p2p.wire.limits import TAG_DAYS_AHEAD, TAG_DAYS_BACK, TAG_SIZE_BYTES, TAG_WINDOW

DAY_S: Final = 86_400
WEEK_S: Final = 7 * DAY_S
WEEKS_BACK: Final = 5
WEEKS_AHEAD: Final = 1
MISSING_MAX: Final = 1_000
"""Numbers below the highest seen that stay recognisable, for each session or lookup secret."""
_OPENED_MAX: Final = 8_192
"""Tags of opened envelopes remembered, only to tell a replay from a stranger's envelope."""
_NONE_SEEN: Final = -1


def day_of(now_s: float) -> int:
    """Give the day number of a moment: days since the Unix epoch."""
    return int(now_s // DAY_S)


def week_of(now_s: float) -> int:
    """Give the week number of a moment: weeks since the Unix epoch."""
    return int(now_s // WEEK_S)


def next_day_key(key: bytes, days: int = 1) -> bytes:
    """Give the day key ``days`` days later; there is no way back."""
    for _ in range(days):
        key = labelled_hash(b"molva day key", key, 32)
    return key


def proof_of(day_key: bytes, number: int) -> Proof:
    """Give the delivery proof of message ``number`` of a day."""
    return Proof(keyed_hash(day_key, b"molva proof", number.to_bytes(4, "big"), 32))


def first_contact_tag(lookup_secret: bytes, bundle: BundleHash, week: int, number: int) -> Tag:
    """Give the tag of first-contact envelope ``number`` of a sender to a bundle in a week."""
    data = bundle + week.to_bytes(4, "big") + number.to_bytes(4, "big")
    return Tag(keyed_hash(lookup_secret, b"molva lookup tag", data, TAG_SIZE_BYTES))


class Series(Protocol):
    """A numbered series of tags: one sender's for one day or one week."""

    def tag(self, number: int) -> Tag:
        """Give the tag of a number."""
        ...


class TagTable:
    """All tags that this device expects, and what became expected since the last look."""

    def __init__(self) -> None:
        self._windows: dict[Tag, TagWindow] = {}
        self._new: list[Tag] = []
        self._opened: OrderedDict[Tag, None] = OrderedDict()

    def __contains__(self, tag: Tag) -> bool:
        return tag in self._windows

    def __len__(self) -> int:
        return len(self._windows)

    def find(self, tag: Tag) -> TagWindow | None:
        """Give the window that expects a tag."""
        return self._windows.get(tag)

    def was_opened(self, tag: Tag) -> bool:
        """Tell whether this tag's envelope was opened lately."""
        return tag in self._opened

    def drain_new(self) -> list[Tag]:
        """Give the tags added since the last call."""
        new, self._new = self._new, []
        return new

    def expect(self, tags: Iterable[Tag], window: TagWindow) -> None:
        """Recognise these tags from now on."""
        for tag in tags:
            self._windows[tag] = window
            self._new.append(tag)

    def drop(self, tags: Iterable[Tag]) -> None:
        """Recognise these tags no longer."""
        for tag in tags:
            self._windows.pop(tag, None)

    def spend(self, tag: Tag) -> None:
        """Recognise a tag no longer, since its envelope was opened."""
        del self._windows[tag]
        self._opened[tag] = None
        if len(self._opened) > _OPENED_MAX:
            self._opened.popitem(last=False)


class TagWindow:
    """The numbers of one series that are expected: TAG_WINDOW beyond the highest seen, and gaps.

    Attributes:
        series: what is numbered; its owner finds itself again by it.
        highest: highest number seen, -1 before the first.
        behind: tags of numbers up to ``highest`` that may still come, in order.
    """

    __slots__ = ("_ahead", "_table", "behind", "highest", "series")

    def __init__(
        self, table: TagTable, series: DaySeries | WeekSeries, highest: int, behind: Iterable[int]
    ) -> None:
        self.series = series
        self.highest = highest
        self.behind = {series.tag(number): number for number in behind}
        self._table = table
        first = highest + 1
        self._ahead = [series.tag(number) for number in range(first, first + TAG_WINDOW)]
        table.expect(self.behind, self)
        table.expect(self._ahead, self)

    def number_of(self, tag: Tag) -> int:
        """Give the number of a tag that the table found here."""
        number = self.behind.get(tag)
        return self.highest + 1 + self._ahead.index(tag) if number is None else number

    def advance(self, number: int) -> None:
        """Let the window begin after ``number``; what is passed over may still come."""
        passed = number - self.highest
        if passed <= 0:
            return
        first = self.highest + 1
        for offset, tag in enumerate(self._ahead[:passed]):
            self.behind[tag] = first + offset
        self.highest = number
        end = number + 1 + TAG_WINDOW
        fresh = [self.series.tag(later) for later in range(end - passed, end)]
        self._ahead = self._ahead[passed:] + fresh
        self._table.expect(fresh, self)

    def spend(self, tag: Tag) -> None:
        """Take note that the envelope of a tag was opened: it is expected no more."""
        self.advance(self.number_of(tag))
        del self.behind[tag]
        self._table.spend(tag)

    def trim(self, count_max: int) -> None:
        """Give up the oldest gaps beyond a number of them."""
        excess = len(self.behind) - count_max
        if excess > 0:
            for tag in list(self.behind)[:excess]:
                del self.behind[tag]
                self._table.drop((tag,))

    def close(self) -> None:
        """Expect nothing of this series any more."""
        self._table.drop(self.behind)
        self._table.drop(self._ahead)


class DaySeries:
    """The tags of one direction of a session on one day; ``owner`` names the session."""

    __slots__ = ("_base", "day", "key", "owner")

    def __init__(self, owner: bytes, day: int, key: bytes) -> None:
        self.owner = owner
        self.day = day
        self.key = key
        # Hashing the key costs a block; a copy of the keyed state saves it for each tag.
        self._base = hashlib.blake2b(digest_size=32, key=key, person=b"molva proof")

    def tag(self, number: int) -> Tag:
        """Give the tag of a number."""
        keyed = self._base.copy()
        keyed.update(number.to_bytes(4, "big"))
        return tag_of(Proof(keyed.digest()))


class WeekSeries:
    """The first-contact tags of one lookup secret in one week."""

    __slots__ = ("bundle", "lookup_secret", "week")

    def __init__(self, lookup_secret: bytes, bundle: BundleHash, week: int) -> None:
        self.lookup_secret = lookup_secret
        self.bundle = bundle
        self.week = week

    def tag(self, number: int) -> Tag:
        """Give the tag of a number."""
        return first_contact_tag(self.lookup_secret, self.bundle, self.week, number)


class IncomingTags:
    """One session's expected tags, day by day; keys of days gone by are destroyed."""

    def __init__(
        self,
        table: TagTable,
        owner: bytes,
        day: int,
        key: bytes,
        seen: Iterable[tuple[int, int, tuple[int, ...]]],
    ) -> None:
        """Expect nothing yet: :meth:`advance` does.

        Args:
            table: where tags are registered.
            owner: the session's id.
            day, key: the oldest day whose key is kept.
            seen: (day, highest number, missing numbers) of days on which something came.
        """
        self._table = table
        self._owner = owner
        self._day = day
        self._key = key
        self._seen = {at: (highest, missing) for at, highest, missing in seen}
        self._windows: dict[int, TagWindow] = {}

    def advance(self, today: int) -> None:
        """Expect the days around today that the session has lived, and forget older ones."""
        oldest = today - TAG_DAYS_BACK
        while self._day < oldest:
            window = self._windows.pop(self._day, None)
            if window is not None:
                window.close()
            self._seen.pop(self._day, None)
            self._key = next_day_key(self._key)
            self._day += 1
        key = self._key
        for day in range(self._day, max(today + TAG_DAYS_AHEAD, self._day) + 1):
            if day not in self._windows:
                highest, missing = self._seen.get(day, (_NONE_SEEN, ()))
                series = DaySeries(self._owner, day, key)
                self._windows[day] = TagWindow(self._table, series, highest, missing)
            key = next_day_key(key)

    def spend(self, window: TagWindow, tag: Tag) -> None:
        """Take note that the envelope of a tag was opened."""
        window.spend(tag)
        excess = sum(len(each.behind) for each in self._windows.values()) - MISSING_MAX
        if excess > 0:
            for each in self._windows.values():
                dropped = min(excess, len(each.behind))
                each.trim(len(each.behind) - dropped)
                excess -= dropped

    def close(self) -> None:
        """Expect nothing any more."""
        for window in self._windows.values():
            window.close()
        self._windows.clear()

    def record(self) -> tuple[int, bytes, tuple[tuple[int, int, tuple[int, ...]], ...]]:
        """Give (oldest day, its key, what was seen), for the constructor."""
        seen = tuple(
            (day, window.highest, tuple(window.behind.values()))
            for day, window in self._windows.items()
            if window.highest != _NONE_SEEN
        )
        return self._day, self._key, seen


class OutgoingTags:
    """The numbers and day keys under which a session sends; never goes back a day."""

    __slots__ = ("day", "key", "number")

    def __init__(self, day: int, key: bytes, number: int) -> None:
        self.day = day
        self.key = key
        self.number = number

    def take(self, today: int) -> Tag:
        """Give the next tag, of today or of the latest day on which something was sent."""
        if today > self.day:
            self.key = next_day_key(self.key, today - self.day)
            self.day = today
            self.number = 0
        tag = tag_of(proof_of(self.key, self.number))
        self.number += 1
        return tag


class LookupTags:
    """The first-contact tags of one lookup secret; all numbers of a week stay recognisable.

    An opened tag stays so that a second user of the same invite is noticed, and a replay refused.
    """

    def __init__(
        self,
        table: TagTable,
        lookup_secret: bytes,
        bundle: BundleHash,
        first_week: int,
        last_week: int,
        highest: dict[int, int],
    ) -> None:
        """Expect nothing yet: :meth:`advance` does.

        Args:
            table: where tags are registered.
            lookup_secret: the key of the tags.
            bundle: hash of the bundle.
            first_week: the week of issue.
            last_week: the last week in which a sender may use the bundle.
            highest: highest number seen, by week.
        """
        self._table = table
        self._lookup_secret = lookup_secret
        self._bundle = bundle
        self._first_week = first_week
        self._last_week = last_week
        self.highest = highest
        self._windows: dict[int, TagWindow] = {}

    def advance(self, this_week: int) -> None:
        """Expect the weeks around this one in which the bundle may have been used."""
        first = max(self._first_week, this_week - WEEKS_BACK)
        last = min(self._last_week, this_week + WEEKS_AHEAD)
        for week in list(self._windows):
            if week < first:
                self._windows.pop(week).close()
                self.highest.pop(week, None)
        for week in range(first, last + 1):
            if week not in self._windows:
                highest = self.highest.get(week, _NONE_SEEN)
                behind = range(max(0, highest + 1 - MISSING_MAX), highest + 1)
                series = WeekSeries(self._lookup_secret, self._bundle, week)
                self._windows[week] = TagWindow(self._table, series, highest, behind)

    def note(self, window: TagWindow, tag: Tag) -> bool:
        """Take note that an envelope of a tag was opened; tell whether the window moved."""
        number = window.number_of(tag)
        moved = number > window.highest
        window.advance(number)
        window.trim(MISSING_MAX)
        if moved and isinstance(window.series, WeekSeries):
            self.highest[window.series.week] = number
        return moved

    def close(self) -> None:
        """Expect nothing any more."""
        for window in self._windows.values():
            window.close()
        self._windows.clear()
