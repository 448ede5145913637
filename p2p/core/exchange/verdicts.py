"""Verdicts: an answer judged by the strict verifier, and how a verdict is kept.

A verdict has the claims that were asked for and that verified, and nothing else: what a holder
shows beyond the question is not kept.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

import msgspec

from p2p.core.exchange.events import RequestState, VerdictView
from p2p.core.exchange.request_book import RequestRecord
from p2p.core.trust.trust import Trust, Use
from p2p.credentials.element_names import WELL_KNOWN_KINDS, flattened, match
from p2p.credentials.encoding import JsonValue
from p2p.credentials.exchange_binding import FORMAT_NAMES, bound_request
from p2p.credentials.issuer import ORGANISATION, TEST_SOURCE
from p2p.credentials.policy import Policy, StatusPolicy
from p2p.credentials.presentation import Claims, ClaimValue, Verified, json_ready
from p2p.credentials.rules import CREDENTIAL_TYPE, refused
from p2p.credentials.verify import verify
from p2p.errors import CredentialError
from p2p.wire.content import CredentialAnswer, CredentialRequest
from p2p.wire.ids import AccountKey

CLOCK_SKEW_S: Final = 300
"""How far the holder's clock may be off: telephones that were offline drift by minutes."""
REQUEST_EXPIRED: Final = "request-expired"
"""In place of a rule: the answer came after the question's time."""
_INTEGER_MAX: Final = 1 << 63
_CODEC: Final = msgspec.json.Decoder(VerdictView)


@dataclass(frozen=True, slots=True)
class OneNonce:
    """The memory of one question's nonce: ``burn`` writes that it has served."""

    burn_once: Callable[[], bool]

    def burn(self, key: str) -> bool:
        """Mark the question as answered, durably; False where it was so already.

        ``key`` names the session that the proof serves; the question's own record stands for it.
        """
        assert key, "a proof serves some session"
        return self.burn_once()


def judge(
    record: RequestRecord,
    answer: CredentialAnswer,
    trust: Trust,
    now_s: float,
    burn_once: Callable[[], bool],
) -> VerdictView:
    """The verdict on an answer to a question of ours; refusals are verdicts too."""
    asked = record.asked()
    kind = FORMAT_NAMES[answer.format], answer.kind
    try:
        if kind not in accepted_kinds(asked):
            raise _not_asked_for(answer.kind)
        verified = verify(
            answer.presentation,
            bound_request(
                *kind, AccountKey(record.verifier), record.context, record.content, asked.nonce
            ),
            trust.store(now_s),
            trust.status_book(),
            int(now_s),
            nonces=OneNonce(burn_once),
            policy=_policy(record, asked, trust, now_s),
        )
    except CredentialError as exc:
        return undecided(RequestState.REFUSED, exc.rule, str(exc), kind, now_s)
    return _verdict(verified, asked.elements, now_s)


def undecided(
    state: RequestState, rule: str, message: str, kind: tuple[str, str], now_s: float
) -> VerdictView:
    """A verdict without claims."""
    return VerdictView(
        state=state,
        rule=rule,
        message=message,
        format=kind[0],
        kind=kind[1],
        issuer="",
        claims=(),
        self_asserted=(),
        missing=(),
        proof="",
        valid_until_s=0,
        status_state="",
        status_reason="",
        status_age_s=None,
        trust_anchor="",
        trust_source="",
        trust_as_of_s=None,
        trust_age_s=None,
        test=False,
        decided_s=now_s,
    )


def accepted_kinds(asked: CredentialRequest) -> tuple[tuple[str, str], ...]:
    """The kinds that will do, each as (format, type)."""
    named = tuple((FORMAT_NAMES[kind.format], kind.name) for kind in asked.kinds)
    return named or WELL_KNOWN_KINDS


def encode_verdict(verdict: VerdictView) -> bytes:
    """A verdict for the store."""
    return msgspec.json.encode(verdict)


def decode_verdict(data: bytes) -> VerdictView:
    """A verdict that we wrote."""
    return _CODEC.decode(data)


def _not_asked_for(kind: str) -> CredentialError:
    return refused(CREDENTIAL_TYPE, f"A credential of {kind!r:.120} was not asked for.")


def shown_value(value: ClaimValue) -> object:
    """A claim's value for people and programs, in what JSON can say."""
    return _plain(json_ready(value))


def _plain(value: JsonValue) -> object:
    match value:
        case bool():
            return value
        case int():
            return value if -_INTEGER_MAX <= value < _INTEGER_MAX else str(value)
        case float():
            return value if math.isfinite(value) else None
        case list():
            return [_plain(item) for item in value]
        case dict():
            return {name: _plain(item) for name, item in value.items()}
        case _:
            return value


def _policy(record: RequestRecord, asked: CredentialRequest, trust: Trust, now_s: float) -> Policy:
    """How strict to be: a holder's proof must be younger than the question it answers."""
    base = trust.policy(Use(record.use), StatusPolicy(record.status))
    age_s = max(0, int(now_s) - asked.made_at_s)
    return replace(base, key_binding_age_max_s=age_s + CLOCK_SKEW_S, clock_skew_s=CLOCK_SKEW_S)


def _verdict(verified: Verified, elements: tuple[str, ...], now_s: float) -> VerdictView:
    claims = _asked_for(verified.claims, elements, verified.format)
    shown = frozenset(name for name, _ in claims)
    return VerdictView(
        state=RequestState.VERIFIED,
        rule="",
        message="",
        format=verified.format,
        kind=verified.kind,
        issuer=verified.issuer,
        claims=claims,
        self_asserted=_asked_for(verified.self_asserted, elements, verified.format),
        missing=tuple(name for name in elements if name not in shown),
        proof=verified.proof.value,
        valid_until_s=verified.valid_until or 0,
        status_state=verified.status.state.value,
        status_reason=verified.status.reason,
        status_age_s=verified.status.age_s,
        trust_anchor=verified.trust.anchor,
        trust_source=verified.trust.source,
        trust_as_of_s=verified.trust.as_of,
        trust_age_s=verified.trust.age_s,
        test=verified.trust.source == TEST_SOURCE or ORGANISATION in verified.issuer,
        decided_s=now_s,
    )


def _asked_for(
    claims: Claims, elements: tuple[str, ...], format_: str
) -> tuple[tuple[str, object], ...]:
    available = flattened(claims, format_)
    found: list[tuple[str, object]] = []
    for name in elements:
        own = match(name, available, format_)
        if own is not None:
            found.append((name, shown_value(available[own])))
    return tuple(found)
