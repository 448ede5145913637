"""All sessions of this device: which one to send on, which ones to keep, and their ratchets."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

from p2p.ports.store import DocumentKind, DocumentStore
from p2p.sessions.session import IN_USE, Session, decode_session
from p2p.sessions.suite import Ratchet, Suite
from p2p.sessions.tags import TagTable
from p2p.wire.ids import AccountKey, BundleHash, DeviceKey, SessionId
from p2p.wire.limits import SKIPPED_KEYS_AGE_MAX_S, TAG_DAYS_BACK

SESSIONS_PER_CONTACT_MAX: Final = 12
"""Older sessions stay readable for late mail. If both sides renew every 7 days, mail of 30 days is
spread over 10 of them."""
_LIVE_RATCHETS_MAX: Final = 512
_SKIPPED_DAYS: Final = SKIPPED_KEYS_AGE_MAX_S // 86_400


class Roster:
    """The sessions, by name and by contact. Nothing reaches the store before :meth:`flush`."""

    def __init__(self, suite: Suite, store: DocumentStore, table: TagTable, today: int) -> None:
        self._suite = suite
        self._table = table
        self._by_id: dict[SessionId, Session] = {}
        self._by_contact: dict[AccountKey, list[Session]] = {}
        self._sending: dict[AccountKey, Session] = {}
        self._live: OrderedDict[SessionId, Ratchet] = OrderedDict()
        self.changed: dict[SessionId, None] = {}
        self._today = today
        for _, data in store.documents(DocumentKind.SESSION):
            session = decode_session(data, table)
            self._by_id[session.id] = session
            self._by_contact.setdefault(session.contact, []).append(session)
            session.incoming.advance(today)
        for contact, sessions in self._by_contact.items():
            self._sending[contact] = min(sessions, key=_rank)

    def find(self, session: SessionId) -> Session | None:
        """Give a session, or None."""
        return self._by_id.get(session)

    def of(self, contact: AccountKey) -> list[Session]:
        """Give a contact's sessions, oldest first by their making here."""
        return self._by_contact.get(contact, [])

    def sending(self, contact: AccountKey) -> Session | None:
        """Give the session to send on: the newest generation, in it one that the other side is
        known to have, and of two such (both began at once) the one with the smaller id.
        """
        return self._sending.get(contact)

    def ratchet(self, session: Session) -> Ratchet:
        """Give a session's live ratchet."""
        ratchet = self._live.get(session.id)
        if ratchet is None:
            ratchet = self._suite.load_ratchet(session.ratchet_data)
            self._keep_live(session.id, ratchet)
        else:
            self._live.move_to_end(session.id)
        return ratchet

    def add(self, session: Session, ratchet: Ratchet) -> None:
        """Take in a new session; a contact's oldest one makes room for it."""
        self._by_id[session.id] = session
        sessions = self._by_contact.setdefault(session.contact, [])
        sessions.append(session)
        self._keep_live(session.id, ratchet)
        session.incoming.advance(self._today)
        self.changed[session.id] = None
        self.choose(session.contact)
        if len(sessions) > SESSIONS_PER_CONTACT_MAX:
            kept = (session, self._sending[session.contact])
            self.destroy(min((each for each in sessions if each not in kept), key=_age))

    def note_changed(self, session: Session) -> None:
        """Have the next flush write a session."""
        self.changed[session.id] = None

    def choose(self, contact: AccountKey) -> None:
        """Choose anew which of a contact's sessions is sent on, and which are only read.

        A session is retired once its device was heard in one of a newer generation: then the
        device sends on it no more. Of two that began at once the device may not have both yet.
        """
        ranked = sorted(self._by_contact[contact], key=_rank)
        self._sending[contact] = ranked[0]
        newest: dict[DeviceKey, Session] = {}
        for session in ranked:
            best = newest.setdefault(session.device, session)
            in_use = session.generation == best.generation or not best.received
            if in_use != (session.retired_day == IN_USE):
                session.retired_day = IN_USE if in_use else self._today
                self.changed[session.id] = None

    def destroy(self, session: Session) -> None:
        """Forget a session and all its keys."""
        session.incoming.close()
        del self._by_id[session.id]
        self._live.pop(session.id, None)
        self.changed[session.id] = None
        sessions = self._by_contact[session.contact]
        sessions.remove(session)
        if sessions:
            self.choose(session.contact)
        else:
            del self._by_contact[session.contact]
            del self._sending[session.contact]

    def next_generation(self, contact: AccountKey) -> int:
        """Give the generation of a session that a contact began anew.

        It is newer than every session that the contact began or is known to use. It equals that
        of one which we began and the contact may never have seen: both began at once.
        """
        generations = [0]
        for session in self.of(contact):
            ours_alone = session.initiated and not session.received
            generations.append(session.generation + (0 if ours_alone else 1))
        return max(generations)

    def known_to(self, contact: AccountKey, device: DeviceKey) -> Session | None:
        """Give the session that a device is known to have, the one preferred where it has more."""
        known = [each for each in self.of(contact) if each.received and each.device == device]
        return min(known, key=_rank, default=None)

    def begins_at(self, contact: AccountKey, now_s: float) -> int:
        """Give the begin of a new session of ours in Unix seconds: later than all before it, so
        that the contact can tell which is the latest, in whatever order they arrive.
        """
        begun = [each.begun_s for each in self.of(contact) if each.initiated]
        return max(int(now_s), max(begun, default=0) + 1)

    def handshakes_under_way(self, contact: AccountKey) -> set[BundleHash]:
        """Give the hashes of a contact's bundles with which a handshake is being repeated."""
        return {each.bundle for each in self.of(contact) if each.handshake is not None}

    def advance(self, today: int) -> None:
        """Let a day begin: expect its tags, destroy what is over age."""
        self._today = today
        for session in list(self._by_id.values()):
            if session.retired_day != IN_USE and session.retired_day < today - TAG_DAYS_BACK - 1:
                self.destroy(session)
                continue
            session.incoming.advance(today)
            self.changed[session.id] = None
            oldest = today - _SKIPPED_DAYS
            if session.missing_since_day < oldest:
                self.ratchet(session).purge(oldest)

    def flush(self, store: DocumentStore) -> None:
        """Write what changed."""
        for session_id in self.changed:
            session = self._by_id.get(session_id)
            if session is None:
                store.delete_document(DocumentKind.SESSION, session_id)
            else:
                self._dump(session)
                store.put_document(DocumentKind.SESSION, session_id, session.encode())
        self.changed.clear()

    def _keep_live(self, session_id: SessionId, ratchet: Ratchet) -> None:
        self._live[session_id] = ratchet
        if len(self._live) > _LIVE_RATCHETS_MAX:
            oldest = next(iter(self._live))
            self._dump(self._by_id[oldest])
            del self._live[oldest]

    def _dump(self, session: Session) -> None:
        ratchet = self._live.get(session.id)
        if ratchet is not None:
            session.ratchet_data, session.missing_since_day = ratchet.dump(self._today)


def _rank(session: Session) -> tuple[int, bool, SessionId]:
    return -session.generation, not session.received, session.id


def _age(session: Session) -> tuple[int, int]:
    return session.generation, session.begun_s
