"""What is known of the contacts' prekey bundles: how to write to them for the first time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final

from msgspec import Meta, Struct

from p2p.crypto.account import check_certificate
from p2p.crypto.hpke import KemPublic
from p2p.crypto.signing import check_signature
from p2p.errors import Malformed, NotAuthentic, RemoteError, StoreDamaged
from p2p.ports.store import DocumentKind, DocumentStore
from p2p.sessions.expected_tags import WEEKS_AHEAD
from p2p.sessions.suite import Suite
from p2p.sessions.tags import LOOKUP_SECRET_BYTES, LookupSecret, first_contact_tag, week_of
from p2p.wire.bundle import Key32, PrekeyBundle, decode_bundle
from p2p.wire.codec import pack, unpack_versioned
from p2p.wire.ids import AccountKey, BundleHash, Tag, bundle_hash
from p2p.wire.limits import BUNDLE_LIFETIME_S, BUNDLE_SIZE_MAX_BYTES, CLOCK_TOLERANCE_S

CONTACT_KEY_PREFIX: Final = b"c"
_RECORD_VERSION: Final = 1
_RECORD_SIZE_MAX_BYTES: Final = 65_536
_BUNDLES_MAX: Final = 8
"""The newest, and those with which a handshake is still being repeated."""


class _Row(Struct, frozen=True, array_like=True):
    bundle: Annotated[bytes, Meta(max_length=BUNDLE_SIZE_MAX_BYTES)]
    lookup_secret: LookupSecret
    used: bool
    week: int
    number: int


class _Record(Struct, frozen=True, array_like=True):
    version: int
    contact: Key32
    rows: tuple[_Row, ...]


@dataclass(slots=True, eq=False)
class ContactBundle:
    """One bundle of a contact.

    Attributes:
        used: a session was begun with it; a one-time bundle begins only one.
        week, number: the next first-contact tag to write.
    """

    data: bytes
    hash: BundleHash
    bundle: PrekeyBundle
    lookup_secret: bytes
    used: bool = False
    week: int = 0
    number: int = 0

    @property
    def kem(self) -> KemPublic:
        """The key to which first contacts are sealed."""
        return KemPublic(self.bundle.kem_ml, self.bundle.kem_x25519)

    @property
    def is_spent(self) -> bool:
        """Whether it has begun the one session that it was made for."""
        return bool(self.bundle.one_time) and self.used

    def is_valid(self, now_s: float) -> bool:
        """Tell whether its owner still promises to read what is sealed to it."""
        return now_s < self.bundle.expires_s

    def may_begin(self, now_s: float) -> bool:
        """Tell whether a new session may begin with it."""
        return self.is_valid(now_s) and not self.is_spent

    def take_tag(self, now_s: float) -> Tag:
        """Give the next first-contact tag; numbers begin anew each week.

        Where the clock was further ahead than the owner looks, they begin anew too.
        """
        week = week_of(now_s)
        if week > self.week or self.week > week + WEEKS_AHEAD:
            self.week, self.number = week, 0
        tag = first_contact_tag(self.lookup_secret, self.hash, self.week, self.number)
        self.number += 1
        return tag


def check_bundle(suite: Suite, data: bytes, account: AccountKey, now_s: float) -> PrekeyBundle:
    """Give the bundle once every signature in it holds and its times make sense.

    Raises:
        NotAuthentic: a signature fails, a key is none, or it is of another account.
        Malformed: no bundle, dated in the future, or living longer than bundles do.
        WrongVersion: made by another version.
    """
    bundle = decode_bundle(data)
    certificate = check_certificate(bundle.certificate)
    if certificate.account_key != account:
        raise NotAuthentic("A prekey bundle of another account.")
    check_signature(certificate.device_key, bundle.signed_bytes(), bundle.signature)
    kem = KemPublic(bundle.kem_ml, bundle.kem_x25519)
    suite.check_prekeys(certificate.device_key, bundle.prekey, bundle.prekey_signature, kem)
    if not bundle.created_s < bundle.expires_s <= bundle.created_s + BUNDLE_LIFETIME_S:
        raise Malformed("A prekey bundle that lives longer than bundles may.")
    if bundle.created_s > now_s + CLOCK_TOLERANCE_S:
        raise Malformed("A prekey bundle that was made in the future.")
    return bundle


class ContactBundles:
    """The bundles of all contacts."""

    def __init__(self, suite: Suite, store: DocumentStore) -> None:
        self._suite = suite
        self._by_contact: dict[AccountKey, list[ContactBundle]] = {}
        self.changed: dict[AccountKey, None] = {}
        for key, data in store.documents(DocumentKind.BUNDLE):
            if key.startswith(CONTACT_KEY_PREFIX):
                self._load(data)

    def learn(
        self,
        contact: AccountKey,
        data: bytes,
        lookup_secret: bytes,
        now_s: float,
        in_use: set[BundleHash],
    ) -> None:
        """Keep a bundle, if it is newer than what is known and can still begin a session;
        ``in_use`` ones stay with it.

        Raises:
            NotAuthentic, Malformed, WrongVersion: as :func:`check_bundle`.
        """
        hash_ = bundle_hash(data)
        known = self._by_contact.get(contact, [])
        if any(each.hash == hash_ for each in known):
            return
        bundle = check_bundle(self._suite, data, contact, now_s)
        if len(lookup_secret) != LOOKUP_SECRET_BYTES:
            raise Malformed("A lookup secret has 16 bytes.")
        if any(each.bundle.created_s > bundle.created_s for each in known if not each.is_spent):
            return
        kept = [each for each in known if each.hash in in_use][-_BUNDLES_MAX:]
        self._by_contact[contact] = [*kept, ContactBundle(data, hash_, bundle, lookup_secret)]
        self.changed[contact] = None

    def newest(self, contact: AccountKey) -> ContactBundle | None:
        """Give the newest bundle of a contact, valid or not."""
        known = self._by_contact.get(contact)
        return known[-1] if known else None

    def find(self, contact: AccountKey, hash_: BundleHash) -> ContactBundle | None:
        """Give a certain bundle of a contact."""
        known = self._by_contact.get(contact, ())
        return next((each for each in known if each.hash == hash_), None)

    def note_changed(self, contact: AccountKey) -> None:
        """Have the next flush write a contact's bundles."""
        self.changed[contact] = None

    def forget(self, contact: AccountKey) -> None:
        """Know no bundle of a contact any more."""
        if self._by_contact.pop(contact, None):
            self.changed[contact] = None

    def flush(self, store: DocumentStore) -> None:
        """Write what changed."""
        for contact in self.changed:
            key = CONTACT_KEY_PREFIX + contact
            known = self._by_contact.get(contact)
            if known is None:
                store.delete_document(DocumentKind.BUNDLE, key)
            else:
                rows = tuple(
                    _Row(each.data, each.lookup_secret, each.used, each.week, each.number)
                    for each in known
                )
                record = _Record(_RECORD_VERSION, contact, rows)
                store.put_document(DocumentKind.BUNDLE, key, pack(record))
        self.changed.clear()

    def _load(self, data: bytes) -> None:
        try:
            record = unpack_versioned(data, _Record, _RECORD_SIZE_MAX_BYTES, _RECORD_VERSION)
            bundles = [
                ContactBundle(
                    row.bundle,
                    bundle_hash(row.bundle),
                    decode_bundle(row.bundle),
                    row.lookup_secret,
                    row.used,
                    row.week,
                    row.number,
                )
                for row in record.rows
            ]
        except RemoteError as exc:
            raise StoreDamaged("A contact's bundles cannot be read.") from exc
        self._by_contact[AccountKey(record.contact)] = bundles
