"""Targets for what a holder, an issuer and a publisher of lists may send to the verifier.

In one sentence: any bytes give a verified value or a refusal by a rule's name. Tokens are signed
again where the fuzzer would never find a signature: a byte that says where from, then content.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from typing import Any, Final

import cbor2

from p2p.credentials import rules
from p2p.credentials.cbor import decode, encode
from p2p.credentials.presentation import json_ready
from p2p.credentials.request_file import read_request
from p2p.credentials.status_book import StatusBook
from p2p.credentials.status_list import StatusReader
from p2p.credentials.trust_lists import read_lote, read_vical
from p2p.credentials.verify import ShortNonceMemory, verify
from p2p.credentials.x509_trust import TrustStore, anchors_from_pem
from p2p.errors import CredentialError, InvalidInput
from tests.credentials.attempts import MDOC_REQUEST, SD_REQUEST, trusting
from tests.credentials.issuer import SdJwt, StatusToken, compact
from tests.credentials.mdoc_issuer import Mdoc, embedded, sign1
from tests.credentials.pki import NOW, World, cose_alg, new_world

RULES: Final = frozenset(rule.name for rule in rules.RULES)


@cache
def world() -> World:
    return new_world()


@cache
def trust() -> TrustStore:
    return trusting(world().root)


def _verdict(call: Callable[[], Any]) -> None:
    """Judge, and let a foreseen refusal pass; what is verified can be shown as JSON."""
    refusal: Exception | None = None
    found: Any = None
    try:
        found = call()
    except (CredentialError, InvalidInput) as error:
        refusal = error
    if isinstance(refusal, CredentialError):
        assert refusal.rule in RULES
    if refusal is not None:
        assert str(refusal).encode("utf-8", "strict")
    elif hasattr(found, "claims"):
        assert json.dumps(json_ready(found.claims), allow_nan=False).isascii()


def _verify(data: bytes, request: Any) -> Any:
    return verify(data, request, trust(), StatusBook(), NOW, nonces=ShortNonceMemory())


def sd_jwt(data: bytes) -> None:
    """A presentation as text."""
    _verdict(lambda: _verify(data, SD_REQUEST))


def sd_jwt_signed(data: bytes) -> None:
    """What an issuer signed, and disclosures: the payload's JSON, then disclosures after NULs."""
    payload, *disclosures = data.split(b"\0")

    def bent() -> bytes:
        case = SdJwt(world())
        case.disclosures = [text.decode("latin-1") for text in disclosures]
        issued = compact(case.header, payload, case.signer.key)
        return "~".join([issued, *case.disclosures, ""]).encode("utf-8")

    _verdict(lambda: _verify(bent() + b"a.b.c", SD_REQUEST))


def mdoc(data: bytes) -> None:
    """A device response."""
    _verdict(lambda: _verify(data, MDOC_REQUEST))


def mdoc_signed(data: bytes) -> None:
    """A security object that an issuer signed."""
    case = Mdoc(world())
    payload = cbor2.dumps(embedded(data))
    auth = sign1(
        {1: cose_alg(case.signer.key)}, case.issuer_unprotected, payload, case.signer.key,
        attached=True,
    )  # fmt: skip

    def bend(document: dict[str, Any]) -> dict[str, Any]:
        return document | {"issuerSigned": document["issuerSigned"] | {"issuerAuth": auth}}

    case.bend_document = bend
    _verdict(lambda: _verify(case.build(), MDOC_REQUEST))


def status_token(data: bytes) -> None:
    """A status list token of either form."""
    _verdict(lambda: StatusReader(trust()).read(data, NOW))


def status_signed(data: bytes) -> None:
    """The compressed statuses in an authentic token; the first byte says how wide they are."""
    token = StatusToken(world().status, bits=data[0] if data else 1, compressed=data[1:])

    def look_up() -> None:
        bits = StatusReader(trust()).read(token.cwt(), NOW).bits
        assert 0 <= bits.at(0) < 1 << bits.bits
        bits.at(len(bits) - 1)

    _verdict(look_up)


def trust_list(data: bytes) -> None:
    """A VICAL and a LoTE."""
    _verdict(lambda: read_vical(data, trust(), NOW))
    _verdict(lambda: read_lote(data.decode("utf-8", "replace"), trust(), NOW))


def anchors(data: bytes) -> None:
    """A file of certificates."""
    _verdict(lambda: anchors_from_pem(data))


def request(data: bytes) -> None:
    """A request file."""
    _verdict(lambda: read_request(data))


def cbor(data: bytes) -> None:
    """One CBOR value; what is read can be written and read again."""
    with suppress(CredentialError):
        value = decode(data, "It")
        assert repr(decode(encode(value), "It")) == repr(value)


CREDENTIAL_TARGETS: Final[dict[str, Callable[[bytes], None]]] = {
    target.__name__: target
    for target in (
        sd_jwt,
        sd_jwt_signed,
        mdoc,
        mdoc_signed,
        status_token,
        status_signed,
        trust_list,
        anchors,
        request,
        cbor,
    )
}


def _payload(case: SdJwt) -> bytes:
    parts = [json.dumps(case.payload).encode(), *(each.encode() for each in case.disclosures)]
    return b"\0".join(parts)


def _security_object() -> bytes:
    payload = Mdoc(world()).document()["issuerSigned"]["issuerAuth"][2]
    return cbor2.loads(payload).value


def credential_seeds() -> dict[str, list[bytes]]:
    """Good forms of each target, for a fuzzer to begin with."""
    made, token = world(), StatusToken(world().status)
    jwt = {"format": "dc+sd-jwt", "audience": "a", "nonce": "n", "vct": "v"}
    transcript = {"format": "mso_mdoc", "doc_type": "d", "session_transcript": "g_b29g"}
    good_sd_jwt, good_mdoc = SdJwt(made).build(), Mdoc(made).build()
    return {
        "sd_jwt": [good_sd_jwt],
        "sd_jwt_signed": [_payload(SdJwt(made)), _payload(SdJwt(made).with_status())],
        "mdoc": [good_mdoc],
        "mdoc_signed": [_security_object()],
        "status_token": [token.jwt(), token.cwt()],
        "status_signed": [b"\x02" + token.stream(), b"\x01" + token.stream()],
        "trust_list": [token.jwt(), token.cwt()],
        "anchors": [b"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"],
        "request": [json.dumps(jwt).encode(), json.dumps(transcript).encode()],
        "cbor": [good_mdoc, b"\xd8\x18\x41\x00", b"\x9f\x01\xff", b"\xfb" + bytes(8)],
    }
