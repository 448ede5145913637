"""A Double Ratchet written from Signal's specification (revision 4), sections 3.1 to 3.5.

It shares no code with the library or with :mod:`p2p.sessions`; the tests let it talk to the real
one. Keys and functions carry the names of the specification.
"""

from __future__ import annotations

import hashlib
import hmac
import struct

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV

MAX_SKIP = 1_000


def dh(pair: X25519PrivateKey, public: bytes) -> bytes:
    return pair.exchange(X25519PublicKey.from_public_bytes(public))


def public_of(pair: X25519PrivateKey) -> bytes:
    return pair.public_key().public_bytes_raw()


def kdf_rk(rk: bytes, dh_out: bytes) -> tuple[bytes, bytes]:
    """HKDF-SHA256 (RFC 5869) written out: two blocks."""
    prk = hmac.new(rk, dh_out, hashlib.sha256).digest()
    first = hmac.new(prk, b"molva root chain 1\x01", hashlib.sha256).digest()
    second = hmac.new(prk, first + b"molva root chain 1\x02", hashlib.sha256).digest()
    return first, second


def kdf_ck(ck: bytes) -> tuple[bytes, bytes]:
    chain = hmac.new(ck, b"molva chain key 1molva ratchet 1", hashlib.sha256).digest()
    message = hmac.new(ck, b"molva message key 1molva ratchet 1", hashlib.sha256).digest()
    return chain, message


class SmallRatchet:
    """State variables of section 3.2: DHs, DHr, RK, CKs, CKr, Ns, Nr, PN, MKSKIPPED."""

    def __init__(self, rk: bytes, pair: X25519PrivateKey) -> None:
        self.dhs = pair
        self.dhr: bytes | None = None
        self.rk = rk
        self.cks: bytes | None = None
        self.ckr: bytes | None = None
        self.ns = self.nr = self.pn = 0
        self.mkskipped: dict[tuple[bytes, int], bytes] = {}

    @classmethod
    def init_alice(cls, sk: bytes, bob_public: bytes) -> SmallRatchet:
        state = cls(sk, X25519PrivateKey.generate())
        state.dhr = bob_public
        state.rk, state.cks = kdf_rk(sk, dh(state.dhs, bob_public))
        return state

    @classmethod
    def init_bob(cls, sk: bytes, bob_pair: X25519PrivateKey) -> SmallRatchet:
        return cls(sk, bob_pair)

    def encrypt(self, plaintext: bytes, ad: bytes) -> tuple[bytes, int, int, bytes]:
        assert self.cks is not None
        self.cks, mk = kdf_ck(self.cks)
        header = (public_of(self.dhs), self.pn, self.ns)
        self.ns += 1
        return *header, AESGCMSIV(mk).encrypt(bytes(12), plaintext, ad + concat(*header))

    def decrypt(self, key: bytes, pn: int, n: int, text: bytes, ad: bytes) -> bytes:
        bound = ad + concat(key, pn, n)
        if (key, n) in self.mkskipped:
            return AESGCMSIV(self.mkskipped.pop((key, n))).decrypt(bytes(12), text, bound)
        if key != self.dhr:
            self.skip_message_keys(pn)
            self.dh_ratchet(key)
        self.skip_message_keys(n)
        assert self.ckr is not None
        self.ckr, mk = kdf_ck(self.ckr)
        self.nr += 1
        return AESGCMSIV(mk).decrypt(bytes(12), text, bound)

    def skip_message_keys(self, until: int) -> None:
        assert self.nr + MAX_SKIP >= until
        if self.ckr is not None:
            assert self.dhr is not None
            while self.nr < until:
                self.ckr, mk = kdf_ck(self.ckr)
                self.mkskipped[self.dhr, self.nr] = mk
                self.nr += 1

    def dh_ratchet(self, key: bytes) -> None:
        self.pn, self.ns, self.nr = self.ns, 0, 0
        self.dhr = key
        self.rk, self.ckr = kdf_rk(self.rk, dh(self.dhs, key))
        self.dhs = X25519PrivateKey.generate()
        self.rk, self.cks = kdf_rk(self.rk, dh(self.dhs, key))


def concat(key: bytes, pn: int, n: int) -> bytes:
    return key + struct.pack(">II", pn, n)
