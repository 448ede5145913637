"""The people this node knows: records, and which of them a neighbour's node belongs to."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct
from msgspec.structs import replace

from p2p.core.effects import ContactView
from p2p.core.exchange.events import VerdictView
from p2p.core.exchange.proven import Proven
from p2p.crypto.safety import safety_number
from p2p.errors import Conflict, InvalidInput, UnknownName
from p2p.ports.store import DocumentKind, DocumentStore
from p2p.wire.addresses import peers_of
from p2p.wire.codec import pack, unpack
from p2p.wire.ids import AccountKey, PeerId
from p2p.wire.limits import NAME_SIZE_MAX_BYTES

WAITING = "waiting"
"""The invite's bundle has not reached us: nothing can be sealed yet."""
ASKED = "asked"
"""Our first message is under way."""
ACTIVE = "active"
"""The other side has written to us."""

_RECORD_SIZE_MAX_BYTES = 65_536
_SHORT_KEY_DIGITS = 12


class ContactRecord(Struct, frozen=True, array_like=True):
    """One contact as stored.

    Attributes:
        order: place in the order of adding, from 1.
        introduced_s: when we last told them about ourselves, 0 for never.
        introduced_as: fingerprint of what we told them then.
        heard_s: ``issued_at_s`` of the newest introduction of theirs, 0 for none.
        bundle_hash, lookup_secret: of the invite that made this contact; empty where theirs came.
    """

    account_key: Annotated[bytes, Meta(min_length=32, max_length=32)]
    order: int
    name: str
    suggested_name: str
    state: str
    verified: int
    blocked: int
    added_s: float
    last_heard_s: float
    introduced_s: float
    introduced_as: bytes
    heard_s: int
    addresses: tuple[str, ...]
    bundle_hash: bytes
    lookup_secret: bytes

    @property
    def account(self) -> AccountKey:
        """The account key by its type."""
        return AccountKey(self.account_key)


def printable(name: str) -> str:
    """Give a name without what could deceive on a terminal, and without outer blanks."""
    return "".join(c for c in name if c.isprintable()).strip()


def clean_name(name: str) -> str:
    """Give a name as people may write it: no control characters, no outer blanks.

    Raises:
        InvalidInput: empty or longer than 64 bytes.
    """
    name = printable(name)
    if not name:
        raise InvalidInput("A name needs at least one visible character.")
    if len(name.encode()) > NAME_SIZE_MAX_BYTES:
        raise InvalidInput(f"A name has at most {NAME_SIZE_MAX_BYTES} bytes.")
    return name


class Contacts:
    """All contacts. Loads itself from the store; every change is written at once."""

    def __init__(self, store: DocumentStore, own: AccountKey) -> None:
        self._store = store
        self._own = own
        self.proven = Proven(store)
        self._by_peer: dict[PeerId, AccountKey] = {}
        self._safety: dict[AccountKey, str] = {}
        self._views: dict[AccountKey, ContactView] = {}
        self._all_views: tuple[ContactView, ...] = ()
        self._peers: dict[AccountKey, dict[PeerId, tuple[str, ...]]] = {}
        records = [
            unpack(value, ContactRecord, _RECORD_SIZE_MAX_BYTES)
            for _, value in store.documents(DocumentKind.CONTACT)
        ]
        records.sort(key=lambda record: record.order)
        self._records = {record.account: record for record in records}
        self._waiting: dict[AccountKey, None] = {}
        for record in records:
            self._index_state(record)
            self._index_peers(record)

    def get(self, account: AccountKey) -> ContactRecord | None:
        """Give a contact, or None."""
        return self._records.get(account)

    def require(self, account: AccountKey) -> ContactRecord:
        """Give a contact.

        Raises:
            UnknownName: there is none with this account key.
        """
        record = self._records.get(account)
        if record is None:
            raise UnknownName("There is no such contact.")
        return record

    def waiting(self) -> list[ContactRecord]:
        """Give the contacts whose bundle is being sought, in the order of their adding."""
        return [self._records[account] for account in self._waiting]

    def owner_of(self, peer: PeerId) -> AccountKey | None:
        """Give the contact who said that this peer is their node, or None."""
        return self._by_peer.get(peer)

    def peers(self, account: AccountKey) -> dict[PeerId, tuple[str, ...]]:
        """Give the nodes of a contact with their addresses."""
        return self._peers.get(account, {})

    def add(
        self, account: AccountKey, name: str, suggested_name: str, now_s: float
    ) -> ContactRecord:
        """Make a contact; a taken name gets a number.

        Raises:
            Conflict: it is our own account, or a contact already.
        """
        if account == self._own:
            raise Conflict("This is your own account.")
        if account in self._records:
            known = self._records[account].name
            raise Conflict(f"This person is a contact already: {known}.")
        order = 1 + max((record.order for record in self._records.values()), default=0)
        record = ContactRecord(
            account_key=account,
            order=order,
            name=self._free_name(name or suggested_name or account.hex()[:_SHORT_KEY_DIGITS]),
            suggested_name=suggested_name,
            state=WAITING,
            verified=0,
            blocked=0,
            added_s=now_s,
            last_heard_s=0.0,
            introduced_s=0.0,
            introduced_as=b"",
            heard_s=0,
            addresses=(),
            bundle_hash=b"",
            lookup_secret=b"",
        )
        return self.save(record)

    def check_name_free(self, name: str, account: AccountKey) -> None:
        """Refuse a name that another contact has.

        Raises:
            Conflict: it is taken.
        """
        for record in self._records.values():
            if record.name.casefold() == name.casefold() and record.account != account:
                raise Conflict(f"You call another contact {record.name} already.")

    def save(self, record: ContactRecord, **changes: object) -> ContactRecord:
        """Write a contact, with fields changed; give it as written."""
        changed = replace(record, **changes)
        self._records[changed.account] = changed
        self._look_anew(changed.account)
        self._index_state(changed)
        if "addresses" in changes:
            self._index_peers(changed)
        self._store.put_document(DocumentKind.CONTACT, changed.account_key, pack(changed))
        return changed

    def remove(self, account: AccountKey) -> None:
        """Forget a contact."""
        del self._records[account]
        self._look_anew(account)
        self._waiting.pop(account, None)
        self._forget_peers(account)
        self.proven.forget(account)
        self._store.delete_document(DocumentKind.CONTACT, account)

    def note_proven(self, account: AccountKey, verdict: VerdictView) -> None:
        """Keep what a contact has proven to us."""
        self.proven.note(account, verdict)
        self._look_anew(account)

    def views(self) -> tuple[ContactView, ...]:
        """Give all contacts as people see them, in the order of their adding.

        It is the same tuple until something changes, so that who asked before need not look.
        """
        if not self._all_views:
            self._all_views = tuple(map(self.view, self._records.values()))
        return self._all_views

    def view(self, record: ContactRecord) -> ContactView:
        """Give a contact as people see it."""
        if record is not self._records.get(record.account):
            return self._view(record)
        view = self._views.get(record.account)
        if view is None:
            view = self._views[record.account] = self._view(record)
        return view

    def _look_anew(self, account: AccountKey) -> None:
        self._views.pop(account, None)
        self._all_views = ()

    def _view(self, record: ContactRecord) -> ContactView:
        return ContactView(
            account_key=record.account,
            name=record.name,
            suggested_name=record.suggested_name,
            state=record.state,
            verified=bool(record.verified),
            blocked=bool(record.blocked),
            safety_number=self._safety_number(record.account),
            added_s=record.added_s,
            last_heard_s=record.last_heard_s,
            addresses=record.addresses,
            proven=self.proven.of(record.account),
        )

    def _safety_number(self, account: AccountKey) -> str:
        """Give the safety number, worked out once: its iterations make it slow on purpose."""
        number = self._safety.get(account)
        if number is None:
            number = self._safety[account] = safety_number(self._own, account)
        return number

    def _index_state(self, record: ContactRecord) -> None:
        if record.state == WAITING:
            self._waiting[record.account] = None
        else:
            self._waiting.pop(record.account, None)

    def _index_peers(self, record: ContactRecord) -> None:
        self._forget_peers(record.account)
        peers = peers_of(record.addresses)
        if peers:
            self._peers[record.account] = peers
        for peer in peers:
            self._by_peer[peer] = record.account

    def _forget_peers(self, account: AccountKey) -> None:
        for peer in self._peers.pop(account, {}):
            if self._by_peer.get(peer) == account:
                del self._by_peer[peer]

    def name_for(self, record: ContactRecord, suggested_name: str) -> str:
        """Give a contact's name: what it calls itself, while the name is only its key's digits."""
        if not suggested_name or record.name != record.account.hex()[:_SHORT_KEY_DIGITS]:
            return record.name
        return self._free_name(suggested_name)

    def _free_name(self, wish: str) -> str:
        taken = {record.name.casefold() for record in self._records.values()}
        name, number = wish, 2
        while name.casefold() in taken:
            name, number = f"{wish} {number}", number + 1
        return name
