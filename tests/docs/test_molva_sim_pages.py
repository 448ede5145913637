"""The simulator's reference is what its commands say; the commands that pages show are commands."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest

from simulations.main import COMMANDS, commands
from tools import sim_reference

ROOT = Path(__file__).parents[2]
SHOWN = [
    (str(page.relative_to(ROOT)), line)
    for page in sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
    for line in re.findall(r"^\$ molva-sim (.*)$", page.read_text("utf-8"), re.M)
]


def test_the_reference_is_up_to_date() -> None:
    page = sim_reference.PAGE.read_text("utf-8")
    assert page == sim_reference.render(), "run: make docs"


def test_pages_show_no_other_commands() -> None:
    assert {line.split()[0] for _, line in SHOWN} <= set(COMMANDS)


@pytest.mark.parametrize(("page", "line"), SHOWN)
def test_a_command_in_the_documentation_is_one(page: str, line: str) -> None:
    words = shlex.split(line, comments=True)
    words = words[: next((n for n, w in enumerate(words) if w in ("|", ">", "<")), len(words))]
    context = commands.make_context("molva-sim", words)
    name, command, rest = commands.resolve_command(
        context, [*context._protected_args, *context.args]
    )
    assert command is not None, page
    command.make_context(name, rest, parent=click.Context(commands, info_name="molva-sim"))
