"""What this device has written: sealed, offered, and followed until its proof or its expiry."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from p2p.core.custody import Custody
from p2p.core.effects import Effect, MessageChanged, Notify
from p2p.core.routing.router import Router
from p2p.errors import Conflict, InvalidInput
from p2p.ports.entropy import Entropy
from p2p.ports.store import (
    CustodyRow,
    Direction,
    HistoryEntry,
    MessageRow,
    MessageState,
    MessageStore,
    Tier,
)
from p2p.sessions.book import Sealed, SessionBook
from p2p.wire.content import Content, Text, encode_content
from p2p.wire.envelope import parse_envelope
from p2p.wire.ids import AccountKey, EnvelopeId, MessageId, PeerId, SessionId, Tag
from p2p.wire.limits import (
    LIFETIME_MAX_S,
    MESSAGE_ID_SIZE_BYTES,
    TAG_SIZE_BYTES,
    TEXT_SIZE_MAX_BYTES,
)

NO_HASH = Tag(bytes(TAG_SIZE_BYTES))
"""Stands for "not sealed yet": no proof hashes to zero."""
LIFETIME_MIN_S = 60.0
OWN_PEER = PeerId("")


def derive_message_secret(device_seed: bytes) -> bytes:
    """Give the 32-byte key under which a device names messages by their idempotency keys."""
    return hashlib.blake2b(device_seed, digest_size=32, person=b"molva idem key").digest()


@dataclass(slots=True)
class OpenMessage:
    """A message without proof yet, as it was when it was sealed or loaded; ``carriers`` is filled
    from its history when first needed.
    """

    row: MessageRow
    envelope: EnvelopeId
    session: SessionId
    carriers: dict[str, None] | None = None

    def carrier_count(self) -> int:
        """Give how many neighbours said that they hold it."""
        return self.row.carriers if self.carriers is None else len(self.carriers)


@dataclass(slots=True)
class Change:
    """What becomes of a message in this batch."""

    row: MessageRow
    state: MessageState
    carriers: int
    history: list[HistoryEntry]


@dataclass(slots=True)
class Outbox:
    """Loads itself with :meth:`load`. A message's new state is written once per batch, with what
    happened to it: what was carried and proven within one commit was never seen as carried.
    """

    store: MessageStore
    custody: Custody
    book: SessionBook
    router: Router
    entropy: Entropy
    message_secret: bytes
    _by_hash: dict[Tag, OpenMessage] = field(default_factory=dict[Tag, OpenMessage])
    _by_envelope: dict[EnvelopeId, OpenMessage] = field(
        default_factory=dict[EnvelopeId, OpenMessage]
    )
    _unsealed: dict[MessageId, MessageRow] = field(default_factory=dict[MessageId, MessageRow])
    _sessions: dict[Tag, SessionId] = field(default_factory=dict[Tag, SessionId])
    _recipients: dict[EnvelopeId, AccountKey] = field(default_factory=dict[EnvelopeId, AccountKey])
    _changed: dict[MessageId, Change] = field(default_factory=dict[MessageId, Change])

    def load(self) -> None:
        """Find the messages that are still open, and their envelopes."""
        envelopes: dict[Tag, EnvelopeId] = {}
        for row in self.custody.rows():
            if row.tier is Tier.OWN:
                envelopes[row.tag] = row.id
                envelopes[row.commitment] = row.id
        after = 0
        while batch := self.store.messages(
            direction=Direction.OUT,
            contact=None,
            states=(MessageState.QUEUED, MessageState.CARRIED),
            after_order=after,
            limit=1_000,
        ):
            after = batch[-1].order
            for message in batch:
                if message.proof_hash == NO_HASH:
                    self._unsealed[message.id] = message
                elif message.proof_hash in envelopes:
                    envelope = envelopes[message.proof_hash]
                    self._track(OpenMessage(message, envelope, SessionId(b"")))

    def write(
        self,
        contact: AccountKey,
        text: str,
        lifetime_s: float,
        now_s: float,
        idempotency_key: str = "",
    ) -> tuple[MessageRow, list[Effect], list[EnvelopeId]]:
        """Keep a new message and seal it, if the contact's prekeys are here; else it waits.

        Gives the message, notices, and the envelope that may be offered now. A message of that
        idempotency key that is here already is given as it is.

        Raises:
            InvalidInput: empty or too long a text, or an impossible lifetime.
            Conflict: the key was used for something else.
        """
        _check(text, lifetime_s)
        message = self._message_id(idempotency_key)
        known = self.store.message(message, Direction.OUT) if idempotency_key else None
        if known is not None:
            if (known.contact, known.text) != (contact, text):
                raise Conflict(f"The command id {idempotency_key!r} was used for another message.")
            return known, [], []
        row = MessageRow(
            order=0,
            id=message,
            direction=Direction.OUT,
            contact=contact,
            state=MessageState.QUEUED,
            text=text,
            created_s=now_s,
            sent_s=now_s,
            expires_s=now_s + lifetime_s,
            carriers=0,
            proof_hash=NO_HASH,
        )
        if not self.book.can_seal(contact, now_s):
            waits = HistoryEntry(now_s, "queued", "waiting for the contact's prekeys")
            row = row.placed(self.store.add_message(row, waits))
            self._unsealed[row.id] = row
            return row, [_told(row, row.state, 0)], []
        sealed_row, envelope = self._seal_message(row, now_s)
        kept = HistoryEntry(now_s, "queued", "sealed and kept on this device")
        order = self.store.add_message(sealed_row, kept)
        return sealed_row.placed(order), [_told(row, row.state, 0)], [envelope]

    def seal_waiting(self, contact: AccountKey, now_s: float) -> list[EnvelopeId]:
        """Seal what waits for prekeys or for an answer, as far as it may be sent now."""
        envelopes: list[EnvelopeId] = []
        for row in [row for row in self._unsealed.values() if row.contact == contact]:
            if not self.book.can_seal(contact, now_s):
                break
            del self._unsealed[row.id]
            sealed_row, envelope = self._seal_message(row, now_s)
            entry = HistoryEntry(now_s, "sealed", "the contact's prekeys arrived")
            self._change(sealed_row, MessageState.QUEUED, 0, entry)
            envelopes.append(envelope)
        return envelopes

    def seal_anew(self, contact: AccountKey, now_s: float, why: str) -> list[EnvelopeId]:
        """Seal every open message again, or have it wait: the old session may lead nowhere."""
        envelopes: list[EnvelopeId] = []
        for message in [m for m in self._by_hash.values() if m.row.contact == contact]:
            self._forget(message)
            self.custody.finish(message.envelope, "replaced")
            if not self.book.can_seal(contact, now_s):
                self._wait(message.row, now_s)
                continue
            sealed_row, envelope = self._seal_message(message.row, now_s)
            entry = HistoryEntry(now_s, "sealed-anew", why)
            self._change(sealed_row, MessageState.QUEUED, 0, entry)
            envelopes.append(envelope)
        return envelopes

    def _wait(self, row: MessageRow, now_s: float) -> None:
        """Put a message back among those that cannot be sealed yet."""
        waiting = row.sealed(NO_HASH, row.expires_s)
        self._unsealed[waiting.id] = waiting
        entry = HistoryEntry(now_s, "queued", "waiting for an answer of the contact")
        self._change(waiting, MessageState.QUEUED, 0, entry)

    def seal_content(
        self, contact: AccountKey, content: Content, lifetime_s: float, now_s: float
    ) -> EnvelopeId:
        """Seal what is no message for people: an introduction, an acknowledgement.

        Raises:
            NotReady: no session and no prekeys of the contact.
        """
        sealed = self.book.seal(contact, encode_content(content), lifetime_s, now_s)
        return self.keep(contact, sealed, now_s).id

    def settle(self) -> list[Effect]:
        """End a batch: write the states that changed, and tell them."""
        effects: list[Effect] = []
        for change in self._changed.values():
            row = change.row
            self.store.update_message(
                row.id,
                row.direction,
                change.state,
                change.carriers,
                row.proof_hash,
                *change.history,
            )
            effects.append(_told(row, change.state, change.carriers))
        self._changed.clear()
        return effects

    def taken(self, envelope: EnvelopeId, peer: PeerId, now_s: float) -> None:
        """Note that a neighbour holds one of our envelopes durably."""
        message = self._by_envelope.get(envelope)
        if message is None:
            return
        if message.carriers is None:
            message.carriers = _carriers(self.store.history(message.row.id, Direction.OUT))
        if peer in message.carriers:
            return
        message.carriers[peer] = None
        entry = HistoryEntry(now_s, "carried", peer)
        self._change(message.row, MessageState.CARRIED, len(message.carriers), entry)

    def proven(self, hash_: Tag, now_s: float) -> list[EnvelopeId]:
        """Note that the proof of one of our envelopes was seen: it was opened.

        Unless nobody ever took it. Then an older copy of this home was put back, and the tag was
        used before: the message is sealed again, under the next one. Gives what is to be offered.
        """
        session = self._sessions.pop(hash_, None)
        if session:
            self.book.acknowledge(session, now_s)
        message = self._by_hash.get(hash_)
        if message is None:
            return []
        self._forget(message)
        if self._nobody_took(message) and self.book.can_seal(message.row.contact, now_s):
            sealed_row, envelope = self._seal_message(message.row, now_s)
            entry = HistoryEntry(now_s, "sealed-anew", "its tag was used before: a copied home")
            self._change(sealed_row, MessageState.QUEUED, 0, entry)
            return [envelope]
        entry = HistoryEntry(now_s, "delivered", "its delivery proof was seen")
        self._change(message.row, MessageState.DELIVERED, message.carrier_count(), entry)
        return []

    def _nobody_took(self, message: OpenMessage) -> bool:
        """Tell whether an envelope that this process sealed cannot have been opened: a neighbour
        says Taken before it gives a proof.
        """
        sealed_now = bool(message.session)
        return (
            sealed_now and not message.carriers and not self.custody.is_unanswered(message.envelope)
        )

    def expired(self, envelope: CustodyRow, now_s: float) -> None:
        """Note that an envelope of ours is over its time."""
        self._sessions.pop(envelope.tag, None)
        self._sessions.pop(envelope.commitment, None)
        message = self._by_envelope.get(envelope.id)
        if message is not None:
            self._forget(message)
            self._expire(message.row, message.carrier_count(), now_s)

    def expire_unsealed(self, now_s: float) -> None:
        """Give up on messages that never could be sealed."""
        for row in [row for row in self._unsealed.values() if row.expires_s <= now_s]:
            del self._unsealed[row.id]
            self._expire(row, 0, now_s)

    def next_expiry(self) -> float | None:
        """Give when the next unsealed message is over its time (Unix s)."""
        if not self._unsealed:
            return None
        return min(row.expires_s for row in self._unsealed.values())

    def forget(self, contact: AccountKey) -> None:
        """Drop everything to a contact."""
        for message in [m for m in self._by_hash.values() if m.row.contact == contact]:
            self._forget(message)
            self.custody.finish(message.envelope, "removed")
        for row in [row for row in self._unsealed.values() if row.contact == contact]:
            del self._unsealed[row.id]
        for change in [c for c in self._changed.values() if c.row.contact == contact]:
            del self._changed[change.row.id]

    def recipient_of(self, envelope: EnvelopeId) -> AccountKey | None:
        """Give for whom an envelope of ours is, as far as this process sealed it."""
        return self._recipients.get(envelope)

    def left_custody(self, envelope: EnvelopeId) -> None:
        """Forget for whom an envelope was."""
        self._recipients.pop(envelope, None)

    def _message_id(self, idempotency_key: str) -> MessageId:
        """Give a random id, or for a client's key always the same, which tells others nothing."""
        if not idempotency_key:
            return MessageId(self.entropy.random_bytes(MESSAGE_ID_SIZE_BYTES))
        named = hashlib.blake2b(
            idempotency_key.encode(),
            digest_size=MESSAGE_ID_SIZE_BYTES,
            key=self.message_secret,
            person=b"molva message id",
        )
        return MessageId(named.digest())

    def _seal_message(self, row: MessageRow, now_s: float) -> tuple[MessageRow, EnvelopeId]:
        content = Text(row.id, int(row.sent_s), row.text)
        lifetime_s = max(LIFETIME_MIN_S, row.expires_s - now_s)
        sealed = self.book.seal(row.contact, encode_content(content), lifetime_s, now_s)
        kept = self.keep(row.contact, sealed, now_s)
        sealed_row = row.sealed(sealed.proof_hash, kept.expires_s)
        self._track(OpenMessage(sealed_row, kept.id, sealed.session, {}))
        return sealed_row, kept.id

    def keep(self, contact: AccountKey, sealed: Sealed, now_s: float) -> CustodyRow:
        """Keep what was sealed to somebody, to be offered from now on."""
        self._sessions[sealed.proof_hash] = sealed.session
        envelope = parse_envelope(sealed.envelope)
        row = CustodyRow(
            id=envelope.id,
            tag=envelope.header.tag,
            commitment=envelope.commitment,
            size_bytes=len(envelope.data),
            expires_s=envelope.header.expires_at,
            tier=Tier.OWN,
            depositor=OWN_PEER,
            copies=self.router.initial_copies(),
            hops=0,
            received_s=now_s,
        )
        self.custody.add(row, envelope.data)
        self._recipients[envelope.id] = contact
        return row

    def _track(self, message: OpenMessage) -> None:
        self._by_hash[message.row.proof_hash] = message
        self._by_envelope[message.envelope] = message

    def _forget(self, message: OpenMessage) -> None:
        del self._by_hash[message.row.proof_hash]
        del self._by_envelope[message.envelope]
        self._sessions.pop(message.row.proof_hash, None)

    def _expire(self, row: MessageRow, carriers: int, now_s: float) -> None:
        entry = HistoryEntry(now_s, "expired", "no delivery proof came in its lifetime")
        self._change(row, MessageState.EXPIRED, carriers, entry)

    def _change(
        self, row: MessageRow, state: MessageState, carriers: int, entry: HistoryEntry
    ) -> None:
        change = self._changed.get(row.id)
        if change is None:
            self._changed[row.id] = Change(row, state, carriers, [entry])
            return
        change.row, change.state, change.carriers = row, state, carriers
        change.history.append(entry)


def _check(text: str, lifetime_s: float) -> None:
    try:
        size_bytes = len(text.encode())
    except UnicodeEncodeError as exc:
        raise InvalidInput("The text holds half a character (a lone surrogate).") from exc
    if not text.strip():
        raise InvalidInput("There is nothing to send: the text is empty.")
    if size_bytes > TEXT_SIZE_MAX_BYTES:
        raise InvalidInput(
            f"The text has {size_bytes} bytes; a message has at most {TEXT_SIZE_MAX_BYTES}."
        )
    if not LIFETIME_MIN_S <= lifetime_s <= LIFETIME_MAX_S:
        raise InvalidInput("A message lives from one minute to 30 days.")


def _carriers(history: list[HistoryEntry]) -> dict[str, None]:
    """Give who holds a message's present envelope."""
    carriers: dict[str, None] = {}
    for entry in history:
        if entry.kind in ("queued", "sealed-anew"):
            carriers.clear()
        elif entry.kind == "carried":
            carriers[entry.detail] = None
    return carriers


def _told(row: MessageRow, state: MessageState, carriers: int) -> Effect:
    return Notify(MessageChanged(row.id, row.contact, state, carriers))
