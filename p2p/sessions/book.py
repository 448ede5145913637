"""Every pairwise session of this device: the one door to end-to-end encryption for the core.

Pure: randomness and time come in, state goes to the document store, and nothing is written before
:meth:`SessionBook.flush`, which the shell calls once per transaction.
"""

from __future__ import annotations

from dataclasses import dataclass

from p2p.ports.entropy import Entropy
from p2p.ports.store import DocumentStore
from p2p.sessions.identity import DeviceIdentity
from p2p.sessions.suite import Suite
from p2p.wire.ids import AccountKey, BundleHash, DeviceKey, Proof, SessionId, Tag


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
        reset: it began although another session with this device was in use: show the person.
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
    ) -> None: ...

    def issue_one_time_bundle(self, now_s: float) -> IssuedBundle:
        """Make a bundle for one invite: it begins one session, with whoever comes first."""

    def current_bundle(self, contact: AccountKey, now_s: float) -> IssuedBundle:
        """Give the rotating bundle, with a lookup secret that only ``contact`` gets to know."""

    def find_bundle(self, hash_: BundleHash) -> bytes | None:
        """Give the bytes of an own, still valid bundle: what a neighbour may Seek."""

    def learn_bundle(
        self, contact: AccountKey, bundle: bytes, lookup_secret: bytes, now_s: float
    ) -> None:
        """Remember how to write to ``contact`` for the first time, or anew.

        Raises:
            NotAuthentic: a signature fails, or the bundle is of another account.
            Malformed, WrongVersion: no bundle of ours.
        """

    def can_seal(self, contact: AccountKey, now_s: float) -> bool:
        """Tell whether there is a session with ``contact`` or a bundle to begin one."""

    def room_for(self, contact: AccountKey, now_s: float) -> int:
        """Give how many content bytes the largest envelope to ``contact`` holds now."""

    def seal(self, contact: AccountKey, content: bytes, lifetime_s: float, now_s: float) -> Sealed:
        """Seal ``content`` into an envelope, starting or renewing a session where that is due.

        Raises:
            NotReady: neither a session nor a usable bundle is here.
            TooLarge: the content does not fit.
        """

    def acknowledge(self, session: SessionId, now_s: float) -> None:
        """Note that the other side has opened a message of this session (its proof was seen)."""

    def recognises(self, tag: Tag) -> bool:
        """Tell whether a tag is one that we expect: a session's or a first contact's."""

    def drain_new_tags(self) -> list[Tag]:
        """Give the tags that became recognisable since the last call, for mail already carried."""

    def open(self, envelope: bytes, now_s: float) -> Opened:
        """Open an envelope whose tag :meth:`recognises` said is ours.

        Raises:
            NotAuthentic: it is not for us, or was forged under a live tag; nothing is burned.
            Replayed: a replayed first contact, or a message number opened before.
            Malformed: authentic, but no content of a session.
            Conflict: a second sender used a one-time bundle; the message says which invite.
        """

    def forget(self, contact: AccountKey) -> None:
        """Destroy all sessions with a contact and what is known of its bundles."""

    def maintain(self, now_s: float) -> float:
        """Rotate bundles, destroy what is over age; give the moment of the next call (Unix s)."""

    def flush(self) -> None:
        """Write every changed session and bundle to the store."""
