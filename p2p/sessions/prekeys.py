"""This device's own prekey bundles: making, issuing, using up and destroying them."""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from p2p.crypto.signing import sign
from p2p.errors import Conflict, LimitExceeded
from p2p.ports.entropy import Entropy
from p2p.ports.store import DocumentKind, DocumentStore
from p2p.sessions.handshake import PREKEY_ID_BYTES
from p2p.sessions.identity import DeviceIdentity
from p2p.sessions.own_bundle import (
    ANYBODY,
    BUNDLE_KEY_PREFIX,
    HANDSHAKES_PER_LOOKUP_MAX,
    LOOKUP_KEY_PREFIX,
    Lookup,
    OwnBundle,
    decode_lookup,
    decode_own_bundle,
    new_lookup,
)
from p2p.sessions.session import Session
from p2p.sessions.suite import Suite
from p2p.sessions.tags import LOOKUP_SECRET_BYTES, TagTable, TagWindow, WeekSeries, week_of
from p2p.wire.bundle import PrekeyBundle, encode_bundle
from p2p.wire.ids import AccountKey, BundleHash, SessionId, Tag, bundle_hash
from p2p.wire.limits import BUNDLE_LIFETIME_S, BUNDLE_ROTATION_S, BUNDLE_VERSION

ONE_TIME_BUNDLES_MAX: Final = 1_000


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
        self.changed: dict[bytes, OwnBundle | Lookup | None] = {}
        for key, data in store.documents(DocumentKind.BUNDLE):
            if key.startswith(BUNDLE_KEY_PREFIX):
                bundle = decode_own_bundle(data)
                self._bundles[bundle.hash] = bundle
        for key, data in store.documents(DocumentKind.BUNDLE):
            if key.startswith(LOOKUP_KEY_PREFIX):
                self._keep(decode_lookup(data, self._bundles, table))

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

    def note_begun(self, lookup: Lookup, ephemeral: bytes, session: SessionId) -> None:
        """Take note that a session began; a one-time bundle can begin no other from now on."""
        lookup.begun[ephemeral] = session
        self.changed[lookup.key] = lookup
        if lookup.bundle.one_time:
            lookup.bundle.user = session
            lookup.bundle.secret = b""
            self.changed[lookup.bundle.key] = lookup.bundle

    def note_opened(
        self, lookup: Lookup, window: TagWindow, series: WeekSeries, tag: Tag, session: Session
    ) -> None:
        """Take note that a first contact was opened in its session."""
        if lookup.tags.note(window, series, tag):
            self.changed[lookup.key] = lookup
        self._destroy_if_complete(lookup.bundle, session)

    def note_confirmed(self, session: Session, first_contacts: int, now_s: float) -> None:
        """Take note that the initiator repeats the handshake no longer.

        What it repeated may still be on its way: a one-time bundle's HPKE secret lives until the
        last of these first contacts is opened, or their time is over.
        """
        bundle = self._bundles.get(session.bundle)
        if bundle is not None and bundle.user == session.id:
            bundle.first_contacts = first_contacts
            bundle.confirmed_s = now_s
            self.changed[bundle.key] = bundle
            self._destroy_if_complete(bundle, session)

    def forget(self, contact: AccountKey) -> None:
        """Let a contact's lookup secrets open nothing any more."""
        for lookup in [each for each in self._lookups.values() if each.contact == contact]:
            self._drop(lookup)

    def forget_session(self, session: Session) -> None:
        """Destroy the one-time bundle that began a session."""
        bundle = self._bundles.get(session.bundle)
        if bundle is not None and bundle.user == session.id:
            self._destroy(bundle)

    def withdraw(self, hash_: BundleHash) -> None:
        """Destroy a one-time bundle before its time; nothing where there is none such."""
        bundle = self._bundles.get(hash_)
        if bundle is not None and bundle.one_time:
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
        for key, row in self.changed.items():
            if row is None:
                store.delete_document(DocumentKind.BUNDLE, key)
            else:
                store.put_document(DocumentKind.BUNDLE, key, row.encode())
        self.changed.clear()

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
        self.changed[bundle.key] = bundle
        return bundle

    def _issue(self, bundle: OwnBundle, contact: AccountKey, now_s: float) -> Lookup:
        secret = self._entropy.random_bytes(LOOKUP_SECRET_BYTES)
        lookup = new_lookup(self._table, bundle, contact, secret, now_s, {})
        lookup.tags.advance(week_of(now_s))
        self._keep(lookup)
        self.changed[lookup.key] = lookup
        return lookup

    def _keep(self, lookup: Lookup) -> None:
        self._lookups[lookup.secret] = lookup
        self._by_contact[lookup.bundle.hash, lookup.contact] = lookup

    def _destroy_if_complete(self, bundle: OwnBundle, session: Session) -> None:
        if bundle.is_used_up(session.first_contacts_opened.bit_count()):
            self._destroy(bundle)

    def _destroy(self, bundle: OwnBundle) -> None:
        for lookup in [each for each in self._lookups.values() if each.bundle is bundle]:
            self._drop(lookup)
        del self._bundles[bundle.hash]
        self.changed[bundle.key] = None

    def _drop(self, lookup: Lookup) -> None:
        lookup.tags.close()
        del self._lookups[lookup.secret]
        del self._by_contact[lookup.bundle.hash, lookup.contact]
        self.changed[lookup.key] = None
