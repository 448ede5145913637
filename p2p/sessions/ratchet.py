"""The Double Ratchet of a session: the library's, with our key derivation and cipher.

Root chain HKDF-SHA256, message chains a pair of HMAC-SHA256, cipher AES-256-GCM-SIV with a key for
each message. The library's functions are coroutines that await nothing but one another, so each is
driven to its end in one step.
"""

from __future__ import annotations

import hmac
import struct
from collections.abc import Coroutine
from typing import Final, NamedTuple, Self, TypeVar, cast

import doubleratchet as dr
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV
from doubleratchet.models import SkippedMessageKeyModel

from p2p.crypto.kdf import hkdf
from p2p.errors import LimitExceeded, NotAuthentic, Replayed, StoreDamaged
from p2p.sessions.suite import NOTHING_MISSING, RatchetMessage, RatchetState
from p2p.wire.limits import SKIPPED_KEYS_MAX, SKIPPED_KEYS_PER_CHAIN_MAX

T = TypeVar("T")

_NONCE: Final = bytes(12)
"""A message key encrypts one message, so the nonce says nothing."""
_CONSTANT: Final = b"molva ratchet 1"
_STATE_VERSION: Final = 1
_NO_CHAIN: Final = 0xFFFFFFFF
_HEADER = struct.Struct(">32sII")
_STATE = struct.Struct(">B32s32sI32sI32sI32sII")
_SKIPPED = struct.Struct(">32sI32sI")


def run(work: Coroutine[object, object, T]) -> T:
    """Drive a coroutine that waits for nothing to its end, and give its result."""
    try:
        work.send(None)
    except StopIteration as stop:
        result: T = stop.value
        return result
    work.close()
    raise AssertionError("a library function waited for something")


class _RootKdf(dr.KDF):
    @staticmethod
    async def derive(key: bytes, data: bytes, length: int) -> bytes:
        return hkdf(data, key, b"molva root chain 1", length)


class _MessageKdf(dr.KDF):
    @staticmethod
    async def derive(key: bytes, data: bytes, length: int) -> bytes:
        assert length == 64
        return hmac.digest(key, b"molva chain key 1" + data, "sha256") + hmac.digest(
            key, b"molva message key 1" + data, "sha256"
        )


class _GcmSiv(dr.AEAD):
    @staticmethod
    async def encrypt(plaintext: bytes, key: bytes, associated_data: bytes) -> bytes:
        return AESGCMSIV(key).encrypt(_NONCE, plaintext, associated_data)

    @staticmethod
    async def decrypt(ciphertext: bytes, key: bytes, associated_data: bytes) -> bytes:
        try:
            return AESGCMSIV(key).decrypt(_NONCE, ciphertext, associated_data)
        except (InvalidTag, ValueError) as exc:
            raise dr.AuthenticationFailedException from exc


class _RatchetKey(bytes):
    """A private key that remembers its public key: deriving it costs more than a message."""

    public: bytes

    @classmethod
    def of(cls, private: bytes) -> Self:
        key = cls(private)
        key.public = X25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()
        return key


class _DhRatchet(dr.DiffieHellmanRatchet):
    @staticmethod
    def _generate_priv() -> bytes:
        return _RatchetKey.of(X25519PrivateKey.generate().private_bytes_raw())

    @staticmethod
    def _derive_pub(priv: bytes) -> bytes:
        return priv.public if isinstance(priv, _RatchetKey) else _RatchetKey.of(priv).public

    @staticmethod
    def _perform_diffie_hellman(own_priv: bytes, other_pub: bytes) -> bytes:
        # Raises ValueError where the result would be all zero.
        private = X25519PrivateKey.from_private_bytes(own_priv)
        return private.exchange(X25519PublicKey.from_public_bytes(other_pub))

    def __deepcopy__(self, memo: dict[int, object]) -> Self:
        """Copy what a decryption may change in place: root chain and receiving chain.

        The library clones the whole ratchet before each decryption so that a failure changes
        nothing; ``copy.deepcopy`` would take ten times as long as the decryption. A sending chain
        is replaced by a decryption, never changed.
        """
        copy = _shallow(self)
        fields: dict[str, object] = vars(copy)
        fields[_ROOT_CHAIN] = _shallow(fields[_ROOT_CHAIN])
        chains = _shallow(fields[_CHAINS])
        fields[_CHAINS] = chains
        parts: dict[str, object] = vars(chains)
        if parts[_RECEIVING_CHAIN] is not None:
            parts[_RECEIVING_CHAIN] = _shallow(parts[_RECEIVING_CHAIN])
        return copy


_DH_RATCHET: Final = "_DoubleRatchet__diffie_hellman_ratchet"
_SKIPPED_KEYS: Final = "_DoubleRatchet__skipped_message_keys"
_OWN_PRIVATE: Final = "_DiffieHellmanRatchet__own_ratchet_priv"
_OTHER_PUBLIC: Final = "_DiffieHellmanRatchet__other_ratchet_pub"
_ROOT_CHAIN: Final = "_DiffieHellmanRatchet__root_chain"
_CHAINS: Final = "_DiffieHellmanRatchet__symmetric_key_ratchet"
_SENDING_CHAIN: Final = "_SymmetricKeyRatchet__sending_chain"
_RECEIVING_CHAIN: Final = "_SymmetricKeyRatchet__receiving_chain"
_PREVIOUS_LENGTH: Final = "_SymmetricKeyRatchet__previous_sending_chain_length"
_CHAIN_KEY: Final = "_KDFChain__key"
_CHAIN_LENGTH: Final = "_KDFChain__length"


def _shallow(part: T) -> T:
    copy = object.__new__(type(part))
    vars(copy).update(vars(part))
    return copy


class _Double(dr.DoubleRatchet):
    @staticmethod
    def _build_associated_data(associated_data: bytes, header: dr.Header) -> bytes:
        # The first part has the same length in every message of a session.
        return associated_data + _HEADER.pack(*header)


class _Inside(NamedTuple):
    """What the library's ``model`` gives, read at once: six validated models take 0.1 ms, and a
    node writes the state after each message that comes alone."""

    private: bytes
    public: bytes
    root: tuple[int, bytes]
    sending: tuple[int, bytes]
    receiving: tuple[int, bytes]
    previous: int | None
    skipped: dict[tuple[bytes, int], bytes]

    @classmethod
    def of(cls, double: dr.DoubleRatchet) -> _Inside:
        fields = _fields(double)
        dh = _fields(fields[_DH_RATCHET])
        chains = _fields(dh[_CHAINS])
        return cls(
            cast("bytes", dh[_OWN_PRIVATE]),
            cast("bytes", dh[_OTHER_PUBLIC]),
            _chain(dh[_ROOT_CHAIN]),
            _chain(chains[_SENDING_CHAIN]),
            _chain(chains[_RECEIVING_CHAIN]),
            cast("int | None", chains[_PREVIOUS_LENGTH]),
            cast("dict[tuple[bytes, int], bytes]", fields[_SKIPPED_KEYS]),
        )


def _chain(chain: object) -> tuple[int, bytes]:
    if chain is None:
        return _NO_CHAIN, bytes(32)
    fields = _fields(chain)
    return cast("int", fields[_CHAIN_LENGTH]), cast("bytes", fields[_CHAIN_KEY])


def _fields(part: object) -> dict[str, object]:
    return vars(part)


class SessionRatchet:
    """The real :class:`p2p.sessions.suite.Ratchet`."""

    def __init__(self, double: _Double, dated: dict[tuple[bytes, int], int]) -> None:
        self._double = double
        self._dated = dated

    @classmethod
    def begin(
        cls, root: bytes, prekey: bytes, content: bytes, associated: bytes
    ) -> tuple[SessionRatchet, RatchetMessage]:
        """Start as initiator, towards the responder's prekey."""
        double, message = run(
            _Double.encrypt_initial_message(
                _DhRatchet,
                _RootKdf,
                _MessageKdf,
                _CONSTANT,
                SKIPPED_KEYS_PER_CHAIN_MAX,
                SKIPPED_KEYS_MAX,
                _GcmSiv,
                root,
                prekey,
                content,
                associated,
            )
        )
        return cls(double, {}), RatchetMessage(*message.header, message.ciphertext)

    @classmethod
    def accept(
        cls, root: bytes, secret: bytes, message: RatchetMessage, associated: bytes
    ) -> tuple[SessionRatchet, bytes]:
        """Start as responder.

        Raises:
            NotAuthentic, LimitExceeded: as :meth:`decrypt`.
        """
        double, content = _decrypted(
            _Double.decrypt_initial_message(
                _DhRatchet,
                _RootKdf,
                _MessageKdf,
                _CONSTANT,
                SKIPPED_KEYS_PER_CHAIN_MAX,
                SKIPPED_KEYS_MAX,
                _GcmSiv,
                root,
                secret,
                _library_message(message),
                associated,
            )
        )
        return cls(double, {}), content

    def encrypt(self, content: bytes, associated: bytes) -> RatchetMessage:
        """Give the next message."""
        message = run(self._double.encrypt_message(content, associated))
        return RatchetMessage(*message.header, message.ciphertext)

    def decrypt(self, message: RatchetMessage, associated: bytes) -> bytes:
        """Give the content of a message.

        Raises:
            NotAuthentic: not of this ratchet, or altered.
            Replayed: decrypted before.
            LimitExceeded: more than 1,000 messages are missing before this one.
        """
        received = self._double.receiving_chain_length or 0
        if message.previous > received + SKIPPED_KEYS_PER_CHAIN_MAX:
            # The library would drop those keys and go on, with a warning on standard error.
            raise LimitExceeded("More messages are missing than this session waits for.")
        return _decrypted(self._double.decrypt_message(_library_message(message), associated))

    def purge(self, before_day: int) -> None:
        """Destroy keys of messages that have been missing since before that day."""
        model = self._double.model
        model.skipped_message_keys = [
            skipped
            for skipped in model.skipped_message_keys
            if self._dated.get((skipped.ratchet_pub, skipped.index), before_day) >= before_day
        ]
        self._double = _from_model(model)

    def dump(self, today: int) -> RatchetState:
        """Give the state; keys newly missing are dated today."""
        state = _Inside.of(self._double)
        self._dated = {key: self._dated.get(key, today) for key in state.skipped}
        head = _STATE.pack(
            _STATE_VERSION,
            state.private,
            state.public,
            *state.root,
            *state.sending,
            *state.receiving,
            _NO_CHAIN if state.previous is None else state.previous,
            len(state.skipped),
        )
        rows = (
            _SKIPPED.pack(public, index, key, self._dated[public, index])
            for (public, index), key in state.skipped.items()
        )
        return RatchetState(
            head + b"".join(rows), min(self._dated.values(), default=NOTHING_MISSING)
        )

    @classmethod
    def load(cls, data: bytes) -> SessionRatchet:
        """Give the ratchet that :meth:`dump` wrote.

        Raises:
            StoreDamaged: these bytes are none of ours.
        """
        if len(data) < _STATE.size or data[0] != _STATE_VERSION:
            raise StoreDamaged("A session's ratchet cannot be read.")
        (_, private, public, root_at, root, out_at, out, in_at, into, previous, count) = (
            _STATE.unpack_from(data)
        )
        if len(data) != _STATE.size + count * _SKIPPED.size:
            raise StoreDamaged("A session's ratchet is cut off.")
        rows = list(_SKIPPED.iter_unpack(data[_STATE.size :]))
        model = dr.DoubleRatchetModel(
            diffie_hellman_ratchet=dr.DiffieHellmanRatchetModel(
                own_ratchet_priv=_RatchetKey.of(private),
                other_ratchet_pub=public,
                root_chain=dr.KDFChainModel(length=root_at, key=root),
                symmetric_key_ratchet=dr.SymmetricKeyRatchetModel(
                    sending_chain=_chain_model(out_at, out),
                    receiving_chain=_chain_model(in_at, into),
                    previous_sending_chain_length=None if previous == _NO_CHAIN else previous,
                ),
            ),
            skipped_message_keys=[
                SkippedMessageKeyModel(ratchet_pub=pub, index=index, message_key=key)
                for pub, index, key, _ in rows
            ],
        )
        return cls(_from_model(model), {(pub, index): day for pub, index, _, day in rows})


def _decrypted(work: Coroutine[object, object, T]) -> T:
    try:
        return run(work)
    except dr.DuplicateMessageException as exc:
        raise Replayed("A message of this number was opened before.") from exc
    except dr.DoSProtectionException as exc:
        raise LimitExceeded("More messages are missing than this session waits for.") from exc
    except (dr.AuthenticationFailedException, ValueError) as exc:
        # ValueError: the other side's ratchet key is of small order.
        raise NotAuthentic("A message is not of this session.") from exc


def _library_message(message: RatchetMessage) -> dr.EncryptedMessage:
    header = dr.Header(message.key, message.previous, message.number)
    return dr.EncryptedMessage(header, message.text)


def _from_model(model: dr.DoubleRatchetModel) -> _Double:
    return _Double.from_model(
        model,
        _DhRatchet,
        _RootKdf,
        _MessageKdf,
        _CONSTANT,
        SKIPPED_KEYS_PER_CHAIN_MAX,
        SKIPPED_KEYS_MAX,
        _GcmSiv,
    )


def _chain_model(length: int, key: bytes) -> dr.KDFChainModel | None:
    return None if length == _NO_CHAIN else dr.KDFChainModel(length=length, key=key)
