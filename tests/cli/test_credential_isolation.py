"""A verification opens nothing but what it was given: watched by the interpreter's own audit."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.credentials.issuer import SdJwt, StatusToken
from tests.credentials.mdoc_issuer import Mdoc, openid_transcript
from tests.credentials.pki import AUDIENCE, DOC_TYPE, NONCE, NOW, VCT, b64, moment, new_world, pem

ROOT = Path(__file__).parents[2]
SHARED = ROOT.parent / "shared" / "vectors"
SD_REQUEST = {"format": "dc+sd-jwt", "audience": AUDIENCE, "nonce": NONCE, "vct": VCT}
MDOC_REQUEST = {
    "format": "mso_mdoc",
    "doc_type": DOC_TYPE,
    "session_transcript": b64(openid_transcript()),
}
HINTS = {"jku": "http://127.0.0.1:9/", "x5u": "http://127.0.0.1:9/", "kid": "http://127.0.0.1:9/"}

WATCHER = r"""
import json, os, sys
from cli.context import Session
from cli.main import run

orders = json.load(open(sys.argv[1]))
given = tuple(os.path.realpath(path) for path in orders["given"])
seen = []

def allowed(path):
    if not isinstance(path, (str, bytes, os.PathLike)):
        return True  # a descriptor that is open already
    path = os.path.realpath(os.fsdecode(path))
    return any(path == one or path.startswith(one + os.sep) for one in given)

def watch(event, arguments):
    if event.startswith(("socket.", "urllib.", "subprocess.", "os.exec", "os.posix_spawn",
                         "os.system", "os.fork", "ctypes.", "ftplib", "http.", "smtplib")):
        seen.append([event, repr(arguments)[:200]])
    if event in ("open", "os.listdir", "os.scandir", "sqlite3.connect", "os.remove", "os.rename",
                 "os.mkdir", "os.link", "os.symlink", "os.truncate", "shutil.rmtree"):
        if not allowed(arguments[0]):
            seen.append([event, repr(arguments)[:200]])

sys.stdout = open(os.devnull, "w")
run(orders["runs"][0], Session())  # what a first run imports is not the verification's doing
sys.addaudithook(watch)
codes = [run(arguments, Session()) for arguments in orders["runs"]]
found = list(seen)
open(sys.argv[2], "w").write(json.dumps({"codes": codes, "seen": found}))
"""


def generated() -> Iterator[tuple[bytes, dict[str, Any], int]]:
    """Presentations of our own that give hints about where more could be fetched."""
    world = new_world()
    case = SdJwt(world).with_status()
    case.header |= HINTS
    yield case.build(), SD_REQUEST, NOW
    case.header.pop("x5c")
    yield case.build(), SD_REQUEST, NOW
    case = SdJwt(world)
    case.payload |= {"iss": "http://127.0.0.1:9", "vct#integrity": "sha256-x"}
    case.binding["nonce"] = "another nonce"
    yield case.build(), SD_REQUEST | {"nonce": "another nonce"}, NOW
    document = Mdoc(world).with_status()
    document.issuer_unprotected[35] = "http://127.0.0.1:9/"
    yield document.build(), MDOC_REQUEST, NOW
    document.issuer_unprotected.pop(33)
    yield document.build(), MDOC_REQUEST, NOW
    yield Mdoc(world).build()[:-7], MDOC_REQUEST, NOW
    yield pem(world.root.cert), SD_REQUEST, NOW  # for the anchors' sake
    yield StatusToken(world.status).jwt(), SD_REQUEST, NOW


def shared() -> Iterator[tuple[bytes, dict[str, Any], int]]:
    for vector in json.loads((SHARED / "sd-jwt-vc" / "vectors.json").read_text("utf-8")):
        request = {
            "format": "dc+sd-jwt", "audience": vector["aud"], "nonce": vector["nonce"],
            "vct": vector["vct"], "transaction_data": vector.get("tx") or [],
        }  # fmt: skip
        yield vector["presentation"].encode(), request, vector["now"]
    for vector in json.loads((SHARED / "mdoc" / "vectors.json").read_text("utf-8")):
        text = vector["response"]
        response = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        request = {
            "format": "mso_mdoc", "doc_type": vector["docType"],
            "session_transcript": vector["transcript"],
        }  # fmt: skip
        yield response, request, vector["now"]


def watched(folder: Path, cases: Iterator[tuple[bytes, dict[str, Any], int]]) -> dict[str, Any]:
    """Verify all of them in one process that is watched; give codes and what was opened."""
    runs = []
    for number, (data, request, now) in enumerate(cases):
        (folder / f"{number}.file").write_bytes(data)
        (folder / f"{number}.json").write_text(json.dumps(request))
        runs.append([
            "--home", str(folder / "home"),
            "credential", "verify", str(folder / f"{number}.file"),
            "--request", str(folder / f"{number}.json"),
            "--trust", str(folder / "anchors"), "--status", str(folder / "status"),
            "--at", moment(now).isoformat(),
        ])  # fmt: skip
    orders = {"runs": runs, "given": [str(folder)]}
    (folder / "orders").write_text(json.dumps(orders))
    command = [sys.executable, "-c", WATCHER, str(folder / "orders"), str(folder / "found")]
    subprocess.run(command, check=True, cwd=ROOT, capture_output=True, timeout=120)
    return json.loads((folder / "found").read_text())


def test_generated_presentations_open_nothing_else(tmp_path: Path) -> None:
    cases = list(generated())
    (tmp_path / "anchors").mkdir()
    (tmp_path / "anchors" / "root.pem").write_bytes(cases[-2][0])
    (tmp_path / "status").write_bytes(cases[-1][0])
    found = watched(tmp_path, iter(cases))
    assert found["seen"] == []
    assert found["codes"] == [1, 1, 0, 0, 1, 1, 1, 1]  # the first ran before, and its nonce is used


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared vectors are not here")
def test_shared_presentations_open_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "anchors").mkdir()
    (tmp_path / "anchors" / "iaca.pem").write_bytes((SHARED / "pki" / "iaca.pem").read_bytes())
    (tmp_path / "status").write_bytes((SHARED / "status" / "valid.jwt").read_bytes())
    found = watched(tmp_path, shared())
    assert found["seen"] == []
    assert {0, 1} == set(found["codes"])


def test_the_watcher_sees(tmp_path: Path) -> None:
    """A file outside of what was given is noticed, so that silence means something."""
    (tmp_path / "anchors").mkdir()
    (tmp_path / "status").write_bytes(b"")
    (tmp_path / "anchors" / "root.pem").symlink_to("/etc/hostname")
    found = watched(tmp_path, iter([(b"x", SD_REQUEST, NOW)]))
    assert [event for event, _ in found["seen"]] == ["open"]
