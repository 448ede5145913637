"""What each endpoint does, between the API's values and the node; knows nothing of HTTP."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from itertools import count
from typing import Final, TypeVar

from p2p.control import schema, translation
from p2p.control.credential_service import CredentialService
from p2p.control.directory import ContactDirectory
from p2p.control.ledger import CommandLedger
from p2p.control.outgoing import OutgoingMail
from p2p.control.problem import problem_of
from p2p.control.trust_service import TrustService
from p2p.core.effects import ContactView, InviteMade
from p2p.core.events import (
    Command,
    ContactAddRequested,
    ContactBlocked,
    ContactRemoved,
    ContactRenamed,
    ContactVerified,
    InviteRequested,
    MessagesRead,
)
from p2p.errors import InvalidInput, MolvaError, UnknownName
from p2p.node.api import NodeApi
from p2p.ports.store import Direction, MessageRow, MessageState
from p2p.wire.ids import CommandId, MessageId, PeerId, parse_hex
from p2p.wire.limits import MESSAGE_ID_SIZE_BYTES, NAME_SIZE_MAX_BYTES

COMMANDS_REMEMBERED_MAX: Final = 256
"""Invites and new contacts; their answers hold links of some kilobytes."""
COMMANDS_REMEMBERED_S: Final = 3_600.0

_JOINERS: Final = {0x200C: None, 0x200D: None}
"""Invisible, but Persian, Hindi and others need them to write a name."""

Expected = TypeVar("Expected")


class ControlService:
    """The control API of one node."""

    def __init__(self, node: NodeApi, clock: Callable[[], float]) -> None:
        self._node = node
        self._outgoing = OutgoingMail(node, clock)
        self._invites = CommandLedger[InviteMade](
            COMMANDS_REMEMBERED_MAX, COMMANDS_REMEMBERED_S, clock
        )
        self._added = CommandLedger[ContactView](
            COMMANDS_REMEMBERED_MAX, COMMANDS_REMEMBERED_S, clock
        )
        self._numbers = count(1)
        self._contacts: Sequence[ContactView] = ()
        self._known = ContactDirectory(self._contacts)
        self.trust = TrustService(node, clock)
        self.credentials = CredentialService(node)

    @property
    def node(self) -> NodeApi:
        """The node behind this API, for its event stream."""
        return self._node

    # --- messages ---
    async def send(self, request: schema.Send) -> schema.Message:
        """Write one message.

        Raises:
            MolvaError: it was refused, and nothing of it happened.
        """
        directory = self._directory()
        (outcome,) = await self._outgoing.send([request], directory)
        if isinstance(outcome, MolvaError):
            raise outcome
        return translation.message(outcome, directory.name_of(outcome.contact))

    async def send_batch(self, request: schema.SendBatch) -> schema.BatchAnswer:
        """Write several messages, kept in this order; each has its own outcome."""
        directory = self._directory()
        outcomes = await self._outgoing.send(request.messages, directory)
        return schema.BatchAnswer(
            results=[
                schema.BatchItem(problem=problem_of(outcome))
                if isinstance(outcome, MolvaError)
                else schema.BatchItem(
                    message=translation.message(outcome, directory.name_of(outcome.contact))
                )
                for outcome in outcomes
            ]
        )

    def page(
        self,
        direction: Direction | None,
        contact: str,
        states: tuple[MessageState, ...],
        after: int,
        limit: int,
    ) -> schema.MessagePage:
        """Give the first ``limit`` messages after ``after``; an empty ``contact`` means anybody."""
        directory = self._directory()
        rows = self._node.messages.messages(
            direction=direction,
            contact=directory.find(contact).account_key if contact else None,
            states=states,
            after_order=after,
            limit=limit,
        )
        following = rows[-1].order if len(rows) == limit else None
        return self._page_of(rows, directory, following)

    def newest(self, direction: Direction | None, contact: str, limit: int) -> schema.MessagePage:
        """Give the newest ``limit`` messages, oldest of them first."""
        directory = self._directory()
        rows = self._node.messages.newest_messages(
            direction=direction,
            contact=directory.find(contact).account_key if contact else None,
            limit=limit,
        )
        return self._page_of(rows, directory, None)

    def message(self, reference: str, direction: Direction | None) -> schema.Message:
        """Give the message whose id begins with ``reference``.

        Raises:
            UnknownName, InvalidInput: none does; several do, or it is no beginning of an id.
        """
        row = self._row(reference, direction)
        return translation.message(row, self._directory().name_of(row.contact))

    def history(self, reference: str, direction: Direction | None) -> schema.MessageHistory:
        """Give a message with all that happened to it; raises as :meth:`message` does."""
        row = self._row(reference, direction)
        return schema.MessageHistory(
            message=translation.message(row, self._directory().name_of(row.contact)),
            history=[
                translation.history_entry(entry)
                for entry in self._node.messages.history(row.id, row.direction)
            ],
        )

    async def mark_read(self, request: schema.MarkRead) -> schema.Nothing:
        """Mark incoming messages as read."""
        ids = tuple(
            MessageId(parse_hex(text, MESSAGE_ID_SIZE_BYTES, "message id")) for text in request.ids
        )
        await self._node.command(MessagesRead(self._command(), ids))
        return schema.Nothing()

    # --- contacts ---
    def contacts(self) -> schema.ContactList:
        """Give all contacts."""
        return schema.ContactList(contacts=[translation.contact(c) for c in self._node.contacts()])

    def contact(self, reference: str) -> schema.Contact:
        """Give one contact."""
        return translation.contact(self._directory().find(reference))

    async def invite(self, request: schema.MakeInvite) -> schema.Invite:
        """Make a one-time invite."""
        event = InviteRequested(self._command())
        made = await self._once(self._invites, request.command_id, b"", event, InviteMade)
        return translation.invite(made)

    async def add_contact(self, request: schema.AddContact) -> schema.Contact:
        """Make a contact of an invite link."""
        name = _checked_name(request.name)
        event = ContactAddRequested(self._command(), request.link.strip(), name)
        content = f"{name}\n{event.link}".encode()
        view = await self._once(self._added, request.command_id, content, event, ContactView)
        return translation.contact(view)

    async def rename_contact(self, reference: str, request: schema.RenameContact) -> schema.Contact:
        """Call a contact by another name."""
        name = _checked_name(request.name)
        key = self._directory().find(reference).account_key
        return await self._change(ContactRenamed(self._command(), key, name))

    async def verify_contact(self, reference: str, request: schema.VerifyContact) -> schema.Contact:
        """Note that the safety numbers were compared, or take that back."""
        key = self._directory().find(reference).account_key
        return await self._change(ContactVerified(self._command(), key, request.verified))

    async def block_contact(self, reference: str) -> schema.Contact:
        """Drop this contact's mail unread, and send none."""
        key = self._directory().find(reference).account_key
        return await self._change(ContactBlocked(self._command(), key, blocked=True))

    async def unblock_contact(self, reference: str) -> schema.Contact:
        """Let a blocked contact write again."""
        key = self._directory().find(reference).account_key
        return await self._change(ContactBlocked(self._command(), key, blocked=False))

    async def remove_contact(self, reference: str) -> schema.Nothing:
        """Forget a contact with its sessions and messages."""
        key = self._directory().find(reference).account_key
        await self._node.command(ContactRemoved(self._command(), key))
        return schema.Nothing()

    # --- the mesh ---
    def status(self) -> schema.Status:
        """Give the node at a glance."""
        return translation.status(self._node.status(), os.getpid())

    def custody(self) -> schema.Custody:
        """Give what is carried for others."""
        return translation.custody(self._node.status().custody)

    def peers(self) -> schema.PeerList:
        """Give the peers known."""
        return schema.PeerList(peers=[translation.peer(p) for p in self._node.peers()])

    async def add_peer(self, request: schema.AddPeer) -> schema.Peer:
        """Dial an address, now and whenever it is lost."""
        return translation.peer(await self._node.add_peer(request.address))

    async def remove_peer(self, peer: str) -> schema.Nothing:
        """Stop dialling a peer, and lift a ban."""
        await self._node.remove_peer(PeerId(peer))
        return schema.Nothing()

    async def ban_peer(self, peer: str) -> schema.Nothing:
        """Close a peer's link and refuse all further ones."""
        await self._node.ban_peer(PeerId(peer))
        return schema.Nothing()

    async def doctor(self) -> schema.Diagnosis:
        """Find out what works here."""
        return schema.Diagnosis(
            checks=[
                schema.Check(name=c.name, outcome=c.outcome, detail=c.detail)
                for c in await self._node.doctor()
            ]
        )

    def stop(self) -> None:
        """End the node, soon."""
        self._node.stop()

    # --- how ---
    def _directory(self) -> ContactDirectory:
        """Give the contacts as they are now; of a thousand, that takes a moment to make."""
        contacts = self._node.contacts()
        if contacts is not self._contacts:
            self._contacts, self._known = contacts, ContactDirectory(contacts)
        return self._known

    def _command(self) -> CommandId:
        return CommandId(f"control-{next(self._numbers)}")

    async def _change(self, event: Command) -> schema.Contact:
        return translation.contact(await self._ask(event, ContactView))

    async def _ask(self, event: Command, expected: type[Expected]) -> Expected:
        result = await self._node.command(event)
        assert isinstance(result, expected), f"{event} was answered by {result}"
        return result

    async def _once(
        self,
        ledger: CommandLedger[Expected],
        command_id: str,
        content: bytes,
        event: Command,
        expected: type[Expected],
    ) -> Expected:
        fingerprint = hashlib.blake2b(content, digest_size=16).digest()
        known = ledger.find(command_id, fingerprint)
        if known is not None:
            outcome = await known.outcome()
            if isinstance(outcome, MolvaError):
                raise outcome
            return outcome
        entry = ledger.begin(command_id, fingerprint)
        try:
            result = await self._ask(event, expected)
        except BaseException as exc:
            ledger.forget(command_id)
            entry.settle(exc if isinstance(exc, MolvaError) else MolvaError("It was broken off."))
            raise
        entry.settle(result)
        return result

    def _row(self, reference: str, direction: Direction | None) -> MessageRow:
        prefix = reference.lower()
        digits = set(prefix) <= set("0123456789abcdef")
        if not digits or not schema.MESSAGE_PREFIX_MIN <= len(prefix) <= 2 * MESSAGE_ID_SIZE_BYTES:
            raise InvalidInput(
                f"{reference!r} is no message id: write at least {schema.MESSAGE_PREFIX_MIN} "
                f"of its {2 * MESSAGE_ID_SIZE_BYTES} hexadecimal digits."
            )
        rows = self._node.messages.messages_starting(prefix, 3)
        fitting = [row for row in rows if direction in (None, row.direction)]
        if not fitting:
            raise UnknownName(f"There is no message {reference!r}.")
        if len(fitting) > 1:
            raise InvalidInput(f"Several messages begin with {reference!r}: write more digits.")
        return fitting[0]

    def _page_of(
        self, rows: list[MessageRow], directory: ContactDirectory, following: int | None
    ) -> schema.MessagePage:
        return schema.MessagePage(
            messages=[translation.message(r, directory.name_of(r.contact)) for r in rows],
            next_after=following,
        )


def _checked_name(name: str) -> str:
    stripped = name.strip()
    if not stripped:
        raise InvalidInput("A name must not be empty.")
    if not stripped.translate(_JOINERS).isprintable():
        raise InvalidInput("A name must not hold control characters.")
    if len(stripped.encode()) > NAME_SIZE_MAX_BYTES:
        raise InvalidInput(f"A name takes at most {NAME_SIZE_MAX_BYTES} bytes in UTF-8.")
    return stripped
