"""Rows for tests of the store, and ways to look at one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from p2p.ports.store import (
    CustodyRow,
    Direction,
    HistoryEntry,
    MessageRow,
    MessageState,
    ProofRow,
    RecordRow,
    RecordTier,
    Store,
    Tier,
    VersionRow,
)
from p2p.wire.ids import (
    AccountKey,
    AuthorKey,
    EnvelopeId,
    MessageId,
    PeerId,
    Proof,
    RecordId,
    Tag,
)
from p2p.wire.record import RecordKey

ALICE = AccountKey(b"A" * 32)
BOB = AccountKey(b"B" * 32)


def message_id(number: int) -> MessageId:
    return MessageId(number.to_bytes(16, "big"))


def message(
    number: int,
    *,
    direction: Direction = Direction.OUT,
    contact: AccountKey = ALICE,
    state: MessageState = MessageState.QUEUED,
    order: int = 0,
    text: str = "hello",
) -> MessageRow:
    return MessageRow(
        order=order,
        id=message_id(number),
        direction=direction,
        contact=contact,
        state=state,
        text=text,
        created_s=1_000.5,
        sent_s=1_000.25,
        expires_s=2_000.0,
        carriers=0,
        proof_hash=Tag(bytes(16)),
    )


def history(kind: str, at_s: float = 1_000.0) -> HistoryEntry:
    return HistoryEntry(at_s, kind, f"{kind} for a person")


def envelope_id(number: int) -> EnvelopeId:
    return EnvelopeId(number.to_bytes(32, "little"))


def custody(number: int, *, copies: int = 8, tier: Tier = Tier.STRANGER) -> CustodyRow:
    return CustodyRow(
        id=envelope_id(number),
        tag=Tag(number.to_bytes(16, "big")),
        commitment=Tag(bytes(16)),
        size_bytes=256,
        expires_s=2_000.0 + number,
        tier=tier,
        depositor=PeerId("12D3Koo"),
        copies=copies,
        hops=3,
        received_s=1_000.125,
    )


def proof(number: int, expires_s: float = 2_000.0) -> ProofRow:
    hash_ = Tag(number.to_bytes(16, "little"))
    return ProofRow(hash_, Proof(number.to_bytes(32, "big")), expires_s)


def record_id(number: int) -> RecordId:
    return RecordId(number.to_bytes(32, "big"))


def record_key(number: int) -> RecordKey:
    return RecordKey(AuthorKey(b"A" * 32), 1 + number % 2, b"name %d" % number)


def record(
    number: int,
    *,
    key: RecordKey | None = None,
    version: int = 7,
    tier: RecordTier = RecordTier.STRANGER,
) -> RecordRow:
    return RecordRow(
        id=record_id(number),
        key=record_key(number) if key is None else key,
        version=version,
        size_bytes=6,
        body_hash=number.to_bytes(32, "little"),
        issued_s=1_000,
        expires_s=2_000 + number,
        header=b"header %d" % number,
        tier=tier,
        depositor=PeerId("12D3Koo"),
        received_s=1_000.125,
    )


def version(of: int, *, number: int = 7) -> VersionRow:
    return VersionRow(record_key(of), number, record_id(of), RecordTier.CONTACT)


def orders(store: Store) -> list[int]:
    return [row.order for row in everything(store)]


def everything(store: Store) -> list[MessageRow]:
    return store.messages(direction=None, contact=None, states=(), after_order=0, limit=1_000)


@contextmanager
def undone(store: Store, failure: type[BaseException] = ValueError) -> Iterator[None]:
    """A transaction that fails at its end."""
    try:
        with store.transaction():
            yield
            _fail(failure)
    except failure:
        return
    raise AssertionError("the transaction swallowed an exception")


def _fail(failure: type[BaseException]) -> None:
    raise failure
