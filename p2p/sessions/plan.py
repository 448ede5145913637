"""How the next envelope to a contact is made: begin a session, repeat a handshake, or go on.

- No session: begin one with the contact's newest bundle.
- A live session that is 7 days old, or 500 messages without a sign of life: begin one that renews
  it, if there is a bundle to begin with; go on otherwise, as long as the ratchet allows it.
- A newer invite, which a person has added by hand: begin one with it. The session so far may lead
  nowhere: somebody else used its invite first, its device is lost, or the contact had forgotten us.
- A session that a clock far ahead has spoiled: begin one that renews it, if there is a bundle.
- A session that the other side has not answered: repeat its handshake, while its bundle is valid.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from p2p.errors import NotReady
from p2p.sessions.contact_bundles import ContactBundle, ContactBundles
from p2p.sessions.first_contact import FIRST_CONTACTS_MAX
from p2p.sessions.roster import Roster
from p2p.sessions.session import Session
from p2p.sessions.tags import day_of
from p2p.wire.ids import AccountKey
from p2p.wire.limits import (
    SESSION_AGE_MAX_S,
    SKIPPED_KEYS_PER_CHAIN_MAX,
    TAG_DAYS_AHEAD,
    UNACKNOWLEDGED_MAX,
)


@dataclass(frozen=True, slots=True)
class Beginning:
    """A session is to be begun with a bundle."""

    bundle: ContactBundle


@dataclass(frozen=True, slots=True)
class Repetition:
    """A session's handshake is to be repeated."""

    session: Session
    bundle: ContactBundle


@dataclass(frozen=True, slots=True)
class Continuation:
    """A live session is to be used."""

    session: Session


Plan: TypeAlias = Beginning | Repetition | Continuation


def plan_seal(roster: Roster, bundles: ContactBundles, contact: AccountKey, now_s: float) -> Plan:
    """Decide how the next envelope to a contact is made.

    Raises:
        NotReady: it cannot be made.
    """
    session = roster.sending(contact)
    newest = bundles.newest(contact)
    fresh = newest if newest is not None and newest.may_begin(now_s) else None
    if session is None:
        if fresh is None:
            raise NotReady(_why_not(newest))
        return Beginning(fresh)
    if fresh is not None and (fresh.bundle.one_time or _is_due(session, now_s)):
        return Beginning(fresh)
    if session.handshake is not None:
        return _plan_repetition(bundles, session, fresh, now_s)
    if session.unacknowledged >= SKIPPED_KEYS_PER_CHAIN_MAX:
        raise NotReady("The contact has given no sign of life for too many messages.")
    return Continuation(session)


def is_invited_anew(
    roster: Roster, bundles: ContactBundles, contact: AccountKey, now_s: float
) -> bool:
    """Tell whether there is a session, and a newer invite with which the next one begins."""
    newest = bundles.newest(contact)
    if newest is None or roster.sending(contact) is None:
        return False
    return bool(newest.bundle.one_time) and newest.may_begin(now_s)


def _plan_repetition(
    bundles: ContactBundles, session: Session, fresh: ContactBundle | None, now_s: float
) -> Plan:
    bundle = bundles.find(session.contact, session.bundle)
    may_repeat = bundle is not None and bundle.is_valid(now_s)
    if bundle is not None and may_repeat and session.first_contacts_sent < FIRST_CONTACTS_MAX:
        return Repetition(session, bundle)
    if fresh is None:
        raise NotReady("The contact has not answered, and a new invite of theirs is needed.")
    return Beginning(fresh)


def _is_due(session: Session, now_s: float) -> bool:
    aged = session.confirmed and now_s - session.since_s >= SESSION_AGE_MAX_S
    return aged or session.unacknowledged >= UNACKNOWLEDGED_MAX or _is_spoiled(session, now_s)


def _is_spoiled(session: Session, now_s: float) -> bool:
    """Tell whether our clock was far ahead, and is so no more.

    Then either our next tag is of a day that the other side does not expect yet, or our keys for
    its tags of today are destroyed. Neither has a way back in this session.
    """
    began, today = day_of(session.begun_s), day_of(now_s)
    too_early = session.outgoing.day > max(today + TAG_DAYS_AHEAD, began)
    return too_early or session.incoming.oldest_day > max(today, began)


def _why_not(bundle: ContactBundle | None) -> str:
    if bundle is None:
        return "The contact's prekey bundle has not reached this node yet."
    if bundle.bundle.one_time and bundle.used:
        return "The contact's invite was used up, and a new one is needed."
    return "The contact's prekey bundle has expired, and a new invite is needed."
