"""The real suite: X3DH and Double Ratchet, sealed to X-Wing keys with HPKE."""

from __future__ import annotations

from typing import Final

import x3dh
import xeddsa
from x3dh.base_state import BaseState
from x3dh.types import SecretType

from p2p.crypto import aead, hpke
from p2p.crypto.hpke import KemPublic
from p2p.errors import NotAuthentic
from p2p.ports.entropy import Entropy
from p2p.sessions.ratchet import SessionRatchet, run
from p2p.sessions.suite import Agreement, Prekeys, RatchetMessage

_INFO: Final = b"molva x3dh 1"
_FORMAT: Final = x3dh.IdentityKeyFormat.ED_25519
_HASH: Final = x3dh.HashFunction.SHA_256
_NO_PREKEY: Final = bytes(32)
"""The initiator's state has no prekey of its own."""
_SCALAR: Final = b"\x01" + bytes(31)
"""Any private key shows whether a public key is of small order."""


class _State(BaseState):
    @staticmethod
    def _encode_public_key(key_format: x3dh.IdentityKeyFormat, pub: bytes) -> bytes:
        kind = b"ed25519" if key_format is _FORMAT else b"x25519"
        return b"molva x3dh key 1 " + kind + b" " + pub


def _state(device_seed: bytes, secret: bytes) -> _State:
    """Give the library's state for one bundle: our identity and one signed prekey."""
    model = x3dh.BaseStateModel(
        identity_key=x3dh.IdentityKeyPairModel(secret=device_seed, secret_type=SecretType.SEED),
        signed_pre_key=x3dh.SignedPreKeyPairModel(priv=secret, sig=bytes(64), timestamp=0),
        old_signed_pre_key=None,
        pre_keys=frozenset(),
    )
    return _State.from_model(model, _FORMAT, _HASH, _INFO)


class X3dhSuite:
    """The real :class:`p2p.sessions.suite.Suite`; a value without state."""

    @property
    def name(self) -> str:
        """The name that results and diagnostics show."""
        return "x3dh-doubleratchet-xwing"

    def make_prekeys(self, device_seed: bytes, entropy: Entropy) -> Prekeys:
        """Make the keys of a new bundle; the prekey is signed with XEdDSA by the device key."""
        secret = entropy.random_bytes(32)
        kem_secret = entropy.random_bytes(hpke.SECRET_SIZE_BYTES)
        prekey = xeddsa.priv_to_curve25519_pub(secret)
        signature = xeddsa.ed25519_priv_sign(
            xeddsa.seed_to_priv(device_seed), _signed_prekey(prekey), entropy.random_bytes(64)
        )
        return Prekeys(prekey, signature, hpke.public_of(kem_secret), secret, kem_secret)

    def check_prekeys(
        self, device_key: bytes, prekey: bytes, signature: bytes, kem: KemPublic
    ) -> None:
        """Check a bundle's keys.

        Raises:
            NotAuthentic: the device has not signed the prekey, or a key is none.
        """
        if not xeddsa.ed25519_verify(signature, device_key, _signed_prekey(prekey)):
            raise NotAuthentic("A prekey's signature does not hold.")
        try:
            xeddsa.x25519(_SCALAR, prekey)
            xeddsa.x25519(_SCALAR, xeddsa.ed25519_pub_to_curve25519_pub(device_key))
        except xeddsa.XEdDSAException as exc:
            raise NotAuthentic("A bundle's key is of small order.") from exc
        hpke.check_public(kem)

    def agree(
        self, device_seed: bytes, device_key: bytes, prekey: bytes, signature: bytes
    ) -> Agreement:
        """Begin X3DH without a one-time prekey.

        Raises:
            NotAuthentic: the bundle's keys are none.
        """
        state = _state(device_seed, _NO_PREKEY)
        bundle = x3dh.Bundle(device_key, prekey, signature, frozenset())
        try:
            secret, associated, header = run(
                state.get_shared_secret_active(bundle, require_pre_key=False)
            )
        except (x3dh.KeyAgreementException, xeddsa.XEdDSAException) as exc:
            raise NotAuthentic("A handshake cannot be begun with this bundle.") from exc
        return Agreement(secret, associated, header.ephemeral_key)

    def agree_as_responder(
        self, device_seed: bytes, secret: bytes, device_key: bytes, ephemeral: bytes
    ) -> Agreement:
        """Finish X3DH.

        Raises:
            NotAuthentic: a key is of small order.
        """
        state = _state(device_seed, secret)
        prekey = xeddsa.priv_to_curve25519_pub(secret)
        header = x3dh.Header(device_key, ephemeral, prekey, None)
        try:
            shared, associated, _ = run(
                state.get_shared_secret_passive(header, require_pre_key=False)
            )
        except xeddsa.XEdDSAException as exc:
            raise NotAuthentic("A handshake's key is of small order.") from exc
        return Agreement(shared, associated, ephemeral)

    def seal_to_bundle(self, kem: KemPublic, info: bytes, plaintext: bytes) -> bytes:
        """Seal with HPKE."""
        return hpke.seal(kem, info, plaintext)

    def open_for_bundle(self, kem_secret: bytes, info: bytes, sealed: bytes) -> bytes:
        """Open with HPKE.

        Raises:
            NotAuthentic: for another bundle, under another ``info``, or altered.
        """
        return hpke.open_sealed(kem_secret, info, sealed)

    def begin_ratchet(
        self, root: bytes, prekey: bytes, content: bytes, associated: bytes
    ) -> tuple[SessionRatchet, RatchetMessage]:
        """Start the initiator's ratchet."""
        return SessionRatchet.begin(root, prekey, content, associated)

    def accept_ratchet(
        self, root: bytes, secret: bytes, message: RatchetMessage, associated: bytes
    ) -> tuple[SessionRatchet, bytes]:
        """Start the responder's ratchet.

        Raises:
            NotAuthentic, LimitExceeded: as the ratchet.
        """
        return SessionRatchet.accept(root, secret, message, associated)

    def load_ratchet(self, data: bytes) -> SessionRatchet:
        """Give a ratchet from its bytes.

        Raises:
            StoreDamaged: these bytes are none of ours.
        """
        return SessionRatchet.load(data)

    def seal_outer(self, key: bytes, nonce: bytes, header: bytes, plaintext: bytes) -> bytes:
        """Seal with XChaCha20-Poly1305."""
        return aead.seal(key, nonce, header, plaintext)

    def open_outer(self, key: bytes, nonce: bytes, header: bytes, sealed: bytes) -> bytes:
        """Open with XChaCha20-Poly1305.

        Raises:
            NotAuthentic: under another key, nonce or header, or altered.
        """
        return aead.open_sealed(key, nonce, header, sealed)


def _signed_prekey(prekey: bytes) -> bytes:
    return b"molva x3dh key 1 x25519 " + prekey
