"""Exit codes, message states and the tutorial say what the code does."""

from __future__ import annotations

import ast
import re
import shlex
from pathlib import Path

import click
import pytest

from cli.failures import ExitCode
from cli.main import molva
from p2p.control.problem import STATUS_AND_TITLE
from p2p.ports.store import MessageState

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
EXIT_CODES = (DOCS / "reference" / "exit-codes.md").read_text()
STATES = (DOCS / "reference" / "message-states.md").read_text()
SHOWN = [
    (page.relative_to(ROOT), line)
    for page in sorted([ROOT / "README.md", *DOCS.rglob("*.md")])
    if page.exists()
    for line in re.findall(r"^\$ molva (.*)$", page.read_text(), re.M)
]


def test_every_exit_code_is_documented() -> None:
    rows = re.findall(r"^\| (\d+) \|", EXIT_CODES, re.M)
    assert [int(row) for row in rows] == [int(code) for code in ExitCode]


def test_every_code_of_a_failure_is_documented() -> None:
    codes = {"failed"}
    for path in (ROOT / "cli").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "CommandFailed":
                given = [k.value for k in node.keywords if k.arg == "code"] + node.args[2:]
                codes |= {ast.literal_eval(value) for value in given}
    documented = set(re.findall(r"^\| `([a-z-]+)` \|", EXIT_CODES, re.M))
    assert codes <= documented | set(STATUS_AND_TITLE)


def test_every_state_is_documented() -> None:
    for state in MessageState:
        assert f"| `{state.value}` |" in STATES


def test_every_kind_of_history_is_documented() -> None:
    kinds = set(re.findall(r'now_s, "([a-z-]+)", ', _core("outbox.py") + _core("inbox.py")))
    assert {"queued", "carried", "delivered", "expired", "received"} <= kinds
    documented = set(re.findall(r"^\| `([a-z-]+)` \|", STATES.partition("## What `why`")[2], re.M))
    assert documented == kinds


def _core(name: str) -> str:
    return (ROOT / "p2p" / "core" / name).read_text()


@pytest.mark.parametrize(("page", "line"), SHOWN)
def test_a_command_in_the_documentation_is_one(page: Path, line: str) -> None:
    words = shlex.split(line, comments=True)
    words = words[: next((n for n, w in enumerate(words) if w in ("|", ">", "<")), len(words))]
    command: click.Command = molva
    context = click.Context(command, info_name="molva")
    while True:
        try:
            context = command.make_context(context.info_name, words, parent=context.parent)
        except click.BadParameter as exc:
            if re.search(r"does not exist|No such file", exc.message):
                return  # the example's files are not here
            raise
        if not isinstance(command, click.Group):
            return
        name, inner, words = command.resolve_command(
            context, [*context._protected_args, *context.args]
        )
        assert inner is not None, page
        command, context = inner, click.Context(inner, context, name)
