"""What arrives for us: opened, read as content, and kept in the same transaction."""

from __future__ import annotations

from dataclasses import dataclass

from p2p.core.outbox import NO_HASH
from p2p.ports.store import Direction, HistoryEntry, MessageRow, MessageState, MessageStore
from p2p.sessions.book import Opened, SessionBook
from p2p.wire.content import Content, Text, decode_content
from p2p.wire.envelope import Envelope
from p2p.wire.ids import MessageId


@dataclass(frozen=True, slots=True)
class Arrival:
    """An envelope that was for us, with what it said."""

    opened: Opened
    content: Content


@dataclass(slots=True)
class Inbox:
    """Opens envelopes and keeps their messages."""

    store: MessageStore
    book: SessionBook

    def open(self, envelope: Envelope, now_s: float) -> Arrival:
        """Open an envelope whose tag is one of ours.

        Raises:
            RemoteError: not for us after all, forged, replayed, or no content of this version.
            Conflict: a second sender used a one-time invite.
        """
        opened = self.book.open(envelope.data, now_s)
        return Arrival(opened, decode_content(opened.content))

    def keep(
        self, arrival: Arrival, text: Text, expires_s: float, now_s: float
    ) -> MessageRow | None:
        """Keep a message for the person; None where it is here already."""
        row = MessageRow(
            order=0,
            id=MessageId(text.message_id),
            direction=Direction.IN,
            contact=arrival.opened.contact,
            state=MessageState.RECEIVED,
            text=text.text,
            created_s=now_s,
            sent_s=float(text.sent_at_s),
            expires_s=expires_s,
            carriers=0,
            proof_hash=NO_HASH,
        )
        entry = HistoryEntry(now_s, "received", "opened on this device")
        order = self.store.add_message(row, entry)
        return row.placed(order) if order else None

    def mark_read(self, message: MessageId, now_s: float) -> bool:
        """Note that the person saw a message; False where there is none such."""
        row = self.store.message(message, Direction.IN)
        if row is None:
            return False
        if row.state is MessageState.RECEIVED:
            entry = HistoryEntry(now_s, "read", "shown to the person")
            self.store.update_message(row.id, row.direction, MessageState.READ, 0, NO_HASH, entry)
        return True
