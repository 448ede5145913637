"""Status list tokens, as JWT and as CWT, checked under our own anchors.

Source: draft-ietf-oauth-status-list-20 sections 5, 8.3 and 11. A list that was altered on its
way would let anybody un-revoke a credential, so its signature, subject, lifetime and stream are
checked before a single bit is believed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import msgspec

from p2p.credentials import cbor, limits
from p2p.credentials.cbor import CborMap, Tagged
from p2p.credentials.cose import LABEL_TYPE, SIGN1_TAG, read_message, verify_sign1
from p2p.credentials.cose import certificate_chain as cose_chain
from p2p.credentials.encoding import (
    JsonObject,
    base64url_decode,
    numeric_date,
    require_list_name,
)
from p2p.credentials.jose import Token, read_compact, require_type, verify_token
from p2p.credentials.jose import certificate_chain as jose_chain
from p2p.credentials.keys import SigningKey
from p2p.credentials.rules import (
    CERTIFICATE,
    CLOCK,
    ISSUER_TRUST,
    LENGTH,
    SIGNATURE,
    SIGNATURE_FORM,
    STATUS_EXPIRED,
    STATUS_SIGNATURE,
    STATUS_TOKEN,
    TYPE,
    refused,
)
from p2p.credentials.status_bits import StatusBits
from p2p.credentials.x509_trust import STATUS_SIGNER, Purpose, Signer, TrustStore
from p2p.errors import CredentialError

JWT_TYPE: Final = "statuslist+jwt"
CWT_TYPE: Final = "application/statuslist+cwt"
_WHAT: Final = "The status list"
_SUB, _EXP, _NBF, _IAT, _TTL, _LIST = 2, 4, 5, 6, 65534, 65533
_SIGNATURE_RULES: Final = frozenset(
    rule.name for rule in (ISSUER_TRUST, CERTIFICATE, SIGNATURE, SIGNATURE_FORM)
)


_Check: TypeAlias = Callable[[SigningKey], None]


class StatusList(msgspec.Struct, frozen=True):
    """An authentic status list. Times are seconds since 1970, None where not given.

    ``ttl_s`` is how long the issuer wants copies to be kept before asking again.
    """

    uri: str
    issued_at: int
    expires_at: int | None
    ttl_s: int | None
    bits: StatusBits
    signer: Signer


class _Times(msgspec.Struct, frozen=True):
    issued_at: int
    begins: int | None
    expires_at: int | None
    ttl_s: int | None


@dataclass(frozen=True, slots=True)
class StatusReader:
    """How to check status lists: under which anchors, for which purpose, with which clock skew."""

    trust: TrustStore
    purpose: Purpose = STATUS_SIGNER
    clock_skew_s: int = 60

    def read(self, data: bytes, now: int) -> StatusList:
        """The authentic list in a token of either format.

        A JWT is recognised by its first letter, which no COSE message begins with.

        Raises:
            CredentialError: the rule that does not hold, of the status rules, or of those for
                tokens, encodings and the clock.
        """
        if len(data) > limits.STATUS_TOKEN_SIZE_MAX_BYTES:
            raise refused(LENGTH, f"{_WHAT} has {len(data)} bytes.")
        return self._read_jwt(data, now) if data[:1] == b"e" else self._read_cwt(data, now)

    def _read_jwt(self, data: bytes, now: int) -> StatusList:
        token = read_compact(data.decode("latin-1"), _WHAT)
        require_type(token, JWT_TYPE, _WHAT)
        times = self._current(_jwt_times(token.payload), now)

        def check(key: SigningKey) -> None:
            verify_token(token, key, _WHAT)

        signer = self._signer(jose_chain(token, _WHAT), check, now, times.issued_at)
        self._require_past(times, now)
        uri, bits = _jwt_list(token)
        return StatusList(uri, times.issued_at, times.expires_at, times.ttl_s, bits, signer)

    def _read_cwt(self, data: bytes, now: int) -> StatusList:
        value = cbor.decode(data, _WHAT)
        if not isinstance(value, Tagged) or value.number != SIGN1_TAG:
            raise refused(STATUS_TOKEN, f"{_WHAT} is no JWT and no tagged COSE_Sign1.")
        message = read_message(value, SIGN1_TAG, _WHAT)
        if message.protected.get(LABEL_TYPE) != CWT_TYPE:
            raise refused(TYPE, f"{_WHAT} is not of type {CWT_TYPE!r}.")
        if message.payload is None:
            raise refused(STATUS_TOKEN, f"{_WHAT} has no payload.")
        payload = message.payload
        claims = cbor.decode_map(payload, _WHAT)
        times = self._current(_cwt_times(claims), now)

        def check(key: SigningKey) -> None:
            verify_sign1(message, payload, key, _WHAT)

        signer = self._signer(cose_chain(message, _WHAT), check, now, times.issued_at)
        self._require_past(times, now)
        uri, bits = _cwt_list(claims)
        return StatusList(uri, times.issued_at, times.expires_at, times.ttl_s, bits, signer)

    def _current(self, times: _Times, now: int) -> _Times:
        if times.expires_at is not None and now >= times.expires_at:
            raise refused(STATUS_EXPIRED, f"{_WHAT} has expired.")
        if times.begins is not None and now + self.clock_skew_s < times.begins:
            raise refused(STATUS_EXPIRED, f"{_WHAT} is not valid yet.")
        if times.ttl_s == 0:
            raise refused(STATUS_TOKEN, f"{_WHAT} has a time to live that is none.")
        return times

    def _signer(self, chain: Sequence[bytes], check: _Check, now: int, signed_at: int) -> Signer:
        """The signer that the chain leads to, or without a chain a pinned one that fits."""
        failure = refused(ISSUER_TRUST, "no pinned signer made it.")
        try:
            if chain:
                signer = self.trust.signer(chain, self.purpose, now, signed_at)
                check(signer.key)
                return signer
        except CredentialError as exc:
            raise _status_signature(exc) from exc
        for signer in self.trust.pinned_for(self.purpose, now, signed_at):
            try:
                check(signer.key)
            except CredentialError as exc:
                failure = exc
            else:
                return signer
        raise _status_signature(failure)

    def _require_past(self, times: _Times, now: int) -> None:
        """An authentic list from the future says that our own clock is behind."""
        if now + self.clock_skew_s < times.issued_at:
            raise refused(CLOCK, f"{_WHAT} was signed after the time our clock shows.")


def _status_signature(error: CredentialError) -> CredentialError:
    """A failed chain or signature, under the name that says it was the list's."""
    if error.rule not in _SIGNATURE_RULES:
        return error
    return refused(STATUS_SIGNATURE, f"{_WHAT} is not authentic: {error}")


def _jwt_times(claims: JsonObject) -> _Times:
    issued_at = numeric_date(claims, "iat", _WHAT)
    if issued_at is None:
        raise refused(STATUS_TOKEN, f"{_WHAT} has no time of issue.")
    return _Times(
        issued_at,
        numeric_date(claims, "nbf", _WHAT),
        numeric_date(claims, "exp", _WHAT),
        numeric_date(claims, "ttl", _WHAT),
    )


def _cwt_times(claims: CborMap) -> _Times:
    issued_at = _cwt_number(claims, _IAT, "iat")
    if issued_at is None:
        raise refused(STATUS_TOKEN, f"{_WHAT} has no time of issue.")
    return _Times(
        issued_at,
        _cwt_number(claims, _NBF, "nbf"),
        _cwt_number(claims, _EXP, "exp"),
        _cwt_number(claims, _TTL, "ttl"),
    )


def _cwt_number(claims: CborMap, label: int, name: str) -> int | None:
    """A time or duration in seconds; untagged and possibly a fraction (RFC 8392 section 2)."""
    if label not in claims:
        return None
    value = claims[label]
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1 << 40:
        raise refused(STATUS_TOKEN, f"{_WHAT} has a {name!r} that is no time.")
    return int(value)


def _jwt_list(token: Token) -> tuple[str, StatusBits]:
    match token.payload:
        case {"sub": str() as uri, "status_list": {"bits": int() as bits, "lst": str() as text}}:
            return require_list_name(uri, _WHAT), StatusBits(bits, base64url_decode(text, _WHAT))
        case _:
            raise refused(STATUS_TOKEN, f"{_WHAT} lacks its subject, width or statuses.")


def _cwt_list(claims: CborMap) -> tuple[str, StatusBits]:
    listed = claims.get(_LIST)
    uri = claims.get(_SUB)
    match listed:
        case {"bits": int() as bits, "lst": bytes() as compressed} if isinstance(uri, str):
            return require_list_name(uri, _WHAT), StatusBits(bits, compressed)
        case _:
            raise refused(STATUS_TOKEN, f"{_WHAT} lacks its subject, width or statuses.")
