"""How people become contacts and stay in touch: invites, first letters, news about ourselves."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

from msgspec import Struct, field

from p2p.core.config import NodeConfig
from p2p.core.contacts import (
    ACTIVE,
    ASKED,
    WAITING,
    ContactRecord,
    Contacts,
    clean_name,
    printable,
)
from p2p.core.effects import ContactChanged, Effect, InviteMade, LearnAddresses, Notify
from p2p.core.inbox import Arrival
from p2p.core.outbox import Outbox
from p2p.errors import Conflict, InvalidInput, NotReady, RemoteError
from p2p.sessions.book import IssuedBundle, SessionBook
from p2p.wire.addresses import peers_of
from p2p.wire.bundle import decode_bundle
from p2p.wire.codec import pack
from p2p.wire.contact_uri import Invite, decode_invite, encode_invite
from p2p.wire.content import Acknowledgement, Introduction
from p2p.wire.ids import AccountKey, BundleHash, EnvelopeId, bundle_hash
from p2p.wire.limits import ADDRESSES_MAX, LIFETIME_DEFAULT_S, LIFETIME_MAX_S

NEWS_INTERVAL_S: Final = 6 * 3_600.0
"""A contact is told of new addresses or prekeys at most so often, beside a message."""
SEEKS_PER_NEIGHBOUR_MAX: Final = 16
HEARD_RESOLUTION_S: Final = 60.0
"""How exactly "last heard" is kept: a write for each message would be for nothing."""


class Outcome(Struct):
    """What a step asks for: effects, envelopes to offer, bundles to ask neighbours for."""

    effects: list[Effect] = field(default_factory=list)
    envelopes: list[EnvelopeId] = field(default_factory=list)
    sought: list[BundleHash] = field(default_factory=list)

    def add(self, other: Outcome) -> None:
        """Append another step's outcome."""
        self.effects += other.effects
        self.envelopes += other.envelopes
        self.sought += other.sought


@dataclass(slots=True)
class Introductions:
    """Makes contacts out of invites, and tells contacts about us."""

    account: AccountKey
    contacts: Contacts
    book: SessionBook
    outbox: Outbox
    config: NodeConfig
    addresses: tuple[str, ...] = ()

    def invite(self, now_s: float) -> InviteMade:
        """Make an invite with its one-time bundle."""
        issued = self.book.issue_one_time_bundle(now_s)
        invite = Invite(
            account_key=self.account,
            bundle_hash=issued.hash,
            lookup_secret=issued.lookup_secret,
            name=self.config.name,
            addresses=self._shared_addresses(),
            bundle=issued.bundle,
        )
        return InviteMade(
            link=encode_invite(invite),
            short_link=encode_invite(invite.without_bundle()),
            expires_s=issued.expires_s,
        )

    def add(self, link: str, name: str, now_s: float) -> tuple[ContactRecord, Outcome]:
        """Make a contact out of an invite link, and write to it where its bundle is here.

        Raises:
            InvalidInput, VersionUnsupported: no good link, or a name that cannot be.
            Conflict: this link was used here before, or it is our own.
            NotReady: it is over its time.
        """
        invite = decode_invite(link)
        account = AccountKey(invite.account_key)
        name = clean_name(name) if name else ""
        if name:
            self.contacts.check_name_free(name, account)
        known = self.contacts.get(account)
        if known is not None and known.bundle_hash == invite.bundle_hash:
            raise Conflict(f"This invite was used already: it made your contact {known.name}.")
        if account == self.account:
            raise Conflict("This is an invite of your own.")
        if invite.bundle:
            self._learn_enclosed(account, invite, now_s)
        record = known or self.contacts.add(account, name, printable(invite.name), now_s)
        record = self.contacts.save(
            record,
            name=name or record.name,
            bundle_hash=invite.bundle_hash,
            lookup_secret=invite.lookup_secret,
            addresses=_newest_first(invite.addresses, record.addresses),
        )
        outcome = Outcome(effects=self._learn_addresses(record))
        if not invite.bundle:
            record = self.contacts.save(record, state=WAITING)
            outcome.sought.append(BundleHash(record.bundle_hash))
        elif record.state == WAITING or self.book.is_invited_anew(account, now_s):
            record = self._begin(record, now_s, outcome)
        outcome.effects.append(Notify(ContactChanged(self.contacts.view(record), "added")))
        return record, outcome

    def sought(self) -> list[BundleHash]:
        """Give the hashes of bundles that neighbours should be asked for."""
        waiting = self.contacts.waiting()[:SEEKS_PER_NEIGHBOUR_MAX]
        return [BundleHash(record.bundle_hash) for record in waiting if record.bundle_hash]

    def found(self, bundle: bytes, now_s: float) -> Outcome:
        """Take a bundle that a neighbour found; one that nobody sought is ignored."""
        outcome = Outcome()
        hash_ = bundle_hash(bundle)
        for record in self.contacts.waiting():
            if record.bundle_hash != hash_:
                continue
            try:
                self._learn_invited(record.account, bundle, record.lookup_secret, now_s)
            except (RemoteError, NotReady):
                continue
            if not self.book.can_seal(record.account, now_s):
                continue
            changed = self._begin(record, now_s, outcome)
            notice = ContactChanged(self.contacts.view(changed), "bundle-found")
            outcome.effects.append(Notify(notice))
        return outcome

    def arrived(self, arrival: Arrival, now_s: float) -> Outcome:
        """Note that a contact, or a stranger with an invite of ours, wrote to us."""
        opened, content = arrival.opened, arrival.content
        outcome = Outcome()
        record = self.contacts.get(opened.contact)
        why = "session-reset" if opened.reset else ""
        if record is None:
            name = printable(content.name) if isinstance(content, Introduction) else ""
            record = self.contacts.add(opened.contact, "", name, now_s)
            why = "added"
        elif record.state != ACTIVE:
            why = why or "answered"
        if why or now_s - record.last_heard_s > HEARD_RESOLUTION_S:
            record = self.contacts.save(record, state=ACTIVE, last_heard_s=now_s)
        if isinstance(content, Introduction):
            before = record.name
            record = self._learn(record, content, now_s, outcome)
            why = why or ("introduced" if record.name != before else "")
        if opened.reset:
            why_anew = "the contact's device began a new session"
            outcome.envelopes += self.outbox.seal_anew(opened.contact, now_s, why_anew)
        if opened.started:
            outcome.envelopes.append(self._answer(record, now_s))
        if why:
            outcome.effects.append(Notify(ContactChanged(self.contacts.view(record), why)))
        outcome.envelopes += self.outbox.seal_waiting(opened.contact, now_s)
        return outcome

    def news(self, contact: AccountKey, now_s: float) -> list[EnvelopeId]:
        """Tell a contact about new addresses or prekeys, where that is due."""
        record = self.contacts.get(contact)
        if record is None or record.state != ACTIVE:
            return []
        if now_s - record.introduced_s < NEWS_INTERVAL_S:
            return []
        if record.introduced_as == self._fingerprint(self.book.current_bundle(contact, now_s)):
            return []
        return [self._introduce(record, now_s)]

    def _learn_enclosed(self, account: AccountKey, invite: Invite, now_s: float) -> None:
        if bundle_hash(invite.bundle) != invite.bundle_hash:
            raise InvalidInput("This link is damaged: its bundle is not the one it names.")
        try:
            self._learn_invited(account, invite.bundle, invite.lookup_secret, now_s)
        except RemoteError as exc:
            raise InvalidInput(f"This invite cannot be used: {exc}") from exc

    def _learn_invited(
        self, account: AccountKey, bundle: bytes, lookup_secret: bytes, now_s: float
    ) -> None:
        """Learn the bundle of an invite.

        Raises:
            RemoteError: no good bundle of that account.
            NotReady: it is over its time.
        """
        if decode_bundle(bundle).expires_s <= now_s:
            raise NotReady("This invite is over its time: ask for a new one.")
        self.book.learn_bundle(account, bundle, lookup_secret, now_s)

    def _begin(self, record: ContactRecord, now_s: float, outcome: Outcome) -> ContactRecord:
        """Send the first letter through an invite, then what was written while its bundle was
        being sought, and what is still open: the session so far, if any, may lead nowhere.
        """
        if record.state != ACTIVE:
            record = self.contacts.save(record, state=ASKED)
        outcome.envelopes.append(self._introduce(record, now_s))
        why = "a newer invite of the contact was added"
        outcome.envelopes += self.outbox.seal_anew(record.account, now_s, why)
        outcome.envelopes += self.outbox.seal_waiting(record.account, now_s)
        return self.contacts.require(record.account)

    def _answer(self, record: ContactRecord, now_s: float) -> EnvelopeId:
        """Reply to a new session, so that the other side stops repeating its handshake."""
        if record.introduced_s == 0.0:
            return self._introduce(record, now_s)
        return self.outbox.seal_content(
            record.account, Acknowledgement(), LIFETIME_DEFAULT_S, now_s
        )

    def _introduce(self, record: ContactRecord, now_s: float) -> EnvelopeId:
        issued = self.book.current_bundle(record.account, now_s)
        introduction = Introduction(
            issued_at_s=int(now_s),
            name=self.config.name,
            bundle=issued.bundle,
            lookup_secret=issued.lookup_secret,
            addresses=self._shared_addresses(),
        )
        envelope = self.outbox.seal_content(record.account, introduction, LIFETIME_MAX_S, now_s)
        self.contacts.save(
            self.contacts.require(record.account),
            introduced_s=now_s,
            introduced_as=self._fingerprint(issued),
        )
        return envelope

    def _learn(
        self, record: ContactRecord, news: Introduction, now_s: float, outcome: Outcome
    ) -> ContactRecord:
        if news.issued_at_s < record.heard_s:
            return record
        try:
            self.book.learn_bundle(record.account, news.bundle, news.lookup_secret, now_s)
        except RemoteError:
            return record
        suggested_name = printable(news.name)
        record = self.contacts.save(
            record,
            heard_s=news.issued_at_s,
            name=self.contacts.name_for(record, suggested_name),
            suggested_name=suggested_name,
            addresses=news.addresses,
        )
        outcome.effects += self._learn_addresses(record)
        return record

    def _learn_addresses(self, record: ContactRecord) -> list[Effect]:
        return [
            LearnAddresses(peer, addresses)
            for peer, addresses in peers_of(record.addresses).items()
        ]

    def _shared_addresses(self) -> tuple[str, ...]:
        return self.addresses[:ADDRESSES_MAX] if self.config.share_addresses else ()

    def _fingerprint(self, issued: IssuedBundle) -> bytes:
        return told_fingerprint(self.config.name, issued.hash, self._shared_addresses())


def _newest_first(newer: tuple[str, ...], older: tuple[str, ...]) -> tuple[str, ...]:
    """Give both, as many as a contact may have: a newer invite may be of a new device."""
    return (*newer, *(each for each in older if each not in newer))[:ADDRESSES_MAX]


def told_fingerprint(name: str, bundle: BundleHash, addresses: tuple[str, ...]) -> bytes:
    """Give by what a contact's record remembers what we told it about ourselves."""
    told = pack((name, bundle, addresses))
    return hashlib.blake2b(told, digest_size=16).digest()
