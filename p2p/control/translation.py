"""The node's own values as the API's: pure functions, one for each kind."""

from __future__ import annotations

from collections.abc import Callable
from typing import assert_never

from p2p.control import credential_translation, schema
from p2p.core.effects import (
    ClockDisagrees,
    ContactChanged,
    ContactView,
    CustodyDropped,
    CustodyTaken,
    InviteMade,
    InviteReused,
    MessageChanged,
    MessageReceived,
    NeighbourChanged,
    RecordArrived,
    RecordDropped,
)
from p2p.core.exchange.events import (
    AnswerGiven,
    CredentialNotice,
    RequestArrived,
    VerdictReached,
)
from p2p.core.trust.events import TrustChanged
from p2p.node.api import CustodyView, NodeStatus, NumberedNotice, PeerView
from p2p.ports.store import HistoryEntry, MessageRow
from p2p.wire.ids import AccountKey, message_id_text

NameOf = Callable[[AccountKey], str]


def message(row: MessageRow, contact_name: str) -> schema.Message:
    """Give a message as clients see it."""
    return schema.Message(
        id=message_id_text(row.id),
        order=row.order,
        direction=row.direction.value,
        contact=row.contact.hex(),
        contact_name=contact_name,
        state=row.state.value,
        text=row.text,
        created_s=row.created_s,
        sent_s=row.sent_s,
        expires_s=row.expires_s,
        carriers=row.carriers,
    )


def history_entry(entry: HistoryEntry) -> schema.HistoryEntry:
    """Give one entry of a message's history."""
    return schema.HistoryEntry(at_s=entry.at_s, kind=entry.kind, detail=entry.detail)


def contact(view: ContactView) -> schema.Contact:
    """Give a contact as clients see it."""
    return schema.Contact(
        account_key=view.account_key.hex(),
        name=view.name,
        suggested_name=view.suggested_name,
        state=view.state,
        verified=view.verified,
        blocked=view.blocked,
        safety_number=view.safety_number,
        added_s=view.added_s,
        last_heard_s=view.last_heard_s,
        addresses=list(view.addresses),
        proven=[credential_translation.proven(claim) for claim in view.proven],
    )


def invite(made: InviteMade) -> schema.Invite:
    """Give a new invite."""
    return schema.Invite(link=made.link, short_link=made.short_link, expires_s=made.expires_s)


def peer(view: PeerView) -> schema.Peer:
    """Give a peer as clients see it."""
    return schema.Peer(
        peer_id=view.peer,
        addresses=list(view.addresses),
        source=view.source,
        state=view.state,
        retry_at_s=view.retry_at_s,
        last_error=view.last_error,
    )


def custody(view: CustodyView) -> schema.Custody:
    """Give what is carried for others."""
    return schema.Custody(
        count=view.count,
        size_bytes=view.size_bytes,
        strangers_max_bytes=view.strangers_max_bytes,
        proofs=view.proofs,
    )


def status(view: NodeStatus, process_id: int) -> schema.Status:
    """Give the node at a glance."""
    return schema.Status(
        version=view.version,
        pid=process_id,
        name=view.name,
        account_key=view.account_key.hex(),
        peer_id=view.peer_id,
        addresses=list(view.addresses),
        started_s=view.started_s,
        router=view.router,
        neighbours=[
            schema.Neighbour(
                peer_id=n.peer, address=n.address, outbound=n.outbound, since_s=n.since_s
            )
            for n in view.neighbours
        ],
        custody=custody(view.custody),
        counters=dict(view.counters),
        discovery=dict(view.discovery),
    )


def event(numbered: NumberedNotice, id_: str, name_of: NameOf) -> schema.Event:
    """Give a notice as a server-sent event."""
    at_s = numbered.at_s
    notice = numbered.notice
    match notice:
        case MessageReceived() | MessageChanged() | ContactChanged() | InviteReused():
            return _event_of_people(notice, at_s, id_, name_of)
        case NeighbourChanged() | CustodyTaken() | CustodyDropped() | ClockDisagrees():
            return _event_of_mesh(notice, at_s, id_)
        case RecordArrived() | RecordDropped():
            return _event_of_records(notice, at_s, id_)
        case RequestArrived() | AnswerGiven() | VerdictReached():
            return _event_of_credentials(notice, at_s, id_, name_of)
        case TrustChanged(kind=kind, ref=ref, name=name, why=why):
            return schema.Event(
                event="trust.changed", id=id_, at_s=at_s, kind=kind, ref=ref, name=name, why=why
            )
        case _:
            assert_never(notice)


def _event_of_credentials(
    notice: CredentialNotice, at_s: float, id_: str, name_of: NameOf
) -> schema.Event:
    names = {
        RequestArrived: "credential.requested",
        AnswerGiven: "credential.answered",
        VerdictReached: "credential.verdict",
    }
    return schema.Event(
        event=names[type(notice)],
        id=id_,
        at_s=at_s,
        credential_request=credential_translation.request(notice.request, name_of),
    )


def _event_of_people(
    notice: MessageReceived | MessageChanged | ContactChanged | InviteReused,
    at_s: float,
    id_: str,
    name_of: NameOf,
) -> schema.Event:
    match notice:
        case MessageReceived(message=row):
            shown = message(row, name_of(row.contact))
            return schema.Event(event="message.received", id=id_, at_s=at_s, message=shown)
        case MessageChanged():
            return schema.Event(
                event="message.changed",
                id=id_,
                at_s=at_s,
                message_id=message_id_text(notice.id),
                contact_key=notice.contact.hex(),
                state=notice.state.value,
                carriers=notice.carriers,
            )
        case ContactChanged(contact=view, why=why):
            return schema.Event(
                event="contact.changed", id=id_, at_s=at_s, contact=contact(view), why=why
            )
        case InviteReused():
            return schema.Event(event="invite.reused", id=id_, at_s=at_s)
        case _:
            assert_never(notice)


def _event_of_mesh(
    notice: NeighbourChanged | CustodyTaken | CustodyDropped | ClockDisagrees,
    at_s: float,
    id_: str,
) -> schema.Event:
    match notice:
        case NeighbourChanged(peer=peer_id, present=present):
            return schema.Event(
                event="neighbour.changed", id=id_, at_s=at_s, peer_id=peer_id, present=present
            )
        case CustodyTaken(id=envelope, size_bytes=size_bytes):
            return schema.Event(
                event="custody.taken",
                id=id_,
                at_s=at_s,
                envelope_id=envelope.hex(),
                size_bytes=size_bytes,
            )
        case CustodyDropped(id=envelope, why=why):
            return schema.Event(
                event="custody.dropped", id=id_, at_s=at_s, envelope_id=envelope.hex(), why=why
            )
        case ClockDisagrees(peer=peer_id, offset_s=offset_s):
            return schema.Event(
                event="clock.disagrees", id=id_, at_s=at_s, peer_id=peer_id, offset_s=offset_s
            )
        case _:
            assert_never(notice)


def _event_of_records(notice: RecordArrived | RecordDropped, at_s: float, id_: str) -> schema.Event:
    row = notice.record
    match notice:
        case RecordArrived():
            event, why = "record.arrived", row.tier.value
        case RecordDropped():
            event, why = "record.dropped", notice.why
    return schema.Event(
        event=event,
        id=id_,
        at_s=at_s,
        kind=str(row.key.kind),
        ref=row.id.hex(),
        name=row.key.name.hex(),
        size_bytes=row.size_bytes,
        why=why,
    )
