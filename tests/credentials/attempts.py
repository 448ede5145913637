"""One try at the verifier's door: a presentation with all that is given beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from p2p.credentials.policy import Policy
from p2p.credentials.presentation import MdocRequest, Request, SdJwtRequest, Verified
from p2p.credentials.status_book import StatusBook
from p2p.credentials.status_list import StatusReader
from p2p.credentials.verify import ShortNonceMemory, verify
from p2p.credentials.x509_trust import TrustStore
from tests.credentials.issuer import SdJwt
from tests.credentials.mdoc_issuer import Mdoc, openid_transcript
from tests.credentials.pki import AUDIENCE, DOC_TYPE, NONCE, NOW, VCT, Party, World, pem

SD_REQUEST = SdJwtRequest(AUDIENCE, NONCE, VCT)
MDOC_REQUEST = MdocRequest(DOC_TYPE, openid_transcript())


def trusting(*parties: Party) -> TrustStore:
    return TrustStore.from_pem([pem(party.cert) for party in parties], as_of=NOW - 3600)


@dataclass
class Attempt:
    presentation: bytes
    request: Request
    trust: TrustStore
    book: StatusBook
    policy: Policy
    nonces: ShortNonceMemory
    now: int

    def run(self) -> Verified:
        return verify(
            self.presentation,
            self.request,
            self.trust,
            self.book,
            self.now,
            nonces=self.nonces,
            policy=self.policy,
        )


def _attempt(
    world: World,
    presentation: bytes,
    request: Request,
    tokens: Iterable[bytes] = (),
    trust: TrustStore | None = None,
    policy: Policy | None = None,
    now: int = NOW,
) -> Attempt:
    book = StatusBook()
    for token in tokens:
        book.add(token, StatusReader(trusting(world.root)), NOW)
    return Attempt(
        presentation,
        request,
        trust or trusting(world.root),
        book,
        policy or Policy(),
        ShortNonceMemory(),
        now,
    )


def sd(
    world: World,
    bend: Callable[[SdJwt], Any] | None = None,
    *,
    raw: Callable[[bytes], bytes] | None = None,
    request: Request = SD_REQUEST,
    **beside: Any,
) -> Attempt:
    """An SD-JWT VC, bent before it is signed (``bend``) or after (``raw``)."""
    case = SdJwt(world)
    if bend:
        bend(case)
    data = case.build()
    return _attempt(world, raw(data) if raw else data, request, **beside)


def md(
    world: World,
    bend: Callable[[Mdoc], Any] | None = None,
    *,
    raw: Callable[[bytes], bytes] | None = None,
    request: Request = MDOC_REQUEST,
    **beside: Any,
) -> Attempt:
    """An mdoc, bent before it is signed (``bend``) or after (``raw``)."""
    case = Mdoc(world)
    if bend:
        bend(case)
    data = case.build()
    return _attempt(world, raw(data) if raw else data, request, **beside)
