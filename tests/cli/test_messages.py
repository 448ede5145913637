"""send, inbox, message and events, as a person and as a script sees them."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from p2p.core.events import SendRequested
from p2p.ports.store import Direction, MessageState
from p2p.wire.ids import MessageId
from tests.cli.command_line import CommandLine, RunningNode
from tests.control.fake_node import BOB, FakeNodeApi

ROOT = Path(__file__).parents[2]


def _sent(running: RunningNode) -> list[SendRequested]:
    return [e for e in running.node.handled if isinstance(e, SendRequested)]


def test_send(molva: CommandLine, running: RunningNode) -> None:
    outcome = molva("send", "bob", "See you at noon")
    assert outcome.code == 0
    assert outcome.out == "00000001 to bob: queued: only this device has it\n"
    assert _sent(running)[0].text == "See you at noon"
    assert _sent(running)[0].lifetime_s == 7 * 86_400


@pytest.mark.parametrize("place", [0, 1, 3])
def test_json_is_accepted_anywhere(molva: CommandLine, running: RunningNode, place: int) -> None:
    arguments = ["send", "bob", "hello"]
    arguments.insert(place, "--json")
    outcome = molva(*arguments)
    assert outcome.json["state"] == "queued"
    assert outcome.out.count("\n") == 1


def test_home_is_accepted_anywhere(
    molva: CommandLine, running: RunningNode, tmp_path: Path
) -> None:
    molva.home = tmp_path / "elsewhere"
    home = str(running.home)
    assert molva("inbox").code == 3
    assert molva("--home", home, "message", "list").code == 0
    assert molva("message", "--home", home, "list").code == 0
    assert molva("message", "list", "--home", home).code == 0


def test_send_from_standard_input(molva: CommandLine, running: RunningNode) -> None:
    assert molva("send", "bob", "-", stdin="two\nlines\n").code == 0
    assert _sent(running)[0].text == "two\nlines"


def test_send_with_a_lifetime(molva: CommandLine, running: RunningNode) -> None:
    assert molva("send", "bob", "x", "--lifetime", "90m").code == 0
    assert _sent(running)[0].lifetime_s == 5_400


@pytest.mark.parametrize(
    ("arguments", "stdin", "code", "sentence"),
    [
        (["send", "nobody", "x"], "", 1, "There is no contact 'nobody'."),
        (["send", "carol", "x"], "", 1, "carol's keys are not here yet."),
        (["send", "bob", "x", "--lifetime", "31d"], "", 1, "at most 30 days"),
        (["send", "bob", "x" * 60_001], "", 1, "a message has at most 60000"),
        (["send", "bob", "caf\udce9"], "", 1, "no text in UTF-8"),
        (["send", "caf\udce9", "x"], "", 1, "no text in UTF-8"),
        (["contact", "show", "caf\udce9"], "", 1, "no text in UTF-8"),
        (["send", "bob", "-"], b"\xff\xfe", 1, "no UTF-8"),
        (["send", "bob", "-"], "x" * 1_048_577, 1, "more than any message"),
        (["send", "bob", "-"], "", 2, "the text is empty"),
        (["send", "bob", ""], "", 2, "the text is empty"),
        (["send", "bob"], "", 2, "Missing argument 'TEXT'"),
        (["send"], "", 2, "Missing argument 'CONTACT'"),
        (["send", "bob", "x", "--wait", "soon"], "", 2, "no time: write 30s"),
        (["send", "bob", "x", "--wait", "0"], "", 2, "no time"),
        (["send", "bob", "x", "--wait", "-5s"], "", 2, "no time"),
        (["send", "bob", "x", "--lifetime", "\u0663d"], "", 2, "no time"),
        (["send", "bob", "x", "y"], "", 2, "unexpected extra argument"),
        (["sned", "bob", "x"], "", 2, "No such command 'sned'"),
        (["message", "show", "zz"], "", 1, "is no message id"),
        (["message", "show", "abcdef"], "", 1, "There is no message"),
        (["message", "why", "abcdef"], "", 1, "There is no message"),
        (["message", "list", "--state", "lost"], "", 1, "state must be of"),
        (["message", "list", "--limit", "0"], "", 2, "0 is not in the range"),
        (["message", "list", "--contact", "nobody"], "", 1, "There is no contact"),
        (["message", "show", ""], "", 1, "must not be empty"),
        (["inbox", "--all", "--unread"], "", 2, "Either --all or --unread"),
        (["events", "--after", "x"], "", 1, "is no event id"),
    ],
)
def test_bad_input_has_a_sentence_and_a_code(
    molva: CommandLine,
    running: RunningNode,
    arguments: list[str],
    stdin: str | bytes,
    code: int,
    sentence: str,
) -> None:
    outcome = molva(*arguments, stdin=stdin)
    assert (outcome.code, outcome.out) == (code, "")
    assert sentence in outcome.err
    assert outcome.err.splitlines()[-1].startswith("molva: ")
    failure = molva("--json", *arguments, stdin=stdin).failure
    assert failure["exit_code"] == code
    assert sentence in str(failure["detail"])


def _after_listening(running: RunningNode, change: Callable[[FakeNodeApi], None]) -> None:
    """Have ``change`` happen once somebody listens to the node's events."""

    def watch() -> None:
        while not running.call(lambda node: node.listening):
            pass
        running.call(change)

    threading.Thread(target=watch).start()


def _move(state: MessageState, carriers: int) -> Callable[[FakeNodeApi], None]:
    def change(node: FakeNodeApi) -> None:
        node.move(MessageId(bytes.fromhex("00000001" + "00" * 12)), state, carriers)

    return change


def test_wait_until_delivered(molva: CommandLine, running: RunningNode) -> None:
    _after_listening(running, _move(MessageState.DELIVERED, 1))
    outcome = molva("send", "bob", "x", "--wait", "30s")
    assert outcome.code == 0
    assert outcome.out == "00000001 to bob: delivered\n"


def test_wait_until_the_time_is_up_tells_the_truth(
    molva: CommandLine, running: RunningNode
) -> None:
    _after_listening(running, _move(MessageState.CARRIED, 2))
    outcome = molva("send", "bob", "x", "--wait", "0.3")
    assert outcome.code == 4
    assert outcome.out == "00000001 to bob: carried by 2 other nodes\n"
    assert "Not delivered within 0.3 s: carried by 2 other nodes." in outcome.err
    assert "It stays under way until" in outcome.err


def test_wait_for_what_expires(molva: CommandLine, running: RunningNode) -> None:
    _after_listening(running, _move(MessageState.EXPIRED, 0))
    outcome = molva("send", "bob", "x", "--wait", "30s", "--json")
    assert outcome.code == 1
    assert outcome.json["state"] == "expired"
    assert outcome.failure["detail"] == "It expired before a delivery proof was seen."


def test_wait_survives_a_stream_that_ends(molva: CommandLine, running: RunningNode) -> None:
    def change(node: FakeNodeApi) -> None:
        node.end_streams()
        _move(MessageState.DELIVERED, 1)(node)

    _after_listening(running, change)
    assert molva("send", "bob", "x", "--wait", "30s").code == 0


def test_inbox_shows_and_marks_as_read(molva: CommandLine, running: RunningNode) -> None:
    assert molva("inbox").out == "Nothing has come in yet.\n"
    running.call(lambda node: node.receive(BOB, "first"))
    shown = molva("inbox")
    assert shown.code == 0
    assert shown.out.startswith("* ")
    assert shown.out.endswith("  bob: first\n")
    assert molva("inbox").out.startswith("  ")
    assert molva("inbox", "--unread").out == "Nothing new.\n"


def test_inbox_can_leave_messages_unread(molva: CommandLine, running: RunningNode) -> None:
    running.call(lambda node: node.receive(BOB, "first"))
    for _ in range(2):
        assert molva("inbox", "--unread", "--keep-unread").out.count("first") == 1


def test_inbox_shows_the_newest_or_all(molva: CommandLine, running: RunningNode) -> None:
    running.call(lambda node: [node.receive(BOB, f"text {n}") for n in range(450)])
    newest = molva("inbox", "--json").out.splitlines()
    assert [json.loads(line)["text"] for line in newest] == [f"text {n}" for n in range(430, 450)]
    everything = molva("inbox", "--all", "--json").out.splitlines()
    assert [json.loads(line)["text"] for line in everything] == [f"text {n}" for n in range(450)]


class _Follower:
    """``molva inbox --follow`` in a process of its own, since it has no end."""

    def __init__(self, home: Path, *options: str) -> None:
        command = [sys.executable, "-m", "cli.main", "--home", str(home), "inbox", "--follow"]
        self._process = subprocess.Popen(
            [*command, "--json", *options],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def next_text(self) -> str:
        return json.loads(self._process.stdout.readline())["text"]

    def end(self) -> tuple[str, str, int]:
        self._process.send_signal(2)
        out, err = self._process.communicate(timeout=20)
        return out, err, self._process.returncode


def test_inbox_follows_without_gap_or_repetition(running: RunningNode) -> None:
    running.call(lambda node: node.receive(BOB, "before"))
    follower = _Follower(running.home)
    assert follower.next_text() == "before"
    running.call(lambda node: node.receive(BOB, "one"))
    assert follower.next_text() == "one"
    running.call(lambda node: node.end_streams())
    running.call(lambda node: node.receive(BOB, "while nobody listened"))
    assert follower.next_text() == "while nobody listened"
    running.call(lambda node: node.receive(BOB, "last"))
    assert follower.next_text() == "last"
    out, err, code = follower.end()
    assert (out, err, code) == ("", "", 0)
    rows = running.call(
        lambda node: node.messages.newest_messages(direction=Direction.IN, contact=None, limit=9)
    )
    assert {row.state for row in rows} <= {MessageState.READ, MessageState.RECEIVED}
    assert [row.state for row in rows[:3]] == [MessageState.READ] * 3


def test_following_ends_with_the_node(running: RunningNode) -> None:
    running.call(lambda node: node.receive(BOB, "before"))
    follower = _Follower(running.home, "--unread")
    assert follower.next_text() == "before"
    running.call(lambda node: node.stop())
    process = follower._process
    out, err = process.communicate(timeout=20)
    assert (out, process.returncode) == ("", 3)
    assert json.loads(err)["code"] == "node-not-running"


def test_message_show_why_and_list(molva: CommandLine, running: RunningNode) -> None:
    molva("send", "bob", "first line\nsecond line")
    running.call(_move(MessageState.CARRIED, 1))
    shown = molva("message", "show", "0000")
    assert "state           carried by 1 other node\n" in shown.out
    assert shown.out.endswith("    first line\n    second line\n")
    why = molva("message", "why", "00000001").out
    assert "queued   written here" in why
    assert "carried  1 carriers" in why
    assert [e["kind"] for e in molva("message", "why", "0000", "--json").json["history"]] == [
        "queued", "carried",
    ]  # fmt: skip
    running.call(lambda node: node.receive(BOB, "x" * 50))
    listed = molva("message", "list").out.splitlines()
    assert listed[0].split() == ["ID", "WHEN", "WITH", "STATE", "TEXT"]
    assert r"first line\nsecond line" in listed[1]
    assert "from bob" in listed[2]
    assert listed[2].endswith("x" * 39 + "…")
    outgoing = molva("message", "list", "--direction", "out", "--state", "carried", "--json")
    assert len(outgoing.json["messages"]) == 1
    assert molva("message", "list", "--state", "expired").out == "No messages.\n"


def test_events_are_lines_of_json(running: RunningNode) -> None:
    running.call(lambda node: node.receive(BOB, "x"))
    command = [sys.executable, "-m", "cli.main", "--home", str(running.home), "events", "--after"]
    with subprocess.Popen([*command, "0"], cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        lines = [json.loads(process.stdout.readline()) for _ in range(2)]
        assert [line["event"] for line in lines] == ["stream.opened", "message.received"]
        process.send_signal(2)
        assert process.wait(20) == 0


def test_a_reader_that_leaves_is_no_fault(running: RunningNode) -> None:
    running.call(lambda node: [node.receive(BOB, "x" * 1_000) for _ in range(300)])
    command = [sys.executable, "-m", "cli.main", "--home", str(running.home), "inbox", "--all"]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(20) == 1
