"""The profile in a store: the account, this device, its place on the network, and its clock.

Made once, by :func:`create_profile` or from 24 words by :func:`recover_profile`, and loaded at
each start. docs/spec/home.md gives the documents.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Final, TypeAlias

from msgspec import Meta, Struct

from p2p.core.saved_clock import save_clock, saved_clock
from p2p.crypto.account import (
    account_key_of,
    certify_device,
    check_certificate,
    device_key_of,
    seed_of,
    words_of,
)
from p2p.crypto.signing import SEED_SIZE_BYTES
from p2p.errors import (
    ClockDoubtful,
    Conflict,
    HomeMissing,
    InvalidInput,
    NotAuthentic,
    RemoteError,
    StoreDamaged,
    VersionUnsupported,
)
from p2p.ports.entropy import Entropy
from p2p.ports.store import DocumentKind, DocumentStore, Store
from p2p.sessions.identity import DeviceIdentity
from p2p.wire.bundle import DeviceCertificate
from p2p.wire.codec import pack, unpack
from p2p.wire.limits import CLOCK_TOLERANCE_S, NAME_SIZE_MAX_BYTES

PROFILE_VERSION: Final = 1
_PROFILE_KEY: Final = b"profile"
_NAME_KEY: Final = b"profile-name"
_PROFILE_SIZE_MAX_BYTES: Final = 1_024
_JOINERS: Final = str.maketrans("", "", "\u200c\u200d")
"""Join letters in some scripts, and emoji; no printable characters by themselves."""

Seed: TypeAlias = Annotated[bytes, Meta(min_length=SEED_SIZE_BYTES, max_length=SEED_SIZE_BYTES)]


class _ProfileDocument(Struct, frozen=True, array_like=True):
    version: Annotated[int, Meta(ge=1, le=255)]
    account_seed: Seed
    device_seed: Seed
    libp2p_seed: Seed
    certificate: DeviceCertificate
    created_s: Annotated[int, Meta(ge=0, le=2**40)]


@dataclass(frozen=True, slots=True)
class Profile:
    """Who this node is. Its secrets do not show in its ``repr``.

    Attributes:
        name: what we call ourselves in invites.
        created_s: when this device was made, Unix seconds.
        identity: this device and the account's word for it.
        account_seed: 32-byte Ed25519 seed of the account.
        libp2p_seed: 32-byte Ed25519 seed of the peer id; tied to no account.
    """

    name: str
    created_s: int
    identity: DeviceIdentity = field(repr=False)
    account_seed: bytes = field(repr=False)
    libp2p_seed: bytes = field(repr=False)

    def words(self) -> str:
        """Give the 24 words that are the account: whoever has them has it."""
        return words_of(self.account_seed)


def create_profile(store: Store, name: str, entropy: Entropy, now_s: float) -> Profile:
    """Make a new account with this as its device, durably.

    Raises:
        Conflict: there is a profile in this store.
        InvalidInput: the name is too long, or holds control characters.
        StoreFull: no room.
    """
    return _make(store, name, entropy.random_bytes(SEED_SIZE_BYTES), entropy, now_s)


def recover_profile(store: Store, name: str, words: str, entropy: Entropy, now_s: float) -> Profile:
    """Make a new device of the account that 24 words stand for, durably.

    The device and the peer id are new: messages, sessions and contacts of the old device are not
    in the words.

    Raises:
        Conflict: there is a profile in this store.
        InvalidInput: these are no words of an account, or the name cannot be.
        StoreFull: no room.
    """
    return _make(store, name, seed_of(words), entropy, now_s)


def load_profile(store: DocumentStore) -> Profile:
    """Give the profile of this store.

    Raises:
        HomeMissing: there is none.
        StoreDamaged: it contradicts itself.
        VersionUnsupported: a newer Molva wrote it.
    """
    data = store.document(DocumentKind.SETTING, _PROFILE_KEY)
    if data is None:
        raise HomeMissing("There is no profile in this store. Make one with: molva init")
    try:
        return _read(data, store.document(DocumentKind.SETTING, _NAME_KEY) or b"")
    except (RemoteError, UnicodeDecodeError) as exc:
        raise StoreDamaged(f"The profile in this store is damaged: {exc}") from exc


def rename_profile(store: Store, name: str) -> None:
    """Call ourselves something else from the next start on, durably.

    Raises:
        InvalidInput: the name is too long, or holds control characters.
        StoreFull: no room.
    """
    checked = _checked_name(name)
    with store.transaction():
        store.put_document(DocumentKind.SETTING, _NAME_KEY, checked.encode())


def check_clock(store: DocumentStore, now_s: float) -> None:
    """Make sure that the clock has not fallen behind the last time it was seen, before starting.

    A clock that is more than a day slow computes the tags of a day that is over, keeps what has
    expired, and dates messages before those that they answer.

    Raises:
        ClockDoubtful: it is more than a day behind.
    """
    floor_s = saved_clock(store)
    if now_s < floor_s - CLOCK_TOLERANCE_S:
        days = (floor_s - now_s) / 86_400
        raise ClockDoubtful(
            f"The clock of this device is {days:.1f} days behind the last time this node ran. "
            "Set the clock, and start again."
        )


def note_clock(store: DocumentStore, now_s: float) -> None:
    """Remember that it is ``now_s`` at least; needs an open transaction."""
    if now_s > saved_clock(store):
        save_clock(store, now_s)


def accept_clock(store: Store, now_s: float) -> None:
    """Take the clock as it is, durably: for a person who says that it was wrong before."""
    with store.transaction():
        save_clock(store, now_s)


def _make(store: Store, name: str, account_seed: bytes, entropy: Entropy, now_s: float) -> Profile:
    checked = _checked_name(name)
    if store.document(DocumentKind.SETTING, _PROFILE_KEY) is not None:
        raise Conflict("There is a profile in this store already.")
    device_seed = entropy.random_bytes(SEED_SIZE_BYTES)
    libp2p_seed = entropy.random_bytes(SEED_SIZE_BYTES)
    created_s = int(now_s)
    certificate = certify_device(account_seed, device_key_of(device_seed), created_s)
    document = _ProfileDocument(
        PROFILE_VERSION, account_seed, device_seed, libp2p_seed, certificate, created_s
    )
    with store.transaction():
        store.put_document(DocumentKind.SETTING, _PROFILE_KEY, pack(document))
        store.put_document(DocumentKind.SETTING, _NAME_KEY, checked.encode())
        save_clock(store, now_s)
    return load_profile(store)


def _read(data: bytes, name: bytes) -> Profile:
    document = unpack(data, _ProfileDocument, _PROFILE_SIZE_MAX_BYTES)
    if document.version != PROFILE_VERSION:
        raise VersionUnsupported(
            f"This profile was written by a newer Molva (version {document.version}, this one "
            f"reads {PROFILE_VERSION}). Install the newer Molva again."
        )
    certificate = check_certificate(document.certificate)
    account_key = account_key_of(document.account_seed)
    device_key = device_key_of(document.device_seed)
    if (certificate.account_key, certificate.device_key) != (account_key, device_key):
        raise NotAuthentic("its certificate is of another account or device.")
    return Profile(
        name=name.decode(),
        created_s=document.created_s,
        identity=DeviceIdentity(account_key, device_key, document.device_seed, certificate),
        account_seed=document.account_seed,
        libp2p_seed=document.libp2p_seed,
    )


def _checked_name(name: str) -> str:
    stripped = name.strip()
    if not stripped.translate(_JOINERS).isprintable():
        raise InvalidInput("A name holds no line breaks and no control characters.")
    if len(stripped.encode()) > NAME_SIZE_MAX_BYTES:
        raise InvalidInput(f"A name takes at most {NAME_SIZE_MAX_BYTES} bytes in UTF-8.")
    return stripped
