"""Records between neighbours: who offers, wants and sends what (docs/spec/record.md).

Every header is offered to every neighbour that asks for records. The receiver judges it and
fetches the body in parts, at its own pace: what is on its way is so little that mail does not
wait behind it. A body is kept, and passed on, only once it is whole and holds.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Final

from p2p.core.config import NodeConfig, RecordConfig
from p2p.core.contacts import Contacts
from p2p.core.effects import Effect, Noted
from p2p.core.neighbours import Neighbour
from p2p.core.records.fetching import RecordFetching
from p2p.core.records.link import Account, RecordLink
from p2p.core.records.records import Records
from p2p.core.records.transfer import record_frames
from p2p.core.sync import OFFER_ATTEMPTS_MAX
from p2p.crypto.record_signature import check_record
from p2p.errors import ProtocolViolation, WrongVersion
from p2p.ports.store import RecordTier
from p2p.wire.frames import (
    RecordAnswer,
    RecordFrame,
    RecordOffer,
    RecordPart,
    RecordReason,
    RecordWant,
    RecordWish,
)
from p2p.wire.ids import PeerId, RecordId
from p2p.wire.limits import (
    RECORD_OFFERS_OUTSTANDING_MAX,
    RECORD_PART_SIZE_BYTES,
    RECORD_PARTS_PER_WANT_MAX,
    RECORD_WANTS_OUTSTANDING_MAX,
)
from p2p.wire.record import decode_record_header, record_id

ACCOUNTS_MAX: Final = 1_024
"""Peers whose costs are remembered; the one that was met longest ago is forgotten first."""
SERVING_MAX: Final = RECORD_WANTS_OUTSTANDING_MAX * RECORD_PARTS_PER_WANT_MAX


def record_config(config: NodeConfig) -> RecordConfig:
    """Give the records' limits; who carries nothing for strangers has no room for theirs."""
    records = config.records
    return records if config.carry_for_strangers else replace(records, strangers_max_count=0)


@dataclass(slots=True)
class RecordSync:
    """The exchange of records with all neighbours."""

    records: Records
    contacts: Contacts
    config: RecordConfig
    fetching: RecordFetching = field(init=False)
    _links: dict[PeerId, RecordLink] = field(default_factory=dict[PeerId, RecordLink])
    _accounts: dict[PeerId, Account] = field(default_factory=dict[PeerId, Account])
    _stirred: bool = True
    _moment: float | None = None

    def __post_init__(self) -> None:
        self.fetching = RecordFetching(self.records, self.config, self._links)

    # --- links -----------------------------------------------------------------------------------

    def greeted(self, neighbour: Neighbour, now_s: float) -> None:
        """Begin the exchange with a neighbour that said Hello: everything is on offer."""
        self._stirred = True
        account = self._accounts.pop(neighbour.peer, None) or Account.opened(self.config, now_s)
        self._accounts[neighbour.peer] = account
        if len(self._accounts) > ACCOUNTS_MAX:
            del self._accounts[next(iter(self._accounts))]
        link = RecordLink(neighbour, account, self._tier_of(neighbour.peer))
        self._links[neighbour.peer] = link
        if neighbour.takes_records():
            link.to_offer.extend(self.records.in_order_of_transfer())

    def closed(self, peer: PeerId) -> None:
        """Forget a link; what was on its way is asked of others that have it."""
        link = self._links.pop(peer, None)
        if link is not None:
            self._stirred = True
            self.fetching.closed(link)

    # --- the neighbour's frames ------------------------------------------------------------------

    def take_in(self, neighbour: Neighbour, frame: RecordFrame, now_s: float) -> list[Effect]:
        """Take in one frame about records.

        Raises:
            RemoteError: no correct neighbour sends it.
        """
        self._stirred = True
        link = self._links[neighbour.peer]
        link.tier = self._tier_of(neighbour.peer)
        match frame:
            case RecordOffer():
                effects = self._offered(link, frame, now_s)
            case RecordWant(wishes):
                effects = []
                for wish in wishes:
                    self._wanted(link, wish)
            case RecordPart():
                effects = self.fetching.part(link, frame, now_s)
            case RecordAnswer():
                effects = self._answered(link, frame)
        link.check_answers()
        return effects

    def _offered(self, link: RecordLink, offer: RecordOffer, now_s: float) -> list[Effect]:
        effects: list[Effect] = []
        for data in offer.headers:
            try:
                header = decode_record_header(data)
            except WrongVersion:
                effects.append(Noted("record-format-unknown"))
                continue
            record = record_id(header)
            link.knows(record)
            reason = _waits(link, record) or self.records.refusal(record, header, link.tier, now_s)
            if reason is None and not link.account.judged.spend(1.0, now_s):
                reason = RecordReason.FULL
            if reason is None:
                self.fetching.wait(link, record, check_record(header))
                reason = RecordReason.WAITING
            link.answer(record, reason)
        return effects

    def _wanted(self, link: RecordLink, wish: RecordWish) -> None:
        """Queue the parts that the neighbour wants, of records that it was offered on this link.

        Of each record it gets as many parts as two whole bodies have, and a few to begin with.

        Raises:
            ProtocolViolation: there is no such part.
        """
        record = RecordId(wish.id)
        row = self.records.row(record)
        sent = link.offered.get(record)
        link.settled(record, RecordReason.WAITING)
        if row is None or sent is None:
            link.answer(record, RecordReason.GONE)
            link.settled(record, RecordReason.GONE)
            return
        parts_all = -(-row.size_bytes // RECORD_PART_SIZE_BYTES)
        if wish.first >= parts_all:
            raise ProtocolViolation("A part beyond the end of a record.")
        queued = len(link.serving) + wish.parts
        if sent + wish.parts > 2 * parts_all + RECORD_PARTS_PER_WANT_MAX or queued > SERVING_MAX:
            link.answer(record, RecordReason.BUSY)
            link.settled(record, RecordReason.BUSY)
            return
        link.offered[record] = sent + wish.parts
        for number in range(wish.first, min(wish.first + wish.parts, parts_all)):
            link.serving.append((record, number))

    def _answered(self, link: RecordLink, answer: RecordAnswer) -> list[Effect]:
        for fate in answer.fates:
            record = RecordId(fate.id)
            link.settled(record, fate.reason)
            self.fetching.denied(link, record)
        return []

    # --- time ------------------------------------------------------------------------------------

    def settle(self, now_s: float) -> list[Effect]:
        """End a batch: fetch what waits, offer what is new, give frames as mail leaves room."""
        fresh = self.records.drain_fresh()
        if not (self._stirred or fresh):
            return []
        effects = self.fetching.settle(now_s)
        for record in fresh:
            for link in self._links.values():
                if link.neighbour.takes_records():
                    link.to_offer.append(record)
        self._stirred = False
        for link in self._links.values():
            if link.has_work():
                effects += record_frames(link, self.records, now_s)
                # What waits for credit is tried again in every batch.
                self._stirred = self._stirred or link.has_work()
        self._moment = self._next_moment()
        return effects

    def wake(self, now_s: float) -> list[Effect]:
        """Drop what is over its time, and repeat what is unanswered."""
        self._stirred = True
        effects = self.records.expire(now_s)
        for link in self._links.values():
            _repeat_offers(link, now_s)
        self.fetching.wake(now_s)
        return effects

    def next_wakeup(self) -> float | None:
        """Give when :meth:`wake` has something to do (Unix s): nothing moves it but a batch."""
        return self._moment

    def _next_moment(self) -> float | None:
        soonest_s = self.records.next_expiry()
        others = [link.next_moment() for link in self._links.values() if link.waits()]
        for moment in (self.fetching.next_wakeup(), *others):
            if moment is not None and (soonest_s is None or moment < soonest_s):
                soonest_s = moment
        return soonest_s

    def _tier_of(self, peer: PeerId) -> RecordTier:
        account = self.contacts.owner_of(peer)
        contact = None if account is None else self.contacts.get(account)
        known = contact is not None and not contact.blocked
        return RecordTier.CONTACT if known else RecordTier.STRANGER


def _waits(link: RecordLink, record: RecordId) -> RecordReason | None:
    if record in link.waiting or record in link.fetching:
        return RecordReason.WAITING
    crowded = len(link.waiting) >= RECORD_OFFERS_OUTSTANDING_MAX
    return RecordReason.FULL if crowded else None


def _repeat_offers(link: RecordLink, now_s: float) -> None:
    """Make unanswered offers again; a neighbour that never answers is offered no more."""
    for record in [r for r, made in link.offers.items() if made.repeat_at_s <= now_s]:
        made = link.offers[record]
        if made.attempt >= OFFER_ATTEMPTS_MAX:
            link.offers.clear()
            link.to_offer.clear()
            return
        made.attempt += 1
        made.repeat_at_s = now_s + link.neighbour.answer_wait_s(made.attempt)
        link.to_offer.append(record)
