"""``molva credential verify``: exit codes, members, and what it does with every bad input."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from p2p.credentials import limits
from tests.cli.command_line import CommandLine, Outcome
from tests.credentials.issuer import SdJwt, StatusToken
from tests.credentials.mdoc_issuer import Mdoc, openid_transcript
from tests.credentials.pki import (
    AUDIENCE,
    DAY,
    DOC_TYPE,
    NONCE,
    NOW,
    VCT,
    World,
    authority,
    b64,
    der,
    leaf,
    moment,
    new_world,
    pem,
)
from tests.credentials.test_trust_lists import lote

AT = moment(NOW).isoformat()
MEMBERS = [
    "verdict", "format", "issuer", "claims", "self_asserted", "holder_bound", "valid_until",
    "status", "trust",
]  # fmt: skip
SD_REQUEST = {"format": "dc+sd-jwt", "audience": AUDIENCE, "nonce": NONCE, "vct": VCT}
MDOC_REQUEST = {
    "format": "mso_mdoc",
    "doc_type": DOC_TYPE,
    "session_transcript": b64(openid_transcript()),
}


@dataclass
class Desk:
    """A verifier's desk: a folder with a request, anchors and what a holder gave."""

    molva: CommandLine
    folder: Path
    world: World

    def write(self, name: str, data: bytes | str | dict[str, Any]) -> str:
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        if isinstance(data, dict):
            data = json.dumps(data)
        path.write_bytes(data.encode() if isinstance(data, str) else data)
        return str(path)

    def verify(
        self,
        presentation: bytes | str,
        *options: str,
        request: Any = SD_REQUEST,
        at: str = AT,
        stdin: bytes = b"",
    ) -> Outcome:
        file = (
            presentation
            if isinstance(presentation, str)
            else self.write("presentation", presentation)
        )
        self.write("anchors/root.pem", pem(self.world.root.cert))
        return self.molva(
            "credential", "verify", file,
            "--request", self.write("request.json", request),
            "--trust", str(self.folder / "anchors"),
            *(["--at", at] if at else []),
            *options,
            stdin=stdin,
        )  # fmt: skip


@pytest.fixture(scope="module")
def made() -> World:
    return new_world()


@pytest.fixture
def desk(molva: CommandLine, tmp_path: Path, made: World) -> Desk:
    molva.home = tmp_path / "home"
    return Desk(molva, tmp_path, made)


def test_a_verified_sd_jwt(desk: Desk) -> None:
    found = desk.verify(SdJwt(desk.world).build(), "--json", "--stateless")
    assert (found.code, found.err) == (0, "")
    assert list(found.json) == MEMBERS
    assert found.json["verdict"] == "verified"
    assert found.json["format"] == "dc+sd-jwt"
    assert found.json["issuer"] == "C=UT,CN=Test DS"
    assert found.json["claims"]["given_name"] == "Ava"
    assert found.json["self_asserted"] == {}
    assert found.json["holder_bound"] is True
    assert found.json["valid_until"] == moment(NOW + 10 * DAY).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert found.json["status"] == {"state": "unknown", "age_s": None}
    assert list(found.json["trust"]) == ["anchor", "as_of", "age_s"]
    assert found.json["trust"]["anchor"] == "C=UT,CN=Test IACA"
    assert not desk.molva.home.exists()


def test_a_verified_mdoc_with_its_status(desk: Desk) -> None:
    status = desk.write("list.cwt", StatusToken(desk.world.status).cwt())
    data = Mdoc(desk.world).with_status().build()
    found = desk.verify(data, "--json", "--status", status, request=MDOC_REQUEST)
    assert (found.code, found.err) == (0, "")
    assert list(found.json) == MEMBERS
    assert found.json["status"] == {"state": "valid", "age_s": 3600}
    claims = found.json["claims"]["org.iso.18013.5.1"]
    assert claims["birth_date"] == "1990-05-17"
    assert claims["portrait"] == b64(b"\xff\xd8 no real image")


def test_an_mdoc_as_the_text_that_openid4vp_hands_over(desk: Desk) -> None:
    data = Mdoc(desk.world).build()
    text = b64(data).encode()
    for written in (text, b"\n" + text + b"==\n"):
        found = desk.verify(written, "--json", "--stateless", request=MDOC_REQUEST)
        assert (found.code, found.json["verdict"]) == (0, "verified")
    for bad, rule in (
        (b64(data[:-3]).encode(), "length"),
        (text + b"+", "encoding"),
        (text[:99] + b"\n" + text[99:], "encoding"),
        (b64(text).encode(), "trailing-bytes"),
        (b"", "length"),
        (b" \n", "trailing-bytes"),
    ):
        found = desk.verify(bad, "--json", "--stateless", request=MDOC_REQUEST)
        assert (found.code, found.json.get("rule")) == (1, rule), bad[:20]


def test_a_refused_one_shows_its_rule_and_no_claims(desk: Desk) -> None:
    data = SdJwt(desk.world).build()
    found = desk.verify(data, "--json", request=SD_REQUEST | {"nonce": "another"})
    assert (found.code, found.err) == (1, "")
    assert list(found.json) == ["verdict", "rule", "message"]
    assert (found.json["verdict"], found.json["rule"]) == ("refused", "nonce")
    assert "Ava" not in found.out
    again = desk.verify(data, "--json")
    assert again.code == 0, "a refused presentation burns nothing"


def test_a_nonce_serves_once(desk: Desk) -> None:
    data = SdJwt(desk.world).build()
    assert desk.verify(data).code == 0
    used = desk.verify(data, "--json")
    assert (used.code, used.json["rule"]) == (1, "nonce-used")
    assert desk.verify(data, "--stateless").code == 0


def test_a_verdict_in_words(desk: Desk) -> None:
    def bend(case: SdJwt) -> None:
        case.payload["_sd"].append(case.hide("s", "nick", "a\x1b[2Jb\u202ec"))

    case = SdJwt(desk.world).with_status(7)
    bend(case)
    status = desk.write("list.jwt", StatusToken(desk.world.status).jwt() + b"\r\n")
    found = desk.verify(case.build(), "--status", status, "--status-policy", "report")
    assert found.code == 0
    assert found.out.startswith("Verified, but it is REVOKED")
    assert "list 60 minutes old" in found.out
    assert "given_name" in found.out
    assert "cnf" not in found.out
    assert "\x1b" not in found.out
    assert "\u202e" not in found.out
    refused = desk.verify(case.build(), "--status", status)
    assert refused.code == 1
    assert refused.out.startswith("Refused.")
    assert "(rule status-revoked)" in refused.out


def test_self_asserted_elements_are_told_apart(desk: Desk) -> None:
    case = Mdoc(desk.world)
    case.asserted = {"org.iso.18013.5.1": {"nick": float("nan"), "map": {1: "a"}}}
    case.device_info["keyAuthorizations"] = {"nameSpaces": ["org.iso.18013.5.1"]}
    found = desk.verify(case.build(), "--stateless", request=MDOC_REQUEST)
    assert "nobody else" in found.out
    as_json = desk.verify(case.build(), "--stateless", "--json", request=MDOC_REQUEST)
    assert as_json.json["self_asserted"]["org.iso.18013.5.1"] == {"nick": None, "map": {"1": "a"}}


@pytest.mark.parametrize("around", [b"\n", b"\r\n", b"  \t\n"])
def test_white_space_around_the_text(desk: Desk, around: bytes) -> None:
    data = around + SdJwt(desk.world).build() + around
    assert desk.verify(data, "--stateless").code == 0


def test_standard_input(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    reading, writing = os.pipe()
    os.write(writing, SdJwt(desk.world).build())
    os.close(writing)
    kept = os.dup(0)
    os.dup2(reading, 0)
    try:
        found = desk.verify("-", "--stateless")
    finally:
        os.dup2(kept, 0)
        os.close(kept)
        os.close(reading)
    assert found.code == 0, found.err


# --- hostile files -------------------------------------------------------------------------------


def test_a_device_without_end(desk: Desk) -> None:
    for request in (SD_REQUEST, MDOC_REQUEST):
        found = desk.verify("/dev/zero", "--json", request=request)
        assert (found.code, found.json["rule"]) == (1, "length")


def test_too_large_a_file(desk: Desk) -> None:
    path = desk.folder / "large"
    with path.open("wb") as file:
        file.truncate(1 << 40)
    found = desk.verify(str(path), "--json")
    assert (found.code, found.json["rule"]) == (1, "length")
    just = desk.verify(bytes(limits.PRESENTATION_SIZE_MAX_BYTES + 1), "--json")
    assert (just.code, just.json["rule"]) == (1, "length")


@pytest.mark.parametrize("data", [b"", b"\xff", b"{}", b"~", b"\xa0"])
@pytest.mark.parametrize("request_", [SD_REQUEST, MDOC_REQUEST], ids=["sd-jwt", "mdoc"])
def test_what_is_no_presentation(desk: Desk, data: bytes, request_: Any) -> None:
    found = desk.verify(data, "--json", request=request_)
    assert (found.code, found.json["verdict"], found.err) == (1, "refused", "")


def test_hostile_status_files_are_noted(desk: Desk) -> None:
    data = SdJwt(desk.world).with_status().build()
    bad = desk.write("bad.jwt", b"no token")
    good = desk.write("good.jwt", StatusToken(desk.world.status).jwt())
    found = desk.verify(data, "--json", "--stateless", "--status", bad, "--status", good)
    assert found.code == 0
    assert "note: A status list is not used" in found.err
    alone = desk.verify(data, "--json", "--stateless", "--status", "/dev/zero")
    assert (alone.code, alone.json["rule"]) == (1, "length")
    reported = desk.verify(
        data, "--json", "--stateless", "--status", bad, "--status-policy", "report"
    )
    assert reported.json["status"] == {"state": "unknown", "age_s": None}


def test_the_rule_that_a_given_list_broke_is_named(desk: Desk) -> None:
    data = SdJwt(desk.world).with_status().build()
    tokens = {
        "status-signature": StatusToken(desk.world.signer),
        "status-expired": StatusToken(desk.world.status, changes={"exp": NOW}),
        "status-bits": StatusToken(desk.world.status, bits=3),
    }
    for rule, token in tokens.items():
        status = desk.write("list.jwt", token.jwt())
        found = desk.verify(data, "--json", "--stateless", "--status", status)
        assert (found.code, found.json["rule"]) == (1, rule)
    other = desk.write("list.jwt", StatusToken(desk.world.status, uri="https://other").jwt())
    found = desk.verify(data, "--json", "--stateless", "--status", other)
    assert found.json["rule"] == "status-unknown"


def test_an_older_list_is_refused_across_runs(desk: Desk) -> None:
    first, second = (SdJwt(desk.world).with_status() for _ in range(2))
    new = desk.write("new.jwt", StatusToken(desk.world.status).jwt())
    old = desk.write("old.jwt", StatusToken(desk.world.status, issued_at=NOW - 7200).jwt())
    assert desk.verify(first.build(), "--status", new).code == 0
    found = desk.verify(second.build(), "--json", "--status", old)
    assert (found.code, found.json["rule"]) == (1, "status-rollback")


def test_another_usage_of_status_signers(desk: Desk) -> None:
    signer = leaf(desk.world.root, usages=("1.2.3.4",))
    status = desk.write("list.jwt", StatusToken(signer).jwt())
    data = SdJwt(desk.world).with_status().build()
    options = ("--json", "--stateless", "--status", status)
    assert desk.verify(data, *options).json["rule"] == "status-signature"
    assert desk.verify(data, *options, "--status-signer-eku", "1.2.3.4").code == 0


# --- our own mistakes ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "at",
    ["now", "2026-11-21", "2026-11-21T12:00:00", "2026-13-01T00:00:00Z", "1969-01-01T00:00:00Z",
     "2026-11-21T12:00:00+99:00", "9999999999"],
)  # fmt: skip
def test_a_time_that_is_none(desk: Desk, at: str) -> None:
    found = desk.verify(SdJwt(desk.world).build(), "--json", at=at)
    assert (found.code, found.failure["code"]) == (2, "usage")
    assert found.out == ""


@pytest.mark.parametrize("at", ["2026-11-21T12:00:00z", "2026-11-21T13:00:00.25+01:00"])
def test_a_time_in_another_spelling(desk: Desk, at: str) -> None:
    assert desk.verify(SdJwt(desk.world).build(), "--stateless", at=at).code == 0


@pytest.mark.parametrize(
    "request_",
    ["", "[]", "{}", "\xff", {"format": "jwt_vc"}, {**SD_REQUEST, "nonce": 5},
     {**SD_REQUEST, "transaction_data": ["%%"]}, {**MDOC_REQUEST, "session_transcript": "gA"},
     {**MDOC_REQUEST, "session_transcript": "!"}, " " * (1 << 21)],
    ids=range(10),
)  # fmt: skip
def test_a_request_that_is_none(desk: Desk, request_: Any) -> None:
    found = desk.verify(SdJwt(desk.world).build(), "--json", request=request_)
    assert (found.code, found.out) == (2, "")


def test_files_that_are_not_there(desk: Desk) -> None:
    assert desk.verify(str(desk.folder / "nothing")).code == 2
    assert desk.verify(str(desk.folder)).code == 2
    assert desk.molva("credential", "verify").code == 2
    data = SdJwt(desk.world).build()
    assert desk.verify(data, "--status", str(desk.folder / "nothing")).code == 2
    assert desk.verify(data, "--status-signer-eku", "docsign").code == 2


def test_a_memory_that_cannot_be_used_shows_no_verdict(desk: Desk) -> None:
    desk.molva.home.mkdir(mode=0o700)
    (desk.molva.home / "verifier.db").write_bytes(b"x" * 5000)
    (desk.molva.home / "verifier.db").chmod(0o600)
    found = desk.verify(SdJwt(desk.world).build(), "--json")
    assert (found.code, found.out) == (1, "")
    assert found.failure["code"] == "store-damaged"


# --- the folder of anchors -----------------------------------------------------------------------


def test_no_anchor_at_all(desk: Desk) -> None:
    (desk.folder / "none").mkdir()
    data = SdJwt(desk.world).build()
    for write in ((), ("none/note.txt",), ("none/broken.pem",)):
        for name in write:
            desk.write(name, b"nothing")
        found = desk.verify(data, "--trust", str(desk.folder / "none"))
        assert found.code == 2
        assert "no trust anchor" in found.err
    assert "broken.pem is not used" in found.err


def test_every_form_of_certificate(desk: Desk) -> None:
    root = authority("Another")
    signer = leaf(root)
    data = SdJwt(desk.world).with_signer(signer).build()
    assert desk.verify(data, "--json", "--stateless").json["rule"] == "issuer-trust"
    for name, form in (
        ("a.crt", pem(root.cert)),
        ("a.cer", der(root.cert)),
        ("a.DER", der(root.cert)),
    ):
        path = desk.write(f"anchors/{name}", form)
        assert desk.verify(data, "--stateless").code == 0, name
        Path(path).unlink()


def test_what_cannot_be_used_is_noted(desk: Desk) -> None:
    names = ["x.pem", "x.der", "x.vical", "x.json", "x.jwt", "README", ".hidden"]
    for name in names:
        desk.write(f"anchors/{name}", b"-----BEGIN nothing")
    (desk.folder / "anchors" / "folder.pem").mkdir()
    os.mkfifo(desk.folder / "anchors" / "pipe.crt")
    found = desk.verify(SdJwt(desk.world).build(), "--stateless")
    assert found.code == 0
    for name in [*names, "folder.pem", "pipe.crt"]:
        assert f"note: {name} is not used: " in found.err


def test_a_failure_is_the_last_line_after_the_notes(desk: Desk) -> None:
    (desk.folder / "empty").mkdir()
    desk.write("empty/x.pem", b"-----BEGIN nothing")
    empty = str(desk.folder / "empty")
    data = SdJwt(desk.world).build()
    found = desk.verify(data, "--stateless", "--json", "--trust", empty)
    assert (found.code, found.out) == (2, "")
    note, failure = found.err.splitlines()
    assert note.startswith("note: x.pem is not used: ")
    assert json.loads(failure)["code"] == "usage"


def test_of_two_issues_of_a_list_the_newer_one_counts(desk: Desk) -> None:
    """An issuer that the newer one dropped is not believed, whatever the files are called."""
    dropped, publisher = authority("Dropped"), authority("Publisher")
    desk.write("anchors/publisher.pem", pem(publisher.cert))
    data = SdJwt(desk.world).with_signer(leaf(dropped)).build()
    maker = leaf(publisher, usages=("0.4.0.2231.3.0",))
    old = lote(dropped, maker)
    desk.write("anchors/b.json", old)
    assert desk.verify(data, "--stateless").code == 0
    for name in ("a.json", "c.json"):
        desk.write(f"anchors/{name}", lote(authority(), maker, scheme={"LoTESequenceNumber": 4}))
        found = desk.verify(data, "--stateless", "--json")
        assert found.json["rule"] == "issuer-trust"
        assert f"note: b.json is not used: {name} is a newer issue of this list." in found.err
        (desk.folder / "anchors" / name).unlink()
    desk.write("anchors/a.json", lote(authority(), maker, scheme={"LoTEType": "another list"}))
    assert desk.verify(data, "--stateless").code == 0


def test_the_issuers_own_root_beside_its_token_is_nothing(desk: Desk) -> None:
    evil = authority("Test IACA")
    signer = leaf(evil, above=[evil.cert])
    found = desk.verify(SdJwt(desk.world).with_signer(signer).build(), "--json")
    assert found.json["rule"] == "issuer-trust"


# --- what it loads -------------------------------------------------------------------------------


def test_help_loads_no_cryptography() -> None:
    code = (
        "import sys; before = set(sys.modules);"  # coverage, where it watches, has its own
        "from cli.main import run; from cli.context import Session;"
        "run(['credential', 'verify', '--help'], Session());"
        "print(sorted({m.split('.')[0] for m in {*sys.modules} - before}), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    for heavy in ("cryptography", "libp2p", "trio", "nacl", "sqlite3", "p2p"):
        assert f"'{heavy}'" not in done.stderr


def test_verifying_loads_no_network(desk: Desk) -> None:
    code = (
        "import sys; from cli.main import run; from cli.context import Session;"
        "code = run(sys.argv[1:], Session());"
        "print(code, sorted({m.split('.')[0] for m in sys.modules}), file=sys.stderr)"
    )
    desk.verify(SdJwt(desk.world).build(), "--stateless")
    command = [
        "credential", "verify", str(desk.folder / "presentation"),
        "--request", str(desk.folder / "request.json"), "--trust", str(desk.folder / "anchors"),
        "--at", AT, "--stateless",
    ]  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", code, *command], capture_output=True, text=True, check=True
    )
    assert done.stderr.startswith("0 ")
    for heavy in ("libp2p", "trio", "zeroconf", "nacl", "sqlcipher3"):
        assert f"'{heavy}'" not in done.stderr
