"""The pages about credentials say what the code does."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from cli.commands.credential_verify import STATUS_SIGNER, verify
from cli.stateless import bounded_input, trust_folder
from p2p.adapters import verifier_memory
from p2p.core.trust.floor import SHIPPED
from p2p.credentials import limits, request_file, rules
from p2p.credentials.bundle_file import BUNDLE_VERSION, read_bundle
from p2p.credentials.policy import DAY_S, RELEASED_AT, Policy
from p2p.credentials.request_file import read_request
from p2p.credentials.x509_trust import DOCUMENT_SIGNER, STATUS_SIGNER_USAGE

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "reference" / "credential-verify.md").read_text("utf-8")
BUNDLE = (DOCS / "spec" / "credential-bundle.md").read_text("utf-8")
HOME = (DOCS / "spec" / "home.md").read_text("utf-8")


def test_the_table_of_rules_is_the_codes() -> None:
    rows = re.findall(r"^\| `([a-z-]+)` \| (\d+) \| (.*) \|$", PAGE, re.M)
    assert rows == [(rule.name, str(rule.number), rule.sentence) for rule in rules.RULES]


def test_every_option_is_named() -> None:
    for option in verify.params:
        for name in option.opts:
            assert f"`{name}`" in PAGE or name == "file"


def test_the_verdicts_shown_are_verdicts() -> None:
    blocks = re.findall(r"^```json\n(.*?)^```", PAGE, re.M | re.S)
    assert read_request(blocks[0].encode())
    verified, refused = (json.loads(line) for line in blocks[1].splitlines())
    assert list(verified) == [
        "verdict", "format", "issuer", "claims", "self_asserted", "holder_bound", "valid_until",
        "status", "trust",
    ]  # fmt: skip
    assert refused["rule"] in {rule.name for rule in rules.RULES}
    members = {*verified, *refused, *(f"status.{m}" for m in verified["status"])} - {"status"}
    for member in members - {"trust"} | {f"trust.{m}" for m in verified["trust"]}:
        assert f"`{member}`" in PAGE, member


def test_the_limits_are_those_of_the_code() -> None:
    assert limits.PRESENTATION_SIZE_MAX_BYTES == request_file.REQUEST_SIZE_MAX_BYTES == 1 << 20
    token, inflated = limits.STATUS_TOKEN_SIZE_MAX_BYTES, limits.STATUS_INFLATED_MAX_BYTES
    assert f"{token >> 20} MiB, {inflated >> 20} MiB inflated" in PAGE
    listed = limits.TRUST_LIST_SIZE_MAX_BYTES >> 20
    assert f"{trust_folder.FILES_MAX:,} files, {listed} MiB each" in PAGE
    waits = (bounded_input.FILE_WAIT_MAX_S, bounded_input.STANDARD_INPUT_WAIT_MAX_S)
    assert [f"{wait:.0f} seconds" in PAGE for wait in waits] == [True, True]
    assert f"at most {Policy().status_age_max_s // DAY_S} days old" in PAGE
    assert f"up to {Policy().clock_skew_s} seconds before" in PAGE
    for page in (PAGE, HOME):
        assert f"{verifier_memory.KEPT_S // DAY_S} days" in page


@pytest.mark.parametrize(
    "endings", [trust_folder.CERTIFICATES, trust_folder.VICALS, trust_folder.LOTES]
)
def test_every_kind_of_anchor_file_is_named(endings: frozenset[str]) -> None:
    for ending in endings:
        assert f"`{ending}`" in PAGE


def test_one_date_and_one_usage_in_all_places() -> None:
    assert SHIPPED.released_s == RELEASED_AT
    assert STATUS_SIGNER == STATUS_SIGNER_USAGE
    for usage in (DOCUMENT_SIGNER.usage, *sorted(DOCUMENT_SIGNER.also)):
        assert usage in PAGE


def test_the_bundle_shown_is_one() -> None:
    (shown,) = re.findall(r"^```json\n(.*?)^```", BUNDLE, re.M | re.S)
    value = json.loads(shown)
    assert value["molva_credential_bundle"] == BUNDLE_VERSION
    copies = read_bundle(shown.encode())
    assert len(copies) == 2
