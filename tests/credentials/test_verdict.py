"""Status policies, and what a verdict says."""

from __future__ import annotations

from typing import Any

import pytest

from p2p.credentials.policy import AGE_CHECK, CONTRACT, Policy, StatusPolicy
from p2p.credentials.presentation import (
    SdJwtRequest,
    StatusState,
)
from p2p.credentials.status_book import StatusBook
from p2p.credentials.status_list import StatusReader
from p2p.errors import CredentialError
from tests.credentials.attempts import md, sd, trusting
from tests.credentials.issuer import SdJwt, StatusToken
from tests.credentials.pki import (
    AUDIENCE,
    DAY,
    NONCE,
    NOW,
    STATUS_SIGNER,
    VCT,
    World,
    authority,
    leaf,
)

# --- status --------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["jwt", "cwt"])
@pytest.mark.parametrize("bits", [1, 2, 4, 8])
@pytest.mark.parametrize("kind", [sd, md])
def test_both_forms_and_all_widths(world: World, form: str, bits: int, kind: Any) -> None:
    token = getattr(StatusToken(world.status, {7: 1}, bits), form)()
    verified = kind(world, lambda c: c.with_status(6), tokens=[token]).run()
    assert verified.status.state is StatusState.VALID
    assert verified.status.age_s == 3600
    with pytest.raises(CredentialError, match="revoked"):
        kind(world, lambda c: c.with_status(7), tokens=[token]).run()


def test_a_report_refuses_nothing_but_tells(world: World) -> None:
    report = Policy(status=StatusPolicy.REPORT)
    token = StatusToken(world.status, {7: 1, 8: 3, 9: 2}).jwt()
    states = {
        index: sd(world, lambda c, i=index: c.with_status(i), tokens=[token], policy=report)
        .run()
        .status
        for index in (6, 7, 8, 9)
    }
    assert [states[i].state.value for i in (6, 7, 8, 9)] == ["valid", *["revoked"] * 3]
    assert states[8].reason == "its status is 3"
    unknown = sd(world, lambda c: c.with_status(6), policy=report).run().status
    assert (unknown.state, unknown.age_s) == (StatusState.UNKNOWN, None)


def test_no_status_named_is_unknown_but_not_refused(world: World) -> None:
    assert sd(world).run().status.state is StatusState.UNKNOWN


def test_short_lived_credentials_need_no_list(world: World) -> None:
    def bend(case: SdJwt) -> None:
        case.with_status().payload.update(iat=NOW - 100, exp=NOW - 100 + DAY)

    assert sd(world, bend, policy=AGE_CHECK).run().status.state is StatusState.UNKNOWN
    assert sd(world, bend, policy=CONTRACT).run()
    with pytest.raises(CredentialError, match="status is unknown"):
        sd(world, bend).run()


def test_why_a_list_was_not_used_is_told(world: World) -> None:
    attempt = sd(world, lambda c: c.with_status())
    reader = StatusReader(trusting(world.root))
    attempt.book.add_all([b"", StatusToken(world.signer).jwt()], reader, NOW)
    assert len(attempt.book) == 0
    with pytest.raises(CredentialError, match=r"One list was refused: .* not made for"):
        attempt.run()
    attempt.book.add_all([StatusToken(world.status).jwt()], reader, NOW)
    assert attempt.run().status.state is StatusState.VALID


def test_a_memory_outlives_the_book(world: World) -> None:
    class Memory:
        def newest_issue(self, name: str) -> int:
            return NOW

        def remember_issue(self, name: str, issued_at: int) -> None:
            raise AssertionError("nothing to remember")

    with pytest.raises(CredentialError) as caught:
        StatusBook(Memory()).add(
            StatusToken(world.status).jwt(), StatusReader(trusting(world.root)), NOW
        )
    assert caught.value.rule == "status-rollback"


# --- the verdict ---------------------------------------------------------------------------------


def test_the_verdict_says_what_was_trusted_and_how_old_it_is(world: World) -> None:
    verified = sd(world).run()
    assert verified.issuer == "C=UT,CN=Test DS"
    assert verified.trust.anchor == "C=UT,CN=Test IACA"
    assert (verified.trust.source, verified.trust.age_s) == ("pem", 3600)
    assert verified.holder_bound
    assert (verified.format, verified.kind) == ("dc+sd-jwt", VCT)


@pytest.mark.parametrize(
    "request_", [SdJwtRequest("x", NONCE, VCT), SdJwtRequest(AUDIENCE, NONCE, "urn:other")]
)
def test_a_presentation_for_another_purpose_is_refused(world: World, request_: Any) -> None:
    with pytest.raises(CredentialError):
        sd(world, request=request_).run()


@pytest.mark.parametrize(
    ("issuer", "country", "state"),
    [
        ("Other IACA", "ZZ", "unknown"),
        ("Second IACA", "UT", "valid"),
        ("No country", None, "unknown"),
    ],
)
def test_a_status_signer_speaks_for_its_own_country_only(
    world: World, issuer: str, country: str | None, state: str
) -> None:
    """The status signer of another trusted country must not un-revoke what ours revoked."""
    root = authority(issuer, country)
    attempt = sd(
        world,
        lambda c: c.with_status(6),
        trust=trusting(world.root, root),
        policy=Policy(status=StatusPolicy.REPORT),
    )
    signer = leaf(root, "Status", country, usages=(STATUS_SIGNER,))
    attempt.book.add(StatusToken(signer).jwt(), StatusReader(attempt.trust), NOW)
    assert attempt.run().status.state.value == state


def test_a_foreign_list_does_not_displace_ours(world: World) -> None:
    foreign = authority("Other IACA", "ZZ")
    attempt = sd(world, lambda c: c.with_status(7), trust=trusting(world.root, foreign))
    reader = StatusReader(attempt.trust)
    signer = leaf(foreign, "Status", "ZZ", usages=(STATUS_SIGNER,))
    attempt.book.add(StatusToken(signer, {}, issued_at=NOW - 1).jwt(), reader, NOW)
    attempt.book.add(StatusToken(world.status).jwt(), reader, NOW)
    with pytest.raises(CredentialError) as caught:
        attempt.run()
    assert caught.value.rule == "status-revoked"


def test_a_pinned_status_signer(world: World) -> None:
    pinned = leaf(authority("Nobody knows it", "ZZ"), country="ZZ", usages=(STATUS_SIGNER,))
    attempt = sd(world, lambda c: c.with_status(6), trust=trusting(world.root, pinned))
    attempt.book.add(StatusToken(pinned).jwt(), StatusReader(attempt.trust), NOW)
    assert attempt.run().status.state is StatusState.VALID
