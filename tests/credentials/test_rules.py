"""The table of rules is complete: every rule has a vector."""

from __future__ import annotations

import json

import pytest

from p2p.credentials import rules
from p2p.credentials.presentation import SdJwtRequest
from p2p.errors import CredentialError
from tests.credentials import (
    test_rules_device,
    test_rules_disclosure,
    test_rules_encoding,
    test_rules_status,
    test_rules_token,
    test_rules_trust,
)
from tests.credentials.attempts import sd
from tests.credentials.pki import (
    AUDIENCE,
    NONCE,
    VCT,
    World,
)
from tests.credentials.vectors import recursive

MODULES = (
    test_rules_token,
    test_rules_trust,
    test_rules_encoding,
    test_rules_disclosure,
    test_rules_device,
    test_rules_status,
)
CASES = [case for module in MODULES for case in module.VECTORS.cases]


def test_every_rule_has_a_vector() -> None:
    assert {each.rule for each in CASES} == set(rules.RULES)
    assert {each.number for each in rules.RULES} == set(range(1, 21))


def test_rule_names_are_stable_and_unique() -> None:
    names = [each.name for each in rules.RULES]
    assert len(set(names)) == len(names)
    assert all(each.sentence.endswith(".") for each in rules.RULES)


def test_nothing_is_burned_by_a_refused_presentation(world: World) -> None:
    attempt = sd(world)
    attempt.request = SdJwtRequest(AUDIENCE, "another", VCT)
    with pytest.raises(CredentialError):
        attempt.run()
    attempt.request = SdJwtRequest(AUDIENCE, NONCE, VCT)
    assert attempt.run().holder_bound


def test_claims_are_exactly_what_was_disclosed(world: World) -> None:
    claims = dict(sd(world, recursive).run().claims)
    assert claims["address"] == {"city": "X", "country": "DE"}
    assert json.dumps(claims).count("_sd") == 0
