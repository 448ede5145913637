"""Frames about records, as far as mail leaves credit for them.

Order: answers, wants, offers, parts. Nothing is sent while mail or proofs wait, and parts leave
enough credit for the largest frame of mail.
"""

from __future__ import annotations

from itertools import islice
from typing import Final

from p2p.core.effects import Effect, SendFrame
from p2p.core.neighbours import Neighbour
from p2p.core.records.link import RecordLink
from p2p.core.records.records import Records
from p2p.wire.frames import (
    Frame,
    RecordAnswer,
    RecordFate,
    RecordOffer,
    RecordPart,
    RecordReason,
    RecordWant,
    encode_frame,
)
from p2p.wire.ids import RecordId
from p2p.wire.limits import (
    FRAME_SIZE_MAX_BYTES,
    IDS_PER_FRAME_MAX,
    RECORD_OFFERS_OUTSTANDING_MAX,
    RECORD_OFFERS_PER_FRAME_MAX,
    RECORD_PART_SIZE_BYTES,
    RECORD_WANTS_PER_FRAME_MAX,
)

PART_CREDIT_BYTES: Final = RECORD_PART_SIZE_BYTES + 64 + FRAME_SIZE_MAX_BYTES
"""A part is sent only where so much credit is left: itself, and the largest frame of mail."""


def record_frames(link: RecordLink, records: Records, now_s: float) -> list[Effect]:
    """Give the frames that may be sent to one neighbour now, in the order of sending."""
    out: list[Effect] = []
    if _mail_waits(link.neighbour):
        return out
    if _send_answers(link, out) and _send_wants(link, out):
        _send_offers(link, records, out, now_s)
        _send_parts(link, records, out, now_s)
    return out


def _mail_waits(neighbour: Neighbour) -> bool:
    return bool(
        neighbour.control
        or neighbour.to_prove
        or neighbour.to_carry
        or (neighbour.to_offer and neighbour.may_offer() > 0)
    )


def _send(link: RecordLink, frame: Frame, out: list[Effect]) -> bool:
    data = encode_frame(frame)
    if not link.neighbour.pay(data):
        return False
    out.append(SendFrame(link.neighbour.peer, data))
    return True


def _send_answers(link: RecordLink, out: list[Effect]) -> bool:
    while link.answers:
        batch = list(islice(link.answers.items(), IDS_PER_FRAME_MAX))
        fates = tuple(RecordFate(record, int(reason)) for record, reason in batch)
        if not _send(link, RecordAnswer(fates), out):
            return False
        for record, _ in batch:
            del link.answers[record]
    return True


def _send_wants(link: RecordLink, out: list[Effect]) -> bool:
    while link.wishes:
        batch = link.wishes[:RECORD_WANTS_PER_FRAME_MAX]
        if not _send(link, RecordWant(tuple(batch)), out):
            return False
        del link.wishes[: len(batch)]
    return True


def _send_offers(link: RecordLink, records: Records, out: list[Effect], now_s: float) -> None:
    while batch := _next_offers(link):
        rows = [
            row
            for record in batch
            if (row := records.row(record)) is not None and record not in link.theirs
        ]
        if rows and not _send(link, RecordOffer(tuple(row.header for row in rows)), out):
            return
        for _ in batch:
            link.to_offer.popleft()
        for row in rows:
            link.note_offered(row.id, now_s + link.neighbour.answer_wait_s(0))


def _next_offers(link: RecordLink) -> list[RecordId]:
    """Give what to offer next: repeats always, new ones as far as few enough are unanswered."""
    room = RECORD_OFFERS_OUTSTANDING_MAX - len(link.offers) - len(link.pending)
    batch: list[RecordId] = []
    for record in islice(link.to_offer, RECORD_OFFERS_PER_FRAME_MAX):
        room -= record not in link.offers
        if room < 0:
            break
        batch.append(record)
    return batch


def _send_parts(link: RecordLink, records: Records, out: list[Effect], now_s: float) -> None:
    while link.serving and link.neighbour.credit_out >= PART_CREDIT_BYTES:
        record, number = link.serving.popleft()
        data = records.part(record, number)
        if data is None:
            link.answer(record, RecordReason.GONE)
        elif not link.account.served.spend(len(data), now_s):
            link.answer(record, RecordReason.BUSY)
        else:
            _send(link, RecordPart(record, number, data), out)
