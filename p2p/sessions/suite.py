"""The seam below which libraries draw randomness: the cipher suite of a session.

Above it is everything that has to do with sizes, tags, sessions and replay; below it, only
cryptography. The real suite is :class:`p2p.sessions.x3dh_suite.X3dhSuite`. Large simulations use a
size-exact stand-in that protects nothing, and name it in their results.

Randomness that our own code draws comes from :class:`~p2p.ports.entropy.Entropy`; the real suite's
libraries draw theirs from the operating system: X3DH its ephemeral keys and signature nonces, the
ratchet its key pairs, HPKE its encapsulations.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

from p2p.crypto.hpke import KemPublic
from p2p.ports.entropy import Entropy

RATCHET_MAC_BYTES = 16
"""What a ratchet's text is longer than its content."""


class RatchetMessage(NamedTuple):
    """One message of a Double Ratchet.

    Attributes:
        key: the sender's ratchet public key, 32 bytes.
        previous: how many messages the sender's previous chain had.
        number: place in the sender's present chain, from 0.
        text: ciphertext and authenticator: RATCHET_MAC_BYTES longer than the content.
    """

    key: bytes
    previous: int
    number: int
    text: bytes


class Prekeys(NamedTuple):
    """A new bundle's keys: what is published, and what is kept.

    ``secret`` (32 bytes) begins sessions, ``kem_secret`` (96 bytes) opens first contacts.
    """

    prekey: bytes
    signature: bytes
    kem: KemPublic
    secret: bytes
    kem_secret: bytes


class Agreement(NamedTuple):
    """What a handshake gives both sides.

    Attributes:
        secret: 32 bytes.
        associated: identity keys of initiator and responder, to be bound to every message.
        ephemeral: the initiator's ephemeral public key, 32 bytes.
    """

    secret: bytes
    associated: bytes
    ephemeral: bytes


class RatchetState(NamedTuple):
    """A ratchet at rest.

    ``oldest_day`` is the day since which the oldest missing message has been missing;
    NOTHING_MISSING where none is.
    """

    data: bytes
    oldest_day: int


NOTHING_MISSING = 2**32 - 1


class Ratchet(Protocol):
    """One side of a live Double Ratchet. A failed call leaves it as it was."""

    def encrypt(self, content: bytes, associated: bytes) -> RatchetMessage:
        """Give the next message."""
        ...

    def decrypt(self, message: RatchetMessage, associated: bytes) -> bytes:
        """Give the content of a message, in whatever order messages come.

        Raises:
            NotAuthentic: not of this ratchet, or altered.
            Replayed: this number was decrypted before.
            LimitExceeded: too many messages are missing before this one.
        """
        ...

    def purge(self, before_day: int) -> None:
        """Destroy keys of messages that have been missing since before that day."""
        ...

    def dump(self, today: int) -> RatchetState:
        """Give the state; keys newly missing are dated today."""
        ...


class Suite(Protocol):
    """The cryptography of sessions. Without state of its own but a source of randomness."""

    @property
    def name(self) -> str:
        """The name that results and diagnostics show."""
        ...

    def make_prekeys(self, device_seed: bytes, entropy: Entropy) -> Prekeys:
        """Make the keys of a new bundle."""
        ...

    def check_prekeys(
        self, device_key: bytes, prekey: bytes, signature: bytes, kem: KemPublic
    ) -> None:
        """Check a bundle's keys once, so that sealing to them cannot fail later.

        Raises:
            NotAuthentic: the device has not signed the prekey, or a key is none.
        """
        ...

    def agree(
        self, device_seed: bytes, device_key: bytes, prekey: bytes, signature: bytes
    ) -> Agreement:
        """Begin a handshake with the owner of a checked bundle.

        Raises:
            NotAuthentic: the bundle's keys are none.
        """
        ...

    def agree_as_responder(
        self, device_seed: bytes, secret: bytes, device_key: bytes, ephemeral: bytes
    ) -> Agreement:
        """Finish a handshake that the owner of ``device_key`` began with our prekey.

        Raises:
            NotAuthentic: a key is none.
        """
        ...

    def seal_to_bundle(self, kem: KemPublic, info: bytes, plaintext: bytes) -> bytes:
        """Give ``encapsulated key 1120 | ciphertext | MAC 16``, with ``info`` bound to it."""
        ...

    def open_for_bundle(self, kem_secret: bytes, info: bytes, sealed: bytes) -> bytes:
        """Give what :meth:`seal_to_bundle` sealed.

        Raises:
            NotAuthentic: for another bundle, under another ``info``, or altered.
        """
        ...

    def begin_ratchet(
        self, root: bytes, prekey: bytes, content: bytes, associated: bytes
    ) -> tuple[Ratchet, RatchetMessage]:
        """Start the initiator's ratchet towards ``prekey`` with its first message."""
        ...

    def accept_ratchet(
        self, root: bytes, secret: bytes, message: RatchetMessage, associated: bytes
    ) -> tuple[Ratchet, bytes]:
        """Start the responder's ratchet with the first message that came, and give its content.

        Raises:
            NotAuthentic: not of this handshake.
            LimitExceeded: too many messages are missing before this one.
        """
        ...

    def load_ratchet(self, data: bytes) -> Ratchet:
        """Give the ratchet whose :attr:`RatchetState.data` this is.

        Raises:
            StoreDamaged: these bytes are none of ours.
        """
        ...

    def seal_outer(self, key: bytes, nonce: bytes, header: bytes, plaintext: bytes) -> bytes:
        """Give ``ciphertext | MAC 16`` of a session envelope's body."""
        ...

    def open_outer(self, key: bytes, nonce: bytes, header: bytes, sealed: bytes) -> bytes:
        """Give what :meth:`seal_outer` sealed.

        Raises:
            NotAuthentic: under another key, nonce or header, or altered.
        """
        ...
