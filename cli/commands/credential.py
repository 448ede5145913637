"""``molva credential``: each of its commands is in a module of its own, loaded when asked for."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

import click

from cli.grammar import MolvaGroup

COMMANDS: Final = MappingProxyType(
    {
        "verify": (
            "cli.commands.credential_verify:verify",
            "Check a presentation from a file; needs no node.",
        ),
        "issue-test": (
            "cli.commands.credential_issue_test:issue_test",
            "Issue test credentials that nobody trusts; needs no node.",
        ),
    }
)


class CredentialGroup(MolvaGroup):
    """The group of all commands about credentials."""

    lazy = COMMANDS


@click.command(cls=CredentialGroup)
def credential() -> None:
    """Prove who you are, or check what others prove, without a network.

    \b
    Examples:
      molva credential verify answer.txt --request request.json --trust anchors/
    """
