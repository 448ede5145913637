"""Whether a signed blob leads to our anchors, found out before anything that it signs is parsed.

A blob from a stranger may hold hundreds of thousands of values, each cheap to write and costly to
read. Whoever takes in blobs from strangers asks here first: only what somebody whom we trust has
signed is worth the work. The readers of lists then check everything again, in their own order.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from p2p.credentials import cbor
from p2p.credentials.cose import SIGN1_TAG, read_message, verify_sign1
from p2p.credentials.cose import certificate_chain as cose_chain
from p2p.credentials.encoding import base64url_decode, decode_json_object
from p2p.credentials.jose import Token, verify_token
from p2p.credentials.jose import certificate_chain as jose_chain
from p2p.credentials.keys import SigningKey
from p2p.credentials.rules import ENCODING, ISSUER_TRUST, SHAPE, refused
from p2p.credentials.trust_lists import compact_form
from p2p.credentials.x509_trust import Purpose, TrustStore
from p2p.errors import CredentialError

_WHAT: Final = "The signed list"


def check_signature(data: bytes, trust: TrustStore, purpose: Purpose, now: int) -> None:
    """Refuse a JWS or COSE_Sign1 that no signer of ours has signed for this purpose.

    Raises:
        CredentialError: rules ``issuer-trust``, ``certificate``, ``signature``,
            ``signature-form`` or ``algorithm``, or what makes it no signed blob.
    """
    text = data.strip()
    match text[:1]:
        case b"e":
            _check_jws(text, trust, purpose, now)
        case b"{":
            compact = compact_form(text.decode("utf-8", "replace"))
            _check_jws(compact.encode("utf-8", "replace"), trust, purpose, now)
        case _:
            _check_cose(data, trust, purpose, now)


def signed_part(data: bytes) -> bytes:
    """What was signed of a blob that verified: the same in every copy, whatever stands around it.

    Raises:
        CredentialError: it is no signed blob.
    """
    text = data.strip()
    match text[:1]:
        case b"e":
            return text.rpartition(b".")[0]
        case b"{":
            return compact_form(text.decode("utf-8", "replace")).rpartition(".")[0].encode()
        case _:
            message = read_message(cbor.decode(data, _WHAT), SIGN1_TAG, _WHAT)
            return message.protected_bytes + (message.payload or b"")


def _check_jws(data: bytes, trust: TrustStore, purpose: Purpose, now: int) -> None:
    head, _, rest = data.partition(b".")
    payload, _, signature = rest.partition(b".")
    if b"." in signature or not signature:
        raise refused(ENCODING, f"{_WHAT} is not a compact JWS of three parts.")
    header = decode_json_object(base64url_decode(head.decode("latin-1"), _WHAT), _WHAT)
    raw = base64url_decode(signature.decode("latin-1"), _WHAT)
    token = Token(header, {}, head + b"." + payload, raw)

    def check(key: SigningKey) -> None:
        verify_token(token, key, _WHAT)

    _check(jose_chain(token, _WHAT), check, trust, purpose, now)


def _check_cose(data: bytes, trust: TrustStore, purpose: Purpose, now: int) -> None:
    message = read_message(cbor.decode(data, _WHAT), SIGN1_TAG, _WHAT)
    payload = message.payload
    if payload is None:
        raise refused(SHAPE, f"{_WHAT} has no payload.")

    def check(key: SigningKey) -> None:
        verify_sign1(message, payload, key, _WHAT)

    _check(cose_chain(message, _WHAT), check, trust, purpose, now)


def _check(
    chain: Sequence[bytes],
    check: Callable[[SigningKey], None],
    trust: TrustStore,
    purpose: Purpose,
    now: int,
) -> None:
    """Check under the signer that the chain leads to, or without one under any that is pinned."""
    if chain:
        check(trust.signer(chain, purpose, now, now).key)
        return
    for signer in trust.pinned_for(purpose, now, now):
        try:
            check(signer.key)
        except CredentialError:
            continue
        return
    raise refused(ISSUER_TRUST, f"{_WHAT} shows no chain, and no pinned signer made it.")
