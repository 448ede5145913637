"""Keys that cannot prove anything, and what is nearly a key."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cbor2
import pytest

from p2p.credentials import rules
from p2p.errors import CredentialError
from tests.credentials.attempts import md, sd
from tests.credentials.mdoc_issuer import Mdoc
from tests.credentials.pki import World, b64, cose_key, new_key
from tests.credentials.vectors import Case, Vectors

VECTORS = Vectors()

PRIME_25519 = 2**255 - 19
PRIME_448 = 2**448 - 2**224 - 1
ORDER_EIGHT = 0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7
SMALL_25519 = (0, 1, PRIME_25519 - 1, ORDER_EIGHT, PRIME_25519 - ORDER_EIGHT)
POINTS_25519 = [
    (y | sign << 255).to_bytes(32, "little")
    for y in (*SMALL_25519, PRIME_25519, PRIME_25519 + 1)
    for sign in (0, 1)
]
"""Every way to write a point of small order, those with y beyond the prime among them."""
POINTS_448 = [
    (y | sign << 455).to_bytes(57, "little")
    for y in (0, 1, PRIME_448 - 1, PRIME_448)
    for sign in (0, 1)
]


def forgeries(key: bytes) -> list[bytes]:
    """Signatures that need no private key: a small point for R, and nothing for S."""
    points = POINTS_25519 if len(key) == 32 else POINTS_448
    return [point + bytes(len(key)) for point in points]


@pytest.mark.parametrize("key", [*POINTS_25519, *POINTS_448], ids=bytes.hex)
def test_a_device_key_under_which_anybody_can_sign(world: World, key: bytes) -> None:
    curve = 6 if len(key) == 32 else 7
    for signature in forgeries(key):

        def bend(case: Mdoc, signature: bytes = signature) -> None:
            case.device_info["deviceKey"] = {1: 1, -1: curve, -2: key}
            proof = {"deviceSignature": [cbor2.dumps({1: -8}), {}, None, signature]}
            case.proof = lambda asserted: proof  # type: ignore[method-assign]

        with pytest.raises(CredentialError) as caught:
            md(world, bend).run()
        assert caught.value.rule == "key-form"


@pytest.mark.parametrize("key", [POINTS_25519[2], POINTS_448[2]], ids=bytes.hex)
def test_a_holder_key_under_which_anybody_can_sign(world: World, key: bytes) -> None:
    jwk = {"kty": "OKP", "crv": "Ed25519" if len(key) == 32 else "Ed448", "x": b64(key)}
    with pytest.raises(CredentialError) as caught:
        sd(world, lambda c: c.payload.update(cnf={"jwk": jwk})).run()
    assert caught.value.rule == "key-form"


def key_with(**labels: Any) -> Callable[[Mdoc], None]:
    """The device's key with some of its members replaced, by the names of this function."""
    numbers = {"kind": 1, "curve": -1}

    def bend(case: Mdoc) -> None:
        changes = {numbers[name]: value for name, value in labels.items()}
        case.device_info["deviceKey"] = cose_key(case.holder) | changes

    return bend


VECTORS.md(rules.KEY_FORM, "kind-is-a-float", key_with(kind=2.0), key_with(kind=2))
VECTORS.md(rules.KEY_FORM, "curve-is-true", key_with(curve=True), key_with(curve=1))
VECTORS.md(
    rules.KEY_FORM,
    "kind-is-true",
    lambda c: (c.with_holder(new_key("Ed25519")), key_with(kind=True)(c)),
    lambda c: c.with_holder(new_key("Ed25519")),
)


@pytest.mark.parametrize("vector", VECTORS.cases, ids=str)
def test_refused_by_name_and_twin_accepted(vector: Case, world: World) -> None:
    vector.check(world)
