"""Reconciliation with neighbours: who offers, wants, carries and takes what.

Every envelope is offered to every neighbour with the copies that the router shares; 0 copies mean
"only if it is for you". A receiver asks for what it recognises or will carry, and the answer looks
the same in both cases. Bounded id lists for now: :meth:`Sync.greeted` is where range-based
reconciliation will choose what to offer instead.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from p2p.core.config import NodeConfig
from p2p.core.contacts import Contacts
from p2p.core.custody import Custody
from p2p.core.neighbours import OPEN, Neighbour
from p2p.core.outbox import Outbox
from p2p.core.proofs import Proofs
from p2p.ports.store import CustodyRow, Tier
from p2p.sessions.book import SessionBook
from p2p.wire.envelope import EnvelopeHeader, is_expired, is_too_far, size_of_class
from p2p.wire.frames import Offer, OfferEntry, RefusalReason, Refused, Taken, Want
from p2p.wire.ids import EnvelopeId, PeerId, Tag
from p2p.wire.limits import OFFERS_OUTSTANDING_MAX

WANTED_MAX: Final = 4 * OFFERS_OUTSTANDING_MAX
"""Envelopes asked of one neighbour and not yet here."""
PEERS_REMEMBERED_MAX: Final = 4_096
"""Peers of which it is remembered, from link to link, which proofs they have."""
OFFER_ATTEMPTS_MAX: Final = 5
"""A neighbour that answers none of so many repeats of an offer is not listening."""
# Named once, as the stages of a link are.
_HAVE: Final = RefusalReason.HAVE
_NOT_CARRYING: Final = RefusalReason.NOT_CARRYING
_STRANGER: Final = Tier.STRANGER


@dataclass(slots=True)
class Sync:
    """What is told and asked. Fills neighbours' queues; :mod:`p2p.core.transfer` empties them."""

    custody: Custody
    proofs: Proofs
    contacts: Contacts
    book: SessionBook
    outbox: Outbox
    config: NodeConfig
    neighbours: dict[PeerId, Neighbour] = field(default_factory=dict[PeerId, Neighbour])
    _asked: dict[EnvelopeId, PeerId] = field(default_factory=dict[EnvelopeId, PeerId])
    _elsewhere: dict[EnvelopeId, list[tuple[PeerId, int]]] = field(
        default_factory=dict[EnvelopeId, list[tuple[PeerId, int]]]
    )
    _held_back: dict[EnvelopeId, float] = field(default_factory=dict[EnvelopeId, float])
    _proofs_had: dict[PeerId, int] = field(default_factory=dict[PeerId, int])

    # --- links -----------------------------------------------------------------------------------

    def greeted(self, neighbour: Neighbour) -> None:
        """Begin the exchange with a neighbour that said Hello: proofs first, then mail."""
        neighbour.stage = OPEN
        neighbour.proofs_had = self._proofs_had.get(neighbour.peer, 0)
        neighbour.to_prove.extend(self.proofs.untold(neighbour.proofs_had, neighbour.peer))
        if neighbour.takes_mail():
            for envelope in self.custody.in_order_of_transfer():
                self._plan_offer(neighbour, envelope)

    def closed(self, neighbour: Neighbour) -> None:
        """Forget a link; what was asked of it is asked of others that have it."""
        self._proofs_had.pop(neighbour.peer, None)
        self._proofs_had[neighbour.peer] = neighbour.proofs_had
        if len(self._proofs_had) > PEERS_REMEMBERED_MAX:
            del self._proofs_had[next(iter(self._proofs_had))]
        for envelope in neighbour.wanted:
            if self._asked.get(envelope) == neighbour.peer:
                del self._asked[envelope]
                self._ask_elsewhere(envelope)

    # --- what is here ----------------------------------------------------------------------------

    def spread(self, envelope: EnvelopeId, now_s: float) -> None:
        """Tell neighbours of an envelope that has just come to be here.

        One of our own goes at once, unasked, to the recipient's node where that is a neighbour;
        others, and that node too if it did not know its mail, are offered it only if no proof
        comes within the grace time.
        """
        direct = self._recipient_neighbours(envelope)
        for neighbour in direct:
            neighbour.to_carry.append(envelope)
            neighbour.direct[envelope] = None
        if direct:
            self._held_back[envelope] = now_s + self.config.direct_grace_s
            return
        self._offer_to_all(envelope)

    def end_grace(self, now_s: float) -> None:
        """Offer to everybody what the recipient's own node did not prove in time."""
        for envelope in [e for e, due_s in self._held_back.items() if due_s <= now_s]:
            del self._held_back[envelope]
            self._offer_to_all(envelope)

    def next_grace(self) -> float | None:
        """Give when the next grace time ends (Unix s)."""
        return next(iter(self._held_back.values()), None)

    def proven(self, hash_: Tag, givers: tuple[PeerId, ...]) -> None:
        """Tell neighbours of a proof that may be told from now on, but not those that told it."""
        for neighbour in self.neighbours.values():
            if neighbour.peer not in givers:
                neighbour.to_prove.append(hash_)

    def prove_to(self, peer: PeerId, hash_: Tag) -> None:
        """Tell one neighbour a proof at once."""
        neighbour = self.neighbours.get(peer)
        if neighbour is not None:
            self._prove(neighbour, hash_)

    def finished(self, envelope: EnvelopeId) -> None:
        """Stop offering an envelope that left custody."""
        self._held_back.pop(envelope, None)
        for neighbour in self.neighbours.values():
            neighbour.offers.pop(envelope, None)

    def recognised(self, tags: list[Tag]) -> list[EnvelopeId]:
        """Ask for offers passed by that are ours after all; give what is in custody already."""
        here: list[EnvelopeId] = []
        told = [neighbour for neighbour in self.neighbours.values() if neighbour.passed]
        for tag in self.custody.matched(tags):
            here += [row.id for row in self.custody.matching(tag) if row.tier is not Tier.OWN]
        for tag in tags if told else ():
            for neighbour in told:
                envelope = neighbour.passed.pop(tag, None)
                if envelope is not None and envelope not in self.custody:
                    self._want(neighbour, envelope, 0)
        return here

    # --- the neighbour's frames ------------------------------------------------------------------

    def offered(self, neighbour: Neighbour, offer: Offer, now_s: float) -> None:
        """Answer each entry of an Offer with Want or Refused, or later if asked of another.

        Who offers it again while another was asked is asked too: that other lets us wait.
        """
        for entry in offer.entries:
            envelope = EnvelopeId(entry.id)
            reason = self._judge(neighbour, entry, now_s)
            if reason is not None:
                neighbour.refused_queue.append((envelope, reason))
                continue
            room_bytes = self.custody.room_for(envelope, size_of_class(entry.size_class))
            if envelope in self._asked and not self._was_waiting(envelope, neighbour.peer):
                self._elsewhere.setdefault(envelope, []).append((neighbour.peer, room_bytes))
            elif envelope not in neighbour.wanted:
                self._want(neighbour, envelope, room_bytes)

    def wanted(self, neighbour: Neighbour, want: Want) -> None:
        """Queue what the neighbour wants; it may want only what it was offered on this link."""
        for raw in want.ids:
            envelope = EnvelopeId(raw)
            neighbour.answered(envelope)
            if envelope in neighbour.offered and envelope in self.custody:
                neighbour.to_carry.append(envelope)
            else:
                neighbour.refused_queue.append((envelope, RefusalReason.OTHER))

    def refused(self, neighbour: Neighbour, refused: Refused) -> list[EnvelopeId]:
        """Note what the neighbour does not take; give what it has already."""
        have: list[EnvelopeId] = []
        for refusal in refused.refusals:
            envelope = EnvelopeId(refusal.id)
            was_offered = neighbour.answered(envelope)
            shared = neighbour.carried.pop(envelope, None)
            if shared is not None:
                self.custody.note_refused(envelope)
            neighbour.direct.pop(envelope, None)
            row = self.custody.row(envelope)
            if shared is not None and row is not None:
                self.custody.set_copies(envelope, row.copies + shared)
            if neighbour.unwant(envelope):
                self._arrived_or_failed(envelope, neighbour.peer)
            if refusal.reason == _HAVE and (was_offered or shared is not None):
                have.append(envelope)
        return have

    def taken(self, neighbour: Neighbour, taken: Taken) -> list[EnvelopeId]:
        """Note what the neighbour holds durably; give those that we had sent it."""
        held: list[EnvelopeId] = []
        for raw in taken.ids:
            envelope = EnvelopeId(raw)
            if envelope in neighbour.direct:
                del neighbour.direct[envelope]
                neighbour.offered[envelope] = None
            if neighbour.carried.pop(envelope, None) is not None:
                held.append(envelope)
        return held

    def admit(
        self, neighbour: Neighbour, envelope: EnvelopeId, header: EnvelopeHeader, now_s: float
    ) -> RefusalReason | None:
        """Give why an envelope that was carried here is not even looked at, or None."""
        neighbour.unwant(envelope)
        if is_expired(header, now_s):
            return RefusalReason.EXPIRED
        if is_too_far(header, now_s):
            return RefusalReason.TOO_FAR
        if header.tag in self.proofs:
            self._prove(neighbour, header.tag)
            return RefusalReason.PROVEN
        return self._have(envelope, header.tag)

    def tier_of(self, peer: PeerId, now_s: float) -> Tier:
        """Give the tier of what this neighbour deposits now.

        Where a proof is required, who gave it has a tier of its own while the credential is valid,
        and a contact who did not is as welcome as a stranger.
        """
        owner = self.contacts.owner_of(peer)
        if owner is None:
            return _STRANGER
        if not self.config.require_proven:
            return Tier.CONTACT
        proven = self.contacts.proven.holds(owner, self.config.require_proven, now_s)
        return Tier.CREDENTIALED if proven else _STRANGER

    def may_carry(
        self, neighbour: Neighbour, row: CustodyRow, now_s: float
    ) -> RefusalReason | None:
        """Give why an envelope for somebody else is not kept, or None where it is."""
        room_bytes = self.custody.room_for(row.id, row.size_bytes)
        return self._unwilling(neighbour, row.tag, room_bytes, row.copies, now_s)

    def settled(
        self, neighbour: Neighbour, envelope: EnvelopeId, why: RefusalReason | None
    ) -> None:
        """Answer a Carry: Taken, or Refused with why; then see to others that offered the same."""
        if why is None:
            neighbour.taken_queue.append(envelope)
        else:
            neighbour.refused_queue.append((envelope, why))
        self._arrived_or_failed(envelope, neighbour.peer)

    # --- time ------------------------------------------------------------------------------------

    def repeat_offers(self, neighbour: Neighbour, now_s: float) -> bool:
        """Make unanswered offers again; False where the neighbour has stopped answering."""
        overdue = [e for e, made in neighbour.offers.items() if made.repeat_at_s <= now_s]
        for envelope in overdue:
            made = neighbour.offers[envelope]
            if made.attempt >= OFFER_ATTEMPTS_MAX:
                return False
            made.attempt += 1
            made.repeat_at_s = now_s + neighbour.answer_wait_s(made.attempt)
            neighbour.to_offer.append(envelope)
        return True

    # --- inside ----------------------------------------------------------------------------------

    def _known(self, envelope: EnvelopeId) -> bool:
        return envelope in self.custody or self.custody.finished(envelope)

    def _have(self, envelope: EnvelopeId, tag: Tag) -> RefusalReason | None:
        """Give why an envelope is not taken (again), or None.

        Have is said only of what is here now: it counts as a carrier at the other side. What was
        here once, was evicted, and turns out to be ours, is taken again.
        """
        if envelope in self.custody:
            return _HAVE
        if self.custody.finished(envelope) and not self.book.recognises(tag):
            return _NOT_CARRYING
        return None

    def _judge(self, neighbour: Neighbour, entry: OfferEntry, now_s: float) -> RefusalReason | None:
        envelope, tag = EnvelopeId(entry.id), Tag(entry.tag)
        header = EnvelopeHeader(entry.size_class, entry.expiry_hour, tag)
        if is_expired(header, now_s):
            return RefusalReason.EXPIRED
        if is_too_far(header, now_s):
            return RefusalReason.TOO_FAR
        if tag in self.proofs:
            self._prove(neighbour, tag)
            return RefusalReason.PROVEN
        reason = self._have(envelope, tag)
        if reason is None and len(neighbour.wanted) >= WANTED_MAX:
            reason = RefusalReason.FULL
        if reason is _NOT_CARRYING:
            neighbour.remember_passed(entry)
        if reason is not None or self.book.recognises(tag):
            return reason
        reason = _NOT_CARRYING
        if entry.copies:
            room_bytes = self.custody.room_for(envelope, size_of_class(entry.size_class))
            room_bytes += neighbour.wanted_bytes
            reason = self._unwilling(neighbour, tag, room_bytes, entry.copies, now_s)
        if reason is not None:
            neighbour.remember_passed(entry)
        return reason

    def _unwilling(
        self, neighbour: Neighbour, tag: Tag, room_bytes: int, copies: int, now_s: float
    ) -> RefusalReason | None:
        tier = self.tier_of(neighbour.peer, now_s)
        for_strangers = self.config.carry_for_strangers and not self.config.require_proven
        if copies == 0 or (tier is _STRANGER and not for_strangers):
            return _NOT_CARRYING
        return self.custody.refusal(tag, room_bytes, tier, neighbour.peer)

    def _want(self, neighbour: Neighbour, envelope: EnvelopeId, size_bytes: int) -> None:
        self._asked[envelope] = neighbour.peer
        neighbour.want(envelope, size_bytes)

    def _prove(self, neighbour: Neighbour, hash_: Tag) -> None:
        """Tell a proof again to a neighbour that seems not to know it."""
        if hash_ not in neighbour.to_prove:
            neighbour.to_prove.append(hash_)

    def _was_waiting(self, envelope: EnvelopeId, peer: PeerId) -> bool:
        """Take a peer out of those that would be asked next; False where it was none of them."""
        others = self._elsewhere.get(envelope, [])
        self._elsewhere[envelope] = [other for other in others if other[0] != peer]
        return len(self._elsewhere[envelope]) < len(others)

    def _arrived_or_failed(self, envelope: EnvelopeId, peer: PeerId) -> None:
        if self._asked.get(envelope) == peer:
            del self._asked[envelope]
        if not self._known(envelope):
            self._ask_elsewhere(envelope)
            return
        for other, _ in self._elsewhere.pop(envelope, ()):
            neighbour = self.neighbours.get(other)
            if neighbour is not None:
                neighbour.refused_queue.append((envelope, _HAVE))

    def _ask_elsewhere(self, envelope: EnvelopeId) -> None:
        others = self._elsewhere.pop(envelope, [])
        while others:
            peer, size_bytes = others.pop(0)
            neighbour = self.neighbours.get(peer)
            if neighbour is not None:
                self._want(neighbour, envelope, size_bytes)
                break
        if others:
            self._elsewhere[envelope] = others

    def _recipient_neighbours(self, envelope: EnvelopeId) -> list[Neighbour]:
        contact = self.outbox.recipient_of(envelope)
        if contact is None:
            return []
        found = (self.neighbours.get(peer) for peer in self.contacts.peers(contact))
        return [n for n in found if n is not None and n.stage is OPEN]

    def _offer_to_all(self, envelope: EnvelopeId) -> None:
        for neighbour in self.neighbours.values():
            if neighbour.stage is OPEN and neighbour.takes_mail():
                self._plan_offer(neighbour, envelope)

    def _plan_offer(self, neighbour: Neighbour, envelope: EnvelopeId) -> None:
        row = self.custody.row(envelope)
        if row is None or row.depositor == neighbour.peer or envelope in neighbour.offered:
            return
        if envelope in self._held_back:
            return
        neighbour.to_offer.append(envelope)
