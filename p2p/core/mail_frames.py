"""The frames by which envelopes go from neighbour to neighbour, each to the part that takes it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import assert_never

from p2p.core.delivery import Delivery
from p2p.core.introductions import Outcome
from p2p.core.neighbours import Neighbour
from p2p.core.outbox import Outbox
from p2p.core.sync import Sync
from p2p.wire.frames import Carry, MailFrame, Offer, ProofFrame, Refused, Taken, Want
from p2p.wire.ids import EnvelopeId


@dataclass(slots=True)
class MailFrames:
    """Dispatches frames about mail."""

    sync: Sync
    delivery: Delivery
    outbox: Outbox

    def take_in(self, neighbour: Neighbour, frame: MailFrame, now_s: float) -> Outcome:
        """Take in one frame about mail.

        Raises:
            RemoteError: no correct neighbour sends it.
        """
        outcome = Outcome()
        match frame:
            case Offer():
                self.sync.offered(neighbour, frame, now_s)
            case ProofFrame(proofs):
                for proof in self.delivery.proofs.heard(proofs, neighbour.peer):
                    outcome.add(self.delivery.proven(proof, neighbour.peer, now_s))
            case Refused():
                self._taken(neighbour, self.sync.refused(neighbour, frame), now_s)
            case Want():
                self.sync.wanted(neighbour, frame)
            case Carry():
                return self.delivery.carried(neighbour, frame, now_s)
            case Taken():
                self._taken(neighbour, self.sync.taken(neighbour, frame), now_s)
            case _:
                assert_never(frame)
        return outcome

    def _taken(self, neighbour: Neighbour, envelopes: list[EnvelopeId], now_s: float) -> None:
        for envelope in envelopes:
            self.outbox.taken(envelope, neighbour.peer, now_s)
