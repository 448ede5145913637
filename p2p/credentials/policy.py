"""How strict a verifier is: what may vary by use, each with its unit and reason."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final

from p2p.credentials.x509_trust import DOCUMENT_SIGNER, Purpose

DAY_S: Final = 86_400
RELEASED_AT: Final = 1_795_219_200
"""2026-11-21, when this release was made: a clock that shows less is wrong."""


class StatusPolicy(Enum):
    """What to do about revocation.

    ``REQUIRE`` refuses a credential that was revoked, or that names a status list of which we
    have no fresh authentic copy. ``REPORT`` leaves both to whoever reads the verdict.
    """

    REQUIRE = "require"
    REPORT = "report"


@dataclass(frozen=True, slots=True)
class Policy:
    """The verifier's choices. Seconds throughout.

    Attributes:
        status: whether an unknown or bad status refuses.
        status_age_max_s: an older status list is not fresh, whatever it says itself.
        short_lived_s: a credential issued for at most so long needs no status list.
        key_binding_age_max_s: how old a holder's proof may be; a nonce lives 5 minutes.
        clock_skew_s: how far the clocks of issuer, holder and verifier may differ.
        clock_floor: seconds since 1970 before which the clock is certainly wrong: the release
            date, or the latest time that a pinned issuer has signed.
        issuer: what an issuer's certificate must be made for.
    """

    status: StatusPolicy = StatusPolicy.REQUIRE
    status_age_max_s: int = 7 * DAY_S
    short_lived_s: int = 0
    key_binding_age_max_s: int = 300
    clock_skew_s: int = 60
    clock_floor: int = 0
    issuer: Purpose = DOCUMENT_SIGNER


AGE_CHECK: Final = Policy(status_age_max_s=7 * DAY_S, short_lived_s=DAY_S)
"""For a counter: a week-old list will do."""
CONTRACT: Final = Policy(status_age_max_s=DAY_S, short_lived_s=DAY_S)
"""For a signature that binds: yesterday's list at the oldest."""
