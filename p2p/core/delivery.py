"""The end of an envelope's way: opened if it is ours, kept if it is not, dropped once proven."""

from __future__ import annotations

from dataclasses import dataclass

from p2p.core.config import NodeConfig
from p2p.core.contacts import Contacts
from p2p.core.custody import Custody, Dropped
from p2p.core.effects import (
    CustodyDropped,
    CustodyTaken,
    Effect,
    InviteReused,
    MessageReceived,
    Noted,
    Notify,
)
from p2p.core.exchange.exchange import Exchange
from p2p.core.inbox import Arrival, Inbox
from p2p.core.introductions import Introductions, Outcome
from p2p.core.neighbours import Neighbour
from p2p.core.outbox import Outbox
from p2p.core.proofs import NOBODY, Proofs
from p2p.core.sync import Sync
from p2p.errors import Conflict, LimitExceeded, NotAuthentic, RemoteError
from p2p.ports.entropy import Entropy
from p2p.ports.store import CustodyRow, ProofRow, Tier
from p2p.wire.content import Text
from p2p.wire.envelope import Envelope, parse_envelope
from p2p.wire.frames import Carry, RefusalReason
from p2p.wire.ids import EnvelopeId, PeerId, Proof, tag_of
from p2p.wire.limits import LIFETIME_DEFAULT_S


@dataclass(slots=True)
class Delivery:
    """Decides what becomes of envelopes and proofs that reach this node."""

    custody: Custody
    proofs: Proofs
    contacts: Contacts
    introductions: Introductions
    inbox: Inbox
    outbox: Outbox
    exchange: Exchange
    sync: Sync
    entropy: Entropy
    config: NodeConfig

    def carried(self, neighbour: Neighbour, carry: Carry, now_s: float) -> Outcome:
        """Take in an envelope that a neighbour carried here: ours, kept, or refused with why.

        Raises:
            RemoteError: the bytes are no envelope.
        """
        envelope = parse_envelope(carry.envelope)
        refusal = self.sync.admit(neighbour, envelope.id, envelope.header, now_s)
        if refusal is not None:
            self.sync.settled(neighbour, envelope.id, refusal)
            return Outcome()
        outcome = self._open(envelope, neighbour.peer, now_s)
        if outcome is None:
            return self._keep(neighbour, envelope, carry, now_s)
        self.sync.settled(neighbour, envelope.id, None)
        return outcome

    def reopen(self, envelope: EnvelopeId, now_s: float) -> Outcome:
        """Open an envelope that was kept as somebody else's and turns out to be ours."""
        row, data = self.custody.row(envelope), self.custody.data(envelope)
        if row is None or data is None:
            return Outcome()
        outcome = self._open(parse_envelope(data), row.depositor, now_s)
        if outcome is None:
            return Outcome()
        outcome.effects += self._drop(row, "ours", now_s)
        return outcome

    def recognised_in_custody(self) -> list[EnvelopeId]:
        """Give what is kept for somebody else under a tag of ours: worth another try."""
        return [
            row.id
            for row in self.custody.rows()
            if row.tier is not Tier.OWN and self.inbox.book.recognises(row.tag)
        ]

    def proven(self, proof: Proof, giver: PeerId, now_s: float) -> Outcome:
        """Take in a delivery proof: drop what it opens, tell the sender if that is us."""
        hash_ = tag_of(proof)
        if hash_ in self.proofs:
            return Outcome()
        rows = self.custody.matching(hash_)
        expires_s = max((row.expires_s for row in rows), default=now_s + LIFETIME_DEFAULT_S)
        release_s = now_s + self.entropy.uniform() * self.config.proof_delay_max_s
        row = ProofRow(hash_, proof, expires_s)
        self.proofs.learn(row, release_s, matched=bool(rows), knows=giver)
        anew = self.outbox.proven(hash_, now_s)
        dropped = [effect for row in rows for effect in self._drop(row, "proven", now_s)]
        return Outcome(dropped, anew)

    def expire(self, now_s: float) -> list[Effect]:
        """Drop envelopes that are over their time."""
        return [
            effect
            for dropped in self.custody.expire(now_s)
            for effect in self._dropped(dropped, now_s)
        ]

    def _open(self, envelope: Envelope, giver: PeerId, now_s: float) -> Outcome | None:
        """Open an envelope if it is ours; None where it is for somebody else."""
        if not self.inbox.book.recognises(envelope.header.tag):
            return None
        expires_s = envelope.header.expires_at
        try:
            arrival = self.inbox.open(envelope, now_s)
        except (NotAuthentic, LimitExceeded):
            # Forged under our tag, or too far ahead of what is missing: it may be opened later.
            return None
        except Conflict:
            self.custody.bury(envelope.id, expires_s)
            return Outcome([Notify(InviteReused()), Noted("invite-reused")])
        except RemoteError as exc:
            self.custody.bury(envelope.id, expires_s)
            return Outcome([Noted("mail-refused", (("code", exc.code),))])
        from_code = self.exchange.takes(arrival)
        if not from_code and self._unwelcome(arrival):
            self.custody.bury(envelope.id, expires_s)
            return Outcome([Noted("mail-unwelcome")])
        if tag_of(arrival.opened.proof) != envelope.header.tag:
            # A first contact: its proof opens the commitment, which an offer does not show.
            self.custody.bury(envelope.id, expires_s)
        if from_code:
            outcome = self.exchange.from_stranger(arrival, now_s)
        else:
            outcome = self.introductions.arrived(arrival, now_s)
            outcome.add(self.exchange.arrived(arrival, now_s))
        if isinstance(arrival.content, Text) and not from_code:
            row = self.inbox.keep(arrival, arrival.content, expires_s, now_s)
            outcome.effects += [] if row is None else [Notify(MessageReceived(row))]
        self._reveal(arrival, giver, expires_s, now_s)
        return outcome

    def _unwelcome(self, arrival: Arrival) -> bool:
        """Tell whether the writer is blocked, or a stranger without an invite."""
        record = self.contacts.get(arrival.opened.contact)
        if record is None:
            return not arrival.opened.invite
        return bool(record.blocked)

    def _reveal(self, arrival: Arrival, giver: PeerId, expires_s: float, now_s: float) -> None:
        """Plan the delivery proof: at once to the writer's own node, later to everybody."""
        proof = arrival.opened.proof
        row = ProofRow(tag_of(proof), proof, expires_s)
        delay_s = self.entropy.uniform() * self.config.proof_delay_max_s
        from_writer = self.contacts.owner_of(giver) == arrival.opened.contact
        knows = giver if from_writer else NOBODY
        self.proofs.learn(row, now_s + delay_s, matched=True, knows=knows)
        if from_writer:
            self.sync.prove_to(giver, row.hash)

    def _keep(
        self, neighbour: Neighbour, envelope: Envelope, carry: Carry, now_s: float
    ) -> Outcome:
        row = CustodyRow(
            id=envelope.id,
            tag=envelope.header.tag,
            commitment=envelope.commitment,
            size_bytes=len(envelope.data),
            expires_s=envelope.header.expires_at,
            tier=self.sync.tier_of(neighbour.peer, now_s),
            depositor=neighbour.peer,
            copies=carry.copies,
            hops=carry.hops,
            received_s=now_s,
        )
        refusal = self.sync.may_carry(neighbour, row, now_s)
        if refusal is None and envelope.commitment in self.proofs:
            refusal = RefusalReason.PROVEN
            self.sync.prove_to(neighbour.peer, envelope.commitment)
        if refusal is not None:
            self.sync.settled(neighbour, row.id, refusal)
            return Outcome()
        effects: list[Effect] = []
        for dropped in self.custody.add(row, envelope.data):
            effects += self._dropped(dropped, now_s)
        self.sync.settled(neighbour, row.id, None)
        effects += [Notify(CustodyTaken(row.id, row.size_bytes)), Noted("custody-taken")]
        return Outcome(effects, [row.id])

    def _drop(self, row: CustodyRow, why: str, now_s: float) -> list[Effect]:
        drop = self.custody.release if row.tag in self.proofs else self.custody.finish
        dropped = drop(row.id, why)
        return [] if dropped is None else self._dropped(dropped, now_s)

    def _dropped(self, dropped: Dropped, now_s: float) -> list[Effect]:
        row = dropped.row
        self.sync.finished(row.id)
        if row.tier is not Tier.OWN:
            return [Notify(CustodyDropped(row.id, dropped.why)), Noted(f"custody-{dropped.why}")]
        if dropped.why == "expired":
            self.outbox.expired(row, now_s)
        self.outbox.left_custody(row.id)
        return []
