"""SD-JWT VC with key binding (RFC 9901; draft-ietf-oauth-sd-jwt-vc-19)."""

from __future__ import annotations

from typing import Final

import msgspec

from p2p.credentials import limits
from p2p.credentials.disclosures import digest_algorithm, hash_text, reveal
from p2p.credentials.encoding import (
    JsonObject,
    JsonValue,
    base64url_decode,
    decode_json_object,
    numeric_date,
    text_member,
)
from p2p.credentials.established import (
    Established,
    NoStatus,
    OtherStatus,
    StatusClaim,
    StatusReference,
    require_current,
)
from p2p.credentials.jose import (
    Token,
    certificate_chain,
    read_compact,
    require_type,
    verify_token,
)
from p2p.credentials.keys import SigningKey, check_jose_algorithm, key_from_jwk
from p2p.credentials.policy import Policy
from p2p.credentials.presentation import SD_JWT_FORMAT, HolderProof, SdJwtRequest
from p2p.credentials.rules import (
    AUDIENCE,
    CREDENTIAL_TYPE,
    ENCODING,
    ISSUER_TRUST,
    KEY_BINDING,
    KEY_BINDING_HASH,
    KEY_BINDING_TIME,
    KEY_FORM,
    LENGTH,
    NO_FETCH,
    NONCE,
    SHAPE,
    TRANSACTION_DATA,
    refused,
)
from p2p.credentials.x509_trust import Signer, TrustStore
from p2p.errors import CredentialError, InvalidInput

CREDENTIAL_TYP: Final = "dc+sd-jwt"
KEY_BINDING_TYP: Final = "kb+jwt"
_ADDRESS_HEADERS: Final = frozenset({"jku", "x5u"})
_CREDENTIAL: Final = "The credential"
_BINDING: Final = "The key binding"


class SdJwt(msgspec.Struct, frozen=True):
    """A presentation in pieces, not yet believed.

    ``covered`` is the exact text that the holder's proof covers, up to and including the last
    tilde; ``binding`` is the proof, empty where there is none.
    """

    token: Token
    disclosures: list[str]
    covered: str
    binding: str


def read_sd_jwt(presentation: bytes) -> SdJwt:
    """The pieces of ``jwt~disclosure~...~proof``.

    Raises:
        CredentialError: rules ``encoding``, ``length``, or those of :func:`read_compact`.
    """
    try:
        text = presentation.decode("ascii")
    except UnicodeDecodeError as exc:
        raise refused(ENCODING, "An SD-JWT is ASCII text.") from exc
    head, tilde, binding = text.rpartition("~")
    if not tilde:
        raise refused(ENCODING, "An SD-JWT ends its signed part with a tilde.")
    issued, *disclosures = head.split("~", limits.DISCLOSURES_MAX + 1)
    if len(disclosures) > limits.DISCLOSURES_MAX:
        raise refused(LENGTH, f"There are more than {limits.DISCLOSURES_MAX} disclosures.")
    return SdJwt(read_compact(issued, _CREDENTIAL), disclosures, head + tilde, binding)


def establish_sd_jwt(
    presentation: bytes, request: SdJwtRequest, trust: TrustStore, policy: Policy, now: int
) -> Established:
    """Everything about a presentation but its status.

    Raises:
        CredentialError: the rule that does not hold.
    """
    parts = read_sd_jwt(presentation)
    require_type(parts.token, CREDENTIAL_TYP, _CREDENTIAL)
    signer = _verified_signer(parts.token, request.vct, trust, policy, now)
    claims = reveal(parts.token.payload, parts.disclosures)
    _require_meant(claims, request.audience)
    kinds = credential_kinds(claims)
    _require_kind(kinds, request.vct)
    issued_at = numeric_date(claims, "iat", _CREDENTIAL)
    valid_from = numeric_date(claims, "nbf", _CREDENTIAL)
    valid_until = numeric_date(claims, "exp", _CREDENTIAL)
    require_current(issued_at, valid_from, valid_until, now, policy.clock_skew_s)
    binding = _verified_binding(parts, claims, policy, now)
    _require_addressed(binding, request)
    _require_transactions(binding, request.transaction_data)
    return Established(
        format=SD_JWT_FORMAT,
        kind=kinds[0],
        signer=signer,
        claims=claims,
        self_asserted={},
        proof=HolderProof.KEY_BINDING,
        issued_at=issued_at,
        valid_from=valid_from,
        valid_until=valid_until,
        status=_status_claim(claims),
        replay_key=f"{request.audience}\n{request.nonce}",
    )


def _verified_signer(
    token: Token, kind: str, trust: TrustStore, policy: Policy, now: int
) -> Signer:
    signed_at = numeric_date(token.payload, "iat", _CREDENTIAL)
    when = now if signed_at is None else signed_at
    chain = certificate_chain(token, _CREDENTIAL)
    if chain:
        signer = trust.signer(chain, policy.issuer, now, when, kind)
        verify_token(token, signer.key, _CREDENTIAL)
        return signer
    issuer = token.payload.get("iss")
    address = issuer if isinstance(issuer, str) else ""
    failure = _no_key(token, address)
    for signer in trust.pinned_signers(address, policy.issuer, now, when, kind):
        try:
            verify_token(token, signer.key, _CREDENTIAL)
        except CredentialError as exc:
            failure = exc
        else:
            return signer
    raise failure


def _no_key(token: Token, address: str) -> CredentialError:
    if _ADDRESS_HEADERS & token.header.keys() or address.startswith(("https:", "http:")):
        return refused(NO_FETCH, "The issuer's key would have to be fetched from an address.")
    return refused(ISSUER_TRUST, "The credential does not show who signed it.")


def credential_kinds(claims: JsonObject) -> tuple[str, ...]:
    """The credential's type, then the other types that its issuer says it is of as well.

    Source: SD-JWT VC sections 2.2.2.1 and 2.2.2.2.

    Raises:
        CredentialError: rules ``credential-type`` or ``length``.
    """
    kind = text_member(claims, "vct", CREDENTIAL_TYPE, _CREDENTIAL)
    others = _other_kinds(claims["aka_vcts"]) if "aka_vcts" in claims else ()
    if kind in others:
        raise refused(CREDENTIAL_TYPE, "The credential's own type is among its other types.")
    kinds = (kind, *others)
    if max(map(len, kinds)) > limits.KIND_SIZE_MAX_CHARS:
        raise refused(LENGTH, "The credential's type is longer than a type may be.")
    return kinds


def _other_kinds(others: JsonValue) -> tuple[str, ...]:
    listed = others if isinstance(others, list) else []
    named = tuple(other for other in listed if isinstance(other, str))
    if not named or len(named) != len(listed):
        raise refused(CREDENTIAL_TYPE, "The credential's other types are no list of types.")
    return named


def _require_kind(kinds: tuple[str, ...], wanted: str) -> None:
    if wanted not in kinds:
        raise refused(CREDENTIAL_TYPE, f"The credential is of type {kinds[0]!r:.120}.")


def _require_meant(claims: JsonObject, audience: str) -> None:
    """Refuse a credential that its issuer made for others (RFC 9901 section 7.1, step 6)."""
    for name in ("iss", "sub"):
        if not isinstance(claims.get(name, ""), str):
            raise refused(SHAPE, f"The credential has a {name!r} that is no text.")
    if "aud" in claims:
        meant = claims["aud"]
        if audience not in (meant if isinstance(meant, list) else [meant]):
            raise refused(AUDIENCE, "The issuer made the credential for another verifier.")


def bound_key(claims: JsonObject) -> SigningKey:
    """The holder's key that the issuer bound (RFC 7800 section 3.2, RFC 7517 section 4).

    Raises:
        CredentialError: rules ``key-binding``, ``key-form``, or ``algorithm`` where the key says
            that it is for another one.
    """
    confirmation = claims.get("cnf")
    jwk = confirmation.get("jwk") if isinstance(confirmation, dict) else None
    if jwk is None:
        raise refused(KEY_BINDING, "The issuer bound no key of the holder.")
    key = key_from_jwk(jwk, "The holder's key")
    about = jwk if isinstance(jwk, dict) else {}
    if about.get("use", "sig") != "sig":
        raise refused(KEY_FORM, "The holder's key is not one to sign with.")
    if "alg" in about:
        check_jose_algorithm(key, about["alg"])
    return key


def _verified_binding(parts: SdJwt, claims: JsonObject, policy: Policy, now: int) -> JsonObject:
    """The payload of the holder's proof, checked under the key that the issuer bound."""
    if not parts.binding:
        raise refused(KEY_BINDING, "The holder gave no proof of possession.")
    key = bound_key(claims)
    token = read_compact(parts.binding, _BINDING)
    require_type(token, KEY_BINDING_TYP, _BINDING)
    verify_token(token, key, _BINDING)
    _require_recent(token.payload, policy, now)
    covered = hash_text(parts.covered, digest_algorithm(parts.token.payload), _CREDENTIAL)
    stated = text_member(token.payload, "sd_hash", KEY_BINDING_HASH, _BINDING)
    if stated != covered:
        raise refused(KEY_BINDING_HASH, "The holder's proof covers another presentation.")
    return token.payload


def _require_recent(binding: JsonObject, policy: Policy, now: int) -> None:
    made = numeric_date(binding, "iat", _BINDING)
    if made is None:
        raise refused(KEY_BINDING_TIME, "The holder's proof has no time.")
    if not now - policy.key_binding_age_max_s <= made <= now + policy.clock_skew_s:
        raise refused(KEY_BINDING_TIME, f"The holder's proof was made {now - made} s ago.")
    begins = numeric_date(binding, "nbf", _BINDING)
    ends = numeric_date(binding, "exp", _BINDING)
    if (ends is not None and now >= ends) or (
        begins is not None and now + policy.clock_skew_s < begins
    ):
        raise refused(KEY_BINDING_TIME, "The holder's proof is not valid now.")


def _require_addressed(binding: JsonObject, request: SdJwtRequest) -> None:
    if binding.get("aud") != request.audience:
        raise refused(AUDIENCE, "The holder's proof is addressed to somebody else.")
    if binding.get("nonce") != request.nonce:
        raise refused(NONCE, "The holder's proof answers another nonce.")


def _require_transactions(binding: JsonObject, wanted: tuple[str, ...]) -> None:
    """Compare what the holder agreed to with what was asked (OpenID4VP 1.0 section B.3.3.1)."""
    agreed = binding.get("transaction_data_hashes")
    if not wanted:
        if agreed is not None:
            raise refused(TRANSACTION_DATA, "The holder agreed to a transaction nobody asked for.")
        return
    algorithm = binding.get("transaction_data_hashes_alg", "sha-256")
    if any(algorithm not in _transaction_algorithms(text) for text in wanted):
        raise refused(TRANSACTION_DATA, "The transaction is hashed in a way nobody asked for.")
    expected = sorted(hash_text(text, algorithm, "The transaction") for text in wanted)
    texts = [text for text in agreed if isinstance(text, str)] if isinstance(agreed, list) else []
    if sorted(texts) != expected or agreed != texts:
        raise refused(TRANSACTION_DATA, "The holder did not agree to exactly this transaction.")


def _transaction_algorithms(text: str) -> list[JsonValue]:
    try:
        data = decode_json_object(base64url_decode(text, "It"), "It")
    except CredentialError as exc:
        raise InvalidInput(f"The request has unusable transaction data: {exc}") from exc
    allowed = data.get("transaction_data_hashes_alg", ["sha-256"])
    return allowed if isinstance(allowed, list) else [allowed]


def _status_claim(claims: JsonObject) -> StatusClaim:
    if "status" not in claims:
        return NoStatus()
    status = claims["status"]
    if not isinstance(status, dict):
        raise refused(SHAPE, "The credential's status is no object.")
    if "status_list" not in status:
        return OtherStatus()
    match status["status_list"]:
        case {"uri": str() as uri, "idx": int() as index} if _is_index(index):
            return StatusReference(uri, index)
        case _:
            raise refused(SHAPE, "The credential's status names no list and index.")


def _is_index(index: int) -> bool:
    return not isinstance(index, bool) and index >= 0
