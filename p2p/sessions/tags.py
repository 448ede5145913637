"""Recipient tags: how an envelope is recognised by the one whom it is for, and by nobody else.

Session tags (docs/spec/session.md). Each direction of a session has a day key, and
``TK[d+1] = BLAKE2b-256(TK[d])``, personalised ``molva day key``. Message number c of day d has the
delivery proof ``p = BLAKE2b-256(key = TK[d], c)``, personalised ``molva proof``, c as 4 bytes, and
the tag ``BLAKE2b-128(p)``. Day keys that are no longer needed are destroyed.

First-contact tags: ``BLAKE2b-128(key = lookup secret, bundle hash || week || c)``, personalised
``molva lookup tag``, week and c as 4 bytes each.
"""

from __future__ import annotations

import struct
from collections import OrderedDict
from collections.abc import Iterable
from hashlib import blake2b
from typing import Annotated, Final, TypeAlias, cast

from msgspec import Meta

from p2p.crypto.kdf import keyed_hash, labelled_hash
from p2p.wire.ids import BundleHash, Proof, Tag
from p2p.wire.limits import TAG_SIZE_BYTES, TAG_WINDOW

DAY_S: Final = 86_400
WEEK_S: Final = 7 * DAY_S
LOOKUP_SECRET_BYTES: Final = 16
MISSING_MAX: Final = 1_000
"""Numbers below the highest seen that stay recognisable, for each session or lookup secret."""
_OPENED_MAX: Final = 8_192
"""Tags of opened envelopes remembered, only to tell a replay from a stranger's envelope."""
LookupSecret: TypeAlias = Annotated[
    bytes, Meta(min_length=LOOKUP_SECRET_BYTES, max_length=LOOKUP_SECRET_BYTES)
]
NONE_SEEN: Final = -1
_NUMBER = struct.Struct(">I")
_TAG_BASE: Final = blake2b(digest_size=TAG_SIZE_BYTES)
"""To be copied: that takes half as long as making one."""


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
        fresh = dict.fromkeys(tags, window)
        self._windows.update(fresh)
        self._new.extend(fresh)

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
        missing = list(behind)
        self.behind = dict(zip(series.tags(missing), missing, strict=True))
        self._table = table
        first = highest + 1
        self._ahead = series.tags(range(first, first + TAG_WINDOW))
        table.expect(self.behind, self)
        table.expect(self._ahead, self)

    def number_of(self, tag: Tag) -> int:
        """Give the number of a tag that the table found here."""
        number = self.behind.get(tag)
        return self.highest + 1 + self._ahead.index(tag) if number is None else number

    def spend(self, tag: Tag) -> int:
        """Expect a tag no more, since its envelope was opened; give how many new gaps there are."""
        gaps = 0
        if self.behind.pop(tag, None) is None:
            gaps = self._ahead.index(tag)
            self._move(gaps)
        self._table.spend(tag)
        return gaps

    def note(self, tag: Tag) -> bool:
        """Move on to a tag, and go on expecting it; tell whether the window moved."""
        if tag in self.behind:
            return False
        self._move(self._ahead.index(tag))
        self.behind[tag] = self.highest
        return True

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

    def _move(self, passed_over: int) -> None:
        """Let the window begin after the tag at ``passed_over``; those before it may still come."""
        first = self.highest + 1
        for offset in range(passed_over):
            self.behind[self._ahead[offset]] = first + offset
        del self._ahead[: passed_over + 1]
        self.highest = first + passed_over
        end = self.highest + 1 + TAG_WINDOW
        fresh = self.series.tags(range(end - passed_over - 1, end))
        self._ahead += fresh
        self._table.expect(fresh, self)


class DaySeries:
    """The tags of one direction of a session on one day; ``owner`` names the session."""

    __slots__ = ("_base", "day", "key", "owner")

    def __init__(self, owner: bytes, day: int, key: bytes) -> None:
        self.owner = owner
        self.day = day
        self.key = key
        # Hashing the key costs a block; a copy of the keyed state saves it for each tag.
        self._base = blake2b(digest_size=32, key=key, person=b"molva proof")

    def proof(self, number: int) -> Proof:
        """Give the delivery proof of a number."""
        keyed = self._base.copy()
        keyed.update(number.to_bytes(4, "big"))
        return Proof(keyed.digest())

    def tags(self, numbers: Iterable[int]) -> list[Tag]:
        """Give the tags of some numbers: :func:`tag_of` their proofs, without a call for each.

        A node derives about a thousand tags for each contact when it starts.
        """
        tags: list[bytes] = []
        for packed in map(_NUMBER.pack, numbers):
            keyed = self._base.copy()
            keyed.update(packed)
            tag = _TAG_BASE.copy()
            tag.update(keyed.digest())
            tags.append(tag.digest())
        return cast("list[Tag]", tags)


class WeekSeries:
    """The first-contact tags of one lookup secret in one week."""

    __slots__ = ("bundle", "lookup_secret", "week")

    def __init__(self, lookup_secret: bytes, bundle: BundleHash, week: int) -> None:
        self.lookup_secret = lookup_secret
        self.bundle = bundle
        self.week = week

    def tags(self, numbers: Iterable[int]) -> list[Tag]:
        """Give the tags of some numbers."""
        return [
            first_contact_tag(self.lookup_secret, self.bundle, self.week, number)
            for number in numbers
        ]
