"""What is known of the exchange of records with one neighbour."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Final

from msgspec import Struct, field

from p2p.core.budget import TokenBucket
from p2p.core.config import RecordConfig
from p2p.core.neighbours import Neighbour
from p2p.core.records.partials import Partial
from p2p.errors import LimitExceeded
from p2p.ports.store import RecordTier
from p2p.wire.frames import RecordReason, RecordWish
from p2p.wire.ids import RecordId
from p2p.wire.limits import RECORD_OFFERS_OUTSTANDING_MAX, RECORD_PARTS_PER_WANT_MAX
from p2p.wire.record import RecordHeader

WINDOW_FIRST_PARTS: Final = 2
"""Parts asked for at once on a new link, 32 KiB: it doubles while they come quickly."""
QUICK_S: Final = 0.5
SLOW_S: Final = 2.0
"""Mail waits behind what is on its way: this long at most, about."""
ANSWERS_WAITING_MAX: Final = 4 * RECORD_OFFERS_OUTSTANDING_MAX
"""A neighbour that takes none of so many answers is making us grow."""
REMEMBERED_MAX: Final = 4_096
"""Records remembered of one link: what it has, and what it may want."""


@dataclass(slots=True)
class Account:
    """What one peer may cost, remembered across its links."""

    served: TokenBucket
    judged: TokenBucket

    @classmethod
    def opened(cls, config: RecordConfig, now_s: float) -> Account:
        """Give a full account."""
        burst, judged = float(config.served_burst_bytes), float(config.judged_burst)
        return cls(
            TokenBucket(config.served_bytes_per_s, burst, burst, now_s),
            TokenBucket(config.judged_per_s, judged, judged, now_s),
        )


class RecordOfferMade(Struct):
    """An offer of ours that is unanswered: when to make it again, and how often it was made."""

    repeat_at_s: float
    attempt: int


@dataclass(slots=True)
class Fetch:
    """A body that this neighbour is sending.

    Attributes:
        until: parts are asked for up to this number, which is not among them.
        started_s, asked_s: when the first and the latest parts were asked for.
        repeat_at_s: when to ask again, if nothing comes; ``attempt`` says how often that was done.
    """

    partial: Partial
    until: int
    started_s: float
    asked_s: float
    repeat_at_s: float
    attempt: int = 0

    @property
    def outstanding(self) -> int:
        """How many parts are asked for and have not come."""
        return self.until - self.partial.parts


class RecordLink(Struct):
    """One neighbour's part of the exchange.

    Attributes:
        tier: of what this neighbour brings.
        to_offer: records that the neighbour has not been told of.
        offers: offers of ours without an answer, in the order of making.
        pending: offers of ours that it means to fetch; they count as unanswered, without repeats.
        offered: parts sent of each record that it may want, in the order of offering.
        theirs: records that it has, as far as it told; they are not offered.
        serving: parts that it wants, not yet sent.
        answers: what became of records, not yet told.
        waiting: its offers that are to be fetched; their signatures hold.
        fetching: bodies on their way from it.
        wishes: parts to ask for.
        asked: records asked of it, so that a part of another one is known as unasked for.
        window: parts that may be on their way.
        slow_until_s: it held up others; until then nothing is fetched from it.
    """

    neighbour: Neighbour
    account: Account
    tier: RecordTier
    to_offer: deque[RecordId] = field(default_factory=deque)
    offers: dict[RecordId, RecordOfferMade] = field(default_factory=dict)
    pending: dict[RecordId, None] = field(default_factory=dict)
    offered: dict[RecordId, int] = field(default_factory=dict)
    theirs: dict[RecordId, None] = field(default_factory=dict)
    serving: deque[tuple[RecordId, int]] = field(default_factory=deque)
    answers: dict[RecordId, RecordReason] = field(default_factory=dict)
    waiting: dict[RecordId, RecordHeader] = field(default_factory=dict)
    fetching: dict[RecordId, Fetch] = field(default_factory=dict)
    wishes: list[RecordWish] = field(default_factory=list)
    asked: dict[RecordId, None] = field(default_factory=dict)
    window: int = WINDOW_FIRST_PARTS
    slow_until_s: float = 0.0

    def has_work(self) -> bool:
        """Tell whether something is to be sent, credit or not."""
        return bool(self.answers or self.wishes or self.to_offer or self.serving)

    def answer(self, record: RecordId, reason: RecordReason) -> None:
        """Tell what became of a record; the latest word counts."""
        self.answers[record] = reason

    def check_answers(self) -> None:
        """Hold the neighbour to taking its answers before it asks more.

        Raises:
            LimitExceeded: too many wait.
        """
        if len(self.answers) > ANSWERS_WAITING_MAX:
            raise LimitExceeded("The neighbour takes no answers about records.")

    def settled(self, record: RecordId, reason: int) -> None:
        """Note what became of an offer of ours."""
        was_offered = self.offers.pop(record, None) is not None
        if reason != RecordReason.WAITING:
            self.pending.pop(record, None)
        elif was_offered:
            self.pending[record] = None
        if reason in (RecordReason.TAKEN, RecordReason.HAVE):
            self.knows(record)

    def knows(self, record: RecordId) -> None:
        """Note that the neighbour has a record."""
        self.theirs[record] = None
        if len(self.theirs) > REMEMBERED_MAX:
            del self.theirs[next(iter(self.theirs))]

    def note_offered(self, record: RecordId, repeat_at_s: float) -> None:
        """Note that a record is on offer, for the first time or again."""
        self.offered.setdefault(record, 0)
        if record not in self.offers:
            self.offers[record] = RecordOfferMade(repeat_at_s, 0)
        if len(self.offered) > REMEMBERED_MAX:
            del self.offered[next(iter(self.offered))]

    def room(self) -> int:
        """Give how many more parts may be asked for."""
        return self.window - sum(fetch.outstanding for fetch in self.fetching.values())

    def reserved_bytes(self) -> int:
        """Give the size of all bodies on their way from this neighbour."""
        return sum(fetch.partial.header.size_bytes for fetch in self.fetching.values())

    def ask(self, record: RecordId, fetch: Fetch, parts: int, now_s: float) -> None:
        """Ask for parts of a body, from where it stands."""
        first = fetch.partial.parts
        parts = min(parts, fetch.partial.parts_all - first, RECORD_PARTS_PER_WANT_MAX)
        fetch.until = first + parts
        fetch.asked_s = now_s
        fetch.repeat_at_s = now_s + self.neighbour.answer_wait_s(fetch.attempt)
        self.wishes.append(RecordWish(record, first, parts))
        self.asked[record] = None
        if len(self.asked) > REMEMBERED_MAX:
            del self.asked[next(iter(self.asked))]

    def adapt(self, took_s: float) -> None:
        """Let more parts be on their way where they come quickly, fewer where mail would wait."""
        if took_s <= QUICK_S:
            self.window = min(2 * self.window, RECORD_PARTS_PER_WANT_MAX)
        elif took_s > SLOW_S:
            self.window = max(self.window // 2, 1)

    def waits(self) -> bool:
        """Tell whether :meth:`next_moment` may name one: of many links most wait for nothing."""
        return bool(self.offers or self.fetching or self.slow_until_s)

    def next_moment(self) -> float | None:
        """Give when something unanswered is to be repeated (Unix s)."""
        made = next(iter(self.offers.values()), None)
        moments = [fetch.repeat_at_s for fetch in self.fetching.values()]
        if made is not None:
            moments.append(made.repeat_at_s)
        if self.slow_until_s and self.waiting:
            moments.append(self.slow_until_s)
        return min(moments, default=None)
