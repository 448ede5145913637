"""The safety number: what two people compare to know that nobody sits between them."""

from __future__ import annotations

import hashlib
from typing import Final

from p2p.wire.ids import AccountKey

_LABEL: Final = b"molva safety number 1"
_ITERATIONS: Final = 1_024
"""Makes a search for a key with a similar number a thousand times dearer; about 1 ms here."""
_GROUPS: Final = 12
_GROUP_BYTES: Final = 5


def safety_number(account_a: AccountKey, account_b: AccountKey) -> str:
    """Give 60 digits in 12 groups of 5, the same for both people.

    SHA-512, iterated, over both keys in their byte order; each group is five bytes of the result,
    modulo 100,000 (the shape of Signal's number, with our label).
    """
    keys = b"".join(sorted((bytes(account_a), bytes(account_b))))
    digest = hashlib.sha512(_LABEL + keys).digest()
    for _ in range(_ITERATIONS):
        digest = hashlib.sha512(digest + keys).digest()
    groups = (
        int.from_bytes(digest[at : at + _GROUP_BYTES], "big") % 100_000
        for at in range(0, _GROUPS * _GROUP_BYTES, _GROUP_BYTES)
    )
    return " ".join(f"{group:05d}" for group in groups)
