"""How a node's parts are put together: who is given whom."""

from __future__ import annotations

from dataclasses import dataclass

from p2p.core.commands import Commands
from p2p.core.config import NodeConfig
from p2p.core.contacts import Contacts
from p2p.core.custody import Custody
from p2p.core.delivery import Delivery
from p2p.core.exchange.exchange import Exchange, make_exchange
from p2p.core.inbox import Inbox
from p2p.core.introductions import Introductions
from p2p.core.mail_frames import MailFrames
from p2p.core.neighbours import Neighbour
from p2p.core.outbox import Outbox, derive_message_secret
from p2p.core.proofs import Proofs
from p2p.core.records.records import Records
from p2p.core.records.sync import RecordSync, record_config
from p2p.core.routing.router import Router
from p2p.core.sync import Sync
from p2p.core.transfer import Transfer
from p2p.core.trust.commands import make_trust_commands
from p2p.core.trust.trust import Trust
from p2p.crypto.record_signature import author_seed_of
from p2p.ports.entropy import Entropy
from p2p.ports.store import Store
from p2p.sessions.book import SessionBook
from p2p.sessions.identity import DeviceIdentity
from p2p.wire.ids import PeerId


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts that a node speaks to itself; each loads itself from the store."""

    contacts: Contacts
    custody: Custody
    proofs: Proofs
    outbox: Outbox
    introductions: Introductions
    neighbours: dict[PeerId, Neighbour]
    trust: Trust
    exchange: Exchange
    sync: Sync
    transfer: Transfer
    delivery: Delivery
    records: Records
    record_sync: RecordSync
    mail_frames: MailFrames
    commands: Commands


def assemble(
    identity: DeviceIdentity,
    book: SessionBook,
    store: Store,
    router: Router,
    entropy: Entropy,
    config: NodeConfig,
) -> Parts:
    """Make all parts and give each what it works with."""
    contacts = Contacts(store, identity.account_key)
    custody, proofs = Custody(store, config.custody), Proofs(store, config.custody)
    message_secret = derive_message_secret(identity.device_seed)
    outbox = Outbox(store, custody, book, router, entropy, message_secret)
    outbox.load()
    inbox = Inbox(store, book)
    introductions = Introductions(identity.account_key, contacts, book, outbox, config)
    neighbours: dict[PeerId, Neighbour] = {}
    trust = Trust(store, config.trust)
    exchange = make_exchange(introductions, trust, entropy, store)
    sync = Sync(custody, proofs, contacts, book, outbox, config, neighbours)
    delivery = Delivery(
        custody, proofs, contacts, introductions, inbox, outbox, exchange, sync, entropy, config
    )
    limits = record_config(config)
    records = Records(store, author_seed_of(identity.device_seed), limits)
    told = make_trust_commands(trust, records)
    return Parts(
        contacts=contacts,
        custody=custody,
        proofs=proofs,
        outbox=outbox,
        introductions=introductions,
        neighbours=neighbours,
        trust=trust,
        exchange=exchange,
        sync=sync,
        transfer=Transfer(custody, proofs, router, config.link.carries_unanswered_max),
        delivery=delivery,
        records=records,
        record_sync=RecordSync(records, contacts, limits),
        mail_frames=MailFrames(sync, delivery, outbox),
        commands=Commands(contacts, introductions, inbox, outbox, book, store, told, exchange),
    )
