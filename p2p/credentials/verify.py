"""The one door: a presentation goes in, a verified value or a named refusal comes out.

Nothing here reads a clock, a file or the network: the time, the anchors and the status lists are
given, so that a verdict can be repeated exactly.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Protocol

from p2p.credentials.established import Established
from p2p.credentials.mdoc import establish_mdoc
from p2p.credentials.policy import Policy
from p2p.credentials.presentation import (
    MDOC_FORMAT,
    MdocRequest,
    Request,
    SdJwtRequest,
    TrustReport,
    Verified,
    require_displayable,
    require_opaque_images,
    require_presentation_size,
)
from p2p.credentials.rules import CLOCK, NONCE_USED, refused
from p2p.credentials.sd_jwt import establish_sd_jwt
from p2p.credentials.status_book import StatusBook
from p2p.credentials.x509_trust import TrustStore

_DEFAULT_POLICY: Final = Policy()


class NonceMemory(Protocol):
    """Remembers which sessions were answered."""

    def burn(self, key: str) -> bool:
        """Mark a session as answered, durably; False where it was so already."""
        ...


class ShortNonceMemory:
    """A memory that lasts as long as the process: for tests and the stateless tool."""

    def __init__(self) -> None:
        self._burned: set[str] = set()

    def burn(self, key: str) -> bool:
        """Mark a session as answered; False where it was so already."""
        if key in self._burned:
            return False
        self._burned.add(key)
        return True


def verify(
    presentation: bytes,
    request: Request,
    trust: TrustStore,
    status: StatusBook,
    now: int,
    *,
    nonces: NonceMemory,
    policy: Policy | None = None,
) -> Verified:
    """Everything a presentation proves, if every rule holds.

    Args:
        presentation: the bytes as received: SD-JWT VC text, or a CBOR device response.
        request: what we asked for, with the nonce or session transcript that we made.
        trust: our anchors.
        status: the status lists we hold.
        now: seconds since 1970.
        nonces: where the session is marked as answered, before anything is shown.
        policy: how strict to be; the defaults of :class:`Policy` where not given.

    Raises:
        CredentialError: names the rule that does not hold; nothing else is raised for any bytes.
        InvalidInput: our own request cannot be meant.
    """
    policy = _DEFAULT_POLICY if policy is None else policy
    if now < policy.clock_floor:
        raise refused(CLOCK, "Our clock is behind what is already known to have happened.")
    require_presentation_size(presentation)
    found = _establish(presentation, request, trust, policy, now)
    issuer = require_displayable(found.signer.certificate.name)
    _require_opaque(found)
    report = status.report(found, policy, now)
    if not nonces.burn(found.replay_key):
        raise refused(NONCE_USED, "This session was answered before.")
    return Verified(
        format=found.format,
        kind=found.kind,
        issuer=issuer,
        claims=found.claims,
        self_asserted=found.self_asserted,
        proof=found.proof,
        issued_at=found.issued_at,
        valid_from=found.valid_from,
        valid_until=found.valid_until,
        status=report,
        trust=_trust_report(found, now),
    )


def _establish(
    presentation: bytes, request: Request, trust: TrustStore, policy: Policy, now: int
) -> Established:
    match request:
        case SdJwtRequest():
            return establish_sd_jwt(presentation, request, trust, policy, now)
        case MdocRequest():
            return establish_mdoc(presentation, request, trust, policy, now)


def _require_opaque(found: Established) -> None:
    if found.format != MDOC_FORMAT:
        require_opaque_images(found.claims)
        return
    for grouped in (found.claims, found.self_asserted):
        for elements in grouped.values():
            if isinstance(elements, Mapping):
                require_opaque_images(
                    {name: value for name, value in elements.items() if isinstance(name, str)}
                )


def _trust_report(found: Established, now: int) -> TrustReport:
    anchor = found.signer.anchor
    age_s = None if anchor.as_of is None else max(0, now - anchor.as_of)
    return TrustReport(anchor.certificate.name, anchor.source, anchor.as_of, age_s)
