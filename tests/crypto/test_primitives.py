"""The primitives as we call them, held to published vectors and to attacks on them."""

from __future__ import annotations

import hashlib
import hmac
import json
from pathlib import Path

import pytest
from cryptography.hazmat.bindings._rust import openssl
from cryptography.hazmat.primitives import hpke as library_hpke
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV

from p2p.crypto import aead, hpke
from p2p.crypto.kdf import hkdf, keyed_hash, labelled_hash
from p2p.errors import NotAuthentic
from p2p.wire.envelope import ENCAPSULATED_SIZE_BYTES

vectors = pytest.importorskip("cryptography_vectors", reason="published vectors not installed")

SECRET = bytes(range(96))
INFO = b"molva test"

# RFC 7748 and libsodium's list: points whose multiples are all of small order.
SMALL_ORDER_X25519 = [
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
    "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
]


def open_vectors(*path: str) -> str:
    """Read a file of the vectors package, or skip where this release does not have it."""
    file = Path(vectors.__file__).parent.joinpath(*path)
    if not file.exists():
        pytest.skip(f"this release of the vectors has no {'/'.join(path)}")
    return file.read_text(encoding="utf-8")


def test_xchacha20_poly1305_gives_the_drafts_vector() -> None:
    # draft-irtf-cfrg-xchacha-03, appendix A.3.1.
    text = (
        b"Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the "
        b"future, sunscreen would be it."
    )
    key = bytes(range(0x80, 0xA0))
    nonce = bytes(range(0x40, 0x58))
    bound = bytes.fromhex("50515253c0c1c2c3c4c5c6c7")
    sealed = aead.seal(key, nonce, bound, text)
    assert sealed.hex().startswith("bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396c")
    assert sealed.hex().endswith("c0875924c1c7987947deafd8780acf49")
    assert aead.open_sealed(key, nonce, bound, sealed) == text


def test_xchacha20_poly1305_refuses_every_change() -> None:
    key, nonce, bound = bytes(32), bytes(24), b"bound"
    sealed = aead.seal(key, nonce, bound, b"text")
    for at in range(len(sealed)):
        with pytest.raises(NotAuthentic):
            aead.open_sealed(key, nonce, bound, _flipped(sealed, at))
    for wrong in (
        (b"\x01" + key[1:], nonce, bound, sealed),
        (key, b"\x01" + nonce[1:], bound, sealed),
        (key, nonce, b"bounds", sealed),
        (key, nonce, bound, sealed[:-1]),
        (key, nonce, bound, sealed[:15]),
        (key, nonce, bound, b""),
    ):
        with pytest.raises(NotAuthentic):
            aead.open_sealed(*wrong)


def test_hkdf_is_rfc_5869s() -> None:
    prk = hmac.new(b"salt", b"secret", hashlib.sha256).digest()
    first = hmac.new(prk, b"molva x\x01", hashlib.sha256).digest()
    second = hmac.new(prk, first + b"molva x\x02", hashlib.sha256).digest()
    assert hkdf(b"secret", b"salt", b"molva x", 40) == (first + second)[:40]


def test_labels_set_hashes_apart_and_must_be_ours() -> None:
    assert labelled_hash(b"molva a", b"x", 16) != labelled_hash(b"molva b", b"x", 16)
    assert keyed_hash(b"k", b"molva a", b"x", 16) != keyed_hash(b"k", b"molva b", b"x", 16)
    for call in (
        lambda: labelled_hash(b"other", b"", 16),
        lambda: keyed_hash(b"k", b"other", b"", 16),
        lambda: hkdf(b"", b"", b"other", 16),
        lambda: hpke.seal(hpke.public_of(SECRET), b"other", b""),
        lambda: hpke.open_sealed(SECRET, b"other", b""),
    ):
        with pytest.raises(AssertionError):
            call()


def test_hpke_opens_what_it_sealed_and_nothing_else() -> None:
    public = hpke.public_of(SECRET)
    assert hpke.check_public(public) == public
    sealed = hpke.seal(public, INFO, b"text")
    assert len(sealed) == ENCAPSULATED_SIZE_BYTES + 4 + 16
    assert hpke.open_sealed(SECRET, INFO, sealed) == b"text"
    for at in range(0, len(sealed), 13):
        with pytest.raises(NotAuthentic):
            hpke.open_sealed(SECRET, INFO, _flipped(sealed, at))
    for secret, info, data in (
        (b"\x01" + SECRET[1:], INFO, sealed),
        (SECRET[:-1] + b"\x00", INFO, sealed),
        (SECRET, INFO + b"x", sealed),
        (SECRET, INFO, sealed[:-1]),
        (SECRET, INFO, sealed[:100]),
        (SECRET, INFO, b""),
    ):
        with pytest.raises(NotAuthentic):
            hpke.open_sealed(secret, info, data)


@pytest.mark.parametrize("point", SMALL_ORDER_X25519)
def test_hpke_refuses_keys_of_small_order(point: str) -> None:
    weak = hpke.KemPublic(hpke.public_of(SECRET).ml, bytes.fromhex(point))
    with pytest.raises(NotAuthentic):
        hpke.check_public(weak)
    sealed = hpke.seal(hpke.public_of(SECRET), INFO, b"text")
    forged = sealed[:1088] + bytes.fromhex(point) + sealed[1120:]
    with pytest.raises(NotAuthentic):
        hpke.open_sealed(SECRET, INFO, forged)


def test_hpke_refuses_a_public_key_that_is_none() -> None:
    for ml in (b"\xff" * 1184, bytes(10)):
        with pytest.raises(NotAuthentic):
            hpke.check_public(hpke.KemPublic(ml, hpke.public_of(SECRET).x25519))


def test_x_wing_opens_the_drafts_vectors() -> None:
    rows = json.loads(open_vectors("HPKE", "hpke-pq-test-vectors.json"))
    ours = [row for row in rows if (row["kem_id"], row["kdf_id"], row["aead_id"]) == (0x647A, 1, 3)]
    assert ours
    suite = library_hpke.Suite(
        library_hpke.KEM.MLKEM768_X25519,
        library_hpke.KDF.HKDF_SHA256,
        library_hpke.AEAD.CHACHA20_POLY1305,
    )
    for row in ours:
        # The draft expands one 32-byte seed into ML-KEM's and X25519's.
        seed = hashlib.shake_256(bytes.fromhex(row["skRm"])).digest(96)
        public = hpke.public_of(seed)
        assert (public.ml + public.x25519).hex() == row["pkRm"]
        private = library_hpke.MLKEM768X25519PrivateKey(
            MLKEM768PrivateKey.from_seed_bytes(seed[:64]),
            X25519PrivateKey.from_private_bytes(seed[64:]),
        )
        message = row["encryptions"][0]
        plaintext = openssl.hpke._decrypt_with_aad(
            suite,
            bytes.fromhex(row["enc"] + message["ct"]),
            private,
            bytes.fromhex(row["info"]),
            bytes.fromhex(message["aad"]),
        )
        assert plaintext.hex() == message["pt"]


def test_ml_kem_768_gives_the_published_keys_and_secrets() -> None:
    fields: dict[str, str] = {}
    seen = 0
    for line in open_vectors("asymmetric", "MLKEM", "kat_MLKEM_768.rsp").splitlines():
        name, _, value = line.partition(" = ")
        fields[name] = value
        if name == "ss" and seen < 25:
            seen += 1
            key = MLKEM768PrivateKey.from_seed_bytes(bytes.fromhex(fields["d"] + fields["z"]))
            assert key.public_key().public_bytes_raw().hex() == fields["pk"]
            assert key.decapsulate(bytes.fromhex(fields["ct"])).hex() == value
    assert seen == 25


def test_aes_256_gcm_siv_gives_the_published_texts() -> None:
    fields: dict[str, str] = {}
    seen = 0
    for line in open_vectors("ciphers", "AES", "GCM-SIV", "openssl.txt").splitlines():
        name, _, value = line.partition(" = ")
        if name == "COUNT":
            fields = {}
        fields[name] = value.strip()
        if name == "Ciphertext" and len(fields.get("Key", "")) == 64:
            text = bytes.fromhex(fields.get("Plaintext", ""))
            if text:
                seen += 1
                sealed = AESGCMSIV(bytes.fromhex(fields["Key"])).encrypt(
                    bytes.fromhex(fields["IV"]), text, bytes.fromhex(fields.get("AAD", ""))
                )
                assert sealed.hex() == value + fields["Tag"]
    assert seen > 10


@pytest.mark.parametrize("point", SMALL_ORDER_X25519)
def test_x25519_never_gives_an_all_zero_secret(point: str) -> None:
    private = X25519PrivateKey.from_private_bytes(bytes(range(32)))
    with pytest.raises(ValueError, match=r"."):
        private.exchange(X25519PublicKey.from_public_bytes(bytes.fromhex(point)))


def _flipped(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
