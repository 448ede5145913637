"""The handshake inside a first contact, and the keys that both sides derive from it.

Layout of a first contact's plaintext (docs/spec/session.md), all integers big-endian::

    off len
    0   32  k: the delivery proof; the envelope's commitment is BLAKE2b-128(k)
    32   1  certificate version
    33  32  account key
    65  32  device key
    97   8  certificate created, Unix seconds
    105 64  certificate signature
    169 32  X3DH ephemeral key
    201  8  prekey id: the first 8 bytes of the signed prekey
    209 32  psk: random, mixed with the X3DH secret
    241  8  handshake begun, Unix seconds, by the initiator's clock
    249  1  kind: 0 a beginning, 1 a renewal over a live session
    250 16  id of the session that is renewed, else zeros
    266 ..  ratchet message (p2p.sessions.envelope_seal)

Everything but k is the same in each repetition of a handshake.
"""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass
from typing import Final, NamedTuple

from p2p.crypto.kdf import hkdf, labelled_hash
from p2p.errors import Malformed
from p2p.sessions.suite import Agreement
from p2p.wire.bundle import DeviceCertificate
from p2p.wire.ids import BundleHash, SessionId

PREKEY_ID_BYTES: Final = 8
PSK_BYTES: Final = 32
NO_SESSION: Final = SessionId(bytes(16))
_BEGINNING: Final = 0
_RENEWAL: Final = 1
_LAYOUT = struct.Struct(">B32s32sQ64s32s8s32sQB16s")
HANDSHAKE_BYTES: Final = _LAYOUT.size
"""Without k."""


@dataclass(frozen=True, slots=True)
class Handshake:
    """What the initiator tells the responder once, in every repetition.

    ``renews`` is the session that this one takes over from, or NO_SESSION.
    """

    certificate: DeviceCertificate
    ephemeral: bytes
    prekey_id: bytes
    psk: bytes
    begun_s: int
    renews: SessionId

    def encode(self) -> bytes:
        """Give the handshake without k."""
        certificate = self.certificate
        return _LAYOUT.pack(
            certificate.version,
            certificate.account_key,
            certificate.device_key,
            certificate.created_s,
            certificate.signature,
            self.ephemeral,
            self.prekey_id,
            self.psk,
            self.begun_s,
            _BEGINNING if self.renews == NO_SESSION else _RENEWAL,
            self.renews,
        )


def decode_handshake(data: bytes) -> Handshake:
    """Read what :meth:`Handshake.encode` wrote.

    Raises:
        Malformed: too short, or of an unknown kind.
    """
    if len(data) != _LAYOUT.size:
        raise Malformed("A first contact without a handshake.")
    version, account, device, created, signature, ephemeral, prekey_id, psk, begun, kind, renews = (
        _LAYOUT.unpack(data)
    )
    if kind not in (_BEGINNING, _RENEWAL) or (kind == _BEGINNING) != (renews == NO_SESSION):
        raise Malformed("A first contact of an unknown kind.")
    certificate = DeviceCertificate(version, account, device, created, signature)
    return Handshake(certificate, ephemeral, prekey_id, psk, begun, SessionId(renews))


class SessionKeys(NamedTuple):
    """What both sides derive. ``forward`` is the initiator's direction, ``back`` the responder's.

    ``associated`` is bound to every ratchet message of the session.
    """

    session: SessionId
    root: bytes
    header_forward: bytes
    header_back: bytes
    tags_forward: bytes
    tags_back: bytes
    associated: bytes


def derive_keys(
    agreement: Agreement, handshake: Handshake, bundle: bytes, bundle_hash: BundleHash
) -> SessionKeys:
    """Give the keys of the session that a handshake begins.

    HKDF-SHA256 over the X3DH secret and the psk, salted with BLAKE2b-256 of the bundle, under one
    label for each key.
    """
    secret = agreement.secret + handshake.psk
    salt = labelled_hash(b"molva salt 1", bundle, 32)

    def key(label: bytes, size_bytes: int) -> bytes:
        return hkdf(secret, salt, b"molva session " + label + b" 1", size_bytes)

    bound = hashlib.blake2b(digest_size=32, person=b"molva session ad")
    for part in (agreement.associated, bundle_hash, handshake.encode()):
        bound.update(len(part).to_bytes(4, "big") + part)
    return SessionKeys(
        SessionId(key(b"id", 16)),
        key(b"root", 32),
        key(b"header forward", 32),
        key(b"header back", 32),
        key(b"tags forward", 32),
        key(b"tags back", 32),
        bound.digest(),
    )
