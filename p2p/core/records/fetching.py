"""Fetching bodies: from whom, in which order, and what happens when they do not come.

A body comes from one neighbour at a time. Others that have it wait, and take over where it stands
when the first breaks off, stays silent, or holds up the rest.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from p2p.core.config import RecordConfig
from p2p.core.effects import Effect, Noted
from p2p.core.records.link import Fetch, RecordLink
from p2p.core.records.partials import Partials
from p2p.core.records.records import Records
from p2p.errors import NotAuthentic, ProtocolViolation
from p2p.wire.frames import RecordPart, RecordReason
from p2p.wire.ids import PeerId, RecordId
from p2p.wire.limits import RECORD_BODY_MAX_BYTES, RECORD_WANTS_OUTSTANDING_MAX
from p2p.wire.record import RecordHeader, check_body

FETCH_ATTEMPTS_MAX: Final = 5
"""A neighbour that sends nothing after so many repeats is asked for this record no more."""
PATIENCE_S: Final = 60.0
"""Every body has this long, besides the time that its size takes."""
SLOW_AWAY_S: Final = 600.0
"""Nothing is fetched for so long from a neighbour that held up others."""


@dataclass(slots=True)
class RecordFetching:
    """Fetches what links have on offer, as far as memory and each link's window go."""

    records: Records
    config: RecordConfig
    links: dict[PeerId, RecordLink]
    _partials: Partials = field(init=False)
    _crowded: bool = False
    _due: bool = False

    def __post_init__(self) -> None:
        self._partials = Partials(self.config.partials_max_bytes)

    # --- beginning -------------------------------------------------------------------------------

    def settle(self, now_s: float) -> list[Effect]:
        """End a batch: begin what can be begun, if anything has changed."""
        if not self._due:
            return []
        self._due = False
        return [effect for link in self.links.values() for effect in self._fetch(link, now_s)]

    def wait(self, link: RecordLink, record: RecordId, header: RecordHeader) -> None:
        """Let an offer of a neighbour's wait for its turn."""
        link.waiting[record] = header
        self._due = True

    def _fetch(self, link: RecordLink, now_s: float) -> list[Effect]:
        """Begin what can be begun on one link, in the order in which it was offered."""
        effects: list[Effect] = []
        if now_s < link.slow_until_s:
            return effects
        for record in list(link.waiting):
            if link.room() <= 0 or len(link.fetching) >= RECORD_WANTS_OUTSTANDING_MAX:
                break
            if not self._partials.is_active(record):
                effects += self._begin(link, record, link.waiting[record], now_s)
        return effects

    def _begin(
        self, link: RecordLink, record: RecordId, header: RecordHeader, now_s: float
    ) -> list[Effect]:
        """Begin to fetch one record, if it is still worth it and there is room."""
        reason = self.records.refusal(record, header, link.tier, now_s)
        if reason is not None:
            del link.waiting[record]
            link.answer(record, reason)
            return []
        body = self.records.same_body(header)
        if body is not None and len(body) == header.size_bytes:
            del link.waiting[record]
            return self._take(link, record, header, body, now_s)
        size_bytes = header.size_bytes
        if link.fetching and link.reserved_bytes() + size_bytes > RECORD_BODY_MAX_BYTES:
            return []
        peer = link.neighbour.peer
        partial = self._partials.begin(record, header, peer, link.tier)
        if partial is None and self._cut_slowest(now_s):
            partial = self._partials.begin(record, header, peer, link.tier)
        if partial is None:
            self._crowded = True
            return []
        del link.waiting[record]
        fetch = Fetch(partial, 0, now_s, now_s, now_s)
        link.fetching[record] = fetch
        link.ask(record, fetch, link.room() or 1, now_s)
        return []

    # --- what comes ------------------------------------------------------------------------------

    def part(self, link: RecordLink, part: RecordPart, now_s: float) -> list[Effect]:
        """Take in one part of a body.

        A part that was asked for twice, or whose predecessor was lost, is passed over.

        Raises:
            ProtocolViolation: nothing of this record was asked for.
            Malformed: a part of the wrong size.
            NotAuthentic: the body is whole and is not the one that its author signed.
        """
        record = RecordId(part.id)
        fetch = link.fetching.get(record)
        if record not in link.asked:
            raise ProtocolViolation("A part of a record that was not asked for.")
        if fetch is None or part.number != fetch.partial.parts:
            return [Noted("record-part-passed-over")]
        fetch.partial.append(part.data, link.neighbour.peer)
        fetch.attempt = 0
        fetch.repeat_at_s = now_s + link.neighbour.answer_wait_s(0)
        if fetch.partial.is_whole:
            link.adapt(now_s - fetch.asked_s)
            return self._finish(link, record, fetch, now_s)
        if not fetch.outstanding:
            link.adapt(now_s - fetch.asked_s)
            link.ask(record, fetch, max(link.room(), 1), now_s)
        self._due = True
        return []

    def _finish(
        self, link: RecordLink, record: RecordId, fetch: Fetch, now_s: float
    ) -> list[Effect]:
        partial = fetch.partial
        try:
            check_body(partial.header, partial.data)
        except NotAuthentic:
            if len(partial.givers) > 1:  # nobody knows who of them it was
                partial.restart()
                link.ask(record, fetch, max(link.room(), 1), now_s)
                return [Noted("record-body-mixed")]
            self._end(link, record)
            link.answer(record, RecordReason.REFUSED)
            raise
        self._end(link, record)
        return self._take(link, record, partial.header, bytes(partial.data), now_s)

    def _end(self, link: RecordLink, record: RecordId) -> None:
        del link.fetching[record]
        self._partials.forget(record)
        self._due = True

    def _take(
        self, link: RecordLink, record: RecordId, header: RecordHeader, body: bytes, now_s: float
    ) -> list[Effect]:
        reason, effects = self.records.take(header, body, link.tier, link.neighbour.peer, now_s)
        link.answer(record, reason)
        said = RecordReason.HAVE if reason is RecordReason.TAKEN else reason
        for other in self.links.values():
            if other.waiting.pop(record, None) is not None:
                other.answer(record, said)
        return effects

    # --- what does not come ----------------------------------------------------------------------

    def denied(self, link: RecordLink, record: RecordId) -> None:
        """Note that a neighbour does not send a record, if it was to."""
        if link.fetching.pop(record, None) is not None:
            self._partials.rest(record)
            self._due = True

    def closed(self, link: RecordLink) -> None:
        """Let others go on with what a link that is gone was sending."""
        for record in list(link.fetching):
            self.denied(link, record)

    def wake(self, now_s: float) -> None:
        """Ask again for what does not come: others first, the same neighbour else."""
        self._due = self._due or self._crowded
        self._crowded = False
        for link in list(self.links.values()):
            if 0.0 < link.slow_until_s <= now_s:
                link.slow_until_s = 0.0
                self._due = True
            for record, fetch in list(link.fetching.items()):
                if fetch.repeat_at_s <= now_s:
                    self._ask_again(link, record, fetch, now_s)

    def next_wakeup(self) -> float | None:
        """Give when somebody may be cut off for whom others wait (Unix s)."""
        if not self._crowded:
            return None
        fetches = [fetch for link in self.links.values() for fetch in link.fetching.values()]
        return min((self._overdue_s(fetch) for fetch in fetches), default=None)

    def _ask_again(self, link: RecordLink, record: RecordId, fetch: Fetch, now_s: float) -> None:
        fetch.attempt += 1
        elsewhere = any(record in other.waiting for other in self.links.values())
        if elsewhere or fetch.attempt > FETCH_ATTEMPTS_MAX:
            self.denied(link, record)
            if elsewhere and link.neighbour.peer in fetch.partial.givers:
                # Slow, not silent: it may go on later, after all others.
                link.waiting[record] = fetch.partial.header
                self.links[link.neighbour.peer] = self.links.pop(link.neighbour.peer)
            else:
                link.answer(record, RecordReason.OTHER)
        else:
            link.ask(record, fetch, 1, now_s)

    def _overdue_s(self, fetch: Fetch) -> float:
        size_bytes = fetch.partial.header.size_bytes
        return fetch.started_s + PATIENCE_S + size_bytes / self.config.slow_bytes_per_s

    def _cut_slowest(self, now_s: float) -> bool:
        """Break off the body that is longest over its time; False where none is."""
        overdue = [
            (self._overdue_s(fetch), place, record)
            for place, link in enumerate(self.links.values())
            for record, fetch in link.fetching.items()
            if self._overdue_s(fetch) <= now_s
        ]
        if not overdue:
            return False
        _, place, record = min(overdue)
        link = list(self.links.values())[place]
        self._end(link, record)
        link.answer(record, RecordReason.FULL)
        link.slow_until_s = now_s + SLOW_AWAY_S
        return True
