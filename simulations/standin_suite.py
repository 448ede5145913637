"""A cipher suite that protects NOTHING, for large simulations only.

Every envelope, bundle and key has exactly the size of the real suite's, and everything above the
seam of :mod:`p2p.sessions.suite` (tags, sessions, replay, sizes) is the shipped code. Below it,
public-key work is replaced by hashes that anybody could compute, and contents travel readable.
Authenticators are real keyed hashes, so altered and misdirected bytes are still refused.

Deterministic: all randomness comes from the entropy given to it.
"""

from __future__ import annotations

import hashlib
import struct
from typing import Final

from p2p.crypto.hpke import SECRET_SIZE_BYTES, KemPublic
from p2p.errors import NotAuthentic, StoreDamaged
from p2p.ports.entropy import Entropy
from p2p.sessions.suite import (
    NOTHING_MISSING,
    RATCHET_MAC_BYTES,
    Agreement,
    Prekeys,
    RatchetMessage,
    RatchetState,
)
from p2p.wire.bundle import ML_KEM_768_PUBLIC_BYTES
from p2p.wire.envelope import ENCAPSULATED_SIZE_BYTES

STANDIN_NAME: Final = "INSECURE-stand-in"
"""What a result's manifest says of who sealed."""
_MAC_BYTES: Final = 16
_STATE = struct.Struct(">32s32s32sIII")
_NUMBERS = struct.Struct(">II")


def _hash(label: bytes, *parts: bytes, size_bytes: int = 32) -> bytes:
    return hashlib.blake2b(b"".join(parts), digest_size=size_bytes, person=label).digest()


def _mac(key: bytes, *parts: bytes) -> bytes:
    return hashlib.blake2b(b"".join(parts), digest_size=_MAC_BYTES, key=key).digest()


class InsecureRatchet:
    """Numbers messages as a Double Ratchet does, and authenticates them; hides nothing.

    It keeps no keys, so it opens messages in any order, whatever is missing. That a message is
    opened once is seen to above the seam.
    """

    def __init__(
        self, root: bytes, own: bytes, other: bytes, sent: int, previous: int, turns: int
    ) -> None:
        self._root = root
        self._own = own
        self._other = other
        self._sent = sent
        self._previous = previous
        self._turns = turns

    def encrypt(self, content: bytes, associated: bytes) -> RatchetMessage:
        """Give the next message."""
        numbers = _NUMBERS.pack(self._previous, self._sent)
        text = content + _mac(self._root, self._own, numbers, associated, content)
        message = RatchetMessage(self._own, self._previous, self._sent, text)
        self._sent += 1
        return message

    def decrypt(self, message: RatchetMessage, associated: bytes) -> bytes:
        """Give the content of a message.

        Raises:
            NotAuthentic: not of this session, or altered.
        """
        content = _checked(self._root, message, associated)
        if message.key != self._other:
            self._other = message.key
            self._turns += 1
            turn = self._turns.to_bytes(4, "big")
            self._own = _hash(b"standin key", self._root, self._own, turn)
            self._previous, self._sent = self._sent, 0
        return content

    def purge(self, before_day: int) -> None:
        """Keep nothing, as always."""

    def dump(self, today: int) -> RatchetState:
        """Give the state."""
        data = _STATE.pack(
            self._root, self._own, self._other, self._sent, self._previous, self._turns
        )
        return RatchetState(data, NOTHING_MISSING)


class InsecureStandinSuite:
    """A :class:`p2p.sessions.suite.Suite` that protects nothing. Never in a product."""

    def __init__(self, entropy: Entropy) -> None:
        self._entropy = entropy

    @property
    def name(self) -> str:
        """The name that a result's manifest shows."""
        return STANDIN_NAME

    def make_prekeys(self, device_seed: bytes, entropy: Entropy) -> Prekeys:
        """Make keys of the right sizes."""
        secret = entropy.random_bytes(32)
        kem_secret = entropy.random_bytes(SECRET_SIZE_BYTES)
        prekey = _hash(b"standin prekey", secret)
        return Prekeys(prekey, _signature(prekey), _kem_of(kem_secret), secret, kem_secret)

    def check_prekeys(
        self, device_key: bytes, prekey: bytes, signature: bytes, kem: KemPublic
    ) -> None:
        """Refuse what was altered.

        Raises:
            NotAuthentic: the signature is of another prekey.
        """
        if signature != _signature(prekey):
            raise NotAuthentic("A prekey's signature does not hold.")

    def agree(
        self, device_seed: bytes, device_key: bytes, prekey: bytes, signature: bytes
    ) -> Agreement:
        """Give a secret that anybody could compute."""
        ephemeral = self._entropy.random_bytes(32)
        return _agreement(prekey, ephemeral)

    def agree_as_responder(
        self, device_seed: bytes, secret: bytes, device_key: bytes, ephemeral: bytes
    ) -> Agreement:
        """Give the same secret."""
        return _agreement(_hash(b"standin prekey", secret), ephemeral)

    def seal_to_bundle(self, kem: KemPublic, info: bytes, plaintext: bytes) -> bytes:
        """Give readable bytes of the right size, authenticated under the public key."""
        fresh = self._entropy.random_bytes(32)
        mac = _mac(kem.x25519, fresh, info, plaintext)
        return b"".join((fresh, bytes(ENCAPSULATED_SIZE_BYTES - len(fresh)), plaintext, mac))

    def open_for_bundle(self, kem_secret: bytes, info: bytes, sealed: bytes) -> bytes:
        """Give what was sealed.

        Raises:
            NotAuthentic: for another bundle, under another ``info``, or altered.
        """
        head, plaintext = sealed[:ENCAPSULATED_SIZE_BYTES], sealed[ENCAPSULATED_SIZE_BYTES:-16]
        mac = _mac(_kem_of(kem_secret).x25519, head[:32], info, plaintext)
        if mac != sealed[-_MAC_BYTES:] or any(head[32:]):
            raise NotAuthentic("A first contact does not open.")
        return plaintext

    def begin_ratchet(
        self, root: bytes, prekey: bytes, content: bytes, associated: bytes
    ) -> tuple[InsecureRatchet, RatchetMessage]:
        """Start the initiator's ratchet."""
        ratchet = InsecureRatchet(root, _hash(b"standin first", root), prekey, 0, 0, 0)
        return ratchet, ratchet.encrypt(content, associated)

    def accept_ratchet(
        self, root: bytes, secret: bytes, message: RatchetMessage, associated: bytes
    ) -> tuple[InsecureRatchet, bytes]:
        """Start the responder's ratchet.

        Raises:
            NotAuthentic: not of this handshake.
        """
        content = _checked(root, message, associated)
        own = _hash(b"standin second", root)
        return InsecureRatchet(root, own, message.key, 0, 0, 0), content

    def load_ratchet(self, data: bytes) -> InsecureRatchet:
        """Give a ratchet from its bytes.

        Raises:
            StoreDamaged: these bytes are none of ours.
        """
        if len(data) != _STATE.size:
            raise StoreDamaged("A stand-in ratchet cannot be read.")
        return InsecureRatchet(*_STATE.unpack(data))

    def seal_outer(self, key: bytes, nonce: bytes, header: bytes, plaintext: bytes) -> bytes:
        """Give readable bytes, authenticated."""
        return plaintext + _mac(key, nonce, header, plaintext)

    def open_outer(self, key: bytes, nonce: bytes, header: bytes, sealed: bytes) -> bytes:
        """Give what was sealed.

        Raises:
            NotAuthentic: under another key, nonce or header, or altered.
        """
        plaintext = sealed[:-_MAC_BYTES]
        if _mac(key, nonce, header, plaintext) != sealed[-_MAC_BYTES:]:
            raise NotAuthentic("A ciphertext does not authenticate.")
        return plaintext


def _checked(root: bytes, message: RatchetMessage, associated: bytes) -> bytes:
    content = message.text[:-RATCHET_MAC_BYTES]
    numbers = _NUMBERS.pack(message.previous, message.number)
    if _mac(root, message.key, numbers, associated, content) != message.text[-RATCHET_MAC_BYTES:]:
        raise NotAuthentic("A message is not of this session.")
    return content


def _agreement(prekey: bytes, ephemeral: bytes) -> Agreement:
    return Agreement(_hash(b"standin secret", prekey, ephemeral), prekey, ephemeral)


def _signature(prekey: bytes) -> bytes:
    return _hash(b"standin sign", prekey, size_bytes=64)


def _kem_of(kem_secret: bytes) -> KemPublic:
    public = _hash(b"standin kem", kem_secret)
    return KemPublic((public * 37)[:ML_KEM_768_PUBLIC_BYTES], public)
