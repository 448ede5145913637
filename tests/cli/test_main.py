"""The command as a whole: help, laziness, completion, and ends that nobody planned."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from cli.context import Session
from cli.main import COMMANDS, molva, run
from p2p.errors import StoreDamaged
from tests.cli.command_line import CommandLine, RunningNode

ROOT = Path(__file__).parents[2]


def commands(command: click.Command, path: str = "molva") -> Iterator[tuple[str, click.Command]]:
    """Give every command with its full name."""
    yield path, command
    if isinstance(command, click.Group):
        context = click.Context(command, info_name=path)
        for name in command.list_commands(context):
            child = command.get_command(context, name)
            assert child is not None
            yield from commands(child, f"{path} {name}")


ALL = dict(commands(molva))


@pytest.mark.parametrize("name", ALL)
def test_every_help_has_an_example_that_parses(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([*name.split()[1:], "--help"], Session()) == 0
    shown = capsys.readouterr().out
    _, _, examples = shown.partition("  Example")
    lines = [line.strip() for line in examples.splitlines()[1:]]
    example = next(line for line in lines if f"{name} " in line or line.endswith(name))
    assert "--json" in shown
    assert "--home DIR" in shown
    assert example


def test_the_summaries_are_those_of_the_commands() -> None:
    context = click.Context(molva)
    for name, (_, summary) in COMMANDS.items():
        command = molva.get_command(context, name)
        assert command is not None
        assert command.help.split("\n")[0] == summary
        assert command.name == name


def _modules_after(*arguments: str) -> set[str]:
    code = (
        "import sys; from cli.main import run; from cli.context import Session; "
        "run(sys.argv[1:], Session()); print('\\n'.join(sys.modules), file=sys.stderr)"
    )
    command = [sys.executable, "-c", code, *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return set(done.stderr.split())


def test_help_imports_next_to_nothing() -> None:
    loaded = _modules_after("--help")
    assert not loaded & {"msgspec", "rich", "http.client", "httpx", "p2p", "segno", "trio"}


def test_a_command_imports_no_part_of_the_node(running: RunningNode) -> None:
    loaded = _modules_after("--home", str(running.home), "inbox")
    assert "p2p.control.client" in loaded
    assert not loaded & {"trio", "h11", "httpx", "rich", "libp2p", "nacl", "p2p.core", "p2p.node"}


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts(molva: CommandLine, shell: str) -> None:
    outcome = molva("completion", shell)
    assert outcome.code == 0
    assert f"_MOLVA_COMPLETE={shell}_complete" in outcome.out
    assert molva("completion", shell, "--json").json["script"].strip() == outcome.out.strip()


def _complete(home: Path, *words: str) -> list[str]:
    environment = os.environ | {
        "_MOLVA_COMPLETE": "bash_complete",
        "COMP_WORDS": " ".join(["molva", *words]),
        "COMP_CWORD": str(len(words)),
        "MOLVA_HOME": str(home),
    }
    command = [sys.executable, "-m", "cli.main"]
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
    return [line.partition(",")[2] for line in done.stdout.splitlines() if line]


def test_completion_of_commands_and_contacts(running: RunningNode, tmp_path: Path) -> None:
    assert _complete(running.home, "con") == ["contact"]
    assert "verify" in _complete(running.home, "contact", "v")
    assert _complete(running.home, "send", "b") == ["bob"]
    assert _complete(tmp_path / "nothing-runs-here", "send", "b") == []


def test_a_bug_is_not_taken_for_a_refusal(
    molva: CommandLine, running: RunningNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cli.output.Screen.line", lambda _self, _text: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        molva("inbox")


def test_a_failure_of_the_world_is_a_sentence(
    molva: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_client: object) -> None:
        raise StoreDamaged("It is\x1b[2J damaged.")

    monkeypatch.setattr("p2p.control.client.ControlClient.contacts", fail)
    outcome = molva("contact", "list")
    assert (outcome.code, outcome.err) == (1, "molva: It is\\x1b[2J damaged.\n")
    assert molva("contact", "list", "--json").failure["code"] == "store-damaged"


def test_where_the_home_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("MOLVA_HOME", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", "relative/is/ignored")
    assert Session().home == tmp_path / ".local" / "share" / "molva"
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    assert Session().home == tmp_path / "data" / "molva"
    monkeypatch.setenv("MOLVA_HOME", "~/mine")
    assert Session().home == tmp_path / "mine"
    assert Session(home_option=str(tmp_path / "option")).home == tmp_path / "option"


def test_a_missing_choice_is_one_sentence(molva: CommandLine) -> None:
    outcome = molva("completion")
    assert outcome.err.endswith(
        "Missing argument '{bash|zsh|fish}'. Choose from: bash, zsh, fish\n"
    )


def _molva_in_a_shell(line: str, home: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "MOLVA_HOME": str(home)}
    command = ["sh", "-c", f'"$0" -m cli.main {line}', sys.executable]
    return subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no full device here")
@pytest.mark.parametrize("words", ["--help", "inbox", "node status --json", "contact list"])
def test_an_answer_that_cannot_be_written_is_a_sentence(running: RunningNode, words: str) -> None:
    done = _molva_in_a_shell(f"{words} >/dev/full", running.home)
    assert done.returncode == 1
    assert "No space left on device" in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("line", "code", "told"),
    [
        ("inbox >&-", 1, "Standard output is closed"),
        ("send bob - <&-", 2, "There is nothing to send"),
        ("contact add - --name x <&-", 2, "The link is empty"),
        ("inbox 2>&-", 0, ""),
        ("nope 2>&-", 2, ""),
    ],
)
def test_closed_streams_end_in_no_traceback(
    running: RunningNode, line: str, code: int, told: str
) -> None:
    done = _molva_in_a_shell(line, running.home)
    assert done.returncode == code
    assert told in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no full device here")
def test_a_failure_that_cannot_be_told_keeps_its_exit_code(tmp_path: Path) -> None:
    assert _molva_in_a_shell("nope 2>/dev/full", tmp_path).returncode == 2


@pytest.mark.parametrize("group", [[], ["node"], ["credential", "issue-test"]])
def test_without_a_command_the_commands_are_shown_as_they_are(
    molva: CommandLine, group: list[str]
) -> None:
    shown = molva(*group, "--help").out
    outcome = molva(*group)
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err == f"{shown}molva: Missing command.\n"


@pytest.mark.parametrize("name", ["~nobody-of-this-name/x", "circle"])
@pytest.mark.parametrize("words", [["inbox"], ["init", "--no-passphrase"], ["node", "logs"]])
def test_a_home_that_leads_nowhere_is_a_sentence(
    molva: CommandLine, tmp_path: Path, name: str, words: list[str]
) -> None:
    (tmp_path / "circle").symlink_to("circle")
    home = name if name.startswith("~") else str(tmp_path / name)
    outcome = molva(*words, "--home", home)
    assert outcome.code == 2
    assert "leads nowhere" in outcome.err
