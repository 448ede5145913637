"""What is asked of a person, on a real terminal."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from p2p.core.events import ContactRemoved, ContactVerified
from tests.cli.command_line import RunningNode
from tests.cli.fake_daemon import PASSPHRASE, WORDS
from tests.cli.test_node import DRIVER, ROOT

OWN_TERMINAL = "import fcntl, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); "
"""Makes the terminal that of the process in earnest, so that Ctrl-C is a signal."""


@dataclass
class Dialogue:
    """What a terminal showed, and how the command ended."""

    shown: str
    code: int


def talk(home: Path, arguments: list[str], answers: list[tuple[str, str]]) -> Dialogue:
    """Run a command on a terminal; each answer is typed once its question was shown."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", OWN_TERMINAL + DRIVER, "--home", str(home), *arguments],
        cwd=ROOT,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    try:
        shown = ""
        for question, answer in answers:
            before, _, rest = _read_until(ours, question, shown).partition(question)
            shown = f"{before}{question.upper()}{rest}"
            os.write(ours, answer.encode() + b"\n")
        shown = _read_until(ours, "", shown)
        return Dialogue(shown, process.wait(20))
    finally:
        os.close(ours)
        process.kill()
        process.wait(20)


def _read_until(terminal: int, question: str, shown: str) -> str:
    """Give all that was shown up to and with ``question``; up to the end without one."""
    while not question or question not in shown:
        assert select.select([terminal], [], [], 20)[0], f"no {question!r} in {shown!r}"
        try:
            data = os.read(terminal, 4_096)
        except OSError:
            data = b""
        if not data:
            break
        shown += data.decode()
    return shown


def test_a_new_passphrase_is_asked_twice_and_not_shown(tmp_path: Path) -> None:
    home = tmp_path / "home"
    questions = [("Passphrase for this profile", PASSPHRASE), ("Repeat for", PASSPHRASE)]
    dialogue = talk(home, ["init"], questions)
    assert dialogue.code == 0
    assert PASSPHRASE not in dialogue.shown
    assert WORDS[23] in dialogue.shown
    assert (home / "passphrase").read_text() == PASSPHRASE


def test_two_passphrases_that_differ_are_asked_again(tmp_path: Path) -> None:
    home = tmp_path / "home"
    questions = [
        ("Passphrase for this profile", "one"),
        ("Repeat for", "two"),
        ("Passphrase for this profile", PASSPHRASE),
        ("Repeat for", PASSPHRASE),
    ]
    assert talk(home, ["init"], questions).code == 0
    assert (home / "passphrase").read_text() == PASSPHRASE


def test_recovering_asks_for_the_words(tmp_path: Path) -> None:
    home = tmp_path / "home"
    dialogue = talk(home, ["init", "--recover", "--keyring"], [("The 24 words", " ".join(WORDS))])
    assert dialogue.code == 0


def test_the_foreground_node_gets_the_passphrase_through_a_pipe(tmp_path: Path) -> None:
    home = tmp_path / "home"
    talk(home, ["init"], [("Passphrase for", PASSPHRASE), ("Repeat for", PASSPHRASE)])
    dialogue = talk(home, ["node", "run"], [("Passphrase", "wrong")])
    assert dialogue.code == 1
    assert "The passphrase is wrong." in dialogue.shown
    dialogue = talk(home, ["node", "run"], [("Passphrase", PASSPHRASE), ("ready", "\x03")])
    assert dialogue.code == 0
    assert "ended cleanly" in dialogue.shown


def test_the_background_node_gets_the_passphrase_through_a_pipe(tmp_path: Path) -> None:
    home = tmp_path / "home"
    talk(home, ["init"], [("Passphrase for", PASSPHRASE), ("Repeat for", PASSPHRASE)])
    dialogue = talk(home, ["node", "start"], [("Passphrase", PASSPHRASE)])
    assert dialogue.code == 0, dialogue.shown
    assert talk(home, ["node", "stop"], []).code == 0
    assert PASSPHRASE not in (home / "logs" / "node.log").read_text()


def test_verify_asks_to_compare(running: RunningNode) -> None:
    verify = ["contact", "verify", "bob"]
    assert "Not verified." in talk(running.home, verify, [("same number?", "n")]).shown
    dialogue = talk(running.home, verify, [("same number?", "y")])
    assert dialogue.code == 0
    assert "Verified." in dialogue.shown
    assert [e.verified for e in running.node.handled if isinstance(e, ContactVerified)] == [True]


def test_remove_asks_first(running: RunningNode) -> None:
    remove = ["contact", "remove", "bob"]
    assert talk(running.home, remove, [("all messages?", "n")]).code == 1
    assert not running.node.handled
    assert talk(running.home, remove, [("all messages?", "y")]).code == 0
    assert [type(e) for e in running.node.handled] == [ContactRemoved]


def test_ctrl_c_at_a_question_is_130(tmp_path: Path) -> None:
    dialogue = talk(tmp_path / "home", ["init"], [("Passphrase for this profile", "\x03")])
    assert dialogue.code == 130
    assert "Interrupted." in dialogue.shown
    assert not (tmp_path / "home").exists()


def test_lists_are_tables_on_a_terminal(running: RunningNode) -> None:
    for arguments in (["contact", "list"], ["doctor"], ["inbox"], ["node", "status"]):
        assert talk(running.home, arguments, []).code == 0
