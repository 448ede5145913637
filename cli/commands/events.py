"""``molva events``."""

from __future__ import annotations

import click

from cli.context import Session, pass_session
from cli.grammar import MolvaCommand


@click.command(cls=MolvaCommand)
@click.option("--after", default="", metavar="ID", help="Resume after this event; 0 for all known.")
@pass_session
def events(session: Session, after: str) -> None:
    """Watch everything as it happens.

    Each line is one event in JSON, as docs/reference/control-api.md describes them. Ctrl-C ends it.

    \b
    Examples:
      molva events
      molva events --after 0 | jq -r .event
    """
    try:
        with session.client.events(after=after) as stream:
            for event in stream:
                session.screen.value(event)
    except KeyboardInterrupt:
        return
