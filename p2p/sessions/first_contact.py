"""First contacts: beginning a session with a bundle, repeating the handshake, and accepting one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

from p2p.crypto.account import check_certificate
from p2p.errors import Conflict, LimitExceeded, Malformed, NotAuthentic, Replayed
from p2p.ports.entropy import Entropy
from p2p.sessions.contact_bundles import ContactBundle
from p2p.sessions.envelope_seal import (
    FIRST_CONTACT_OVERHEAD_BYTES,
    open_first_contact,
    seal_first_contact,
    size_class_for,
)
from p2p.sessions.handshake import (
    NO_SESSION,
    PREKEY_ID_BYTES,
    PSK_BYTES,
    Handshake,
    derive_keys,
)
from p2p.sessions.identity import DeviceIdentity
from p2p.sessions.own_bundle import ANYBODY, Lookup, OwnBundle
from p2p.sessions.prekeys import Prekeys
from p2p.sessions.roster import Roster
from p2p.sessions.session import Session, new_session
from p2p.sessions.suite import RATCHET_MAC_BYTES, RatchetMessage, Suite
from p2p.sessions.tags import TagTable, TagWindow, WeekSeries
from p2p.wire.envelope import EnvelopeHeader
from p2p.wire.ids import AccountKey, DeviceKey, Proof, Tag, tag_of
from p2p.wire.limits import (
    CLOCK_TOLERANCE_S,
    PROOF_SIZE_BYTES,
    SKIPPED_KEYS_PER_CHAIN_MAX,
)

FIRST_CONTACTS_MAX: Final = SKIPPED_KEYS_PER_CHAIN_MAX
"""A handshake is repeated so often at most: all its messages are of one chain."""


class FirstContact(NamedTuple):
    """A first contact that was opened: ``started`` with it a session, ``reset`` over another."""

    session: Session
    lookup: Lookup
    content: bytes
    proof: Proof
    started: bool
    reset: bool


@dataclass(frozen=True, slots=True)
class FirstContacts:
    """What beginning and accepting sessions needs; the parts belong to the book."""

    identity: DeviceIdentity
    suite: Suite
    entropy: Entropy
    table: TagTable
    roster: Roster
    prekeys: Prekeys

    def begin(
        self, bundle: ContactBundle, content: bytes, now_s: float
    ) -> tuple[Session, RatchetMessage]:
        """Begin a session with the owner of a bundle, and give its first message.

        It renews the newest session that the device is known to have, if there is one.
        """
        keys = bundle.bundle
        device = DeviceKey(keys.certificate.device_key)
        contact = AccountKey(keys.certificate.account_key)
        agreement = self.suite.agree(
            self.identity.device_seed, device, keys.prekey, keys.prekey_signature
        )
        renews = self.roster.known_to(contact, device)
        handshake = Handshake(
            self.identity.certificate,
            agreement.ephemeral,
            keys.prekey[:PREKEY_ID_BYTES],
            self.entropy.random_bytes(PSK_BYTES),
            self.roster.begins_at(contact, now_s),
            NO_SESSION if renews is None else renews.id,
        )
        derived = derive_keys(agreement, handshake, bundle.data, bundle.hash)
        ratchet, message = self.suite.begin_ratchet(
            derived.root, keys.prekey, content, derived.associated
        )
        current = self.roster.sending(contact)
        session = new_session(
            derived,
            handshake,
            bundle.hash,
            contact=contact,
            device=device,
            initiated=True,
            generation=0 if current is None else current.generation + 1,
            now_s=now_s,
            table=self.table,
        )
        bundle.used = True
        self.roster.add(session, ratchet)
        return session, message

    def seal(
        self,
        session: Session,
        bundle: ContactBundle,
        message: RatchetMessage,
        expiry_hour: int,
        now_s: float,
    ) -> tuple[bytes, Tag, Tag]:
        """Give (envelope, tag, commitment) of one repetition of a session's handshake."""
        assert session.handshake is not None
        proof = Proof(self.entropy.random_bytes(PROOF_SIZE_BYTES))
        content_bytes = len(message.text) - RATCHET_MAC_BYTES
        size_class = size_class_for(content_bytes, FIRST_CONTACT_OVERHEAD_BYTES)
        header = EnvelopeHeader(size_class, expiry_hour, bundle.take_tag(now_s))
        session.first_contacts_sent += 1
        envelope = seal_first_contact(
            self.suite, bundle.kem, bundle.hash, header, proof, session.handshake, message
        )
        return envelope, header.tag, tag_of(proof)

    def open(
        self, envelope: bytes, tag: Tag, window: TagWindow, series: WeekSeries, now_s: float
    ) -> FirstContact:
        """Open a first contact under one of our lookup secrets. A refusal changes nothing.

        Raises:
            NotAuthentic: forged, altered, of a wrong sender, or for another bundle.
            Replayed: opened before, or of a session that is gone.
            Malformed: sealed to us, but no first contact.
            Conflict: a second sender used a one-time bundle.
            LimitExceeded: more missing messages, or more sessions, than are allowed.
        """
        lookup = self.prekeys.lookup_of(series)
        bundle = lookup.bundle
        proof, handshake, message = open_first_contact(
            self.suite, bundle.kem_secret, bundle.hash, envelope
        )
        if message.number >= FIRST_CONTACTS_MAX:
            raise LimitExceeded("A handshake that was repeated more often than is allowed.")
        known = lookup.begun.get(handshake.ephemeral)
        if known is not None:
            session = self.roster.find(known)
            if session is None:
                raise Replayed("A first contact of a session that is over.")
            content = self._open_repeated(session, message)
            started = reset = False
        else:
            self._check_sender(handshake, lookup)
            session, content, reset = self._accept(lookup, handshake, message, now_s)
            started = True
        session.first_contacts_opened |= 1 << message.number
        session.note_received(now_s)
        self.roster.note_changed(session)
        self.prekeys.note_opened(lookup, window, series, tag, session)
        return FirstContact(session, lookup, content, proof, started, reset)

    def _open_repeated(self, session: Session, message: RatchetMessage) -> bytes:
        if session.first_contacts_opened >> message.number & 1:
            raise Replayed("This first contact was opened before.")
        return self.roster.ratchet(session).decrypt(message, session.associated)

    def _check_sender(self, handshake: Handshake, lookup: Lookup) -> None:
        certificate = check_certificate(handshake.certificate)
        if certificate.device_key == self.identity.device_key:
            raise NotAuthentic("A first contact of this very device.")
        if lookup.contact not in (ANYBODY, certificate.account_key):
            raise NotAuthentic("A first contact by somebody else's lookup secret.")
        if handshake.prekey_id != lookup.bundle.prekey_id:
            raise NotAuthentic("A first contact with another prekey.")
        if not _is_timely(handshake, lookup.bundle):
            raise Malformed("A first contact from outside its bundle's lifetime.")

    def _accept(
        self, lookup: Lookup, handshake: Handshake, message: RatchetMessage, now_s: float
    ) -> tuple[Session, bytes, bool]:
        bundle = lookup.bundle
        if bundle.user:
            raise Conflict(f"A second sender used the invite {bundle.hash.hex()[:16]}.")
        self.prekeys.check_room(lookup)
        contact = AccountKey(handshake.certificate.account_key)
        device = DeviceKey(handshake.certificate.device_key)
        agreement = self.suite.agree_as_responder(
            self.identity.device_seed, bundle.secret, device, handshake.ephemeral
        )
        keys = derive_keys(agreement, handshake, bundle.data, bundle.hash)
        ratchet, content = self.suite.accept_ratchet(
            keys.root, bundle.secret, message, keys.associated
        )
        generation, reset = self._place(contact, device, handshake)
        session = new_session(
            keys,
            handshake,
            bundle.hash,
            contact=contact,
            device=device,
            initiated=False,
            generation=generation,
            now_s=now_s,
            table=self.table,
        )
        session.received = True
        self.roster.add(session, ratchet)
        self.prekeys.note_begun(lookup, handshake.ephemeral, session.id)
        return session, content, reset

    def _place(
        self, contact: AccountKey, device: DeviceKey, handshake: Handshake
    ) -> tuple[int, bool]:
        """Give the generation of an accepted session, and whether it is a visible reset."""
        others = self.roster.of(contact)
        theirs = [each for each in others if each.device == device]
        begun = [each for each in theirs if not each.initiated]
        if begun and handshake.begun_s < max(each.begun_s for each in begun):
            # It was under way for longer than a later one: still readable, but not sent on.
            return min(each.generation for each in others) - 1, False
        renewed = self.roster.find(handshake.renews)
        if renewed in theirs:
            return max(each.generation for each in (renewed, *begun)) + 1, False
        if others and not theirs:
            # Another device of the same account: what was sealed for the old one is lost to it.
            return self.roster.next_generation(contact), True
        known = [each for each in theirs if each.confirmed]
        if begun or not known:
            return self.roster.next_generation(contact), bool(known)
        # The device began none before this. If it began it before we heard from it in ours, or
        # within what clocks may differ, then both began at once and this one was slow.
        first = min(known, key=lambda each: each.since_s)
        if handshake.begun_s < first.since_s + CLOCK_TOLERANCE_S:
            return first.generation, False
        return self.roster.next_generation(contact), True


def _is_timely(handshake: Handshake, bundle: OwnBundle) -> bool:
    begins_s = bundle.created_s - CLOCK_TOLERANCE_S
    return begins_s <= handshake.begun_s <= bundle.expires_s + CLOCK_TOLERANCE_S
