"""The node: dispatches events to its parts and gathers what they ask of the world."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from p2p.core.assembly import assemble
from p2p.core.config import NodeConfig
from p2p.core.effects import (
    ClockDisagrees,
    ContactView,
    Disconnect,
    Effect,
    NeighbourChanged,
    Noted,
    Notify,
    SendFrame,
)
from p2p.core.events import (
    AddressesChanged,
    Event,
    FrameReceived,
    LinkClosed,
    LinkOpened,
    Started,
    Woken,
)
from p2p.core.introductions import Outcome
from p2p.core.neighbours import GREETING, OPEN, Neighbour
from p2p.core.reputation import Reputation
from p2p.core.routing.router import Router
from p2p.core.trust.events import TrustView
from p2p.errors import LimitExceeded, ProtocolViolation, RemoteError, WrongVersion
from p2p.ports.entropy import Entropy
from p2p.ports.store import Store
from p2p.sessions.book import SessionBook
from p2p.sessions.identity import DeviceIdentity
from p2p.wire.frames import (
    Accepts,
    Bye,
    Carry,
    Credit,
    Found,
    Frame,
    Hello,
    Offer,
    ProofFrame,
    RecordAnswer,
    RecordOffer,
    RecordPart,
    RecordWant,
    Refused,
    Seek,
    Taken,
    Want,
    decode_frame,
    encode_frame,
)
from p2p.wire.ids import BundleHash, EnvelopeId, PeerId
from p2p.wire.limits import CLOCK_TOLERANCE_S, LINK_VERSION

HOUSEKEEPING_S: Final = 3_600.0
"""How often tombstones and proofs over their time are forgotten."""
_ACCEPTED: Final = int(Accepts.MAIL | Accepts.RECORDS)
SEEKS_ANSWERED_MAX: Final = 64
"""A neighbour may look for so many bundles on one link; more is probing."""


class Node:
    """One node as a value machine. Loads itself from the store on construction.

    The shell's loop, for a batch of events::

        with store.transaction():
            effects = []
            for event in batch:
                effects += node.handle(event, now)
            effects += node.settle(now)
        perform(effects)

    A failed transaction makes this object worthless: the shell builds a new one from the store.

    Attributes:
        records: the public records here; written to only inside the shell's transaction.
    """

    def __init__(
        self,
        identity: DeviceIdentity,
        book: SessionBook,
        store: Store,
        router: Router,
        entropy: Entropy,
        config: NodeConfig,
        now_s: float,
    ) -> None:
        parts = assemble(identity, book, store, router, entropy, config)
        self._book = book
        self._store = store
        self._router = router
        self._config = config
        self._contacts = parts.contacts
        self._custody = parts.custody
        self._proofs = parts.proofs
        self._outbox = parts.outbox
        self._introductions = parts.introductions
        self._neighbours = parts.neighbours
        self._trust = parts.trust
        self._exchange = parts.exchange
        self._sync = parts.sync
        self._transfer = parts.transfer
        self._delivery = parts.delivery
        self.records = parts.records
        self._record_sync = parts.record_sync
        self._mail_frames = parts.mail_frames
        self._commands = parts.commands
        self._reputation = Reputation(config.link)
        self._maintain_at_s = now_s
        self._housekeep_at_s = now_s + HOUSEKEEPING_S

    # --- the shell's side ------------------------------------------------------------------------

    def handle(self, event: Event, now_s: float) -> list[Effect]:
        """Take in one event; give effects. Never raises for what a peer or a person did.

        Raises:
            EnvironmentFault: the store failed; the transaction must be rolled back.
        """
        match event:
            case FrameReceived(peer, data):
                return self._frame(peer, data, now_s)
            case LinkOpened(peer, latency_s):
                return self._open_link(peer, latency_s, now_s)
            case LinkClosed(peer):
                return self._close_link(peer)
            case Woken():
                return self._wake(now_s)
            case Started(addresses):
                self._introductions.addresses = addresses
                return self._reopen(self._delivery.recognised_in_custody(), now_s)
            case AddressesChanged(addresses):
                self._introductions.addresses = addresses
                return []
            case _:
                return self._spread(self._commands.carry_out(event, now_s), now_s)

    def settle(self, now_s: float) -> list[Effect]:
        """End a batch: open mail that became recognisable, give due frames, save sessions."""
        effects: list[Effect] = []
        while tags := self._book.drain_new_tags():
            effects += self._reopen(self._sync.recognised(tags), now_s)
        for neighbour in self._neighbours.values():
            if not neighbour.is_quiet():
                for frame in self._transfer.frames(neighbour, now_s):
                    effects.append(SendFrame(neighbour.peer, frame))
        effects += self._record_sync.settle(now_s)
        effects += self._outbox.settle()
        self._book.flush()
        return effects

    def next_wakeup(self) -> float | None:
        """Give the Unix second at which the node wants a Woken event."""
        soonest_s = self._maintain_at_s
        for moment in (
            self._custody.next_expiry(),
            self._proofs.next_release(),
            self._sync.next_grace(),
            self._outbox.next_expiry(),
            self._record_sync.next_wakeup(),
            self._exchange.next_expiry(),
            self._housekeep_at_s,
        ):
            if moment is not None and moment < soonest_s:
                soonest_s = moment
        for neighbour in self._neighbours.values():
            if neighbour.offers:
                moment = neighbour.next_repeat()
            elif neighbour.stage is GREETING:
                moment = neighbour.opened_s + self._config.link.hello_wait_s
            else:
                continue
            if moment < soonest_s:
                soonest_s = moment
        return soonest_s

    def contacts(self) -> Sequence[ContactView]:
        """Give all contacts in the order of their adding; the same value until one changes."""
        return self._contacts.views()

    def custody_counts(self) -> tuple[int, int, int]:
        """Give what is carried for others: envelopes, their bytes, and proofs remembered."""
        count, size_bytes = self._custody.carried_for_others()
        return count, size_bytes, len(self._proofs)

    def trust(self, now_s: float) -> TrustView:
        """Give what this node trusts, and how old it is."""
        return self._commands.trust.view(now_s)

    def farewell(self) -> list[Effect]:
        """Give what is said last to every neighbour, for a shell that is about to stop.

        Proofs that wait for their time are told now: their writers would otherwise not hear of the
        delivery before this node is back.
        """
        effects: list[Effect] = []
        for neighbour in self._neighbours.values():
            frames = self._transfer.last_proofs(neighbour) if neighbour.stage is OPEN else []
            frames.append(encode_frame(Bye("stopping")))
            effects += [SendFrame(neighbour.peer, frame) for frame in frames]
        return effects

    # --- links -----------------------------------------------------------------------------------

    def _open_link(self, peer: PeerId, latency_s: float, now_s: float) -> list[Effect]:
        effects = self._close_link(peer)
        self._neighbours[peer] = Neighbour.opened(peer, latency_s, self._config.link, now_s)
        hello = Hello(
            versions=(LINK_VERSION,),
            clock_s=int(now_s),
            window_bytes=self._config.link.window_bytes,
            accepts=_ACCEPTED,
            hint=self._router.hint(now_s),
        )
        return [*effects, SendFrame(peer, encode_frame(hello))]

    def _close_link(self, peer: PeerId) -> list[Effect]:
        neighbour = self._neighbours.pop(peer, None)
        if neighbour is None:
            return []
        self._sync.closed(neighbour)
        self._record_sync.closed(peer)
        if neighbour.stage is GREETING:
            return []
        return [Notify(NeighbourChanged(peer, present=False))]

    def _send_away(self, peer: PeerId, reason: str, retry_after_s: float) -> list[Effect]:
        effects: list[Effect] = [
            SendFrame(peer, encode_frame(Bye(reason))),
            Disconnect(peer, reason, retry_after_s),
        ]
        return effects + self._close_link(peer)

    # --- frames ----------------------------------------------------------------------------------

    def _frame(self, peer: PeerId, data: bytes, now_s: float) -> list[Effect]:
        neighbour = self._neighbours.get(peer)
        if neighbour is None:
            return [Noted("frame-after-close")]
        try:
            neighbour.receive(len(data), now_s)
            return self._dispatch(neighbour, decode_frame(data), len(data), now_s)
        except LimitExceeded as exc:
            note = Noted("peer-refused", (("code", exc.code), ("why", str(exc))))
            return [note, *self._send_away(peer, exc.code, self._reputation.banish(peer))]
        except RemoteError as exc:
            note = Noted("peer-refused", (("code", exc.code), ("why", str(exc))))
            away_s = self._reputation.strike(peer)
            return [note, *(self._send_away(peer, exc.code, away_s) if away_s else [])]

    def _dispatch(
        self, neighbour: Neighbour, frame: Frame, size_bytes: int, now_s: float
    ) -> list[Effect]:
        if isinstance(frame, Hello):
            neighbour.refund(size_bytes)
            return self._hello(neighbour, frame, now_s)
        if neighbour.stage is GREETING:
            raise ProtocolViolation("The first frame of a link must be Hello.")
        # The most frequent first: to find out what a frame is not takes as long as a call.
        match frame:
            case Offer() | ProofFrame() | Refused() | Want() | Carry() | Taken():
                return self._spread(self._mail_frames.take_in(neighbour, frame, now_s), now_s)
            case Credit(more):
                neighbour.refund(size_bytes)
                neighbour.gain(more)
            case Seek(hash_):
                self._seek(neighbour, BundleHash(hash_))
            case Found(bundle):
                effects = self._spread(self._introductions.found(bundle, now_s), now_s)
                return effects + self._spread(self._exchange.found(bundle, now_s), now_s)
            case Bye(reason):
                return [Noted("bye", (("reason", reason),))]
            case RecordOffer() | RecordWant() | RecordPart() | RecordAnswer():
                return self._record_sync.take_in(neighbour, frame, now_s)
        return []

    def _hello(self, neighbour: Neighbour, hello: Hello, now_s: float) -> list[Effect]:
        if neighbour.stage is not GREETING:
            raise ProtocolViolation("A second Hello on one link.")
        if LINK_VERSION not in hello.versions:
            error = WrongVersion(f"The neighbour speaks link versions {hello.versions}.")
            note = Noted("peer-refused", (("code", error.code), ("why", str(error))))
            away_s = self._config.link.back_off_max_s
            return [note, *self._send_away(neighbour.peer, error.code, away_s)]
        neighbour.credit_out = min(hello.window_bytes, self._config.link.in_flight_max_bytes)
        neighbour.accepts = hello.accepts
        self._router.met(neighbour.peer, hello.hint, now_s)
        self._sync.greeted(neighbour)
        self._record_sync.greeted(neighbour, now_s)
        for hash_ in [*self._introductions.sought(), *self._exchange.sought(now_s)]:
            neighbour.queue(Seek(hash_))
        effects: list[Effect] = [Notify(NeighbourChanged(neighbour.peer, present=True))]
        offset_s = hello.clock_s - now_s
        if abs(offset_s) > CLOCK_TOLERANCE_S:
            effects.append(Notify(ClockDisagrees(neighbour.peer, offset_s)))
        return effects

    def _seek(self, neighbour: Neighbour, hash_: BundleHash) -> None:
        neighbour.seeks += 1
        if neighbour.seeks > SEEKS_ANSWERED_MAX:
            raise ProtocolViolation("The neighbour looks for too many bundles.")
        bundle = self._book.find_bundle(hash_)
        if bundle is not None:
            neighbour.queue(Found(bundle))

    # --- time ------------------------------------------------------------------------------------

    def _wake(self, now_s: float) -> list[Effect]:
        effects: list[Effect] = []
        for hash_, givers in self._proofs.release(now_s):
            self._sync.proven(hash_, givers)
        self._sync.end_grace(now_s)
        effects += self._record_sync.wake(now_s)
        effects += self._delivery.expire(now_s)
        self._outbox.expire_unsealed(now_s)
        effects += self._exchange.expire(now_s)
        for neighbour in list(self._neighbours.values()):
            effects += self._check_silence(neighbour, now_s)
        if now_s >= self._maintain_at_s:
            self._maintain_at_s = self._book.maintain(now_s)
        if now_s >= self._housekeep_at_s:
            self._housekeep_at_s = now_s + HOUSEKEEPING_S
            self._custody.forget_tombstones(now_s)
            self._proofs.expire(now_s)
            self._store.purge_expired(now_s)
            effects += self._reopen(self._delivery.recognised_in_custody(), now_s)
        return effects

    def _reopen(self, envelopes: list[EnvelopeId], now_s: float) -> list[Effect]:
        effects: list[Effect] = []
        for envelope in envelopes:
            effects += self._spread(self._delivery.reopen(envelope, now_s), now_s)
        return effects

    def _check_silence(self, neighbour: Neighbour, now_s: float) -> list[Effect]:
        silent = (
            now_s >= neighbour.opened_s + self._config.link.hello_wait_s
            if neighbour.stage is GREETING
            else not self._sync.repeat_offers(neighbour, now_s)
        )
        if not silent:
            return []
        away_s = self._reputation.banish(neighbour.peer)
        return [Noted("peer-silent"), *self._send_away(neighbour.peer, "silent", away_s)]

    def _spread(self, outcome: Outcome, now_s: float) -> list[Effect]:
        """Offer new envelopes, look for new contacts' bundles, and pass the effects on."""
        for envelope in outcome.envelopes:
            self._sync.spread(envelope, now_s)
        for hash_ in outcome.sought:
            for neighbour in self._neighbours.values():
                if neighbour.stage is OPEN:
                    neighbour.queue(Seek(hash_))
        return outcome.effects
