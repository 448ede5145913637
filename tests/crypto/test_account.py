from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from p2p.crypto.account import (
    account_key_of,
    certify_device,
    check_certificate,
    device_key_of,
    seed_of,
    words_of,
)
from p2p.crypto.safety import safety_number
from p2p.crypto.signing import check_signature, public_key_of, sign
from p2p.errors import InvalidInput, NotAuthentic, WrongVersion

SEED = bytes(range(32))
OTHER = bytes(range(32, 64))

# From the test vectors of BIP-39 (trezor/python-mnemonic, vectors.json).
BIP39 = [
    ("00" * 32, "abandon " * 23 + "art"),
    (
        "7f" * 32,
        "legal winner thank year wave sausage worth useful " * 2
        + "legal winner thank year wave sausage worth title",
    ),
    (
        "80" * 32,
        "letter advice cage absurd amount doctor acoustic avoid " * 2
        + "letter advice cage absurd amount doctor acoustic bless",
    ),
    ("ff" * 32, "zoo " * 23 + "vote"),
]


@pytest.mark.parametrize(("seed", "words"), BIP39)
def test_words_are_those_of_bip_39(seed: str, words: str) -> None:
    assert words_of(bytes.fromhex(seed)) == words
    assert seed_of(words) == bytes.fromhex(seed)


@given(st.binary(min_size=32, max_size=32))
def test_words_give_the_seed_back(seed: bytes) -> None:
    assert seed_of(words_of(seed)) == seed


def test_case_and_spacing_of_words_do_not_matter() -> None:
    assert seed_of("\n  " + words_of(SEED).upper().replace(" ", "\t \n")) == SEED


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda words: words[:-1], "24 words"),
        (lambda words: [*words, "zoo"], "24 words"),
        (lambda words: ["molva", *words[1:]], "Word 1"),
        (lambda words: [words[1], words[0], *words[2:]], "belong together"),
        (lambda words: [], "24 words"),
    ],
)
def test_wrong_words_are_refused_with_what_is_wrong(change, says: str) -> None:
    with pytest.raises(InvalidInput, match=says):
        seed_of(" ".join(change(words_of(SEED).split())))


def test_a_certificate_holds_for_its_account_and_device() -> None:
    certificate = certify_device(SEED, device_key_of(OTHER), 1_700_000_000)
    assert check_certificate(certificate) == certificate
    assert certificate.account_key == account_key_of(SEED)


@pytest.mark.parametrize(
    "change",
    [
        {"account_key": account_key_of(OTHER)},
        {"device_key": account_key_of(SEED)},
        {"created_s": 1_700_000_001},
        {"signature": bytes(64)},
    ],
)
def test_a_changed_certificate_does_not_hold(change: dict) -> None:
    certificate = certify_device(SEED, device_key_of(OTHER), 1_700_000_000)
    with pytest.raises(NotAuthentic):
        check_certificate(replace(certificate, **change))


def test_a_certificate_of_another_version_is_named_so() -> None:
    certificate = certify_device(SEED, device_key_of(OTHER), 1)
    with pytest.raises(WrongVersion):
        check_certificate(replace(certificate, version=2))


def test_a_signature_for_one_purpose_does_not_hold_for_another() -> None:
    signature = sign(SEED, b"molva one thing")
    assert check_signature(public_key_of(SEED), b"molva one thing", signature) == b"molva one thing"
    with pytest.raises(NotAuthentic):
        check_signature(public_key_of(SEED), b"molva another thing", signature)
    with pytest.raises(AssertionError):
        sign(SEED, b"no label")


# Eight points of small order and their encodings: a signature under such a key proves nothing.
SMALL_ORDER = [
    "0100000000000000000000000000000000000000000000000000000000000000",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0000000000000000000000000000000000000000000000000000000000000080",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
]


@pytest.mark.parametrize("key", SMALL_ORDER)
def test_keys_of_small_order_sign_nothing(key: str) -> None:
    # R = identity, S = 0 satisfies the bare equation under such keys.
    with pytest.raises(NotAuthentic):
        check_signature(bytes.fromhex(key), b"molva x", b"\x01" + bytes(63))


def test_a_signature_with_its_scalar_beyond_the_order_is_refused() -> None:
    order = 2**252 + 27742317777372353535851937790883648493
    signature = sign(SEED, b"molva x")
    scalar = int.from_bytes(signature[32:], "little") + order
    with pytest.raises(NotAuthentic):
        check_signature(
            public_key_of(SEED), b"molva x", signature[:32] + scalar.to_bytes(32, "little")
        )


def test_both_people_see_the_same_safety_number() -> None:
    alice, bob = account_key_of(SEED), account_key_of(OTHER)
    number = safety_number(alice, bob)
    assert number == safety_number(bob, alice)
    groups = number.split(" ")
    assert len(groups) == 12
    assert all(len(group) == 5 and group.isdigit() for group in groups)
    assert number != safety_number(alice, account_key_of(bytes(32)))
