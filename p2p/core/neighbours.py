"""One open link: greeting, credit in both directions, and frames that wait for credit.

Credit rule (docs/spec/link.md): every byte of every frame but Credit counts against the window
that the receiver named in its Hello; Hello itself is free. The receiver gives credit back once
the batch with those frames is durable, so a slow disk slows the sender and nobody buffers.
"""

from __future__ import annotations

from collections import deque
from enum import Enum
from typing import Final

from msgspec import Struct, field

from p2p.core.budget import Budget
from p2p.core.config import LinkConfig
from p2p.errors import LimitExceeded
from p2p.wire.frames import Accepts, Credit, Frame, OfferEntry, RefusalReason, encode_frame
from p2p.wire.ids import EnvelopeId, PeerId, Tag
from p2p.wire.limits import OFFERS_OUTSTANDING_MAX, WINDOW_MAX_BYTES

# As numbers, since what an IntFlag gives is made anew each time.
_MAIL: Final = int(Accepts.MAIL)
_RECORDS: Final = int(Accepts.RECORDS)


class Stage(Enum):
    """How far a link has come."""

    GREETING = "greeting"
    OPEN = "open"


# Named once: Python 3.11 asks an enum for a member by a call, and these are compared with for each
# neighbour in each batch.
GREETING: Final = Stage.GREETING
OPEN: Final = Stage.OPEN


class OfferMade(Struct):
    """An offer of ours that is unanswered.

    Attributes:
        repeat_at_s, attempt: when to make it again, and how often it was made again.
        proofs_told: the number of the latest proof told before it; its answer says that those
            have arrived.
    """

    repeat_at_s: float
    attempt: int
    proofs_told: int


class Neighbour(Struct):
    """All that the core knows of one link. Order of sending: replies, proofs, mail, offers.

    Attributes:
        credit_out: frame bytes that we may still send.
        credit_in: frame bytes that the neighbour may still send.
        seeks: bundles that it has looked for on this link.
        to_return: bytes received whose credit has not been given back.
        to_offer: envelopes that the neighbour has not been told of.
        offers: offers of ours without an answer, in the order of making.
        offered: ids that this neighbour knows we hold; only these may it Want.
        to_carry: what it wants, not yet sent.
        direct: mail of ours for the person whose node this is, sent unasked and without copies.
        carried: copies that went with envelopes on their way, unanswered.
        to_prove: proofs that it has not been told.
        proofs_had: the number of the latest proof that it is sure to have.
        wanted: its offers that we asked for, with their sizes; ``wanted_bytes`` in all.
        passed: its "only if it is for you" offers that we passed by, by tag: new tags may match.
    """

    peer: PeerId
    latency_s: float
    opened_s: float
    budget: Budget
    credit_in: int
    window_in: int
    stage: Stage = GREETING
    credit_out: int = 0
    to_return: int = 0
    accepts: int = 0
    seeks: int = 0
    want_queue: list[EnvelopeId] = field(default_factory=list)
    taken_queue: list[EnvelopeId] = field(default_factory=list)
    refused_queue: list[tuple[EnvelopeId, RefusalReason]] = field(default_factory=list)
    control: deque[bytes] = field(default_factory=deque)
    to_prove: deque[Tag] = field(default_factory=deque)
    proofs_had: int = 0
    to_carry: deque[EnvelopeId] = field(default_factory=deque)
    to_offer: deque[EnvelopeId] = field(default_factory=deque)
    offers: dict[EnvelopeId, OfferMade] = field(default_factory=dict)
    offered: dict[EnvelopeId, None] = field(default_factory=dict)
    direct: dict[EnvelopeId, None] = field(default_factory=dict)
    carried: dict[EnvelopeId, int] = field(default_factory=dict)
    wanted: dict[EnvelopeId, int] = field(default_factory=dict)
    wanted_bytes: int = 0
    passed: dict[Tag, EnvelopeId] = field(default_factory=dict)

    @classmethod
    def opened(cls, peer: PeerId, latency_s: float, config: LinkConfig, now_s: float) -> Neighbour:
        """Give the state of a link that has just opened."""
        return cls(
            peer=peer,
            latency_s=latency_s,
            opened_s=now_s,
            budget=Budget.from_config(config, now_s),
            credit_in=config.window_bytes,
            window_in=config.window_bytes,
        )

    def takes_mail(self) -> bool:
        """Tell whether it asks for envelopes."""
        return bool(self.accepts & _MAIL)

    def takes_records(self) -> bool:
        """Tell whether it asks for records."""
        return bool(self.accepts & _RECORDS)

    def receive(self, size_bytes: int, now_s: float) -> None:
        """Charge an arriving frame to budget and window, before it is decoded.

        Raises:
            LimitExceeded: more than was granted.
        """
        if not self.budget.charge(size_bytes, now_s):
            raise LimitExceeded("The neighbour sends faster than this node allows.")
        self.credit_in -= size_bytes
        if self.credit_in < 0:
            raise LimitExceeded("The neighbour sent more than its credit.")
        self.to_return += size_bytes

    def refund(self, size_bytes: int) -> None:
        """Undo the window charge of a frame that is free: Hello and Credit."""
        self.credit_in += size_bytes
        self.to_return -= size_bytes

    def gain(self, size_bytes: int) -> None:
        """Take credit from the neighbour.

        Raises:
            LimitExceeded: the sum is more than any window may be.
        """
        self.credit_out += size_bytes
        if self.credit_out > WINDOW_MAX_BYTES:
            raise LimitExceeded("The neighbour grants more credit than a window may hold.")

    def credit_frame(self) -> bytes | None:
        """Give a Credit frame where a quarter of the window is waiting to be given back."""
        if self.to_return * 4 < self.window_in:
            return None
        frame = encode_frame(Credit(self.to_return))
        self.credit_in += self.to_return
        self.to_return = 0
        return frame

    def pay(self, data: bytes) -> bool:
        """Spend credit on a frame; False, and nothing spent, where there is too little."""
        if len(data) > self.credit_out:
            return False
        self.credit_out -= len(data)
        return True

    def is_quiet(self) -> bool:
        """Tell whether nothing waits to be sent: of many neighbours most are quiet."""
        return not (
            self.to_return * 4 >= self.window_in
            or self.control
            or self.want_queue
            or self.taken_queue
            or self.refused_queue
            or self.to_prove
            or self.to_carry
            or self.to_offer
        )

    def queue(self, frame: Frame) -> None:
        """Let a frame wait among the replies, which leave first."""
        self.control.append(encode_frame(frame))

    def want(self, envelope: EnvelopeId, size_bytes: int) -> None:
        """Ask for an offered envelope."""
        self.wanted[envelope] = size_bytes
        self.wanted_bytes += size_bytes
        self.want_queue.append(envelope)

    def unwant(self, envelope: EnvelopeId) -> bool:
        """Note that an envelope came or will not come; False where it was not asked for."""
        size_bytes = self.wanted.pop(envelope, None)
        if size_bytes is None:
            return False
        self.wanted_bytes -= size_bytes
        return True

    def answer_wait_s(self, attempt: int) -> float:
        """Give how long to wait for an answer: 2 x latency x 2^attempt (Briar's rule)."""
        return 2.0 * self.latency_s * 2.0**attempt

    def answered(self, envelope: EnvelopeId) -> bool:
        """Note an answer to an offer of ours; False where none was unanswered."""
        made = self.offers.pop(envelope, None)
        if made is None:
            return False
        if made.proofs_told > self.proofs_had:
            self.proofs_had = made.proofs_told
        return True

    def next_repeat(self) -> float:
        """Give when the oldest unanswered offer is to be repeated (Unix s); there must be one."""
        return next(iter(self.offers.values())).repeat_at_s

    def may_offer(self) -> int:
        """Give how many more offers may stay unanswered."""
        return OFFERS_OUTSTANDING_MAX - len(self.offers)

    def remember_passed(self, entry: OfferEntry) -> None:
        """Keep an offer that was not for us as far as we know now; the oldest makes room."""
        self.passed[Tag(entry.tag)] = EnvelopeId(entry.id)
        if len(self.passed) > 4 * OFFERS_OUTSTANDING_MAX:
            del self.passed[next(iter(self.passed))]
