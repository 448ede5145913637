"""``molva credential issue-test``: from nothing to a verified, then a revoked credential."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest

from tests.cli.command_line import CommandLine, Outcome
from tests.credentials.mdoc_issuer import openid_transcript
from tests.credentials.pki import b64

REQUEST = {"format": "dc+sd-jwt", "audience": "shop", "nonce": "n" * 22, "vct": "urn:eudi:pid:1"}
MDOC_REQUEST = {
    "format": "mso_mdoc",
    "doc_type": "org.iso.18013.5.1.mDL",
    "session_transcript": b64(openid_transcript()),
}


class Lab:
    """A folder with an issuer, and short ways to say what is asked of it."""

    def __init__(self, molva: CommandLine, folder: Path) -> None:
        self.molva, self.folder = molva, folder

    def path(self, name: str) -> str:
        return str(self.folder / name)

    def run(self, *arguments: str) -> Outcome:
        return self.molva("credential", "issue-test", *arguments)

    def issue(self, *options: str, out: str = "bundle.json") -> Outcome:
        return self.run("issue", self.path("issuer"), "--out", self.path(out), *options)

    def judge(self, request: Any, *show: str, copy: int = 1, status: str = "") -> Outcome:
        Path(self.path("request.json")).write_text(json.dumps(request))
        shown = [option for name in show for option in ("--show", name)]
        made = self.run(
            "present", self.path("bundle.json"), "--request", self.path("request.json"),
            "--out", self.path("answer"), "--copy", str(copy), *shown,
        )  # fmt: skip
        assert made.code == 0, made.err
        return self.molva(
            "credential", "verify", self.path("answer"), "--request", self.path("request.json"),
            "--trust", self.path("issuer/anchors"), "--stateless", "--json",
            *(["--status", self.path(f"issuer/{status}")] if status else []),
        )  # fmt: skip


@pytest.fixture
def lab(molva: CommandLine, tmp_path: Path) -> Lab:
    made = Lab(molva, tmp_path)
    assert made.run("new", made.path("issuer")).code == 0
    return made


def test_from_nothing_to_a_verdict(lab: Lab) -> None:
    assert lab.issue("--age", "20", "--name", "Erika Maria Mustermann").code == 0
    found = lab.judge(REQUEST, "age_over_18", "family_name")
    assert found.code == 0, found.out
    assert found.json["claims"]["age_equal_or_over"] == {"18": True}
    assert found.json["claims"]["family_name"] == "Mustermann"
    assert "given_name" not in found.json["claims"]
    assert "MOLVA TEST ISSUER - NOT REAL" in found.json["issuer"]
    document = lab.judge(MDOC_REQUEST, "age_over_21", "given_name")
    claims = document.json["claims"]["org.iso.18013.5.1"]
    assert claims == {"age_over_21": False, "given_name": "Erika Maria"}


def test_revoked_and_back(lab: Lab) -> None:
    assert lab.issue("--status", "--copies", "2").code == 0
    for status in ("status.jwt", "status.cwt"):
        assert lab.judge(REQUEST, status=status).json["status"]["state"] == "valid"
    bundle = lab.path("bundle.json")
    told = lab.run("revoke", lab.path("issuer"), bundle, "--copy", "1", "--json")
    assert [Path(path).name for path in told.json["written"]] == ["status.jwt", "status.cwt"]
    for status in ("status.jwt", "status.cwt"):
        assert lab.judge(REQUEST, status=status).json["rule"] == "status-revoked"
    assert lab.judge(REQUEST, copy=2, status="status.jwt").code == 0
    assert lab.run("revoke", lab.path("issuer"), bundle, "--state", "suspended").code == 0
    assert lab.judge(MDOC_REQUEST, copy=2, status="status.cwt").json["rule"] == "status-revoked"
    assert lab.run("revoke", lab.path("issuer"), bundle, "--state", "valid").code == 0
    assert lab.run("status", lab.path("issuer")).code == 0
    assert lab.judge(REQUEST, status="status.jwt").code == 0


def test_nobody_trusts_it_by_itself(lab: Lab) -> None:
    lab.issue()
    lab.run("new", lab.path("other"))
    (lab.folder / "issuer" / "anchors").rename(lab.folder / "anchors")
    (lab.folder / "other" / "anchors").rename(lab.folder / "issuer" / "anchors")
    assert lab.judge(REQUEST).json["rule"] == "issuer-trust"


def test_claims_of_ones_own(lab: Lab) -> None:
    claims = lab.folder / "claims.json"
    claims.write_text('{"org.example.1": {"level": 3}, "org.example.2": {"x": [1, "a"]}}')
    lab.issue("--claims", str(claims), "--format", "mso_mdoc", "--doc-type", "org.example")
    found = lab.judge(MDOC_REQUEST | {"doc_type": "org.example"})
    assert found.json["claims"] == {"org.example.1": {"level": 3}, "org.example.2": {"x": [1, "a"]}}


def test_copies_of_both_formats(lab: Lab) -> None:
    lab.issue("--copies", "3")
    bundle = json.loads((lab.folder / "bundle.json").read_text())
    assert [copy["format"] for copy in bundle["copies"]] == ["dc+sd-jwt"] * 3 + ["mso_mdoc"] * 3


def test_keys_are_the_owners_alone(lab: Lab) -> None:
    lab.issue("--status")
    for path in [*(lab.folder / "issuer").rglob("*"), lab.folder / "bundle.json"]:
        assert not stat.S_IMODE(path.stat().st_mode) & 0o077, path


def test_nothing_is_overwritten(lab: Lab) -> None:
    lab.issue()
    before = (lab.folder / "bundle.json").read_bytes()
    assert lab.issue().code == 1
    assert (lab.folder / "bundle.json").read_bytes() == before
    assert lab.run("new", lab.path("issuer")).code == 1


@pytest.mark.parametrize(
    "options",
    [("--age", "-1"), ("--copies", "0"), ("--format", "jwt"), ("--valid-for", "soon"),
     ("--claims", "/nowhere"), ("--valid-for", "0")],
)  # fmt: skip
def test_orders_that_cannot_be(lab: Lab, options: tuple[str, ...]) -> None:
    assert lab.issue(*options).code == 2
    assert not (lab.folder / "bundle.json").exists()


def test_a_credential_does_not_outlive_its_issuer(lab: Lab) -> None:
    assert lab.issue("--valid-for", "400d").code == 1
    assert lab.run("new", lab.path("other"), "--valid-for", "9999d").code == 1


@pytest.mark.parametrize("text", ["", "[]", '{"exp": 1}', '{"a": 1, "a": 2}'])
def test_claims_that_cannot_be(lab: Lab, text: str) -> None:
    (lab.folder / "claims.json").write_text(text)
    assert lab.issue("--claims", lab.path("claims.json")).code in (1, 2)
    assert not (lab.folder / "bundle.json").exists()


def test_what_is_no_issuer_or_no_bundle(lab: Lab) -> None:
    lab.issue()
    bundle = lab.path("bundle.json")
    (lab.folder / "empty").mkdir()
    assert lab.run("status", lab.path("empty")).code == 1
    assert lab.run("revoke", lab.path("issuer"), bundle).code == 1, "it names no status list"
    assert lab.run("revoke", lab.path("issuer"), lab.path("issuer/root.pem")).code == 2
    (lab.folder / "issuer" / "issuer.json").write_text('{"molva_test_issuer": 2}')
    assert lab.run("status", lab.path("issuer")).code == 1
    (lab.folder / "request.json").write_text(json.dumps(REQUEST))
    options = ("--request", lab.path("request.json"), "--out", lab.path("answer"))
    assert lab.run("present", bundle, *options, "--copy", "2").code == 1
    assert lab.run("present", bundle, *options, "--show", "iris").code == 1
    assert lab.run("present", lab.path("request.json"), *options).code == 2
