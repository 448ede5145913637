"""Write ``docs/reference/cli.md`` out of what every ``molva`` command says with ``--help``."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import click

from cli.main import molva

PAGE = Path(__file__).parents[1] / "docs" / "reference" / "cli.md"
WIDTH = 90
HEAD = """# Command line reference

Every `molva` command with its options, as `--help` prints them. This page is generated: `make docs`
writes it, and a test holds it to the code.
"""


def _commands(command: click.Command, context: click.Context) -> Iterator[click.Context]:
    """Give the context of a command and of everything below it, in the order of its help."""
    yield context
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            if inner is not None and not inner.hidden:
                below = click.Context(
                    inner, context, name, terminal_width=WIDTH, max_content_width=WIDTH
                )
                yield from _commands(inner, below)


def render(program: click.Group = molva, name: str = "molva", head: str = HEAD) -> str:
    """Give the page of a program."""
    root = click.Context(
        program,
        None,
        name,
        terminal_width=WIDTH,
        max_content_width=WIDTH,
        help_option_names=["-h", "--help"],
    )
    parts = [head]
    for context in _commands(program, root):
        help_text = "\n".join(line.rstrip() for line in context.get_help().splitlines())
        parts.append(f"## `{context.command_path}`\n\n```text\n{help_text}\n```\n")
    return "\n".join(parts)


def main() -> int:
    """Write the page."""
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(render(), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
