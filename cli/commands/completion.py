"""``molva completion``."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from cli.context import Session, pass_session
from cli.failures import CommandFailed
from cli.grammar import MolvaCommand


@click.command(cls=MolvaCommand)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
@pass_session
def completion(session: Session, context: click.Context, shell: str) -> None:
    """Write a script for your shell.

    It completes commands and options, and while the node runs the names of contacts and the ids of
    messages, peers, credentials, questions, and what you trust.

    \b
    Examples:
      molva completion bash > ~/.local/share/bash-completion/completions/molva
      molva completion zsh > ~/.zfunc/_molva
      molva completion fish > ~/.config/fish/completions/molva.fish
    """
    kind = get_completion_class(shell)
    if kind is None:
        raise CommandFailed(f"This version of click cannot complete in {shell}.")
    script = kind(context.find_root().command, {}, "molva", "_MOLVA_COMPLETE").source()
    if session.screen.as_json:
        session.screen.value({"shell": shell, "script": script})
    else:
        session.screen.line(script)
