"""An own prekey bundle with its secrets, and the lookup secrets given out for it."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import Annotated, Final, TypeVar

from msgspec import Meta, Struct

from p2p.errors import RemoteError, StoreDamaged
from p2p.sessions.expected_tags import LookupTags
from p2p.sessions.tags import LookupSecret, TagTable, week_of
from p2p.wire.bundle import Key32
from p2p.wire.codec import pack, unpack_versioned
from p2p.wire.ids import AccountKey, BundleHash, SessionId, bundle_hash
from p2p.wire.limits import BUNDLE_SECRETS_KEPT_S, BUNDLE_SIZE_MAX_BYTES, CLOCK_TOLERANCE_S

BUNDLE_KEY_PREFIX: Final = b"o"
LOOKUP_KEY_PREFIX: Final = b"l"
ANYBODY: Final = AccountKey(b"")
"""For whom a one-time bundle's lookup secret is: whoever has the invite."""
HANDSHAKES_PER_LOOKUP_MAX: Final = 256
"""A contact renews every 7 days or 500 messages; a bundle's secrets live 58 days."""
_NOT_KNOWN: Final = -1
_NOBODY: Final = SessionId(b"")
_RECORD_VERSION: Final = 1
_RECORD_SIZE_MAX_BYTES: Final = 65_536
_BEGUN = struct.Struct(">32s16s")


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
    confirmed_s: float
    first_contacts: int


class _LookupRecord(Struct, frozen=True, array_like=True):
    version: int
    bundle: Key32
    contact: bytes
    secret: LookupSecret
    issued_s: float
    highest: tuple[tuple[int, int], ...]
    begun: Annotated[bytes, Meta(max_length=HANDSHAKES_PER_LOOKUP_MAX * _BEGUN.size)]


R = TypeVar("R", _BundleRecord, _LookupRecord)


@dataclass(slots=True, eq=False)
class OwnBundle:
    """A bundle of ours with its secrets.

    Attributes:
        secret: begins sessions; empty once a one-time bundle has begun its one.
        kem_secret: opens first contacts.
        user: the session that a one-time bundle began, else empty.
        confirmed_s: when that session's initiator was first known to have an answer.
        first_contacts: how many first contacts that session has in all, which is known then.
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
    confirmed_s: float = 0.0
    first_contacts: int = _NOT_KNOWN

    @property
    def key(self) -> bytes:
        """Its document's key."""
        return BUNDLE_KEY_PREFIX + self.hash

    def dies_at(self) -> float:
        """Give the moment at which the secrets are destroyed at the latest."""
        dies_s = float(self.expires_s + BUNDLE_SECRETS_KEPT_S)
        if self.first_contacts == _NOT_KNOWN:
            return dies_s
        return min(dies_s, self.confirmed_s + BUNDLE_SECRETS_KEPT_S)

    def is_used_up(self, opened: int) -> bool:
        """Tell whether ``opened`` first contacts are all that its one session will ever have."""
        return self.one_time and 0 <= self.first_contacts <= opened

    def encode(self) -> bytes:
        """Give what :func:`decode_own_bundle` reads."""
        record = _BundleRecord(
            _RECORD_VERSION,
            self.data,
            self.one_time,
            self.created_s,
            self.expires_s,
            self.prekey_id,
            self.secret,
            self.kem_secret,
            self.user,
            self.confirmed_s,
            self.first_contacts,
        )
        return pack(record)


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

    @property
    def key(self) -> bytes:
        """Its document's key."""
        return LOOKUP_KEY_PREFIX + self.bundle.hash + self.contact

    def encode(self) -> bytes:
        """Give what :func:`decode_lookup` reads."""
        record = _LookupRecord(
            _RECORD_VERSION,
            self.bundle.hash,
            self.contact,
            self.secret,
            self.issued_s,
            tuple(self.tags.highest.items()),
            b"".join(_BEGUN.pack(*begun) for begun in self.begun.items()),
        )
        return pack(record)


def new_lookup(
    table: TagTable,
    bundle: OwnBundle,
    contact: AccountKey,
    secret: bytes,
    issued_s: float,
    highest: dict[int, int],
) -> Lookup:
    """Give a lookup secret that expects no tags before ``tags.advance``.

    Args:
        table: where its tags are registered.
        bundle: to what it leads.
        contact: to whom it is given.
        secret: 16 random bytes.
        issued_s: when it was given out; nobody can have used it before.
        highest: highest number seen, by week.
    """
    first_week = week_of(issued_s - CLOCK_TOLERANCE_S)
    last_week = week_of(bundle.expires_s + CLOCK_TOLERANCE_S)
    tags = LookupTags(table, secret, bundle.hash, first_week, last_week, highest)
    return Lookup(bundle, contact, secret, issued_s, tags)


def decode_own_bundle(data: bytes) -> OwnBundle:
    """Read a bundle from the store.

    Raises:
        StoreDamaged: these bytes are none of ours.
    """
    record = _read(data, _BundleRecord)
    return OwnBundle(
        record.data,
        bundle_hash(record.data),
        record.one_time,
        record.created_s,
        record.expires_s,
        record.prekey_id,
        record.secret,
        record.kem_secret,
        SessionId(record.user),
        record.confirmed_s,
        record.first_contacts,
    )


def decode_lookup(data: bytes, bundles: dict[BundleHash, OwnBundle], table: TagTable) -> Lookup:
    """Read a lookup secret from the store.

    Raises:
        StoreDamaged: these bytes are none of ours, or its bundle is not there.
    """
    record = _read(data, _LookupRecord)
    bundle = bundles.get(BundleHash(record.bundle))
    if bundle is None:
        raise StoreDamaged("A lookup secret without its bundle.")
    contact = AccountKey(record.contact)
    highest = dict(record.highest)
    lookup = new_lookup(table, bundle, contact, record.secret, record.issued_s, highest)
    for ephemeral, session in _BEGUN.iter_unpack(record.begun):
        lookup.begun[ephemeral] = SessionId(session)
    return lookup


def _read(data: bytes, shape: type[R]) -> R:
    try:
        return unpack_versioned(data, shape, _RECORD_SIZE_MAX_BYTES, _RECORD_VERSION)
    except RemoteError as exc:
        raise StoreDamaged("An own bundle cannot be read.") from exc
