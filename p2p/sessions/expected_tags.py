"""Which tags a session or a lookup secret expects as time passes, and which keys are destroyed."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from typing import Annotated, Final

from msgspec import Meta, Struct

from p2p.sessions.tags import (
    MISSING_MAX,
    NONE_SEEN,
    DaySeries,
    TagTable,
    TagWindow,
    WeekSeries,
    next_day_key,
    proof_of,
)
from p2p.wire.ids import BundleHash, Tag, tag_of
from p2p.wire.limits import TAG_DAYS_AHEAD, TAG_DAYS_BACK

WEEKS_BACK: Final = 5
WEEKS_AHEAD: Final = 1
_NUMBER = struct.Struct(">I")


class SeenDay(Struct, frozen=True, array_like=True):
    """What came of one day: the highest number, and those below it that are missing (4 bytes each,
    big-endian).
    """

    day: Annotated[int, Meta(ge=0)]
    highest: Annotated[int, Meta(ge=-1)]
    gaps: Annotated[bytes, Meta(max_length=4 * 2 * MISSING_MAX)]

    def missing(self) -> Iterator[int]:
        """Give the missing numbers."""
        return (number for (number,) in _NUMBER.iter_unpack(self.gaps))


class IncomingTags:
    """One session's expected tags, day by day; keys of days gone by are destroyed."""

    def __init__(
        self,
        table: TagTable,
        owner: bytes,
        day: int,
        key: bytes,
        seen: Iterable[SeenDay],
    ) -> None:
        """Expect nothing yet: :meth:`advance` does.

        Args:
            table: where tags are registered.
            owner: the session's id.
            day, key: the oldest day whose key is kept.
            seen: the days on which something came.
        """
        self._table = table
        self._owner = owner
        self._day = day
        self._key = key
        self._seen = {each.day: each for each in seen}
        self._windows: dict[int, TagWindow] = {}
        # The first day that has no window yet, so that a new day costs one hash and not a month's.
        self._next_day = day
        self._next_key = key

    @property
    def oldest_day(self) -> int:
        """The oldest day whose key is kept; tags of days before it are recognised no more."""
        return self._day

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
        if self._next_day < self._day:
            self._next_day, self._next_key = self._day, self._key
        while self._next_day <= max(today + TAG_DAYS_AHEAD, self._day):
            seen = self._seen.pop(self._next_day, SeenDay(self._next_day, NONE_SEEN, b""))
            series = DaySeries(self._owner, self._next_day, self._next_key)
            window = TagWindow(self._table, series, seen.highest, seen.missing())
            self._windows[self._next_day] = window
            self._next_key = next_day_key(self._next_key)
            self._next_day += 1

    def spend(self, window: TagWindow, tag: Tag) -> None:
        """Take note that the envelope of a tag was opened."""
        if not window.spend(tag):
            return
        excess = sum(len(each.behind) for each in self._windows.values()) - MISSING_MAX
        for each in self._windows.values():
            if excess > 0:
                dropped = min(excess, len(each.behind))
                each.trim(len(each.behind) - dropped)
                excess -= dropped

    def close(self) -> None:
        """Expect nothing any more."""
        for window in self._windows.values():
            window.close()
        self._windows.clear()

    def record(self) -> tuple[int, bytes, tuple[SeenDay, ...]]:
        """Give (oldest day, its key, what was seen), for the constructor."""
        seen = tuple(
            SeenDay(day, window.highest, b"".join(map(_NUMBER.pack, window.behind.values())))
            for day, window in self._windows.items()
            if window.highest != NONE_SEEN
        )
        return self._day, self._key, (*seen, *self._seen.values())


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
                highest = self.highest.get(week, NONE_SEEN)
                behind = range(max(0, highest + 1 - MISSING_MAX), highest + 1)
                series = WeekSeries(self._lookup_secret, self._bundle, week)
                self._windows[week] = TagWindow(self._table, series, highest, behind)

    def note(self, window: TagWindow, series: WeekSeries, tag: Tag) -> bool:
        """Take note that an envelope of a tag was opened; tell whether the window moved."""
        moved = window.note(tag)
        if moved:
            window.trim(MISSING_MAX)
            self.highest[series.week] = window.highest
        return moved

    def close(self) -> None:
        """Expect nothing any more."""
        for window in self._windows.values():
            window.close()
        self._windows.clear()
