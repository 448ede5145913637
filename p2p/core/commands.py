"""What the person at this node asks for: each command is done whole or refused whole."""

from __future__ import annotations

from dataclasses import dataclass

from p2p.core.contacts import Contacts, clean_name
from p2p.core.effects import Answer, ContactChanged, Done, Notify, Result
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
from p2p.core.exchange.exchange import Exchange
from p2p.core.inbox import Inbox
from p2p.core.introductions import Introductions, Outcome
from p2p.core.outbox import Outbox
from p2p.core.trust.commands import TrustCommands
from p2p.core.trust.events import (
    AnchorsAdded,
    StatusListImported,
    TrustListImported,
    TrustRemoved,
)
from p2p.errors import Conflict, CredentialError, LocalError, UnknownName
from p2p.ports.store import MessageStore
from p2p.sessions.book import SessionBook


@dataclass(slots=True)
class Commands:
    """Carries out commands; what they ask of the network comes back as an Outcome."""

    contacts: Contacts
    introductions: Introductions
    inbox: Inbox
    outbox: Outbox
    book: SessionBook
    store: MessageStore
    trust: TrustCommands
    exchange: Exchange

    def carry_out(self, command: Command, now_s: float) -> Outcome:
        """Do what was asked; the outcome ends with the Answer, an error where it is refused."""
        outcome = Outcome()
        result: Result
        try:
            result = self._do(command, now_s, outcome)
        except (LocalError, CredentialError) as exc:
            result = exc
        outcome.effects.append(Answer(command.command, result))
        return outcome

    def _do(self, command: Command, now_s: float, outcome: Outcome) -> Result:
        match command:
            case SendRequested():
                return self._send(command, now_s, outcome)
            case MessagesRead():
                return self._read(command, now_s)
            case InviteRequested():
                return self.introductions.invite(now_s)
            case ContactAddRequested(_, link, name):
                record, added = self.introductions.add(link, name, now_s)
                outcome.add(added)
                return self.contacts.view(record)
            case ContactVerified() | ContactBlocked() | ContactRenamed() | ContactRemoved():
                return self._about_contact(command, outcome)
            case AnchorsAdded() | TrustListImported() | StatusListImported() | TrustRemoved():
                return self.trust.carry_out(command, now_s, outcome.effects)
            case _:
                return self.exchange.carry_out(command, now_s, outcome)

    def _about_contact(
        self,
        command: ContactVerified | ContactBlocked | ContactRenamed | ContactRemoved,
        outcome: Outcome,
    ) -> Result:
        match command:
            case ContactVerified(verified=verified):
                return self._change(command, outcome, "verified", verified=int(verified))
            case ContactBlocked(blocked=blocked):
                return self._change(command, outcome, "blocked", blocked=int(blocked))
            case ContactRenamed(_, contact, name):
                name = clean_name(name)
                self.contacts.check_name_free(name, contact)
                return self._change(command, outcome, "renamed", name=name)
            case ContactRemoved():
                return self._remove(command, outcome)

    def _send(self, command: SendRequested, now_s: float, outcome: Outcome) -> Result:
        record = self.contacts.require(command.contact)
        if record.blocked:
            raise Conflict(f"You blocked {record.name}; unblock this contact to write to it.")
        row, effects, envelopes = self.outbox.write(
            command.contact, command.text, command.lifetime_s, now_s, command.idempotency_key
        )
        outcome.effects += effects
        outcome.envelopes += envelopes
        outcome.envelopes += self.introductions.news(command.contact, now_s)
        return row

    def _read(self, command: MessagesRead, now_s: float) -> Result:
        unknown = [m for m in command.messages if not self.inbox.mark_read(m, now_s)]
        if unknown:
            raise UnknownName(f"No incoming message has the id {unknown[0].hex()}.")
        return Done()

    def _change(
        self,
        command: ContactVerified | ContactBlocked | ContactRenamed,
        outcome: Outcome,
        why: str,
        **changes: object,
    ) -> Result:
        record = self.contacts.save(self.contacts.require(command.contact), **changes)
        view = self.contacts.view(record)
        outcome.effects.append(Notify(ContactChanged(view, why)))
        return view

    def _remove(self, command: ContactRemoved, outcome: Outcome) -> Result:
        view = self.contacts.view(self.contacts.require(command.contact))
        self.outbox.forget(command.contact)
        self.book.forget(command.contact)
        self.store.delete_messages(command.contact)
        self.exchange.forget(command.contact)
        self.contacts.remove(command.contact)
        outcome.effects.append(Notify(ContactChanged(view, "removed")))
        return Done()
