"""The ``molva`` command: reads the command line, loads the one command that it names."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from types import MappingProxyType
from typing import Final

import click
from click.shell_completion import add_completion_class

from cli.context import Session
from cli.failures import CommandFailed, ExitCode, report
from cli.grammar import MolvaGroup
from cli.shells import QuotedBash

add_completion_class(QuotedBash)

COMMANDS: Final = MappingProxyType(
    {
        "init": ("cli.commands.init:init", "Make a profile, or recover an account."),
        "node": ("cli.commands.node:node", "Run, start, stop and watch the node."),
        "contact": ("cli.commands.contact:contact", "Invite, add, verify and block people."),
        "send": ("cli.commands.send:send", "Write to a contact."),
        "inbox": ("cli.commands.inbox:inbox", "Read what has come in."),
        "message": ("cli.commands.message:message", "Find out what became of a message."),
        "credential": (
            "cli.commands.credential:credential",
            "Prove who you are, or check what others prove, without a network.",
        ),
        "peer": ("cli.commands.peer:peer", "Add, remove and ban other nodes."),
        "trust": (
            "cli.commands.trust:trust",
            "Say which issuers you believe, and see how old that knowledge is.",
        ),
        "doctor": ("cli.commands.doctor:doctor", "Find out what works here."),
        "events": ("cli.commands.events:events", "Watch everything as it happens."),
        "completion": ("cli.commands.completion:completion", "Write a script for your shell."),
        "version": ("cli.commands.version:version", "Say which Molva this is."),
    }
)


class RootGroup(MolvaGroup):
    """The group of all commands."""

    lazy = COMMANDS


@click.command(cls=RootGroup, context_settings={"help_option_names": ["-h", "--help"]})
def molva() -> None:
    """Write to people over a mesh that has no server.

    Every command is a client of the node that runs on this device; `molva node start` starts it.

    \b
    Examples:
      molva init --name Alice
      molva node start
      molva contact invite
      molva send bob "See you at noon"
      molva inbox --follow
    """


def run(arguments: Sequence[str] | None, session: Session) -> int:
    """Give the exit code of one invocation, after telling of any failure."""
    try:
        result: object = molva.main(
            args=None if arguments is None else list(arguments),
            prog_name="molva",
            standalone_mode=False,
            obj=session,
        )
    except Exception as exc:
        return report(exc, as_json=session.json)
    finally:
        session.close()
    return result if isinstance(result, int) else int(ExitCode.DONE)


def main() -> None:
    """Run ``molva`` and exit with its code."""
    _fill_closed_streams()
    session = Session()
    if sys.stdout is None:
        closed = (
            "Standard output is closed: nobody could read the answer. Write to /dev/null instead."
        )
        sys.exit(report(CommandFailed(closed, code="environment-fault"), as_json=False))
    code = run(None, session)
    _let_go_of_output()
    sys.exit(code)


def _fill_closed_streams() -> None:
    """Where whoever started us has closed them, read nothing, and tell it to nobody."""
    if sys.stdin is None:
        sys.stdin = os.fdopen(os.open(os.devnull, os.O_RDONLY))
    if sys.stderr is None:
        sys.stderr = os.fdopen(os.open(os.devnull, os.O_WRONLY), "w")


def _let_go_of_output() -> None:
    """Drop what could not be written: Python would try again, and end with a code of its own."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    main()
