"""What a credential proved before its status is looked up.

The two formats end here, so that status, nonce and verdict have one road for both.
"""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from p2p.credentials.presentation import Claims, HolderProof
from p2p.credentials.rules import VALIDITY, refused
from p2p.credentials.x509_trust import Signer


@dataclass(frozen=True, slots=True)
class NoStatus:
    """The credential names no way to learn of its revocation."""


@dataclass(frozen=True, slots=True)
class OtherStatus:
    """The credential names only ways to learn of its revocation that we do not know."""


class StatusReference(msgspec.Struct, frozen=True):
    """Where the credential's status stands: an index in the list of that address.

    The address is a name to look up among lists we hold; it is never opened.
    """

    uri: str
    index: int


StatusClaim = NoStatus | OtherStatus | StatusReference


class Established(msgspec.Struct, frozen=True):
    """A credential that verified, with its holder's proof, but for its status.

    ``replay_key`` names the one session that the proof may serve. Times are seconds since 1970,
    None where the issuer set none.
    """

    format: str
    kind: str
    signer: Signer
    claims: Claims
    self_asserted: Claims
    proof: HolderProof
    issued_at: int | None
    valid_from: int | None
    valid_until: int | None
    status: StatusClaim
    replay_key: str


def require_current(
    issued_at: int | None, valid_from: int | None, valid_until: int | None, now: int, skew: int
) -> None:
    """Refuse what is not valid now; only a beginning may be off by the clocks' difference.

    Raises:
        CredentialError: rule ``validity``.
    """
    if valid_until is not None and now >= valid_until:
        raise refused(VALIDITY, "The credential has expired.")
    if valid_until is not None and valid_from is not None and valid_from >= valid_until:
        raise refused(VALIDITY, "The credential ends before it begins.")
    if valid_from is not None and now + skew < valid_from:
        raise refused(VALIDITY, "The credential is not valid yet.")
    if issued_at is not None and now + skew < issued_at:
        raise refused(VALIDITY, "The credential was issued in the future.")
