"""contact, peer and doctor."""

from __future__ import annotations

import pytest

from p2p.core.events import ContactVerified
from p2p.node.api import Check
from tests.cli.command_line import CommandLine, RunningNode
from tests.control.fake_node import BOB, CAROL, SAFETY_NUMBER, contact_view

ADDRESS = "/ip4/192.0.2.7/tcp/4001/p2p/12D3KooWDave"


def test_invite(molva: CommandLine, running: RunningNode) -> None:
    first = molva("contact", "invite")
    assert (first.code, first.out) == (0, "molva:1:LONG1\n")
    assert "For one person, until" in first.err
    assert molva("contact", "invite", "--short").out == "molva:1:SHORT2\n"
    assert molva("contact", "invite", "--json").json["short_link"] == "molva:1:SHORT3"


def test_invite_as_a_qr_code(molva: CommandLine, running: RunningNode) -> None:
    outcome = molva("contact", "invite", "--qr")
    *drawing, link = outcome.out.rstrip("\n").split("\n")
    assert link == "molva:1:SHORT1"
    assert len(drawing) > 10
    assert any("\u2584" in line or "\u2580" in line for line in drawing)


def test_add_list_show(molva: CommandLine, running: RunningNode) -> None:
    added = molva("contact", "add", "molva:1:abc", "--name", "dave smith")
    assert added.code == 0
    assert added.out.startswith("dave smith is a contact now (waiting).\n")
    assert added.out.endswith("molva contact verify 'dave smith'\n")
    piped = molva("contact", "add", "-", "--name", "erin", "--json", stdin="molva:1:xyz\n")
    assert piped.json["name"] == "erin"
    lines = molva("contact", "list").out.splitlines()
    assert lines[0].split("  ")[0] == "NAME"
    assert [line.split()[0] for line in lines[1:]] == ["bob", "carol", "dave", "erin"]
    shown = molva("contact", "show", BOB.hex()[:8]).out
    assert f"safety number  {SAFETY_NUMBER}\n" in shown
    assert f"account key    {BOB.hex()}\n" in shown


def test_no_contacts_yet(molva: CommandLine, running: RunningNode) -> None:
    running.call(lambda node: node._contacts.clear())
    assert molva("contact", "list").out == "No contacts yet. Begin with: molva contact invite\n"


def _verified(running: RunningNode) -> list[bool]:
    return [e.verified for e in running.node.handled if isinstance(e, ContactVerified)]


def test_verify_without_a_terminal_marks_nothing(molva: CommandLine, running: RunningNode) -> None:
    outcome = molva("contact", "verify", "bob", stdin="y\n")
    assert outcome.code == 0
    assert SAFETY_NUMBER in outcome.out
    assert outcome.out.endswith("Not verified.\n")
    assert molva("contact", "verify", "bob", "--json").json["safety_number"] == SAFETY_NUMBER
    assert _verified(running) == []


def test_verify_yes_and_withdraw(molva: CommandLine, running: RunningNode) -> None:
    assert molva("contact", "verify", "bob", "--yes").out.endswith("\nVerified.\n")
    assert "active, verified" in molva("contact", "list").out
    assert molva("contact", "verify", "bob", "--withdraw").out.endswith("\nNot verified.\n")
    assert _verified(running) == [True, False]


def test_block_unblock_rename_remove(molva: CommandLine, running: RunningNode) -> None:
    assert molva("contact", "block", "bob").out == "bob is blocked.\n"
    assert "active, blocked" in molva("contact", "show", "bob").out
    assert molva("contact", "unblock", "bob").out == "bob may write again.\n"
    assert molva("contact", "rename", "bob", "Robert").out == "Robert is the name now.\n"
    assert molva("contact", "remove", "Robert", "--yes").code == 0
    assert molva("contact", "show", "Robert").code == 1


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["contact", "add", "molva:1:abc"], 2, "Missing option '--name'"),
        (["contact", "add", "molva:1:abc", "--name", ""], 2, "The name is empty."),
        (["contact", "add", "-", "--name", "x"], 2, "The link is empty."),
        (["contact", "add", "m" * 20_000, "--name", "x"], 2, "longer than any invite"),
        (["contact", "add", "https://example.org", "--name", "x"], 1, "This is no Molva link"),
        (["contact", "add", "molva:1:abc", "--name", "bob"], 1, "There is a contact 'bob'"),
        (["contact", "add", "molva:1:abc", "--name", "a\x1b[2J"], 1, "control characters"),
        (["contact", "show", "nobody"], 1, "There is no contact 'nobody'."),
        (["contact", "verify", "bob", "--yes", "--withdraw"], 2, "Either --yes or --withdraw"),
        (["contact", "verify", "nobody", "--yes"], 1, "There is no contact"),
        (["contact", "block", "nobody"], 1, "There is no contact"),
        (["contact", "unblock", "nobody"], 1, "There is no contact"),
        (["contact", "rename", "bob", " "], 2, "The name is empty."),
        (["contact", "rename", "nobody", "x"], 1, "There is no contact"),
        (["contact", "remove", "bob"], 2, "no terminal to ask on: use --yes"),
        (["contact", "remove", "nobody", "--yes"], 1, "There is no contact"),
        (["contact"], 2, ""),
        (["peer", "add", "somewhere"], 1, "is no multiaddress with a peer id"),
        (["peer", "add", ""], 1, "The address is empty."),
        (["contact", "rename", "bob", "b" * 65], 1, "The name must have at most 64 characters."),
        (["peer", "remove", "12D3KooWNobody"], 1, "There is no peer"),
        (["peer", "ban"], 2, "Missing argument 'PEER_ID'"),
    ],
)
def test_bad_input_has_a_sentence_and_a_code(
    molva: CommandLine,
    running: RunningNode,
    arguments: list[str],
    code: int,
    sentence: str,
) -> None:
    outcome = molva(*arguments)
    assert outcome.code == code
    assert sentence in outcome.err
    assert "\x1b" not in outcome.err


def test_peers(molva: CommandLine, running: RunningNode) -> None:
    assert "No peers yet." in molva("peer", "list").out
    added = molva("peer", "add", ADDRESS).out
    assert added.startswith("Peer 12D3KooWDave: waiting until ")
    assert added.endswith("Last error: connection refused\n")
    assert molva("peer", "add", ADDRESS, "--json").json["state"] == "waiting"
    assert ADDRESS in molva("peer", "list").out
    assert "is banned" in molva("peer", "ban", "12D3KooWDave").out
    assert "banned" in molva("peer", "list").out
    assert molva("peer", "remove", "12D3KooWDave", "--json").json["done"] == "removed"


def test_doctor(molva: CommandLine, running: RunningNode) -> None:
    outcome = molva("doctor")
    assert outcome.code == 0
    assert outcome.out.splitlines()[1].split() == [
        "ok", "clock", "The", "clock", "agrees", "with", "2", "neighbours.",
    ]  # fmt: skip

    def break_disk(node: object) -> None:
        node.checks = [Check("disk", "failed", "No room.")]

    running.call(break_disk)
    assert molva("doctor").code == 1
    assert molva("doctor", "--json").json["checks"][0]["outcome"] == "failed"


@pytest.mark.parametrize(
    "arguments",
    [
        ["send", "bob", "x"], ["inbox"], ["inbox", "--follow"], ["message", "show", "abcd"],
        ["message", "why", "abcd"], ["message", "list"], ["contact", "invite"],
        ["contact", "add", "molva:1:a", "--name", "b"], ["contact", "list"],
        ["contact", "show", "bob"], ["contact", "verify", "bob"], ["contact", "block", "bob"],
        ["contact", "unblock", "bob"], ["contact", "rename", "bob", "rob"],
        ["contact", "remove", "bob", "--yes"], ["peer", "list"], ["peer", "add", ADDRESS],
        ["peer", "remove", "x"], ["peer", "ban", "x"], ["doctor"], ["events"],
        ["node", "status"], ["node", "stop"],
    ],
)  # fmt: skip
def test_without_a_node_the_code_is_3(molva: CommandLine, arguments: list[str]) -> None:
    outcome = molva(*arguments)
    assert (outcome.code, outcome.out) == (3, "")
    assert outcome.err == "molva: The node is not running: molva node start\n"
    assert molva(*arguments, "--json").failure["code"] == "node-not-running"


def test_a_contact_that_suggests_an_evil_name(molva: CommandLine, running: RunningNode) -> None:
    evil = contact_view(CAROL, "carol", suggested_name="\x1b]0;pwned\x07\u202ebob\n*  bob")

    def put(node: object) -> None:
        node._contacts[CAROL] = evil

    running.call(put)
    for arguments in (["contact", "list"], ["contact", "show", "carol"]):
        out = molva(*arguments).out
        assert r"\x1b]0;pwned\x07\u202ebob\n*  bob" in out
        assert not set("\x1b\x07\u202e") & set(out)
    assert molva("contact", "list", "--json").out.isascii()
