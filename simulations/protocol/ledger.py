"""The sizes that a scenario declares: which envelope carries which of its messages.

A scenario's messages may be larger than the largest envelope, and their bytes need not exist: what
travels is a short text that names the message. Links and quotas count the declared size instead.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from p2p.adapters.memory_store import MemoryStore
from p2p.ports.store import (
    CustodyRow,
    Direction,
    HistoryEntry,
    MessageRow,
    MessageState,
    Tier,
)
from p2p.wire.ids import EnvelopeId, MessageId, Tag, envelope_id
from simulations.trace import Creation

TEXT_MARK: Final = "molva-sim-message-"
"""What every message's text begins with: a checker looks for it in frames."""
_CARRY_HEAD: Final = b"\x94\x03"
"""An array of four whose first element is the number of :class:`p2p.wire.frames.Carry`."""
_BIN_8: Final = 0xC4
_BIN_16: Final = 0xC5
_BIN_32: Final = 0xC6
_LENGTH_BYTES: Final = {_BIN_8: 1, _BIN_16: 2, _BIN_32: 4}


def text_of(index: int) -> str:
    """Give the text of a scenario's message: it names the message, as no other bytes ever do."""
    return f"{TEXT_MARK}{index:09d}"


def index_of(text: str) -> int | None:
    """Give the number of the message that a text names, or None."""
    number = text.removeprefix(TEXT_MARK)
    return int(number) if number != text and number.isdecimal() else None


def carried_envelope(frame: bytes) -> EnvelopeId | None:
    """Give the id of the envelope that a frame carries, or None for any other frame."""
    if frame[:2] != _CARRY_HEAD or len(frame) < 8:
        return None
    width = _LENGTH_BYTES.get(frame[2])
    if width is None:
        return None
    start = 3 + width
    end = start + int.from_bytes(frame[3:start], "big")
    return envelope_id(frame[start:end])


class Ledger:
    """Declared sizes and recipients, by envelope."""

    def __init__(self, creations: Sequence[Creation]) -> None:
        self._creations = creations
        self._index: dict[EnvelopeId, int] = {}
        self._envelopes: dict[int, list[EnvelopeId]] = {}

    def enter(self, envelope: EnvelopeId, index: int) -> None:
        """Note that an envelope carries a message; a message may be sealed more than once."""
        if 0 <= index < len(self._creations) and envelope not in self._index:
            self._index[envelope] = index
            self._envelopes.setdefault(index, []).append(envelope)

    def creation_of(self, envelope: EnvelopeId) -> Creation | None:
        """Give the message that an envelope carries; None for mail that nodes write themselves."""
        index = self._index.get(envelope)
        return None if index is None else self._creations[index]

    def index(self, envelope: EnvelopeId) -> int | None:
        """Give the number of the message that an envelope carries, or None."""
        return self._index.get(envelope)

    def envelopes(self, index: int) -> list[EnvelopeId]:
        """Give the envelopes that a message was sealed into."""
        return self._envelopes.get(index, [])

    def charge(self, envelope: EnvelopeId, size_bytes: int) -> int:
        """Give what an envelope counts for in a quota: at least its own size."""
        index = self._index.get(envelope)
        if index is None:
            return size_bytes
        return max(size_bytes, self._creations[index].size_bytes)

    def excess(self, envelope: EnvelopeId, frame_bytes: int) -> int:
        """Give how many bytes more than a Carry frame has its message would take on a link."""
        index = self._index.get(envelope)
        return 0 if index is None else max(0, self._creations[index].size_bytes - frame_bytes)


class LedgerStore(MemoryStore):
    """The store in memory, which enters the envelopes of its own node's messages in the ledger."""

    __slots__ = ("_ledger", "_own")

    def __init__(self, ledger: Ledger) -> None:
        super().__init__()
        self._ledger = ledger
        self._own: dict[Tag, EnvelopeId] = {}

    def add_envelope(self, row: CustodyRow, data: bytes) -> None:
        """Keep an envelope, and remember by what a message will name it."""
        super().add_envelope(row, data)
        if row.tier is Tier.OWN:
            self._own[row.tag] = row.id
            self._own[row.commitment] = row.id

    def add_message(self, row: MessageRow, *history: HistoryEntry) -> int:
        """Keep a message."""
        self._enter(row.proof_hash, row.text)
        return super().add_message(row, *history)

    def update_message(
        self,
        message: MessageId,
        direction: Direction,
        state: MessageState,
        carriers: int,
        proof_hash: Tag,
        *history: HistoryEntry,
    ) -> None:
        """Change a message."""
        if proof_hash in self._own:
            row = self.message(message, direction)
            self._enter(proof_hash, "" if row is None else row.text)
        super().update_message(message, direction, state, carriers, proof_hash, *history)

    def without_mail(self) -> LedgerStore:
        """Give a store with the same documents and nothing else: what a lost memory leaves."""
        other = LedgerStore(self._ledger)
        with other.transaction():
            for (kind, key), value in self._documents.rows.items():
                other.put_document(kind, key, value)
        return other

    def _enter(self, hash_: Tag, text: str) -> None:
        envelope = self._own.get(hash_)
        index = index_of(text)
        if envelope is not None and index is not None:
            self._ledger.enter(envelope, index)
            self._own.clear()
