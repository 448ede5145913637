"""Keys from passphrases."""

from __future__ import annotations

import pytest

from p2p.crypto.passphrase import StretchCost, stretch

CHEAP = StretchCost(operations=1, memory_bytes=8_192)


def test_is_argon2id() -> None:
    # t=1, m=8 KiB, one lane; the same from OpenSSL's implementation.
    key = stretch("correct horse", bytes(range(16)), CHEAP)
    assert key.hex() == "3bfa796a86260b73457e1290b51695931a17e266f601d0fb45563e282fb6865b"


@pytest.mark.parametrize(
    ("passphrase", "salt", "cost"),
    [
        ("correct horsf", bytes(range(16)), CHEAP),
        ("correct horse", bytes(16), CHEAP),
        ("correct horse", bytes(range(16)), StretchCost(2, 8_192)),
        ("correct horse", bytes(range(16)), StretchCost(1, 16_384)),
    ],
)
def test_everything_counts(passphrase: str, salt: bytes, cost: StretchCost) -> None:
    assert stretch(passphrase, salt, cost) != stretch("correct horse", bytes(range(16)), CHEAP)
