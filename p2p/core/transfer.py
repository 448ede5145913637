"""Frames out: what a neighbour's queues hold, as far as its credit goes.

Order: credit, replies, proofs, mail that it wants or that is for it, offers. Queues are emptied
once per batch, so that a burst of envelopes is answered by one Taken.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TypeVar

from p2p.core.custody import Custody
from p2p.core.neighbours import OPEN, Neighbour, OfferMade
from p2p.core.proofs import Proofs
from p2p.core.routing.router import Item, Router
from p2p.ports.store import CustodyRow
from p2p.wire.envelope import HOUR_S, class_for
from p2p.wire.frames import (
    Carry,
    Offer,
    OfferEntry,
    ProofFrame,
    Refusal,
    RefusalReason,
    Refused,
    Taken,
    Want,
    encode_frame,
)
from p2p.wire.ids import EnvelopeId
from p2p.wire.limits import (
    HOPS_MAX,
    IDS_PER_FRAME_MAX,
    OFFERS_PER_FRAME_MAX,
    PROOFS_PER_FRAME_MAX,
)

T = TypeVar("T")


@dataclass(slots=True)
class Transfer:
    """Empties neighbours' queues into frames."""

    custody: Custody
    proofs: Proofs
    router: Router
    carries_unanswered_max: int

    def frames(self, neighbour: Neighbour, now_s: float) -> list[bytes]:
        """Give the frames that credit allows now, in the order of sending."""
        out: list[bytes] = []
        if neighbour.stage is not OPEN:
            return out
        credit = neighbour.credit_frame()
        if credit is not None:
            out.append(credit)
        _send_replies(neighbour, out)
        if not neighbour.control:
            if neighbour.to_prove:
                self._send_proofs(neighbour, out)
            if neighbour.to_carry:
                self._send_mail(neighbour, out, now_s)
                _send_replies(neighbour, out)
            if neighbour.to_offer:
                self._send_offers(neighbour, out, now_s)
        return out

    def last_proofs(self, neighbour: Neighbour) -> list[bytes]:
        """Give frames with the proofs that still wait for their time, as far as credit goes."""
        frames = [
            encode_frame(ProofFrame(tuple(proofs)))
            for proofs in _chunks(self.proofs.waiting(), PROOFS_PER_FRAME_MAX)
        ]
        return [frame for frame in frames if neighbour.pay(frame)]

    def _send_proofs(self, neighbour: Neighbour, out: list[bytes]) -> None:
        while neighbour.to_prove:
            batch = list(islice(neighbour.to_prove, PROOFS_PER_FRAME_MAX))
            known = self.proofs.opening(batch)
            frame = encode_frame(ProofFrame(tuple(known))) if known else b""
            if not neighbour.pay(frame):
                return
            for _ in batch:
                neighbour.to_prove.popleft()
            if frame:
                out.append(frame)

    def _send_mail(self, neighbour: Neighbour, out: list[bytes], now_s: float) -> None:
        while neighbour.to_carry and len(neighbour.carried) < self.carries_unanswered_max:
            envelope = neighbour.to_carry[0]
            row = self.custody.row(envelope)
            data = None if row is None else self.custody.data(envelope)
            if row is None or data is None:  # gone since; whoever asked for it must not wait
                neighbour.to_carry.popleft()
                if envelope not in neighbour.direct:
                    neighbour.refused_queue.append((envelope, RefusalReason.OTHER))
                continue
            is_direct = envelope in neighbour.direct
            shared = 0 if is_direct else self.router.share(_item(row), neighbour.peer, now_s)
            frame = encode_frame(Carry(data, shared, min(row.hops + 1, HOPS_MAX)))
            if not neighbour.pay(frame):
                return
            neighbour.to_carry.popleft()
            kept = row.copies if is_direct else self.router.keep(_item(row), shared)
            self.custody.set_copies(envelope, kept)
            neighbour.carried[envelope] = row.copies - kept
            self.custody.note_given(row)
            out.append(frame)

    def _send_offers(self, neighbour: Neighbour, out: list[bytes], now_s: float) -> None:
        while neighbour.to_offer and neighbour.may_offer() > 0:
            room = min(OFFERS_PER_FRAME_MAX, neighbour.may_offer())
            batch = list(islice(neighbour.to_offer, room))
            entries = [
                self._entry(row, neighbour, now_s)
                for envelope in batch
                if (row := self.custody.row(envelope)) is not None
                and not self._is_pointless(row, neighbour)
            ]
            frame = encode_frame(Offer(tuple(entries))) if entries else b""
            if not neighbour.pay(frame):
                return
            for _ in batch:
                neighbour.to_offer.popleft()
            told = 0 if neighbour.to_prove else self.proofs.newest
            for entry in entries:
                _note_offer(neighbour, EnvelopeId(entry.id), told, now_s)
            if frame:
                out.append(frame)

    def _is_pointless(self, row: CustodyRow, neighbour: Neighbour) -> bool:
        proven = row.tag in self.proofs or row.commitment in self.proofs
        return proven or row.id in neighbour.carried

    def _entry(self, row: CustodyRow, neighbour: Neighbour, now_s: float) -> OfferEntry:
        return OfferEntry(
            id=row.id,
            size_class=class_for(row.size_bytes) or 0,
            expiry_hour=int(row.expires_s) // HOUR_S,
            tag=row.tag,
            copies=self.router.share(_item(row), neighbour.peer, now_s),
        )


def _send_replies(neighbour: Neighbour, out: list[bytes]) -> None:
    _queue_replies(neighbour)
    while neighbour.control and neighbour.pay(neighbour.control[0]):
        out.append(neighbour.control.popleft())


def _queue_replies(neighbour: Neighbour) -> None:
    if neighbour.taken_queue:
        for taken in _chunks(neighbour.taken_queue, IDS_PER_FRAME_MAX):
            neighbour.queue(Taken(tuple(taken)))
        neighbour.taken_queue.clear()
    if neighbour.refused_queue:
        for refused in _chunks(neighbour.refused_queue, IDS_PER_FRAME_MAX):
            neighbour.queue(Refused(tuple(Refusal(id_, int(why)) for id_, why in refused)))
        neighbour.refused_queue.clear()
    if neighbour.want_queue:
        for wanted in _chunks(neighbour.want_queue, IDS_PER_FRAME_MAX):
            neighbour.queue(Want(tuple(wanted)))
        neighbour.want_queue.clear()


def _note_offer(neighbour: Neighbour, envelope: EnvelopeId, told: int, now_s: float) -> None:
    neighbour.offered[envelope] = None
    if envelope not in neighbour.offers:
        neighbour.offers[envelope] = OfferMade(now_s + neighbour.answer_wait_s(0), 0, told)


def _item(row: CustodyRow) -> Item:
    return Item(row.id, row.size_bytes, row.copies, row.hops, b"")


def _chunks(items: list[T], size: int) -> list[list[T]]:
    return [items[i : i + size] for i in range(0, len(items), size)]
