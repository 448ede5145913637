from __future__ import annotations

import pytest
import xeddsa

from p2p.errors import NotAuthentic
from p2p.sessions.x3dh_suite import X3dhSuite, _signed_prekey
from tests.sessions.fakes import Person, SeededEntropy

SUITE = X3dhSuite()
ALICE, BOB = Person(1).identity, Person(2).identity
PREKEYS = SUITE.make_prekeys(BOB.device_seed, SeededEntropy(3))
SMALL_ORDER = [
    bytes(32),
    b"\x01" + bytes(31),
    bytes.fromhex("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800"),
    bytes.fromhex("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
]


def signed(prekey: bytes) -> bytes:
    """Sign any prekey as a dishonest owner of bob's device could."""
    private = xeddsa.seed_to_priv(BOB.device_seed)
    return xeddsa.ed25519_priv_sign(private, _signed_prekey(prekey))


def test_both_sides_agree_and_name_each_other() -> None:
    begun = SUITE.agree(ALICE.device_seed, BOB.device_key, PREKEYS.prekey, PREKEYS.signature)
    answered = SUITE.agree_as_responder(
        BOB.device_seed, PREKEYS.secret, ALICE.device_key, begun.ephemeral
    )
    assert begun == answered
    assert ALICE.device_key in begun.associated
    assert BOB.device_key in begun.associated
    again = SUITE.agree(ALICE.device_seed, BOB.device_key, PREKEYS.prekey, PREKEYS.signature)
    assert again.secret != begun.secret


def test_an_honest_bundle_passes() -> None:
    SUITE.check_prekeys(BOB.device_key, PREKEYS.prekey, PREKEYS.signature, PREKEYS.kem)


def test_a_prekey_of_another_device_is_refused() -> None:
    with pytest.raises(NotAuthentic, match="signature"):
        SUITE.check_prekeys(ALICE.device_key, PREKEYS.prekey, PREKEYS.signature, PREKEYS.kem)
    with pytest.raises(NotAuthentic):
        SUITE.agree(ALICE.device_seed, ALICE.device_key, PREKEYS.prekey, PREKEYS.signature)


@pytest.mark.parametrize("point", SMALL_ORDER)
def test_keys_of_small_order_are_refused_although_they_are_signed(point: bytes) -> None:
    with pytest.raises(NotAuthentic, match="small order"):
        SUITE.check_prekeys(BOB.device_key, point, signed(point), PREKEYS.kem)
    with pytest.raises(NotAuthentic):
        SUITE.agree(ALICE.device_seed, BOB.device_key, point, signed(point))
    with pytest.raises(NotAuthentic):
        SUITE.agree_as_responder(BOB.device_seed, PREKEYS.secret, ALICE.device_key, point)


@pytest.mark.parametrize("point", [b"\x01" + bytes(31), bytes(32), b"\xff" * 32])
def test_a_device_key_that_is_no_key_is_refused(point: bytes) -> None:
    with pytest.raises(NotAuthentic):
        SUITE.agree_as_responder(BOB.device_seed, PREKEYS.secret, point, PREKEYS.prekey)
    with pytest.raises(NotAuthentic):
        SUITE.check_prekeys(point, PREKEYS.prekey, PREKEYS.signature, PREKEYS.kem)
