"""What completes references: what the node knows, and nothing where none answers."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from click.shell_completion import CompletionItem, ShellComplete

from cli.context import Session
from cli.main import molva as command
from cli.shells import QuotedBash
from p2p.control.socket_path import socket_path
from tests.cli.command_line import CommandLine, RunningNode
from tests.control.fake_node import BOB
from tests.control.fake_trust import ROOT, STATUS, TRUSTED, VICAL


def items(home: Path, *words: str) -> list[CompletionItem]:
    """Complete the last word."""
    session = Session(home_option=str(home))
    try:
        shell = ShellComplete(command, {"obj": session}, "molva", "_MOLVA_COMPLETE")
        return shell.get_completions(list(words[:-1]), words[-1])
    finally:
        session.close()


def completed(home: Path, *words: str) -> list[str]:
    return [item.value for item in items(home, *words)]


@pytest.fixture
def home(running: RunningNode) -> Path:
    running.call(lambda node: setattr(node, "trusted", TRUSTED))
    return running.home


LISTS = [VICAL.ref[:16], STATUS.ref[:16]]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("trust", "remove", ""), ["Utopia", *LISTS]),
        (("trust", "remove", "U"), ["Utopia"]),
        (("trust", "remove", "7a7a"), [ROOT.ref[:16]]),
        (("trust", "remove", ROOT.ref[:20]), [ROOT.ref]),
        (("trust", "remove", "x"), []),
        (("trust", "import-vical", "f", "--root", ""), ["Utopia", "all"]),
        (("credential", "show", ""), ["c1edc1ed"]),
        (("credential", "remove", "c1edc1edc"), ["c1ed" * 8]),
        (("credential", "answer", ""), ["4a5e4a5e"]),
        (("credential", "answer", "4a5e", "--credential", "c"), ["c1edc1ed"]),
        (("credential", "verdicts", ""), ["a5cea5ce"]),
        (("send", ""), ["bob", "carol"]),
        (("send", "b0b0"), [BOB.hex()]),
    ],
)
def test_what_is_known_completes(home: Path, words: tuple[str, ...], expected: list[str]) -> None:
    assert completed(home, *words) == expected
    assert completed(home.parent / "nothing-runs-here", *words) == []


def test_messages_and_peers_complete(home: Path, molva: CommandLine) -> None:
    (id_,) = [molva("send", "bob", "hello", "--json").json["id"]]
    assert isinstance(id_, str)
    (message,) = items(home, "message", "why", id_[:3])
    assert (message.value, message.help) == (id_[:8], "bob, queued: only this device has it")
    peer = molva("peer", "add", "/ip4/192.0.2.7/tcp/4001/p2p/12D3KooWOther", "--json").json
    assert completed(home, "peer", "ban", "12D") == [peer["peer_id"]]


def test_an_anchor_whose_label_another_one_has_goes_by_its_ref(
    home: Path, running: RunningNode
) -> None:
    twin = replace(ROOT, ref="7b" * 32)
    trusted = replace(TRUSTED, anchors=(ROOT, twin), lists=())
    running.call(lambda node: setattr(node, "trusted", trusted))
    assert completed(home, "trust", "remove", "") == [ROOT.ref[:16], twin.ref[:16]]


def test_what_others_wrote_does_not_act_on_the_terminal(home: Path, running: RunningNode) -> None:
    mallory = replace(ROOT, label="x\x1b[2J", name="CN=a\x1b]0;b\x07\nplain\n_")
    trusted = replace(TRUSTED, anchors=(mallory,), lists=())
    running.call(lambda node: setattr(node, "trusted", trusted))
    (item,) = items(home, "trust", "remove", "")
    assert item.value == ROOT.ref[:16]
    assert item.help == "CN=a\\x1b]0;b\\x07\\nplain\\n_"


def test_a_node_that_does_not_answer_completes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cli.references.WAIT_MAX_S", 0.1)
    path = socket_path(tmp_path.resolve(), os.getuid())
    path.parent.mkdir(mode=0o700)
    try:
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(str(path))
            listening.listen()
            assert completed(tmp_path, "send", "") == []
    finally:
        shutil.rmtree(path.parent)


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")
@pytest.mark.parametrize(
    "name",
    ["Bob Smith", "a;b", "$(touch here)", "`x`", "x*", "ø-1", "a\\b", "O'Hara", '"q"', "a,b"],
)
def test_bash_reads_back_the_word_that_was_completed(
    name: str, home: Path, molva: CommandLine, tmp_path: Path
) -> None:
    assert molva("contact", "rename", "bob", name).code == 0
    (item,) = items(home, "send", name[0])
    shell = QuotedBash(command, {}, "molva", "_MOLVA_COMPLETE")
    answers = tmp_path / "answers"
    answers.write_text(f"#!/bin/sh\ncat <<'END'\n{shell.format_completion(item)}\nEND\n")
    answers.chmod(0o755)
    (folder := tmp_path / "empty").mkdir()
    complete = f'{shell.source()}\n_molva_completion {answers}\neval "printf %s ${{COMPREPLY[0]}}"'
    done = subprocess.run(
        ["bash", "-c", complete], cwd=folder, capture_output=True, text=True, check=True
    )
    assert (done.stdout, done.stderr) == (name, "")
    assert not list(folder.iterdir())


def test_files_are_left_to_bash() -> None:
    file = CompletionItem("", type="file")
    assert QuotedBash(command, {}, "molva", "").format_completion(file) == "file,"
