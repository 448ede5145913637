"""The seam below which randomness is drawn by libraries: the cipher suite of a session.

The real suite is X3DH + Double Ratchet + HPKE X-Wing. Large simulations use a size-exact stand-in
and name it in their results.
"""

from __future__ import annotations

from typing import Protocol


class Suite(Protocol):
    """(to be settled with the real suite)"""
