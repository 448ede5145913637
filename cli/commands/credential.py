"""``molva credential``: each of its commands is in a module of its own, loaded when asked for."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

import click

from cli.grammar import MolvaGroup

COMMANDS: Final = MappingProxyType(
    {
        "import": ("cli.commands.credential_wallet:import_", "Take credentials into the wallet."),
        "list": ("cli.commands.credential_wallet:list_", "Show the credentials of the wallet."),
        "show": ("cli.commands.credential_wallet:show", "Show what is in one credential."),
        "remove": ("cli.commands.credential_wallet:remove", "Forget a credential and its keys."),
        "request": ("cli.commands.credential_request:request", "Ask somebody to prove something."),
        "verdicts": ("cli.commands.credential_request:verdicts", "Show what became of questions."),
        "collect": ("cli.commands.credential_request:collect", "Take an answer from QR codes."),
        "requests": ("cli.commands.credential_answer:requests", "Show who asks you for what."),
        "answer": ("cli.commands.credential_answer:answer", "Answer a question, or decline it."),
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
      molva credential import erika.json
      molva credential request --age-over 18 --to bob --wait 60s
      molva credential answer 4a5e
      molva credential verify answer.txt --request request.json --trust anchors/
    """
