"""Questions for credentials, asked of us and by us: kept, bounded, and over after their time."""

from __future__ import annotations

from typing import Annotated, Final

from msgspec import Meta, Struct
from msgspec.structs import replace

from p2p.core.exchange.events import NOBODY_YET, RequestState
from p2p.errors import Conflict, Malformed, StoreDamaged
from p2p.ports.store import DocumentKind, DocumentStore
from p2p.wire.codec import pack, unpack
from p2p.wire.content import CredentialRequest, decode_content
from p2p.wire.ids import AccountKey
from p2p.wire.limits import PRESENTATION_SIZE_MAX_BYTES

OPEN_PER_CONTACT_MAX: Final = 8
"""Questions of one contact that wait for us: more is pestering."""
OPEN_MAX: Final = 256
"""Questions that wait, each way."""
KEPT_MAX: Final = 1_000
"""Questions that are remembered, each way; of those that are over, the oldest goes first, and
before others' that of the contact who asks or is asked now: who asks much displaces nobody."""
_RECORD_MAX_BYTES: Final = 4 << 20
"""Above all that can be written: a verdict says in JSON what a presentation says in CBOR, which is
up to eight times as long, and has a claim once for each of the four names that fit it."""
assert _RECORD_MAX_BYTES > 4 * 8 * PRESENTATION_SIZE_MAX_BYTES + 131_072
_OUT: Final = b"o"
_IN: Final = b"i"


class RequestRecord(Struct, frozen=True, array_like=True):
    """One question as stored.

    Attributes:
        contact: the other side's account; empty face to face.
        verifier: the account that asks: ours where ``outgoing`` is 1.
        context: where the two met, as both sides know it (exchange_binding).
        content: the question's bytes as sent.
        order: place in the order of making, each way.
        use, status: how the answer will be judged (outgoing).
        burned: 1 once the nonce has served.
        verdict: of an outgoing one, as JSON; empty while there is none.
        rule: of an incoming one: the rule that the verifier said does not hold; of an outgoing
            one: what the holder was told about an answer that came too late.
        shown: elements that we showed.
        name, bundle_hash, lookup_secret, addresses, engagement: of a question face to face.
        answer: an answer's content that waits for the verifier's bundle, or for a screen.
    """

    id: Annotated[bytes, Meta(min_length=16, max_length=16)]
    outgoing: int
    order: int
    state: RequestState
    contact: bytes
    verifier: bytes
    context: bytes
    content: bytes
    use: str = ""
    status: str = ""
    burned: int = 0
    verdict: bytes = b""
    rule: str = ""
    shown: tuple[str, ...] = ()
    name: str = ""
    bundle_hash: bytes = b""
    lookup_secret: bytes = b""
    addresses: tuple[str, ...] = ()
    engagement: str = ""
    answer: bytes = b""

    @property
    def account(self) -> AccountKey:
        """The contact's key by its type; :data:`NOBODY_YET` face to face."""
        return AccountKey(self.contact)

    @property
    def face_to_face(self) -> bool:
        """Whether the question was shown as a code and not sent to a contact."""
        return self.account == NOBODY_YET

    def asked(self) -> CredentialRequest:
        """The question."""
        content = decode_content(self.content)
        assert isinstance(content, CredentialRequest), "a request's record holds a request"
        return content


class RequestBook:
    """All questions. Loads itself from the store; every change is written at once.

    Raises:
        StoreDamaged: what is kept cannot be read as ours.
    """

    def __init__(self, store: DocumentStore) -> None:
        self._store = store
        try:
            records = [
                unpack(value, RequestRecord, _RECORD_MAX_BYTES)
                for _, value in store.documents(DocumentKind.CREDENTIAL_REQUEST)
            ]
            ends = {_key(record): float(record.asked().expires_at_s) for record in records}
        except Malformed as exc:
            raise StoreDamaged(f"A question for a credential cannot be read: {exc}") from exc
        records.sort(key=lambda record: record.order)
        self._records = {_key(record): record for record in records}
        self._ends = {
            key: end for key, end in ends.items() if self._records[key].state is RequestState.OPEN
        }

    def outgoing(self, id_: bytes) -> RequestRecord | None:
        """Give a question of ours, or None."""
        return self._records.get(_OUT + id_)

    def incoming(self, id_: bytes) -> RequestRecord | None:
        """Give a question asked of us, or None."""
        return self._records.get(_IN + id_)

    def all(self) -> list[RequestRecord]:
        """Give all questions, in the order of their making."""
        return sorted(self._records.values(), key=lambda record: record.order)

    def add(self, record: RequestRecord) -> RequestRecord:
        """Keep a new question; the oldest that is over makes room for it.

        Raises:
            Conflict: as :meth:`require_room`.
        """
        self.require_room(record)
        self._make_room(record)
        order = 1 + max((one.order for one in self._records.values()), default=0)
        return self.save(replace(record, order=order))

    def require_room(self, record: RequestRecord) -> None:
        """Refuse a question for which there is no room, before anything is done for it.

        Raises:
            Conflict: too many wait already, of this contact or in all.
        """
        waiting = [
            one
            for one in self._records.values()
            if one.outgoing == record.outgoing and one.state is RequestState.OPEN
        ]
        of_contact = [one for one in waiting if one.contact == record.contact and one.contact]
        crowded = not record.outgoing and len(of_contact) >= OPEN_PER_CONTACT_MAX
        if crowded or len(waiting) >= OPEN_MAX:
            raise Conflict("Too many questions wait for an answer.")

    def save(self, record: RequestRecord, **changes: object) -> RequestRecord:
        """Write a question, with fields changed; give it as written."""
        record = replace(record, **changes)
        key = _key(record)
        self._records[key] = record
        if record.state is RequestState.OPEN:
            self._ends[key] = float(record.asked().expires_at_s)
        else:
            self._ends.pop(key, None)
        self._store.put_document(DocumentKind.CREDENTIAL_REQUEST, key, pack(record))
        return record

    def over(self, now_s: float) -> list[RequestRecord]:
        """Give the open questions whose time is over."""
        return [self._records[key] for key, end_s in self._ends.items() if end_s <= now_s]

    def next_end(self) -> float | None:
        """Give when the next open question is over (Unix s)."""
        return min(self._ends.values()) if self._ends else None

    def forget(self, contact: AccountKey) -> None:
        """Forget every question asked of a contact or by it."""
        for key in [key for key, one in self._records.items() if one.account == contact]:
            self._drop(key)

    def _make_room(self, record: RequestRecord) -> None:
        mine = [one for one in self.all() if one.outgoing == record.outgoing]
        finished = [one for one in mine if one.state is not RequestState.OPEN]
        finished.sort(key=lambda one: one.contact != record.contact)
        for victim in finished[: max(0, len(mine) + 1 - KEPT_MAX)]:
            self._drop(_key(victim))

    def _drop(self, key: bytes) -> None:
        del self._records[key]
        self._ends.pop(key, None)
        self._store.delete_document(DocumentKind.CREDENTIAL_REQUEST, key)


def _key(record: RequestRecord) -> bytes:
    return (_OUT if record.outgoing else _IN) + record.id
