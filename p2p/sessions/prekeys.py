"""This device's own prekey bundles: making, issuing, using up and destroying them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Final, TypeVar

from msgspec import Meta, Struct
from msgspec.structs import replace

from p2p.crypto.signing import sign
from p2p.errors import Conflict, LimitExceeded, RemoteError, StoreDamaged
from p2p.ports.entropy import Entropy
from p2p.ports.store import DocumentKind, DocumentStore
from p2p.sessions.handshake import PREKEY_ID_BYTES
from p2p.sessions.identity import DeviceIdentity
from p2p.sessions.session import Session
from p2p.sessions.suite import Suite
from p2p.sessions.tags import LookupTags, TagTable, TagWindow, WeekSeries, week_of
from p2p.wire.bundle import Key32, PrekeyBundle, encode_bundle
from p2p.wire.codec import pack, unpack
from p2p.wire.ids import AccountKey, BundleHash, SessionId, Tag, bundle_hash
from p2p.wire.limits import (
    BUNDLE_LIFETIME_S,
    BUNDLE_ROTATION_S,
    BUNDLE_SECRETS_KEPT_S,
    BUNDLE_SIZE_MAX_BYTES,
    BUNDLE_VERSION,
    CLOCK_TOLERANCE_S,
)

BUNDLE_KEY_PREFIX: Final = b"o"
LOOKUP_KEY_PREFIX: Final = b"l"
ANYBODY: Final = AccountKey(b"")
"""For whom a one-time bundle's lookup secret is: whoever has the invite."""
ONE_TIME_BUNDLES_MAX: Final = 1_000
HANDSHAKES_PER_LOOKUP_MAX: Final = 256
"""A contact renews every 7 days or 500 messages; a bundle's secrets live 58 days."""
_NOT_KNOWN: Final = -1
_NOBODY: Final = SessionId(b"")
_RECORD_VERSION: Final = 1
_RECORD_SIZE_MAX_BYTES: Final = 65_536


class _BundleRecord(Struct, frozen=True, array_like=True):
    version: int
    data: Annotated[bytes, Meta(max_length=BUNDLE_SIZE_MAX_BYTES)]
    one_time: bool
    created_s: int
    expires_s: int
    prekey_id: bytes
    secret: bytes
    kem_secret: bytes
    user: bytes
    begun_s: float
    first_contacts: int


class _LookupRecord(Struct, frozen=True, array_like=True):
    version: int
    bundle: Key32
    contact: bytes
    secret: Annotated[bytes, Meta(min_length=16, max_length=16)]
    issued_s: float
    highest: tuple[tuple[int, int], ...]
    begun: tuple[tuple[Key32, bytes], ...]


R = TypeVar("R", _BundleRecord, _LookupRecord)


@dataclass(slots=True, eq=False)
class OwnBundle:
    """A bundle of ours with its secrets.

    Attributes:
        secret: begins sessions; empty once a one-time bundle has begun its one.
        kem_secret: opens first contacts.
        user: the session that a one-time bundle began, else empty.
        begun_s: when that was.
        first_contacts: how many first contacts that session has in all, once it is known.
    """

    data: bytes
    hash: BundleHash
    one_time: bool
    created_s: int
    expires_s: int
    prekey_id: bytes
    secret: bytes
    kem_secret: bytes
    user: SessionId = _NOBODY
    begun_s: float = 0.0
    first_contacts: int = _NOT_KNOWN

    def dies_at(self) -> float:
        """Give the moment at which the secrets are destroyed at the latest."""
        dies_s = float(self.expires_s + BUNDLE_SECRETS_KEPT_S)
        return min(dies_s, self.begun_s + BUNDLE_SECRETS_KEPT_S) if self.user else dies_s


@dataclass(slots=True, eq=False)
class Lookup:
    """A lookup secret: by it one contact (or the user of an invite) writes to a bundle first.

    Attributes:
        begun: sessions begun by it, by the initiator's ephemeral key: a replay begins none.
    """

    bundle: OwnBundle
    contact: AccountKey
    secret: bytes
    issued_s: float
    tags: LookupTags
    begun: dict[bytes, SessionId] = field(default_factory=dict[bytes, SessionId])


class Prekeys:
    """All own bundles. Nothing reaches the store before :meth:`flush`."""

    def __init__(
        self,
        identity: DeviceIdentity,
        suite: Suite,
        store: DocumentStore,
        entropy: Entropy,
        table: TagTable,
    ) -> None:
        self._identity = identity
        self._suite = suite
        self._entropy = entropy
        self._table = table
        self._bundles: dict[BundleHash, OwnBundle] = {}
        self._lookups: dict[bytes, Lookup] = {}
        self._by_contact: dict[tuple[BundleHash, AccountKey], Lookup] = {}
        self._changed: dict[bytes, None] = {}
        for key, data in store.documents(DocumentKind.BUNDLE):
            if key.startswith(BUNDLE_KEY_PREFIX):
                self._load_bundle(data)
        for key, data in store.documents(DocumentKind.BUNDLE):
            if key.startswith(LOOKUP_KEY_PREFIX):
                self._load_lookup(data)

    def issue_one_time(self, now_s: float) -> Lookup:
        """Make a bundle for one invite.

        Raises:
            Conflict: so many invites are open that no further one is made.
        """
        if sum(each.one_time for each in self._bundles.values()) >= ONE_TIME_BUNDLES_MAX:
            raise Conflict(f"{ONE_TIME_BUNDLES_MAX} invites are open; let some run out first.")
        return self._issue(self._make(now_s, one_time=True), ANYBODY, now_s)

    def current(self, contact: AccountKey, now_s: float) -> Lookup:
        """Give the rotating bundle with a contact's own lookup secret."""
        bundle = self._newest_rotating()
        if bundle is None or now_s >= bundle.created_s + BUNDLE_ROTATION_S:
            bundle = self._make(now_s, one_time=False)
        return self._by_contact.get((bundle.hash, contact)) or self._issue(bundle, contact, now_s)

    def find(self, hash_: BundleHash, now_s: float) -> bytes | None:
        """Give the bytes of a bundle with which a session may still begin."""
        bundle = self._bundles.get(hash_)
        if bundle is None or bundle.user or now_s >= bundle.expires_s:
            return None
        return bundle.data

    def lookup_of(self, series: WeekSeries) -> Lookup:
        """Give the lookup secret to which a window of expected tags belongs."""
        return self._lookups[series.lookup_secret]

    def check_room(self, lookup: Lookup) -> None:
        """See that one more session may begin by a lookup secret.

        Raises:
            LimitExceeded: its holder has begun too many.
        """
        if len(lookup.begun) >= HANDSHAKES_PER_LOOKUP_MAX:
            raise LimitExceeded("A contact began more sessions than a bundle allows.")

    def note_begun(
        self, lookup: Lookup, ephemeral: bytes, session: SessionId, now_s: float
    ) -> None:
        """Take note that a session began; a one-time bundle can begin no other from now on."""
        lookup.begun[ephemeral] = session
        self._changed[_lookup_key(lookup)] = None
        if lookup.bundle.one_time:
            lookup.bundle.user = session
            lookup.bundle.begun_s = now_s
            lookup.bundle.secret = b""
            self._changed[_bundle_key(lookup.bundle)] = None

    def note_opened(self, lookup: Lookup, window: TagWindow, tag: Tag, session: Session) -> None:
        """Take note that a first contact was opened in its session."""
        if lookup.tags.note(window, tag):
            self._changed[_lookup_key(lookup)] = None
        self._destroy_if_complete(lookup.bundle, session)

    def note_confirmed(self, session: Session, first_contacts: int) -> None:
        """Take note that the initiator has stopped to repeat the handshake.

        What it repeated may still be on its way: a one-time bundle's HPKE secret lives until the
        last of these first contacts is opened, or its time is over.
        """
        bundle = self._bundles.get(session.bundle)
        if bundle is not None and bundle.user == session.id:
            bundle.first_contacts = first_contacts
            self._changed[_bundle_key(bundle)] = None
            self._destroy_if_complete(bundle, session)

    def forget(self, contact: AccountKey) -> None:
        """Let a contact's lookup secrets open nothing any more."""
        for lookup in [each for each in self._lookups.values() if each.contact == contact]:
            self._drop_lookup(lookup)

    def forget_session(self, session: Session) -> None:
        """Destroy the one-time bundle that began a session."""
        bundle = self._bundles.get(session.bundle)
        if bundle is not None and bundle.user == session.id:
            self._destroy(bundle)

    def advance(self, now_s: float) -> None:
        """Expect the weeks around now."""
        for lookup in self._lookups.values():
            lookup.tags.advance(week_of(now_s))

    def maintain(self, now_s: float) -> float:
        """Rotate, and destroy what is over age; give the moment when there is more to do."""
        for bundle in list(self._bundles.values()):
            if now_s >= bundle.dies_at():
                self._destroy(bundle)
        newest = self._newest_rotating()
        if newest is not None and now_s >= newest.created_s + BUNDLE_ROTATION_S:
            newest = self._make(now_s, one_time=False)
        moments = [bundle.dies_at() for bundle in self._bundles.values()]
        if newest is not None:
            moments.append(float(newest.created_s + BUNDLE_ROTATION_S))
        return min(moments, default=now_s + BUNDLE_ROTATION_S)

    def flush(self, store: DocumentStore) -> None:
        """Write what changed."""
        records: dict[bytes, Struct] = {}
        for bundle in self._bundles.values():
            if _bundle_key(bundle) in self._changed:
                records[_bundle_key(bundle)] = _bundle_record(bundle)
        for lookup in self._lookups.values():
            if _lookup_key(lookup) in self._changed:
                records[_lookup_key(lookup)] = _lookup_record(lookup)
        for key in self._changed:
            if key in records:
                store.put_document(DocumentKind.BUNDLE, key, pack(records[key]))
            else:
                store.delete_document(DocumentKind.BUNDLE, key)
        self._changed.clear()

    def _newest_rotating(self) -> OwnBundle | None:
        rotating = (each for each in self._bundles.values() if not each.one_time)
        return max(rotating, key=lambda each: each.created_s, default=None)

    def _make(self, now_s: float, *, one_time: bool) -> OwnBundle:
        keys = self._suite.make_prekeys(self._identity.device_seed, self._entropy)
        created_s = int(now_s)
        unsigned = PrekeyBundle(
            BUNDLE_VERSION,
            int(one_time),
            self._identity.certificate,
            keys.prekey,
            keys.signature,
            keys.kem.ml,
            keys.kem.x25519,
            created_s,
            created_s + BUNDLE_LIFETIME_S,
            bytes(64),
        )
        signature = sign(self._identity.device_seed, unsigned.signed_bytes())
        data = encode_bundle(replace(unsigned, signature=signature))
        bundle = OwnBundle(
            data,
            bundle_hash(data),
            one_time,
            created_s,
            unsigned.expires_s,
            keys.prekey[:PREKEY_ID_BYTES],
            keys.secret,
            keys.kem_secret,
        )
        self._bundles[bundle.hash] = bundle
        self._changed[_bundle_key(bundle)] = None
        return bundle

    def _issue(self, bundle: OwnBundle, contact: AccountKey, now_s: float) -> Lookup:
        secret = self._entropy.random_bytes(16)
        lookup = self._keep_lookup(bundle, contact, secret, now_s, {})
        lookup.tags.advance(week_of(now_s))
        self._changed[_lookup_key(lookup)] = None
        return lookup

    def _keep_lookup(
        self,
        bundle: OwnBundle,
        contact: AccountKey,
        secret: bytes,
        issued_s: float,
        highest: dict[int, int],
    ) -> Lookup:
        tags = LookupTags(
            self._table,
            secret,
            bundle.hash,
            week_of(issued_s - CLOCK_TOLERANCE_S),
            week_of(bundle.expires_s + CLOCK_TOLERANCE_S),
            highest,
        )
        lookup = Lookup(bundle, contact, secret, issued_s, tags)
        self._lookups[secret] = lookup
        self._by_contact[bundle.hash, contact] = lookup
        return lookup

    def _destroy_if_complete(self, bundle: OwnBundle, session: Session) -> None:
        opened = session.first_contacts_opened.bit_count()
        if bundle.one_time and 0 <= bundle.first_contacts <= opened:
            self._destroy(bundle)

    def _destroy(self, bundle: OwnBundle) -> None:
        for lookup in [each for each in self._lookups.values() if each.bundle is bundle]:
            self._drop_lookup(lookup)
        del self._bundles[bundle.hash]
        self._changed[_bundle_key(bundle)] = None

    def _drop_lookup(self, lookup: Lookup) -> None:
        lookup.tags.close()
        del self._lookups[lookup.secret]
        del self._by_contact[lookup.bundle.hash, lookup.contact]
        self._changed[_lookup_key(lookup)] = None

    def _load_bundle(self, data: bytes) -> None:
        record = _read(data, _BundleRecord)
        hash_ = bundle_hash(record.data)
        self._bundles[hash_] = OwnBundle(
            record.data,
            hash_,
            record.one_time,
            record.created_s,
            record.expires_s,
            record.prekey_id,
            record.secret,
            record.kem_secret,
            SessionId(record.user),
            record.begun_s,
            record.first_contacts,
        )

    def _load_lookup(self, data: bytes) -> None:
        record = _read(data, _LookupRecord)
        bundle = self._bundles.get(BundleHash(record.bundle))
        if bundle is None:
            raise StoreDamaged("A lookup secret without its bundle.")
        contact = AccountKey(record.contact)
        highest = dict(record.highest)
        lookup = self._keep_lookup(bundle, contact, record.secret, record.issued_s, highest)
        lookup.begun.update((key, SessionId(session)) for key, session in record.begun)


def _bundle_key(bundle: OwnBundle) -> bytes:
    return BUNDLE_KEY_PREFIX + bundle.hash


def _lookup_key(lookup: Lookup) -> bytes:
    return LOOKUP_KEY_PREFIX + lookup.bundle.hash + lookup.contact


def _bundle_record(bundle: OwnBundle) -> _BundleRecord:
    return _BundleRecord(
        _RECORD_VERSION,
        bundle.data,
        bundle.one_time,
        bundle.created_s,
        bundle.expires_s,
        bundle.prekey_id,
        bundle.secret,
        bundle.kem_secret,
        bundle.user,
        bundle.begun_s,
        bundle.first_contacts,
    )


def _lookup_record(lookup: Lookup) -> _LookupRecord:
    return _LookupRecord(
        _RECORD_VERSION,
        lookup.bundle.hash,
        lookup.contact,
        lookup.secret,
        lookup.issued_s,
        tuple(lookup.tags.highest.items()),
        tuple(lookup.begun.items()),
    )


def _read(data: bytes, shape: type[R]) -> R:
    try:
        record = unpack(data, shape, _RECORD_SIZE_MAX_BYTES)
    except RemoteError as exc:
        raise StoreDamaged("An own bundle cannot be read.") from exc
    if record.version != _RECORD_VERSION:
        raise StoreDamaged(f"An own bundle of version {record.version}.")
    return record
