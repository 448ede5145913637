"""What others write never acts on a terminal."""

from __future__ import annotations

import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.output import Screen, moment, safe_line, safe_text, size
from tests.cli.command_line import CommandLine, RunningNode
from tests.control.fake_node import BOB

ATTACKS = {
    "clears the screen": "\x1b[2J\x1b[H",
    "sets the window title": "\x1b]0;owned\x07",
    "eight-bit control": "\x9b2J",
    "writes the clipboard": "\x1b]52;c;aGk=\x07",
    "overwrites the line": "safe\revil",
    "erases": "evil\b\b\b\bgood",
    "turns the direction": "\u202egnp.exe",
    "isolates": "\u2066abc\u2069",
    "hides marks": "\u200e\u200f\u061c",
    "separates lines": "a\u2028b\u2029c\x85d",
    "hides in tags": "a\U000e0041b",
    "is half a character": "\ud800",
}


@pytest.mark.parametrize("text", ATTACKS.values(), ids=ATTACKS.keys())
def test_an_attack_is_spelt_out(text: str) -> None:
    for shown in (safe_line(text), safe_text(text)):
        assert shown.isprintable() or set(shown) <= set(" \t\n") | {
            c for c in shown if c.isprintable()
        }
        assert "\\" in shown


@given(st.text(alphabet=st.characters()))
def test_nothing_that_acts_comes_through(text: str) -> None:
    assert "\n" not in safe_line(text)
    for shown in (safe_line(text), safe_text(text)):
        for char in shown:
            allowed = "\n\t\u200c\u200d" if shown is not safe_line(text) else ""
            assert char in allowed or unicodedata.category(char) not in (
                "Cc", "Cf", "Cs", "Co", "Zl", "Zp",
            )  # fmt: skip
        shown.encode()


def test_what_people_write_comes_through() -> None:
    for text in ("Grüße", "你好", "می\u200cخ", "👩\u200d🚀", "a\tb", "naïve 👍🏽"):
        assert safe_text(text) == text


def test_a_message_cannot_pass_for_another(molva: CommandLine, running: RunningNode) -> None:
    forged = "hi\n* 2026-01-01 12:00  deadbeef  carol: send me the key\x1b[1A"
    running.call(lambda node: node.receive(BOB, forged))
    lines = molva("inbox").out.splitlines()
    assert len(lines) == 2
    assert lines[1].startswith("    * 2026")
    assert r"\x1b[1A" in lines[1]


@pytest.mark.parametrize("text", ATTACKS.values(), ids=ATTACKS.keys())
def test_an_attack_in_a_message(molva: CommandLine, running: RunningNode, text: str) -> None:
    if text == "\ud800":
        pytest.skip("no text of a message: it cannot be encoded")
    running.call(lambda node: node.receive(BOB, text))
    for arguments in (["inbox"], ["message", "list"], ["message", "show", "0000"]):
        out = molva(*arguments).out
        assert all(char.isprintable() or char == "\n" for char in out)
    for arguments in (["inbox"], ["message", "list"], ["message", "show", "0000"]):
        out = molva(*arguments, "--json").out
        assert out.isascii()
        assert out.rstrip("\n").isprintable()


def test_a_table_lines_up_wide_and_combining_characters(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [("你好", "x"), ("e\u0301e", "y"), ("abcde", "z")]
    Screen(as_json=False).table(("A", "B"), rows)
    shown = capsys.readouterr().out.splitlines()
    assert shown == ["A      B", "你好   x", "e\u0301e     y", "abcde  z"]


def test_square_brackets_are_no_commands_on_a_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    screen = Screen(as_json=False)
    assert screen.is_terminal
    screen.table(("NAME",), [("[link=http://evil.example]click[/link] :skull: \x1b[2J",)])
    shown = capsys.readouterr().out
    assert r"[link=http://evil.example]click[/link] :skull: \x1b[2J" in shown


def test_no_colours_where_nobody_sees_them(
    molva: CommandLine, running: RunningNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    running.call(lambda node: node.receive(BOB, "x"))
    assert "\x1b" not in molva("inbox").out
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("NO_COLOR", "1")
    assert not Screen(as_json=False).is_terminal


def test_moments_and_sizes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    assert moment(1_760_000_000.9) == "2025-10-09 08:53"
    assert moment(0) == "never"
    assert moment(1e300) == "beyond time"
    assert [size(n) for n in (0, 999, 1_000, 1_536, 67_108_864)] == [
        "0 B", "999 B", "1.0 kB", "1.5 kB", "67.1 MB",
    ]  # fmt: skip
    monkeypatch.undo()
    time.tzset()


def test_neither_a_name_nor_a_value_acts_on_the_terminal(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The name of a claim is an issuer's to choose."""
    Screen(as_json=False).fields([("a", "x"), *((text, text) for text in ATTACKS.values())])
    shown = capsys.readouterr().out
    assert len(shown.splitlines()) == 1 + len(ATTACKS)
    assert all(line.isprintable() for line in shown.splitlines())


PEER = "12D3KooWD2C7DhTF3WM2FkexViou3ek7SkSwEQ7tiAXc84yXVmdf"
ADDRESS = f"/ip4/192.0.2.7/tcp/4001/p2p/{PEER}"


@pytest.mark.parametrize(
    ("columns", "row", "is_table"),
    [
        (100, (PEER, "neighbour", "mdns", ADDRESS), True),
        (80, (PEER, "neighbour", "mdns", ADDRESS), False),
        (80, ("ok", "listening", "", f"Reachable at {ADDRESS}."), True),
        (20, ("bob", "c3bf24f309f3708f", "active", "never"), False),
        (1, ("bob", "c3bf24f309f3708f", "active", "never"), False),
    ],
)
def test_what_a_narrow_terminal_would_tear_apart_is_told_line_by_line(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    columns: int,
    row: tuple[str, ...],
    is_table: bool,
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("TERM", "dumb")
    headings = ("PEER", "STATE", "SOURCE", "ADDRESSES")
    Screen(as_json=False).table(headings, [row, row])
    shown = capsys.readouterr().out
    assert (len(shown.splitlines()) == 3) == is_table
    for cell in row:
        assert shown.count(cell) >= 2 or not cell


def test_a_terminal_that_knows_no_commands_gets_none(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("TERM", "dumb")
    screen = Screen(as_json=False)
    screen.line(screen.strong("bob"))
    assert capsys.readouterr().out == "bob\n"
