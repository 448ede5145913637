"""Every pairwise session of this device: the one door to end-to-end encryption for the core.

Pure: randomness and time come in, state goes to the document store, and nothing is written before
:meth:`SessionBook.flush`, which the shell calls once per transaction.
"""

from __future__ import annotations

from dataclasses import dataclass

from p2p.errors import NotAuthentic, NotReady, Replayed
from p2p.ports.entropy import Entropy
from p2p.ports.store import DocumentStore
from p2p.sessions.contact_bundles import ContactBundles
from p2p.sessions.envelope_seal import (
    FIRST_CONTACT_OVERHEAD_BYTES,
    FIRST_CONTACT_ROOM_BYTES,
    SESSION_ROOM_BYTES,
    open_session,
    seal_session,
    size_class_for,
)
from p2p.sessions.first_contact import FirstContacts
from p2p.sessions.identity import DeviceIdentity
from p2p.sessions.own_bundle import Lookup
from p2p.sessions.plan import (
    Beginning,
    Continuation,
    Repetition,
    is_invited_anew,
    plan_seal,
)
from p2p.sessions.prekeys import Prekeys
from p2p.sessions.roster import Roster
from p2p.sessions.session import Session
from p2p.sessions.stranger import ForgottenStore, passing_identity
from p2p.sessions.suite import Suite
from p2p.sessions.tags import (
    DAY_S,
    DaySeries,
    TagTable,
    TagWindow,
    WeekSeries,
    day_of,
    week_of,
)
from p2p.wire.envelope import NONCE_SIZE_BYTES, EnvelopeHeader, expiry_hour_for, parse_header
from p2p.wire.ids import AccountKey, BundleHash, DeviceKey, Proof, SessionId, Tag
from p2p.wire.limits import ENVELOPE_OVERHEAD_BYTES


@dataclass(frozen=True, slots=True)
class Sealed:
    """An envelope ready to be carried.

    ``proof_hash`` is what the delivery proof must hash to (BLAKE2b-128): the recipient tag of a
    session envelope, the commitment of a first contact.
    """

    envelope: bytes
    tag: Tag
    proof_hash: Tag
    session: SessionId


@dataclass(frozen=True, slots=True)
class Opened:
    """An envelope that was for us.

    Attributes:
        contact, device: who sealed it, proven by the session.
        content: decrypted content bytes.
        proof: what to reveal as the delivery proof.
        started: a new session began with this envelope.
        reset: it began although another session with this device was in use, or with another
            device of the account: show the person.
        invite: hash of the one-time bundle through which a stranger wrote first, else empty.
    """

    contact: AccountKey
    device: DeviceKey
    content: bytes
    proof: Proof
    session: SessionId
    started: bool
    reset: bool
    invite: bytes


@dataclass(frozen=True, slots=True)
class IssuedBundle:
    """A public bundle of ours with the secret from which first-contact tags are derived."""

    bundle: bytes
    hash: BundleHash
    lookup_secret: bytes
    expires_s: float


class SessionBook:
    """All sessions and all own prekey bundles of one device.

    Loads itself from the store on construction. Not thread-safe; one per node.
    """

    def __init__(
        self,
        identity: DeviceIdentity,
        suite: Suite,
        store: DocumentStore,
        entropy: Entropy,
        now_s: float,
    ) -> None:
        self._suite = suite
        self._store = store
        self._entropy = entropy
        self._now_s = now_s
        self._table = TagTable()
        self._roster = Roster(suite, store, self._table, day_of(now_s))
        self._prekeys = Prekeys(identity, suite, store, entropy, self._table)
        self._bundles = ContactBundles(suite, store)
        self._first = FirstContacts(
            identity, suite, entropy, self._table, self._roster, self._prekeys
        )
        self._prekeys.advance(now_s)

    def issue_one_time_bundle(self, now_s: float) -> IssuedBundle:
        """Make a bundle for one invite: it begins one session, with whoever comes first.

        Raises:
            Conflict: so many invites are open that no further one is made.
        """
        self._turn_to(now_s)
        return _issued(self._prekeys.issue_one_time(now_s))

    def current_bundle(self, contact: AccountKey, now_s: float) -> IssuedBundle:
        """Give the rotating bundle, with a lookup secret that only ``contact`` gets to know."""
        self._turn_to(now_s)
        return _issued(self._prekeys.current(contact, now_s))

    def find_bundle(self, hash_: BundleHash) -> bytes | None:
        """Give the bytes of an own, still valid bundle: what a neighbour may Seek."""
        return self._prekeys.find(hash_, self._now_s)

    def learn_bundle(
        self, contact: AccountKey, bundle: bytes, lookup_secret: bytes, now_s: float
    ) -> None:
        """Remember how to write to ``contact`` for the first time, or anew.

        A bundle older than the one known already is checked and let go.

        Raises:
            NotAuthentic: a signature fails, or the bundle is of another account.
            Malformed, WrongVersion: no bundle of ours.
        """
        in_use = self._roster.handshakes_under_way(contact)
        self._bundles.learn(contact, bundle, lookup_secret, now_s, in_use)

    def can_seal(self, contact: AccountKey, now_s: float) -> bool:
        """Tell whether there is a session with ``contact`` or a bundle to begin one."""
        try:
            plan_seal(self._roster, self._bundles, contact, now_s)
        except NotReady:
            return False
        return True

    def is_invited_anew(self, contact: AccountKey, now_s: float) -> bool:
        """Tell whether a newer invite was learned, so that the next envelope begins a session."""
        return is_invited_anew(self._roster, self._bundles, contact, now_s)

    def room_for(self, contact: AccountKey, now_s: float) -> int:
        """Give how many content bytes the largest envelope to ``contact`` holds now.

        Where nothing can be sealed yet it is the room of a first contact.
        """
        try:
            plan = plan_seal(self._roster, self._bundles, contact, now_s)
        except NotReady:
            return FIRST_CONTACT_ROOM_BYTES
        return SESSION_ROOM_BYTES if isinstance(plan, Continuation) else FIRST_CONTACT_ROOM_BYTES

    def seal(self, contact: AccountKey, content: bytes, lifetime_s: float, now_s: float) -> Sealed:
        """Seal ``content`` into an envelope, starting or renewing a session where that is due.

        Raises:
            NotReady: neither a session nor a usable bundle is here.
            TooLarge: the content does not fit.
        """
        self._turn_to(now_s)
        plan = plan_seal(self._roster, self._bundles, contact, now_s)
        expiry_hour = expiry_hour_for(now_s, lifetime_s, self._entropy.uniform())
        if isinstance(plan, Continuation):
            return self._seal_session(plan.session, content, expiry_hour, now_s)
        return self._seal_first_contact(plan, content, expiry_hour, now_s)

    def seal_as_stranger(
        self,
        recipient: AccountKey,
        bundle: bytes,
        lookup_secret: bytes,
        content: bytes,
        lifetime_s: float,
        now_s: float,
    ) -> Sealed:
        """Seal one letter to a one-time bundle, from an account that is made for it and forgotten.

        Raises:
            NotAuthentic, Malformed, WrongVersion: no good bundle of that account.
            NotReady: the bundle's time is over.
            TooLarge: the content does not fit.
        """
        passing = passing_identity(self._entropy, now_s)
        book = SessionBook(passing, self._suite, ForgottenStore(), self._entropy, now_s)
        book.learn_bundle(recipient, bundle, lookup_secret, now_s)
        return book.seal(recipient, content, lifetime_s, now_s)

    def withdraw_bundle(self, hash_: BundleHash) -> None:
        """Destroy an own one-time bundle that is not wanted any more; nothing where it is gone."""
        self._prekeys.withdraw(hash_)

    def acknowledge(self, session: SessionId, now_s: float) -> None:
        """Note that the other side has opened a message of this session (its proof was seen)."""
        self._turn_to(now_s)
        found = self._roster.find(session)
        if found is not None and found.unacknowledged:
            found.unacknowledged = 0
            self._roster.note_changed(found)

    def recognises(self, tag: Tag) -> bool:
        """Tell whether a tag is one that we expect: a session's or a first contact's."""
        return tag in self._table

    def drain_new_tags(self) -> list[Tag]:
        """Give the tags that became recognisable since the last call, for mail already carried."""
        return self._table.drain_new()

    def open(self, envelope: bytes, now_s: float) -> Opened:
        """Open an envelope whose tag :meth:`recognises` said is ours.

        Raises:
            NotAuthentic: it is not for us, or was forged under a live tag; nothing is burned.
            Replayed: a replayed first contact, or a message number opened before.
            Malformed: authentic, but no content of a session.
            Conflict: a second sender used a one-time bundle; the message says which invite.
            LimitExceeded: more messages are missing before it than a session waits for.
        """
        self._turn_to(now_s)
        tag = parse_header(envelope).tag
        window = self._table.find(tag)
        if window is None:
            if self._table.was_opened(tag):
                raise Replayed("An envelope with this tag was opened before.")
            raise NotAuthentic("This envelope is not for us.")
        if isinstance(window.series, DaySeries):
            return self._open_session(envelope, tag, window, window.series, now_s)
        return self._open_first_contact(envelope, tag, window, window.series, now_s)

    def forget(self, contact: AccountKey) -> None:
        """Destroy all sessions with a contact and what is known of its bundles."""
        for session in list(self._roster.of(contact)):
            self._prekeys.forget_session(session)
            self._roster.destroy(session)
        self._prekeys.forget(contact)
        self._bundles.forget(contact)

    def maintain(self, now_s: float) -> float:
        """Rotate bundles, destroy what is over age; give the moment of the next call (Unix s)."""
        self._turn_to(now_s)
        moment = self._prekeys.maintain(self._now_s)
        return min(moment, float((day_of(self._now_s) + 1) * DAY_S))

    def flush(self) -> None:
        """Write every changed session and bundle to the store."""
        for part in (self._roster, self._prekeys, self._bundles):
            if part.changed:  # most batches change nothing here
                part.flush(self._store)

    def _turn_to(self, now_s: float) -> None:
        """Let time pass; it never goes back, since keys of days gone by are destroyed."""
        before_s = self._now_s
        if now_s <= before_s:
            return
        self._now_s = now_s
        if day_of(now_s) > day_of(before_s):
            self._roster.advance(day_of(now_s))
            if week_of(now_s) > week_of(before_s):
                self._prekeys.advance(now_s)

    def _seal_session(
        self, session: Session, content: bytes, expiry_hour: int, now_s: float
    ) -> Sealed:
        size_class = size_class_for(len(content), ENVELOPE_OVERHEAD_BYTES)
        message = self._roster.ratchet(session).encrypt(content, session.associated)
        tag = session.outgoing.take(day_of(now_s))
        header = EnvelopeHeader(size_class, expiry_hour, tag)
        nonce = self._entropy.random_bytes(NONCE_SIZE_BYTES)
        envelope = seal_session(self._suite, session.header_out, nonce, header, message)
        session.unacknowledged += 1
        self._roster.note_changed(session)
        return Sealed(envelope, tag, tag, session.id)

    def _seal_first_contact(
        self, plan: Beginning | Repetition, content: bytes, expiry_hour: int, now_s: float
    ) -> Sealed:
        size_class_for(len(content), FIRST_CONTACT_OVERHEAD_BYTES)
        if isinstance(plan, Beginning):
            session, message = self._first.begin(plan.bundle, content, now_s)
        else:
            session = plan.session
            message = self._roster.ratchet(session).encrypt(content, session.associated)
        envelope, tag, commitment = self._first.seal(
            session, plan.bundle, message, expiry_hour, now_s
        )
        session.unacknowledged += 1
        self._roster.note_changed(session)
        self._bundles.note_changed(session.contact)
        return Sealed(envelope, tag, commitment, session.id)

    def _open_session(
        self, envelope: bytes, tag: Tag, window: TagWindow, series: DaySeries, now_s: float
    ) -> Opened:
        session = self._roster.find(SessionId(series.owner))
        assert session is not None, "a window outlived its session"
        message = open_session(self._suite, session.header_in, envelope)
        content = self._roster.ratchet(session).decrypt(message, session.associated)
        proof = series.proof(window.number_of(tag))
        session.incoming.spend(window, tag)
        answered = not session.received
        session.note_received(now_s)
        if not session.confirmed:
            session.confirmed = True
            self._prekeys.note_confirmed(session, message.previous, now_s)
        self._note_life(session, answered=answered)
        return Opened(
            session.contact,
            session.device,
            content,
            proof,
            session.id,
            started=False,
            reset=False,
            invite=b"",
        )

    def _open_first_contact(
        self, envelope: bytes, tag: Tag, window: TagWindow, series: WeekSeries, now_s: float
    ) -> Opened:
        first = self._first.open(envelope, tag, window, series, now_s)
        session = first.session
        bundle = first.lookup.bundle
        self._note_life(session, answered=first.started)
        return Opened(
            session.contact,
            session.device,
            first.content,
            first.proof,
            session.id,
            started=first.started,
            reset=first.reset,
            invite=bundle.hash if first.started and bundle.one_time else b"",
        )

    def _note_life(self, session: Session, *, answered: bool) -> None:
        """A sign of life moves the choice of sending session, and keeps a retired one longer."""
        if session.retired_day >= 0:
            session.retired_day = day_of(self._now_s)
        if answered:
            self._roster.choose(session.contact)
        self._roster.note_changed(session)


def _issued(lookup: Lookup) -> IssuedBundle:
    bundle = lookup.bundle
    return IssuedBundle(bundle.data, bundle.hash, lookup.secret, float(bundle.expires_s))
