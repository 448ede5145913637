"""A node that does what its API promises, without sessions, links or a disk."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from itertools import count

import trio

from p2p.adapters.memory_store import MemoryStore
from p2p.core.effects import (
    ContactChanged,
    ContactView,
    Done,
    InviteMade,
    MessageChanged,
    MessageReceived,
    Notice,
    Result,
)
from p2p.core.events import (
    Command,
    ContactAddRequested,
    ContactBlocked,
    ContactRemoved,
    ContactRenamed,
    ContactVerified,
    InviteRequested,
    MessagesRead,
    SendRequested,
)
from p2p.core.trust.events import (
    AnchorsAdded,
    StatusListImported,
    TrustListImported,
    TrustRemoved,
    TrustView,
)
from p2p.errors import (
    Conflict,
    CredentialError,
    EnvironmentFault,
    InvalidInput,
    LocalError,
    NotReady,
    StoreFull,
    UnknownName,
)
from p2p.node.api import Check, CustodyView, NeighbourView, NodeStatus, NoticeStream, PeerView
from p2p.node.subscribers import Subscribers
from p2p.ports.store import Direction, HistoryEntry, MessageRow, MessageState, MessageStore
from p2p.wire.ids import AccountKey, MessageId, PeerId, Tag
from p2p.wire.limits import TEXT_SIZE_MAX_BYTES
from tests.control import fake_credentials, fake_trust

START_S = 1_760_000_000.0
NO_TAG = Tag(bytes(16))
BOB = AccountKey(bytes.fromhex("b0b0" * 16))
CAROL = AccountKey(bytes.fromhex("ca401234" * 8))
SAFETY_NUMBER = "12345 67890 12345 67890 12345 67890 12345 67890 12345 67890 12345 67890"


def contact_view(key: AccountKey, name: str, **changes: object) -> ContactView:
    """Give an active contact."""
    view = ContactView(
        account_key=key,
        name=name,
        suggested_name=name,
        state="active",
        verified=False,
        blocked=False,
        safety_number=SAFETY_NUMBER,
        added_s=START_S,
        last_heard_s=START_S + 60,
        addresses=("/ip4/127.0.0.1/tcp/4001/p2p/12D3KooWBob",),
    )
    return replace(view, **changes)


class FakeNodeApi:
    """Implements :class:`p2p.node.api.NodeApi`; must be made inside trio to be subscribed to."""

    def __init__(self, contacts: Sequence[ContactView] = ()) -> None:
        self._store = MemoryStore()
        self._contacts = {c.account_key: c for c in contacts}
        self._told_contacts: tuple[ContactView, ...] = ()
        self._subscribers = Subscribers()
        self._ids = count(1)
        self._now_s = START_S
        self._peers: dict[PeerId, PeerView] = {}
        self.handled: list[Command] = []
        self.stopped = False
        self.disk_full = False
        self.on_stop: Callable[[], None] = lambda: None
        self.gate: trio.Event | None = None
        """Where set, commands wait for it before they take effect."""
        self.trusted = fake_trust.TRUSTED
        self.checks = [Check("clock", "ok", "The clock agrees with 2 neighbours.")]

    # --- what a test does to it ---
    def publish(self, notice: Notice) -> None:
        self._now_s += 1
        self._subscribers.publish(notice, self._now_s)

    def end_streams(self) -> None:
        """End every subscriber of now, as a node does with one that is too slow."""
        ended, self._subscribers = self._subscribers, Subscribers()
        self._subscribers._remembered.extend(ended._remembered)
        self._subscribers._last_sequence = ended._last_sequence
        ended.end_all()

    @property
    def listening(self) -> int:
        return self._subscribers.listening

    def receive(
        self, contact: AccountKey, text: str, message: MessageId | None = None
    ) -> MessageId:
        """Have mail come in."""
        row = self._add(message or self._new_id(), Direction.IN, contact, text, 86_400)
        self.publish(MessageReceived(row))
        return row.id

    def move(self, message: MessageId, state: MessageState, carriers: int = 0) -> None:
        """Change the state of an outgoing message."""
        row = self._store.message(message, Direction.OUT)
        assert row is not None
        with self._store.transaction():
            entry = HistoryEntry(self._now_s, state.value, f"{carriers} carriers")
            self._store.update_message(message, Direction.OUT, state, carriers, NO_TAG, entry)
        self.publish(MessageChanged(message, row.contact, state, carriers))

    # --- NodeApi ---
    @property
    def messages(self) -> MessageStore:
        return self._store

    @property
    def last_sequence(self) -> int:
        return self._subscribers.last_sequence

    def contacts(self) -> Sequence[ContactView]:
        views = tuple(self._contacts.values())
        if views != self._told_contacts:
            self._told_contacts = views
        return self._told_contacts

    async def command(self, event: Command) -> Result:
        (outcome,) = await self.commands([event])
        if isinstance(outcome, LocalError | CredentialError | EnvironmentFault):
            raise outcome
        return outcome

    async def commands(self, events: Sequence[Command]) -> list[Result | EnvironmentFault]:
        await trio.lowlevel.checkpoint()
        if self.gate is not None:
            await self.gate.wait()
        self.handled.extend(events)
        return [self._handle(event) for event in events]

    def subscribe(self, after: int) -> AbstractAsyncContextManager[NoticeStream]:
        return self._subscribers.subscribe(after)

    def status(self) -> NodeStatus:
        return NodeStatus(
            version="0.1.0",
            name="alice",
            account_key=AccountKey(bytes.fromhex("a11ce0" * 10 + "a11c")),
            peer_id=PeerId("12D3KooWAlice"),
            addresses=("/ip4/127.0.0.1/tcp/4000/p2p/12D3KooWAlice",),
            started_s=START_S,
            router="spray",
            neighbours=(
                NeighbourView(PeerId("12D3KooWCarol"), "/ip4/127.0.0.1/tcp/4002", True, START_S),
            ),
            custody=CustodyView(3, 1_536, 67_108_864, 2),
            counters=(("frames-received", 7),),
            discovery=(("mdns", "on"), ("dht", "off")),
        )

    def trust(self) -> TrustView:
        return self.trusted

    def peers(self) -> list[PeerView]:
        return list(self._peers.values())

    async def add_peer(self, address: str) -> PeerView:
        await trio.lowlevel.checkpoint()
        if "/p2p/" not in address:
            raise InvalidInput(f"{address!r} is no multiaddress with a peer id.")
        peer = PeerId(address.rsplit("/", 1)[1])
        view = PeerView(peer, (address,), "manual", "waiting", START_S + 5, "connection refused")
        self._peers[peer] = view
        return view

    async def remove_peer(self, peer: PeerId) -> None:
        await trio.lowlevel.checkpoint()
        if self._peers.pop(peer, None) is None:
            raise UnknownName(f"There is no peer {peer}.")

    async def ban_peer(self, peer: PeerId) -> None:
        await trio.lowlevel.checkpoint()
        self._peers[peer] = PeerView(peer, (), "manual", "banned", 0.0, "")

    async def doctor(self) -> list[Check]:
        await trio.lowlevel.checkpoint()
        return self.checks

    def stop(self) -> None:
        self.stopped = True
        self.on_stop()

    # --- how ---
    def _handle(self, event: Command) -> Result | EnvironmentFault:
        try:
            return self._answer(event)
        except (LocalError, CredentialError, EnvironmentFault) as exc:
            return exc

    def _answer(self, event: Command) -> Result:
        if self.disk_full:
            raise StoreFull("No room is left on the device.")
        match event:
            case SendRequested():
                return self._send(event)
            case InviteRequested():
                number = next(self._ids)
                return InviteMade(
                    f"molva:1:LONG{number}", f"molva:1:SHORT{number}", START_S + 86_400
                )
            case ContactAddRequested(link=link, name=name):
                return self._add_contact(link, name)
            case MessagesRead(messages=ids):
                self._mark_read(ids)
                return Done()
            case ContactRemoved() | ContactVerified() | ContactBlocked() | ContactRenamed():
                return self._about_contact(event)
            case AnchorsAdded() | TrustListImported() | StatusListImported() | TrustRemoved():
                return fake_trust.answer(event)
            case _:
                return fake_credentials.answer(event)

    def _about_contact(
        self, event: ContactRemoved | ContactVerified | ContactBlocked | ContactRenamed
    ) -> Result:
        match event:
            case ContactRemoved(contact=key):
                self._contacts.pop(key)
                with self._store.transaction():
                    self._store.delete_messages(key)
                return Done()
            case ContactVerified(contact=key, verified=verified):
                return self._change(key, "verified", verified=verified)
            case ContactBlocked(contact=key, blocked=blocked):
                return self._change(key, "blocked", blocked=blocked)
            case ContactRenamed(contact=key, name=name):
                return self._change(key, "renamed", name=name)

    def _send(self, event: SendRequested) -> MessageRow:
        contact = self._contacts[event.contact]
        if contact.state == "waiting":
            raise NotReady(f"{contact.name}'s keys are not here yet.")
        if len(event.text.encode()) > TEXT_SIZE_MAX_BYTES:
            raise InvalidInput(f"a message has at most {TEXT_SIZE_MAX_BYTES}")
        return self._add(self._new_id(), Direction.OUT, event.contact, event.text, event.lifetime_s)

    def _add(
        self, message: MessageId, direction: Direction, contact: AccountKey, text: str, life: float
    ) -> MessageRow:
        state = MessageState.QUEUED if direction is Direction.OUT else MessageState.RECEIVED
        row = MessageRow(
            order=0,
            id=message,
            direction=direction,
            contact=contact,
            state=state,
            text=text,
            created_s=self._now_s,
            sent_s=self._now_s - 5,
            expires_s=self._now_s + life,
            carriers=0,
            proof_hash=NO_TAG,
        )
        with self._store.transaction():
            self._store.add_message(row, HistoryEntry(self._now_s, state.value, "written here"))
        kept = self._store.message(message, direction)
        assert kept is not None
        return kept

    def _add_contact(self, link: str, name: str) -> ContactView:
        if not link.startswith("molva:1:"):
            raise InvalidInput("This is no Molva link: it must begin with molva:1:")
        if any(contact.name == name for contact in self._contacts.values()):
            raise Conflict(f"There is a contact {name!r} already.")
        key = AccountKey(link.encode().ljust(32, b"\x00")[:32])
        view = contact_view(key, name, state="waiting", last_heard_s=0.0, addresses=())
        self._contacts[key] = view
        self.publish(ContactChanged(view, "added"))
        return view

    def _change(self, key: AccountKey, why: str, **changes: object) -> ContactView:
        view = replace(self._contacts[key], **changes)
        self._contacts[key] = view
        self.publish(ContactChanged(view, why))
        return view

    def _mark_read(self, ids: Sequence[MessageId]) -> None:
        with self._store.transaction():
            for message in ids:
                self._store.update_message(message, Direction.IN, MessageState.READ, 0, NO_TAG)

    def _new_id(self) -> MessageId:
        return MessageId(next(self._ids).to_bytes(4, "big") + bytes(12))
