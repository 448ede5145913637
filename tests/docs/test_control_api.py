"""The control API's page is whole and true: its examples run, its tables are the code's."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pytest

from p2p.control import http, schema, server
from p2p.control.problem import STATUS_AND_TITLE
from p2p.control.routes import ENDPOINTS
from p2p.core.events import SendRequested
from p2p.node.api import PeerView
from p2p.node.subscribers import REMEMBERED_MAX, SUBSCRIBERS_MAX
from p2p.ports.store import Direction, MessageState
from p2p.wire.ids import MessageId, PeerId
from tests.cli.command_line import RunningNode, running_node
from tests.control.fake_node import BOB, FakeNodeApi

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "reference" / "control-api.md").read_text()
SECTIONS = dict(re.findall(r"^### `([A-Z]+ /v1[^`]*)`\n(.*?)(?=^##)", TEXT + "\n## ", re.M | re.S))
CURL = re.compile(r"^curl (?:[^\n]*\\\n)*[^\n]*$", re.M)
OVER_SOCKET = [command for command in CURL.findall(TEXT) if "--unix-socket" in command]
ANSWERS = (
    schema.Problem,
    schema.Message,
    schema.BatchAnswer,
    schema.Contact,
    schema.Invite,
    schema.Peer,
    schema.Status,
)


def _named(name: str) -> str:
    return f"`{name}`"


def test_every_endpoint_has_its_section_and_no_other() -> None:
    assert sorted(SECTIONS) == sorted(f"{e.method} {e.path}" for e in ENDPOINTS)


@pytest.mark.parametrize("name", SECTIONS)
def test_a_section_has_an_example_and_its_errors(name: str) -> None:
    method, path = name.split()
    (example,) = CURL.findall(SECTIONS[name])
    pattern = re.sub(r"\{\w+\}", r"[\\w.~%-]+", path)
    assert re.search(rf"http://localhost{pattern}($|[ '?\n])", example)
    given = re.search(r"-X ([A-Z]+)", example)
    sent = given[1] if given else ("POST" if "-d " in example else "GET")
    assert sent == method
    assert "Errors: " in SECTIONS[name]


def test_every_code_is_in_the_table_with_its_status() -> None:
    table = TEXT.partition("## Errors")[2].partition("\n## ")[0]
    found: dict[str, set[int]] = {}
    for codes, statuses in re.findall(r"^\| (`[^|]+`) \| ([\d, ]+) \|", table, re.M):
        for code in re.findall(r"`([^`]+)`", codes):
            found.setdefault(code, set()).update(int(s) for s in statuses.split(", "))
    assert set(found) == set(STATUS_AND_TITLE)
    for code, (status, _) in STATUS_AND_TITLE.items():
        assert status in found[code], code


def test_errors_that_sections_name_are_codes() -> None:
    for section in SECTIONS.values():
        for errors in re.findall(r"Errors?: ([^.]*)", section):
            for code in re.findall(r"`([a-z]+-[a-z-]+)`", errors):
                assert code in STATUS_AND_TITLE


def test_every_event_is_in_the_table() -> None:
    table = SECTIONS["GET /v1/events"]
    rows = dict(re.findall(r"^\| `([a-z.]+)` \| (.*) \|$", table, re.M))
    assert set(rows) == set(schema.EVENT_NAMES)
    members = set(schema.Event.__struct_fields__) - {"event", "id", "at_s"}
    assert members <= set(re.findall(r"`(\w+)`", " ".join(rows.values())))


@pytest.mark.parametrize(
    "kind",
    [
        value
        for value in vars(schema).values()
        if isinstance(value, type) and issubclass(value, msgspec.Struct)
        if value not in (msgspec.Struct, schema.InitAnswer)
    ],
)
def test_every_member_is_named(kind: type[msgspec.Struct]) -> None:
    for member in kind.__struct_fields__:
        assert _named(member) in TEXT or f'"{member}":' in TEXT, member


def test_the_answers_shown_are_answers() -> None:
    blocks = re.findall(r"^```json\n(.*?)^```", TEXT, re.M | re.S)
    for block, kind in zip(blocks, ANSWERS, strict=True):
        value = msgspec.json.decode(block.encode(), type=kind)
        assert msgspec.to_builtins(value) == json.loads(block)


def test_the_limits_are_those_of_the_code() -> None:
    table = TEXT.partition("\n## Limits")[2]
    limits = dict(re.findall(r"^\| ([^|]+) \| ([^|]+) \|$", table, re.M))
    assert limits["a request's body"] == f"{schema.REQUEST_SIZE_MAX_BYTES // 1_048_576} MiB"
    assert limits["a request's head"] == f"{http.HEAD_SIZE_MAX_BYTES // 1_024} KiB"
    assert limits["messages in a batch"] == str(schema.BATCH_MAX)
    assert limits["messages in a page"] == str(schema.PAGE_MAX)
    assert limits["ids in `read`"] == f"{schema.READ_MAX:,}"
    assert limits["connections"] == str(server.CONNECTIONS_MAX)
    assert limits["event streams"] == str(SUBSCRIBERS_MAX)
    assert limits["a request, from its first byte to its last"] == f"{http.REQUEST_WAIT_S:.0f} s"
    assert limits["a client that does not read"].startswith(f"{http.WRITE_WAIT_S:.0f} s")
    assert f"({REMEMBERED_MAX:,} events)" in TEXT


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
@pytest.mark.parametrize("command", OVER_SOCKET)
def test_an_example_runs_as_it_stands(tmp_path: Path, command: str) -> None:
    settings = re.search(r"^J=.*$", TEXT, re.M)
    assert settings is not None
    path = tmp_path / "control" / "molva.sock"
    script = f"S={path}\n{settings[0]}\n{command} -w '\\n%{{http_code}}'"
    with running_node(tmp_path) as node:
        node.call(_put_what_examples_name)
        done = subprocess.run(
            ["sh", "-c", script], capture_output=True, text=True, timeout=20, check=False
        )
    body, _, status = done.stdout.rpartition("\n")
    assert status.startswith("2"), body
    if "/events" in command:
        assert "event: message.received" in body
    else:
        json.loads(body)


def _put_what_examples_name(node: FakeNodeApi) -> None:
    node.receive(BOB, "hello", MessageId(bytes.fromhex("3f2a91c04be74d5f8a6bd0c2e9f71a35")))
    peer = PeerId("12D3KooWBob")
    node._peers[peer] = PeerView(peer, (), "manual", "known", 0.0, "")


def test_the_bot_answers_everybody_once(tmp_path: Path) -> None:
    code = re.findall(r"^```python\n(.*?)^```", TEXT, re.M | re.S)[0]
    assert code.count("\n") <= 36
    with running_node(tmp_path) as node:
        node.call(lambda n: n.receive(BOB, "before"))
        path = tmp_path / "control" / "molva.sock"
        code = re.sub(r"^SOCKET = .*$", f"SOCKET = {str(path)!r}", code, flags=re.M)
        with subprocess.Popen([sys.executable, "-c", code]) as bot:
            _wait_for_answers(node, ["You wrote 6 characters."])
            node.call(lambda n: n.receive(BOB, "while it runs"))
            _wait_for_answers(node, ["You wrote 6 characters.", "You wrote 13 characters."])
            bot.kill()
        unread = node.call(
            lambda n: n.messages.messages(
                direction=Direction.IN,
                contact=None,
                states=(MessageState.RECEIVED,),
                after_order=0,
                limit=9,
            )
        )
        assert len(unread) <= 1


def _wait_for_answers(node: RunningNode, texts: list[str]) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        sent = node.call(lambda n: [e.text for e in n.handled if isinstance(e, SendRequested)])
        if sent == texts:
            return
    raise AssertionError(sent)
